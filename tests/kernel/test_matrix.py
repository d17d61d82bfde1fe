"""Exact matrices, compared with fractions; every operation, with exponents that differ."""

from __future__ import annotations

import random
from collections.abc import Callable
from fractions import Fraction
from itertools import chain
from math import isqrt
from typing import Any

import pytest

from verifier.kernel.errors import LimitExceeded
from verifier.kernel.numbers.matrix import Ledger, Matrix

Lines = list[list[Fraction]]
TWO = Fraction(2)


def lines(matrix: Matrix) -> Lines:
    return [[x * TWO**matrix.exponent for x in row] for row in matrix.rows]


def random_matrix(rng: random.Random, rows: int, columns: int, axes: tuple[str, str] = ("row", "column"), least: int = -50) -> Matrix:
    entries = [[(rng.randint(max(least, -50), 50), rng.choice([-7, -1, 0, 3, 60])) for _ in range(columns)] for _ in range(rows)]
    return Matrix.of(entries, axes, Ledger())


def pairs(rng: random.Random, rows: int, columns: int) -> tuple[Matrix, Matrix]:
    return random_matrix(rng, rows, columns), random_matrix(rng, rows, columns)


SHAPES = [(1, 1), (1, 4), (4, 1), (2, 3), (3, 2), (5, 4)]


@pytest.fixture(params=SHAPES, ids=str)
def shape(request: pytest.FixtureRequest) -> tuple[int, int]:
    found: tuple[int, int] = request.param
    return found


@pytest.fixture
def rng(shape: tuple[int, int]) -> random.Random:
    return random.Random(f"matrix {shape}")


def test_entries_keep_their_values(shape: tuple[int, int], rng: random.Random) -> None:
    entries = [[(rng.randint(-9, 9), rng.randint(-80, 80)) for _ in range(shape[1])] for _ in range(shape[0])]
    found = Matrix.of(entries, ("row", "column"), Ledger())
    assert lines(found) == [[m * TWO**e for m, e in row] for row in entries]
    assert (found.shape, found.size, found.axes) == (shape, shape[0] * shape[1], ("row", "column"))


def test_zeros_need_no_exponent() -> None:
    found = Matrix.of([[(0, -5000), (3, 2)]], ("row", "column"), Ledger())
    assert (found.rows, found.exponent) == (((0, 3),), 2)
    assert Matrix.of([[(0, 7)]], ("row", "column"), Ledger()).exponent == 0


def test_products(shape: tuple[int, int], rng: random.Random) -> None:
    for columns in (1, 2, 5):
        a, b = random_matrix(rng, *shape), random_matrix(rng, shape[1], columns, ("column", "other"))
        x, y = lines(a), lines(b)
        expected = [[sum(x[i][k] * y[k][j] for k in range(shape[1])) for j in range(columns)] for i in range(shape[0])]
        product = a @ b
        assert lines(product) == expected
        assert (product.axes, product.shape) == (("row", "other"), (shape[0], columns))


ENTRYWISE: dict[str, tuple[Callable[[Matrix, Matrix], Matrix], Callable[[Fraction, Fraction], Fraction]]] = {
    "add": (lambda a, b: a + b, lambda x, y: x + y),
    "subtract": (lambda a, b: a - b, lambda x, y: x - y),
    "min": (Matrix.entrywise_min, min),
}


@pytest.mark.parametrize("name", ENTRYWISE)
def test_entrywise_operations(name: str, shape: tuple[int, int], rng: random.Random) -> None:
    work, exact = ENTRYWISE[name]
    for _ in range(5):
        a, b = pairs(rng, *shape)
        assert lines(work(a, b)) == [[exact(x, y) for x, y in zip(r, s, strict=True)] for r, s in zip(lines(a), lines(b), strict=True)]
        assert work(a, b).axes == a.axes


@pytest.mark.parametrize("sign", [1, -1])
def test_one_row_is_added_to_every_row(sign: int, shape: tuple[int, int], rng: random.Random) -> None:
    a, b = random_matrix(rng, *shape), random_matrix(rng, 1, shape[1])
    row = lines(b)[0]
    found = a + b if sign == 1 else a - b
    assert lines(found) == [[x + sign * y for x, y in zip(line, row, strict=True)] for line in lines(a)]


ALONE: dict[str, tuple[Callable[[Matrix], Matrix], Callable[[Lines], Lines]]] = {
    "transposed": (lambda a: a.transposed, lambda x: [list(column) for column in zip(*x, strict=True)]),
    "absolute": (Matrix.absolute, lambda x: [[abs(y) for y in row] for row in x]),
    "row_range": (Matrix.row_range, lambda x: [[max(row) - min(row)] for row in x]),
    "row_sum": (Matrix.row_sum, lambda x: [[sum(column, Fraction(0)) for column in zip(*x, strict=True)]]),
    "row_squares": (Matrix.row_squares, lambda x: [[sum((y * y for y in row), Fraction(0))] for row in x]),
    "last row": (lambda a: a.row(a.shape[0] - 1), lambda x: [x[-1]]),
    "joined": (lambda a: a.joined(a + a), lambda x: x + [[2 * y for y in row] for row in x]),
}


