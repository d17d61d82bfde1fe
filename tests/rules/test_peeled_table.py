"""peeled_table: part plus residual chain is the table, entry by entry, whatever the peels."""

from __future__ import annotations

import random
from fractions import Fraction
from functools import reduce
from typing import Any

import pytest

from tests.checking import array, facts, refusal, run, step
from tests.models import TinyModel, random_model, random_models
from tests.peels import factor_shapes, random_peels
from tests.rules.shared import entries, table
from verifier.kernel.errors import LimitExceeded, MalformedInput
from verifier.kernel.facts import Peeled
from verifier.kernel.limits import LIMITS

MODEL = random_model(2, v=3, n=2)
WIDTH, HEAD = len(MODEL.weights["W_U"]), MODEL.h
STEP = "step t (peeled_table)"


def peeled(model: TinyModel, name: str, peels: list[dict[str, Any]], positions: str = "centred") -> Peeled:
    found = facts(model, [step("t", "peeled_table", table=name, positions=positions, peels=peels)])[0]["t"]
    assert isinstance(found, Peeled)
    return found


def peel(first: int, last: int, side: str, rows: list[list[float]]) -> dict[str, Any]:
    return {"first": first, "last": last, "side": side, "directions": array(rows)}


def ones(rows: int, columns: int = 1) -> list[list[float]]:
    return [[1.0] * columns for _ in range(rows)]


def total(found: Peeled, rows: int) -> list[list[Fraction]]:
    part, rest = entries(found.part), entries(reduce(lambda a, b: a @ b, found.residual))
    part = part * rows if len(part) == 1 else part
    return [[x + y for x, y in zip(a, b, strict=True)] for a, b in zip(part, rest, strict=True)]


@pytest.mark.parametrize("name", ["skip", "score"])
@pytest.mark.parametrize("positions", ["raw", "centred"])
def test_part_and_residual_add_up_to_the_table(name: str, positions: str) -> None:
    rng = random.Random(f"{name} {positions}")
    for model in random_models(30):
        peels = random_peels(rng, factor_shapes(model, name))
        found = peeled(model, name, peels, positions)
        exact = table(model, [step("t", "exact_table", table=name, positions=positions)], "t")
        assert total(found, model.v) == entries(exact.part)
        assert (found.table, found.centre) == (name, positions == "centred")


def test_no_cross_term_is_dropped() -> None:
    """Two peels on two factors, far from orthonormal."""
    peels = [peel(0, 0, "left", ones(3)), peel(1, 1, "right", [[2.0]] * HEAD), peel(3, 3, "row", ones(1, 3))]
    found = peeled(MODEL, "score", peels)
    assert total(found, 3) == entries(table(MODEL, [step("t", "exact_table", table="score", positions="centred")], "t").part)


def test_a_reference_row_of_the_first_factor_is_a_part_of_one_row() -> None:
    found = peeled(MODEL, "skip", [peel(0, 0, "row", ones(1, WIDTH))])
    assert found.left is None
    assert found.part.shape == (1, 3)
    assert peeled(MODEL, "skip", [peel(1, 1, "row", ones(1, 3))]).part.shape == (3, 3)
    assert peeled(MODEL, "skip", [peel(0, 0, "row", ones(1, WIDTH))] * 2).part.shape == (3, 3)


REJECTED: dict[str, tuple[str, list[dict[str, Any]], str]] = {
    "no peels": ("skip", [], "no-peels"),
    "an interval beyond the chain": ("skip", [peel(0, 2, "row", ones(1, 3))], "bad-intervals"),
    "an interval backwards": ("skip", [peel(1, 0, "row", ones(1, 3))], "bad-intervals"),
    "overlapping intervals": ("score", [peel(0, 1, "left", ones(3)), peel(1, 2, "left", ones(WIDTH))], "bad-intervals"),
    "an interval inside another": ("score", [peel(0, 3, "left", ones(3)), peel(1, 1, "left", ones(WIDTH))], "bad-intervals"),
    "directions of another height": ("skip", [peel(0, 0, "left", ones(4))], "wrong-shape"),
    "directions on the wrong side": ("skip", [peel(0, 0, "right", ones(WIDTH + 1))], "wrong-shape"),
    "a reference row of another width": ("skip", [peel(0, 0, "row", ones(1, WIDTH + 1))], "wrong-shape"),
    "two reference rows": ("skip", [peel(0, 0, "row", ones(2, WIDTH))], "wrong-shape"),
}


@pytest.mark.parametrize("case", REJECTED)
def test_other_peels_are_rejected(case: str) -> None:
    name, peels, code = REJECTED[case]
    assert refusal(MODEL, [step("t", "peeled_table", table=name, positions="raw", peels=peels)]) == (code, STEP)


GOOD = peel(0, 0, "row", ones(1, WIDTH))
MALFORMED: dict[str, tuple[dict[str, Any], str]] = {
    "copies": ({"table": "copy"}, "unknown-word"),
    "an unknown side": ({"peels": [{**GOOD, "side": "middle"}]}, "unknown-word"),
    "a negative factor": ({"peels": [{**GOOD, "first": -1}]}, "out-of-range"),
    "peels by name": ({"peels": {}}, "wrong-type"),
    "a peel with a note": ({"peels": [{**GOOD, "note": 1}]}, "unknown-field"),
    "a peel without directions": ({"peels": [{"first": 0, "last": 0, "side": "row"}]}, "missing-field"),
    "integers": ({"peels": [{**GOOD, "directions": array([[1]], "i64")}]}, "unknown-word"),
    "NaN": ({"peels": [{**GOOD, "directions": array([[float("nan")] * WIDTH])}]}, "nonfinite"),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_other_hints_are_malformed(case: str) -> None:
    hints, code = MALFORMED[case]
    with pytest.raises(MalformedInput, match=code):
        run(MODEL, [step("t", "peeled_table", **{"table": "skip", "positions": "raw", "peels": [GOOD], **hints})])


def test_more_peels_than_the_limit_are_refused() -> None:
    peels = [peel(0, 0, "left", ones(3))] * (LIMITS.peels + 1)
    with pytest.raises(LimitExceeded, match="limit-peels"):
        run(MODEL, [step("t", "peeled_table", table="skip", positions="raw", peels=peels)])
