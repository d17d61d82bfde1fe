"""Functions of one variable in both arithmetics against Arb, and every bracket and constant that their proofs use."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from fractions import Fraction

import flint
import numpy as np
import pytest
from flint import arb
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.cells import ends
from tests.network_check import ARITHMETICS, exact
from tests.network_oracle import activation, sigmoid
from verifier.fast import EnclosureCells
from verifier.fast import exponential as fast_exponential
from verifier.kernel.errors import StepRejected
from verifier.kernel.network import functions
from verifier.kernel.network.functions import Functions
from verifier.kernel.numbers.arithmetic import Arithmetic
from verifier.kernel.numbers.matrix import Ledger
from verifier.kernel.numbers.tensor import Tensor
from verifier.kernel.numbers.workshop import Workshop

BOTH = pytest.mark.parametrize("arithmetic", ARITHMETICS, ids=lambda one: one.name)
BITS = 600
LEAST = {"gelu": functions.GELU, "silu": functions.SILU, "gelu_tanh": functions.GELU_TANH}


def normal_cdf(x: arb) -> arb:
    return (-x / arb(2).sqrt()).erfc() / 2


TRUE: dict[str, Callable[[arb], arb]] = {
    **{name: (lambda x, name=name: activation(name, x)) for name in ("relu", "square", "gelu", "gelu_tanh", "silu")},
    "sigmoid": sigmoid,
    "normal_cdf": normal_cdf,
    "exp": lambda x: x.exp(),
}
POINTS_ONLY = ("sigmoid", "normal_cdf")
MINIMUM = {name: Fraction(str(where)) for name, where in [("square", 0), ("gelu", "-0.7517915"), ("silu", "-1.2784645")]}
MINIMUM["gelu_tanh"] = Fraction("-0.7524614")


def called(name: str, x: Tensor) -> Tensor:
    arithmetic = ARITHMETICS[isinstance(x.cells, EnclosureCells)]
    found: Tensor = x.exponential() if name == "exp" else getattr(Functions(Workshop(arithmetic, x.ledger)), name)(x)
    return found


def enclosed(arithmetic: Arithmetic, pairs: list[tuple[float, float]]) -> Tensor:
    """Exact floats as enclosures, along one axis."""
    bounds = []
    for low, high in pairs:
        (a, p), (b, q) = low.as_integer_ratio(), high.as_integer_ratio()
        bounds.append((a * (q // min(p, q)), b * (p // min(p, q)), 1 - max(p, q).bit_length()))
    return Workshop(arithmetic, Ledger()).enclose_between(bounds, ("cell",), (len(pairs),))


def witnesses(name: str, low: float, high: float) -> list[Fraction]:
    """Points of an interval: its ends, its middle, and the place of the minimum where it is inside."""
    points = [Fraction(low), Fraction(high), (Fraction(low) + Fraction(high)) / 2]
    return points + [where for where in [MINIMUM.get(name)] if where is not None and low <= where <= high]


def judge(name: str, arithmetic: Arithmetic, pairs: list[tuple[float, float]]) -> list[tuple[Fraction | None, Fraction | None]]:
    """The enclosures, none of which misses a value."""
    lows, highs = ends(called(name, enclosed(arithmetic, pairs)).cells)
    with flint.ctx.workprec(BITS):
        for pair, low, high in zip(pairs, lows, highs, strict=True):
            for point in witnesses(name, *pair):
                value = TRUE[name](exact(point))
                assert value.is_finite()
                assert low is None or not bool(exact(low) > value), (name, pair)
                assert high is None or not bool(exact(high) < value), (name, pair)
    return list(zip(lows, highs, strict=True))


SPECIAL = [0.0, 5e-324, 2.0**-1074 * 3, 2.0**-1022, 2.0**-60, 0.5, 1.0, 0.7517915, 0.7524615, 1.2784645, 7.999999999999999, 8.0]
SPECIAL += [8.000000000000002, 20.0, 36.0, 37.5, 38.6, 699.9999, 700.0, 700.0000000000001, 709.0, 745.2, 1000.0, 2.0**19]
HUGE = [2.0**40, 2.0**512, 1e300, 1.7976931348623157e308]


def adversarial(seed: object, count: int, *, huge: bool = True) -> list[tuple[float, float]]:
    """Intervals of a point, of neighbours, across a minimum, far apart."""
    rng = random.Random(str(seed))

    def number() -> float:
        kind = rng.randrange(8)
        if kind < 3:
            near = rng.choice([-1, 1]) * rng.choice(SPECIAL)
            return rng.choice([near, math.nextafter(near, math.inf), math.nextafter(near, -math.inf), near + rng.gauss(0, 1e-7)])
        if kind == 3:
            return rng.choice([-1, 1]) * math.ldexp(rng.random(), rng.randint(-1074, 19))
        if kind == 4 and huge:
            return rng.choice([-1, 1]) * rng.choice(HUGE)
        return rng.gauss(0, 1) * rng.choice([1, 3, 10, 40, 300])

    pairs = []
    for _ in range(count):
        low, kind = number(), rng.randrange(5)
        high = low if kind < 2 else math.nextafter(low, math.inf) if kind == 2 else number()
        pairs.append((min(low, high), max(low, high)))
    return [pair for pair in pairs if all(map(math.isfinite, pair))]


def usable(name: str, arithmetic: Arithmetic, pairs: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Points for functions of points; below 2^20 where the reference refuses exponentials."""
    if name in POINTS_ONLY:
        pairs = [(low, low) for low, _ in pairs]
    if name == "exp" and arithmetic.name == "mpmath":
        pairs = [(min(low, 2.0**20 - 1), min(high, 2.0**20 - 1)) for low, high in pairs]
    return pairs


