"""Accuracy estimated by sampling (L32): an estimate with a confidence level, never a bound.

Two numbers from float64 forward passes, which can be set beside a certificate:

*Plain.*  N inputs drawn independently and uniformly; the number answered rightly is binomial, and Clopper and Pearson's interval
contains the accuracy with at least the stated confidence, whatever the model.

*Stratified.*  Inputs fall into strata by (maximum m, query q, number c of free slots whose token is below m), of sizes that are
known exactly: C(n-1, c) m^c, with c <= n-1 if q = m and c <= n-2 if q < m.  A uniform member of a stratum is a uniform choice of
c slots and a uniform token below m for each.  Strata that are no larger than their share of the samples are enumerated; those
whose share is only a few samples are pooled and drawn from together, uniformly in their union.  The weighted mean is unbiased
and varies less than the plain one; it comes with a standard error, which is no interval of any stated confidence.
"""

from __future__ import annotations

import itertools
import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
import torch

from verifier.kernel.maximum.model import Model
from verifier.models.architecture import last_position_logits
from verifier.networks.attention_only import TENSORS
from verifier.strategies.float_model import FloatModel

NOTE = "an estimate from random samples and float64 forward passes, never a bound"
BATCH = 8192  # inputs in one forward pass
FEWEST = 5  # samples of a stratum that is sampled by itself
NEAR_TIE = 1e-9  # logits: closer calls are reported, because rounding may have decided them


@dataclass(frozen=True)
class Stratum:
    """The inputs with maximum m, query q and exactly c free slots whose token is below m."""

    maximum: int
    query: int
    below: int
    free: int

    @property
    def size(self) -> int:
        return math.comb(self.free, self.below) * self.maximum**self.below

    def draw(self, count: int, generator: np.random.Generator) -> np.ndarray:
        """Independent uniform members, shape (count, n)."""
        tokens = np.full((count, self.free + 1), self.maximum)
        tokens[:, -1] = self.query
        if self.below:
            order = generator.permuted(np.tile(np.arange(self.free), (count, 1)), axis=1)
            values = generator.integers(self.maximum, size=(count, self.below))
            np.put_along_axis(tokens, order[:, : self.below], values, axis=1)
        return tokens

    def members(self) -> np.ndarray:
        """All of them, shape (size, n)."""
        rows = []
        for slots in itertools.combinations(range(self.free), self.below):
            for values in itertools.product(range(self.maximum), repeat=self.below):
                row = [self.maximum] * self.free + [self.query]
                for slot, value in zip(slots, values, strict=True):
                    row[slot] = value
                rows.append(row)
        return np.array(rows)


def strata(vocabulary: int, positions: int) -> list[Stratum]:
    """A partition of all inputs: every non-empty stratum."""
    free = positions - 1
    result = []
    for maximum in range(vocabulary):
        for query in range(maximum + 1):
            most = free if query == maximum else free - 1  # some slot holds the maximum
            result += [Stratum(maximum, query, below, free) for below in range(most + 1)]
    return [stratum for stratum in result if stratum.size]


@dataclass(frozen=True)
class Plain:
    """right of samples inputs were answered rightly; the interval contains the accuracy with the stated confidence."""

    samples: int
    right: int
    near_ties: int
    lower: float
    upper: float


@dataclass(frozen=True)
class Stratified:
    """enumerated: inputs of which nothing was sampled; mass: their share of all inputs."""

    accuracy: float
    standard_error: float
    samples: int
    enumerated: int
    enumerated_mass: float
    strata: int


@dataclass(frozen=True)
class Estimate:
    """What was drawn and what it suggests."""

    confidence: float
    seed: int
    plain: Plain
    stratified: Stratified

    @property
    def json(self) -> dict[str, Any]:
        plain, stratified = vars(self.plain), vars(self.stratified)
        accuracy = self.plain.right / self.plain.samples
        return {
            "kind": "estimate",
            "note": NOTE,
            "metric": "accuracy",
            "accuracy": accuracy,
            "confidence": self.confidence,
            "lower": self.plain.lower,
            "upper": self.plain.upper,
            "seed": self.seed,
            "plain": plain,
            "stratified": stratified,
        }


