"""count_sums: a lower bound on the number of positive sums, exact where the bins are fine enough."""

from __future__ import annotations

import itertools
from math import prod
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.checking import decoupled, joint, listing, refusal, run, sums, tables
from tests.models import random_model, random_models
from tests.rules.shared import counts
from verifier.kernel.errors import MalformedInput
from verifier.kernel.numbers import counting
from verifier.kernel.numbers.matrix import Ledger

Lines = list[list[int]]
NUMBERS = st.one_of(st.integers(-4, 4), st.integers(-300, 300), st.integers(-(1 << 48), 1 << 48))


@st.composite
def constraints(draw: st.DrawFn) -> tuple[int, Lines, Lines]:
    """base, terms and sizes: one line per slot, one entry per block, sizes of 0 included."""
    slots, blocks = draw(st.integers(0, 4)), draw(st.integers(1, 5))
    number = draw(st.sampled_from([st.integers(-4, 4), NUMBERS]))
    lines = st.lists(number, min_size=blocks, max_size=blocks)
    counts = st.lists(st.integers(0, 3), min_size=blocks, max_size=blocks)
    shape = {"min_size": slots, "max_size": slots}
    return draw(number), draw(st.lists(lines, **shape)), draw(st.lists(counts, **shape))


def enumerated(base: int, terms: Lines, sizes: Lines, needs_maximum: bool) -> int:
    """How many fillings have a positive sum, one pattern of blocks at a time."""
    found = 0
    for pattern in itertools.product(*(range(len(line)) for line in terms)):
        holds = any(block == len(line) - 1 for block, line in zip(pattern, terms, strict=True))
        total = base + sum(line[block] for block, line in zip(pattern, terms, strict=True))
        if total > 0 and (holds or not needs_maximum):
            found += prod(line[block] for block, line in zip(pattern, sizes, strict=True))
    return found


def counted(base: int, terms: Lines, sizes: Lines, bins: int, needs_maximum: bool) -> int:
    return counting.positive_sums(base, terms, sizes, bins, needs_maximum, Ledger())


@given(constraints(), st.integers(1, 200), st.booleans())
@settings(max_examples=600, deadline=None, derandomize=True)
def test_never_more_than_there_are(constraint: tuple[int, Lines, Lines], bins: int, needs_maximum: bool) -> None:
    assert 0 <= counted(*constraint, bins, needs_maximum) <= enumerated(*constraint, needs_maximum)


@given(constraints(), st.booleans())
@settings(max_examples=300, deadline=None, derandomize=True)
def test_exact_when_every_integer_has_a_bin(constraint: tuple[int, Lines, Lines], needs_maximum: bool) -> None:
    base, terms, _ = constraint
    largest = max(map(abs, [base, *itertools.chain(*terms)]))
    if largest <= 300:
        assert counted(*constraint, 3000, needs_maximum) == enumerated(*constraint, needs_maximum)


HISTOGRAM = st.lists(st.tuples(st.integers(-30, 30), st.integers(0, 4)), min_size=1, max_size=5)


@given(st.lists(HISTOGRAM, min_size=1, max_size=4), st.integers(-60, 60))
@settings(max_examples=600, deadline=None, derandomize=True)
def test_sums_of_bins_are_counted_exactly(slots: list[list[tuple[int, int]]], threshold: int) -> None:
    histograms = [counting.Histogram([b for b, _ in line], [s for _, s in line]) for line in slots]
    found = 0
    for pattern in itertools.product(*slots):
        if sum(b for b, _ in pattern) >= threshold:
            found += prod(s for _, s in pattern)
    assert counting.at_least(threshold, histograms, Ledger()) == found


def test_counts_may_exceed_64_bits() -> None:
    histograms = [counting.Histogram([0, 1], [1 << 40, 1 << 40]) for _ in range(10)]
    assert counting.at_least(0, histograms, Ledger()) == 1 << 410
    assert counting.at_least(10, histograms, Ledger()) == 1 << 400


@pytest.mark.parametrize("change", [-1, -2])
def test_a_threshold_that_is_too_low_is_noticed(change: int, monkeypatch: pytest.MonkeyPatch) -> None:
    module: ModuleType = counting
    original = counting.at_least
    monkeypatch.setattr(module, "at_least", lambda threshold, slots, ledger: original(threshold + change, slots, ledger))
    cases = itertools.product(range(-3, 4), repeat=3)
    assert any(counted(a, [[b, c]], [[1, 1]], 100, False) > enumerated(a, [[b, c]], [[1, 1]], False) for a, b, c in cases)


# The rule


@pytest.mark.parametrize("bins", [1, 3, 50, 1 << 10])
def test_one_constraint_is_never_above_its_enumeration_and_reaches_it(bins: int) -> None:
    for model in random_models(10):
        steps = [*tables(), decoupled([[0.5 * x for x in range(model.v)]], model.v)]
        exact, rough = counts(model, [*steps, listing()], by="fast"), counts(model, [*steps, sums(bins)], by="fast")
        assert set(rough) == set(exact)
        assert all(0 <= rough[cell] <= exact[cell] for cell in exact)
        if bins > 1000:
            assert sum(rough.values()) >= 0.98 * sum(exact.values())


def test_joint_constraints_lose_what_each_output_loses() -> None:
    for model in random_models(10, n=3):
        steps = [*tables(), joint()]
        exact, union = counts(model, [*steps, listing()], by="fast"), counts(model, [*steps, sums(1 << 12)], by="fast")
        assert all(0 <= union[cell] <= exact[cell] for cell in exact)
        if model.v == 2:  # one wrong output: nothing to add up
            assert sum(union.values()) >= sum(exact.values()) - 2


def test_counts_of_the_two_arithmetics_agree_or_nearly() -> None:
    for model in random_models(8):
        if model.label == "huge":
            continue  # float64 tables of 2^120 lose what 128 bits keep
        steps = [*tables(), joint(), sums(64)]
        one, other = (sum(counts(model, steps, by=by).values()) for by in ("mpmath", "fast"))
        assert abs(one - other) <= 0.05 * model.v**model.n


MODEL = random_model(2, v=3, n=2)


@pytest.mark.parametrize("premise", ["skip", "right0"])
def test_only_constraints_can_be_summed(premise: str) -> None:
    steps = [*tables(), joint(), listing("right0"), sums(8, "right", premise)]
    assert refusal(MODEL, steps) == ("wrong-premise", "step right (count_sums)")


@pytest.mark.parametrize(
    ("bins", "code"), [(0, "out-of-range"), (-1, "out-of-range"), ((1 << 20) + 1, "out-of-range"), (True, "wrong-type")]
)
def test_bins_have_a_range(bins: int, code: str) -> None:
    with pytest.raises(MalformedInput, match=code):
        run(MODEL, [*tables(), joint(), sums(bins)])
