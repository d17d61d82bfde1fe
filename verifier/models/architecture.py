"""`attention-only-1` as torch sees it: which tensors it has, with which axes, and what it computes.

One layer, one head, causal, read at the last position, no LayerNorm, no MLP, all biases zero.  Residual vectors are
rows, as in TransformerLens, whose tensor names are used unchanged.  This forward pass serves training and tests; the
function that is certified is the same formula in exact arithmetic, and belongs to the kernel.

Axes: V vocabulary, T context positions, D residual width, H head width, B batch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

TENSOR_AXES: dict[str, tuple[str, ...]] = {
    "embed.W_E": ("V", "D"),
    "pos_embed.W_pos": ("T", "D"),
    "blocks.0.attn.W_Q": ("1", "D", "H"),
    "blocks.0.attn.W_K": ("1", "D", "H"),
    "blocks.0.attn.W_V": ("1", "D", "H"),
    "blocks.0.attn.W_O": ("1", "H", "D"),
    "unembed.W_U": ("D", "V"),
}
"""Every tensor of the architecture.  The leading "1" of the attention matrices is TransformerLens' head axis."""

BIAS_AXES: dict[str, tuple[str, ...]] = {
    "blocks.0.attn.b_Q": ("1", "H"),
    "blocks.0.attn.b_K": ("1", "H"),
    "blocks.0.attn.b_V": ("1", "H"),
    "blocks.0.attn.b_O": ("D",),
    "unembed.b_U": ("V",),
}
"""Biases that a TransformerLens checkpoint carries and that are zero here; a weights file of ours leaves them out."""


def sizes_of(axis_lengths: Mapping[str, int], axes: tuple[str, ...]) -> tuple[int, ...]:
    """The shape that `axes` have under `axis_lengths`; the axis "1" has length one."""
    return tuple(1 if axis == "1" else axis_lengths[axis] for axis in axes)


def last_position_logits(weights: Mapping[str, Tensor], tokens: Tensor) -> Tensor:
    """Logits at the last position.

    Args:
        weights: the tensors of `TENSOR_AXES`.
        tokens: integers in 0..V-1, shape (B, T).

    Returns:
        Logits, shape (B, V).

    The causal mask does not appear: only the last position is read, and it sees every position.
    """
    query_matrix, key_matrix, value_matrix, output_matrix = (weights[f"blocks.0.attn.W_{name}"][0] for name in "QKVO")
    residual = weights["embed.W_E"][tokens] + weights["pos_embed.W_pos"]  # (B, T, D)
    last = residual[:, -1]  # (B, D)
    query = last @ query_matrix  # (B, H)
    key = residual @ key_matrix  # (B, T, H)
    value = residual @ value_matrix  # (B, T, H)
    scores = torch.einsum("bh,bth->bt", query, key) / math.sqrt(query.shape[-1])  # (B, T)
    attended = torch.einsum("bt,bth->bh", scores.softmax(dim=-1), value)  # (B, H)
    return (last + attended @ output_matrix) @ weights["unembed.W_U"]  # (B, V)