@BOTH
@pytest.mark.parametrize("name", TRUE)
def test_adversarial_arguments(name: str, arithmetic: Arithmetic) -> None:
    count = 4000 if arithmetic.name == "fast" else 300
    judge(name, arithmetic, usable(name, arithmetic, adversarial(name, count)))


FLOATS = st.floats(allow_nan=False, allow_infinity=False)


@BOTH
@pytest.mark.parametrize("name", TRUE)
@settings(max_examples=60, deadline=None)
@given(low=FLOATS, high=FLOATS)
@example(low=-0.0, high=0.0)
@example(low=-0.7517915, high=-0.7517914)
@example(low=-1e308, high=1e308)
def test_any_arguments(name: str, arithmetic: Arithmetic, low: float, high: float) -> None:
    judge(name, arithmetic, usable(name, arithmetic, [(min(low, high), max(low, high))]))


# Width, absolute beside a value of size 1: (at, largest width of mpmath, of fast)
CLOSE = [-700.0, -40.0, -8.5, -7.9, -3.0, -1.0, -1e-3, 0.0, 1e-3, 0.5, 2.0, 7.9, 8.5, 40.0]


@BOTH
@pytest.mark.parametrize("name", [name for name in TRUE if name != "exp"])
def test_points_are_enclosed_closely(name: str, arithmetic: Arithmetic) -> None:
    found = judge(name, arithmetic, [(x, x) for x in CLOSE])
    tail = name in ("gelu", "normal_cdf")  # beyond 8 the distribution is known to 2^-50
    for x, (low, high) in zip(CLOSE, found, strict=True):
        assert low is not None
        assert high is not None
        allowed = 2.0**-45 if arithmetic.name == "fast" else 2.0**-49 if tail and abs(x) > 8 else 2.0**-60
        assert high - low <= allowed * max(1.0, x * x), x


@BOTH
def test_exp_is_close(arithmetic: Arithmetic) -> None:
    points = [-690.0, -100.5, -1.0, -1e-9, 0.0, 1e-9, 0.3, 1.0, 55.5, 690.0]
    for low, high in judge("exp", arithmetic, [(x, x) for x in points]):
        assert low is not None
        assert high is not None
        assert (high - low) / high < Fraction(2) ** (-44 if arithmetic.name == "fast" else -55)


