"""Importing: somebody else's checkpoint becomes a weights file, its values and types unchanged, or is refused.

1. Read the tensors by name, without running any code from the file (no pickle outside torch's `weights_only`).
2. Refuse, by name, what the architecture does not have: the certificate would be about another function.
3. Let the kernel read all that is left, biases included; it refuses wrong shapes, types, NaN and non-zero biases.
4. Keep the seven tensors that carry the model.

Nothing is ever folded, centred or cast, so that the digest belongs to the numbers that somebody trained.  A checkpoint
does not say everything: that scores are divided by sqrt(d_head) is taken for granted, for instance.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from torch import Tensor

from verifier.kernel.errors import MalformedInput, Usage
from verifier.kernel.limits import check_limit
from verifier.models.architecture import TENSOR_AXES
from verifier.models.weights import encode_weights
from verifier.networks.attention_only import IGNORED, MASK, read_model

NESTS = ("model", "state_dict")  # where training frameworks put the tensors inside a .pt file
LIGHTNING_PREFIX = "model."  # put before every name of a `state_dict` by Lightning
FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)

FOREIGN_PARTS: dict[str, tuple[re.Pattern[str], str]] = {
    "extra-layer": (re.compile(r"blocks\.(?!0\.)"), "one layer"),
    "layer-norm": (re.compile(r"(.*\.)?ln\w*\."), "no LayerNorm, folded or not"),
    "mlp": (re.compile(r"(.*\.)?mlp\."), "no MLP"),
}
"""Parts of a transformer that `attention-only-1` lacks: reason code -> (names, what is expected instead)."""


def import_checkpoint(path: Path) -> dict[str, Tensor]:
    """The seven tensors of the checkpoint at `path`.  Raises `MalformedInput` with the name of the tensor at fault."""
    tensors = read_tensors(path)
    for name, tensor in tensors.items():
        _refuse_foreign(name, tensor, file=str(path))
    _refuse_hidden_slots(tensors.get(MASK), file=str(path))
    candidates = {name: tensor for name, tensor in tensors.items() if name not in {MASK, IGNORED}}
    read_model(encode_weights(candidates), file=str(path))
    return {name: tensors[name] for name in TENSOR_AXES}


def read_tensors(path: Path) -> dict[str, Tensor]:
    """All tensors of a .safetensors, .npz, .pt or .pth file, by name."""
    readers = {".safetensors": _read_safetensors, ".npz": _read_npz, ".pt": _read_torch, ".pth": _read_torch}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise Usage("unknown-format", file=str(path), expected=" ".join(readers), got=path.suffix or "no suffix")
    try:
        size = path.stat().st_size
    except OSError as error:
        raise Usage("cannot-read", file=str(path), expected="a checkpoint", got=error.strerror or error) from error
    check_limit("model_bytes", size, file=str(path))
    try:
        return reader(path)
    except MalformedInput:
        raise
    except Exception as error:  # the libraries promise no exception types for files that are not what they say
        raise MalformedInput(
            "unreadable-checkpoint",
            file=str(path),
            expected=f"tensors in a {path.suffix} file, and no code",
            got=str(error).partition("\n")[0] or type(error).__name__,
            hint="where you trust it, load it and save its state dict alone",
        ) from error


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    return safetensors.torch.load(path.read_bytes())


def _read_npz(path: Path) -> dict[str, Tensor]:
    with np.load(path, allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    return {name: torch.from_numpy(_native(array)) for name, array in arrays.items()}


def _native(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The same values in this machine's byte order, the only one torch knows."""
    return array.astype(array.dtype.newbyteorder("="))


def _read_torch(path: Path) -> dict[str, Tensor]:
    state: Any = torch.load(path, map_location="cpu", weights_only=True)
    for nest in NESTS:
        if isinstance(state, Mapping) and isinstance(state.get(nest), Mapping):
            state = state[nest]
            break
    if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
        raise MalformedInput(
            "no-state-dict",
            file=str(path),
            expected=f"tensors by name, at the top or under {' or '.join(NESTS)}",
            got=sorted(map(str, state)) if isinstance(state, Mapping) else type(state).__name__,
        )
    prefixed = all(str(name).startswith(LIGHTNING_PREFIX) for name in state)
    return {str(name).removeprefix(LIGHTNING_PREFIX if prefixed else ""): tensor for name, tensor in state.items()}


def _refuse_foreign(name: str, tensor: Tensor, *, file: str) -> None:
    """Refuse a tensor that `attention-only-1` cannot have, or whose type is not a plain float."""
    for code, (pattern, expected) in FOREIGN_PARTS.items():
        if pattern.match(name):
            raise MalformedInput(code, file=file, clause="5", expected=expected, got=name)
    if name not in {MASK, IGNORED} and (tensor.dtype not in FLOATS or tensor.layout != torch.strided):
        got = f"{name} of {tensor.dtype}, {tensor.layout}"
        raise MalformedInput("wrong-dtype", file=file, clause="5.2", expected="dense f16, bf16, f32 or f64", got=got)


def _refuse_hidden_slots(mask: Tensor | None, *, file: str) -> None:
    """Refuse an attention mask, shape (T, T), whose last row hides a position.

    Such a model (local attention, say) has the same tensors and computes something else.
    """
    if mask is not None and (mask.ndim < 2 or not bool(mask[..., -1, :].all())):
        expected = f"{MASK} to show every position to the last one"
        raise MalformedInput("masked-attention", file=file, clause="5", expected=expected, got="a mask that hides some")
