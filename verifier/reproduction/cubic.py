"""The paper's cubic argument and its brute force, in floats.  Both are right in exact arithmetic; what floats make of them may not be."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import comb

import numpy as np

from verifier.reproduction.parts import Array, Weights
from verifier.reproduction.results import Group, Reproduction

BATCH = 1 << 16  # inputs evaluated at once


def cubic(weights: Weights) -> Reproduction:
    """Tokens k that keep every pure input right may be mixed at will; `others` counts free slots below the maximum."""
    with np.errstate(all="ignore"):
        groups = [group for maximum in range(weights.v) for group in _Maximum(weights, maximum).groups()]
    return Reproduction("cubic", tuple(groups), weights.v**weights.n)


@dataclass(frozen=True)
class _Maximum:
    """Queries and tokens up to one maximum m; positions are not centred; outputs x != m."""

    weights: Weights
    m: int

    @cached_property
    def wrong(self) -> Array:
        return np.arange(self.weights.v) != self.m

    def _delta(self, table: Array) -> Array:
        """table[., x] - table[., m]."""
        return (table - table[:, [self.m]])[:, self.wrong]

    @cached_property
    def skip(self) -> Array:
        return self._delta(self.weights.skip[: self.m + 1])

    @cached_property
    def copy(self) -> Array:
        return self._delta(self.weights.copy[: self.m + 1])

    @cached_property
    def place(self) -> Array:
        """pi, axis (output,)."""
        return self._delta(self.weights.place_copy).max(0)

    @cached_property
    def omega(self) -> Array:
        """Weight of token k against that of m, axes (query, key)."""
        score = self.weights.queries @ self.weights.Q @ self.weights.K.T @ self.weights.E.T
        return np.exp((score[: self.m + 1, : self.m + 1] - score[: self.m + 1, [self.m]]) / self.weights.scale)

    @cached_property
    def rho(self) -> Array:
        """Weights of the free slots against the query's, ascending, axes (query, slot)."""
        score = self.weights.queries[: self.m + 1] @ self.weights.Q @ self.weights.K.T @ self.weights.P.T
        return np.sort(np.exp((score[:, :-1] - score[:, -1:]) / self.weights.scale), axis=1)

    def groups(self) -> Iterator[Group]:
        """All that is certified at this maximum."""
        n = self.weights.n
        for query, value in enumerate(self._constant()):
            if value < 0 and (query == self.m or n > 1):
                yield Group(self.m, query, 0, 0, 1, float(value))
        for others in range(1, n):
            for query, values in enumerate(self._pure(others)):
                good = values[: self.m][values[: self.m] < 0]
                if len(good) and (query == self.m or others < n - 1):
                    yield Group(self.m, query, others, 0, comb(n - 1, others) * len(good) ** others, float(good.max()))

    def _constant(self) -> Array:
        """Every free slot holds m: jointly over x, axis (query,)."""
        own, total = np.diag(self.omega)[:, None], self.rho.sum(1)[:, None]
        value = (self.skip + self.place) * (total + own) + self.copy[self.m] * total + self.copy * own
        return (value / (total + own)).max(1)

    def _pure(self, others: int) -> Array:
        """F(y) at both ends, for `others` slots that hold k and the rest m, axes (query, key)."""
        u, worst = self.skip.max(1)[:, None], (self.copy + self.place).max(1)
        own = ((worst + u[:, 0]) * np.diag(self.omega))[:, None]
        total, slots = self.rho.sum(1)[:, None], self.weights.n - 1
        ends = self.rho[:, : slots - others].sum(1)[:, None], self.rho[:, others:].sum(1)[:, None]
        return np.max([(worst[self.m] + u) * y + own + (worst + u) * self.omega * (total - y) for y in ends], axis=0)


def brute_force(weights: Weights) -> Reproduction:
    """The forward pass on every input; an input counts as right if argmax, the first of equals, is its maximum (G7)."""
    found: dict[tuple[int, int, int], int] = {}
    for tokens in _batches(weights.v, weights.n):
        maximum, query = tokens.max(1), tokens[:, -1]
        right = logits(weights, tokens).argmax(1) == maximum
        cells = np.column_stack([maximum, query, (tokens < maximum[:, None]).sum(1)])[right]
        for cell, count in zip(*np.unique(cells, axis=0, return_counts=True), strict=True):
            found[tuple(cell.tolist())] = found.get(tuple(cell.tolist()), 0) + int(count)
    groups = (Group(m, q, c, 0, count, -0.0) for (m, q, c), count in sorted(found.items()))
    return Reproduction("brute-force", tuple(groups), weights.v**weights.n)


def _batches(v: int, n: int) -> Iterator[Array]:
    inputs = itertools.product(range(v), repeat=n)
    while batch := list(itertools.islice(inputs, BATCH)):
        yield np.array(batch)


def logits(weights: Weights, tokens: Array) -> Array:
    """At the last position, axes (input, output)."""
    residual = weights.E[tokens] + weights.P
    query = residual[:, -1] @ weights.Q
    scores = np.einsum("bnh,bh->bn", residual @ weights.K, query) / weights.scale
    attention = np.exp(scores - scores.max(1, keepdims=True))
    attention /= attention.sum(1, keepdims=True)
    mixed = np.einsum("bn,bnd->bd", attention, residual)
    return (residual[:, -1] + mixed @ weights.V @ weights.O) @ weights.U
