"""The second trusted base: float64 enclosures enclose, and every method means what the reference means."""

from __future__ import annotations

import itertools
import random
from fractions import Fraction
from math import floor
from typing import Any

import numpy as np
import pytest

from tests.cells import APART, ENCLOSURE_METHODS, INTEGER_METHODS, encloses, ends, objects, random_enclosures, random_integers
from verifier import fast
from verifier.fast import EnclosureCells, FastArithmetic
from verifier.kernel.errors import StepRejected
from verifier.kernel.numbers.arithmetic import GRID_BITS, NEVER, Cells
from verifier.kernel.numbers.matrix import Ledger
from verifier.kernel.numbers.reference import ReferenceArithmetic
from verifier.kernel.numbers.tensor import Tensor
from verifier.kernel.numbers.workshop import Workshop, on_grid

BOTH = [ReferenceArithmetic(), FastArithmetic()]
MAX, TINY, NORMAL = float(np.finfo(np.float64).max), 5e-324, float(np.finfo(np.float64).tiny)
SPECIAL = (0.0, TINY, 3 * TINY, NORMAL, 1e-160, 1 - 2**-53, 1.0, 1 + 2**-52, 3.0, 1e160, MAX)
INF, NAN = float("inf"), float("nan")


def cells(lo: Any, hi: Any) -> EnclosureCells:
    return EnclosureCells(np.array(lo, dtype=float), np.array(hi, dtype=float))


# Against exact arithmetic


@pytest.mark.parametrize("arithmetic", BOTH, ids=lambda one: one.name)
@pytest.mark.parametrize("name", ENCLOSURE_METHODS)
def test_every_method_encloses_the_exact_result(name: str, arithmetic: Any) -> None:
    on_cells, exactly = ENCLOSURE_METHODS[name]
    rng = random.Random(name)
    for _ in range(12):
        ([x], a), ([y], b) = random_enclosures(rng, [arithmetic]), random_enclosures(rng, [arithmetic])
        assert encloses(on_cells(x, y), exactly(a, b))


@pytest.mark.parametrize("name", INTEGER_METHODS)
def test_integers_are_the_same_in_both_arithmetics_and_exact(name: str) -> None:
    on_cells, exactly = INTEGER_METHODS[name]
    rng = random.Random(name)
    for _ in range(12):
        (xs, a), (ys, b) = random_integers(rng, BOTH), random_integers(rng, BOTH)
        expected = exactly(a, b).tolist()
        for x, y in zip(xs, ys, strict=True):
            assert on_cells(x, y).to_list() == expected


def test_every_method_of_the_protocol_is_tested() -> None:
    tested = {name.partition(" ")[0] for name in ENCLOSURE_METHODS} | {name.partition(" ")[0] for name in APART}
    assert tested >= {name for name in vars(Cells) if not name.startswith("_")}


@pytest.mark.parametrize("arithmetic", BOTH, ids=lambda one: one.name)
def test_quotients_and_roots_of_positive_numbers_enclose(arithmetic: Any) -> None:
    rng = random.Random("positive")
    for _ in range(30):
        ([x], a), ([y], b) = random_enclosures(rng, [arithmetic]), random_enclosures(rng, [arithmetic], sign=1)
        assert encloses(x.combine("divide", y), a / b)
        root, back = y.root(), y.root().combine("multiply", y.root())
        assert root.positive().to_list() is not None
        assert encloses(back, b)


@pytest.mark.parametrize("arithmetic", BOTH, ids=lambda one: one.name)
def test_roots_enclose_and_are_narrow(arithmetic: Any) -> None:
    rng, radicands = random.Random("roots"), [0, 1, 2, 3, (1 << 60) + 1, 1 << 60]
    exponents = [-1100, -1074, -1022, -61, -1, 0, 1, 200, 960]
    pairs = [(low, low + rng.choice([0, 0, 1, 1 << 40]), exponent) for low in radicands for exponent in exponents]
    rooted = arithmetic.enclosures(pairs, (len(pairs),)).root()
    lows, highs = ends(rooted)
    for (low, high, exponent), lo, hi in zip(pairs, lows, highs, strict=True):
        assert lo is not None
        assert hi is not None
        below, above = low * Fraction(2) ** exponent, high * Fraction(2) ** exponent
        assert lo >= 0
        assert lo**2 <= below <= above <= hi**2
        if exponent > -1000:  # two roundings inward are a millionth of what is allowed
            assert hi**2 <= above * (1 + Fraction(1, 2**40)) + Fraction(2) ** -1060
            assert below * (1 - Fraction(1, 2**40)) - Fraction(2) ** -1060 <= lo**2


