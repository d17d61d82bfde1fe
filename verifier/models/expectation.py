"""Logits that the owner of a checkpoint has computed: do the tensors give them by the formula of `attention-only-1`?

Agreement on a few inputs is evidence, and no proof: a soft cap that is never reached does not show.  So the inputs must at least
tell the formula from its usual relatives, each of which has the same tensors (`RELATIVES`), and the logits must depend on the input:
a table of equal numbers agrees with nothing.

Computed in float64.  Tolerance: 1e-4, or 1e-4 of what the input changes in the expected logits, whichever is less.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from verifier.kernel.decode.inputs import read_bounded
from verifier.kernel.errors import MalformedInput
from verifier.models.architecture import last_position_logits
from verifier.models.configuration import parse_object
from verifier.networks.expectation import FEWEST_INPUTS, FILE_BYTES, TOLERANCE


@dataclass(frozen=True)
class Expectation:
    """tokens (batch, n), int64; logits of the last position (batch, v), float64."""

    tokens: Tensor
    logits: Tensor

    @property
    def tolerance(self) -> float:
        """The largest difference that rounding may explain; 0 if the logits do not depend on the input."""
        spread = (self.logits.amax(dim=0) - self.logits.amin(dim=0)).max().item()
        return TOLERANCE * min(1.0, spread)


@dataclass(frozen=True)
class Agreement:
    """How well they agree: different inputs compared, the largest difference, what was allowed."""

    inputs: int
    difference: float
    tolerance: float


def read_expectation(path: Path, *, vocabulary: int, positions: int) -> Expectation:
    """The file {"tokens": [[...]], "logits": [[...]]}, one row per input.  Raises MalformedInput."""
    file = str(path)

    def refuse(code: str, expected: str, got: object) -> MalformedInput:
        return MalformedInput(code, file=file, expected=expected, got=got)

    found = parse_object(read_bounded(path, FILE_BYTES), FILE_BYTES, file=file)
    for name in ("tokens", "logits"):
        if name not in found:
            raise refuse("missing-field", "tokens and logits, one row per input", f"no {name}")
    tokens, logits = found["tokens"], found["logits"]
    if not isinstance(tokens, list) or not isinstance(logits, list) or len(tokens) != len(logits):
        raise refuse("wrong-shape", "a list of tokens and a list of logits of one length", [type(tokens).__name__, type(logits).__name__])
    for row in tokens:
        if not _row(row, positions, lambda token: type(token) is int and 0 <= token < vocabulary):
            raise refuse("wrong-tokens", f"rows of {positions} tokens from 0 to {vocabulary - 1}", row)
    for row in logits:
        if not _row(row, vocabulary, lambda logit: type(logit) in (int, float) and math.isfinite(logit)):
            raise refuse("wrong-logits", f"rows of {vocabulary} finite logits, those of the last position", row)
    fewest, different = min(FEWEST_INPUTS, vocabulary**positions), len(set(map(tuple, tokens)))
    if different < fewest:
        raise refuse("too-few-inputs", f"at least {fewest} different inputs", f"{different}")
    expectation = Expectation(torch.tensor(tokens), torch.tensor(logits, dtype=torch.float64))
    if not expectation.tolerance > 0:
        raise refuse("equal-logits", "logits that depend on the input", "the same for every input")
    return expectation


def _row(row: Any, length: int, holds: Callable[[Any], bool]) -> bool:
    return isinstance(row, list) and len(row) == length and all(map(holds, row))


def compare(weights: Mapping[str, Tensor], expectation: Expectation, *, file: str) -> Agreement:
    """Raises MalformedInput if the formula gives other logits, or if the inputs cannot tell it from one of its relatives."""
    exact = {name: tensor.double() for name, tensor in weights.items()}
    ours = last_position_logits(exact, expectation.tokens)
    difference = _largest(ours - expectation.logits)
    tolerance = expectation.tolerance
    if not difference <= tolerance:  # not `>`: NaN agrees with nothing
        raise MalformedInput(
            "another-function",
            file=file,
            clause="5",
            expected=f"the logits of attention-only-1, to {tolerance:.1e}",
            got=f"a difference of {difference:.3e}",
            hint="if the formula is right, compute them in float64",
        )
    for name, relative in RELATIVES.items():
        if not _largest(relative(exact, expectation.tokens) - ours) > 2 * tolerance:
            expected = f"inputs that tell the formula from {name}"
            raise MalformedInput(
                "blind-inputs", file=file, expected=expected, got="the same logits from both", hint="give more inputs, or --config FILE"
            )
    return Agreement(len({tuple(row) for row in expectation.tokens.tolist()}), difference, tolerance)


def _largest(differences: Tensor) -> float:
    return float(differences.abs().max().item())


# Functions of the same tensors that TransformerLens knows


def _formula(
    weights: Mapping[str, Tensor],
    tokens: Tensor,
    *,
    normalise: Callable[[Tensor], Tensor] = lambda residual: residual,
    scale: float | None = None,
    embed_positions: float = 1.0,
    key_positions: float = 1.0,
    slope: float = 0.0,
) -> Tensor:
    """The formula with something else about it; shapes as in `last_position_logits`."""
    query_matrix, key_matrix, value_matrix, output_matrix = (weights[f"blocks.0.attn.W_{name}"][0] for name in "QKVO")
    embedded, places = weights["embed.W_E"][tokens], weights["pos_embed.W_pos"]
    residual = embedded + embed_positions * places
    keyed = normalise(embedded + key_positions * places)
    scores = torch.einsum("bh,bth->bt", keyed[:, -1] @ query_matrix, keyed @ key_matrix)
    scores = scores / (math.sqrt(query_matrix.shape[-1]) if scale is None else scale)
    scores = scores + slope * torch.arange(tokens.shape[1])
    attended = torch.einsum("bt,bth->bh", scores.softmax(dim=-1), normalise(residual) @ value_matrix)
    return normalise(residual[:, -1] + attended @ output_matrix) @ weights["unembed.W_U"]


def _rms(residual: Tensor) -> Tensor:
    return residual / (residual.square().mean(dim=-1, keepdim=True) + 1e-5).sqrt()


def _layer_norm(residual: Tensor) -> Tensor:
    return _rms(residual - residual.mean(dim=-1, keepdim=True))


Relative = Callable[[Mapping[str, Tensor], Tensor], Tensor]
RELATIVES: dict[str, Relative] = {
    "LayerNorm without parameters (LNPre)": lambda weights, tokens: _formula(weights, tokens, normalise=_layer_norm),
    "RMSNorm without parameters (RMSPre)": lambda weights, tokens: _formula(weights, tokens, normalise=_rms),
    "another scale of the scores": lambda weights, tokens: _formula(weights, tokens, scale=1.1 * math.sqrt(_head_width(weights))),
    "positions in the scores alone (shortformer)": lambda weights, tokens: _formula(weights, tokens, embed_positions=0.0),
    "positions as slopes (ALiBi)": lambda weights, tokens: _formula(
        weights, tokens, embed_positions=0.0, key_positions=0.0, slope=2.0**-8
    ),
}


def _head_width(weights: Mapping[str, Tensor]) -> int:
    return weights["blocks.0.attn.W_Q"].shape[-1]
