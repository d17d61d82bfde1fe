"""Products of matrices of enclosures against exact fractions, in both arithmetics."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cells import ends
from tests.network_check import ARITHMETICS
from verifier.fast import EnclosureCells
from verifier.fast.products import _Grid, product
from verifier.kernel.numbers import dense
from verifier.kernel.numbers.arithmetic import Arithmetic
from verifier.kernel.numbers.dense import MIDPOINT_BITS, Columns, grid_line
from verifier.kernel.numbers.interval import Interval
from verifier.kernel.numbers.matrix import Ledger
from verifier.kernel.numbers.reference import ListCells
from verifier.kernel.numbers.tensor import Tensor
from verifier.kernel.numbers.workshop import Workshop

BOTH = pytest.mark.parametrize("arithmetic", ARITHMETICS, ids=lambda one: one.name)
Factor = list[list[tuple[float, float]]]  # ends, row by row
Draw = Callable[[random.Random], tuple[float, float]]


def point(number: float) -> tuple[float, float]:
    return number, number


def beside(rng: random.Random, number: float, ulps: int = 1) -> tuple[float, float]:
    other = number
    for _ in range(rng.randint(0, ulps)):
        other = math.nextafter(other, math.inf)
    return number, other


def sorted_pair(a: float, b: float) -> tuple[float, float]:
    return min(a, b), max(a, b)


KINDS: dict[str, Draw] = {
    "integers": lambda rng: point(float(rng.randint(-5, 5))),
    "points": lambda rng: point(rng.gauss(0, 1)),
    "neighbours": lambda rng: beside(rng, rng.gauss(0, 1), 2),
    "wide": lambda rng: sorted_pair(rng.gauss(0, 1), rng.gauss(0, 3)),
    "one wide among points": lambda rng: point(rng.gauss(0, 1)) if rng.random() < 0.9 else sorted_pair(rng.gauss(0, 1), rng.gauss(0, 1)),
    "zeros": lambda rng: rng.choice([(0.0, 0.0), (-0.0, 0.0), (-0.0, -0.0), (0.0, 5e-324), (-5e-324, 0.0), point(1.0)]),
    "denormals": lambda rng: sorted_pair(5e-324 * rng.randint(-9, 9), 5e-324 * rng.randint(-9, 9)),
    "denormals beside one": lambda rng: point(rng.choice([1.0, -1.0, 5e-324 * rng.randint(-9, 9), 2.0**-1060 * rng.random()])),
    "exponents of 300": lambda rng: point(math.ldexp(rng.gauss(0, 1), rng.randint(-300, 300))),
    "any exponent": lambda rng: point(math.ldexp(rng.uniform(-1, 1), rng.randint(-1074, 1000))),
    "any exponent, neighbours": lambda rng: beside(rng, math.ldexp(rng.uniform(-1, 1), rng.randint(-1074, 900)), 3),
    "huge": lambda rng: point(rng.choice([-1, 1]) * math.ldexp(1 - rng.random() / 2, 1023)),
    "huge and wide": lambda rng: sorted_pair(rng.uniform(-1, 1) * 1.7e308, rng.uniform(-1, 1) * 1.7e308),
    "tiny radii": lambda rng: (1.0, 1.0) if rng.random() < 0.5 else (-5e-324, 5e-324),
    "halves of the grid": lambda rng: point(math.copysign((1 << rng.randint(20, 27)) - 0.5 ** rng.randint(1, 27), rng.choice([-1, 1]))),
    "just below a power of two": lambda rng: point(rng.choice([-1, 1]) * (1 - 2.0 ** -rng.randint(1, 53))),
    "just above a power of two": lambda rng: point(rng.choice([-1, 1]) * (1 + 2.0 ** -rng.randint(1, 52))),
}
SHAPES = [(1, 1, 1), (1, 3, 2), (3, 1, 2), (2, 5, 1), (4, 7, 3)]


def random_factor(rng: random.Random, kind: str, rows: int, columns: int) -> Factor:
    return [[KINDS[kind](rng) for _ in range(columns)] for _ in range(rows)]


def enclosed(arithmetic: Arithmetic, factor: Factor, axes: tuple[str, str]) -> Tensor:
    """The floats themselves."""
    if arithmetic.name == "fast":
        both = np.array(factor)
        return Tensor(axes, EnclosureCells(both[..., 0], both[..., 1]), "enclosure", Ledger())
    bounds = []
    for low, high in (pair for row in factor for pair in row):
        a, b = Fraction(low) * 2**1100, Fraction(high) * 2**1100
        bounds.append((int(a), int(b), -1100))
    return Workshop(arithmetic, Ledger()).enclose_between(bounds, axes, (len(factor), len(factor[0])))


def exact_range(row: list[tuple[float, float]], column: list[tuple[float, float]]) -> tuple[Fraction, Fraction]:
    """The least and the greatest sum of products."""
    low = high = Fraction(0)
    for (a, b), (c, d) in zip(row, column, strict=True):
        corners = [Fraction(x) * Fraction(y) for x in (a, b) for y in (c, d)]
        low, high = low + min(corners), high + max(corners)
    return low, high


def check(arithmetic: Arithmetic, left: Factor, right: Factor) -> list[Fraction | None]:
    """The product holds every product of members.  Returns widths beyond the exact range."""
    found = enclosed(arithmetic, left, ("row", "sum")).contract(enclosed(arithmetic, right, ("sum", "column")), "sum")
    assert found.axes == ("row", "column")
    assert found.shape == (len(left), len(right[0]))
    columns = [[row[index] for row in right] for index in range(len(right[0]))]
    lows, highs = ends(found.cells)
    excess: list[Fraction | None] = []
    for (row, column), low, high in zip(((r, c) for r in left for c in columns), lows, highs, strict=True):
        least, most = exact_range(row, column)
        assert low is None or low <= least, (float(low), float(least))
        assert high is None or high >= most, (float(high), float(most))
        excess.append(None if low is None or high is None else (high - low) - (most - least))
    return excess


@BOTH
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", KINDS)
def test_products_enclose(kind: str, shape: tuple[int, int, int], arithmetic: Arithmetic) -> None:
    rng = random.Random(f"{kind} {shape}")
    for _ in range(20 if arithmetic.name == "fast" else 6):
        other = rng.choice([kind, *KINDS])
        factors = random_factor(rng, kind, *shape[:2]), random_factor(rng, other, *shape[1:])
        check(arithmetic, *factors)


FINITE = st.floats(allow_nan=False, allow_infinity=False)


@BOTH
@settings(max_examples=150, deadline=None)
@given(numbers=st.lists(FINITE, min_size=8, max_size=8), wide=st.booleans())
def test_any_two_vectors(arithmetic: Arithmetic, numbers: list[float], wide: bool) -> None:
    pairs = [sorted_pair(a, b) if wide else point(a) for a, b in zip(numbers[::2], numbers[1::2], strict=True)]
    check(arithmetic, [pairs[:2]], [[pairs[2]], [pairs[3]]])


@BOTH
@pytest.mark.parametrize("inner", [2, 3, 1024, 1025, 2000])
@pytest.mark.parametrize("kind", ["full", "full and wide", "cancelling", "halves", "random"])
def test_long_sums(inner: int, kind: str, arithmetic: Arithmetic) -> None:
    """Numbers whose integers have all their bits set, so that sums come as near to 2^53 as they can; and sums that cancel."""
    rng = random.Random(f"{inner} {kind}")
    bits = (53 - (inner - 1).bit_length()) // 2
    full = 1 - 2.0 ** (-2 * bits)  # high 2^b after rounding up, low -1
    most = 1 - 2.0**-bits / 2 - 2.0 ** (-2 * bits)  # high 2^b - 1, low nearly half a unit of it

    def draw(index: int) -> tuple[float, float]:
        if kind == "full":
            return point(rng.choice([full, most]))
        if kind == "full and wide":
            return (-most, full) if index % 2 else (most, full)
        if kind == "cancelling":
            return point(full if index % 2 else -most)
        if kind == "halves":
            return point(rng.choice([-1, 1]) * (1 - rng.choice([0.5, 1.5, 2.5]) * 2.0**-bits))
        return point(rng.gauss(0, 1))

    left = [[draw(index) for index in range(inner)] for _ in range(2)]
    right = [[draw(index)] for index in range(inner)]
    excess = check(arithmetic, left, right)
    assert all(one is not None for one in excess)


@BOTH
@pytest.mark.parametrize(("kind", "relative"), [("points", True), ("neighbours", False), ("exponents of 300", True), ("integers", True)])
def test_products_are_close(kind: str, relative: bool, arithmetic: Arithmetic) -> None:
    """Of points: within 2^-45 (fast) and 2^-60 (mpmath) of the largest products of row and column."""
    rng = random.Random(kind)
    left, right = random_factor(rng, kind, 5, 8), random_factor(rng, kind, 8, 5)
    columns = [[row[index] for row in right] for index in range(5)]
    for (row, column), over in zip(((r, c) for r in left for c in columns), check(arithmetic, left, right), strict=True):
        scale = max(abs(Fraction(x)) for x, _ in row) * max(abs(Fraction(x)) for x, _ in column)
        assert over is not None
        assert over <= 64 * scale * Fraction(2) ** (-46 if arithmetic.name == "fast" else -60), relative


# What is not finite


@pytest.mark.parametrize("bad", [math.inf, -math.inf, math.nan])
@pytest.mark.parametrize("side", ["left", "right"])
def test_what_is_not_finite_is_all_reals_there_and_only_there(bad: float, side: str) -> None:
    rng = np.random.default_rng(1)
    x, y = rng.standard_normal((3, 4)), rng.standard_normal((4, 5))
    (low, high), (c, d) = (x.copy(), x.copy()), (y.copy(), y.copy())
    target = (low, high) if side == "left" else (c, d)
    for end in target if math.isnan(bad) else [target[bad > 0]]:
        end[1, 2] = bad
    lo, hi = product((low, high), (c, d))
    broken = np.zeros((3, 5), dtype=bool)
    broken[(1, slice(None)) if side == "left" else (slice(None), 2)] = True
    assert np.array_equal(np.isneginf(lo), broken)
    assert np.array_equal(np.isposinf(hi), broken)
    assert (np.isfinite(lo) == ~broken).all()
    assert not np.isnan(lo).any()
    assert not np.isnan(hi).any()


def test_overflow_is_no_number() -> None:
    lo, hi = product((np.full((1, 3), 1e300),) * 2, (np.full((3, 1), 1e300),) * 2)
    assert lo[0, 0] <= np.finfo(np.float64).max
    assert hi[0, 0] == np.inf
    lo, hi = product((np.full((1, 3), 1e300),) * 2, (np.full((3, 1), -1e300),) * 2)
    assert lo[0, 0] == -np.inf
    assert hi[0, 0] >= -np.finfo(np.float64).max


# The bits that the proofs count


@pytest.mark.parametrize("inner", [1, 2, 5, 64, 1000])
def test_the_grid_keeps_to_its_bits(inner: int) -> None:
    rng = random.Random(inner)
    for kind in KINDS:
        pairs = [KINDS[kind](rng) for _ in range(inner)]
        with np.errstate(over="ignore"):
            grid = _Grid((np.array([[low for low, _ in pairs]]), np.array([[high for _, high in pairs]])), 1)
        integers, exponent = grid.radii
        b = grid.bits
        assert inner * 4**b <= 2**53
        assert np.abs(grid.high).max() <= 2**b
        assert np.abs(grid.low).max() <= 2 ** (b - 1)
        assert grid.magnitude.max() <= 2**b + 1
        assert grid.outer.max() <= 2 ** (b + 1) + 3
        assert integers.max() <= 2 ** (b - 3) + 1
        assert all((array == np.rint(array)).all() for array in (grid.high, grid.low, grid.magnitude, grid.outer, integers))
        if grid.broken.any():
            continue
        unit = Fraction(2) ** int(grid.exponent[0, 0])
        for index, (low, high) in enumerate(pairs):
            middle = (Fraction(grid.high[0, index]) + Fraction(grid.low[0, index]) / 2**b) * unit
            radius = Fraction(grid.radius[0, index]) / 2**b * unit
            assert middle - radius <= Fraction(low)
            assert Fraction(high) <= middle + radius
            assert Fraction(integers[0, index]) * Fraction(2) ** int(exponent[0, 0]) >= Fraction(grid.radius[0, index])
            assert Fraction(grid.magnitude[0, index]) * unit >= abs(middle)
            assert Fraction(grid.outer[0, index]) * unit >= abs(middle) + radius


def cell(low: int, high: int, exponent: int) -> Interval:
    return Interval.of(low, high, exponent)


@pytest.mark.parametrize("exponent", [-100_000, -64, 0, 300, 100_000])
def test_the_reference_grid_keeps_to_its_bits(exponent: int) -> None:
    rng = random.Random(exponent)
    for _ in range(50):
        cells = []
        for _ in range(6):
            low = rng.choice([-1, 1]) * rng.getrandbits(rng.choice([1, 64, 128]))
            cells.append(cell(low, low + rng.choice([0, 1, rng.getrandbits(120)]), exponent + rng.randint(-200, 5)))
        middles, radii, unit = grid_line(cells)
        (lows, highs), most = ends(ListCells(cells, (len(cells),))), 1 << MIDPOINT_BITS
        for middle, radius, low, high in zip(middles, radii, lows, highs, strict=True):
            assert abs(middle) <= most
            assert 0 <= radius <= most
            assert low is not None
            assert high is not None
            assert (middle - radius) * Fraction(2) ** unit <= low
            assert high <= (middle + radius) * Fraction(2) ** unit


@pytest.mark.parametrize("length", [1, 2, 7, 300])
def test_fields_never_overflow_into_their_neighbours(length: int) -> None:
    """All midpoints and radii at their limits, with every pattern of signs of the neighbours."""
    most = 1 << MIDPOINT_BITS
    for signs in ((1, 1, 1), (1, -1, 1), (-1, -1, -1), (-1, 1, -1)):
        columns = [([sign * most] * length, [most] * length, 0) for sign in signs]
        for row_sign in (1, -1):
            found = Columns(columns).times(([row_sign * most] * length, [most] * length, 0))
            for sign, one in zip(signs, found, strict=True):
                centre, spread = row_sign * sign * most * most * length, length * 3 * most * most
                assert ends(ListCells([one], (1,))) == ([Fraction(centre - spread)], [Fraction(centre + spread)])


def test_packing_and_reading_are_inverse() -> None:
    rng = random.Random(5)
    for count in (1, 2, 3, 8, 17):
        numbers = [rng.getrandbits(60) for _ in range(count)]
        assert dense._fields(dense._packed(numbers, 9), 9, count) == numbers


# The fast product does not depend on how a library sums


def test_every_order_of_summation_gives_the_same() -> None:
    """The same bits from the library's product and from sums of the terms in another order, one at a time."""
    rng = np.random.default_rng(3)
    left = rng.standard_normal((3, 500))
    right = rng.standard_normal((500, 4))
    ends_left, ends_right = (left, left + 1e-9), (right, np.nextafter(right, np.inf))
    plain = product(ends_left, ends_right)
    order = rng.permutation(500)
    shuffled = product(tuple(end[:, order] for end in ends_left), tuple(end[order] for end in ends_right))  # type: ignore[arg-type]
    assert all(np.array_equal(a, b) for a, b in zip(plain, shuffled, strict=True))


# A broken product is noticed


def test_a_product_without_radii_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("verifier.fast.products._sums", lambda grid, exactly, roughly: np.zeros((1, 1)))
    monkeypatch.setattr(Columns, "times", lambda self, row: [Interval.of(0, 0, 0) for _ in self.units])
    for arithmetic in ARITHMETICS:
        with pytest.raises(AssertionError):
            check(arithmetic, [[(1.0, 2.0)]], [[(1.0, 2.0)]])
