"""The best bound of a functional on pieces, and its multiplier: a concave problem in two numbers, solved in floats for many at once.

For terms w_i(k) (V_i(k) - lambda) - mu s_i(k) the largest lambda for which the sum of the least terms plus min(mu A, mu B) is not
negative is a lower bound of sum w V / sum w on the piece (S1, S12).  It is quasi-concave in mu: golden section; for one mu it is the
root of a concave function: Newton's iteration, which for a ratio is Dinkelbach's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from verifier.kernel.numbers.tensor import Tensor
from verifier.kernel.pieces.functionals import Form
from verifier.kernel.pieces.least import Multipliers, Question

GOLDEN = (5**0.5 - 1) / 2
SECTIONS, NEWTON = 34, 6
MARGIN = 1e-6  # by which a bound is lowered, relative to its size, so that rounding does not undo it


@dataclass(frozen=True)
class Problem:
    """weights, scores: (slot, token); values: (piece or 1, slot, token, column); allowed: (piece, slot, token); low, high: (piece,)."""

    weights: np.ndarray
    values: np.ndarray
    scores: np.ndarray
    allowed: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def least(self, bound: np.ndarray, mu: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The relaxed sum and the weight at its minimiser; bound, mu, both results: (piece, column)."""
        terms = self.weights[..., None] * (self.values - bound[:, None, None, :]) - mu[:, None, None, :] * self.scores[..., None]
        terms = np.where(self.allowed[..., None], terms, np.inf)
        chosen = terms.argmin(axis=2)
        total = np.take_along_axis(terms, chosen[:, :, None], axis=2)[:, :, 0].sum(axis=1)
        weight = self.weights[np.arange(len(self.weights))[None, :, None], chosen].sum(axis=1)
        return total + np.minimum(mu * self.low[:, None], mu * self.high[:, None]), weight

    def best_bound(self, mu: np.ndarray, start: np.ndarray) -> np.ndarray:
        """The largest bound for these multipliers, from above."""
        bound = start
        for _ in range(NEWTON):
            total, weight = self.least(bound, mu)
            bound = bound + total / weight
        return bound

    def solved(self) -> tuple[np.ndarray, np.ndarray]:
        """Bounds and multipliers."""
        start = np.broadcast_to(self.values.max(axis=(1, 2)), (len(self.allowed), self.values.shape[-1]))
        return self._searched(lambda mu: self.best_bound(mu, start))

    def positive(self) -> tuple[np.ndarray, np.ndarray]:
        """The largest relaxed sums with bound 0, and their multipliers."""
        zero = np.zeros((len(self.allowed), self.values.shape[-1]))
        return self._searched(lambda mu: self.least(zero, mu)[0])

    def _searched(self, value: Callable[[np.ndarray], np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Golden section over mu, all problems at once."""
        shape = len(self.allowed), self.values.shape[-1]
        if not self.scores.any():
            mu = np.zeros(shape)
            return value(mu), mu
        spread = self.weights[..., None] * (self.values - self.values.mean(axis=(1, 2), keepdims=True))
        reach = 2 * np.abs(spread).max(axis=(1, 2)) / np.abs(self.scores[self.scores != 0]).min()
        reach = np.broadcast_to(reach, shape)
        left, right = -reach, reach
        inner, outer = right - GOLDEN * (right - left), left + GOLDEN * (right - left)
        at_inner, at_outer = value(inner), value(outer)
        for _ in range(SECTIONS):
            lower = at_inner < at_outer  # the best is right of `inner`
            left, right = np.where(lower, inner, left), np.where(lower, right, outer)
            new_inner, new_outer = right - GOLDEN * (right - left), left + GOLDEN * (right - left)
            fresh = value(np.where(lower, new_outer, new_inner))
            at_inner, at_outer = np.where(lower, at_outer, fresh), np.where(lower, fresh, at_inner)
            inner, outer = new_inner, new_outer
        mu = np.where(at_inner < at_outer, outer, inner)
        at_zero, found = value(np.zeros(shape)), value(mu)
        return np.maximum(found, at_zero), np.where(found > at_zero, mu, 0.0)


@dataclass(frozen=True)
class Solution:
    """Bounds, or least sums, of functionals, and the hints for them: all of shape (piece, column); shares (piece, column, heads - 1).

    What is not finite, where exponentials underflow, is 0: it proves nothing, and a certificate can hold it.
    """

    bounds: np.ndarray
    mu: np.ndarray
    shares: np.ndarray

    def __post_init__(self) -> None:
        for one in (self.bounds, self.mu, self.shares):
            one[~np.isfinite(one)] = 0.0


def bounded(form: Form, question: Question) -> Solution:
    """Lower bounds of functionals, a little below what is best of each head alone."""
    alone = _each_head(form, question)
    solved = [head.solved() for head in alone]
    least = [bound for bound, _ in solved]
    bounds = _constant(form, question) + sum(least)
    bounds = bounds - MARGIN * (1 + np.abs(bounds))
    mu = solved[0][1] if len(alone) == 1 else sum(mu / _total(head) for head, (_, mu) in zip(alone, solved, strict=True))
    return Solution(bounds, mu, _shares(least, bounds - _constant(form, question)))


def positive(form: Form, question: Question) -> Solution:
    """Least sums of terms that are positive where the functionals are."""
    alone = _each_head(form, question)
    constant = _constant(form, question)
    if len(alone) == 1:
        only = replace(alone[0], values=alone[0].values + constant[:, None, None, :])
        return Solution(*only.positive(), _shares([constant], constant))
    solved = [head.solved() for head in alone]
    least = [bound for bound, _ in solved]
    mu = sum(mu / _total(head) for head, (_, mu) in zip(alone, solved, strict=True))
    shares = _shares(least, -constant)
    hints = Multipliers(None, _enclosed(question, np.moveaxis(shares, -1, 0), "head"))
    sums = [
        _sum(question.terms(form, question.functionals.number(0), hints, corner).cells.lo, mu, alone[0])
        for corner in question.corners(form)
    ]
    return Solution(np.minimum.reduce(sums), mu, shares)


def _sum(terms: np.ndarray, mu: np.ndarray, head: Problem) -> np.ndarray:
    """The least sum of terms on each piece, shape (piece, column)."""
    terms = np.where(head.allowed[..., None], terms - mu[:, None, None, :] * head.scores[..., None], np.inf)
    return np.asarray(terms.min(axis=2).sum(axis=1) + np.minimum(mu * head.low[:, None], mu * head.high[:, None]))


def _each_head(form: Form, question: Question) -> list[Problem]:
    """The functional's part of each head, in floats."""
    problems = []
    for node in question.functionals.heads:
        if node.name in form.heads:
            weights, values = question.functionals.weights(node, question.query), form.heads[node.name]
            values = values.spread(("piece", "key_place", "token", "column"), {"piece": 1} | values.sizes)
            scores = question.slots.weighed(weights.size("token"))
            ends = map(middle, question.slots.ends)
            problems.append(Problem(middle(weights), middle(values), middle(scores), question.allowed.cells.array, *ends))
    return problems


def _constant(form: Form, question: Question) -> np.ndarray:
    """Of a form, from below, shape (piece, column)."""
    column = next(iter(form.heads.values())).size("column")
    if form.constant is None:
        return np.zeros((len(question.slots.pieces), column))
    sizes = {"piece": len(question.slots.pieces), "column": column}
    return np.asarray(form.constant.spread(("piece", "column"), sizes | form.constant.sizes).cells.lo)


def _total(head: Problem) -> np.ndarray:
    """About the sum of a head's weights, shape (piece, 1)."""
    mean = np.where(head.allowed, head.weights, 0.0).sum(axis=2) / np.maximum(head.allowed.sum(axis=2), 1)
    return np.asarray(mean.sum(axis=1)[:, None])


def _shares(least: list[np.ndarray], left: np.ndarray) -> np.ndarray:
    """What the heads but the last must exceed: what each has alone, and an equal part of what is left over."""
    over = (left - sum(least)) / len(least)
    return np.stack([one + over for one in least[:-1]], axis=-1) if len(least) > 1 else np.zeros((*left.shape, 0))


def _enclosed(question: Question, array: np.ndarray, axis: str) -> Tensor:
    """Floats as exact enclosures, axes (axis, piece, column)."""
    cells = []
    for number in array.ravel():
        mantissa, exponent = np.frexp(float(number))
        whole = int(mantissa * 2**53)
        cells.append((whole, whole, int(exponent) - 53))
    return question.slots.workshop.enclose_between(cells, (axis, "piece", "column"), array.shape)


def middle(tensor: Tensor) -> np.ndarray:
    """Midpoints of enclosures of the fast arithmetic."""
    return np.asarray((tensor.cells.lo + tensor.cells.hi) / 2)