@BOTH
@pytest.mark.parametrize("name", LEAST)
def test_a_wide_interval_costs_nothing(name: str, arithmetic: Arithmetic) -> None:
    """The minimum, and the larger of the values at the ends."""
    least, tiny = LEAST[name][2], Fraction(1, 10**6)
    (low, high), (left, _), (_, right) = judge(name, arithmetic, [(-6.0, 2.0), (-6.0, -5.0), (1.0, 2.0)])
    assert low is not None
    assert high is not None
    assert right is not None
    assert left is not None
    assert least - tiny < low <= least
    assert abs(high - right) < tiny
    assert left > least / 2
    for where in LEAST[name][:2]:  # just beside the bracket the minimum plays no part
        outside = [(float(where) - 1e-3, float(where) - 1e-5), (float(where) + 1e-5, float(where) + 1e-3)]
        assert all(low is not None and low > least + Fraction(1, 10**12) for low, _ in judge(name, arithmetic, outside))


@pytest.mark.parametrize("name", TRUE)
def test_infinite_ends_of_the_fast_arithmetic(name: str) -> None:
    """An infinite end stands for every number beyond the other one; what is not bounded is infinite or NaN, never a number."""
    pairs = [(-math.inf, math.inf), (-math.inf, 3.0), (-3.0, math.inf), (-math.inf, -9.0), (9.0, math.inf)]
    x = Tensor(("cell",), EnclosureCells(np.array([low for low, _ in pairs]), np.array([high for _, high in pairs])), "enclosure", Ledger())
    if name in POINTS_ONLY:
        x = x.lower_end().joined([x.upper_end()], "cell")
        pairs = [(low, low) for low, _ in pairs] + [(high, high) for _, high in pairs]
    lows, highs = ends(called(name, x).cells)
    with flint.ctx.workprec(BITS):
        for (first, last), low, high in zip(pairs, lows, highs, strict=True):
            for point in (-1e300, -1e5, -1000.0, -30.0, -9.0, -3.0, -1.0, -0.5, 0.0, 1.0, 3.0, 9.0, 100.0, 1e5, 1e300):
                reaches = first <= point <= last or (first == last and math.isinf(first) and point == math.copysign(1e300, first))
                if reaches:
                    value = TRUE[name](arb(point))
                    assert low is None or not bool(exact(low) > value), (name, first, last, point)
                    assert high is None or not bool(exact(high) < value), (name, first, last, point)


@pytest.mark.parametrize("name", TRUE)
def test_nan_is_never_decided(name: str) -> None:
    nothing = Tensor(("cell",), EnclosureCells(np.array([np.nan]), np.array([np.nan])), "enclosure", Ledger())
    if name in ("sigmoid", "silu", "gelu_tanh"):  # quotients by it
        with pytest.raises(StepRejected, match="undecided-divisor"):
            called(name, nothing)
        return
    found = called(name, nothing)
    assert found.certainly_positive().to_list() == [False]
    assert found.certainly_nonpositive().to_list() == [False]
    assert ends(found.cells) == ([None], [None])


@pytest.mark.parametrize("x", [2.0**20, 2.0**20 + 1, 2.0**21 - 1, 2.0**21, 1e300])
def test_the_reference_refuses_exponentials_beyond_its_range(x: float) -> None:
    with pytest.raises(StepRejected) as caught:
        enclosed(ARITHMETICS[0], [(0.0, x)]).exponential()
    assert caught.value.code == "undecided-exponential"
    judge("exp", ARITHMETICS[0], [(-x, -x), (-x, 0.0)])


# ln, from above


@BOTH
def test_the_logarithm_from_above(arithmetic: Arithmetic) -> None:
    rng = random.Random(3)
    points = [1.0, math.nextafter(1.0, 2.0), 1 + 1e-9, 2.0, math.e, 3.0, 1e10, 1e300 if arithmetic.name == "fast" else 1e200]
    points += [1 + rng.random() * 2.0 ** rng.randint(-50, 60) for _ in range(300)]
    x = enclosed(arithmetic, [(min(point, 1.0), point) for point in points])
    lows, highs = ends(Functions(Workshop(arithmetic, x.ledger)).logarithm_above(x).cells)
    with flint.ctx.workprec(BITS):
        for point, low, high in zip(points, lows, highs, strict=True):
            assert low == high
            assert high is not None
            assert exact(high) >= arb(point).log()
            assert exact(high) - arb(point).log() < arb(10) ** (-11 if arithmetic.name == "fast" else -15)


