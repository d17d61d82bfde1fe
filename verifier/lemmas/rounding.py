"""Lemmas about float32 execution (docs/float32.md): what rounding errors add up to, and what a gap must be to survive them."""

from __future__ import annotations

import z3

from verifier.lemmas.shared import product_keeps_order
from verifier.lemmas.statements import Claim, Lemma, magnitude, use, vector
from verifier.lemmas.tables import product_is_at_most


def within(error: z3.ArithRef, bound: z3.ArithRef) -> list[z3.BoolRef]:
    """|error| <= bound."""
    return [error <= bound, -error <= bound]


def gap_beyond_the_errors() -> Claim:
    """If both logits are off by at most eta, a gap above 2 eta stays positive, and one of at most -2 eta stays at most 0."""
    true_m, true_x, machine_m, machine_x, eta = z3.Reals("f_m f_x g_m g_x eta")
    gap = true_m - true_x
    conclusions = [z3.Implies(gap > 2 * eta, machine_m > machine_x), z3.Implies(gap <= -2 * eta, machine_m <= machine_x)]
    return Claim([*within(machine_m - true_m, eta), *within(machine_x - true_x, eta)], conclusions)


def roundings_multiply() -> Claim:
    """If |a| <= g and |d| <= u, then (1 + a) (1 + d) is within g + u + g u of 1: one rounding more."""
    before, last, g, u = z3.Reals("a d g u")
    helped = [use(product_is_at_most, a=last, d=before, b=g), use(product_is_at_most, a=-last, d=before, b=g)]
    helped += [use(product_keeps_order, w=g, b=magnitude(last), c=u)]
    total = (1 + before) * (1 + last) - 1
    return Claim([*within(before, g), *within(last, u)], within(total, g + u + g * u), helped)


def sum_of_products_in_floats() -> Claim:
    """Two products and their sum, each rounded with a relative error of at most u: off by at most (2 u + u^2) (|a| + |b|)."""
    (a, b), (first, second, last), u = vector("a", 2), vector("d", 3), z3.Real("u")
    g = u + u + u * u
    helped = []
    for product, rounding in ((a, first), (b, second)):
        factor = (1 + rounding) * (1 + last) - 1
        helped.append(use(roundings_multiply, a=rounding, d=last, g=u, u=u))
        helped += [use(product_is_at_most, a=product, d=sign * factor, b=g) for sign in (1, -1)]
    computed = (a * (1 + first) + b * (1 + second)) * (1 + last)
    hypotheses = [bound for rounding in (first, second, last) for bound in within(rounding, u)]
    return Claim(hypotheses, within(computed - (a + b), g * (magnitude(a) + magnitude(b))), helped)


def product_of_inexact_numbers() -> Claim:
    """If |x| <= A is off by at most e and |y| <= B by at most f, their product is off by at most (A + e) f + e B."""
    x, y, dx, dy, a, b, e, f = z3.Reals("x y dx dy A B e f")
    helped = [use(product_is_at_most, a=x + dx, d=sign * dy, b=f) for sign in (1, -1)]
    helped += [use(product_is_at_most, a=y, d=sign * dx, b=e) for sign in (1, -1)]
    helped += [use(product_keeps_order, w=f, b=magnitude(x + dx), c=a + e), use(product_keeps_order, w=e, b=magnitude(y), c=b)]
    hypotheses = [*within(x, a), *within(y, b), *within(dx, e), *within(dy, f)]
    return Claim(hypotheses, within((x + dx) * (y + dy) - x * y, (a + e) * f + e * b), helped)


def errors_of_logits_and_gaps() -> Claim:
    """Errors of at most eta on every logit, whatever they are, take at most 2 eta from a sum of weighted gaps of total weight 1."""
    (w0, w1), (b0, b1), (error_m, error_x), eta = vector("w", 2), vector("b", 2), vector("d", 2), z3.Real("eta")
    exact = w0 * b0 + w1 * b1
    changed = w0 * (b0 + error_m - error_x) + w1 * (b1 + error_m - error_x)
    return Claim([w0 + w1 == 1, *within(error_m, eta), *within(error_x, eta)], within(changed - exact, 2 * eta))


LEMMAS = (
    Lemma(gap_beyond_the_errors, "2 outputs", cites=("L31",)),
    Lemma(roundings_multiply, "1 rounding more", cites=("L31",)),
    Lemma(sum_of_products_in_floats, "2 products", cites=("L31",)),
    Lemma(product_of_inexact_numbers, "1 product", cites=("L31",)),
    Lemma(errors_of_logits_and_gaps, "2 slots", cites=("L31",)),
)
