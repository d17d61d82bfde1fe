"""The weights file on disk: one safetensors file holding the seven tensors of `attention-only-1` and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor

from verifier.networks.attention_only import read_model
from verifier.networks.finding import with_network
from verifier.system.files import write_atomically


def encode_weights(weights: Mapping[str, Tensor]) -> bytes:
    """The safetensors bytes of `weights`, whose values and types are untouched; equal weights give equal bytes.

    Keys are sorted, and there is no metadata section, which the library would write in no fixed order.  Every tensor is
    copied, because the library refuses two names for one storage, as tied weights have.
    """
    copies = {name: weights[name].detach().clone(memory_format=torch.contiguous_format) for name in sorted(weights)}
    return safetensors.torch.save(copies)


def save_weights(weights: Mapping[str, Tensor], path: Path, *, force: bool = False) -> str:
    """Write `weights` to `path`, with the network that they belong to, and return the digest that statements will name.

    The kernel reads the bytes first: what is on disk is what can be certified.  Raises `MalformedInput` as the kernel
    does, `Usage` as `write_atomically` does.
    """
    encoded = with_its_network(encode_weights(weights), file=str(path))
    digest = read_model(encoded, file=str(path)).digest
    write_atomically(path, encoded, force=force)
    return digest


def with_its_network(encoded: bytes, *, file: str) -> bytes:
    """The file with the program of `attention-only-1` and the task max in its metadata: commands then need no --network."""
    model = read_model(encoded, file=file)
    return with_network(encoded, model.network.program.json, {"max": {"name": "max", "positions": model.positions}}, file=file)


def load_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a weights file, by name."""
    return safetensors.torch.load(path.read_bytes())
