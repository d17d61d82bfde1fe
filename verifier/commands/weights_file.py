"""Reading the weights file that a command works on: what `verifier import` or `verifier train` has written, not a checkpoint as it is.

The checker reads zero biases and masks too (FORMAT.md 5.4), since a statement is about the formula and the digest alone.  Whoever
proves something about a model of their own would believe that it is about what the model computes: so here they are told to import.
A file of the seven weights alone looks the same whatever it came from.
"""

from __future__ import annotations

from pathlib import Path

from verifier.kernel.errors import Usage
from verifier.kernel.inputs import read_bounded
from verifier.kernel.limits import LIMITS
from verifier.kernel.safetensors import read_safetensors
from verifier.networks.attention_only import BIASES, IGNORED, MASK, read_model


def read_weights_file(path: Path) -> bytes:
    """The bytes of a weights file.  Raises Usage for a state dict of TransformerLens, whose function is not known."""
    data = read_bounded(path, LIMITS.model_bytes)
    left = sorted(name for name in read_safetensors(data, file=str(path)) if name in {*BIASES, MASK, IGNORED})
    if left:
        read_model(data, file=str(path))  # which refuses more, and says what: a bias that is not zero, a mask that hides
        hint = "what it computes is not known: `verifier import` it, with its configuration or its logits"
        raise Usage("not-imported", file=str(path), expected="a weights file", got=f"a checkpoint, with {left[0]}", hint=hint)
    return data
