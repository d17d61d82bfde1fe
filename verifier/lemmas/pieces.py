"""The rules about pieces, sets of inputs with one layer of attention before the answer: relaxed_margin, bottleneck_margin, every_read."""

from __future__ import annotations

import z3

from verifier.lemmas.shared import (
    affine_ends,
    product_keeps_order,
    product_of_nonnegatives,
    product_of_positives,
    product_range,
    sign_of_quotient,
    square_is_nonnegative,
    square_keeps_order,
    square_tells_order,
)
from verifier.lemmas.statements import Claim, Lemma, count, dot, largest, least, minus, times, use, vector

# Which inputs


def parts_of_a_cut() -> Claim:
    """A number between first and last is either below a cut or not: it lies in exactly one of the two parts."""
    x, first, last, cut = z3.Ints("x first last cut")
    below, rest = z3.And(first <= x, x <= cut - 1), z3.And(cut <= x, x <= last)
    return Claim([first <= x, x <= last], [z3.Xor(below, rest)])


# One term per slot


def functional_of_one_head() -> Claim:
    """With weights w_i > 0 and their sum Z: c + sum w_i V_i / Z exceeds b if and only if sum w_i (c - b + V_i) is positive."""
    w, v, (phi, c, b, z) = vector("w", 2), vector("V", 2), z3.Reals("phi c b Z")
    total = z3.Sum([weight * (c - b + value) for weight, value in zip(w, v, strict=True)])
    hypotheses = [*(weight > 0 for weight in w), z == z3.Sum(w), z * phi == c * z + dot(w, v)]
    return Claim(hypotheses, [(phi > b) == (total > 0)], [use(sign_of_quotient, z=z, f=phi - b, g=total)])


def heads_with_shares() -> Claim:
    """Two heads: if lambda_0 + lambda_1 = b - c, then c + N_0 / Z_0 + N_1 / Z_1 - b is the sum of w_hi (V_hi - lambda_h) / Z_h."""
    c, b, shares, inverse = z3.Real("c"), z3.Real("b"), vector("lambda", 2), vector("y", 2)  # y_h = 1 / Z_h
    weights, values = [vector(f"w{head}", 2) for head in range(2)], [vector(f"V{head}", 2) for head in range(2)]
    hypotheses = [z3.Sum(shares) == b - c, *(y * z3.Sum(w) == 1 for y, w in zip(inverse, weights, strict=True))]
    exceeds = c + z3.Sum([y * dot(w, v) for y, w, v in zip(inverse, weights, values, strict=True)]) - b
    terms = [inverse[head] * weights[head][slot] * (values[head][slot] - shares[head]) for head in range(2) for slot in range(2)]
    return Claim(hypotheses, [exceeds == z3.Sum(terms)])


def inverse_of_an_enclosed_sum() -> Claim:
    """If 0 < low <= Z <= high and y = 1 / Z, then y is at least 1 / high and at most 1 / low."""
    z, low, high, y = z3.Reals("Z Z_low Z_high y")
    helped = [use(product_keeps_order, w=y, b=low, c=z), use(product_keeps_order, w=y, b=z, c=high)]
    return Claim([low > 0, low <= z, z <= high, y * z == 1], [y * high >= 1, y * low <= 1], helped)


# The condition


def condition_by_a_multiplier() -> Claim:
    """If A <= v_0 + v_1 <= B and m_i <= f_i - mu v_i, then f_0 + f_1 >= m_0 + m_1 + min (mu A, mu B), for every mu."""
    f, v, m, (low, high, mu) = vector("f", 2), vector("v", 2), vector("m", 2), z3.Reals("A B mu")
    hypotheses = [low <= z3.Sum(v), z3.Sum(v) <= high, *(a <= b - mu * c for a, b, c in zip(m, f, v, strict=True))]
    helped = [use(product_range, w=z3.Sum(v), w0=low, w1=high, b=mu)]
    return Claim(hypotheses, [z3.Sum(f) >= z3.Sum(m) + least(mu * low, mu * high)], helped)


