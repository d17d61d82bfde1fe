"""Arrays of exact numbers, their enclosures in either arithmetic, and every method of `Cells` beside its exact meaning."""

from __future__ import annotations

import random
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from tests.numbers import fraction
from verifier.kernel.numbers.reference import ListCells

Exact = np.ndarray  # of Fractions or integers, dtype object
SHAPE = (2, 3, 4)


def objects(values: list[Any], shape: tuple[int, ...]) -> Exact:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array.reshape(shape)


def ends(cells: Any) -> tuple[list[Fraction | None], list[Fraction | None]]:
    """Lower and upper ends in row-major order; None where there is no finite end."""
    if isinstance(cells, ListCells):
        return [fraction(cell.lo) for cell in cells.cells], [fraction(cell.hi) for cell in cells.cells]
    lows, highs = np.asarray(cells.lo).ravel().tolist(), np.asarray(cells.hi).ravel().tolist()
    return [_finite(x, -np.inf) for x in lows], [_finite(x, np.inf) for x in highs]


def _finite(number: float, open_end: float) -> Fraction | None:
    if np.isnan(number) or number == open_end:
        return None
    if np.isinf(number):
        raise AssertionError(f"{number} where {open_end} would be an enclosure")
    return Fraction(number)


def encloses(cells: Any, exact: Exact) -> bool:
    lows, highs = ends(cells)
    if tuple(cells.shape) != exact.shape:
        raise AssertionError(f"shape {cells.shape} for {exact.shape}")
    points = exact.ravel().tolist()
    return all((lo is None or lo <= x) and (hi is None or x <= hi) for lo, x, hi in zip(lows, points, highs, strict=True))


