"""The grammar of network programs: what is read, and every refusal by code and clause."""

from __future__ import annotations

import copy
from fractions import Fraction
from typing import Any

import pytest

from tests.refusals import LIMIT, MALFORMED, refused
from verifier.kernel.decode.strict_json import Reader
from verifier.kernel.errors import VerifierError
from verifier.kernel.limits import LIMITS
from verifier.kernel.network.formulas import FORMULAS, formulas
from verifier.kernel.network.operators import Operators
from verifier.kernel.network.program import GRAMMARS, Program, Reference, read_program

EMBED: dict[str, Any] = {"node": "e", "op": "embed", "tables": ["E"]}
GOOD: dict[str, Any] = {
    "name": "one-layer.v1",
    "nodes": [
        EMBED,
        {"node": "p", "op": "position", "table": {"tensor": "P", "transpose": True}},
        {"node": "x", "op": "add", "of": ["e", "p"]},
        {"node": "n", "op": "rms_norm", "of": "x", "epsilon": "1/100000000"},
        {"node": "q", "op": "linear", "of": "n", "factors": [{"tensor": "Q", "select": [[0, 2], [1, [0, 3]]]}, "R"], "bias": "b"},
        {"node": "a", "op": "attention", "query": "q", "key": "q", "value": "n", "mask": "causal", "scale_squared": "1/12"},
        {"node": "u", "op": "linear", "of": "a", "factors": ["U"]},
    ],
    "logits": "u",
    "outputs": [1, 3],
    "unused": ["mask"],
}


def read(document: Any) -> Program:
    return read_program(Reader(document, "FILE", "2.4"), "2.4")


def changed(path: str, value: Any) -> dict[str, Any]:
    """The good program with one field set, or removed if the value is `...`; nodes by name."""
    document = copy.deepcopy(GOOD)
    place: Any = document
    *parents, last = path.split(".")
    for name in parents:
        place = place[name] if name in place else next(node for node in document["nodes"] if node["node"] == name)
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return document


def test_a_program_is_read() -> None:
    program = read(GOOD)
    assert program.name == "one-layer.v1"
    assert [node.operator for node in program.nodes] == ["embed", "position", "add", "rms_norm", "linear", "attention", "linear"]
    assert program.node("q").weights == {
        "factors": (Reference("Q", ((0, 2, 2, True), (1, 0, 3, False))), Reference("R")),
        "bias": (Reference("b"),),
    }
    assert program.node("a").operands == {"query": ("q",), "key": ("q",), "value": ("n",)}
    assert program.node("a").numbers == {"scale_squared": Fraction(1, 12)}
    assert program.node("a").words == {"mask": "causal"}
    assert program.node("p").references == (Reference("P", (), True),)
    assert program.outputs == (1, 3)
    assert program.unused == ("mask",)
    assert program.tensors == ("E", "P", "Q", "R", "U", "b")
    assert program.json == GOOD


def test_every_operator_has_a_formula() -> None:
    assert set(FORMULAS) == set(GRAMMARS)
    assert Operators.__doc__


