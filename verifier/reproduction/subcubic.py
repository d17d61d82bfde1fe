"""The 100 sub-cubic strategies of the paper, evaluated in floats as published (docs/published-strategies.md).

A group is (q, m, c): query q, maximum m, c slots that do not hold m, the query among them if q < m; every token there is at most
m - g, for a gap g found by search.  Arrays have axes (query, maximum, others) unless said otherwise.

1. Attention paid to the maximum lies in [a_lo, a_hi]: extreme scores of the tokens allowed, extreme orders of the slots (L11-L13).
2. Delta_x <= h_q + L_x + a R_x + (1 - a) W; L: reference row and worst position, R: copying of m, W: the largest row range of the
   copy table over the tokens allowed, by the least gap of any query.
3. One end of the range is tested, a_lo if max R < W, else a_hi (G2: not always the worst one).
4. drop_average: max L + a max R + (1 - a) W.  mean_query+diff: max (L + abar R) + (a - abar) max R + (1 - a) W, abar the mean over
   queries (G1: for a < abar it should be min R).
5. The inputs counted are C(n-1, c') (m - g)^c', c' the free slots among the c (G3: m - g + 1 tokens are allowed).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cached_property
from math import comb

import numpy as np

from verifier.reproduction.parts import Array, Weights, row_range, score_option, skip_option
from verifier.reproduction.results import Group, Repairs, Reproduction

ATTENTION = ("mean_query+diff", "drop_average")


def subcubic(weights: Weights, *, skip: str, attention: str, score: str, repairs: Repairs) -> Reproduction:
    """Search gaps, then verify with them."""
    part, slack = score_option(weights, score)
    tables = Tables(weights, part, slack)
    mean_apart = attention == "mean_query+diff"
    # the published search bounds the skip path of E + mean P, its verification that of E + P_{n-1} (G9)
    search = Rule(tables, *skip_option(weights, skip, weights.keys), mean_apart, repairs)
    rule = Rule(tables, *skip_option(weights, skip, weights.queries), mean_apart, repairs)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a mean over no query is NaN, and NaN certifies nothing
        gaps = search_gaps(search)
        claimed, relaxed = rule.claimed(gaps), rule.relaxed(gaps)
        groups = [*rule.constant_groups(), *_groups(tables, gaps, claimed, relaxed, repairs)]
        tolerance = 1e-9 * (1 + np.abs(relaxed))
        understated = int((tables.valid(gaps) & (claimed < relaxed - tolerance)).sum())
    return Reproduction(f"subcubic/{skip}/{attention}/{score}", tuple(groups), weights.v**weights.n, understated)


def search_gaps(rule: Rule) -> Array:
    """For each (q, m, c) the smallest gap that certifies it when every group has that gap; 1 if none does."""
    v, n = rule.tables.weights.v, rule.tables.weights.n
    gaps = np.ones((v, v, n), dtype=np.int64)
    for gap in range(v - 1, 0, -1):
        gaps[rule.claimed(np.full_like(gaps, gap)) < 0] = gap
    return gaps


def _groups(tables: Tables, gaps: Array, claimed: Array, relaxed: Array, repairs: Repairs) -> list[Group]:
    n, groups = tables.weights.n, []
    for query, maximum, others in np.argwhere(claimed < 0).tolist():
        gap = int(gaps[query, maximum, others])
        free = others - (query < maximum)
        inputs = comb(n - 1, free) * (maximum - gap + repairs.count) ** free
        place = query, maximum, others
        groups.append(Group(maximum, query, others, gap, inputs, float(claimed[place]), float(relaxed[place])))
    return groups


@dataclass(frozen=True)
class Tables:
    """Scores as part and slack, and all else that does not depend on the options for the skip path."""

    weights: Weights
    part: Array
    slack: Array

    @cached_property
    def _axes(self) -> tuple[Array, Array, Array]:
        v, n = self.weights.v, self.weights.n
        query, maximum, others = np.ogrid[:v, :v, :n]
        return query, maximum, others

    def valid(self, gaps: Array) -> Array:
        """Groups with at least one slot below the maximum that the gap leaves tokens for."""
        query, maximum, others = self._axes
        fits = (maximum >= gaps) & ((query == maximum) | (maximum - query >= gaps))
        return (others >= 1) & (query <= maximum) & fits

    @cached_property
    def _slot_weights(self) -> tuple[Array, Array]:
        """Per (query, count): the sum of the `count` least and of the `count` largest weights of free slots; the query's is 1."""
        scores = self.weights.place_score
        weights = np.sort(np.exp((scores[:, :-1] - scores[:, -1:]) / self.weights.scale), axis=1)
        start = np.zeros_like(scores[:, :1])
        return np.hstack([start, weights.cumsum(1)]), np.hstack([start, weights[:, ::-1].cumsum(1)])

    @cached_property
    def _prefixes(self) -> tuple[Array, Array]:
        return np.maximum.accumulate(self.part, 1), np.minimum.accumulate(self.part, 1)

    def attention(self, gaps: Array) -> tuple[Array, Array]:
        """a_lo and a_hi; NaN where the group is not valid."""
        query, maximum, others = self._axes
        n, last = self.weights.n, np.maximum(maximum - gaps, 0)
        own = self.part[query, maximum]
        slots = n - 1 - others + (query < maximum)  # free slots that hold m
        ends = []
        for prefix, slack, sums in zip(self._prefixes, (-self.slack, self.slack), self._slot_weights, strict=True):
            difference = own - prefix[query, last] + slack[:, None, None]
            paid = sums[query, np.clip(slots, 0, n - 1)]
            rest = sums[:, -1][:, None, None] - paid
            paid, rest = np.where(query == maximum, paid + 1, paid), np.where(query == maximum, rest, rest + 1)
            share = 1 / (1 + np.exp(-difference / self.weights.scale) * rest / paid)
            ends.append(np.where(self.valid(gaps), share, np.nan))
        return ends[0], ends[1]

    def loss(self, gaps: Array) -> Array:
        """W, axes (maximum, others): by the least gap of any query q <= m; NaN where no token is that small."""
        query, maximum, _ = self._axes
        least = np.where(query <= maximum, gaps, self.weights.v).min(0)
        last = np.arange(self.weights.v)[:, None] - least
        largest = np.maximum.accumulate(row_range(self.weights.copy))
        return np.where(last >= 0, largest[np.maximum(last, 0)], np.nan)

    @cached_property
    def slope(self) -> Array:
        """R, axes (maximum, output); NaN at output = maximum."""
        return self.without_itself(self.weights.copy - np.diag(self.weights.copy)[:, None])

    @cached_property
    def worst_place(self) -> Array:
        """pi, axes (maximum, output)."""
        places = self.weights.place_copy
        return (places[:, None, :] - places[:, :, None]).max(0)

    @staticmethod
    def without_itself(table: Array) -> Array:
        """A table by (maximum, output) with NaN on the diagonal."""
        return np.where(np.eye(len(table), dtype=bool), np.nan, table)


