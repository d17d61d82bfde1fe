"""Weights behind a program: what a reference selects, every refusal by code and clause, and the digest."""

from __future__ import annotations

import hashlib
import itertools
import struct
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import pytest

from tests.models import Tensor, pack, safetensors
from tests.refusals import LIMIT, refused
from verifier.kernel.decode.strict_json import Reader
from verifier.kernel.limits import LIMITS
from verifier.kernel.network.program import Program, read_program
from verifier.kernel.network.weights import Weights, read_weights
from verifier.kernel.numbers.matrix import Ledger


def program(*factors: Any, unused: list[str] | None = None, bias: Any = None) -> Program:
    """A program that refers to these; nothing fits, which is not asked here."""
    nodes = [
        {"node": "e", "op": "embed", "tables": ["E"]},
        {"node": "u", "op": "linear", "of": "e", "factors": list(factors)} | ({"bias": bias} if bias else {}),
    ]
    document: dict[str, Any] = {"name": "x", "nodes": nodes, "logits": "u"}
    return read_program(Reader(document | ({"unused": unused} if unused else {}), "FILE", "2.4"), "2.4")


def tensor(*shape: int, dtype: str = "F64", start: int = 0) -> Tensor:
    """Entries start, start + 1, ... in row-major order."""
    count = 1
    for size in shape:
        count *= size
    return dtype, shape, pack([float(start + index) for index in range(count)], dtype)


def read(tensors: Mapping[str, Tensor], *factors: Any, unused: list[str] | None = None, bias: Any = None) -> Weights:
    return read_weights(safetensors({"E": tensor(2, 2)} | dict(tensors)), program(*factors, unused=unused, bias=bias), file="FILE")


# What a reference selects


def selected(shape: tuple[int, ...], reference: dict[str, Any]) -> tuple[tuple[int, ...], list[list[Fraction]]]:
    unused = ["W"] if "select" in reference else None
    whole = reference if len(reference) > 1 else reference["tensor"]
    weights = read({"W": tensor(*shape)}, whole, unused=unused)
    one = weights_reference(weights, whole, unused)
    matrix = weights.matrix(one, ("row", "column"), Ledger())
    assert matrix.axes == ("row", "column")
    return weights.shape(one), [[Fraction(x) * Fraction(2) ** matrix.exponent for x in row] for row in matrix.rows]


def weights_reference(weights: Weights, reference: Any, unused: list[str] | None) -> Any:
    return program(reference, unused=unused).node("u").references[0]


def test_a_matrix_is_read_as_stored() -> None:
    assert selected((2, 3), {"tensor": "W"}) == ((2, 3), [[0, 1, 2], [3, 4, 5]])
    assert selected((2, 3), {"tensor": "W", "transpose": True}) == ((3, 2), [[0, 3], [1, 4], [2, 5]])
    assert selected((3,), {"tensor": "W"}) == ((3,), [[0, 1, 2]])


def test_cuts_select_what_they_say() -> None:
    """Against plain indexing, for every axis order."""
    shape = (3, 2, 4)

    def entry(*index: int) -> int:
        return (index[0] * 2 + index[1]) * 4 + index[2]

    for select in itertools.permutations([[0, 2], [2, [1, 3]]]):
        found = selected(shape, {"tensor": "W", "select": list(select)})
        assert found == ((2, 3), [[entry(2, b, c) for c in (1, 2, 3)] for b in (0, 1)])
    found = selected(shape, {"tensor": "W", "select": [[1, 1], [0, [1, 2]]], "transpose": True})
    assert found == ((4, 2), [[entry(a, 1, c) for a in (1, 2)] for c in range(4)])
    assert selected(shape, {"tensor": "W", "select": [[0, 1], [2, 3]]}) == ((2,), [[entry(1, 0, 3), entry(1, 1, 3)]])
    assert selected(shape, {"tensor": "W", "select": [[0, [1, 1]], [2, 3]]}) == ((1, 2), [[entry(1, 0, 3), entry(1, 1, 3)]])


W = {"W": tensor(2, 3, 4)}
WIDE = LIMITS.width + 1
REFUSED: list[tuple[Callable[[], Any], str, str]] = [
    (lambda: read({}, "W"), "missing-tensor", "5.2"),
    (lambda: read({"W": tensor(2, 2), "b": tensor(2)}, "W"), "unknown-tensor", "5.2"),
    (lambda: read({"W": tensor(2, 2), "W ": tensor(2)}, "W"), "unknown-tensor", "5.2"),
    (lambda: read({"W": ("I64", (2, 2), bytes(32))}, "W"), "wrong-dtype", "5.2"),
    (lambda: read({"W": ("BOOL", (2, 2), bytes(4))}, "W"), "wrong-dtype", "5.2"),
    (lambda: read({"W": tensor(2, 2)}, "W", unused=["W"]), "used-tensor", "5.2"),
    (lambda: read({"W": tensor(2, 2)}, {"tensor": "W", "select": [[0, [0, 1]]]}, unused=["W"]), "used-tensor", "5.2"),
    (lambda: read(W, {"tensor": "W", "select": [[0, 0]]}), "unused-part", "5.2"),  # a head that the formula leaves out
    (lambda: read({"W": tensor(2, 2)}, {"tensor": "W", "select": [[1, [0, 0]]]}), "unused-part", "5.2"),
    (lambda: read(W, "W"), "wrong-shape", "5.3"),
    (lambda: read({"W": tensor()}, "W"), "wrong-shape", "5.3"),
    (lambda: read({"W": tensor(2, 0)}, "W"), "wrong-shape", "5.3"),
    (lambda: read({"W": tensor(0)}, "W"), "wrong-shape", "5.3"),
    (lambda: read(W, {"tensor": "W", "select": [[0, 0], [1, 0], [2, 0]]}, unused=["W"]), "wrong-shape", "5.3"),
    (lambda: read(W, {"tensor": "W", "select": [[0, 2]]}, unused=["W"]), "wrong-shape", "5.3"),
    (lambda: read(W, {"tensor": "W", "select": [[3, 0]]}, unused=["W"]), "wrong-shape", "5.3"),
    (lambda: read(W, {"tensor": "W", "select": [[0, 0], [1, [1, 3]]]}, unused=["W"]), "wrong-shape", "5.3"),
    (lambda: read(W, {"tensor": "W", "select": [[0, 1 << 31]]}, unused=["W"]), "wrong-shape", "5.3"),
    (lambda: read({"W": tensor(3)}, {"tensor": "W", "transpose": True}), "wrong-shape", "5.3"),
    (lambda: read(W, {"tensor": "W", "select": [[0, 0], [1, 0]], "transpose": True}, unused=["W"]), "wrong-shape", "5.3"),
    (lambda: read({"W": ("F64", (1, 2), pack([1.0, float("nan")], "F64"))}, "W").digest, "nonfinite", "5.2"),
    (lambda: read({"W": ("F16", (1, 1), pack([float("inf")], "F16"))}, "W").digest, "nonfinite", "5.2"),
]


