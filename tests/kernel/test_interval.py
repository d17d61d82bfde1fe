"""Every interval operation encloses, judged by Arb; and the judge convicts an arithmetic that rounds to nearest."""

from __future__ import annotations

import operator
import random
from collections.abc import Callable
from fractions import Fraction

import flint
import pytest
from flint import arb

from tests.numbers import PRECISION, fraction, outside, random_interval
from verifier.kernel.numbers import interval
from verifier.kernel.numbers.interval import Interval

SAMPLES = 1500


def quotient(x: arb, y: arb) -> arb:
    return x / y


# name -> (on enclosures, on reals inside them)
BINARY: dict[str, tuple[Callable[[Interval, Interval], Interval], Callable[[arb, arb], arb]]] = {
    "add": (operator.add, operator.add),
    "subtract": (operator.sub, operator.sub),
    "multiply": (operator.mul, operator.mul),
    "divide": (operator.truediv, quotient),
    "minimum": (Interval.minimum, arb.min),
    "maximum": (Interval.maximum, arb.max),
    "hull, first": (Interval.hull, lambda x, y: x),
    "hull, second": (Interval.hull, lambda x, y: y),
}
UNARY: dict[str, tuple[Callable[[Interval], Interval], Callable[[arb], arb]]] = {
    "negate": (operator.neg, operator.neg),
    "sqrt": (Interval.sqrt, arb.sqrt),
}


def escapes(name: str, samples: int = SAMPLES) -> int:
    """How many exact results lie outside of the computed enclosure."""
    rng, found = random.Random(name), 0
    with flint.ctx.workprec(PRECISION):
        for _ in range(samples):
            (x, xs), (y, ys) = random_interval(rng), random_interval(rng)
            if name == "divide" and not y.certainly_positive():
                continue
            if name == "sqrt" and x.lo[0]:
                continue
            if name in UNARY:
                enclosed, exact = UNARY[name]
                found += sum(outside(enclosed(x), exact(point)) for point in xs)
            else:
                enclose, exactly = BINARY[name]
                result = enclose(x, y)
                found += sum(outside(result, exactly(a, b)) for a in xs for b in ys)
    return found


@pytest.mark.parametrize("name", [*BINARY, *UNARY])
def test_the_exact_result_is_enclosed(name: str) -> None:
    assert escapes(name) == 0


@pytest.mark.parametrize("name", ["add", "subtract", "multiply", "divide", "sqrt"])
@pytest.mark.parametrize("end", ["UP", "DOWN"])
def test_rounding_one_end_to_nearest_is_caught(name: str, end: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interval, end, "n")
    assert escapes(name) > 0


def test_a_product_that_forgets_mixed_signs_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Interval, "_mul_by_corners", lambda x, y: Interval(x.hi, x.hi))
    assert escapes("multiply") > 0


def test_exchanged_extrema_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interval, "lesser", interval.greater)
    assert escapes("minimum") > 0
    assert escapes("hull, first") > 0


def test_results_are_narrow() -> None:
    one, three = Interval.of(1, 1, 0), Interval.of(3, 3, 0)
    for result in (one / three, three.sqrt(), (one / three) * three, one / three - three.sqrt()):
        width = fraction(result.hi) - fraction(result.lo)
        assert 0 < width < Fraction(1, 2**120)


def test_exact_results_stay_points() -> None:
    x, y = Interval.of(5, 5, -3), Interval.of(-12, -12, 2)
    for result in (x + y, x - y, x * y, -x, Interval.of(9, 9, 0).sqrt(), Interval.of(15, 15, 0) / Interval.of(5, 5, 0)):
        assert result.lo == result.hi


def test_ends_of_more_bits_than_the_precision_move_outward() -> None:
    for exponent in (-4000, -1, 0, 4000):
        long = (1 << 500) + 1
        enclosed = Interval.of(long, long, exponent)
        assert fraction(enclosed.lo) < long * Fraction(2) ** exponent < fraction(enclosed.hi)


def test_an_interval_needs_ordered_ends() -> None:
    with pytest.raises(ValueError, match="lo > hi"):
        Interval.of(1, 0, 5)


@pytest.mark.parametrize("ends", [(0, 0), (0, 1), (-1, 1), (-1, 0), (-2, -1)])
def test_division_needs_a_positive_divisor(ends: tuple[int, int]) -> None:
    with pytest.raises(ZeroDivisionError):
        Interval.of(1, 1, 0) / Interval.of(*ends, 0)


def test_square_roots_need_a_nonnegative_argument() -> None:
    with pytest.raises(ValueError, match="may be negative"):
        Interval.of(-1, 4, 0).sqrt()
    assert Interval.of(0, 0, 0).sqrt().certainly_nonpositive()


# Decisions


@pytest.mark.parametrize(
    ("lo", "hi", "positive", "nonpositive"),
    [(0, 0, False, True), (0, 1, False, False), (-1, 1, False, False), (-1, 0, False, True), (-2, -1, False, True), (1, 2, True, False)],
)
def test_signs_are_decided_only_when_certain(lo: int, hi: int, positive: bool, nonpositive: bool) -> None:
    for exponent in (-10_000, 0, 10_000):
        enclosed = Interval.of(lo, hi, exponent)
        assert enclosed.certainly_positive() is positive
        assert enclosed.certainly_nonpositive() is nonpositive


@pytest.mark.parametrize("compare", [operator.lt, operator.le, operator.gt, operator.ge])
def test_an_undecided_comparison_raises(compare: Callable[[Interval, Interval], bool]) -> None:
    with pytest.raises(TypeError, match="no order"):
        compare(Interval.of(0, 2, 0), Interval.of(1, 3, 0))


def test_an_interval_has_no_truth_value() -> None:
    with pytest.raises(TypeError, match="no truth value"):
        bool(Interval.of(1, 1, 0))


# Ways out of the interval


def test_floor_is_the_largest_integer_at_most_the_lower_end() -> None:
    rng = random.Random("floor")
    for _ in range(SAMPLES):
        enclosed, _ = random_interval(rng)
        shift = rng.choice([-5000, -64, -1, 0, 1, 48, 5000]) + rng.randint(-2, 2)
        low = fraction(enclosed.lo) * Fraction(2) ** shift
        assert enclosed.floor(shift) == low.numerator // low.denominator


def test_magnitude_bits_is_the_least_power_above_the_lower_end() -> None:
    rng = random.Random("magnitude")
    for _ in range(SAMPLES):
        enclosed, _ = random_interval(rng)
        low, bits = abs(fraction(enclosed.lo)), enclosed.magnitude_bits()
        if bits is None:
            assert low == 0
        else:
            assert Fraction(2) ** (bits - 1) <= low < Fraction(2) ** bits
