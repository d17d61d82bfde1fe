"""A program as formulas that a person can read: one line a node, in the order of the program."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from verifier.kernel.errors import shown
from verifier.kernel.network.program import NODE_NAME, Node, Program, Reference

PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_.]{0,199}", re.ASCII)


def formulas(program: Program) -> list[str]:
    """Lines such as `  q = x W_Q + b_Q`."""
    outputs = "all outputs" if program.outputs is None else "outputs {}..{}".format(*program.outputs)
    lines = [f"  {node.name} = {FORMULAS[node.operator](node)}" for node in program.nodes]
    unused = [f"  unused, at least in part: {', '.join(map(_name, program.unused))}"] if program.unused else []
    return [*lines, f"  logits {program.logits}, {outputs} compete", *unused]


def _names(node: Node, role: str = "of") -> tuple[str, ...]:
    return node.operands[role]


def _weights(node: Node, role: str) -> list[str]:
    return [_shown(reference) for reference in node.weights.get(role, ())]


def _shown(reference: Reference) -> str:
    return _name(reference.tensor) + str(replace(reference, tensor=""))


def _name(tensor: str) -> str:
    """A name of the file is a stranger's text: in quotes unless plain.  Attacks: tensors called `W_Q + b`, `-`, `2`, or like a node."""
    return tensor if PLAIN.fullmatch(tensor) and not NODE_NAME.fullmatch(tensor) else '"' + shown(tensor).replace('"', r"\"") + '"'


def _linear(node: Node) -> str:
    return " ".join([*_names(node), *_weights(node, "factors")]) + "".join(f" + {bias}" for bias in _weights(node, "bias"))


def _attention(node: Node) -> str:
    query, key, value = (node.operands[role][0] for role in ("query", "key", "value"))
    seen = "positions up to this one" if node.words["mask"] == "causal" else "all positions"
    return f"attention of {query} to {key} carrying {value}, over {seen}, scores times sqrt({node.numbers['scale_squared']})"


def _embed(node: Node) -> str:
    tables = _weights(node, "tables")
    return f"row of the token of {tables[0]}" if len(tables) == 1 else f"row of the token of the position's table among {', '.join(tables)}"


FORMULAS: Mapping[str, Callable[[Node], str]] = MappingProxyType(
    {
        "embed": _embed,
        "position": lambda node: f"row of the position of {_weights(node, 'table')[0]}",
        "add": lambda node: " + ".join(_names(node)),
        "multiply": lambda node: " * ".join(_names(node)) + ", entry by entry",
        "scale": lambda node: f"{_names(node)[0]} * {_weights(node, 'by')[0]}, entry by entry",
        "linear": _linear,
        "relu": lambda node: f"max({_names(node)[0]}, 0)",
        "gelu": lambda node: "{0} * Phi({0}), Phi the normal distribution function".format(*_names(node)),
        "gelu_tanh": lambda node: "{0} * (1 + tanh(sqrt(2/pi) ({0} + 0.044715 {0}^3))) / 2".format(*_names(node)),
        "silu": lambda node: "{0} / (1 + exp(-{0}))".format(*_names(node)),
        "square": lambda node: f"{_names(node)[0]}^2",
        "layer_norm": lambda node: "c / sqrt(mean of c^2 + {1}), c = {0} - its mean".format(*_names(node), node.numbers["epsilon"]),
        "rms_norm": lambda node: "{0} / sqrt(mean of {0}^2 + {1})".format(*_names(node), node.numbers["epsilon"]),
        "attention": _attention,
        "sum_positions": lambda node: f"sum of {_names(node)[0]} over all positions",
    }
)
