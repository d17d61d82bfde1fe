"""The five tables of a network of the shape `attention-only-1`, from its weights (FORMAT.md section 5).

One layer, one head, causal, no LayerNorm, no MLP, no biases, read at the last position n-1:

    residual  x_i  = E[t_i] + P[i]                                  score  s_i = (x_{n-1} Q) (x_i K)' / sqrt(d_head)
    attention a    = softmax(s_0, ..., s_{n-1})                     logits     = (x_{n-1} + sum_i a_i x_i V O) U

With Eq = E + 1 P_{n-1} and any row r (here r = the mean position, rounded down to a dyadic, or r = 0) this is L1:

    skip = Eq U
    score = Eq Q K' (E + 1r)'      position_score = Eq Q K' (P - 1r)'
    copy = (E + 1r) V O U          position_copy  = (P - 1r) V O U
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, reduce
from operator import matmul

from verifier.kernel.network import attention_only
from verifier.kernel.network.operators import Network
from verifier.kernel.network.program import Reference
from verifier.kernel.numbers.matrix import Ledger, Matrix


@dataclass(frozen=True)
class Model:
    """Exact weights of a network of the shape `attention-only-1`, on sequences of `positions` tokens.

    references: which matrix of the file is W_E (v, d), W_pos (at least n, d), W_Q, W_K, W_V (d, h), W_O (h, d), W_U (d, v).
    """

    network: Network
    references: dict[str, Reference]
    positions: int

    @property
    def vocabulary(self) -> int:
        return self.network.vocabulary

    @property
    def head_width(self) -> int:
        return self._shape("W_O")[0]

    @property
    def width(self) -> int:
        return self._shape("W_U")[0]

    @property
    def digest(self) -> str:
        return self.network.weights.digest

    def weight(self, name: str, axes: tuple[str, str], ledger: Ledger) -> Matrix:
        """A weight as an exact matrix; of the positions, those that are used."""
        matrix = self.network.weights.matrix(self.references[name], axes, ledger)
        return matrix.first_rows(self.positions) if name == "W_pos" else matrix

    def _shape(self, name: str) -> tuple[int, ...]:
        return self.network.weights.shape(self.references[name])


def model_of(network: Network, positions: int) -> Model | None:
    """The network as a model of this shape, None if it has another one."""
    references = attention_only.weights_of(network)
    return None if references is None else Model(network, references, positions)


@dataclass(frozen=True)
class Paths:
    """The model's tables as chains of exact matrices, computed on request.  `centre` moves the mean position to the tokens."""

    model: Model
    ledger: Ledger
    # attack: rules that ask for a weight again, for every token and step
    _decoded: dict[str, Matrix] = field(default_factory=dict, repr=False)

    def weight(self, name: str, rows: str, columns: str) -> Matrix:
        """A weight matrix, its axes named."""
        if name not in self._decoded:
            self._decoded[name] = self.model.weight(name, (rows, columns), self.ledger)
        return self._decoded[name].named(rows, columns)

    @cached_property
    def tokens(self) -> Matrix:
        return self.weight("W_E", "key", "model")

    @cached_property
    def places(self) -> Matrix:
        return self.weight("W_pos", "position", "model")

    @cached_property
    def mean_place(self) -> Matrix:
        return self.places.mean_row()

    @cached_property
    def queries(self) -> Matrix:
        """Eq, shape (v, d)."""
        return self.tokens.named("query", "model") + self.places.row(-1).named("query", "model")

    def keys(self, centre: bool) -> Matrix:
        """E + 1 r, shape (v, d)."""
        return self.tokens + self.mean_place.named("key", "model") if centre else self.tokens

    def positions(self, centre: bool) -> Matrix:
        """P - 1 r, shape (n, d)."""
        return self.places - self.mean_place if centre else self.places

    def chain(self, table: str, centre: bool) -> tuple[Matrix, ...]:
        """The factors of a table, left to right: `skip` Eq U; scores Eq Q K' X'; copies X V O U."""
        if table == "skip":
            return self.queries, self.weight("W_U", "model", "output")
        if table.endswith("score"):
            return self.queries, *self._query_key, self._source(table)(centre).transposed
        return self._source(table)(centre), *self._value_output

    def product(self, table: str, centre: bool) -> Matrix:
        """The table itself; what two tables share, Eq Q K' and V O U, is multiplied once."""
        if table == "skip":
            return reduce(matmul, self.chain(table, centre))
        if table.endswith("score"):
            return self._query_residuals @ self._source(table)(centre).transposed
        return self._source(table)(centre) @ self._values

    def _source(self, table: str) -> Callable[[bool], Matrix]:
        return self.positions if table.startswith("position") else self.keys

    @cached_property
    def _query_key(self) -> tuple[Matrix, Matrix]:
        return self.weight("W_Q", "model", "head"), self.weight("W_K", "model", "head").transposed

    @cached_property
    def _value_output(self) -> tuple[Matrix, Matrix, Matrix]:
        weights = ("W_V", "model", "head"), ("W_O", "head", "model"), ("W_U", "model", "output")
        value, output, unembed = (self.weight(*names) for names in weights)
        return value, output, unembed

    @cached_property
    def _query_residuals(self) -> Matrix:
        """Eq (Q K'), shape (v, d)."""
        return self.queries @ reduce(matmul, self._query_key)

    @cached_property
    def _values(self) -> Matrix:
        """V O U, shape (d, v)."""
        return reduce(matmul, self._value_output)


TABLES = ("skip", "score", "position_score", "copy", "position_copy")