LONG = "n" * (LIMITS.name_characters + 1)
REFUSED: list[tuple[str, Any, str, str]] = [
    ("name", ..., "missing-field", "2.4"),
    ("nodes", ..., "missing-field", "2.4"),
    ("logits", ..., "missing-field", "2.4"),
    ("note", "trust me", "unknown-field", "2.4"),
    ("name", "two words", "bad-id", "2.4"),
    ("name", "", "bad-id", "2.4"),
    ("name", "-x", "bad-id", "2.4"),
    ("name", "x\nPROVED", "bad-id", "2.4"),  # a line of its own
    ("name", "x\x1b[1A", "bad-id", "2.4"),  # a cursor that moves up
    ("name", "x‮", "bad-id", "2.4"),  # text from right to left
    ("name", "attentiоn", "bad-id", "2.4"),  # a Cyrillic о
    ("name", LONG, "bad-id", "2.4"),
    ("name", 5, "wrong-type", "2.4"),
    ("nodes", {}, "wrong-type", "2.4"),
    ("nodes", ["e"], "missing-field", "2.4"),
    ("nodes", [], "unknown-node", "2.4"),
    ("nodes", [{"node": "e"}], "missing-field", "2.4"),
    ("logits", "z", "unknown-node", "2.4"),
    ("logits", 1, "wrong-type", "2.4"),
    ("logits", "q", "idle-node", "2.4"),
    ("outputs", [3, 1], "bad-range", "2.4"),
    ("outputs", [1], "bad-range", "2.4"),
    ("outputs", [1, 2, 3], "bad-range", "2.4"),
    ("outputs", [True, 2], "wrong-type", "2.4"),
    ("outputs", [-1, 2], "out-of-range", "2.4"),
    ("outputs", None, "wrong-type", "2.4"),
    ("unused", "mask", "wrong-type", "2.4"),
    ("unused", [1], "wrong-type", "2.4"),
    ("unused", ["mask", "mask"], "used-tensor", "2.4"),
    ("e.op", "embedding", "unknown-word", "2.4"),
    ("e.op", ["embed"], "wrong-type", "2.4"),
    ("e.op", "gеlu", "unknown-word", "2.4"),  # a Cyrillic е
    ("e.tables", ..., "missing-field", "2.4"),
    ("e.tables", [], "missing-field", "2.4, node e"),
    ("e.tables", "E", "wrong-type", "2.4, node e"),
    ("e.tables", [5], "wrong-type", "2.4, node e"),
    ("e.bias", "b", "unknown-field", "2.4"),
    ("e.of", "e", "unknown-field", "2.4"),
    ("e.node", "E", "bad-id", "2.4"),
    ("e.node", "1e", "bad-id", "2.4"),
    ("e.node", "e = x", "bad-id", "2.4"),
    ("e.node", "e\n  q = 0", "bad-id", "2.4"),
    ("e.node", LONG, "bad-id", "2.4"),
    ("e.node", None, "wrong-type", "2.4"),
    ("p.node", "e", "duplicate-id", "2.4"),
    ("x.of", ["e", "u"], "unknown-node", "2.4, node x"),  # defined later
    ("x.of", ["e", "x"], "unknown-node", "2.4, node x"),  # itself
    ("x.of", "e", "wrong-type", "2.4, node x"),
    ("x.of", [], "missing-field", "2.4, node x"),
    ("x.of", ["e", "e"], "idle-node", "2.4"),
    ("n.epsilon", "0/1", "out-of-range", "2.4, node n"),
    ("n.epsilon", "-1/2", "not-a-fraction", "2.4, node n"),
    ("n.epsilon", "1e-8", "not-a-fraction", "2.4, node n"),
    ("n.epsilon", "2/4", "not-lowest-terms", "2.4, node n"),
    ("n.epsilon", 1, "wrong-type", "2.4, node n"),
    ("n.epsilon", ..., "missing-field", "2.4"),
    ("n.of", ["x"], "wrong-type", "2.4, node n"),
    ("q.factors", [], "missing-field", "2.4, node q"),
    ("q.factors", "Q", "wrong-type", "2.4, node q"),
    ("q.bias", ["b"], "wrong-type", "2.4, node q"),
    ("q.activation", "relu", "unknown-field", "2.4"),
    ("q.factors", [{"tensor": "Q"}], "missing-field", "2.4, node q"),  # the name alone is the one spelling
    ("q.factors", [{"tensor": "Q", "transpose": False}], "wrong-type", "2.4, node q"),
    ("q.factors", [{"tensor": "Q", "transpose": 1}], "wrong-type", "2.4, node q"),
    ("q.factors", [{"transpose": True}], "missing-field", "2.4, node q"),
    ("q.factors", [{"tensor": "Q", "times": 2, "transpose": True}], "unknown-field", "2.4, node q"),
    ("q.factors", [{"tensor": 3, "transpose": True}], "wrong-type", "2.4, node q"),
    ("q.factors", [{"tensor": "Q", "select": [[0, 1], [0, 2]]}], "bad-range", "2.4, node q"),
    ("q.factors", [{"tensor": "Q", "select": [[0]]}], "bad-range", "2.4, node q"),
    ("q.factors", [{"tensor": "Q", "select": [[0, 1, 2]]}], "bad-range", "2.4, node q"),
    ("q.factors", [{"tensor": "Q", "select": [[0, [2, 1]]]}], "bad-range", "2.4, node q"),
    ("q.factors", [{"tensor": "Q", "select": [[0, [2]]]}], "bad-range", "2.4, node q"),
    ("q.factors", [{"tensor": "Q", "select": [[0, -1]]}], "out-of-range", "2.4, node q"),
    ("q.factors", [{"tensor": "Q", "select": [[-1, 0]]}], "out-of-range", "2.4, node q"),
    ("q.factors", [{"tensor": "Q", "select": [[8, 0]]}], "out-of-range", "2.4, node q"),
    ("q.factors", [{"tensor": "Q", "select": [[0, True]]}], "wrong-type", "2.4, node q"),
    ("q.factors", [{"tensor": "Q", "select": [[0, "1"]]}], "wrong-type", "2.4, node q"),
    ("q.factors", [{"tensor": "Q", "select": [5]}], "wrong-type", "2.4, node q"),
    ("a.mask", "anticausal", "unknown-word", "2.4, node a"),
    ("a.mask", ..., "missing-field", "2.4"),
    ("a.scale_squared", "0/1", "out-of-range", "2.4, node a"),
    ("a.scale_squared", ..., "missing-field", "2.4"),
    ("a.scale", "1/2", "unknown-field", "2.4"),
    ("a.key", ..., "missing-field", "2.4"),
    ("a.key", "k", "unknown-node", "2.4, node a"),
]


