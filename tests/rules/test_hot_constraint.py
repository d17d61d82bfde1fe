"""hot_constraint: joint constraints for the outputs that are named, a decoupled one for all others, silence elsewhere."""

from __future__ import annotations

import random

import pytest

from tests.checking import SAME, Step, array, bound, decoupled, every, facts, joint, refusal, step, sums, tables
from tests.models import TinyModel, copying, random_model
from tests.oracle import truth
from tests.rules.shared import counts
from verifier.kernel.errors import MalformedInput
from verifier.kernel.facts import Bound, Constraints

MODEL = copying(random.Random("hot"), 4, 3, noise=0.2, slope=0.7, copy=2.0)
STEP = "step margins (hot_constraint)"


def hot(model: TinyModel, pairs: list[list[int]], shift: float = 0.0) -> Step:
    hints = {"shift": array([[shift * x for x in range(model.v)] for _ in range(model.v)]), "hot": array(pairs, "i64")}
    return step("margins", "hot_constraint", SAME, **hints)


ALL = [[m, x] for m in range(4) for x in range(4) if m != x]


def test_with_every_output_hot_it_is_the_joint_constraint() -> None:
    assert counts(MODEL, [*tables(), hot(MODEL, ALL), every()]) == counts(MODEL, [*tables(), joint(), every()])


@pytest.mark.parametrize("shift", [-1.0, 0.0, 0.5])
def test_one_hot_output_certifies_at_least_what_none_does(shift: float) -> None:
    plain = counts(MODEL, [*tables(), decoupled([[shift * x for x in range(4)]], 4), every()])
    right = truth(MODEL).cells("right")
    for m, x in ALL:
        one = counts(MODEL, [*tables(), hot(MODEL, [[m, x]], shift), every()])
        assert {cell[1] for cell in one} == {m}
        assert all(plain[cell] <= one[cell] <= right[cell] for cell in one)


def test_a_pair_named_twice_counts_once() -> None:
    once, twice = (facts(MODEL, [*tables(), hot(MODEL, [[3, 0]] * times)])[0]["margins"] for times in (1, 2))
    assert isinstance(once, Constraints)
    assert isinstance(twice, Constraints)
    assert once.at(3).base.to_list() == twice.at(3).base.to_list()
    assert once.at(3).base.shape == (4, 2)


def test_maxima_that_are_not_named_are_left_alone() -> None:
    found = facts(MODEL, [*tables(), hot(MODEL, [[2, 0], [2, 3]])])[0]["margins"]
    assert isinstance(found, Constraints)
    assert [found.speaks_of(m) for m in range(4)] == [False, False, True, False]
    for counting in (every(), sums(64)):
        assert {m for _, m in counts(MODEL, [*tables(), hot(MODEL, [[2, 0]]), counting])} == {2}


def test_it_adds_to_the_counts_of_other_maxima_and_not_to_its_own() -> None:
    steps = [*tables(), hot(MODEL, [[3, 0]]), every("hot"), joint("all"), every("all.right", "all")]
    found = facts(MODEL, [*steps, bound("hot", "all.right"), bound("all.right", name="alone")])[0]
    assert isinstance(found["bound"], Bound)
    assert found["bound"] == found["alone"]


@pytest.mark.parametrize("pairs", [[[3, 3]], [[4, 0]], [[0, 4]], [[3, 0], [1, 1]]])
def test_pairs_that_are_no_maximum_and_wrong_output_are_rejected(pairs: list[list[int]]) -> None:
    assert refusal(MODEL, [*tables(), hot(MODEL, pairs)]) == ("not-a-wrong-output", STEP)


@pytest.mark.parametrize(
    "changes",
    [
        {"shift": array([[0.0] * 4])},
        {"shift": array([[0.0] * 3] * 4)},
        {"hot": array([[3, 0, 1]], "i64")},
        {"hot": array([[3]], "i64")},
    ],
)
def test_hints_of_other_shapes_are_rejected(changes: dict[str, object]) -> None:
    good = {"shift": array([[0.0] * 4] * 4), "hot": array([[3, 0]], "i64")}
    assert refusal(MODEL, [*tables(), step("margins", "hot_constraint", SAME, **{**good, **changes})]) == ("wrong-shape", STEP)


def test_tokens_below_zero_are_malformed() -> None:
    model = random_model(2, v=3, n=2)
    with pytest.raises(MalformedInput, match="out-of-range"):
        facts(model, [*tables(), hot(model, [[-1, 0]])])