@pytest.mark.parametrize(("act", "code", "clause"), REFUSED)
def test_refusals(act: Callable[[], Any], code: str, clause: str) -> None:
    assert refused(act) == (code, clause)


def test_wide_tensors_are_refused() -> None:
    assert refused(lambda: read({"W": tensor(1, WIDE)}, "W"), LIMIT) == ("limit-width", "5.3")


def test_two_halves_are_the_whole() -> None:
    halves = [{"tensor": "W", "select": [[0, [0, 0]]]}, {"tensor": "W", "select": [[0, [1, 1]]]}]
    assert read({"W": tensor(2, 2)}, *halves).tensors.keys() == {"E", "W"}
    overlapping = [{"tensor": "W", "select": [[0, [0, 1]], [1, [0, 0]]]}, {"tensor": "W", "select": [[0, [1, 1]]]}]
    assert refused(lambda: read({"W": tensor(2, 2)}, *overlapping)) == ("unused-part", "5.2")  # one corner is missing


def test_what_is_unused_need_not_be_a_float() -> None:
    assert read({"W": tensor(2, 2), "mask": ("BOOL", (2, 2), bytes(4))}, "W", unused=["mask"]).tensors.keys() == {"E", "W"}


# The digest


def digest(tensors: Mapping[str, Tensor], *names: str, unused: list[str] | None = None) -> str:
    return read(tensors, *names, unused=unused).digest


def test_the_digest_is_the_one_of_the_format() -> None:
    """Names, ranks, sizes and binary64 words, tensors in the order of their names."""
    state = b""
    for name, shape, values in [("E", (2, 2), [0.0, 1.0, 2.0, 3.0]), ("Wé", (1, 2), [-1.5, 2.0**-1074])]:
        key = name.encode()
        state += struct.pack(f"<{2 + len(shape)}Q", len(key), len(shape), *shape) + key + struct.pack(f"<{len(values)}d", *values)
    found = digest({"Wé": ("F64", (1, 2), pack([-1.5, 2.0**-1074], "F64"))}, "Wé")
    assert found == "sha256:" + hashlib.sha256(state).hexdigest()


VALUES = [1.0, -2.5, 0.0, 0.15625]


@pytest.mark.parametrize("dtype", ["F16", "BF16", "F32"])
def test_a_wider_type_has_the_same_digest(dtype: str) -> None:
    narrow, wide = (("W", (2, 2), kind) for kind in (dtype, "F64"))
    assert digest({narrow[0]: (dtype, (2, 2), pack(VALUES, dtype))}, "W") == digest({wide[0]: ("F64", (2, 2), pack(VALUES, "F64"))}, "W")


def test_order_sign_of_zero_and_unused_tensors_are_no_part_of_it() -> None:
    base = digest({"W": tensor(2, 2), "V": tensor(1, 2)}, "W", "V")
    assert digest({"V": tensor(1, 2), "W": tensor(2, 2)}, "W", "V") == base
    assert digest({"V": tensor(1, 2), "W": tensor(2, 2)}, "V", "W") == base
    assert digest({"V": tensor(1, 2), "W": tensor(2, 2), "m": tensor(9)}, "W", "V", unused=["m"]) == base
    plus, minus = (("F64", (1, 2), pack([zero, 1.0], "F64")) for zero in (0.0, -0.0))
    assert digest({"W": plus}, "W") == digest({"W": minus}, "W")


def test_any_other_value_shape_or_name_has_another_digest() -> None:
    numbers = list(range(6))
    found = {digest({"W": ("F64", shape, pack(numbers, "F64"))}, "W") for shape in [(2, 3), (3, 2), (1, 6), (6, 1), (6,)]}
    for index in range(6):
        for other in (numbers[index] + 2.0**-40, -1.0):
            changed = [other if place == index else float(x) for place, x in enumerate(numbers)]
            found.add(digest({"W": ("F64", (2, 3), pack(changed, "F64"))}, "W"))
    found |= {digest({name: tensor(2, 3)}, name) for name in ("V", "WW", "w", "W ", "Ｗ")}
    first, second = tensor(1, 2), tensor(1, 2, start=2)
    found |= {digest({"A": first, "B": second}, "A", "B"), digest({"A": second, "B": first}, "A", "B")}
    assert len(found) == 5 + 12 + 5 + 2
