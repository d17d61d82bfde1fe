"""Lemmas that several rules rest on: products and signs, ends of intervals, exp, softmax, the margin."""

from __future__ import annotations

import z3

from verifier.lemmas.statements import Claim, Lemma, dot, exp, exp_above_line, exp_adds, least, use, vector

# Signs and order


def product_of_nonnegatives() -> Claim:
    """If a >= 0 and b >= 0, then a b >= 0."""
    a, b = z3.Reals("a b")
    return Claim([a >= 0, b >= 0], [a * b >= 0])


def product_of_positives() -> Claim:
    """If a > 0 and b > 0, then a b > 0."""
    a, b = z3.Reals("a b")
    return Claim([a > 0, b > 0], [a * b > 0])


def product_keeps_order() -> Claim:
    """If w >= 0 and b <= c, then w b <= w c."""
    w, b, c = z3.Reals("w b c")
    return Claim([w >= 0, b <= c], [w * b <= w * c])


def product_keeps_order_strictly() -> Claim:
    """If w > 0 and b < c, then w b < w c."""
    w, b, c = z3.Reals("w b c")
    return Claim([w > 0, b < c], [w * b < w * c])


def square_is_nonnegative() -> Claim:
    """a^2 >= 0."""
    a = z3.Real("a")
    return Claim([], [a * a >= 0])


def square_keeps_order() -> Claim:
    """If 0 <= a <= b, then a^2 <= b^2."""
    a, b = z3.Reals("a b")
    return Claim([a >= 0, a <= b], [a * a <= b * b])


def square_tells_order() -> Claim:
    """If a^2 <= b^2 and b >= 0, then a <= b and -a <= b: a root rounded up is an upper bound."""
    a, b = z3.Reals("a b")
    return Claim([b >= 0, a * a <= b * b], [a <= b, -a <= b])


# Ends of intervals


def product_range() -> Claim:
    """A product w b with w0 <= w <= w1 and b known is at least the lesser of w0 b and w1 b."""
    w, low, high, b = z3.Reals("w w0 w1 b")
    return Claim([low <= w, w <= high], [w * b >= least(low * b, high * b)])


def affine_ends() -> Claim:
    """An affine function that is positive at both ends of an interval is positive on all of it."""
    c0, c1, y, low, high = z3.Reals("c0 c1 y y0 y1")
    return Claim([low <= y, y <= high, c0 + c1 * low > 0, c0 + c1 * high > 0], [c0 + c1 * y > 0])


def concave_ends() -> Claim:
    """A minimum of affine functions that is positive at both ends of an interval is positive on all of it."""
    (c0, c1), (d0, d1), (y, low, high) = vector("c", 2), vector("d", 2), z3.Reals("y y_low y_high")

    def value(at: z3.ArithRef) -> z3.ArithRef:
        return least(c0 + c1 * at, d0 + d1 * at)

    lines = [use(affine_ends, c0=a, c1=b, y=y, y0=low, y1=high) for a, b in ((c0, c1), (d0, d1))]
    return Claim([low <= y, y <= high, value(low) > 0, value(high) > 0], [value(y) > 0], lines)


# exp


def exp_positive() -> Claim:
    """exp(0) = 1, and exp(x) > 0."""
    x = z3.Real("x")
    axioms = [exp_adds(x, -x, 0), exp_adds(x / 2, x / 2, x), exp_adds(z3.RealVal(0), z3.RealVal(0), 0), exp_above_line(0)]
    return Claim([], [exp(0) == 1, exp(x) > 0], axioms=axioms)


def exp_increasing() -> Claim:
    """If x <= y, then exp(x) <= exp(y)."""
    x, y = z3.Reals("x y")
    helped = [use(exp_positive, x=x), use(product_keeps_order, w=exp(x), b=1, c=exp(y - x))]
    return Claim([x <= y], [exp(x) <= exp(y)], helped, [exp_adds(x, y - x, y), exp_above_line(y - x)])


def exp_lower_by_squaring() -> Claim:
    """exp(x) is at least (1 + x/2)^2 for x > -2, and at least (1 + x/4)^4 for x > -4."""
    x = z3.Real("x")
    half, quarter = x / 2, x / 4
    once, twice = 1 + half, (1 + quarter) * (1 + quarter)
    helped = [
        use(square_keeps_order, a=once, b=exp(half)),
        use(square_keeps_order, a=1 + quarter, b=exp(quarter)),
        use(square_keeps_order, a=twice, b=exp(half)),
        use(product_of_nonnegatives, a=1 + quarter, b=1 + quarter),
    ]
    axioms = [exp_adds(half, half, x), exp_adds(quarter, quarter, half), exp_above_line(half), exp_above_line(quarter)]
    conclusions = [z3.Implies(x > -2, once * once <= exp(x)), z3.Implies(x > -4, twice * twice <= exp(x))]
    return Claim([], conclusions, helped, axioms)


