"""The rules about any network, and what they conclude: every_input, cells, bags, symmetry, mean_loss, worst_class, answered."""

from __future__ import annotations

import z3

from verifier.lemmas.shared import exp_positive, product_keeps_order, product_keeps_order_strictly, sign_of_quotient
from verifier.lemmas.statements import Claim, Lemma, count, dot, exp, exp_above_line, exp_adds, use, vector

# cells


def share_between_ends() -> Claim:
    """A weight between two positive ends, the others' sum between two more: the share lies between the quotients of opposite ends."""
    a, w, low, high, others, least, most = z3.Reals("a w w0 w1 W W0 W1")
    hypotheses = [low > 0, low <= w, w <= high, least > 0, least <= others, others <= most, a * (w + others) == w]
    below, above = a * (low + most) - low, high - a * (high + least)
    helped = [
        use(sign_of_quotient, z=w + others, f=below, g=w * most - low * others),
        use(sign_of_quotient, z=w + others, f=above, g=high * others - w * least),
        use(product_keeps_order, w=w, b=others, c=most),
        use(product_keeps_order, w=others, b=low, c=w),
        use(product_keeps_order, w=w, b=least, c=others),
        use(product_keeps_order, w=others, b=w, c=high),
    ]
    return Claim(hypotheses, [below >= 0, above >= 0], helped)


def mixture_with_known_shares() -> Claim:
    """If shares sum to one and a_k >= p_k, the mixture is at least what the p_k guarantee, all the rest going to a value below all."""
    shares, known, values, bottom = vector("a", 3), vector("p", 3), vector("v", 3), z3.Real("bottom")
    hypotheses = [z3.Sum(shares) == 1]
    hypotheses += [p <= a for p, a in zip(known, shares, strict=True)] + [bottom <= v for v in values]
    helped = [use(product_keeps_order, w=v - bottom, b=p, c=a) for v, p, a in zip(values, known, shares, strict=True)]
    return Claim(hypotheses, [dot(shares, values) >= bottom + dot(known, [v - bottom for v in values])], helped)


# bag_loss


def loss_by_products() -> Claim:
    """For each output, exp of the summed rows' gap is the product of the rows' exponentials, each row less its peak, times one factor."""
    a, b, (c, d) = vector("a", 3), vector("b", 3), z3.Reals("c d")
    deficit = (c - a[0]) + (d - b[0])
    gaps = [x + y - a[0] - b[0] for x, y in zip(a, b, strict=True)]
    products = [exp(x - c) * exp(y - d) for x, y in zip(a, b, strict=True)]
    axioms = [exp_adds(x - c, y - d, x + y - c - d) for x, y in zip(a, b, strict=True)]
    axioms += [exp_adds(x + y - c - d, deficit, gap) for x, y, gap in zip(a, b, gaps, strict=True)]
    return Claim([], [product * exp(deficit) == exp(gap) for product, gap in zip(products, gaps, strict=True)], axioms=axioms)


def logarithm_by_any_guess() -> Claim:
    """If exp(loss) <= s exp(r), then loss <= g + s exp(-g) - 1 + r for every g."""
    loss, s, r, g = z3.Reals("loss s r g")
    rest = loss - r - g
    helped = [use(exp_positive, x=-r - g), use(product_keeps_order, w=exp(-r - g), b=exp(loss), c=s * exp(r))]
    axioms = [exp_above_line(rest), exp_adds(loss, -r - g, rest), exp_adds(r, -r - g, -g)]
    return Claim([exp(loss) <= s * exp(r)], [loss <= g + s * exp(-g) - 1 + r], helped, axioms)


# bag_accuracy


def integers_decide() -> Claim:
    """Rows between floors and ceilings in one unit: floors above ceilings mean right, ceilings at most floors mean wrong or a tie."""
    unit, own, other = z3.Real("unit"), vector("m", 2), vector("x", 2)
    low, high, below, above = vector("f", 2), vector("c", 2), vector("xf", 2), vector("xc", 2)
    hypotheses = [unit > 0]
    for value, first, last in (*zip(own, low, high, strict=True), *zip(other, below, above, strict=True)):
        hypotheses += [first * unit <= value, value <= last * unit]
    right, wrong = z3.Sum(low) > z3.Sum(above), z3.Sum(high) <= z3.Sum(below)
    helped = [
        use(product_keeps_order, w=unit, b=z3.Sum(high), c=z3.Sum(below)),
        use(product_keeps_order_strictly, w=unit, b=z3.Sum(above), c=z3.Sum(low)),
    ]
    conclusions = [z3.Implies(right, z3.Sum(own) > z3.Sum(other)), z3.Implies(wrong, z3.Sum(own) <= z3.Sum(other))]
    return Claim(hypotheses, conclusions, helped)


# every_input


