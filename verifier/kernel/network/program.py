"""The grammar of network programs: named nodes, each one operator over earlier nodes and tensors (FORMAT.md section 5).

A program is data.  What it means is said by `operators.py`, one clause per operator; this file only decides whether the text is a
program: every operator known, every operand an earlier node, every node of use.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from verifier.kernel.decode.strict_json import Reader
from verifier.kernel.limits import LIMITS, check_limit

NODE_NAME = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)
TENSOR_AXES = 8  # axes that a selection may name; tensors have no more (limits.tensor_rank)


@dataclass(frozen=True)
class Reference:
    """A matrix or a vector of the weights file: a tensor, perhaps cut along some axes, perhaps transposed.

    select: (axis, first, last) of the tensor as stored; first == last and `single` drops the axis, else first..last stay.
    """

    tensor: str
    select: tuple[tuple[int, int, int, bool], ...] = ()
    transpose: bool = False

    def __str__(self) -> str:
        """As in a formula: `W[2]`, `W[:, 0..31]'`."""
        cuts = {axis: f"{first}" if single else f"{first}..{last}" for axis, first, last, single in self.select}
        places = ", ".join(cuts.get(axis, ":") for axis in range(max(cuts, default=-1) + 1))
        return self.tensor + (f"[{places}]" if cuts else "") + ("'" if self.transpose else "")


@dataclass(frozen=True)
class Node:
    """One operator.  operands: role -> earlier nodes; weights: role -> references; numbers, words: the other members."""

    name: str
    operator: str
    operands: dict[str, tuple[str, ...]]
    weights: dict[str, tuple[Reference, ...]]
    numbers: dict[str, Fraction]
    words: dict[str, str]

    @property
    def inputs(self) -> tuple[str, ...]:
        """All nodes that this one reads."""
        return tuple(name for names in self.operands.values() for name in names)

    @property
    def references(self) -> tuple[Reference, ...]:
        return tuple(reference for references in self.weights.values() for reference in references)


@dataclass(frozen=True)
class Program:
    """A decoded program.  json: the value it was read from, which is part of the subject's digest.

    logits: the node whose columns are the outputs.  outputs: the first and the last column that compete, or None for all.
    unused: tensors of the file that the network does not have, such as buffers of masks, or has only parts of; the verdict shows them.
    """

    name: str
    nodes: tuple[Node, ...]
    logits: str
    outputs: tuple[int, int] | None
    unused: tuple[str, ...]
    json: dict[str, Any]

    def node(self, name: str) -> Node:
        return next(node for node in self.nodes if node.name == name)

    @property
    def references(self) -> Iterator[Reference]:
        """Every reference, in the order of the nodes."""
        return (reference for node in self.nodes for reference in node.references)

    @property
    def tensors(self) -> tuple[str, ...]:
        """The tensors that the program uses, sorted: what the model's digest is about."""
        return tuple(sorted({reference.tensor for reference in self.references}))


@dataclass(frozen=True)
class Grammar:
    """What an operator's node contains beside `node` and `op`.  many: roles that take a list."""

    operands: tuple[str, ...] = ()
    weights: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    words: tuple[tuple[str, tuple[str, ...]], ...] = ()
    many: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()


GRAMMARS = {
    "embed": Grammar(weights=("tables",), many=("tables",)),
    "position": Grammar(weights=("table",)),
    "add": Grammar(operands=("of",), many=("of",)),
    "multiply": Grammar(operands=("of",), many=("of",)),
    "scale": Grammar(operands=("of",), weights=("by",)),
    "linear": Grammar(operands=("of",), weights=("factors", "bias"), many=("factors",), optional=("factors", "bias")),
    "relu": Grammar(operands=("of",)),
    "gelu": Grammar(operands=("of",)),
    "gelu_tanh": Grammar(operands=("of",)),
    "silu": Grammar(operands=("of",)),
    "square": Grammar(operands=("of",)),
    "layer_norm": Grammar(operands=("of",), numbers=("epsilon",)),
    "rms_norm": Grammar(operands=("of",), numbers=("epsilon",)),
    "attention": Grammar(operands=("query", "key", "value"), numbers=("scale_squared",), words=(("mask", ("causal", "none")),)),
    "sum_positions": Grammar(operands=("of",)),
}


def read_program(reader: Reader, clause: str = "5.1") -> Program:
    """Decode a program strictly.  Raises MalformedInput."""
    parts = reader.members(dict.fromkeys(("name", "nodes", "logits"), clause), dict.fromkeys(("outputs", "unused"), clause))
    items = parts["nodes"].items()
    check_limit("nodes", len(items), file=reader.file, clause=clause)
    nodes: dict[str, Node] = {}
    for item in items:
        node = _read_node(item, nodes)
        nodes[node.name] = node
    logits = _known(parts["logits"], nodes)
    outputs = None
    if "outputs" in parts:
        first, last = _pair(parts["outputs"])
        outputs = (first, last)
    unused = tuple(one.text() for one in parts["unused"].items()) if "unused" in parts else ()
    program = Program(_name(parts["name"]), tuple(nodes.values()), logits, outputs, unused, reader.value)
    _refuse_idle(program, parts["nodes"])
    if len(set(unused)) != len(unused):
        raise parts["unused"].refuse("used-tensor", "each tensor once", list(unused))
    return program


