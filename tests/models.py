"""Tiny models whose weights hide no sign, and the bytes of a weights file, written without any code of the package.

Trained weights have habits: attention grows with the token, the copy path wins, positions hardly matter.  A rule may be
wrong and never be caught by them.  The families below break every habit, at scales from 2^-60 to 2^60.
"""

from __future__ import annotations

import hashlib
import json
import random
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

FILE_NAMES = {
    "W_E": "embed.W_E",
    "W_pos": "pos_embed.W_pos",
    "W_Q": "blocks.0.attn.W_Q",
    "W_K": "blocks.0.attn.W_K",
    "W_V": "blocks.0.attn.W_V",
    "W_O": "blocks.0.attn.W_O",
    "W_U": "unembed.W_U",
}
HEADED = {"W_Q", "W_K", "W_V", "W_O"}  # stored with a first axis of one head
Rows = list[list[float]]
Tensor = tuple[str, Sequence[int], bytes]  # dtype, shape, data


def pack(values: Sequence[float], dtype: str) -> bytes:
    """Little-endian data of a dtype; BF16 cuts the lower half of binary32 off."""
    if dtype == "BF16":
        return b"".join(struct.pack("<f", value)[2:] for value in values)
    return struct.pack(f"<{len(values)}{ {'F16': 'e', 'F32': 'f', 'F64': 'd'}[dtype] }", *values)


def safetensors(tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None) -> bytes:
    """A safetensors file."""
    header: dict[str, object] = {"__metadata__": dict(metadata)} if metadata else {}
    body = b""
    for name, (dtype, shape, data) in tensors.items():
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    return with_header(json.dumps(header).encode(), body)


def with_header(header: bytes, body: bytes) -> bytes:
    return struct.pack("<Q", len(header)) + header + body


def network(head_width: int) -> dict[str, Any]:
    """FORMAT.md's `attention-only-1`, written a second time."""
    head = {letter: {"tensor": f"blocks.0.attn.W_{letter}", "select": [[0, 0]]} for letter in "QKVO"}
    attention = {"query": "q", "key": "k", "value": "v", "mask": "causal", "scale_squared": f"1/{head_width}"}
    nodes = [
        {"node": "e", "op": "embed", "tables": ["embed.W_E"]},
        {"node": "p", "op": "position", "table": "pos_embed.W_pos"},
        {"node": "x", "op": "add", "of": ["e", "p"]},
        *({"node": letter.lower(), "op": "linear", "of": "x", "factors": [head[letter]]} for letter in "QKV"),
        {"node": "a", "op": "attention", **attention},
        {"node": "o", "op": "linear", "of": "a", "factors": [head["O"]]},
        {"node": "y", "op": "add", "of": ["x", "o"]},
        {"node": "u", "op": "linear", "of": "y", "factors": ["unembed.W_U"]},
    ]
    return {"name": "attention-only-1", "nodes": nodes, "logits": "u"}


@dataclass(frozen=True, eq=False)
class TinyModel:
    """weights: W_E (v, d), W_pos (n, d), W_Q, W_K, W_V (d, h), W_O (h, d), W_U (d, v)."""

    weights: Mapping[str, Rows]
    label: str = ""

    @property
    def v(self) -> int:
        return len(self.weights["W_E"])

    @property
    def n(self) -> int:
        return len(self.weights["W_pos"])

    @property
    def h(self) -> int:
        return len(self.weights["W_O"])

    def tensors(self, dtype: str = "F64") -> dict[str, Tensor]:
        result: dict[str, Tensor] = {}
        for name, key in FILE_NAMES.items():
            rows = self.weights[name]
            shape = [1] * (name in HEADED) + [len(rows), len(rows[0])]
            result[key] = (dtype, shape, pack([x for row in rows for x in row], dtype))
        return result

    @cached_property
    def data(self) -> bytes:
        """A weights file in binary64."""
        return self.stored("F64")

    def stored(self, dtype: str) -> bytes:
        """A weights file that names its network."""
        return safetensors(self.tensors(dtype), self.metadata)

    @property
    def metadata(self) -> dict[str, str]:
        """Which network the tensors belong to."""
        return {"verifier.network": json.dumps({"network": network(self.h), "tasks": {"max": {"name": "max", "positions": self.n}}})}

    @cached_property
    def digest(self) -> str:
        """FORMAT.md's digest, written a second time."""
        state = hashlib.sha256()
        for key, name in sorted((key, name) for name, key in FILE_NAMES.items()):
            rows = self.weights[name]
            shape = [1] * (name in HEADED) + [len(rows), len(rows[0])]
            state.update(struct.pack(f"<QQ{len(shape)}Q", len(key), len(shape), *shape) + key.encode())
            state.update(struct.pack(f"<{len(rows) * len(rows[0])}d", *(x + 0.0 for row in rows for x in row)))
        return "sha256:" + state.hexdigest()

    def __repr__(self) -> str:
        return f"<{self.label} v={self.v} n={self.n}>"


