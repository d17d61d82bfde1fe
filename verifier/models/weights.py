"""The weights file on disk: one safetensors file holding the tensors of `attention-only-1` and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import safetensors.torch
from torch import Tensor

from verifier.files import write_atomically


def save_weights(weights: Mapping[str, Tensor], path: Path, *, force: bool = False) -> None:
    """Write `weights` to `path`; equal weights give equal bytes.

    Keys are sorted, and there is no metadata section: the library writes that one in no fixed order.
    """
    tensors = {name: weights[name].detach().contiguous() for name in sorted(weights)}
    write_atomically(path, safetensors.torch.save(tensors), force=force)


def load_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a weights file, by name."""
    return safetensors.torch.load(path.read_bytes())
