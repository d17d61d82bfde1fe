"""The two rules of the compact-proofs paper: pure_margin and attention_margin."""

from __future__ import annotations

from itertools import combinations, product

import z3

from verifier.lemmas.shared import (
    affine_ends,
    concave_ends,
    product_keeps_order,
    product_range,
)
from verifier.lemmas.statements import Claim, Lemma, dot, largest, least, magnitude, spread, use, vector
from verifier.lemmas.tables import row_bound_of_a_product

# pure_margin


def paths_taken_apart() -> Claim:
    """With u = min g, pi_x = min p_{i,x} and C_i = min (D_x(t_i) + pi_x): sum w_i (u + C_i) <= Phi_x(t) for each x."""
    slots, outputs = 2, 2
    w, g = vector("w", slots), vector("g", outputs)
    d, p = ([vector(f"{name}{i}", outputs) for i in range(slots)] for name in ("d", "p"))
    pi = [least(*column) for column in zip(*p, strict=True)]
    low = [least(*g) + least(*(a + b for a, b in zip(line, pi, strict=True))) for line in d]
    true = [[g[x] + d[i][x] + p[i][x] for x in range(outputs)] for i in range(slots)]
    helped = [use(product_keeps_order, w=w[i], b=low[i], c=true[i][x]) for i, x in product(range(slots), range(outputs))]
    conclusions = [dot(w, low) <= dot(w, [line[x] for line in true]) for x in range(outputs)]
    return Claim([x > 0 for x in w], conclusions, helped)


def no_mixture_is_worse() -> Claim:
    """rho_i > 0: sum rho_i g(k_i) is at least the least g times sum rho_i, whatever tokens k_i the slots hold."""
    rho, g = vector("rho", 3), vector("g", 3)
    tokens = [z3.Int(f"k{i}") for i in range(3)]
    held = [z3.If(token == 0, g[0], z3.If(token == 1, g[1], g[2])) for token in tokens]
    helped = [use(product_keeps_order, w=r, b=least(*g), c=h) for r, h in zip(rho, held, strict=True)]
    return Claim([r > 0 for r in rho], [dot(rho, held) >= least(*g) * z3.Sum(rho)], helped)


def extreme_slots() -> Claim:
    """The rho of r slots out of four sum to between the r smallest and the r largest, for every r."""
    rho = vector("rho", 4)
    conclusions = []
    for r in range(5):
        for chosen in combinations(rho, r):
            total = z3.Sum([z3.RealVal(0), *chosen])
            conclusions += [z3.Sum([z3.RealVal(0), *rho[:r]]) <= total, total <= z3.Sum([z3.RealVal(0), *rho[4 - r :]])]
    return Claim([rho[i] <= rho[i + 1] for i in range(3)], [z3.And(conclusions)])


def pure_sequences_decide() -> Claim:
    """If base + A y + f_k (T - y) is positive at both extremes of y for each k in G, then base + A rho_S + sum over the
    other slots of rho_i f_{k_i} is positive.
    """
    base, at_m, y, low, high = z3.Reals("base A y y0 y1")
    rho, f = vector("rho", 2), vector("f", 2)  # y: what the slots with m have; two other slots, two tokens in G
    total = y + z3.Sum(rho)
    hypotheses = [low <= y, y <= high, *(r > 0 for r in rho)]
    hypotheses += [base + at_m * end + value * (total - end) > 0 for end in (low, high) for value in f]
    conclusions = [base + at_m * y + rho[0] * first + rho[1] * second > 0 for first, second in product(f, repeat=2)]
    helped = [use(affine_ends, c0=base + value * total, c1=at_m - value, y=y, y0=low, y1=high) for value in f]
    helped += [use(product_keeps_order, w=r, b=a, c=b) for r in rho for a, b in (f, reversed(f))]
    return Claim(hypotheses, conclusions, helped)


# attention_margin


def attention_from_a_ratio() -> Claim:
    """With Y > 0 paid to m and X >= 0 to others, a = Y / (X + Y): X <= z Y gives a >= 1 / (1 + z), and X >= z Y gives a
    <= 1 / (1 + z).
    """
    paid, lost, a, z, share = z3.Reals("Y X a z share")
    hypotheses = [paid > 0, lost >= 0, z >= 0, a * (lost + paid) == paid, share * (1 + z) == 1]
    return Claim(hypotheses, [z3.Implies(lost <= z * paid, a >= share), z3.Implies(lost >= z * paid, a <= share)])


