"""The model in float64, for provers to search in.  Nothing here decides anything: the kernel recomputes it all exactly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import ldexp

import numpy as np

from verifier.kernel.model import Model


@dataclass(frozen=True)
class FloatModel:
    """Tables of an attention-only-1 model, mean position counted with the tokens.

    skip (v, v) [query, output]; score (v, v) [query, key] and place_score (v, n) divided by sqrt(h); copy (v, v) [key, output];
    place_copy (n, v) [slot, output].
    """

    model: Model

    def weight(self, name: str) -> np.ndarray:
        """A weight matrix in float64."""
        return np.array([[ldexp(mantissa, exponent) for mantissa, exponent in row] for row in self.model.weights[name]])

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

    def margin_terms(self, query: int, maximum: int) -> tuple[np.ndarray, np.ndarray]:
        """Terms of Phi_x for tokens <= m: free slots, shape (n-1, m+1, v), and the query's own, shape (v,); weight of m is 1."""
        omega = np.exp(self.score[query, : maximum + 1] - self.score[query, maximum])
        rho = np.exp(self.place_score[query])
        copy = self.copy[: maximum + 1, maximum, None] - self.copy[: maximum + 1]
        skip = self.skip[query, maximum] - self.skip[query]
        place = self.place_copy[:, maximum, None] - self.place_copy
        terms = (rho[:, None] * omega)[:, :, None] * (copy + skip + place[:, None, :])
        return terms[:-1], terms[-1, query]

    def wrong_inputs(self, tolerance: float = 1e-9) -> Iterator[np.ndarray]:
        """Rows (t_0 ... t_{n-1}, x) of every input that is answered wrongly by more than `tolerance` of its largest term.

        One array of shape (count, n + 1) for each (query, maximum) that has any.
        """
        for maximum in range(self.v):
            for query in range(maximum + 1):
                found = self._wrong_at(query, maximum, tolerance)
                if len(found):
                    yield found

    def _wrong_at(self, query: int, maximum: int, tolerance: float) -> np.ndarray:
        terms, own = self.margin_terms(query, maximum)
        slots = self.n - 1
        least = terms.min(1)
        worst = own + least.sum(0)
        if query < maximum and slots:  # some slot holds the maximum
            worst = worst + (terms[:, maximum] - least).min(0)
        shape = (maximum + 1,) * slots
        culprit = np.full(shape, -1)
        for output in np.flatnonzero(worst <= 0):
            if output == maximum:
                continue
            total = np.full(shape, own[output])
            for slot in range(slots):
                total = total + terms[slot, :, output].reshape((-1,) + (1,) * (slots - 1 - slot))
            scale = max(float(np.abs(terms[:, :, output]).max(initial=0.0)), abs(float(own[output])))
            culprit[(total <= -tolerance * scale) & (culprit < 0)] = output
        if query < maximum:
            culprit[(slice(0, maximum),) * slots] = -1
        tokens = np.argwhere(culprit >= 0)
        if not len(tokens):
            return np.empty((0, self.n + 1), dtype=np.int64)
        outputs = culprit[tuple(tokens.T)]
        return np.column_stack([tokens, np.full(len(tokens), query), outputs])
