"""Ways to count right answers, each exercising some rules with random hints; every plan ends with a count called `right`.

A rule that no plan uses fails `test_plans.py`: soundness is tested by what is listed here.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from tests.checking import SAME, Step, array, decoupled, joint, leaves, listing, step, sums, tables
from tests.models import TinyModel
from tests.peels import loosened_tables

Plan = Callable[[random.Random, TinyModel], list[Step]]


def some_tables(rng: random.Random, model: TinyModel) -> list[Step]:
    positions = rng.choice(["raw", "centred"])
    return tables(positions) if rng.random() < 0.5 else loosened_tables(rng, model, positions)


def random_shift(rng: random.Random, model: TinyModel, rows: int = 1) -> list[list[float]]:
    return [[rng.gauss(0, 2) for _ in range(model.v)] for _ in range(rows)]


def joint_every(rng: random.Random, model: TinyModel) -> list[Step]:
    return [*some_tables(rng, model), joint(), listing()]


def joint_sums(rng: random.Random, model: TinyModel) -> list[Step]:
    return [*some_tables(rng, model), joint(), sums(rng.choice([1, 2, 7, 64, 1000]))]


def decoupled_every(rng: random.Random, model: TinyModel) -> list[Step]:
    shift = random_shift(rng, model, rng.choice([1, model.v]))
    return [*some_tables(rng, model), decoupled(shift, model.v), listing()]


def decoupled_sums(rng: random.Random, model: TinyModel) -> list[Step]:
    shift = random_shift(rng, model, rng.choice([1, model.v]))
    return [*some_tables(rng, model), decoupled(shift, rng.choice([0, 1, 2, 9])), sums(rng.choice([1, 2, 7, 64, 1000]))]


def hot(rng: random.Random, model: TinyModel) -> list[Step]:
    """Some outputs apart, for some maxima; the rest by a decoupled constraint."""
    pairs = [[m, x] for m in range(model.v) for x in range(model.v) if m != x]
    chosen = rng.sample(pairs, rng.randint(1, len(pairs)))
    shift = random_shift(rng, model, model.v)
    counting = rng.choice([listing(), sums(rng.choice([1, 7, 64, 1000]))])
    return [*some_tables(rng, model), decoupled(shift, model.v, alone=chosen), counting]


def blocks(rng: random.Random, model: TinyModel) -> list[Step]:
    hints = {"shift": array(random_shift(rng, model)), "singles": rng.choice([0, 1, 2, 9])}
    count = step("right", "count_blocks", {"split": "split"})
    return [*some_tables(rng, model), step("split", "absent_present", SAME, **hints), count]


def exceptions(rng: random.Random, model: TinyModel) -> list[Step]:
    """One shift for all maxima, some outputs alone."""
    pairs = [[m, x] for m in range(model.v) for x in range(model.v) if m != x]
    shift, chosen = random_shift(rng, model), rng.sample(pairs, rng.randint(1, len(pairs)))
    return [*some_tables(rng, model), decoupled(shift, model.v, alone=chosen), listing()]


def random_leaves(rng: random.Random, model: TinyModel) -> Step:
    """Every pair of query and maximum cut at random; perhaps not all of its inputs are in a leaf."""
    rows = []
    for maximum in range(model.v):
        for query in range(maximum + 1):
            stops = sorted({*rng.sample(range(maximum + 1), rng.randint(0, maximum + 1)), maximum if rng.random() < 0.9 else 0})
            rows += [[maximum, query, stop, rng.choice([1, 2, 7, 64, 1000])] for stop in stops]
    return leaves(rows, precision=rng.choice([0, 3, 1024]))


def cut(rng: random.Random, model: TinyModel) -> list[Step]:
    return [*some_tables(rng, model), joint(), random_leaves(rng, model)]


def pure(rng: random.Random, model: TinyModel) -> list[Step]:
    return [*some_tables(rng, model), step("right", "pure_margin", SAME)]


def attention(rng: random.Random, model: TinyModel) -> list[Step]:
    """The skip path as one reference row: the mean of the queries, or any other."""
    columns = zip(*model.weights["W_E"], strict=True)
    mean = [sum(column) / model.v + place for column, place in zip(columns, model.weights["W_pos"][-1], strict=True)]
    row = rng.choice([mean, mean, [rng.gauss(0, 1) for _ in mean]])
    peels = [{"first": 0, "last": 0, "side": "row", "directions": array([row])}]
    choices = {"bound": ("exact", "split", "recursive"), "mean": ("none", "first"), "spread": ("rows", "all")}
    positions = rng.choice(["raw", "centred"])
    gaps = [[rng.choice([1, 1, 2, model.v]) for _ in range(model.n)] for _ in range(model.v**2)]
    hints = {
        "gaps": array(gaps, "i64"),
        "average": rng.choice(["none", "mean", "envelope"]),
        "centres": array([[rng.uniform(-0.2, 1.2) for _ in range(model.n)] for _ in range(model.v)]),
    }
    return [
        *(one for one in tables(positions) if one["id"] != "skip"),
        step("skip.peeled", "peeled_table", table="skip", positions=positions, peels=peels),
        step("skip", "row_range", {"table": "skip.peeled"}, **{hint: rng.choice(words) for hint, words in choices.items()}),
        step("right", "attention_margin", SAME, **hints),
    ]


PLANS: dict[str, Plan] = {
    plan.__name__: plan
    for plan in (joint_every, joint_sums, decoupled_every, decoupled_sums, hot, blocks, exceptions, cut, pure, attention)
}
# may be refused on an unlucky draw: a divisor that a loose score leaves undecided, too few tokens for a split
UNLUCKY = {"undecided-divisor", "too-few-tokens"}


def random_scope(rng: random.Random, model: TinyModel) -> list[list[int]]:
    return [sorted((rng.randrange(model.v), rng.randrange(model.v))) for _ in range(model.n)]