@pytest.mark.parametrize("name", ALONE)
def test_operations_on_one_matrix(name: str, shape: tuple[int, int], rng: random.Random) -> None:
    work, exact = ALONE[name]
    for _ in range(5):
        a = random_matrix(rng, *shape)
        assert lines(work(a)) == exact(lines(a))


def test_transposing_exchanges_the_axes_and_naming_names_them(rng: random.Random, shape: tuple[int, int]) -> None:
    a = random_matrix(rng, *shape)
    assert a.transposed.axes == ("column", "row")
    assert a.named("left", "right").axes == ("left", "right")
    assert lines(a.named("left", "right")) == lines(a)


def test_the_rows_of_a_second_matrix_follow(rng: random.Random, shape: tuple[int, int]) -> None:
    a, b = random_matrix(rng, *shape), random_matrix(rng, 3, shape[1])
    assert lines(a.joined(b)) == lines(a) + lines(b)


def test_the_mean_is_rounded_down_by_less_than_a_unit(shape: tuple[int, int], rng: random.Random) -> None:
    for bits in (0, 5, 64):
        a = random_matrix(rng, *shape)
        exact = [sum(column, Fraction(0)) / shape[0] for column in zip(*lines(a), strict=True)]
        found = a.mean_row(bits)
        assert found.exponent == a.exponent - bits
        assert found.shape == (1, shape[1])
        for x, mean in zip(lines(found)[0], exact, strict=True):
            assert x <= mean < x + TWO**found.exponent


def test_roots_are_rounded_up_by_less_than_a_unit(shape: tuple[int, int], rng: random.Random) -> None:
    for shift in (0, 1, 2, 3):
        a = random_matrix(rng, *shape, least=0)
        a = Matrix(a.rows, a.exponent + shift, a.axes, a.ledger)
        found = a.root_above()
        unit = TWO**found.exponent
        assert unit <= TWO ** (a.exponent // 2 - 31)
        for root, square in zip(chain(*lines(found)), chain(*lines(a)), strict=True):
            assert root >= 0
            assert root * root >= square
            assert root == 0 or (root - unit) ** 2 < square


def test_the_root_of_a_square_is_exact() -> None:
    for x in (0, 1, 4, 9, 10**20):
        found = Matrix.of([[(x * x, -6)]], ("row", "column"), Ledger()).root_above()
        assert lines(found) == [[Fraction(x, 8)]]
        assert isqrt(x * x) == x


MISFITS: list[Callable[[Matrix, Matrix], Any]] = [lambda a, b: a + b, lambda a, b: a - b]


@pytest.mark.parametrize("work", MISFITS)
def test_matrices_with_other_axes_or_sizes_are_not_added(work: Callable[[Matrix, Matrix], Any]) -> None:
    rng = random.Random(1)
    a = random_matrix(rng, 2, 2)
    for other in (random_matrix(rng, 2, 2, ("row", "other")), random_matrix(rng, 2, 2, ("column", "row")), random_matrix(rng, 3, 2)):
        with pytest.raises(ValueError, match=r"axes|zip"):
            work(a, other)
    with pytest.raises(ValueError, match="zip"):
        work(a, random_matrix(rng, 2, 3))


def test_matrices_that_do_not_fit_are_not_multiplied() -> None:
    rng = random.Random(2)
    a = random_matrix(rng, 2, 3)
    for other in (random_matrix(rng, 2, 3, ("column", "x")), random_matrix(rng, 3, 2, ("row", "x")), random_matrix(rng, 2, 2)):
        with pytest.raises(ValueError, match="cannot multiply"):
            a @ other


def test_columns_of_different_lengths_are_not_compared() -> None:
    rng = random.Random(3)
    with pytest.raises(ValueError, match="zip"):
        random_matrix(rng, 2, 2).entrywise_min(random_matrix(rng, 3, 2))


def test_the_ledger_stops_beyond_its_limit_and_not_at_it() -> None:
    ledger = Ledger(limit=10)
    ledger.count(flops=4, integer_ops=6)
    assert ledger.operations == 10
    with pytest.raises(LimitExceeded) as caught:
        Ledger(limit=1 << 26).count(flops=(1 << 26) + 1)
    assert caught.value.code == "limit-reference-operations"


def test_a_product_of_long_numbers_is_charged_by_its_words(monkeypatch: pytest.MonkeyPatch) -> None:
    long = Matrix((((1 << 64 * 99),),), 0, ("a", "b"), Ledger())
    (long @ long.transposed.named("b", "c"))
    assert long.ledger.words == 100 * 100
    short = Matrix(((1, -2, 3), (4, 5, -6)), 0, ("a", "b"), Ledger())
    (short @ short.transposed.named("b", "c"))
    assert short.ledger.words == 2 * 6
