"""The model: a weights file turned into exact numbers, its digest, and its five tables (FORMAT.md sections 4 and 5).

Architecture `attention-only-1` (one layer, one head, causal, no LayerNorm, no MLP, no biases, read at the last position n-1):

    residual  x_i  = E[t_i] + P[i]                                  score  s_i = (x_{n-1} Q) (x_i K)' / sqrt(d_head)
    attention a    = softmax(s_0, ..., s_{n-1})                     logits     = (x_{n-1} + sum_i a_i x_i V O) U

With Eq = E + 1 P_{n-1} and any row r (here r = the mean position, rounded down to a dyadic, or r = 0) this is L1:

    skip = Eq U
    score = Eq Q K' (E + 1r)'      position_score = Eq Q K' (P - 1r)'
    copy = (E + 1r) V O U          position_copy  = (P - 1r) V O U
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, reduce
from math import prod
from operator import matmul

from verifier.kernel.errors import MalformedInput
from verifier.kernel.floats import FORMATS, binary64_bits, decode_floats
from verifier.kernel.limits import check_limit
from verifier.kernel.matrix import Ledger, Matrix
from verifier.kernel.safetensors import RawTensor, read_safetensors

ARCHITECTURE = "attention-only-1"
# name in FORMAT.md -> (name in the file, shape in letters: v tokens, n positions, d model width, h head width)
WEIGHTS = {
    "W_E": ("embed.W_E", "vd"),
    "W_pos": ("pos_embed.W_pos", "nd"),
    "W_Q": ("blocks.0.attn.W_Q", "1dh"),
    "W_K": ("blocks.0.attn.W_K", "1dh"),
    "W_V": ("blocks.0.attn.W_V", "1dh"),
    "W_O": ("blocks.0.attn.W_O", "1hd"),
    "W_U": ("unembed.W_U", "dv"),
}
ZERO_BIASES = {"blocks.0.attn.b_Q", "blocks.0.attn.b_K", "blocks.0.attn.b_V", "blocks.0.attn.b_O", "unembed.b_U"}
MASK = "blocks.0.attn.mask"  # the causal mask of TransformerLens, a buffer
IGNORED = "blocks.0.attn.IGNORE"  # what masked scores are set to
CONSTANT_BUFFERS = {MASK, IGNORED}


@dataclass(frozen=True)
class Model:
    """Exact weights of an `attention-only-1` transformer.

    weights: W_E (v, d), W_pos (n, d), W_Q, W_K, W_V (d, h), W_O (h, d), W_U (d, v), each row a tuple of (mantissa, exponent).
    """

    weights: dict[str, tuple[tuple[tuple[int, int], ...], ...]]

    @property
    def vocabulary(self) -> int:
        return len(self.weights["W_E"])

    @property
    def positions(self) -> int:
        return len(self.weights["W_pos"])

    @property
    def head_width(self) -> int:
        return len(self.weights["W_O"])

    @property
    def width(self) -> int:
        return len(self.weights["W_U"])

    @cached_property
    def digest(self) -> str:
        """sha256 over names, shapes and binary64 values: the same model stored in another file has the same digest."""
        state = hashlib.sha256()
        for name in WEIGHTS:
            rows = self.weights[name]
            state.update(name.encode("ascii"))
            for number in (2, len(rows), len(rows[0])):
                state.update(number.to_bytes(8, "little"))
            for row in rows:
                state.update(b"".join(binary64_bits(*entry).to_bytes(8, "little") for entry in row))
        return "sha256:" + state.hexdigest()


def read_model(data: bytes, *, file: str) -> Model:
    """The model in a safetensors file.  Anything the architecture does not have is refused, never ignored."""

    def refuse(code: str, expected: str, got: object, clause: str) -> MalformedInput:
        hint = "the architecture is attention-only-1 and nothing else; see FORMAT.md section 5"
        return MalformedInput(code, expected=expected, got=got, file=file, clause=clause, hint=hint)

    tensors = read_safetensors(data, file=file)
    sizes: dict[str, int] = {"1": 1}
    for key, letters in WEIGHTS.values():
        if key not in tensors:
            raise refuse("missing-tensor", f"the tensor {key}", "no such tensor", "5.1")
        tensor = tensors[key]
        if tensor.dtype not in FORMATS:
            raise refuse("wrong-dtype", "one of " + ", ".join(FORMATS), f"{tensor.dtype} in {key}", "5.2")
        if len(tensor.shape) != len(letters):
            raise refuse("wrong-shape", f"rank {len(letters)} for {key}", list(tensor.shape), "5.3")
        for letter, size in zip(letters, tensor.shape, strict=True):
            if size != sizes.setdefault(letter, size):
                code = "extra-head" if letter == "1" else "wrong-shape"
                raise refuse(code, f"{letter} = {sizes[letter]} in {key}", list(tensor.shape), "5.3")
    for letter, limit in (("v", "vocabulary"), ("n", "positions"), ("d", "width"), ("h", "width")):
        check_limit(limit, sizes[letter], file=file, clause="5.3")
    if sizes["v"] < 2 or min(sizes.values()) < 1:
        raise refuse("wrong-shape", "at least 2 tokens and no empty axis", sizes, "5.3")
    weights = {name: _rows(tensors.pop(key), file) for name, (key, _) in WEIGHTS.items()}
    for key, tensor in tensors.items():
        if key in ZERO_BIASES:
            check_limit("width", prod(tensor.shape), file=file, clause="5.4")
            if tensor.dtype not in FORMATS or any(
                m for m, _ in decode_floats(tensor.data, tensor.dtype, file=file, clause="5.4", name=key)
            ):
                raise refuse("nonzero-bias", f"zeros in {key}", "another value", "5.4")
        elif key == MASK:  # a mask that hides a position from the last one is another architecture, such as local attention
            if tensor.dtype != "BOOL" or tensor.data[-sizes["n"] :] != b"\x01" * sizes["n"]:
                raise refuse("masked-attention", "a mask that shows every position to the last one", "another mask", "5.4")
        elif key != IGNORED:
            raise refuse("unknown-tensor", "only the seven weights and zero biases", key, "5.4")
    return Model(weights)


def _rows(tensor: RawTensor, file: str) -> tuple[tuple[tuple[int, int], ...], ...]:
    entries = tuple(decode_floats(tensor.data, tensor.dtype, file=file, clause="5.2", name=tensor.name))
    width = tensor.shape[-1]
    return tuple(entries[start : start + width] for start in range(0, len(entries), width)) if width else ((),)


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
            self._decoded[name] = Matrix.of(self.model.weights[name], (rows, columns), self.ledger)
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