@pytest.mark.parametrize("arithmetic", BOTH, ids=lambda one: one.name)
@pytest.mark.parametrize("low", [-1, -5])
def test_a_root_of_what_may_be_negative_is_refused(low: int, arithmetic: Any) -> None:
    made = Workshop(arithmetic, Ledger()).enclose_between([(1, 1, 0), (low, 4, -1000)], ("x",), (2,))
    with pytest.raises(StepRejected, match="undecided-root"):
        made.root()
    with pytest.raises(ValueError, match="may be negative"):
        made.cells.root()


def test_a_root_of_nan_is_refused_and_one_of_infinity_encloses() -> None:
    with pytest.raises(ValueError, match="may be negative"):
        cells([1.0, NAN], [2.0, NAN]).root()
    rooted = cells([0.0, MAX, INF], [INF, INF, INF]).root()
    assert rooted.lo.tolist()[0] == 0.0
    assert 0 < Fraction(rooted.lo[1]) ** 2 <= Fraction(MAX)
    assert rooted.hi.tolist() == [INF] * 3


# Extreme floats


def special_enclosures() -> list[tuple[float, float]]:
    ends = sorted({s * x for s in (-1, 1) for x in SPECIAL})
    pairs = [(lo, hi) for lo, hi in itertools.combinations_with_replacement(ends, 2)]
    return pairs[::3] + [(x, x) for x in ends] + [(-INF, x) for x in ends] + [(x, INF) for x in ends] + [(-INF, INF)]


def reals(lo: float, hi: float) -> list[Fraction]:
    """Reals between two ends, beyond the floats where an end is infinite."""
    low = -Fraction(2) ** 1100 if lo == -INF else Fraction(lo)
    high = Fraction(2) ** 1100 if hi == INF else Fraction(hi)
    return [low, high, (2 * low + high) / 3]


def escapes(name: str) -> int:
    """How many results on special floats lie outside of their enclosure."""
    pairs = special_enclosures()
    exactly = {"add": lambda a, b: a + b, "subtract": lambda a, b: a - b, "multiply": lambda a, b: a * b, "divide": lambda a, b: a / b}
    seconds = [pair for pair in pairs if pair[0] > 0] if name == "divide" else pairs
    lo, hi = np.array(pairs).T
    found = 0
    for c, d in seconds:
        x, y = cells(lo, hi), cells(np.full_like(lo, c), np.full_like(hi, d))
        result = x.combine(name, y)
        for a, b in itertools.product(range(3), range(3)):
            expected = [exactly[name](reals(*pair)[a], reals(c, d)[b]) for pair in pairs[:: 7 if (a, b) != (0, 0) else 1]]
            step = slice(None, None, 7 if (a, b) != (0, 0) else 1)
            found += not encloses(cells(result.lo[step], result.hi[step]), objects(expected, (len(expected),)))
    return found


@pytest.mark.parametrize("name", ["add", "subtract", "multiply", "divide"])
def test_denormals_overflow_and_infinite_ends_enclose(name: str) -> None:
    assert escapes(name) == 0


def test_ends_rounded_to_nearest_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EnclosureCells, "outward", staticmethod(EnclosureCells))
    for name in ("add", "multiply", "divide"):
        assert escaping(name) > 0


def escaping(name: str) -> int:
    """`escapes`, where an infinity of the wrong sign counts as one too."""
    try:
        return escapes(name)
    except AssertionError:
        return 1


def test_a_product_by_two_corners_only_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def two_corners(x: EnclosureCells, y: EnclosureCells) -> EnclosureCells:
        return x.outward(np.minimum(x.lo * y.lo, x.hi * y.lo), np.maximum(x.lo * y.hi, x.hi * y.hi))

    monkeypatch.setattr(EnclosureCells, "_multiply", two_corners)
    assert escaping("multiply") > 0


@pytest.mark.parametrize("name", ["add", "subtract", "multiply", "hull", "minimum", "maximum"])
def test_nan_is_never_positive_and_never_nonpositive(name: str) -> None:
    unknown, known = cells([NAN, NAN, 1.0], [NAN, 1.0, NAN]), cells([1.0, 1.0, 1.0], [2.0, 2.0, 2.0])
    for result in (unknown.combine(name, known), known.combine(name, unknown)):
        assert result.positive().to_list()[:2] == [False, False]
        assert not any(result.nonpositive().to_list())


