"""Reading the weights file that a command works on: one that says what its tensors are put into.

`verifier train` and `verifier import` write the network into the file's metadata.  Tensors alone do not say what is done with them, and
whoever proves something about a model of their own would believe that it is about what the model computes: nothing is guessed.
"""

from __future__ import annotations

from pathlib import Path

from verifier.kernel.decode.inputs import read_bounded
from verifier.kernel.errors import Usage
from verifier.kernel.limits import LIMITS
from verifier.networks.finding import KEY, document_within


def read_weights_file(path: Path) -> bytes:
    """The bytes of a weights file.  Raises Usage for a file that does not name its network, such as a state dict."""
    data = read_bounded(path, LIMITS.model_bytes)
    if document_within(data, file=str(path)) is None:
        hint = "what it computes is not known: `verifier import` it, with its configuration or its logits"
        expected = f"a network in the metadata key {KEY}"
        raise Usage("no-network", file=str(path), expected=expected, got="tensors alone", hint=hint)
    return data
