"""Exporting: a weights file whose program is a transformer becomes a state dict of TransformerLens with its configuration.

Nothing is guessed here either: the function is read off the program, written as a program again, and must be the same, node by node.
So importing what is exported gives the same program and the same tensors, bit for bit.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from itertools import product
from typing import Any

import torch
from torch import Tensor

from verifier.kernel.errors import MalformedInput
from verifier.kernel.network.operators import Network
from verifier.kernel.network.program import Node
from verifier.models.fields import ACTIVATIONS
from verifier.models.names import new_names
from verifier.networks.transformer import POSITIONS, Transformer, transformer_program

FORMS = ("3.4", "3.5", "4")
"""Names and buffers: those of versions up to 3.4 (a mask for each layer), from 3.5 to 3.9 (an empty one), and of version 4."""

NORM_WORDS = {("layer_norm", True): "LN", ("layer_norm", False): "LNPre", ("rms_norm", True): "RMS", ("rms_norm", False): "RMSPre"}
GROUPED = re.compile(r"(?<=\.attn\.)(?=[Wb]_[KV]$)")  # where versions 1 to 3 put an underline in names of grouped queries
HIDDEN = -math.inf  # the score of a masked position


def transformer_of(network: Network, *, file: str) -> Transformer:
    """The transformer that a network is, from its program and the shapes of its tensors.  Raises MalformedInput if it is none."""
    shapes = {name: tensor.shape for name, tensor in network.weights.tensors.items()}
    program = network.program.json
    for model in _candidates(network, shapes):
        positions = network.positions or 0
        if 1 <= positions <= model.positions and shapes.keys() <= model.weights().keys() | model.biases().keys():
            written = transformer_program(model, shapes.keys() & model.biases().keys(), positions)
            if written["nodes"] == program["nodes"] and program["logits"] == written["logits"] and "outputs" not in program:
                return model
    expected, got = "a program as `verifier import` writes it", network.program.name
    hint = "names of nodes and tensors count; TransformerLens has no others"
    raise MalformedInput("no-transformer", file=file, expected=expected, got=got, hint=hint)


def _candidates(network: Network, shapes: Mapping[str, tuple[int, ...]]) -> Iterator[Transformer]:
    """What the network may be; each is written as a program and compared."""
    query, key, table, unembedding = (shapes.get(name, ()) for name in ("blocks.0.attn.W_Q", "blocks.0.attn.W_K", POSITIONS, "unembed.W_U"))
    if not len(query) == len(key) == 3 or not len(table) == len(unembedding) == 2:
        return
    nodes = network.program.nodes
    attentions = [node for node in nodes if node.operator == "attention"]
    norms = [node for node in nodes if node.operator in ("layer_norm", "rms_norm")]
    first_norm = next((node.operator for node in norms if node.name != "nf"), None)
    heads = query[0]
    if not attentions:
        return
    for activation, parallel, shortformer in product(_activations(nodes), (False, True), (False, True)):
        yield Transformer(
            layers=len(attentions) // heads,
            heads=heads,
            key_heads=key[0],
            width=query[1],
            head_width=query[2],
            positions=table[0],
            vocabulary=network.vocabulary,
            outputs=unembedding[1],
            neurons=shapes.get("blocks.0.mlp.W_out", (0,))[0] if activation else 0,
            norm=first_norm,
            final_norm=next((node.operator for node in norms if node.name == "nf"), None),
            gains=any(node.operator == "scale" for node in nodes),
            epsilon=norms[0].numbers["epsilon"] if norms else None,
            activation=activation,
            gated="blocks.0.mlp.W_gate" in shapes,
            parallel=parallel,
            shortformer=shortformer,
            causal=attentions[0].words["mask"] == "causal",
            scales=tuple(node.numbers["scale_squared"] for node in attentions[::heads]),
        )


def _activations(nodes: tuple[Node, ...]) -> tuple[tuple[str, ...], ...]:
    operators = {node.operator for node in nodes}
    return tuple(dict.fromkeys(one for one in ACTIVATIONS.values() if set(one) <= operators)) or ((),)


def configuration_of(model: Transformer, *, file: str) -> dict[str, Any]:
    """The fields of `HookedTransformerConfig` that say this function.  Raises MalformedInput for scales that no field says."""
    norm = model.norm or model.final_norm
    fields: dict[str, Any] = {
        "n_layers": model.layers,
        "n_heads": model.heads,
        "n_key_value_heads": None if model.key_heads == model.heads else model.key_heads,
        "d_model": model.width,
        "d_head": model.head_width,
        "n_ctx": model.positions,
        "d_vocab": model.vocabulary,
        "d_vocab_out": model.outputs,
        "normalization_type": None if norm is None else NORM_WORDS[model.norm or "rms_norm", model.gains],
        "final_rms": model.norm != model.final_norm,
        "attn_only": not model.activation,
        "positional_embedding_type": "shortformer" if model.shortformer else "standard",
        "attention_dir": "causal" if model.causal else "bidirectional",
        "attn_scale": _divisor(model, file),
    }
    if norm is not None:
        fields["eps"] = float(model.epsilon or 0)
    if model.activation:
        act_fn = next(word for word, operators in ACTIVATIONS.items() if operators == model.activation)
        fields |= {"d_mlp": model.neurons, "act_fn": act_fn, "gated_mlp": model.gated, "parallel_attn_mlp": model.parallel}
    inverse = len(set(model.scales)) > 1
    return fields | ({"scale_attn_by_inverse_layer_idx": True} if inverse else {})


def _divisor(model: Transformer, file: str) -> float:
    """What scores are divided by in the first layer: -1 if it is the square root of d_head, as is usual."""
    first = model.scales[0]
    inverse = tuple(first / (layer + 1) ** 2 for layer in range(model.layers))
    if model.scales not in ((first,) * model.layers, inverse):
        got = ", ".join(map(str, model.scales))
        raise MalformedInput("no-transformer", file=file, expected="scales that a configuration can say", got=got)
    return -1.0 if first == Fraction(1, model.head_width) else math.sqrt(1 / first)


def state_dict(tensors: Mapping[str, Tensor], model: Transformer, form: str) -> dict[str, Tensor]:
    """All tensors that TransformerLens loads: biases that are not there as zeros, and the buffers of that form."""
    dtype = tensors["embed.W_E"].dtype
    complete = {name: tensors[name] for name in model.weights()}
    complete |= {name: tensors[name] if name in tensors else torch.zeros(shape, dtype=dtype) for name, shape in model.biases().items()}
    if form == "4":
        if model.gated:  # whose gated MLPs have no biases; reading the checkpoint back shows whether there were any
            complete = {name: tensor for name, tensor in complete.items() if ".mlp.b_" not in name}
        return {name: tensor.contiguous() for name, tensor in new_names(complete, model).items()}
    if model.key_heads != model.heads:
        complete = {GROUPED.sub("_", name): tensor for name, tensor in complete.items()}
    places = model.positions if form == "3.4" else 0
    for layer in range(model.layers):
        complete[f"blocks.{layer}.attn.mask"] = torch.ones(places, places, dtype=torch.bool).tril()
        complete[f"blocks.{layer}.attn.IGNORE"] = torch.tensor(HIDDEN)
    return complete


def encode_checkpoint(tensors: Mapping[str, Tensor], model: Transformer, form: str, *, file: str) -> bytes:
    """A .pt file `{"state_dict": ..., "config": ...}`, which `verifier import` reads."""
    stream = io.BytesIO()
    torch.save({"state_dict": state_dict(tensors, model, form), "config": configuration_of(model, file=file)}, stream)
    return stream.getvalue()
