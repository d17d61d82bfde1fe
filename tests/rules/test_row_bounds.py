"""row_range and row_norm: what is left of a peeled table differs within a row by no more than the slack says."""

from __future__ import annotations

import random
from fractions import Fraction
from functools import reduce
from itertools import combinations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.checking import Step, array, bound, facts, refusal, run, step, tables
from tests.models import TinyModel, random_model, random_models
from tests.peels import factor_shapes, random_peels, residual_length
from tests.rules.shared import entries, peeled_skip
from verifier.kernel.errors import MalformedInput
from verifier.kernel.facts import Peeled, Table
from verifier.kernel.numbers.matrix import Ledger, Matrix

CHOICES = product(("exact", "split", "recursive"), ("none", "first", "every"), ("rows", "all"))
RANGE_HINTS = [dict(zip(("bound", "mean", "spread"), words, strict=True)) for words in CHOICES]
NORM_HINTS = [{"left": left, "right": right, "power": power} for left, right, power in product((0, 1, 2), (0, 1, 2), (0, 1, 3))]
MODEL = random_model(2, v=3, n=2)


def excess(model: TinyModel, peeled: Step, bounding: Step) -> Fraction | None:
    """The largest of |error[r, k] - error[r, l]| - rows[r] (columns[k] + columns[l]); None if the step was rejected."""
    known, _ = facts(model, [peeled, bounding])
    before, after = known[peeled["id"]], known[bounding["id"]]
    assert isinstance(before, Peeled)
    assert isinstance(after, Table)
    assert after.slack is not None
    assert after.part == before.part
    errors = entries(reduce(lambda a, b: a @ b, before.residual))
    rows, columns = ([line[0] for line in entries(side)] for side in (after.slack.rows, after.slack.columns))
    assert min(rows) >= 0
    assert min(columns) >= 0
    return max(
        abs(line[k] - line[other]) - rows[r] * (columns[k] + columns[other])
        for r, line in enumerate(errors)
        for k, other in combinations(range(len(line)), 2)
    )


@pytest.mark.parametrize("name", ["skip", "score"])
@pytest.mark.parametrize("hints", RANGE_HINTS, ids=lambda hints: " ".join(hints.values()))
def test_ranges_bound_every_row(name: str, hints: dict[str, str]) -> None:
    rng = random.Random(f"{name} {hints}")
    for model in random_models(8):
        peeled = step("p", "peeled_table", table=name, positions="centred", peels=random_peels(rng, factor_shapes(model, name)))
        assert excess(model, peeled, step("t", "row_range", {"table": "p"}, **hints)) <= 0  # type: ignore[operator]


@pytest.mark.parametrize("name", ["skip", "score"])
@pytest.mark.parametrize("hints", NORM_HINTS, ids=str)
def test_norms_bound_every_row(name: str, hints: dict[str, int]) -> None:
    rng = random.Random(f"{name} {hints}")
    for model in random_models(10):
        shapes = factor_shapes(model, name)
        peels = random_peels(rng, shapes)
        peeled, bounding = (
            step("p", "peeled_table", table=name, positions="raw", peels=peels),
            step("t", "row_norm", {"table": "p"}, **hints),
        )
        if hints["left"] + hints["right"] > residual_length(shapes, peels):
            assert refusal(model, [peeled, bounding]) == ("bad-intervals", "step t (row_norm)")
        else:
            assert excess(model, peeled, bounding) <= 0  # type: ignore[operator]


def test_an_exact_range_is_reached() -> None:
    for model in random_models(10):
        peeled = peeled_skip("p", row=[0.25] * len(model.weights["W_U"]))
        assert excess(model, peeled, step("t", "row_range", {"table": "p"}, bound="exact", mean="none", spread="rows")) == 0


def test_more_doublings_bound_more_tightly() -> None:
    def largest(power: int) -> Fraction:
        peeled = peeled_skip("p", row=[0.0] * len(MODEL.weights["W_U"]))
        found = facts(MODEL, [peeled, step("t", "row_norm", {"table": "p"}, left=0, right=0, power=power)])[0]["t"]
        assert isinstance(found, Table)
        assert found.slack is not None
        return entries(found.slack.rows)[0][0]

    assert largest(0) > largest(1) > largest(3) > largest(6) * Fraction(999, 1000)


NUMBERS = st.one_of(st.integers(0, 9), st.integers(0, 1 << 200))


@given(NUMBERS, st.integers(-401, 400))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_roots_are_rounded_up_and_no_further(number: int, exponent: int) -> None:
    [[root]] = entries(Matrix(((number,),), exponent, ("a", "b"), Ledger()).root_above())
    exact = number * Fraction(2) ** exponent
    assert root**2 >= exact
    assert not number or root**2 <= exact * (1 + Fraction(1, 1 << 20))


def test_only_peeled_tables_can_be_bounded() -> None:
    for rule, hints in (("row_range", RANGE_HINTS[0]), ("row_norm", NORM_HINTS[0])):
        assert refusal(MODEL, [*tables(), step("t", rule, {"table": "skip"}, **hints)]) == ("wrong-premise", f"step t ({rule})")
        with pytest.raises(MalformedInput, match="missing-field"):
            run(MODEL, [step("t", rule, **hints), bound("t")])


@pytest.mark.parametrize(
    ("rule", "hints"),
    [
        ("row_range", {"bound": "guess", "mean": "none", "spread": "rows"}),
        ("row_range", {"bound": "exact", "mean": "none", "spread": "rows", "slack": array([[0.0]])}),
        ("row_norm", {"left": -1, "right": 0, "power": 0}),
        ("row_norm", {"left": 0, "right": 0, "power": 7}),
        ("row_norm", {"left": 0, "right": 0}),
    ],
)
def test_other_hints_are_malformed(rule: str, hints: dict[str, object]) -> None:
    peeled = peeled_skip("p", row=[0.0] * len(MODEL.weights["W_U"]))
    with pytest.raises(MalformedInput):
        run(MODEL, [peeled, step("t", rule, {"table": "p"}, **hints)])
