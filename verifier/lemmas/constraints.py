"""The rules that bound the margin by a sum of one term per slot: joint_constraint, decoupled_constraint, absent_present.

In the claims slot 0 is the query's own and slots 1, 2 are free; the weights w are positive numbers, whatever exponentials they are.
"""

from __future__ import annotations

import z3

from verifier.lemmas.shared import clearing_the_denominator, product_keeps_order, product_of_positives, product_range
from verifier.lemmas.statements import Claim, Lemma, dot, largest, least, matrix, use, vector

SLOTS, OUTPUTS = 3, 3


# joint_constraint


def margin_decides_one_output() -> Claim:
    """logit[m] > logit[x] if and only if sum w_i (g + D_i + p_i) > 0: the attention is w_i over the sum of the w."""
    g, z, w, a, d, p = z3.Real("g"), z3.Real("z"), vector("w", SLOTS), vector("a", SLOTS), vector("d", SLOTS), vector("p", SLOTS)
    hypotheses = [x > 0 for x in w] + [z == z3.Sum(w)] + [z * x == y for x, y in zip(a, w, strict=True)]
    terms = [x + y for x, y in zip(d, p, strict=True)]
    gap, margin = g + dot(a, terms), z3.Sum([x * (g + y) for x, y in zip(w, terms, strict=True)])
    named = {f"b{i}": terms[i] for i in range(SLOTS)}
    return Claim(hypotheses, [(gap > 0) == (margin > 0), (gap <= 0) == (margin <= 0)], [use(clearing_the_denominator, u=g, **named)])


def positive_factor_keeps_the_sign() -> Claim:
    """Weights may be multiplied by one c > 0: sum (c w_i) b_i > 0 if and only if sum w_i b_i > 0."""
    c, w, b = z3.Real("c"), vector("w", SLOTS), vector("b", SLOTS)
    scaled = z3.Sum([(c * x) * y for x, y in zip(w, b, strict=True)])
    helped = [use(product_of_positives, a=c, b=dot(w, b)), use(product_of_positives, a=c, b=-dot(w, b))]
    return Claim([c > 0], [(scaled > 0) == (dot(w, b) > 0)], helped)


def grid_of_integers() -> Claim:
    """If unit > 0 and each integer n_i times the unit is at most its term, a positive sum of the integers makes the sum
    of the terms positive.
    """
    unit, terms, numbers = z3.Real("unit"), vector("t", SLOTS), [z3.Int(f"n{i}") for i in range(SLOTS)]
    real = [z3.ToReal(number) for number in numbers]
    hypotheses = [unit > 0, z3.Sum(numbers) > 0, *(number * unit <= term for number, term in zip(real, terms, strict=True))]
    return Claim(hypotheses, [z3.Sum(terms) > 0], [use(product_of_positives, a=unit, b=z3.Sum(real))])


# decoupled_constraint


def one_constraint_for_all_outputs() -> Claim:
    """If G <= g_x - s_x and R_i <= D_x(t_i) + p_{i,x} + s_x for each x, then sum w_i (G + R_i) <= Phi_x(t) for each x."""
    w, s, g = vector("w", SLOTS), vector("s", OUTPUTS), vector("g", OUTPUTS)
    d, p = matrix("d", SLOTS, OUTPUTS), matrix("p", SLOTS, OUTPUTS)
    best = least(*(a - b for a, b in zip(g, s, strict=True)))
    rest = [least(*(x + y + shift for x, y, shift in zip(d[i], p[i], s, strict=True))) for i in range(SLOTS)]
    low = z3.Sum([w[i] * (best + rest[i]) for i in range(SLOTS)])
    margins = [z3.Sum([w[i] * (g[x] + d[i][x] + p[i][x]) for i in range(SLOTS)]) for x in range(OUTPUTS)]
    helped = [use(product_keeps_order, w=w[i], b=best + rest[i], c=g[x] + d[i][x] + p[i][x]) for i in range(SLOTS) for x in range(OUTPUTS)]
    return Claim([weight > 0 for weight in w], [low <= margin for margin in margins], helped)


def term_of_a_block() -> Claim:
    """On a block of tokens, w (G + R) rho is at least the lesser of its values at the ends of w's range, R being the
    least over the block.
    """
    w, low, high, rho, g, values = z3.Real("w"), z3.Real("w0"), z3.Real("w1"), z3.Real("rho"), z3.Real("G"), vector("R", 3)
    worst = g + least(*values)
    hypotheses = [low <= w, w <= high, low > 0, rho > 0]
    helped = [use(product_range, w=w, w0=low, w1=high, b=worst)]
    helped += [use(product_keeps_order, w=w, b=worst, c=g + value) for value in values]
    bound = least(low * worst, high * worst)
    helped += [use(product_keeps_order, w=rho, b=bound, c=w * (g + value)) for value in values]
    return Claim(hypotheses, [rho * bound <= rho * (w * (g + value)) for value in values], helped)


