"""Search of the hints of `attention_margin`: for each (q, m, c) the smallest gap, hence most tokens, that the rule will certify.

For every prefix 0..j of tokens at once, the rule's formulas are evaluated in floats; the largest j that passes by a safety margin
gives the gap m - j.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import comb

import numpy as np

from verifier.kernel.facts import Table
from verifier.kernel.rules.published.attention_margin import NODE_BITS
from verifier.strategies.kernel_tables import float_matrix

SAFETY = 1e-9  # relative: what floats may be wrong by
CENTRES = np.linspace(0.0, 1.0, 33)  # attentions tried as abar

Joint = Callable[[np.ndarray, float], np.ndarray]  # (attention, abar) -> lower bound of min_x (L_x + a R_x)


@dataclass(frozen=True)
class Hints:
    """gaps: shape (v v, n); centres: shape (v, n)."""

    gaps: np.ndarray
    centres: np.ndarray


def search(tables: dict[str, Table], head_width: int, average: str) -> Hints:
    """Hints for all (q, m, c); average is the rule's `none`, `mean` or `envelope`."""
    arrays = _Arrays(tables, head_width)
    v, n = arrays.v, arrays.n
    gaps, centres = np.ones((v * v, n), dtype=np.int64), np.zeros((v, n))
    for maximum in range(1, v):
        joint = arrays.joint(maximum, average)
        for count in range(n):
            options = CENTRES if average == "mean" else CENTRES[:1]
            group = arrays.group(maximum, count)
            found = [group.largest_prefix(joint, float(centre)) for centre in options]
            certified = [np.where(top >= 0, (top + 1.0) ** count, 0).sum() * comb(n - 1, count) for top in found]
            best = int(np.argmax(certified))
            centres[maximum, count] = options[best]
            top = found[best]
            rows = slice(maximum * v, maximum * v + maximum + 1)
            gaps[rows, count] = np.where(top >= 0, maximum - top, 1)
    return Hints(gaps, centres)


def _ends(table: Table) -> tuple[np.ndarray, np.ndarray]:
    """A table's entries and how far off each may be."""
    part, slack = float_matrix(table.part), table.slack
    return part, float_matrix(slack.rows) @ float_matrix(slack.columns).T if slack else np.zeros_like(part)


class _Arrays:
    """The tables in floats."""

    def __init__(self, tables: dict[str, Table], head_width: int) -> None:
        scale = np.sqrt(head_width)
        part, wide = _ends(tables["score"])
        place_score, place_wide = _ends(tables["position_score"])
        # every score is about one slot, so what its position's score may be off by can as well be counted with the token's
        wide = wide + place_wide.max(1, keepdims=True)
        self.high, self.low = (part + wide) / scale, (part - wide) / scale
        self.rho = np.exp((place_score - place_score.max(1, keepdims=True)) / scale)  # only ratios within a row matter
        self.copy, self.place = float_matrix(tables["copy"].part), float_matrix(tables["position_copy"].part)
        skip, skip_slack = tables["skip"], tables["skip"].slack
        self.reference = float_matrix(skip.part)[0]
        self.v, self.n = self.copy.shape[0], self.place.shape[0]
        self.loss = np.zeros(self.v)
        if skip_slack:
            self.loss = float_matrix(skip_slack.spread())[:, 0]

    def joint(self, maximum: int, average: str) -> Joint:
        """A lower bound of min_x (L_x + a R_x) as the rule computes it."""
        others = np.arange(self.v) != maximum
        place = (self.place[:, [maximum]] - self.place).min(0)[others]
        fixed = self.reference[maximum] - self.reference[others] + place
        slope = self.copy[maximum, maximum] - self.copy[maximum, others]
        if average == "none":
            return lambda a, centre: fixed.min() + a * slope.min()
        if average == "mean":
            return lambda a, centre: (fixed + centre * slope).min() + np.minimum((a - centre) * slope.min(), (a - centre) * slope.max())
        nodes = np.linspace(0.0, 1.0, (1 << NODE_BITS) + 1)
        values = (fixed + nodes[:, None] * slope).min(1)
        return lambda a, centre: np.interp(a, nodes, values)

    def group(self, maximum: int, count: int) -> _Group:
        """All that does not depend on the attention tried as abar."""
        slots, queries = self.n - 1, np.arange(maximum + 1)
        worst = self.copy[:, maximum] - np.where(np.arange(self.v) == maximum, -np.inf, self.copy).max(1)
        below = np.minimum.accumulate(worst[:maximum])
        rho = np.sort(self.rho[queries, :slots], axis=1)
        own_rho = self.rho[queries, slots]
        with np.errstate(over="ignore", invalid="ignore"):
            most = np.exp(np.maximum.accumulate(self.high[queries, :maximum], axis=1) - self.low[queries, [maximum]][:, None])
            least = np.exp(np.minimum.accumulate(self.low[queries, :maximum], axis=1) - self.high[queries, [maximum]][:, None])
            own_most = np.exp(self.high[queries, queries] - self.low[queries, maximum]) * own_rho
            own_least = np.exp(self.low[queries, queries] - self.high[queries, maximum]) * own_rho
        is_maximum = queries == maximum
        # weights of the slots that hold m and of the others: m in the least, then in the most attended slots
        cheap, dear = (rho[:, : slots - count], rho[:, slots - count :]), (rho[:, count:], rho[:, :count])
        ends = []
        for (paid, others), ratio, own in ((cheap, most, own_most), (dear, least, own_least)):
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # NaN is no proof
                lost = (others.sum(1)[:, None] * ratio if count else np.zeros_like(ratio)) + np.where(is_maximum, 0.0, own)[:, None]
                ends.append(1 / (1 + lost / (paid.sum(1) + np.where(is_maximum, own_rho, 0.0))[:, None]))
        losses = np.minimum(below[None, :] if count else np.inf, np.where(is_maximum, np.inf, worst[queries])[:, None])
        losses = np.broadcast_to(losses, ends[0].shape)
        if not count:  # at q = m: no token below m, a = 1
            losses = np.where(np.isinf(losses), 0.0, losses)
        possible = is_maximum if count == slots else np.ones_like(is_maximum)
        return _Group(ends[0], ends[1], losses, self.loss[queries][:, None], possible)


@dataclass(frozen=True)
class _Group:
    """One maximum and count.  Attention's least and largest, and losses: axes (query, largest token allowed); slack: (query, 1)."""

    low: np.ndarray
    high: np.ndarray
    losses: np.ndarray
    slack: np.ndarray
    possible: np.ndarray  # queries with such inputs

    def largest_prefix(self, joint: Joint, centre: float) -> np.ndarray:
        """Per query <= m, the largest j such that inputs with `count` free tokens <= j pass; -1 if none.  Shape (m + 1,)."""
        value = np.minimum(*(joint(a, centre) + (1 - a) * self.losses for a in (self.low, self.high))) - self.slack
        passed = np.nan_to_num(value, nan=-1.0) > SAFETY * (1 + np.abs(self.slack))
        largest = np.where(passed.any(1), passed.shape[1] - 1 - passed[:, ::-1].argmax(1), -1)
        return np.where(self.possible, largest, -1)
