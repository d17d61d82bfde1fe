"""count_leaves: never a wrong input among the right ones, never a right one among the wrong ones, exact where the bins are fine enough."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from dataclasses import replace
from math import prod
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.checking import ARITHMETICS, Step, bound, decoupled, facts, joint, leaves, listing, refusal, run, step, sums, tables
from tests.models import TinyModel, copying, random_model, twins
from tests.oracle import truth
from tests.peels import loosened_tables
from tests.plans import UNLUCKY, random_leaves, random_scope
from verifier.kernel.errors import MalformedInput, StepRejected
from verifier.kernel.facts import Constraints, Count
from verifier.kernel.maximum.ranges import Scope
from verifier.kernel.numbers.matrix import Ledger
from verifier.kernel.rules.counts import count_leaves
from verifier.kernel.rules.counts.count_leaves import Constraint, Leaf, Outputs

NUMBERS = st.one_of(st.integers(-4, 4), st.integers(-300, 300), st.integers(-(1 << 48), 1 << 48))


# One constraint in one leaf


@st.composite
def cases(draw: st.DrawFn, numbers: st.SearchStrategy[int] = NUMBERS) -> tuple[Constraint, Leaf]:
    """A leaf of at most four free slots and five tokens, in a scope that may leave tokens out; terms of all sizes."""
    slots, maximum = draw(st.integers(0, 4)), draw(st.integers(0, 4))
    query = draw(st.integers(0, maximum))
    ranges = [sorted(draw(st.tuples(st.integers(0, 4), st.integers(0, 4)))) for _ in range(slots)]
    stop = draw(st.integers(0, maximum))
    start = draw(st.one_of(st.none(), st.integers(0, stop)))
    lines = [[draw(numbers) for _ in range(maximum + 1)] for _ in range(slots)]
    slack = draw(st.one_of(st.none(), st.integers(0, 5)))
    scope = Scope((*((first, last) for first, last in ranges), (query, query)))
    return Constraint(draw(numbers), slack, lines), Leaf(query, maximum, start, stop, scope)


def inputs_of(leaf: Leaf) -> list[tuple[int, ...]]:
    """The free slots of each input of a leaf, by the words of RULES.md."""
    *free, _ = [range(first, last + 1) for first, last in leaf.scope.ranges]

    def within(tokens: tuple[int, ...], stop: int) -> bool:
        return all(token < stop for token in tokens if token != leaf.maximum)

    whole = [(*tokens, leaf.query) for tokens in itertools.product(*free)]
    chosen = [tokens for tokens in whole if max(tokens) == leaf.maximum and within(tokens, leaf.stop)]
    return [tokens[:-1] for tokens in chosen if leaf.start is None or not within(tokens, leaf.start)]


def enumerated(constraint: Constraint, leaf: Leaf) -> tuple[int, int]:
    """At how many inputs the sum with slack is at most 0, and the sum alone."""
    totals = [constraint.base + sum(line[k] for line, k in zip(constraint.terms, tokens, strict=True)) for tokens in inputs_of(leaf)]
    surely = 0 if constraint.slack is None else sum(total + constraint.slack <= 0 for total in totals)
    return surely, sum(total <= 0 for total in totals)


@given(cases(), st.integers(1, 200))
@settings(max_examples=1500, deadline=None, derandomize=True)
def test_failures_are_between_the_two_numbers(case: tuple[Constraint, Leaf], bins: int) -> None:
    constraint, leaf = case
    least, most = constraint.counted(leaf, bins, Ledger())
    surely, possibly = enumerated(constraint, leaf)
    assert 0 <= least <= surely
    assert possibly <= most <= leaf.size == len(inputs_of(leaf))


@given(cases(), st.integers(1, 5000), st.integers(0, 20))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_finer_bins_are_taken_only_where_much_is_uncertain(case: tuple[Constraint, Leaf], bins: int, spare: int) -> None:
    constraint, leaf = case
    least, most = constraint.failures(leaf, bins, spare, Ledger())
    surely, possibly = enumerated(constraint, leaf)
    assert 0 <= least <= surely <= possibly <= most <= leaf.size
    assert most - least <= spare or (least, most) == constraint.counted(leaf, bins, Ledger())


@given(cases(st.integers(-30, 30)))
@settings(max_examples=600, deadline=None, derandomize=True)
def test_exact_when_every_integer_has_a_bin(case: tuple[Constraint, Leaf]) -> None:
    constraint, leaf = case
    assert constraint.counted(leaf, 1000, Ledger()) == enumerated(constraint, leaf)


@pytest.mark.parametrize("change", [-1, 1])
def test_a_limit_that_is_off_by_one_is_noticed(change: int, monkeypatch: pytest.MonkeyPatch) -> None:
    original = count_leaves._at_most
    monkeypatch.setattr(count_leaves, "_at_most", lambda limits, lines, ledger: original([x + change for x in limits], lines, ledger))
    leaf = Leaf(1, 1, None, 1, Scope(((0, 1), (1, 1))))
    wrong = 0
    for base, low, high, slack in itertools.product(range(-3, 4), range(-3, 4), range(-3, 4), range(3)):
        constraint = Constraint(base, slack, [[low, high]])
        least, most = constraint.counted(leaf, 100, Ledger())
        surely, possibly = enumerated(constraint, leaf)
        wrong += least > surely or most < possibly
    assert wrong


LINE = st.dictionaries(st.integers(0, 30), st.integers(1, 4), min_size=1, max_size=5)


@given(st.lists(LINE, max_size=4), st.integers(-3, 60), st.integers(0, 60))
@settings(max_examples=600, deadline=None, derandomize=True)
def test_sums_are_counted_exactly(lines: list[dict[int, int]], low: int, more: int) -> None:
    limits = (low, low + more)
    found = [0, 0]
    for choice in itertools.product(*(line.items() for line in lines)):
        for index, limit in enumerate(limits):
            found[index] += prod(count for _, count in choice) * (sum(number for number, _ in choice) <= limit)
    assert count_leaves._at_most(limits, lines, Ledger()) == found


def test_counts_may_exceed_64_bits() -> None:
    assert count_leaves._at_most((0, 10), [{0: 1 << 40, 1: 1 << 40}] * 10, Ledger()) == [1 << 400, 1 << 410]


def test_what_the_histograms_cost_is_charged() -> None:
    ledgers = [Ledger(), Ledger()]
    constraint, leaf = Constraint(-1000, 0, [list(range(5))] * 6), Leaf(4, 4, None, 4, Scope(((0, 4),) * 7))
    for bins, ledger in zip((10, 1000), ledgers, strict=True):
        constraint.counted(leaf, bins, ledger)
    assert ledgers[0].integer_ops < ledgers[1].integer_ops
    assert ledgers[0].integer_ops >= 4 * 30


# The rule, against every input evaluated by another program


def some_tables(rng: random.Random, model: TinyModel) -> list[Step]:
    positions = rng.choice(["raw", "centred"])
    return tables(positions) if rng.random() < 0.6 else loosened_tables(rng, model, positions)


def some_constraints(rng: random.Random, model: TinyModel) -> Step:
    if rng.random() < 0.5:
        return joint()
    pairs = [[m, x] for m in range(model.v) for x in range(model.v) if m != x]
    rows = rng.choice([1, model.v])
    shift = [[rng.gauss(0, 2) for _ in range(model.v)] for _ in range(rows)]
    return decoupled(shift, model.v, alone=rng.sample(pairs, rng.randint(1, len(pairs))))


def false_counts(seed: int, by: str) -> tuple[int, int, int]:
    """Groups with too many right or too many wrong inputs; right inputs found; wrong inputs found."""
    rng = random.Random(f"leaves {seed}")
    model = random_model(seed, v=rng.choice([2, 3, 4, 5]), n=rng.choice([1, 2, 3, 3, 4]))
    scope = random_scope(rng, model) if rng.random() < 0.5 else None
    steps = [*some_tables(rng, model), some_constraints(rng, model), random_leaves(rng, model)]
    try:
        found = facts(model, steps, scope=scope, by=by)[0]["right"]
    except StepRejected as error:
        if error.code in UNLUCKY:
            return 0, 0, 0
        raise
    assert isinstance(found, Count)
    answers = truth(model, scope)
    right, wrong = answers.cells("right", "unclear"), answers.cells("wrong", "unclear")
    everything = answers.cells("right", "wrong", "unclear")
    bad = sum(not 0 <= count <= right[cell] for cell, count in found.counts.items())
    bad += sum(not 0 <= count <= wrong[cell] for cell, count in found.wrong.items())
    bad += sum(found.counts[cell] + found.wrong[cell] > everything[cell] for cell in found.counts)
    return bad, sum(found.counts.values()), sum(found.wrong.values())


@pytest.mark.parametrize(("by", "seeds"), [("mpmath", range(60)), ("fast", range(60, 400))])
def test_no_right_input_counts_as_wrong_nor_the_other_way_round(by: str, seeds: range) -> None:
    found = [false_counts(seed, by) for seed in seeds]
    assert sum(bad for bad, _, _ in found) == 0
    assert sum(right for _, right, _ in found) > 500
    assert sum(wrong for _, _, wrong in found) > 500


@pytest.mark.parametrize("by", ARITHMETICS)
def test_fine_leaves_decide_nearly_all(by: str) -> None:
    """Two tokens: one wrong output, so nothing is lost to overlaps."""
    rng = random.Random("fine")
    for n in (1, 2, 4):
        model = copying(rng, 2, n, noise=0.5, slope=1.0, copy=2.0)
        found = facts(model, [*tables(), joint(), leaves([[m, q, m, 1 << 12] for m in range(2) for q in range(m + 1)])], by=by)[0]["right"]
        assert isinstance(found, Count)
        answers = truth(model)
        assert sum(found.counts.values()) == answers.count("right")
        assert sum(found.wrong.values()) == answers.count("wrong")


def test_splitting_by_the_largest_other_token_helps() -> None:
    """Different outputs win in different leaves: the largest count in each is more than the largest of all."""
    rng = random.Random("split")
    model = copying(rng, 5, 3, noise=0.6, slope=0.5, copy=1.0)
    groups = [(m, q) for m in range(5) for q in range(m + 1)]
    whole = [[m, q, m, 1 << 12] for m, q in groups]
    split = [[m, q, stop, 1 << 12] for m, q in groups for stop in range(m + 1)]
    sides = []
    for rows in (whole, split):
        found = facts(model, [*tables(), joint(), leaves(rows)], by="fast")[0]["right"]
        assert isinstance(found, Count)
        sides.append((sum(found.counts.values()), sum(found.wrong.values())))
    answers = truth(model)
    assert sides[0][0] < sides[1][0] <= answers.count("right")
    assert sides[0][1] < sides[1][1] <= answers.count("wrong")


def test_what_no_leaf_covers_counts_as_neither() -> None:
    model = random_model(2, v=4, n=3)
    found = facts(model, [*tables(), joint(), leaves([[3, 1, 2, 64], [2, 2, 2, 64]])], by="fast")[0]["right"]
    assert isinstance(found, Count)
    assert set(found.counts) == set(found.wrong) == {(1, 3), (2, 2)}
    partial = [tokens for tokens in itertools.product(range(4), repeat=3) if tokens[-1] == 1 and max(tokens) == 3 and 2 not in tokens]
    assert found.counts[1, 3] + found.wrong[1, 3] <= len(partial)


def test_outputs_that_share_a_constraint_are_never_counted_as_winners() -> None:
    model = copying(random.Random("shared"), 4, 3, noise=0.6, slope=0.5, copy=1.0)
    rows = [[m, q, m, 1 << 12] for m in range(4) for q in range(m + 1)]
    found = facts(model, [*tables(), decoupled([[0.0] * 4], 4), leaves(rows)], by="fast")[0]["right"]
    assert isinstance(found, Count)
    assert truth(model).count("wrong")
    assert not sum(found.wrong.values())


def test_the_verdict_has_both_sides() -> None:
    model = copying(random.Random("verdict"), 4, 3, noise=0.5, slope=1.0, copy=1.5)
    rows = [[m, q, stop, 1 << 12] for m in range(4) for q in range(m + 1) for stop in range(m + 1)]
    for by in ARITHMETICS:
        verdict = run(model, [*tables(), joint(), leaves(rows), bound("right")], by=by)
        assert verdict.word == "PROVED"
        assert 0 < verdict.bound.wrong <= truth(model).count("wrong")  # type: ignore[union-attr]


def test_a_tie_is_never_right() -> None:
    rng = random.Random("tie")
    model = twins(rng, copying(rng, 4, 2, noise=0.0, slope=2.0, copy=4.0))
    rows = [[m, q, m, 1 << 12] for m in range(4) for q in range(m + 1)]
    found = facts(model, [*tables(), joint(), leaves(rows)])[0]["right"]
    assert isinstance(found, Count)
    right = truth(model).cells("right")
    assert all(count <= right[cell] for cell, count in found.counts.items())


def all_that_may_fail(self: Constraint, leaf: Leaf, bins: int, ledger: Ledger) -> tuple[int, int]:
    """As if all that may fail did."""
    most = ORIGINAL(self, leaf, bins, ledger)[1]
    return most, most


def without_slack(self: Constraint, leaf: Leaf, bins: int, ledger: Ledger) -> tuple[int, int]:
    """As if a constraint was the margin, whether or not its output stands alone."""
    return ORIGINAL(Constraint(self.base, 0, self.terms), leaf, bins, ledger)


def without_start(self: Constraint, leaf: Leaf, bins: int, ledger: Ledger) -> tuple[int, int]:
    """As if a leaf held the ones before it."""
    return ORIGINAL(self, replace(leaf, start=None), bins, ledger)


ORIGINAL = Constraint.counted


@pytest.mark.parametrize("fault", [all_that_may_fail, without_slack, without_start])
def test_a_broken_rule_is_noticed(fault: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Constraint, "counted", fault)
    assert any(false_counts(seed, "fast")[0] for seed in range(60, 200))


def test_winners_that_were_added_up_would_be_noticed() -> None:
    """The trap of upper bounds: inputs lose to several outputs."""
    model = copying(random.Random("winners"), 5, 3, noise=0.3, slope=0.1, copy=0.0)
    constraints = facts(model, [*tables(), joint()], by="fast")[0]["margins"]
    assert isinstance(constraints, Constraints)
    scope, answers, summed = Scope(((0, 4),) * 3), truth(model), 0
    for maximum, queries in scope.groups(5):
        outputs = Outputs.of(constraints.between(maximum))
        for query in queries:
            leaf = Leaf(query, maximum, None, maximum, scope)
            summed += sum(constraint.counted(leaf, 1 << 12, Ledger())[0] for constraint in outputs.at(query))
    assert summed > answers.count("wrong", "unclear")


# Refusals


MODEL = random_model(2, v=3, n=2)
GOOD = [[1, 0, 0, 8], [1, 0, 1, 8]]


@pytest.mark.parametrize("premise", ["skip", "right0"])
def test_only_constraints_can_be_counted(premise: str) -> None:
    steps = [*tables(), joint(), listing("right0"), leaves(GOOD, "right", premise)]
    assert refusal(MODEL, steps) == ("wrong-premise", "step right (count_leaves)")


def test_blocks_of_several_tokens_are_refused() -> None:
    steps = [*tables(), decoupled([[0.0] * 3], 0), leaves([[2, 0, 2, 8]])]
    assert refusal(MODEL, steps) == ("wrong-premise", "step right (count_leaves)")


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ([[1, 0, 1]], "wrong-shape"),
        ([[1, 0, 1, 8, 0]], "wrong-shape"),
        ([[3, 0, 1, 8]], "bad-leaf"),  # no such maximum
        ([[1, 2, 1, 8]], "bad-leaf"),  # a query above the maximum
        ([[1, 0, 2, 8]], "bad-leaf"),  # a stop above the maximum
        ([[1, 0, 1, 0]], "bad-leaf"),  # no bins
        ([[1, 0, 1, 8], [1, 0, 1, 8]], "bad-leaf"),  # one leaf twice
        ([[1, 0, 1, 8], [1, 0, 0, 8]], "bad-leaf"),  # stops that fall: the second would be counted again
        ([[1, 0, 1, 8], [2, 0, 1, 8], [1, 0, 1, 8]], "bad-leaf"),  # the same, further apart
    ],
)
def test_bad_leaves_are_refused(rows: list[list[int]], code: str) -> None:
    assert refusal(MODEL, [*tables(), joint(), leaves(rows)]) == (code, "step right (count_leaves)")


@pytest.mark.parametrize("precision", [-1, 1025, True])
def test_the_precision_has_a_range(precision: int) -> None:
    with pytest.raises(MalformedInput):
        run(MODEL, [*tables(), joint(), leaves(GOOD, precision=precision)])


@pytest.mark.parametrize("entry", [-1, (1 << 20) + 1])
def test_entries_have_a_range(entry: int) -> None:
    with pytest.raises(MalformedInput, match="out-of-range"):
        run(MODEL, [*tables(), joint(), leaves([[1, 0, 1, entry]])])


def test_no_leaves_at_all_are_malformed() -> None:
    empty = {"array": "i64", "shape": [0, 4], "base64": ""}
    with pytest.raises(MalformedInput):
        run(MODEL, [*tables(), joint(), step("right", "count_leaves", {"constraints": "margins"}, leaves=empty, precision=9)])


def test_leaves_of_another_model_prove_something_else_or_nothing() -> None:
    """A foreign certificate: leaves that were found for one model are only hints about another one."""
    rng = random.Random("foreign")
    rows = [[m, q, stop, 64] for m in range(4) for q in range(m + 1) for stop in range(m + 1)]
    for seed in range(20):
        model = random_model(seed, v=4, n=3)
        found = facts(model, [*tables(), joint(), leaves(sorted(rng.sample(rows, 12)))], by="fast")[0]["right"]
        assert isinstance(found, Count)
        answers = truth(model)
        assert all(count <= answers.cells("right", "unclear")[cell] for cell, count in found.counts.items())
        assert all(count <= answers.cells("wrong", "unclear")[cell] for cell, count in found.wrong.items())


def test_sizes_of_leaves_add_up_to_their_group() -> None:
    rng = random.Random("sizes")
    for _ in range(200):
        ranges = tuple((min(a, b), max(a, b)) for a, b in ((rng.randrange(5), rng.randrange(5)) for _ in range(rng.randint(1, 4))))
        scope = Scope(ranges)
        for maximum, queries in scope.groups(5):
            for query in queries:
                stops = sorted({*rng.sample(range(maximum + 1), rng.randint(0, maximum + 1)), maximum})
                found = [Leaf(query, maximum, start, stop, scope) for start, stop in zip([None, *stops], stops, strict=False)]
                assert sum(leaf.size for leaf in found) == scope.cell(query, maximum)
                times = Counter(tokens for leaf in found for tokens in inputs_of(leaf))
                assert set(times.values()) <= {1}
                assert len(times) == scope.cell(query, maximum)


def test_other_counts_of_the_same_group_may_stand_beside() -> None:
    model = copying(random.Random("beside"), 4, 3, noise=0.3, slope=1.0, copy=2.0)
    rows = [[m, q, m, 64] for m in range(4) for q in range(m + 1)]
    steps = [*tables(), joint(), leaves(rows), sums(64, "sums"), listing("list")]
    verdict = run(model, [*steps, bound("right", "sums", "list")], by="fast")
    assert verdict.word == "PROVED"
    assert verdict.bound.certified == truth(model).count("right")  # type: ignore[union-attr]
