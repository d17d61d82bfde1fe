"""The model in float64, for provers to search in.  Nothing here decides anything: the kernel recomputes it all exactly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import ldexp

import numpy as np

from verifier.kernel.limits import check_limit
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
        boxes = [[np.arange(maximum + 1)] * slots]
        if query < maximum:  # some slot holds the maximum: split by the first that does
            worst = worst + (terms[:, maximum] - least).min(0) if slots else worst
            boxes = [[np.arange(maximum)] * j + [np.array([maximum])] + [np.arange(maximum + 1)] * (slots - 1 - j) for j in range(slots)]
        found = []
        for output in np.flatnonzero(worst < 0):
            if output == maximum:
                continue
            scale = max(float(np.abs(terms[:, :, output]).max(initial=0.0)), abs(float(own[output])))
            for box in boxes:
                tokens = fillings_below(-tolerance * scale - own[output], [terms[i, line, output] for i, line in enumerate(box)], box)
                found.append(np.column_stack([tokens, np.full((len(tokens), 2), (query, output))]))
        if not found:
            return np.empty((0, self.n + 1), dtype=np.int64)
        listed = np.concatenate(found)
        _, first = np.unique(listed[:, :-1], axis=0, return_index=True)  # an input may lose to several outputs
        return listed[first]


def fillings_below(limit: float, terms: list[np.ndarray], tokens: list[np.ndarray]) -> np.ndarray:
    """All choices of one token per slot whose terms sum to at most `limit`, shape (count, slots): slot by slot, pruned."""
    if any(len(line) == 0 for line in terms):
        return np.empty((0, len(terms)), dtype=np.int64)
    after = np.cumsum([line.min() for line in terms][::-1])[::-1] if terms else np.zeros(0)
    chosen, total = np.empty((1, 0), dtype=np.int64), np.zeros(1)
    for slot, (line, names) in enumerate(zip(terms, tokens, strict=True)):
        check_limit("tensor_cells", len(total) * len(line), hint="there are too many wrong inputs to list")
        sums = total[:, None] + line
        rest = after[slot + 1] if slot + 1 < len(terms) else 0.0
        rows, columns = np.nonzero(sums + rest <= limit)
        check_limit("listed_inputs", len(rows), hint="there are too many wrong inputs to list")
        chosen, total = np.column_stack([chosen[rows], names[columns]]), sums[rows, columns]
    return chosen