def condition_on_seen_slots() -> Claim:
    """If low <= v_0 + v_1 + u <= high, and u is between its ends, then low - u_high <= v_0 + v_1 <= high - u_low."""
    v, (u, u_low, u_high, low, high) = vector("v", 2), z3.Reals("u u_low u_high low high")
    score = z3.Sum(v) + u
    conclusions = [low - u_high <= z3.Sum(v), z3.Sum(v) <= high - u_low]
    return Claim([u_low <= u, u <= u_high, low <= score, score <= high], conclusions)


def condition_of_whole_numbers() -> Claim:
    """Divisor 10: if low <= 10 q + r <= high and r is between its ends, then q is at least ceil((low - r_high) / 10) and at most
    floor((high - r_low) / 10).
    """
    q, r, r_low, r_high, low, high = z3.Ints("q r r_low r_high low high")
    score = 10 * q + r
    conclusions = [q >= (low - r_high + 9) / 10, q <= (high - r_low) / 10]  # of integers, rounded down
    return Claim([r_low <= r, r <= r_high, low <= score, score <= high], conclusions)


# Lines


def relu(z: z3.ArithRef) -> z3.ArithRef:
    """max(z, 0)."""
    return largest(z, z3.RealVal(0))


def relu_below_its_chord() -> Claim:
    """If l <= z <= u and l <= 0 <= u, then (u - l) relu(z) <= u (z - l)."""
    z, low, high = z3.Reals("z l u")
    helped = [use(product_keeps_order, w=-low, b=z, c=high), use(product_keeps_order, w=high, b=low, c=z)]
    return Claim([low <= z, z <= high, low <= 0, high >= 0], [(high - low) * relu(z) <= high * (z - low)], helped)


def relu_above_its_branches() -> Claim:
    """If 0 <= s <= 1, then s z <= relu(z)."""
    z, slope = z3.Reals("z s")
    helped = [use(product_keeps_order, w=largest(z, -z), b=slope, c=z3.RealVal(1)), use(product_keeps_order, w=slope, b=z, c=relu(z))]
    return Claim([slope >= 0, slope <= 1], [slope * z <= relu(z)], helped)


def coefficient_chooses_the_line() -> Claim:
    """If below <= f <= above, then a f >= max (a, 0) below + min (a, 0) above."""
    a, f, below, above = z3.Reals("a f below above")
    zero = z3.RealVal(0)
    helped = [use(product_keeps_order, w=largest(a, zero), b=below, c=f), use(product_keeps_order, w=largest(-a, zero), b=f, c=above)]
    return Claim([below <= f, f <= above], [a * f >= largest(a, zero) * below + least(a, zero) * above], helped)


def tangent_with_curvature() -> Claim:
    """If g = g_m + g' (z - m) + k (z - m)^2 / 2, k between k_low <= 0 and k_high >= 0, and |z - m| <= rho, then g is within
    k_low rho^2 / 2 and k_high rho^2 / 2 of the tangent.
    """
    g, start, slope, z, m, k, low, high, rho = z3.Reals("g g_m s z m k k_low k_high rho")
    distance = largest(z - m, m - z)
    hypotheses = [g == start + slope * (z - m) + k * (z - m) * (z - m) / 2, low <= k, k <= high, low <= 0, high >= 0]
    hypotheses += [z - m <= rho, m - z <= rho]
    squared = distance * distance
    helped = [use(square_keeps_order, a=distance, b=rho)]
    helped += [use(product_keeps_order, w=squared, b=low, c=k), use(product_keeps_order, w=squared, b=k, c=high)]
    helped += [use(product_keeps_order, w=-low, b=squared, c=rho * rho), use(product_keeps_order, w=high, b=squared, c=rho * rho)]
    tangent = start + slope * (z - m)
    return Claim(hypotheses, [tangent + low * rho * rho / 2 <= g, g <= tangent + high * rho * rho / 2], helped)


# The end of the network