def test_zero_times_infinity_decides_nothing() -> None:
    for x, y in (((0.0, 0.0), (-INF, INF)), ((-INF, INF), (0.0, 1.0)), ((-1.0, 0.0), (1.0, INF))):
        result = cells([x[0]], [x[1]]).combine("multiply", cells([y[0]], [y[1]]))
        assert result.positive().to_list() == [False]


def test_one_nan_spoils_a_sort_and_a_minimum() -> None:
    spoiled = cells([1.0, NAN, 2.0], [1.0, NAN, 2.0])
    assert spoiled.sorted(0).positive().to_list() == [False] * 3
    for result in (spoiled.reduce("minimum", 0), spoiled.reduce("maximum", 0), spoiled.reduce("add", 0)):
        assert not bool(np.asarray(result.positive().array))
    assert spoiled.all_but_one("minimum", 0).positive().to_list() == [False, True, False]
    assert spoiled.running("minimum", 0).positive().to_list() == [True, False, False]


@pytest.mark.parametrize("arithmetic", BOTH, ids=lambda one: one.name)
def test_an_end_is_a_point(arithmetic: Any) -> None:
    rng = random.Random("ends")
    for _ in range(20):
        [x], _ = random_enclosures(rng, [arithmetic])
        lows, highs = ends(x)
        assert ends(x.lower_end()) == (lows, lows)
        assert ends(x.upper_end()) == (highs, highs)


def test_division_needs_certainly_positive_divisors() -> None:
    for lo in (0.0, -1.0, NAN, -INF):
        with pytest.raises(ZeroDivisionError):
            cells([1.0], [1.0]).combine("divide", cells([lo], [1.0]))


# Making enclosures


def test_numbers_of_any_size_are_enclosed() -> None:
    rng = random.Random("make")
    bounds = [(0, 0, 5), (1, 1, -5000), (-1, -1, -5000), (1, 1, 5000), (-1, -1, 5000), (-1, 1, 1 << 20), (-1, 1, -1 << 20)]
    bounds += [((1 << 1024) - 1, 1 << 1024, 0), (-(1 << 1024), -(1 << 1024) + 1, 0), ((1 << 53) + 1, (1 << 53) + 1, 0)]
    for _ in range(500):
        low = rng.choice([-1, 1]) * rng.getrandbits(rng.choice([1, 52, 53, 54, 120, 1100]))
        bounds.append((low, low + rng.choice([0, 1, rng.getrandbits(80)]), rng.choice([0, -1074, -1073, -1100, 900, 971])))
    for arithmetic in BOTH:
        made = arithmetic.enclosures(bounds, (len(bounds),))
        for end in (0, 1):
            assert encloses(made, objects([bound[end] * Fraction(2) ** bound[2] for bound in bounds], (len(bounds),)))


def test_a_tiny_positive_number_is_not_certainly_positive_when_it_underflows() -> None:
    made = FastArithmetic().enclosures([(1, 1, -5000)], (1,))
    assert made.positive().to_list() == [False]
    assert made.hi[0] == TINY


# Floor and the grid


def test_floor_is_exact_also_where_the_result_is_denormal() -> None:
    rng = random.Random("floor")
    lows = [s * x for s in (-1, 1) for x in SPECIAL[:-2]] + [rng.uniform(-1, 1) * 2.0 ** rng.randint(-1074, 40) for _ in range(300)]
    made = cells(lows, lows)
    for shift in (0, 1, 7, -1, -60, -1000, -1100, -2000):
        for low, answer in zip(lows, made.floor(0, [shift] * len(lows)).to_list(), strict=True):
            scaled = Fraction(low) * Fraction(2) ** shift
            assert answer == floor(scaled) or abs(scaled) > 1 << 60  # on the grid none is that large


def test_each_index_of_the_axis_has_its_own_shift() -> None:
    bounds = [(k, k, 0) for k in range(1, 25)]
    for arithmetic in BOTH:
        made = arithmetic.enclosures(bounds, (2, 3, 4))
        expected = objects([k for k, _, _ in bounds], (2, 3, 4)) * objects([1, 4, 16], (1, 3, 1))
        assert made.floor(1, [0, 2, 4]).to_list() == expected.tolist()
        assert made.magnitude_bits(1) == [5, 5, 5]
        assert made.magnitude_bits(2) == [5, 5, 5, 5]
        assert made.magnitude_bits(0) == [4, 5]


