"""Is what the explanation leaves over like random noise?  An experiment, not a proof.

The explanation of attention keeps nine rank-one terms of the token scores S = Eq Q K' E'; what is left over is a product of four
factors, M = A3 Qp Kp' B3'.  A proof must bound how much M can move the score of one token against another, so the statistic is

    r(M) = max over queries q of (max over keys k of M[q, k] - min over keys k of M[q, k]).

It is compared with r of random products of the same shape: the entries of each factor shuffled, and Gaussian factors with the
mean and standard deviation of the real ones.  If r(M) is like that of noise, no structure is left that a better explanation
could use; if a bound on r(M) is far above both, the loss is in the inequality.  Scores are as in the published experiment, before
they are divided by sqrt(d_head).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

from verifier.kernel.maximum.model import Model
from verifier.strategies.float_model import FloatModel

NOTE = "an experiment in float64, not a proof"
Factors = tuple[np.ndarray, ...]


@dataclass(frozen=True)
class Null:
    """One kind of noise: the statistic of each sample, and where the real one lies among them."""

    values: np.ndarray
    actual: float

    @property
    def mean(self) -> float:
        return float(self.values.mean())

    @property
    def deviation(self) -> float:
        return float(self.values.std(ddof=1))

    @property
    def z_score(self) -> float | None:
        """Standard deviations from the mean; None where the noise does not vary."""
        return (self.actual - self.mean) / self.deviation if self.deviation > 0 else None

    @property
    def json(self) -> dict[str, Any]:
        at_least = int((self.values >= self.actual).sum())
        return {"mean": self.mean, "std": self.deviation, "z_score": self.z_score, "samples_at_least_as_large": at_least}


@dataclass(frozen=True)
class Noise:
    """The statistic of the residual, of two kinds of noise, and what known inequalities say about the residual."""

    samples: int
    seed: int
    actual: float
    place: tuple[int, int, int]  # query, key with its largest entry, key with its smallest
    nulls: dict[str, Null]
    inequalities: dict[str, float]

    @property
    def json(self) -> dict[str, Any]:
        return {
            "kind": "experiment",
            "note": NOTE,
            "statistic": "max over queries of (max - min over keys) of the residual A3 Qp Kp' B3', before division by sqrt(d_head)",
            "samples": self.samples,
            "seed": self.seed,
            "actual": self.actual,
            "where": dict(zip(("query", "largest_key", "smallest_key"), self.place, strict=True)),
            "nulls": {name: null.json for name, null in self.nulls.items()},
            "inequalities": self.inequalities,
        }


def noise(model: Model, *, samples: int, seed: int, on_sample: Callable[[], None] = lambda: None) -> Noise:
    """Run the experiment; the same seed gives the same numbers.  on_sample: called after each sample of each kind."""
    factors = residual_factors(FloatModel(model))
    actual = statistic(factors)
    residual = reduce(np.matmul, factors)
    query = int(np.ptp(residual, axis=1).argmax())
    place = query, int(residual[query].argmax()), int(residual[query].argmin())
    nulls: dict[str, Null] = {}
    for name, draw in NULLS.items():
        generator = np.random.default_rng([seed, len(nulls)])
        values = []
        for _ in range(samples):
            values.append(statistic(tuple(draw(factor, generator) for factor in factors)))
            on_sample()
        nulls[name] = Null(np.array(values), actual)
    return Noise(samples, seed, actual, place, nulls, inequalities(factors))


def residual_factors(model: FloatModel) -> Factors:
    """A3 (v, d), Qp (d, h), Kp' (h, d) and B3' (d, v): what the nine-term peel (L22) leaves.

    Eq = q q'Eq + A2, A2 = p p'A2 + A3, likewise the keys; Q = u u'Q + Qp, likewise K.  q and k are the leading singular vectors
    of S, all others those of the matrix itself.
    """
    queries, keys = model.queries, model.keys
    left, _, right = np.linalg.svd(model.score)
    a3 = _without(_without(queries, left[:, 0]))
    b3 = _without(_without(keys, right[0]))
    query, key = _without(model.weight("W_Q")), _without(model.weight("W_K"))
    return a3, query, key.T, b3.T


def _without(matrix: np.ndarray, direction: np.ndarray | None = None) -> np.ndarray:
    """The matrix less its projection on a unit vector, by default its leading left singular vector."""
    unit = np.linalg.svd(matrix)[0][:, 0] if direction is None else direction
    return matrix - np.outer(unit, unit @ matrix)


def statistic(factors: Factors) -> float:
    """The largest row range of the product."""
    return float(np.ptp(reduce(np.matmul, factors), axis=1).max())


def shuffled(factor: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """The same entries at random places."""
    return generator.permutation(factor.ravel()).reshape(factor.shape)


def gaussian(factor: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Independent normal entries with the same mean and standard deviation."""
    return generator.normal(factor.mean(), factor.std(), factor.shape)


NULLS: dict[str, Callable[[np.ndarray, np.random.Generator], np.ndarray]] = {"shuffled": shuffled, "gaussian": gaussian}


def inequalities(factors: Factors) -> dict[str, float]:
    """Upper bounds of the statistic by the lemmas that certificates use, here in float64.

    break_points: L17, at each cut sum_j |left[q, j]| range(right row j), the best cut for each query.
    recursive: L18, entrywise absolute values from the last factor to the first.
    spectral: L20, sqrt(2) times the largest singular value of the whole product.
    row_norms: L29, |row of A3| sigma(Qp Kp') times the two largest distances of columns of B3' from their mean.
    """
    a3, query, key, b3 = factors
    cuts = [(reduce(np.matmul, factors[:cut]), reduce(np.matmul, factors[cut:])) for cut in range(1, len(factors))]
    by_cut = [np.abs(left) @ np.ptp(right, axis=1) for left, right in cuts]
    recursive = reduce(lambda ranges, factor: np.abs(factor) @ ranges, reversed(factors[:-1]), np.ptp(b3, axis=1))
    spread = np.sort(np.linalg.norm(b3 - b3.mean(1, keepdims=True), axis=0))[-2:].sum()
    return {
        "break_points": float(np.min(by_cut, axis=0).max()),
        "recursive": float(recursive.max()),
        "spectral": float(np.sqrt(2) * np.linalg.norm(reduce(np.matmul, factors), 2)),
        "row_norms": float(np.linalg.norm(a3, axis=1).max() * np.linalg.norm(query @ key, 2) * spread),
    }