def ratios_bound_what_is_lost() -> Claim:
    """If w_low omega_m <= omega_k <= w_high omega_m for the tokens of the other slots, what they are paid is within
    w_low and w_high times omega_m sum rho.
    """
    at_m, low, high, rho, omega = z3.Real("omega_m"), z3.Real("w_low"), z3.Real("w_high"), vector("rho", 3), vector("omega", 3)
    hypotheses = [*(r > 0 for r in rho), *(z3.And(low * at_m <= w, w <= high * at_m) for w in omega)]
    paid, total = dot(rho, omega), z3.Sum(rho)
    helped = [use(product_keeps_order, w=r, b=w, c=high * at_m) for r, w in zip(rho, omega, strict=True)]
    helped += [use(product_keeps_order, w=r, b=low * at_m, c=w) for r, w in zip(rho, omega, strict=True)]
    return Claim(hypotheses, [paid <= high * at_m * total, low * at_m * total <= paid], helped)


def extreme_slots_bound_the_ratio() -> Claim:
    """Of N slots with sum T, those with m have y: the ratio (T - y) w / y falls as y grows, so its extremes are at those of y."""
    total, y, low, w, z, edge = z3.Reals("T y y0 w z z0")
    hypotheses = [low > 0, low <= y, y <= total, w >= 0, z * y == (total - y) * w, edge * low == (total - low) * w]
    return Claim(hypotheses, [z <= edge])


def extrema_over_a_prefix() -> Claim:
    """The running minimum over the tokens up to k is at most the entry of each of them, the running maximum at least."""
    row = vector("s", 4)
    conclusions = []
    low = high = row[0]
    for k in range(4):
        low, high = least(low, row[k]), largest(high, row[k])
        conclusions += [z3.And(low <= row[j], row[j] <= high) for j in range(k + 1)]
    return Claim([], conclusions)


def reference_row_and_slack() -> Claim:
    """The skip gap is at least the reference row's gap minus sum |Eq_j - e_j| rng(U_j)."""
    query, reference = vector("q", 2), vector("e", 2)
    unembed = [vector(f"U{j}", 2) for j in range(2)]
    rest = [x - y for x, y in zip(query, reference, strict=True)]
    slack = z3.Sum([magnitude(x) * spread(row) for x, row in zip(rest, unembed, strict=True)])
    gap, reference_gap = (dot(row, [u[0] - u[1] for u in unembed]) for row in (query, reference))
    terms = {f"A{j}": rest[j] for j in range(2)} | {f"b{j}": spread(unembed[j]) for j in range(2)}
    terms |= {f"B{j}{k}": unembed[j][k] for j in range(2) for k in range(2)}
    return Claim([], [gap >= reference_gap - slack], [use(row_bound_of_a_product, **terms)])


def loss_of_other_tokens() -> Claim:
    """The gap of every output x != m at a token is at least the entry of m minus the largest entry of the others."""
    row, m = vector("v", 4), 3
    worst = row[m] - largest(*row[:m])
    return Claim([], [row[m] - row[x] >= worst for x in range(m)])


def margin_by_attention() -> Claim:
    """Phi_x / Z >= L_x + a R_x + (1 - a) W - h, if the skip gap is at least its reference minus h, positions at least
    pi, other tokens' gaps at least W.
    """
    skip, reference, h, pi, at_m, worst = z3.Reals("g ref h pi R W")
    a, p, d = vector("a", 3), vector("p", 3), vector("D", 3)  # slot 0 holds m, slots 1 and 2 other tokens
    hypotheses = [*(x >= 0 for x in a), z3.Sum(a) == 1, skip >= reference - h, d[0] == at_m]
    hypotheses += [value >= worst for value in d[1:]] + [value >= pi for value in p]
    helped = [use(product_keeps_order, w=x, b=worst, c=value) for x, value in zip(a[1:], d[1:], strict=True)]
    helped += [use(product_keeps_order, w=x, b=pi, c=value) for x, value in zip(a, p, strict=True)]
    total = skip + z3.Sum([x * (y + q) for x, y, q in zip(a, d, p, strict=True)])
    return Claim(hypotheses, [total >= (reference + pi) + a[0] * at_m + (1 - a[0]) * worst - h], helped)


