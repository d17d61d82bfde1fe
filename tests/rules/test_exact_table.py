"""exact_table: the exact product of its chain, whatever the scale of the weights."""

from __future__ import annotations

from fractions import Fraction

import pytest

from tests.checking import TABLES, facts, step
from tests.models import TinyModel, random_models
from tests.rules.shared import entries, table
from verifier.kernel.errors import MalformedInput

Exact = list[list[Fraction]]


def exact(rows: list[list[float]]) -> Exact:
    return [[Fraction(x) for x in row] for row in rows]


def times(a: Exact, b: Exact) -> Exact:
    return [[sum((x * y for x, y in zip(row, column, strict=True)), Fraction(0)) for column in zip(*b, strict=True)] for row in a]


def transposed(a: Exact) -> Exact:
    return [list(column) for column in zip(*a, strict=True)]


def by_hand(model: TinyModel, name: str) -> Exact:
    """The raw tables in fractions."""
    w = {key: exact(rows) for key, rows in model.weights.items()}
    queries = [[x + y for x, y in zip(row, w["W_pos"][-1], strict=True)] for row in w["W_E"]]
    source = w["W_pos"] if name.startswith("position") else w["W_E"]
    if name == "skip":
        return times(queries, w["W_U"])
    if name.endswith("score"):
        return times(times(queries, w["W_Q"]), transposed(times(source, w["W_K"])))
    return times(times(times(source, w["W_V"]), w["W_O"]), w["W_U"])


@pytest.mark.parametrize("name", TABLES)
def test_a_raw_table_is_the_product_in_fractions(name: str) -> None:
    for model in random_models(16):
        found = table(model, [step("t", "exact_table", table=name, positions="raw")], "t")
        assert entries(found.part) == by_hand(model, name)
        assert (found.table, found.centre, found.slack) == (name, False, None)


@pytest.mark.parametrize(("name", "axis"), [("score", 1), ("copy", 0)])
def test_centring_moves_one_vector_from_the_positions_to_the_tokens(name: str, axis: int) -> None:
    for model in random_models(10):
        moved = {}
        for role in (name, f"position_{name}"):
            kinds = [step(word, "exact_table", table=role, positions=word) for word in ("raw", "centred")]
            raw, centred = (entries(table(model, kinds, word).part) for word in ("raw", "centred"))
            lines = zip(*(transposed(one) if axis == 1 else one for one in (raw, centred)), strict=True)
            moved[role] = {tuple(y - x for x, y in zip(a, b, strict=True)) for a, b in lines}
        [tokens], [places] = moved.values()  # the same change for every key, and for every position
        assert tuple(-x for x in tokens) == places


def test_flops_and_entries_are_counted() -> None:
    for model in random_models(4):
        context = facts(model, [step("t", "exact_table", table="skip", positions="raw")])[1]
        v, d = model.v, len(model.weights["W_U"])
        assert context.ledger.flops == v * d + v * v * (2 * d - 1)
        assert context.ledger.unexplained_dimension == v * v


@pytest.mark.parametrize("hints", [{"table": "logits", "positions": "raw"}, {"table": "skip", "positions": "folded"}])
def test_other_words_are_refused(hints: dict[str, str]) -> None:
    [model] = random_models(1)
    with pytest.raises(MalformedInput, match="unknown-word"):
        facts(model, [step("t", "exact_table", **hints)])