def norm_keeps_signs() -> Claim:
    """Dividing two logits by one positive number changes neither which is greater nor a tie."""
    size, logits, before = z3.Real("size"), vector("l", 2), vector("x", 2)
    hypotheses = [size > 0, *(size * logit == x for logit, x in zip(logits, before, strict=True))]
    helped = [use(sign_of_quotient, z=size, f=logits[0] - logits[1], g=before[0] - before[1])]
    return Claim(
        hypotheses, [(logits[0] > logits[1]) == (before[0] > before[1]), (logits[0] == logits[1]) == (before[0] == before[1])], helped
    )


def mean_moves_to_the_matrix() -> Claim:
    """(x - mean x) M = x (M - 1 mean M), the mean of M being that of its rows."""
    x, m, (mean_x, mean_m) = vector("x", 3), vector("M", 3), z3.Reals("mean_x mean_m")
    hypotheses = [3 * mean_x == z3.Sum(x), 3 * mean_m == z3.Sum(m)]
    return Claim(hypotheses, [dot([entry - mean_x for entry in x], m) == dot(x, [entry - mean_m for entry in m])])


# A norm between attention and logits


def cauchy_and_schwarz() -> Claim:
    """(r q + epsilon)^2 <= (r r + epsilon) (q q + epsilon): epsilon's root is one entry more."""
    x, y, e = vector("r", 2), vector("q", 2), z3.Real("epsilon")
    inner, product = dot(x, y) + e, (dot(x, x) + e) * (dot(y, y) + e)
    cross, first, second = x[0] * y[1] - x[1] * y[0], x[0] - y[0], x[1] - y[1]
    helped = [use(square_is_nonnegative, a=difference) for difference in (cross, first, second)]
    helped += [use(product_of_nonnegatives, a=e, b=difference * difference) for difference in (first, second)]
    return Claim([e >= 0], [inner * inner <= product], helped)


def size_from_below() -> Claim:
    """Sizes s and t of vectors with squares A and B: if g^2 <= A B, then g <= s t."""
    a, b, s, t, g = z3.Reals("A B s t g")
    helped = [use(product_of_nonnegatives, a=s, b=t), use(square_tells_order, a=g, b=s * t)]
    return Claim([s >= 0, t >= 0, s * s == a, t * t == b, g * g <= a * b], [g <= s * t], helped)


def size_of_a_mixture() -> Claim:
    """A mixture a r + b q, a + b = 1, has a size of square a^2 s^2 + 2 a b g + b^2 t^2, s and t the sizes of r and q, g = r q + epsilon;
    since g <= s t, that size is at most a s + b t.
    """
    a, b, s, t, g, m = z3.Reals("a b s t g m")
    bound, square = a * s + b * t, (a * a) * (s * s) + 2 * (a * b) * g + (b * b) * (t * t)
    helped = [use(product_of_nonnegatives, a=a, b=b), use(product_keeps_order, w=a * b, b=g, c=s * t)]
    helped += [use(product_of_nonnegatives, a=a, b=s), use(product_of_nonnegatives, a=b, b=t), use(square_tells_order, a=m, b=bound)]
    return Claim([a >= 0, b >= 0, s >= 0, t >= 0, g <= s * t, m * m == square], [m <= bound], helped)


def size_at_both_ends() -> Claim:
    """If f + s g is positive for s = low and for s = high, it is for every size in between: f and g are the same at both ends."""
    f, g, size, low, high = z3.Reals("f g sigma low high")
    hypotheses = [low <= size, size <= high, f + low * g > 0, f + high * g > 0]
    return Claim(hypotheses, [f + size * g > 0], [use(affine_ends, c0=f, c1=g, y=size, y0=low, y1=high)])


def relu_of_a_scaled_entry() -> Claim:
    """If s > 0, then s relu(z) = relu(s z)."""
    s, z = z3.Reals("s z")
    helped = [use(product_of_positives, a=s, b=z), use(product_of_positives, a=s, b=-z)]
    return Claim([s > 0], [s * relu(z) == relu(s * z)], helped)


# What becomes of failures


