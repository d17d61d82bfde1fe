"""Small groups, networks of two tokens that are symmetric under them, and the truth about these in float64."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import permutations
from typing import Any

import numpy as np

from tests.programs import Case, full
from verifier.strategies.groups import FiniteGroup

Table = list[list[int]]


def cyclic(n: int) -> Table:
    return [[(a + b) % n for b in range(n)] for a in range(n)]


def klein() -> Table:
    return [[a ^ b for b in range(4)] for a in range(4)]


def symmetric(n: int) -> Table:
    elements = list(permutations(range(n)))
    return [[elements.index(tuple(a[i] for i in b)) for b in elements] for a in elements]


def quaternions() -> Table:
    """1, -1, i, -i, j, -j, k, -k."""
    units = {("i", "j"): "k", ("j", "k"): "i", ("k", "i"): "j"}

    def times(a: int, b: int) -> int:
        sign, (left, right) = (a + b) % 2, ("1ijk"[a // 2], "1ijk"[b // 2])
        if "1" in (left, right):
            unit = left if right == "1" else right
        elif left == right:
            unit, sign = "1", 1 - sign
        else:
            unit = units.get((left, right)) or units[right, left]
            sign = sign if (left, right) in units else 1 - sign
        return 2 * "1ijk".index(unit) + sign

    return [[times(a, b) for b in range(8)] for a in range(8)]


LOOP = [[0, 1, 2, 3, 4], [1, 0, 3, 4, 2], [2, 4, 0, 1, 3], [3, 2, 4, 0, 1], [4, 3, 1, 2, 0]]  # a Latin square with identity, no group
GROUPS = {"S3": symmetric(3), "Z5": cyclic(5), "Q8": quaternions(), "Z2 x Z2": klein()}


def two_tokens(table: Table, first: np.ndarray, second: np.ndarray, matrix: np.ndarray, bias: np.ndarray, **more: Any) -> Case:
    """The network relu(first[x] + second[y]) matrix + bias, and the product in a table as its task."""
    nodes = [
        {"node": "e", "op": "embed", "tables": ["L", "R"]},
        {"node": "s", "op": "sum_positions", "of": "e"},
        {"node": "h", "op": "relu", "of": "s"},
        {"node": "u", "op": "linear", "of": "h", "factors": ["U"], "bias": "b"},
    ]
    weights = {"L": first.tolist(), "R": second.tolist(), "U": matrix.tolist(), "b": bias.tolist()}
    task = {"name": "group_product", "positions": 2, "table": table}
    return Case({"name": "two-tokens", "nodes": nodes, "logits": "u"}, weights, task, full(len(table), 2), **more)


def symmetric_network(table: Table, rng: np.random.Generator, noise: float = 0.0, families: int = 1, scale: float = 1.0) -> Case:
    """Neurons, each with all its images under the group, so that the sum is symmetric; noise: added to every weight.

    The first family answers rightly: its neuron is on where both tokens are the identity, and so is its output.  Others are random.
    """
    group, n = FiniteGroup(np.array(table)), len(table)
    columns: tuple[list[np.ndarray], ...] = ([], [], [])
    for family in range(families):
        left, right = (group.closure([int(rng.integers(n))] if family else []) for _ in range(2))
        cosets = group.cosets(left, right=True), group.cosets(right, right=False)
        levels = [0.3 * rng.normal(size=n)[one] for one in cosets]
        output = 0.3 * _constant_on(rng.normal(size=n), [group.table[g] for g in left] + [group.table[:, h] for h in right])
        if not family:
            at_identity = np.arange(n) == group.identity
            levels, output = [levels[0] + 3 * at_identity - 2, levels[1] + 3 * at_identity - 2], output + 3 * at_identity
        for g in sorted({int(np.flatnonzero(cosets[0] == one)[0]) for one in cosets[0]}):
            for h in sorted({int(np.flatnonzero(cosets[1] == one)[0]) for one in cosets[1]}):
                columns[0].append(levels[0][group.table[g]])
                columns[1].append(levels[1][group.table[:, h]])
                columns[2].append(output[group.table[group.table[g], h]])
    first, second, matrix = (scale * np.array(one) + noise * rng.normal(size=(len(one), n)) for one in columns)
    return two_tokens(table, first.T, second.T, matrix, noise * rng.normal(size=n))


def _constant_on(values: np.ndarray, steps: Sequence[np.ndarray]) -> np.ndarray:
    for _ in range(len(values)):
        for step in steps:
            values = np.maximum(values, values[step])
    return values


def margins(case: Case) -> np.ndarray:
    """The least margin of each input, in float64, shape (x, y)."""
    first, second, matrix, bias = (np.array(case.weights[name]) for name in ("L", "R", "U", "b"))
    logits = np.maximum(first[:, None] + second[None], 0) @ matrix + bias
    table = np.array(case.task["table"])
    own = np.take_along_axis(logits, table[:, :, None], 2)
    np.put_along_axis(logits, table[:, :, None], -math.inf, 2)
    return np.asarray((own - logits).min(2))


def loss(case: Case) -> float:
    """The sum of the losses of all inputs, in float64."""
    first, second, matrix, bias = (np.array(case.weights[name]) for name in ("L", "R", "U", "b"))
    logits = np.maximum(first[:, None] + second[None], 0) @ matrix + bias
    own = np.take_along_axis(logits, np.array(case.task["table"])[:, :, None], 2)
    return float(np.logaddexp.reduce(logits - own, axis=2).sum())