def exp_upper_by_squaring() -> Claim:
    """exp(x) (1 - x/2)^2 <= 1 for x < 2, and exp(x) (1 - x/4)^4 <= 1 for x < 4."""
    x = z3.Real("x")
    once, twice = 1 - x / 2, (1 - x / 4) * (1 - x / 4)
    helped = [
        use(exp_lower_by_squaring, x=-x),
        use(product_keeps_order, w=exp(x), b=once * once, c=exp(-x)),
        use(product_keeps_order, w=exp(x), b=twice * twice, c=exp(-x)),
        use(exp_positive),
    ]
    conclusions = [z3.Implies(x < 2, exp(x) * (once * once) <= 1), z3.Implies(x < 4, exp(x) * (twice * twice) <= 1)]
    return Claim([], conclusions, helped, [exp_adds(x, -x, 0)])


# Softmax and the margin


def equal_quotients() -> Claim:
    """If a z = w and b (e z) = e w with e, z > 0, then a = b."""
    a, b, w, z, e = z3.Reals("a b w z e")
    return Claim([z > 0, e > 0, a * z == w, b * (e * z) == e * w], [a == b])


def constant_leaves_softmax() -> Claim:
    """Adding one number to all scores of a query changes no attention."""
    c, score, a, b = z3.Real("c"), vector("s", 3), z3.Real("a"), z3.Real("b")
    weights, moved = [exp(s) for s in score], [exp(s + c) for s in score]
    hypotheses = [a * z3.Sum(weights) == weights[0], b * z3.Sum(moved) == moved[0]]
    helped = [use(exp_positive, x=term) for term in (*score, c)]
    helped.append(use(equal_quotients, a=a, b=b, w=weights[0], z=z3.Sum(weights), e=exp(c)))
    return Claim(hypotheses, [a == b], helped, [exp_adds(s, c, s + c) for s in score])


def clearing_the_denominator() -> Claim:
    """With weights w_i > 0 and attention a_i = w_i / sum w: u + sum a_i b_i and sum w_i (u + b_i) have the same sign."""
    u, z, w, a, b = z3.Real("u"), z3.Real("z"), vector("w", 3), vector("a", 3), vector("b", 3)
    hypotheses = [x > 0 for x in w] + [z == z3.Sum(w)] + [z * x == y for x, y in zip(a, w, strict=True)]
    gap, margin = u + dot(a, b), z3.Sum([x * (u + y) for x, y in zip(w, b, strict=True)])
    conclusions = [(gap > 0) == (margin > 0), (gap < 0) == (margin < 0), (gap == 0) == (margin == 0)]
    return Claim(hypotheses, conclusions, [use(sign_of_quotient, z=z, f=gap, g=margin)])


def sign_of_quotient() -> Claim:
    """If z > 0 and z f = g, then f and g have the same sign."""
    z, f, g = z3.Reals("z f g")
    return Claim([z > 0, z * f == g], [(f > 0) == (g > 0), (f < 0) == (g < 0)])


def margins_decide() -> Claim:
    """If logit[m] > logit[x] for all x != m, then no other output's logit is the largest, not even in a tie."""
    logit, m, y = vector("l", 4), z3.Int("m"), z3.Int("y")
    at_m = z3.Sum([z3.If(m == x, logit[x], 0) for x in range(4)])
    at_y = z3.Sum([z3.If(y == x, logit[x], 0) for x in range(4)])
    hypotheses = [m >= 0, m < 4, y >= 0, y < 4]
    hypotheses += [z3.Or(m == x, at_m > logit[x]) for x in range(4)]
    return Claim(hypotheses, [z3.Implies(z3.And([at_y >= value for value in logit]), y == m)])


def loss_is_convex() -> Claim:
    """With two outputs and a hidden value that is not cut off, the loss at h1 + h2 is at most the mean of those at 2 h1
    and 2 h2.
    """
    a, b = z3.Reals("a b")
    middle = 1 + exp(a + b)
    helped = [use(square_is_nonnegative, a=exp(a) - exp(b))]
    axioms = [exp_adds(a, b, a + b), exp_adds(a, a, 2 * a), exp_adds(b, b, 2 * b)]
    return Claim([], [middle * middle <= (1 + exp(2 * a)) * (1 + exp(2 * b))], helped, axioms)