def random_enclosures(
    rng: random.Random, arithmetics: list[Any], shape: tuple[int, ...] = SHAPE, *, sign: int = 0
) -> tuple[list[Any], Exact]:
    """Cells of one array in each arithmetic, and points inside them.  sign 1: positive numbers only."""
    bounds, points = [], []
    for _ in range(int(np.prod(shape))):
        exponent = rng.choice([0, 0, -3, 30, -60, 400, -400, -1070])
        low, width = rng.getrandbits(rng.choice([3, 60, 100])), rng.choice([0, 0, 1, rng.getrandbits(60)])
        low = low + 1 if sign else rng.choice([-1, 1]) * low
        bounds.append((low, low + width, exponent))
        points.append((low + width * rng.randint(0, 3) // 3) * Fraction(2) ** exponent)
    return [arithmetic.enclosures(bounds, shape) for arithmetic in arithmetics], objects(points, shape)


def random_integers(rng: random.Random, arithmetics: list[Any], shape: tuple[int, ...] = SHAPE) -> tuple[list[Any], Exact]:
    entries = [rng.choice([-1, 1]) * rng.getrandbits(rng.choice([1, 3, 50])) for _ in range(int(np.prod(shape)))]
    return [arithmetic.integers(entries, shape) for arithmetic in arithmetics], objects(entries, shape)


def all_but_one(array: Exact, axis: int) -> Exact:
    parts = [np.delete(array, index, axis).min(axis, keepdims=True) for index in range(array.shape[axis])]
    return np.concatenate(parts, axis)


# method -> (on cells, on exact arrays); x and y have shape SHAPE
Meaning = tuple[Callable[[Any, Any], Any], Callable[[Exact, Exact], Exact]]

STRUCTURE: dict[str, Meaning] = {
    "aligned": (lambda x, y: x.aligned((2, 0, 1), (4, 2, 3)), lambda a, b: a.transpose(2, 0, 1)),
    "aligned with a new axis": (
        lambda x, y: x.aligned((1, None, 0, 2), (3, 5, 2, 4)),
        lambda a, b: np.broadcast_to(a.transpose(1, 0, 2)[:, None], (3, 5, 2, 4)),
    ),
    "take a run": (lambda x, y: x.take(2, [1, 2]), lambda a, b: a[:, :, 1:3]),
    "take in any order": (lambda x, y: x.take(1, [2, 0, 2]), lambda a, b: a[:, [2, 0, 2]]),
    "take nothing": (lambda x, y: x.take(1, []), lambda a, b: a[:, :0]),
    "picked": (lambda x, y: x.picked(1, 2), lambda a, b: a[:, 2]),
    "joined": (lambda x, y: x.joined([y, x.take(1, [0])], 1), lambda a, b: np.concatenate([a, b, a[:, :1]], 1)),
    "joined at the end": (lambda x, y: x.joined([y], 2), lambda a, b: np.concatenate([a, b], 2)),
    "points": (lambda x, y: x.points([[0, 1, 1], [2, 0, 2], [3, 3, 0]]), lambda a, b: a[[0, 1, 1], [2, 0, 2], [3, 3, 0]]),
    "diagonal": (
        lambda x, y: x.take(2, [0, 3, 1]).diagonal(1, 2),
        lambda a, b: np.stack([a[:, i, k] for i, k in enumerate([0, 3, 1])], 1),
    ),
    "diagonal of exchanged axes": (
        lambda x, y: x.take(2, [0, 3]).diagonal(2, 0),
        lambda a, b: np.stack([a[i, :, k] for i, k in enumerate([0, 3])], 1),
    ),
    "picked to the last cell": (lambda x, y: x.picked(0, 1).picked(0, 2).picked(0, 3), lambda a, b: objects([a[1, 2, 3]], ())),
    "negated": (lambda x, y: x.negated(), lambda a, b: -a),
}
ORDER: dict[str, Meaning] = {
    "combine minimum": (lambda x, y: x.combine("minimum", y), np.minimum),
    "combine maximum": (lambda x, y: x.combine("maximum", y), np.maximum),
    "reduce minimum": (lambda x, y: x.reduce("minimum", 1), lambda a, b: a.min(1)),
    "reduce maximum": (lambda x, y: x.reduce("maximum", 0), lambda a, b: a.max(0)),
    "running minimum": (lambda x, y: x.running("minimum", 2), lambda a, b: np.minimum.accumulate(a, 2)),
    "running maximum": (lambda x, y: x.running("maximum", 0), lambda a, b: np.maximum.accumulate(a, 0)),
    "all_but_one": (lambda x, y: x.all_but_one("minimum", 1), lambda a, b: all_but_one(a, 1)),
    "all_but_one of two": (lambda x, y: x.all_but_one("minimum", 0), lambda a, b: all_but_one(a, 0)),
}
SUMS: dict[str, Meaning] = {
    "combine add": (lambda x, y: x.combine("add", y), lambda a, b: a + b),
    "combine subtract": (lambda x, y: x.combine("subtract", y), lambda a, b: a - b),
    "reduce add": (lambda x, y: x.reduce("add", 1), lambda a, b: a.sum(1)),
}
REAL: dict[str, Meaning] = {
    "combine multiply": (lambda x, y: x.combine("multiply", y), lambda a, b: a * b),
    "combine hull, left": (lambda x, y: x.combine("hull", y), lambda a, b: a),
    "combine hull, right": (lambda x, y: x.combine("hull", y), lambda a, b: b),
    "sorted": (lambda x, y: x.sorted(2), lambda a, b: np.sort(a, 2)),
    "sorted first axis": (lambda x, y: x.sorted(0), lambda a, b: np.sort(a, 0)),
}
# tested by tests of their own
APART = {"root", "positive", "nonpositive", "lower_end", "upper_end", "magnitude_bits", "floor", "where", "weighted_sum", "to_list"}
APART |= {"shape", "combine divide"}
APART |= {"product", "exponential", "logarithm_guess", "reshaped"}  # tests/kernel/network: products, functions, evaluation
ENCLOSURE_METHODS = STRUCTURE | ORDER | SUMS | REAL
INTEGER_METHODS = STRUCTURE | ORDER | SUMS