def _name(reader: Reader) -> str:
    """A name of letters, digits, hyphens and the like: shown in verdicts, so nothing that could imitate one."""
    text = reader.text()
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", text, re.ASCII) or len(text) > LIMITS.name_characters:
        raise reader.refuse("bad-id", f"an ASCII name of at most {LIMITS.name_characters} characters", text)
    return text


def _known(reader: Reader, nodes: dict[str, Node]) -> str:
    """The name of an earlier node."""
    name = reader.text()
    if name not in nodes:  # no cycles, no forward references
        raise reader.refuse("unknown-node", "the name of an earlier node", name)
    return name


def _pair(reader: Reader) -> tuple[int, int]:
    ends = [end.integer(0, 1 << 32) for end in reader.items()]
    if len(ends) != 2 or ends[0] > ends[1]:
        raise reader.refuse("bad-range", "a pair [first, last] with first <= last", ends)
    return ends[0], ends[1]


def _read_node(item: Reader, nodes: dict[str, Node]) -> Node:
    if not isinstance(item.value, dict) or "op" not in item.value:
        raise item.refuse("missing-field", "a node with the field op", item.value)
    operator = Reader(item.value["op"], item.file, item.clause).choice(*GRAMMARS)
    grammar = GRAMMARS[operator]
    roles = (*grammar.operands, *grammar.weights, *grammar.numbers, *(word for word, _ in grammar.words))
    required = dict.fromkeys(("node", "op", *(role for role in roles if role not in grammar.optional)), item.clause)
    parts = item.members(required, dict.fromkeys(grammar.optional, item.clause))
    name = parts["node"].text()
    if not NODE_NAME.fullmatch(name) or len(name) > LIMITS.name_characters:
        raise parts["node"].refuse("bad-id", f"a lower-case ASCII name of at most {LIMITS.name_characters} characters", name)
    if name in nodes:
        raise parts["node"].refuse("duplicate-id", "a new name", name)
    item.clause += f", node {name}"
    for part in parts.values():
        part.clause = item.clause
    operands = {role: _list(parts[role], role in grammar.many) for role in grammar.operands}
    weights = {role: _list(parts[role], role in grammar.many) for role in grammar.weights if role in parts}
    if not all(operands.values()) or not all(weights.values()):
        raise item.refuse("missing-field", "at least one operand", name)
    if operator == "linear" and not weights:
        raise item.refuse("missing-field", "factors or bias", name)
    return Node(
        name,
        operator,
        {role: tuple(_known(one, nodes) for one in ones) for role, ones in operands.items()},
        {role: tuple(_read_reference(one) for one in ones) for role, ones in weights.items()},
        {role: _positive(parts[role]) for role in grammar.numbers},
        {word: parts[word].choice(*words) for word, words in grammar.words},
    )


def _list(reader: Reader, many: bool) -> list[Reader]:
    items = reader.items() if many else [reader]
    check_limit("operands", len(items), file=reader.file, clause=reader.clause)
    return items


def _positive(reader: Reader) -> Fraction:
    value = reader.fraction()
    if value <= 0:  # attack: a norm that divides by zero, a scale that blinds the attention
        raise reader.refuse("out-of-range", "a fraction above 0/1", value)
    return value


def _read_reference(reader: Reader) -> Reference:
    """A string names a whole tensor; an object also cuts or transposes it, and says so in at least one of the two ways."""
    if isinstance(reader.value, str):
        return Reference(reader.value)
    parts = reader.members({"tensor": reader.clause}, dict.fromkeys(("select", "transpose"), reader.clause))
    if len(parts) == 1:
        raise reader.refuse("missing-field", "select or transpose, or the tensor's name alone", "neither")
    transpose = "transpose" in parts
    if transpose and parts["transpose"].value is not True:
        raise parts["transpose"].refuse("wrong-type", "true, or no such field", parts["transpose"].value)
    select = []
    for item in parts["select"].items() if "select" in parts else []:
        pair = item.items()
        if len(pair) != 2:
            raise item.refuse("bad-range", "[axis, index] or [axis, [first, last]]", item.value)
        axis, single = pair[0].integer(0, TENSOR_AXES - 1), isinstance(pair[1].value, int)
        first, last = (pair[1].integer(0, 1 << 32),) * 2 if single else _pair(pair[1])
        select.append((axis, first, last, single))
    if len({axis for axis, *_ in select}) != len(select):
        raise reader.refuse("bad-range", "each axis once", [axis for axis, *_ in select])
    return Reference(parts["tensor"].text(), tuple(select), transpose)


def _refuse_idle(program: Program, reader: Reader) -> None:
    """Every node must be of use to the logits: what has no effect must not look as if it had."""
    needed = {program.logits}
    for node in reversed(program.nodes):
        if node.name in needed:
            needed.update(node.inputs)
    idle = [node.name for node in program.nodes if node.name not in needed]
    if idle:
        raise reader.refuse("idle-node", "nodes that the logits rest on", idle[0])
