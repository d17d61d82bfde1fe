"""Failures that are counted: never fewer than enumeration finds, slots that are not seen and ties included."""

from __future__ import annotations

import random

import pytest

from tests.pieces import cut, hints_for, lost, whole, wrong_at
from tests.programs import ARITHMETICS, Case
from tests.rules.test_cells import SIGN, SUM, small
from tests.rules.test_relaxed_margin import maximum, normed_between, two_heads
from verifier.kernel.errors import StepRejected
from verifier.kernel.pieces.counted import Counting
from verifier.strategies.slots.relaxed import RelaxedRead

CASES = [
    small("attention", 5, 3),
    small("signs", 4, 3, SIGN, outputs=3, mlp="relu"),
    small("a fixed slot", 5, 3, maximum(3, fixed=[[1, 4]])),
    two_heads("two heads", 4, 3, maximum(3)),
    normed_between(small("max", 4, 3, mlp="relu")),
]


@pytest.mark.parametrize("by", ARITHMETICS)
@pytest.mark.parametrize("one", CASES, ids=repr)
def test_counts_are_never_below_enumeration_nor_above_whole_pieces(one: Case, by: str) -> None:
    rng = random.Random(repr(one))
    for read in range(len(one.context().subject.task.layout.reads)):
        wrong = wrong_at(one, read)
        for stop in (0.1, 0.3):
            hints = hints_for(one, RelaxedRead, read, cut(whole(one, read), rng, stop))
            whole_pieces = lost(one, "relaxed_margin", by, hints)
            for bins in (1, 16, 1 << 12):
                counted = lost(one, "relaxed_margin", by, hints | {"failures": "counted", "bins": bins})
                assert wrong <= counted <= whole_pieces


def counting(one: Case, read: int) -> Counting:
    search = RelaxedRead(read, one.context())
    return Counting(search.cutting, list(range(read + 1)), 64)


def test_a_sum_of_0_is_a_failure_and_slots_that_are_not_seen_multiply_it() -> None:
    one = small("signs", 4, 3, SIGN, outputs=3)
    counts = counting(one, 1)
    *slots, (low, high) = counts.cutting.whole
    known = [counts.cutting.leaf((*slots, (score, score))).piece for score in range(low, high + 1)]
    piece = next(piece for piece in known if piece is not None)
    zeros = [[0] * 4, [0] * 4]
    assert counts._failing(piece, zeros, 0) == 4**3
    assert counts._failing(piece, zeros, 1) == 0
    assert counts._failing(piece, [[0, 1, 1, 1], [0, 0, 0, 0]], 0) == 4 * 4


def test_digits_that_the_task_determines_are_not_counted() -> None:
    one = small("sum of digits", 3, 7, SUM, {"tokens": [[0, 2]] * 4}, mlp="relu")
    with pytest.raises(StepRejected, match="wrong-subject"):
        counting(one, 0)