def suspects_hold_every_failure() -> Claim:
    """Terms rounded down to integers of one unit: where the sum of the terms is not positive, neither is that of the integers."""
    unit, f, g = z3.Real("unit"), vector("f", 2), vector("g", 2)
    hypotheses = [unit > 0, *(whole * unit <= term for whole, term in zip(g, f, strict=True)), z3.Sum(f) <= 0]
    return Claim(hypotheses, [z3.Sum(g) <= 0], [use(product_of_positives, a=unit, b=z3.Sum(g))])


# bottleneck_margin


def coordinates_of_a_frame() -> Claim:
    """For 2 x 2 matrices, s adj(G) G = det(G) s: with c = s adj(G), det(G) s = c G."""
    s, frame = [vector("s", 2)], [vector("G0", 2), vector("G1", 2)]
    (a, b), (c, d) = frame
    adjugate = [[d, -b], [-c, a]]
    determinant = a * d - b * c
    difference = minus(times(times(s, adjugate), frame), [[determinant * entry for entry in s[0]]])
    return Claim([], [entry == 0 for row in difference for entry in row])


# every_read


def lost_at_some_read() -> Claim:
    """If at most L_0 answers are not right at one read and L_1 at the other, all but L_0 + L_1 inputs are right at both."""
    first, second, lost = _answers("first"), _answers("second"), [z3.Int(f"L{read}") for read in range(2)]
    hypotheses = [len(line) - count(line) <= most for line, most in zip((first, second), lost, strict=True)]
    return Claim(hypotheses, [count(_both(first, second)) >= len(first) - z3.Sum(lost)])


def wrong_at_some_read() -> Claim:
    """If at least W answers are not right at some read, at least W inputs are not right."""
    first, second, wrong = _answers("first"), _answers("second"), z3.Int("W")
    hypotheses = [z3.Or([len(line) - count(line) >= wrong for line in (first, second)])]
    return Claim(hypotheses, [count(_both(first, second)) <= len(first) - wrong])


def _answers(name: str) -> list[z3.BoolRef]:
    return [z3.Bool(f"{name}{index}") for index in range(4)]


def _both(first: list[z3.BoolRef], second: list[z3.BoolRef]) -> list[z3.BoolRef]:
    return [z3.And(a, b) for a, b in zip(first, second, strict=True)]


LEMMAS = (
    Lemma(parts_of_a_cut, "1 axis", "relaxed_margin"),
    Lemma(functional_of_one_head, "2 slots", "relaxed_margin", ("L4",)),
    Lemma(heads_with_shares, "2 heads, 2 slots", "relaxed_margin"),
    Lemma(inverse_of_an_enclosed_sum, "1 head", "relaxed_margin"),
    Lemma(condition_by_a_multiplier, "2 slots", "relaxed_margin"),
    Lemma(condition_on_seen_slots, "2 slots seen, 1 not", "relaxed_margin"),
    Lemma(condition_of_whole_numbers, "divisor 10", "relaxed_margin"),
    Lemma(relu_below_its_chord, "1 entry", "relaxed_margin"),
    Lemma(relu_above_its_branches, "1 entry", "relaxed_margin"),
    Lemma(coefficient_chooses_the_line, "1 entry", "relaxed_margin"),
    Lemma(norm_keeps_signs, "2 outputs", "relaxed_margin", ("L3",)),
    Lemma(mean_moves_to_the_matrix, "width 3, 1 output", "relaxed_margin"),
    Lemma(cauchy_and_schwarz, "width 2", "relaxed_margin"),
    Lemma(size_from_below, "2 vectors", "relaxed_margin"),
    Lemma(size_of_a_mixture, "2 vectors", "relaxed_margin"),
    Lemma(size_at_both_ends, "1 functional", "relaxed_margin"),
    Lemma(relu_of_a_scaled_entry, "1 entry", "relaxed_margin"),
    Lemma(suspects_hold_every_failure, "2 slots", "relaxed_margin"),
    Lemma(coordinates_of_a_frame, "width 2", "bottleneck_margin"),
    Lemma(tangent_with_curvature, "1 entry", "bottleneck_margin"),
    Lemma(lost_at_some_read, "4 inputs, 2 reads", "every_read"),
    Lemma(wrong_at_some_read, "4 inputs, 2 reads", "every_read"),
)
