"""How far a float32 machine's logits may be from the real ones: one number per query token, for people and for comparison with machines.

The checker never needs it: it widens two tables instead (docs/float32.md, section 2).
"""

from __future__ import annotations

from fractions import Fraction
from math import isqrt

from verifier.kernel.facts import Context
from verifier.kernel.numbers.matrix import Matrix


def logit_errors(context: Context) -> list[Fraction]:
    """For each query token q an eta with |f~_x - f_x| <= eta for every input with that query, every output and every machine (L31).

    Attention weights whose scores are off by at most s / sqrt(h) each change by at most exp(2 s / sqrt(h)) - 1 in all, and
    exp(y) - 1 <= y / (1 - y) for y < 1; they never change by more than 2 in all, for both are shares.  Each changes what is copied,
    at most the largest entry of OV + PV.  Raises ValueError for a subject that is not about float32, StepRejected where a machine
    may overflow.
    """
    if context.rounding is None:
        raise ValueError("a subject about float32 is needed")
    copied = sum(_largest(context.paths.product(table, True)) for table in ("copy", "position_copy"))
    own = _largest(context.rounding.logit)
    scores = context.rounding.score
    errors = []
    for row in scores.rows:
        twice = 2 * row[0] * Fraction(2) ** scores.exponent / root_below(context.model.head_width)
        moved = min(Fraction(2), twice / (1 - twice)) if twice < 1 else Fraction(2)
        errors.append(own + moved * copied)
    return errors


def root_below(number: int) -> Fraction:
    """A fraction at most the square root, by less than 2^-32."""
    return Fraction(isqrt(number << 64), 1 << 32)


def _largest(matrix: Matrix) -> Fraction:
    """The largest absolute value of all entries."""
    return matrix.absolute().largest() * Fraction(2) ** matrix.exponent
