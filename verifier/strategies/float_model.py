"""The model in float64, for provers to search in.  Nothing here decides anything: the kernel recomputes it all exactly."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import ldexp

import numpy as np

from verifier.kernel.maximum.model import Model
from verifier.networks.attention_only import weight_rows


@dataclass(frozen=True)
class Errors:
    """What float32 execution may be off by: a score divided by sqrt(h), per query, shape (v,) or none; a logit."""

    score: np.ndarray
    logit: float


EXACT = Errors(np.empty(0), 0.0)


@dataclass(frozen=True)
class FloatModel:
    """Tables of an attention-only-1 model, mean position counted with the tokens.

    skip (v, v) [query, output]; score (v, v) [query, key] and place_score (v, n) divided by sqrt(h); copy (v, v) [key, output];
    place_copy (n, v) [slot, output].
    """

    model: Model

    def weight(self, name: str) -> np.ndarray:
        """A weight matrix in float64."""
        return np.array([[ldexp(mantissa, exponent) for mantissa, exponent in row] for row in weight_rows(self.model, name)])

    @cached_property
    def queries(self) -> np.ndarray:
        """Eq, shape (v, d)."""
        return self.weight("W_E") + self.weight("W_pos")[-1]

    @cached_property
    def keys(self) -> np.ndarray:
        """E + mean position, shape (v, d)."""
        return self.weight("W_E") + self.weight("W_pos").mean(0)

    @cached_property
    def places(self) -> np.ndarray:
        """P - mean position, shape (n, d)."""
        return self.weight("W_pos") - self.weight("W_pos").mean(0)

    @cached_property
    def query_key(self) -> np.ndarray:
        """Q K' / sqrt(h), shape (d, d)."""
        return self.weight("W_Q") @ self.weight("W_K").T / np.sqrt(self.model.head_width)

    @cached_property
    def value_output(self) -> np.ndarray:
        """V O U, shape (d, v)."""
        return self.weight("W_V") @ self.weight("W_O") @ self.weight("W_U")

    @cached_property
    def skip(self) -> np.ndarray:
        return self.queries @ self.weight("W_U")

    @cached_property
    def score(self) -> np.ndarray:
        return self.queries @ self.query_key @ self.keys.T

    @cached_property
    def place_score(self) -> np.ndarray:
        return self.queries @ self.query_key @ self.places.T

    @cached_property
    def copy(self) -> np.ndarray:
        return self.keys @ self.value_output

    @cached_property
    def place_copy(self) -> np.ndarray:
        return self.places @ self.value_output

    @property
    def v(self) -> int:
        return self.model.vocabulary

    @property
    def n(self) -> int:
        return self.model.positions

    def margin_terms(self, query: int, maximum: int, errors: Errors = EXACT) -> tuple[np.ndarray, np.ndarray]:
        """Terms of Phi_x for tokens <= m: free slots, shape (n-1, m+1, v), and the query's own, shape (v,); weight of m is 1.

        errors: what a machine may be off by; then each term is the largest that it can become.
        """
        omega = np.exp(self.score[query, : maximum + 1] - self.score[query, maximum])
        rho = np.exp(self.place_score[query])
        copy = self.copy[: maximum + 1, maximum, None] - self.copy[: maximum + 1]
        skip = self.skip[query, maximum] - self.skip[query] + 2 * errors.logit
        place = self.place_copy[:, maximum, None] - self.place_copy
        gaps = copy + skip + place[:, None, :]
        spread = 2 * errors.score[query] if len(errors.score) else 0.0
        terms = (rho[:, None] * omega)[:, :, None] * gaps * np.exp(spread * np.sign(gaps))
        return terms[:-1], terms[-1, query]

    def largest_term(self, query: int, maximum: int) -> float:
        """A bound on every term of `margin_terms` and on what its differences were taken of: the scale of rounding errors."""
        weight = np.exp(self.score[query, : maximum + 1] - self.score[query, maximum]).max() * np.exp(self.place_score[query]).max()
        values = sum(float(np.abs(table).max()) for table in (self.skip, self.copy, self.place_copy))
        return float(weight) * 2 * values
