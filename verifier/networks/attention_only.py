"""Weights files with the tensors of a one-layer, one-head TransformerLens checkpoint, as models of the kernel."""

from __future__ import annotations

from verifier.kernel.errors import MalformedInput
from verifier.kernel.model import Model, model_of
from verifier.kernel.network import attention_only
from verifier.kernel.network.operators import bind_network
from verifier.kernel.network.program import Program
from verifier.kernel.network.weights import read_weights
from verifier.kernel.safetensors import read_safetensors

# buffers of TransformerLens that the network does not have
BUFFERS = ("blocks.0.attn.mask", "blocks.0.attn.IGNORE")


def attention_only_program(data: bytes, *, file: str) -> Program:
    """The program for a file with these tensors; the head's width is the file's."""
    tensors = read_safetensors(data, file=file)
    output = tensors.get("blocks.0.attn.W_O")
    if output is None or len(output.shape) != 3 or output.shape[1] < 1:
        hint = f"name the network: the tensors are not those of {attention_only.NAME}"
        expected = "the tensor blocks.0.attn.W_O of rank 3"
        raise MalformedInput("missing-tensor", expected=expected, got="no such tensor", file=file, clause="5.2", hint=hint)
    return attention_only.program(output.shape[1], tuple(name for name in BUFFERS if name in tensors))


def read_model(data: bytes, *, file: str) -> Model:
    """The model in such a file, with all its positions."""
    program = attention_only_program(data, file=file)
    network = bind_network(program, read_weights(data, program, file=file))
    model = model_of(network, network.positions or 0)
    if model is None:
        raise MalformedInput("wrong-shape", expected=f"the shapes of {attention_only.NAME}", got="others", file=file, clause="5.3")
    return model