@pytest.mark.parametrize("low", [NAN, -INF, INF])
def test_a_lower_end_that_is_not_finite_becomes_never(low: float) -> None:
    made = cells([low, 1.0], [INF, 1.0])
    assert made.floor(0, [3, 3]).to_list() == [NEVER, 8]
    assert made.magnitude_bits(0)[1] == 1


def test_no_sum_with_never_is_positive() -> None:
    assert NEVER + 63 * (1 << GRID_BITS) < 0
    assert 64 * NEVER > -(1 << 63)


@pytest.mark.parametrize("arithmetic", BOTH, ids=lambda one: one.name)
def test_the_grid_rounds_down_in_one_unit_per_index(arithmetic: Any) -> None:
    rng, ledger = random.Random("grid"), Ledger()
    for _ in range(20):
        ([x], _), ([y], _) = random_enclosures(rng, [arithmetic], (3, 4)), random_enclosures(rng, [arithmetic], (3, 2, 2))
        first, second = Tensor(("query", "key"), x, "enclosure", ledger), Tensor(("query", "slot", "key"), y, "enclosure", ledger)
        grids = [np.array(grid.to_list(), dtype=object) for grid in on_grid("query", first, second)]
        for row in range(3):
            lows = [low for tensor in (first, second) for low in ends(tensor.select("query", row).cells)[0]]
            largest = max(abs(low) for low in lows if low is not None)
            shift = GRID_BITS - least_power_above(largest)
            expected = [floor(low * Fraction(2) ** shift) for low in lows]
            assert [*grids[0][row].ravel(), *grids[1][row].ravel()] == expected
            assert 1 << (GRID_BITS - 1) <= max(map(abs, expected)) <= 1 << GRID_BITS


def least_power_above(number: Fraction) -> int:
    """The least e with number < 2^e."""
    e = number.numerator.bit_length() - number.denominator.bit_length() - 1
    while number >= Fraction(2) ** e:
        e += 1
    return e


# Truth values and counts


@pytest.mark.parametrize("arithmetic", BOTH, ids=lambda one: one.name)
def test_signs_masks_and_where(arithmetic: Any) -> None:
    made = arithmetic.enclosures([(-2, -1, 0), (-1, 0, 0), (0, 0, 0), (0, 1, 0), (1, 2, 0), (-1, 1, 0)], (6,))
    positive, nonpositive = made.positive(), made.nonpositive()
    assert positive.to_list() == [False, False, False, False, True, False]
    assert nonpositive.to_list() == [True, True, True, False, False, False]
    assert positive.combine("and", nonpositive).to_list() == [False] * 6
    chosen = positive.where(made, made.negated())
    assert chosen.floor(0, [0] * 6).to_list() == [1, 0, 0, -1, 1, -1]
    numbers = arithmetic.integers([5, -5, 0, 1, 2, -3], (6,))
    assert numbers.positive().to_list() == [True, False, False, True, True, False]
    assert positive.where(numbers, numbers.negated()).to_list() == [-5, 5, 0, -1, 2, 3]


@pytest.mark.parametrize("arithmetic", BOTH, ids=lambda one: one.name)
def test_one_cell_without_axes_is_itself_and_no_list(arithmetic: Any) -> None:
    # a list of one False is true: with it, attention_margin certified wrong inputs by the reference arithmetic
    number = arithmetic.enclosures([(-1, -1, 0), (2, 2, 0)], (2,)).reduce("minimum", 0)
    assert number.shape == ()
    assert number.positive().to_list() is False
    assert number.negated().positive().to_list() is True
    assert arithmetic.integers([7], ()).to_list() == 7


@pytest.mark.parametrize("weight", [1, 1 << 61, (1 << 62) - 1, 1 << 62, 1 << 200])
def test_weighted_sums_are_exact_at_any_size(weight: int) -> None:
    for arithmetic in BOTH:
        mask = arithmetic.enclosures([(1, 1, 0)] * 5 + [(0, 0, 0)], (6,)).positive()
        weights = arithmetic.integers([weight, weight, weight, weight, -1, 7], (6,))
        assert mask.weighted_sum(weights) == 4 * weight - 1


def test_an_unsuitable_float_environment_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast.np, "float64", np.float32)
    with pytest.raises(Exception, match="float-environment"):
        FastArithmetic()


def test_the_workshop_makes_the_same_tensor_in_both() -> None:
    for arithmetic in BOTH:
        tensor = Workshop(arithmetic, Ledger()).integers([1, 2, 3, 4], ("a", "b"), (2, 2))
        assert (tensor + tensor).to_list() == [[2, 4], [6, 8]]