def from_file(data: bytes, label: str = "") -> TinyModel:
    """The model in a float32 or float64 safetensors file."""
    size = struct.unpack("<Q", data[:8])[0]
    header, body = json.loads(data[8 : 8 + size]), data[8 + size :]
    weights = {}
    for name, key in FILE_NAMES.items():
        entry = header[key]
        start, stop = entry["data_offsets"]
        letter, width = {"F32": ("f", 4), "F64": ("d", 8)}[entry["dtype"]]
        values = struct.unpack(f"<{(stop - start) // width}{letter}", body[start:stop])
        columns = entry["shape"][-1]
        weights[name] = [list(values[at : at + columns]) for at in range(0, len(values), columns)]
    return TinyModel(weights, label)


def _matrix(rows: int, columns: int, entry: object) -> Rows:
    return [[float(entry()) for _ in range(columns)] for _ in range(rows)]  # type: ignore[operator]


def _generic(family: str, rng: random.Random, v: int, n: int, d: int, h: int) -> TinyModel:
    """Seven unstructured matrices."""
    exponents = {name: rng.choice([-3, -1, 0, 0, 1, 2]) for name in FILE_NAMES}
    entries = {
        "gaussian": lambda name: rng.gauss(0, 1) * 2.0 ** exponents[name],
        "integers": lambda name: rng.randint(-2, 2),  # many exact ties
        "wild": lambda name: rng.choice([-1, 0, 1]) * rng.random() * 2.0 ** rng.randint(-60, 8),
        "huge": lambda name: rng.gauss(0, 1) * 2.0 ** (60 if name in {"W_E", "W_U"} else exponents[name]),
    }
    sizes = {"W_E": (v, d), "W_pos": (n, d), "W_Q": (d, h), "W_K": (d, h), "W_V": (d, h), "W_O": (h, d), "W_U": (d, v)}
    draw = entries[family]
    weights = {name: _matrix(rows, columns, lambda name=name: draw(name)) for name, (rows, columns) in sizes.items()}
    return TinyModel(weights, family)


def copying(rng: random.Random, v: int, n: int, *, noise: float, slope: float, copy: float, place: float = 0.3) -> TinyModel:
    """One-hot embeddings; attention grows by `slope` a token (falls, if negative), the copy path has strength `copy`.

    Every weight then gets Gaussian noise: margins of both signs, on every path.
    """
    d, h = v + n, v
    zero: dict[str, Rows] = {
        "W_E": [[1.0 * (i == j) for j in range(d)] for i in range(v)],
        "W_pos": [[place * (v + i == j) for j in range(d)] for i in range(n)],
        "W_Q": [[1.0 * (i < v)] + [0.0] * (h - 1) for i in range(d)],
        "W_K": [[slope * i * (i < v)] + [0.0] * (h - 1) for i in range(d)],
        "W_V": [[1.0 * (i == j) for j in range(h)] for i in range(d)],
        "W_O": [[copy * (i == j) for j in range(d)] for i in range(h)],
        "W_U": [[1.0 * (i == j) for j in range(v)] for i in range(d)],
    }
    weights = {name: [[x + rng.gauss(0, noise) for x in row] for row in rows] for name, rows in zero.items()}
    return TinyModel(weights, f"copying({noise}, {slope}, {copy}, {place})")


def twins(rng: random.Random, model: TinyModel) -> TinyModel:
    """Two outputs that always tie."""
    first, second = rng.sample(range(model.v), 2)
    unembed = [[row[second] if x == first else entry for x, entry in enumerate(row)] for row in model.weights["W_U"]]
    return TinyModel({**model.weights, "W_U": unembed}, f"twins {model.label}")


GENERIC = ("gaussian", "integers", "wild", "huge")


def random_model(seed: int, *, v: int | None = None, n: int | None = None) -> TinyModel:
    """One model of a family chosen by the seed: half of them copy, with luck well enough to certify something."""
    rng = random.Random(f"model {seed}")
    v = rng.randint(2, 5) if v is None else v
    n = rng.randint(2, 3) if n is None else n
    if seed % 2 == 1:
        family = GENERIC[seed // 2 % len(GENERIC)]
        return _generic(family, rng, v, n, rng.randint(1, 4), rng.randint(1, 3))
    model = copying(
        rng,
        v,
        n,
        noise=rng.choice([0.02, 0.1, 0.3]),
        slope=rng.choice([-1.0, 0.5, 2.0, 5.0]),
        copy=rng.choice([1.0, 4.0, 16.0]),
        place=rng.choice([0.1, 1.0, 4.0]),
    )
    return twins(rng, model) if seed % 14 == 8 else model


def random_models(count: int, **sizes: int) -> Iterator[TinyModel]:
    return (random_model(seed, **sizes) for seed in range(count))