@pytest.mark.parametrize(("path", "value", "code", "clause"), REFUSED)
def test_other_programs_are_refused(path: str, value: Any, code: str, clause: str) -> None:
    assert refused(lambda: read(changed(path, value))) == (code, clause)


def test_a_linear_node_does_something() -> None:
    document = changed("q.factors", ...)
    assert read(document).node("q").weights.keys() == {"bias"}
    del next(node for node in document["nodes"] if node["node"] == "q")["bias"]
    assert refused(lambda: read(document)) == ("missing-field", "2.4, node q")


LIMITED: list[tuple[str, dict[str, Any]]] = [
    ("limit-nodes", {"nodes": [EMBED] * (LIMITS.nodes + 1), "logits": "e", "name": "x"}),
    ("limit-operands", changed("x.of", ["e"] * (LIMITS.operands + 1))),
    ("limit-operands", changed("q.factors", ["Q"] * (LIMITS.operands + 1))),
    ("limit-operands", changed("e.tables", ["E"] * (LIMITS.operands + 1))),
    ("limit-fraction-digits", changed("n.epsilon", "1/1" + "0" * LIMITS.fraction_digits)),
]


@pytest.mark.parametrize(("code", "document"), LIMITED)
def test_large_programs_are_refused(code: str, document: dict[str, Any]) -> None:
    assert refused(lambda: read(document), LIMIT)[0] == code


@pytest.mark.parametrize("value", [None, [], "x", 5])
def test_a_program_is_an_object(value: Any) -> None:
    family: type[VerifierError] = MALFORMED
    assert refused(lambda: read(value), family) == ("wrong-type", "2.4")


# As formulas


def test_formulas_are_readable() -> None:
    assert formulas(read(GOOD)) == [
        "  e = row of the token of E",
        "  p = row of the position of P'",
        "  x = e + p",
        "  n = x / sqrt(mean of x^2 + 1/100000000)",
        '  q = n Q[2, 0..3] R + "b"',  # in quotes: `b` could be a node
        "  a = attention of q to q carrying n, over positions up to this one, scores times sqrt(1/12)",
        "  u = a U",
        "  logits u, outputs 1..3 compete",
        '  unused, at least in part: "mask"',
    ]


HOSTILE = [
    "Q + b",  # a bias that is not there
    "-",  # `u = a - U`
    "/",
    "2",
    "1e3",
    "Q/2",
    "Q-b",
    "x",  # a node
    "Q\nPROVED accuracy >= 1/1",
    "Q\x1b[2J",
    'Q" R "S',
    "Q'",
    "Q[0]",
    "Q" * 5000,
    "Ԛ",
    "",
    "\\u0051",
    "a, b",
]


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("cut", [False, True])
def test_names_of_tensors_cannot_pass_for_formulas(name: str, cut: bool) -> None:
    """They stand in quotes, on one line, and what is cut or transposed is seen however long they are."""
    reference: Any = {"tensor": name, "select": [[0, 2]], "transpose": True} if cut else name
    document = changed("u.factors", [reference]) | {"unused": [name + "x"]}
    *_, line, logits, unused = formulas(read(document))
    assert line.startswith('  u = a "')
    assert line.endswith("\"[2]'" if cut else '"')
    inside = line[len('  u = a "') : line.rindex('"')]
    assert '"' not in inside.replace('\\"', "")
    assert all(text.isascii() and text.isprintable() and len(text) < 400 for text in (line, unused))
    assert logits == "  logits u, outputs 1..3 compete"
    assert unused.startswith('  unused, at least in part: "')


def test_different_programs_have_different_formulas() -> None:
    """A reader of the verdict sees every change that the digest sees, but for the order of independent nodes."""
    texts = {"\n".join(formulas(read(GOOD)))}
    for path, value in [
        ("a.mask", "none"),
        ("a.scale_squared", "1/13"),
        ("n.epsilon", "1/10"),
        ("n.op", "layer_norm"),
        ("q.bias", ...),
        ("q.factors", ["Q", "R"]),
        ("q.factors", [{"tensor": "Q", "select": [[0, [2, 2]], [1, [0, 3]]]}, "R"]),
        ("q.factors", [{"tensor": "Q", "select": [[0, 2], [1, [0, 3]]], "transpose": True}, "R"]),
        ("a.value", "q"),
        ("e.tables", ["E", "E"]),
        ("outputs", ...),
        ("outputs", [0, 3]),
        ("unused", ...),
        ("p.table", "P"),
        ("x.op", "multiply"),
        ("x.of", ["p", "e"]),
    ]:
        texts.add("\n".join(formulas(read(changed(path, value)))))
    assert len(texts) == 17
    simple = ("relu", "gelu", "gelu_tanh", "silu", "square", "sum_positions")
    lines = {formulas(read({"name": "x", "nodes": [EMBED, {"node": "y", "op": op, "of": "e"}], "logits": "y"}))[1] for op in simple}
    assert len(lines) == len(simple)