def estimate(model: Model, *, samples: int, confidence: float, seed: int) -> Estimate:
    """Draw about `samples` inputs for each of the two numbers."""
    judge = Judge(model)
    generator = np.random.default_rng(seed)
    plain = _plain(judge, samples, confidence, generator)
    return Estimate(confidence, seed, plain, _stratified(judge, samples, generator))


def _plain(judge: Judge, samples: int, confidence: float, generator: np.random.Generator) -> Plain:
    right = near = 0
    for count in _batches(samples):
        margins = judge.margins(generator.integers(judge.vocabulary, size=(count, judge.positions)))
        right += int((margins > 0).sum())
        near += int((np.abs(margins) < NEAR_TIE).sum())
    return Plain(samples, right, near, *clopper_pearson(right, samples, confidence))


def _stratified(judge: Judge, samples: int, generator: np.random.Generator) -> Stratified:
    total = judge.vocabulary**judge.positions
    parts = strata(judge.vocabulary, judge.positions)
    accuracy, variance = Fraction(0), Fraction(0)
    drawn = listed = 0
    queue = _Queue(judge)
    pool = []
    outcomes: list[tuple[int, int, int, bool]] = []  # size of the stratum, inputs looked at, ticket, enumerated?
    for part in parts:
        share = -(-samples * part.size // total)
        if part.size <= share:
            outcomes.append((part.size, part.size, queue.put(part.members()), True))
        elif share < FEWEST:
            pool.append(part)
        else:
            outcomes.append((part.size, share, queue.put(part.draw(share, generator)), False))
    if pool:
        size = sum(part.size for part in pool)
        count = max(-(-samples * size // total), 2)
        outcomes.append((size, count, queue.put(draw_from(pool, count, generator)), False))
    right = queue.right()
    for size, count, ticket, enumerated in outcomes:
        weight, share = Fraction(size, total), Fraction(right[ticket], count)
        accuracy += weight * share
        if enumerated:
            listed += count
        else:
            drawn += count
            variance += weight**2 * share * (1 - share) / (count - 1)
    return Stratified(float(accuracy), math.sqrt(variance), drawn, listed, float(Fraction(listed, total)), len(parts))


def draw_from(parts: list[Stratum], count: int, generator: np.random.Generator) -> np.ndarray:
    """Independent uniform members of a union of strata; sizes of any number of digits are met exactly."""
    ends = list(itertools.accumulate(part.size for part in parts))
    times: dict[int, int] = {}
    for _ in range(count):
        chosen = bisect_right(ends, random_below(ends[-1], generator))
        times[chosen] = times.get(chosen, 0) + 1
    return np.concatenate([parts[index].draw(number, generator) for index, number in sorted(times.items())])


def random_below(limit: int, generator: np.random.Generator) -> int:
    """A uniform integer from 0 to limit - 1, of any size, by rejection."""
    size = max((limit - 1).bit_length(), 1)
    while True:
        value = int.from_bytes(generator.bytes((size + 7) // 8), "little") & ((1 << size) - 1)
        if value < limit:
            return value


class Judge:
    """Forward passes in float64."""

    def __init__(self, model: Model) -> None:
        weights = FloatModel(model)
        self.vocabulary, self.positions = model.vocabulary, model.positions
        matrices = {name: torch.from_numpy(weights.weight(name)) for name in TENSORS}
        self._weights = {key: matrices[name][None] if axes[0] == "1" else matrices[name] for name, (key, axes) in TENSORS.items()}

    def margins(self, tokens: np.ndarray) -> np.ndarray:
        """Logit of the maximum minus the largest other logit, shape (batch,); tokens: shape (batch, n)."""
        with torch.no_grad():
            batch = torch.from_numpy(np.ascontiguousarray(tokens, dtype=np.int64))
            logits = last_position_logits(self._weights, batch)
            label = batch.amax(dim=1, keepdim=True)
            own = logits.gather(1, label)
            return (own - logits.scatter(1, label, -torch.inf).amax(dim=1, keepdim=True)).numpy()[:, 0]


class _Queue:
    """Collects inputs of many small strata, so that they share forward passes."""

    def __init__(self, judge: Judge) -> None:
        self._judge, self._waiting, self._right, self._first = judge, list[np.ndarray](), list[int](), 0

    def put(self, inputs: np.ndarray) -> int:
        """Hand in inputs; the number returned is their place in `right`."""
        self._waiting.append(inputs)
        self._right.append(0)
        if sum(map(len, self._waiting)) >= BATCH:
            self._flush()
        return len(self._right) - 1

    def right(self) -> list[int]:
        """How many inputs of each hand-in are answered rightly."""
        self._flush()
        return self._right

    def _flush(self) -> None:
        if self._waiting:
            tokens = np.concatenate(self._waiting)
            right = np.concatenate([self._judge.margins(part) > 0 for part in _split(tokens)])
            for part in self._waiting:
                self._right[self._first] = int(right[: len(part)].sum())
                right, self._first = right[len(part) :], self._first + 1
            self._waiting.clear()


def _split(tokens: np.ndarray) -> Iterator[np.ndarray]:
    return (tokens[start : start + BATCH] for start in range(0, len(tokens), BATCH))


def _batches(samples: int) -> Iterable[int]:
    return (min(BATCH, samples - start) for start in range(0, samples, BATCH))


# -- Clopper and Pearson -----------------------------------------------------------------------------------------------


def clopper_pearson(successes: int, trials: int, confidence: float) -> tuple[float, float]:
    """An interval that contains the success probability with at least this confidence.

    Its lower end is the p at which `successes` or more have the probability (1 - confidence) / 2, its upper end the p at which
    `successes` or fewer have it.  Both by bisection, and both rounded outward.
    """
    if not 0 <= successes <= trials or trials < 1 or not 0 < confidence < 1:
        raise ValueError("successes of trials, at least one, and a confidence between 0 and 1")
    lower = lower_limit(successes, trials, (1 - confidence) / 2)
    upper = 1 - lower_limit(trials - successes, trials, (1 - confidence) / 2)
    return lower, min(math.nextafter(upper, 2), 1.0)


def lower_limit(successes: int, trials: int, risk: float) -> float:
    """The largest p known to this search at which `successes` or more of `trials` have at most the probability `risk`."""
    if successes == 0:
        return 0.0
    log_risk = math.log(risk) - 1e-7  # the tail is known to about 1e-8 of itself: this errs towards a wider interval
    too_likely = partial(_tail_exceeds, successes, trials, log_risk)
    low, high = 0.0, successes / trials  # at the mean the tail is near 1/2
    while high - low > 1e-13 * high:
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (low, middle) if too_likely(middle) else (middle, high)
    return low


def _tail_exceeds(successes: int, trials: int, log_risk: float, p: float) -> bool:
    """Is log P[Bin(trials, p) >= successes] above log_risk?  For 0 < p < 1 below the mean, where the terms fall."""
    log_odds = math.log(p) - math.log1p(-p)
    ways = math.lgamma(trials + 1) - math.lgamma(successes + 1) - math.lgamma(trials - successes + 1)
    log_first = ways + successes * log_odds + trials * math.log1p(-p)
    odds, term, total = math.exp(log_odds), 1.0, 1.0
    for k in range(successes, trials):
        term *= (trials - k) / (k + 1) * odds
        total += term
        if term < 1e-17 * total:
            break
    return log_first + math.log(total) > log_risk