def mean_and_difference() -> Claim:
    """The minimum of L + a R is at least min (L + abar R) plus the lesser of (a - abar) min R and (a - abar) max R, for every a."""
    a, centre, fixed, slopes = z3.Real("a"), z3.Real("abar"), vector("L", 3), vector("R", 3)
    spread_ends = least((a - centre) * least(*slopes), (a - centre) * largest(*slopes))
    low = least(*(f + centre * s for f, s in zip(fixed, slopes, strict=True))) + spread_ends
    helped = [use(product_range, w=s, w0=least(*slopes), w1=largest(*slopes), b=a - centre) for s in slopes]
    return Claim([], [f + a * s >= low for f, s in zip(fixed, slopes, strict=True)], helped)


def apart_without_a_centre() -> Claim:
    """For a >= 0, min (L + a R) >= min L + a min R."""
    a, fixed, slopes = z3.Real("a"), vector("L", 3), vector("R", 3)
    helped = [use(product_keeps_order, w=a, b=least(*slopes), c=s) for s in slopes]
    return Claim([a >= 0], [f + a * s >= least(*fixed) + a * least(*slopes) for f, s in zip(fixed, slopes, strict=True)], helped)


def chord_below_the_envelope() -> Claim:
    """Between two nodes, where min (L + a R) is at least first and second, L_x + a R_x is at least the chord of these."""
    t, left, right, first, second = z3.Reals("t a0 a1 first second")
    fixed, slopes = vector("L", 3), vector("R", 3)
    hypotheses = [t >= 0, t <= 1]
    hypotheses += [z3.And(first <= f + left * s, second <= f + right * s) for f, s in zip(fixed, slopes, strict=True)]
    a = (1 - t) * left + t * right
    helped = [use(product_keeps_order, w=t, b=second, c=f + right * s) for f, s in zip(fixed, slopes, strict=True)]
    helped += [use(product_keeps_order, w=1 - t, b=first, c=f + left * s) for f, s in zip(fixed, slopes, strict=True)]
    conclusions = [(1 - t) * first + t * second <= f + a * s for f, s in zip(fixed, slopes, strict=True)]
    return Claim(hypotheses, conclusions, helped)


def both_ends_decide() -> Claim:
    """If min (L + a R) + (1 - a) W - h is positive at both ends of the range of a, it is positive on all of it."""
    a, low, high, worst, h = z3.Reals("a a_low a_high W h")
    fixed, slopes = vector("L", 2), vector("R", 2)

    def bound(at: z3.ArithRef) -> z3.ArithRef:
        return least(*(f + at * s for f, s in zip(fixed, slopes, strict=True))) + (1 - at) * worst - h

    named = {"c0": fixed[0] + worst - h, "c1": slopes[0] - worst, "d0": fixed[1] + worst - h, "d1": slopes[1] - worst}
    helped = [use(concave_ends, y=a, y_low=low, y_high=high, **named)]
    return Claim([low <= a, a <= high, bound(low) > 0, bound(high) > 0], [bound(a) > 0], helped)


LEMMAS = (
    Lemma(paths_taken_apart, "2 slots, 2 outputs", "pure_margin", ("L5", "L6")),
    Lemma(no_mixture_is_worse, "3 slots, 3 tokens", "pure_margin", ("L10",)),
    Lemma(extreme_slots, "4 slots", "pure_margin", ("L11",)),
    Lemma(pure_sequences_decide, "2 slots below m, 2 tokens", "pure_margin", ("L8", "L10", "L11")),
    Lemma(attention_from_a_ratio, "1 ratio", "attention_margin", ("L12",)),
    Lemma(ratios_bound_what_is_lost, "3 slots", "attention_margin", ("L12",)),
    Lemma(extreme_slots_bound_the_ratio, "1 ratio", "attention_margin", ("L11", "L12")),
    Lemma(extrema_over_a_prefix, "4 tokens", "attention_margin", ("L13",)),
    Lemma(reference_row_and_slack, "width 2", "attention_margin", ("L23",)),
    Lemma(loss_of_other_tokens, "4 outputs", "attention_margin", ("L28",)),
    Lemma(margin_by_attention, "3 slots", "attention_margin", ("L5", "L23", "L28")),
    Lemma(apart_without_a_centre, "3 outputs", "attention_margin", ("L6",)),
    Lemma(mean_and_difference, "3 outputs", "attention_margin", ("L9",)),
    Lemma(chord_below_the_envelope, "3 outputs", "attention_margin", ("L8", "L26")),
    Lemma(both_ends_decide, "2 outputs", "attention_margin", ("L8",)),
)