@BOTH
@pytest.mark.parametrize("guess", [-3.0, 0.0, 0.5, 1.0, 7.0])
def test_any_guess_of_a_logarithm_is_safe(arithmetic: Arithmetic, guess: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Tensor, "logarithm_guess", lambda self: enclosed(arithmetic, [(guess, guess)]))
    for point in (1.0, 1.5, 20.0, 1e6):
        _, (high,) = ends(Functions(Workshop(arithmetic, Ledger())).logarithm_above(enclosed(arithmetic, [(point, point)])).cells)
        with flint.ctx.workprec(BITS):
            assert high is not None
            assert exact(high) >= arb(point).log() or point == 1.0 == math.exp(guess)


# Constants and brackets


def test_constants_are_enclosed_by_neighbours() -> None:
    with flint.ctx.workprec(BITS):
        for (low, high), true in [
            (functions.ROOT_TWO_PI, (2 * arb.pi()).sqrt()),
            (functions.ROOT_TWO_OVER_PI, (2 / arb.pi()).sqrt()),
        ]:
            assert exact(low) < true
            assert true < exact(high)
            assert high - low == Fraction(1, 10**19)
        rest = arb(2).log() - arb(fast_exponential.LN2_HEAD)
        low, high = fast_exponential.LN2_REST
        assert arb(low) < rest
        assert rest < arb(high)
        assert math.nextafter(low, 1) == high


def test_products_of_the_head_of_ln_2_are_exact() -> None:
    most = math.ceil(fast_exponential.LARGEST * fast_exponential.LN2_INVERSE)
    for k in range(-most, most + 1):
        assert Fraction(k * fast_exponential.LN2_HEAD) == k * Fraction(fast_exponential.LN2_HEAD)


SLOPES: dict[str, Callable[[arb], arb]] = {
    "gelu": lambda x: normal_cdf(x) + x * (-x * x / 2).exp() / (2 * arb.pi()).sqrt(),
    "silu": lambda x: TRUE["sigmoid"](x) * (1 + x * TRUE["sigmoid"](-x)),
    "gelu_tanh": lambda x: _tanh_slope(x),
}


def _tanh_slope(x: arb) -> arb:
    c, a = 2 * (2 / arb.pi()).sqrt(), arb(44715) / 10**6
    inner = c * (x + a * x * x * x)
    return TRUE["sigmoid"](inner) * (1 + x * c * (1 + 3 * a * x * x) * TRUE["sigmoid"](-inner))


@pytest.mark.parametrize("name", LEAST)
def test_the_minimum_is_where_the_bracket_says(name: str) -> None:
    """The derivative changes its sign inside, and all values there are above the third number, which is near."""
    first, last, least = LEAST[name]
    slope, value = SLOPES[name], TRUE[name]
    with flint.ctx.workprec(BITS):
        assert slope(exact(first)) < 0
        assert slope(exact(last)) > 0
        parts = 64
        for part in range(parts):
            low, high = (first + (last - first) * Fraction(step, parts) for step in (part, part + 1))
            middle, radius = exact((low + high) / 2), exact((high - low) / 2)
            around = arb(middle.mid(), radius.upper())
            assert value(middle) + slope(around) * arb(0, radius.upper()) > exact(least)
        assert value(exact(first)) < exact(least) + arb(10) ** -6


@pytest.mark.parametrize("name", LEAST)
def test_one_minimum(name: str) -> None:
    """The sign of the derivative on a grid: negative up to the bracket, positive after it (the proof is in docs/numerics.md)."""
    first, last, _ = LEAST[name]
    with flint.ctx.workprec(BITS):
        for step in range(-400, 401):
            x = Fraction(step, 20)
            assert bool(SLOPES[name](exact(x)) < 0) == (x < first)
            assert bool(SLOPES[name](exact(x)) > 0) == (x > last)


def test_the_series_of_the_normal_distribution_ends_in_time() -> None:
    """The remainder is at most 1 / (1 - x^2 / (2 N + 3)) where x^2 < 2 N + 3; at the end of the range the distribution is nearly 1."""
    assert functions.NORMAL_RANGE**2 < 2 * functions.NORMAL_TERMS + 3
    with flint.ctx.workprec(BITS):
        assert normal_cdf(arb(-functions.NORMAL_RANGE)) < arb((1, -50))
