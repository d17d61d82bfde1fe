"""`attention-only-1` as torch sees it: which tensors it has, with which axes, and what it computes.

One layer, one head, causal, read at the last position, no LayerNorm, no MLP, all biases zero.  Residual vectors are
rows, as in TransformerLens, whose tensor names are used unchanged.  This forward pass serves training and tests; the
function that is certified is the same formula in exact arithmetic, and belongs to the kernel.

Axes, in the letters of the kernel: v tokens of the vocabulary, n positions, d residual width, h head width, 1 the head.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from verifier.networks.attention_only import TENSORS

TENSOR_AXES: dict[str, str] = dict(TENSORS.values())
"""Every tensor by its name in a file, with its axes: `embed.W_E` has "vd"."""


def tensor_shapes(*, vocabulary: int, positions: int, width: int, head_width: int) -> dict[str, tuple[int, ...]]:
    """The shape of every tensor of a model of these sizes, in the kernel's order."""
    lengths = {"1": 1, "v": vocabulary, "n": positions, "d": width, "h": head_width}
    return {name: tuple(lengths[axis] for axis in axes) for name, axes in TENSOR_AXES.items()}


def last_position_logits(weights: Mapping[str, Tensor], tokens: Tensor) -> Tensor:
    """Logits at the last position.

    Args:
        weights: the tensors of `TENSOR_AXES`.
        tokens: integers in 0..v-1, shape (batch, n).

    Returns:
        Logits, shape (batch, v).

    The causal mask does not appear: only the last position is read, and it sees every position.
    """
    query_matrix, key_matrix, value_matrix, output_matrix = (weights[f"blocks.0.attn.W_{name}"][0] for name in "QKVO")
    residual = weights["embed.W_E"][tokens] + weights["pos_embed.W_pos"]  # (batch, n, d)
    last = residual[:, -1]  # (batch, d)
    query = last @ query_matrix  # (batch, h)
    key = residual @ key_matrix  # (batch, n, h)
    value = residual @ value_matrix  # (batch, n, h)
    scores = torch.einsum("bh,bth->bt", query, key) / math.sqrt(query.shape[-1])  # (batch, n)
    attended = torch.einsum("bt,bth->bh", scores.softmax(dim=-1), value)  # (batch, h)
    return (last + attended @ output_matrix) @ weights["unembed.W_U"]  # (batch, v)
