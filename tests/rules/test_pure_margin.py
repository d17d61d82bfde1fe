"""pure_margin: the worst mixture is pure, the worst places are extreme, and everything else is counting."""

from __future__ import annotations

import random
from itertools import product

import pytest

from tests.checking import ARITHMETICS, SAME, facts, refusal, step, tables
from tests.models import TinyModel, copying, random_models
from tests.oracle import truth
from tests.plans import random_scope
from tests.rules.shared import counts
from verifier.kernel.maximum.ranges import Scope

PURE = step("right", "pure_margin", SAME)


def perfect(v: int, n: int) -> TinyModel:
    return copying(random.Random(f"{v} {n}"), v, n, noise=0.0, slope=9.0, copy=40.0, place=0.0)


@pytest.mark.parametrize("by", ARITHMETICS)
@pytest.mark.parametrize(("v", "n"), [(2, 1), (2, 2), (2, 4), (4, 3), (5, 1), (3, 5)])
def test_a_perfect_model_is_certified_everywhere(v: int, n: int, by: str) -> None:
    rng, model = random.Random("perfect"), perfect(v, n)
    for scope in (None, random_scope(rng, model), random_scope(rng, model)):
        answers = truth(model, scope)
        found = counts(model, [*tables("raw"), PURE], scope=scope, by=by)
        assert sum(found.values()) == answers.total == answers.count("right")


@pytest.mark.parametrize("positions", ["raw", "centred"])
def test_centring_does_not_matter_much(positions: str) -> None:
    for model in random_models(10):
        found = sum(counts(model, [*tables(positions), PURE]).values())
        assert found <= truth(model).right_at_most


def test_fillings_are_counted_by_how_many_tokens_are_below_the_maximum() -> None:
    rng = random.Random("fillings")
    for _ in range(200):
        v, slots = rng.randint(2, 5), rng.randint(0, 4)
        scope = Scope(tuple(tuple(sorted((rng.randrange(v), rng.randrange(v)))) for _ in range(slots + 1)))  # type: ignore[arg-type]
        maximum = rng.randrange(v)
        good = [k for k in range(maximum) if rng.random() < 0.6]
        for c in range(slots + 1):
            ranges = [range(first, last + 1) for first, last in scope.ranges[:-1]]
            expected = sum(
                sum(t in good for t in filling) == c and all(t in good or t == maximum for t in filling) for filling in product(*ranges)
            )
            sizes = [sum(first <= k <= last for k in good) for first, last in scope.ranges[:-1]]
            assert scope.fillings(c, maximum, sizes) == expected


def test_cells_partition_the_scope() -> None:
    rng = random.Random("cells")
    for _ in range(200):
        v, n = rng.randint(2, 6), rng.randint(1, 5)
        scope = Scope(tuple(tuple(sorted((rng.randrange(v), rng.randrange(v)))) for _ in range(n)))  # type: ignore[arg-type]
        sizes = 1
        for first, last in scope.ranges:
            sizes *= last - first + 1
        assert sum(scope.cell(q, m) for m in range(v) for q in range(m + 1)) == sizes
        assert all(scope.cell(q, m) >= 0 for m in range(v) for q in range(v))
        assert all(scope.cell(q, m) == 0 for m in range(v) for q in range(m + 1, v))


def test_operations_do_not_depend_on_the_weights() -> None:
    costs = {facts(perfect(4, 3), [*tables("raw"), PURE], by=by)[1].ledger.operations for by in ARITHMETICS}
    noisy = copying(random.Random("noisy"), 4, 3, noise=1.0, slope=0.0, copy=1.0)
    costs.add(facts(noisy, [*tables("raw"), PURE])[1].ledger.operations)
    assert len(costs) == 1


def test_the_step_alone_bounds_nothing() -> None:
    assert refusal(perfect(3, 2), [*tables("raw"), PURE]) == ("no-bound", "3.3")
