"""How large the operand of a norm is on pieces: ranges, and vectors that prove the lower ends (S6').

What Cauchy and Schwarz say of r0 is best where r0 is the point nearest to 0 that the operand can reach: then the bound is the size of r0
itself.  It is looked for by Frank and Wolfe's method: the tokens at which the operand goes least far in the direction of r0 give a point
to move towards.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from verifier.kernel.pieces.functionals import Form
from verifier.kernel.pieces.least import Question
from verifier.kernel.pieces.relaxed import Range
from verifier.kernel.pieces.rows import enclosed
from verifier.kernel.pieces.sizes import Sizes
from verifier.strategies.slots.multipliers import NEWTON, Solution, bounded, middle

NEAR = 1e-9  # by which a range is wider than need be
MOVES = 12  # towards the nearest point


def size_ranges(sizes: Sizes, question: Question) -> tuple[Solution, dict[str, np.ndarray], Range]:
    """Ranges of the size on each piece, and what proves them: a solution of two columns, and centres."""
    workshop, norm = question.slots.workshop, sizes.norm
    centres = _nearest(sizes.carried.of(norm.inputs[0], sizes.identity, {}, question.query), question, norm.operator == "layer_norm")
    exact = enclosed(workshop, [[Fraction(float(entry)) for entry in row] for row in centres], "piece", "feature")
    form, scale, offset = sizes.above(exact, question.query)
    above, below = bounded(form, question), bounded(sizes.below(question.query), question)
    low = np.maximum((above.bounds[:, 0] - middle(offset)) / middle(scale) * (1 - NEAR), NEAR)
    ends = np.stack([low, np.maximum(-below.bounds[:, 0] * (1 + NEAR), low)], axis=1)
    low_end, high_end = (enclosed(workshop, [[Fraction(float(row[side]))] for row in ends], "piece", "column") for side in (0, 1))
    both = (np.hstack([getattr(above, name), getattr(below, name)]) for name in ("bounds", "mu"))
    solution = Solution(*both, np.concatenate([above.shares, below.shares], axis=1))
    return solution, {"sizes": ends, "centres": centres}, (low_end.select("column", 0), high_end.select("column", 0))


def _nearest(form: Form, question: Question, is_centred: bool) -> np.ndarray:
    """About the point nearest to 0 of each piece, shape (piece, width)."""
    allowed = question.allowed.cells.array
    constant = np.zeros(1) if form.constant is None else middle(form.constant)
    heads = [
        (middle(question.functionals.weights(node, question.query)), middle(form.heads[node.name])) for node in question.functionals.heads
    ]
    point = constant + sum(_mean(weights, values, allowed) for weights, values in heads)
    for _ in range(MOVES):
        inner = point - point.mean(axis=1, keepdims=True) if is_centred else point
        move = constant + sum(_least_along(weights, values, allowed, inner) for weights, values in heads) - point
        along = move - move.mean(axis=1, keepdims=True) if is_centred else move
        step = -(inner * along).sum(axis=1) / np.maximum((along**2).sum(axis=1), 1e-300)
        point = point + np.clip(step, 0.0, 1.0)[:, None] * move
    return np.where(np.isfinite(point), point, 0.0)


def _mean(weights: np.ndarray, values: np.ndarray, allowed: np.ndarray) -> np.ndarray:
    """What a head brings where every token of a slot is as likely, shape (piece, width)."""
    mean = np.where(allowed, weights, 0.0) / allowed.sum(axis=2, keepdims=True)
    return np.asarray(np.einsum("pst,stc->pc", mean, values) / mean.sum(axis=(1, 2))[:, None])


def _least_along(weights: np.ndarray, values: np.ndarray, allowed: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """What a head brings at the tokens that go least far in a direction, shape (piece, width): Dinkelbach's iteration."""
    along = np.einsum("stc,pc->pst", values, direction)
    bound = along.max(axis=(1, 2))
    slots = np.arange(weights.shape[0])[None, :]
    for _ in range(NEWTON):
        terms = np.where(allowed, weights * (along - bound[:, None, None]), np.inf)
        chosen = terms.argmin(axis=2)
        bound = bound + terms.min(axis=2).sum(axis=1) / weights[slots, chosen].sum(axis=1)
    picked = weights[slots, chosen]
    return np.asarray(np.einsum("ps,psc->pc", picked, values[slots, chosen]) / picked.sum(axis=1, keepdims=True))