def shift_of_attention() -> Claim:
    """If attention sums to one, g + sum a_i D_i = (g - s) + sum a_i (D_i + s) for every s."""
    g, s, a, d = z3.Real("g"), z3.Real("s"), vector("a", 3), vector("d", 3)
    return Claim([z3.Sum(a) == 1], [g + dot(a, d) == (g - s) + z3.Sum([x * (y + s) for x, y in zip(a, d, strict=True)])])


def least_of_sums() -> Claim:
    """The least of f_x + g_x is at least the least f plus the least g."""
    f, g = vector("f", 3), vector("g", 3)
    return Claim([], [least(*(a + b for a, b in zip(f, g, strict=True))) >= least(*f) + least(*g)])


def positions_give_at_least_their_least() -> Claim:
    """If attention is nonnegative and sums to one, then sum a_i p_i >= min p."""
    a, p = vector("a", 3), vector("p", 3)
    helped = [use(product_keeps_order, w=x, b=least(*p), c=y) for x, y in zip(a, p, strict=True)]
    return Claim([*(x >= 0 for x in a), z3.Sum(a) == 1], [dot(a, p) >= least(*p)], helped)


def first_slot_with_the_maximum() -> Claim:
    """The inputs with m in some free slot are split, each into one class, by the first slot that holds m."""
    slots = [z3.Bool(f"slot{i}_holds_m") for i in range(4)]
    boxes = [z3.And(slots[i], *(z3.Not(before) for before in slots[:i])) for i in range(4)]
    inside = z3.Sum([z3.If(box, 1, 0) for box in boxes])
    return Claim([], [inside == z3.If(z3.Or(slots), 1, 0)])


def one_slot_holds_the_maximum() -> Claim:
    """If each slot's term is one of two numbers and some slot has the second, the sum is at least the sum of the lesser
    ones plus the least extra cost of a second.
    """
    below, at_m, term = vector("below", 3), vector("at_m", 3), vector("term", 3)
    holds = [z3.Bool(f"slot{i}_holds_m") for i in range(3)]
    hypotheses = [z3.Or(holds)]
    hypotheses += [z3.If(h, t >= m, t >= b) for h, t, m, b in zip(holds, term, at_m, below, strict=True)]
    low = [least(b, m) for b, m in zip(below, at_m, strict=True)]
    return Claim(hypotheses, [z3.Sum(term) >= z3.Sum(low) + least(*(m - x for m, x in zip(at_m, low, strict=True)))])


LEMMAS = (
    Lemma(product_of_nonnegatives, "2 numbers"),
    Lemma(product_of_positives, "2 numbers"),
    Lemma(product_keeps_order, "3 numbers"),
    Lemma(product_keeps_order_strictly, "3 numbers"),
    Lemma(square_is_nonnegative, "1 number"),
    Lemma(square_keeps_order, "2 numbers"),
    Lemma(square_tells_order, "2 numbers"),
    Lemma(product_range, "1 weight", cites=("L8",)),
    Lemma(affine_ends, "1 function", cites=("L8",)),
    Lemma(concave_ends, "2 affine functions", cites=("L8",)),
    Lemma(exp_positive, "1 argument"),
    Lemma(exp_increasing, "2 arguments"),
    Lemma(exp_lower_by_squaring, "1 and 2 squarings"),
    Lemma(exp_upper_by_squaring, "1 and 2 squarings"),
    Lemma(equal_quotients, "1 quotient"),
    Lemma(constant_leaves_softmax, "3 slots", cites=("L2",)),
    Lemma(sign_of_quotient, "1 quotient"),
    Lemma(clearing_the_denominator, "3 slots", cites=("L4",)),
    Lemma(margins_decide, "4 outputs", cites=("L3",)),
    Lemma(loss_is_convex, "2 outputs", notes="the loss is log(1 + exp(h)); multiplied out"),
    Lemma(shift_of_attention, "3 slots", cites=("L33",)),
    Lemma(least_of_sums, "3 outputs", cites=("L6",)),
    Lemma(positions_give_at_least_their_least, "3 slots", cites=("L5",)),
    Lemma(first_slot_with_the_maximum, "4 free slots", cites=("L24",)),
    Lemma(one_slot_holds_the_maximum, "3 free slots"),
)