# absent_present: outputs 0..3, m = 3, the input has tokens t_0 = q, t_1, t_2


def _input() -> tuple[list[z3.ArithRef], list[z3.BoolRef]]:
    tokens = [z3.Int(f"t{i}") for i in range(SLOTS)]
    inside = [z3.And(token >= 0, token <= 3) for token in tokens]
    return tokens, [*inside, z3.Or([token == 3 for token in tokens])]


def competitors_kinds() -> Claim:
    """Every output x != m is absent from the input, or the token of a free slot and below m, or the query and below m."""
    tokens, hypotheses = _input()
    x = z3.Int("x")
    absent = z3.And([token != x for token in tokens])
    free = z3.Or([z3.And(token == x, token < 3) for token in tokens[1:]])
    query = z3.And(tokens[0] == x, tokens[0] < 3)
    return Claim([*hypotheses, x >= 0, x <= 4, x != 3], [z3.Or(absent, free, query)])


def terms_of_an_absent_output() -> Claim:
    """If R_i(k) <= D_x(k) + p_{i,x} + s_x for all x other than m and k, and x is absent from the input, then Phi_x(t)
    >= sum w_i (G + R_i(t_i)).
    """
    tokens, hypotheses = _input()
    x, w, best, rest = z3.Int("x"), vector("w", SLOTS), z3.Real("G"), vector("R", SLOTS)
    g, shift, said = z3.Real("g_x"), z3.Real("s_x"), vector("d", SLOTS)  # d_i = D_x(t_i) + p_{i,x}
    hypotheses += [x >= 0, x < 3, best <= g - shift, *(weight > 0 for weight in w)]
    hypotheses += [z3.Implies(z3.And(x != 3, x != token), r <= d + shift) for token, r, d in zip(tokens, rest, said, strict=True)]
    hypotheses += [token != x for token in tokens]
    low = z3.Sum([a * (best + r) for a, r in zip(w, rest, strict=True)])
    helped = [use(product_keeps_order, w=a, b=best + r, c=g + d) for a, r, d in zip(w, rest, said, strict=True)]
    return Claim(hypotheses, [low <= z3.Sum([a * (g + d) for a, d in zip(w, said, strict=True)])], helped)


def terms_of_a_present_output() -> Claim:
    """If x is present, exact terms for the slots that hold m or x and lower bounds for the others sum to at most Phi_x(t)."""
    tokens, hypotheses = _input()
    x, psi, off = z3.Int("x"), vector("psi", SLOTS), vector("off", SLOTS)
    hypotheses += [x >= 0, x < 3, z3.Or([token == x for token in tokens])]
    hypotheses += [z3.Implies(z3.And(token != x, token != 3), low <= true) for token, low, true in zip(tokens, off, psi, strict=True)]
    terms = [z3.If(z3.Or(token == x, token == 3), true, low) for token, low, true in zip(tokens, off, psi, strict=True)]
    return Claim(hypotheses, [z3.Sum(terms) <= z3.Sum(psi)])


def left_out_of_a_minimum() -> Claim:
    """With at least three tokens, putting the largest entry in the place of x = k leaves it out of the minimum over x != m."""
    row, k, m = vector("r", 4), z3.Int("k"), z3.Int("m")
    top = largest(*row)
    high = top + 1  # in the place of entries that a minimum does not see
    replaced = least(*(z3.If(m == x, high, z3.If(k == x, top, row[x])) for x in range(4)))
    truth = least(*(z3.If(z3.Or(m == x, k == x), high, row[x]) for x in range(4)))
    return Claim([k >= 0, k < 4, m >= 0, m < 4], [replaced == truth])


LEMMAS = (
    Lemma(margin_decides_one_output, "3 slots", "joint_constraint", ("L4",)),
    Lemma(positive_factor_keeps_the_sign, "3 slots", "joint_constraint", ("L4",)),
    Lemma(grid_of_integers, "3 terms", "joint_constraint", ("L27",)),
    Lemma(one_constraint_for_all_outputs, "3 slots, 3 outputs", "decoupled_constraint", ("L6", "L33")),
    Lemma(term_of_a_block, "a block of 3 tokens", "decoupled_constraint", ("L8",)),
    Lemma(competitors_kinds, "3 slots, 5 tokens", "absent_present"),
    Lemma(terms_of_an_absent_output, "3 slots, 4 tokens", "absent_present", ("L33",)),
    Lemma(terms_of_a_present_output, "3 slots, 4 tokens", "absent_present"),
    Lemma(left_out_of_a_minimum, "4 tokens", "absent_present"),
)