def gaps_decide() -> Claim:
    """If the right output's lower end is above every other upper end, it is the strict maximum.  If some lower end reaches its
    upper end, it is not.
    """
    m, low_m, high_m = z3.Reals("m fm cm")
    others, low, high = vector("x", 3), vector("f", 3), vector("c", 3)
    hypotheses = [low_m <= m, m <= high_m]
    hypotheses += [z3.And(f <= x, x <= c) for f, x, c in zip(low, others, high, strict=True)]
    right = z3.And([low_m - c > 0 for c in high])
    wrong = z3.Or([high_m - f <= 0 for f in low])
    strict = z3.And([m > x for x in others])
    return Claim(hypotheses, [z3.Implies(right, strict), z3.Implies(wrong, z3.Not(strict))])


def outputs_that_are_beaten() -> Claim:
    """An output whose upper end is below some lower end is not the strict maximum."""
    others, low, high = vector("x", 3), vector("f", 3), vector("c", 3)
    hypotheses = [z3.And(f <= x, x <= c) for f, x, c in zip(low, others, high, strict=True)]
    beaten = z3.Or([f - high[0] > 0 for f in low])
    return Claim(hypotheses, [z3.Implies(beaten, z3.Not(z3.And([others[0] > x for x in others[1:]])))])


# symmetry


def relu_moves_no_more() -> Claim:
    """|relu(a) - relu(b)| <= |a - b|."""
    a, b = z3.Reals("a b")
    relu = [z3.If(x >= 0, x, 0) for x in (a, b)]
    apart = z3.If(a >= b, a - b, b - a)
    return Claim([], [relu[0] - relu[1] <= apart, relu[1] - relu[0] <= apart])


def weighed_products() -> Claim:
    """With a scale s, (d / s) (h s) = d h; and (e . g)^2 is at most |e|^2 |g|^2."""
    d, h, s, quotient = z3.Reals("d h s quotient")
    e, g = vector("e", 2), vector("g", 2)
    return Claim([quotient * s == d], [quotient * (h * s) == d * h, dot(e, g) * dot(e, g) <= dot(e, e) * dot(g, g)])


def middles_with_signs() -> Claim:
    """Values between two ends are within half their difference of the middle; with all signs turned, the middle turns its sign."""
    t, top, bottom, middle, other = z3.Reals("t top bottom T T'")
    hypotheses = [bottom <= t, t <= top, 2 * middle == top + bottom, 2 * other == -bottom - top]
    return Claim(hypotheses, [2 * (t - middle) <= top - bottom, 2 * (middle - t) <= top - bottom, other == -middle])


# mean_loss, worst_class, answered


def mean_of_bounded_losses() -> Claim:
    """If the sum of the losses is at most S, n times their mean is at most S."""
    losses, total, mean = vector("l", 3), z3.Real("S"), z3.Real("mean")
    return Claim([z3.Sum(losses) <= total, 3 * mean == z3.Sum(losses)], [3 * mean <= total])


def least_share_of_the_classes() -> Claim:
    """A share that no class's share of certified inputs is below, no class's accuracy is below."""
    share, sizes, counts, right = z3.Real("share"), vector("n", 3), vector("count", 3), vector("right", 3)
    hypotheses = [z3.And(size > 0, count <= truth) for size, count, truth in zip(sizes, counts, right, strict=True)]
    hypotheses += [share * size <= count for size, count in zip(sizes, counts, strict=True)]
    return Claim(hypotheses, [share * size <= truth for size, truth in zip(sizes, right, strict=True)])


def answers_are_counted_from_above() -> Claim:
    """If an output is the answer only where it is not beaten, it is the answer at most as often as it is not beaten."""
    answer = [z3.Bool(f"answer{i}") for i in range(4)]
    beaten = [z3.Bool(f"beaten{i}") for i in range(4)]
    hypotheses = [z3.Implies(b, z3.Not(a)) for a, b in zip(answer, beaten, strict=True)]
    return Claim(hypotheses, [count(answer) <= 4 - count(beaten)])


LEMMAS = (
    Lemma(gaps_decide, "4 outputs", "every_input", ("L3",)),
    Lemma(outputs_that_are_beaten, "3 outputs", "every_input"),
    Lemma(mean_of_bounded_losses, "3 inputs", "mean_loss"),
    Lemma(least_share_of_the_classes, "3 classes", "worst_class"),
    Lemma(answers_are_counted_from_above, "4 inputs", "answered"),
    Lemma(share_between_ends, "2 weights", "cells"),
    Lemma(mixture_with_known_shares, "3 slots", "cells"),
    Lemma(loss_by_products, "2 slots, 3 outputs", "bag_loss"),
    Lemma(logarithm_by_any_guess, "1 loss", "bag_loss"),
    Lemma(integers_decide, "2 slots, 2 outputs", "bag_accuracy"),
    Lemma(relu_moves_no_more, "2 numbers", "symmetry"),
    Lemma(weighed_products, "2 neurons", "symmetry"),
    Lemma(middles_with_signs, "1 cell", "symmetry"),
)
