"""Random peeled tables: any directions on any intervals of a chain, then any bound on what is left."""

from __future__ import annotations

import random

from tests.checking import Step, array, step, tables
from tests.models import TinyModel


def factor_shapes(model: TinyModel, table: str) -> list[tuple[int, int]]:
    """Shapes of the factors of a chain: Eq U, or Eq Q K' E'."""
    d = len(model.weights["W_U"])
    return [(model.v, d), (d, model.v)] if table == "skip" else [(model.v, d), (d, model.h), (model.h, d), (d, model.v)]


def random_peel(rng: random.Random, shapes: list[tuple[int, int]], first: int, last: int) -> dict[str, object]:
    rows, columns = shapes[first][0], shapes[last][1]
    side, rank, scale = rng.choice(["left", "right", "row"]), rng.randint(1, 2), rng.choice([0.0, 0.3, 1.0, 4.0])
    shape = {"left": (rows, rank), "right": (columns, rank), "row": (1, columns)}[side]
    directions = [[rng.gauss(0, scale) for _ in range(shape[1])] for _ in range(shape[0])]
    return {"first": first, "last": last, "side": side, "directions": array(directions)}


def random_peels(rng: random.Random, shapes: list[tuple[int, int]]) -> list[dict[str, object]]:
    """One or more peels on equal or disjoint intervals."""
    peels: list[dict[str, object]] = []
    start = 0
    while start < len(shapes):
        last = rng.randrange(start, len(shapes))
        peels += [random_peel(rng, shapes, start, last) for _ in range(rng.choice([0, 1, 1, 2]))]
        start = last + 1
    return peels or [random_peel(rng, shapes, 0, len(shapes) - 1)]


def random_bound(rng: random.Random, name: str, premise: str, factors: int) -> Step:
    if rng.random() < 0.5:
        left = rng.randint(0, factors)
        hints = {"left": left, "right": rng.randint(0, factors - left), "power": rng.randint(0, 3)}
        return step(name, "row_norm", {"table": premise}, **hints)
    choices = {"bound": ("exact", "split", "recursive"), "mean": ("none", "first", "every"), "spread": ("rows", "all")}
    return step(name, "row_range", {"table": premise}, **{hint: rng.choice(words) for hint, words in choices.items()})


def residual_length(shapes: list[tuple[int, int]], peels: list[dict[str, object]]) -> int:
    named = {(peel["first"], peel["last"]) for peel in peels}
    return len(shapes) - sum(int(str(last)) - int(str(first)) for first, last in named)


def loosened_tables(rng: random.Random, model: TinyModel, positions: str = "centred") -> list[Step]:
    """The five tables; skip, score or both are peeled and bounded instead of exact."""
    steps = {one["id"]: [one] for one in tables(positions)}
    for name in rng.choice([("skip",), ("score",), ("skip", "score")]):
        shapes = factor_shapes(model, name)
        peels = random_peels(rng, shapes)
        peeled = step(f"{name}.peeled", "peeled_table", table=name, positions=positions, peels=peels)
        steps[name] = [peeled, random_bound(rng, name, f"{name}.peeled", residual_length(shapes, peels))]
    return [one for group in steps.values() for one in group]
