"""The heart of the matter: no rule counts a wrong input as right, on models whose weights hide no sign."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from tests.checking import ARITHMETICS, facts, joint, listing, tables
from tests.models import TinyModel, copying, random_model, twins
from tests.oracle import truth
from tests.plans import PLANS, UNLUCKY, random_scope
from verifier.kernel.errors import StepRejected
from verifier.kernel.facts import Context, Count, Table
from verifier.kernel.maximum import margins
from verifier.kernel.maximum.ranges import Scope
from verifier.kernel.numbers.reference import ListCells
from verifier.kernel.numbers.tensor import Tensor
from verifier.kernel.rules import RULES

MODELS = {"mpmath": range(24), "fast": range(100, 190)}


def draw(plan: str, seed: int) -> tuple[TinyModel, list[list[int]] | None, list[dict[str, Any]]]:
    """A model, a scope (None: everything) and the steps of a plan."""
    rng = random.Random(f"{plan} {seed}")
    model = random_model(seed, v=rng.choice([2, 3, 4, 5]), n=rng.choice([1, 2, 2, 3, 3, 4]))
    scope = random_scope(rng, model) if rng.random() < 0.5 else None
    return model, scope, PLANS[plan](rng, model)


def too_many(plan: str, seed: int, by: str) -> int:
    """How many (query, maximum) pairs have more certified than right inputs."""
    model, scope, steps = draw(plan, seed)
    try:
        known, context = facts(model, steps, scope=scope, by=by)
    except StepRejected as error:
        if error.code in UNLUCKY:
            return 0
        raise
    found, answers = known["right"], truth(model, scope)
    assert isinstance(found, Count)
    possible, everything = answers.cells("right", "unclear"), answers.cells("right", "unclear", "wrong")
    assert set(everything) <= set(found.counts)
    for cell in found.counts:
        assert context.scope.cell(*cell) == everything[cell]  # L24
    return sum(not 0 <= count <= possible[cell] for cell, count in found.counts.items())


@pytest.mark.parametrize("by", ARITHMETICS)
@pytest.mark.parametrize("plan", PLANS)
def test_no_wrong_input_is_counted(plan: str, by: str) -> None:
    for seed in MODELS[by]:
        assert too_many(plan, seed, by) == 0, f"{plan} {seed}: {draw(plan, seed)[0]}"


def test_every_rule_that_counts_is_in_a_plan() -> None:
    used = {one["rule"] for plan in PLANS for seed in range(40) for one in draw(plan, seed)[2]}
    # tested in tests/kernel/network and in files of their own here
    general = {"every_input", "cells", "bag_loss", "bag_accuracy", "mean_loss", "worst_class", "answered"}
    general |= {"relaxed_margin", "bottleneck_margin", "every_read", "symmetry"}
    assert used == set(RULES) - {"accuracy", "wrong_inputs"} - general


@pytest.mark.parametrize("plan", PLANS)
def test_a_plan_certifies_enough_to_be_a_test(plan: str) -> None:
    certified = right = 0
    for seed in MODELS["fast"]:
        model, scope, steps = draw(plan, seed)
        try:
            found = facts(model, steps, scope=scope, by="fast")[0]["right"]
        except StepRejected:
            continue
        assert isinstance(found, Count)
        certified, right = certified + sum(found.counts.values()), right + truth(model, scope).right_at_most
    assert certified >= 0.1 * right


# Rules broken on purpose: the suite must notice


def turned_gap(self: margins.Margins, table: Tensor, maximum: int) -> Tensor:
    return table.without("output", maximum) - table.select("output", maximum)


def equal_weights(table: Table, context: Context) -> Tensor:
    ones = [(1, 1, 0)] * context.vocabulary * table.part.shape[1]
    return context.workshop.enclose_between(ones, table.part.axes, (context.vocabulary, table.part.shape[1]))


def most_of_others(x: Tensor, axis: str) -> Tensor:
    return x._with(x.cells.all_but_one("maximum", x.axes.index(axis)))


def forgotten_slack(table: Table) -> Iterator[list[tuple[int, int, int]]]:
    rows = table.part.rows if table.slack is None else table.part.rows * (len(table.slack.rows.rows) // len(table.part.rows))
    return ([(entry, entry, table.part.exponent) for entry in row] for row in rows)


FAULTS: dict[str, tuple[tuple[str, ...], Any, str, Any]] = {
    "a gap with the wrong sign": (("joint_every", "exceptions", "pure", "attention"), margins.Margins, "gap", turned_gap),
    "the best output for the worst": (("pure", "attention"), Tensor, "min", Tensor.max),
    "the best of the other outputs": (("decoupled_sums", "blocks"), Tensor, "min_all_but_one", most_of_others),
    "weights that are all alike": (("joint_every", "blocks", "exceptions"), margins, "softmax_weights", equal_weights),
    "one token too many": (("pure",), Scope, "tokens_in", lambda scope, slot, start, stop: stop - start),
    "slack that is forgotten": (("decoupled_sums", "pure"), margins, "widened", forgotten_slack),
}


def noticed(plan: str, seed: int) -> bool:
    try:
        return too_many(plan, seed, "fast") > 0
    except (AssertionError, ValueError, RuntimeError):
        return True


@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_rule_is_noticed(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plans, owner, name, replacement = FAULTS[fault]
    monkeypatch.setattr(owner, name, replacement)
    for plan in plans:
        assert any(noticed(plan, seed) for seed in MODELS["fast"]), plan


def test_a_tie_that_counts_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random("tie")
    model = twins(rng, copying(rng, 4, 2, noise=0.0, slope=2.0, copy=4.0, place=1.0))  # whole numbers: gaps of exactly 0
    possible = truth(model).right_at_most
    steps = [*tables(), joint(), listing()]

    def certified() -> int:
        found = facts(model, steps)[0]["right"]
        assert isinstance(found, Count)
        return sum(found.counts.values())

    assert certified() == possible
    monkeypatch.setattr(ListCells, "positive", lambda x: ListCells([number >= 0 for number in x.cells], x.shape))
    assert certified() > possible
