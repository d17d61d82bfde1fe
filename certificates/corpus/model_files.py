"""Model files: the shipped ones, and any tensors as one."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from certificates.corpus.documents import JSON, Change

MODELS = Path(__file__).parent.parent / "models"
FILE_NAMES = {
    "W_E": "embed.W_E",
    "W_pos": "pos_embed.W_pos",
    "W_Q": "blocks.0.attn.W_Q",
    "W_K": "blocks.0.attn.W_K",
    "W_V": "blocks.0.attn.W_V",
    "W_O": "blocks.0.attn.W_O",
    "W_U": "unembed.W_U",
}
WORDS = {"<f2": "F16", "<f4": "F32", "<f8": "F64", "<i8": "I64", "|b1": "BOOL", "|u1": "U8"}


def shipped(name: str) -> bytes:
    """The file of a shipped model."""
    return (MODELS / f"{name}.safetensors").read_bytes()


def tensors_of(file: bytes) -> dict[str, np.ndarray]:
    """The tensors of a float32 safetensors file, by name."""
    size = struct.unpack("<Q", file[:8])[0]
    header, body = json.loads(file[8 : 8 + size]), file[8 + size :]
    return {
        name: np.frombuffer(body[slice(*entry["data_offsets"])], "<f4").reshape(entry["shape"])
        for name, entry in header.items()
        if name != "__metadata__"
    }


def safetensors(tensors: Mapping[str, np.ndarray], change: Change | None = None, metadata: JSON | None = None) -> bytes:
    """A safetensors file; `change` may falsify its header."""
    header: JSON = {} if metadata is None else {"__metadata__": metadata}
    body = b""
    for name, tensor in tensors.items():
        data = tensor.tobytes()
        offsets = [len(body), len(body) + len(data)]
        header[name] = {"dtype": WORDS[tensor.dtype.str], "shape": list(tensor.shape), "data_offsets": offsets}
        body += data
    if change is not None:
        change(header)
    text = json.dumps(header).encode("ascii")
    return struct.pack("<Q", len(text)) + text + body


TINY = tensors_of(shipped("tiny"))
IMPERFECT = tensors_of(shipped("imperfect"))


def with_entry(tensors: Mapping[str, np.ndarray], name: str, value: float | np.floating[Any]) -> dict[str, np.ndarray]:
    """The same tensors, the first entry of one of them replaced."""
    changed = tensors[name].copy()
    changed.flat[0] = value
    return {**tensors, name: changed}