@dataclass(frozen=True)
class Rule:
    """The published bound of Delta.  reference (v,), slack (v,): of the skip path."""

    tables: Tables
    reference: Array
    slack: Array
    mean_apart: bool
    repairs: Repairs

    @cached_property
    def fixed(self) -> Array:
        """L, axes (maximum, output)."""
        return self.tables.without_itself(self.reference[None, :] - self.reference[:, None] + self.tables.worst_place)

    @cached_property
    def _slopes(self) -> tuple[Array, Array]:
        """Max R and min R, axes (maximum, others)."""
        return np.nanmax(self.tables.slope, 1)[:, None], np.nanmin(self.tables.slope, 1)[:, None]

    def claimed(self, gaps: Array) -> Array:
        """The rule's upper bound of max_x Delta_x; NaN where it claims nothing."""
        low, high = self.tables.attention(gaps)
        loss = self.tables.loss(gaps)
        if self.repairs.ends:
            return np.maximum(self._at(low, loss), self._at(high, loss))
        return self._at(np.where(self._slopes[0] < loss, low, high), loss)

    def _at(self, share: Array, loss: Array) -> Array:
        """The bound if the attention paid to the maximum is `share`."""
        largest, least = self._slopes
        if not self.mean_apart:
            return np.nanmax(self.fixed, 1)[:, None] + share * largest + (1 - share) * loss + self.slack[:, None, None]
        mean = np.nanmean(share, axis=0)
        joint = np.nanmax(self.fixed[:, None, :] + mean[:, :, None] * self.tables.slope[:, None, :], axis=2)
        difference = (share - mean) * largest
        if self.repairs.sign:
            difference = np.maximum(difference, (share - mean) * least)
        return joint + difference + (1 - share) * loss + self.slack[:, None, None]

    def relaxed(self, gaps: Array) -> Array:
        """The maximum of h + L_x + a R_x + (1 - a) W over all x != m and both ends of a's range: what `claimed` should not undercut."""
        shares, loss = np.stack(self.tables.attention(gaps)), self.tables.loss(gaps)
        result = np.full(gaps.shape, np.nan, dtype=loss.dtype)
        for maximum in range(1, gaps.shape[1]):
            share = shares[:, : maximum + 1, maximum]
            joint = np.nanmax(self.fixed[maximum] + share[..., None] * self.tables.slope[maximum], axis=-1)
            value = joint + (1 - share) * loss[maximum]
            result[: maximum + 1, maximum] = value.max(0) + self.slack[: maximum + 1, None]
        return result

    def constant_groups(self) -> list[Group]:
        """No other token, c = 0: the input m ... m alone, jointly over x with the exact skip row."""
        skip = self.tables.weights.skip
        delta = np.nanmax(skip - np.diag(skip)[:, None] + self.tables.slope + self.tables.worst_place, axis=1)
        return [Group(m, m, 0, 0, 1, float(delta[m])) for m in np.flatnonzero(delta < 0).tolist()]
