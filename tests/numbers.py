"""Exact numbers and enclosures as python-flint sees them: the judge of the kernel's arithmetic."""

from __future__ import annotations

import random
from collections.abc import Iterator
from fractions import Fraction

import flint
from flint import arb

from verifier.kernel.numbers.interval import Interval, Number

PRECISION = 1000  # bits; far above anything under test
MANTISSA_BITS = (1, 2, 24, 53, 54, 127, 128, 129, 200)
EXPONENTS = (0, 0, 0, -1, 1, -53, 53, -128, 128, -1074, 1023, -5000, 5000)
Dyadic = tuple[int, int]  # mantissa, exponent


def ball(mantissa: int, exponent: int) -> arb:
    """mantissa * 2^exponent, exactly."""
    with flint.ctx.workprec(max(PRECISION, mantissa.bit_length() + 64)):
        return arb(mantissa) * arb((1, exponent))


def value(number: Number) -> arb:
    """An mpmath number, exactly."""
    sign, mantissa, exponent, _ = number
    return ball(-int(mantissa) if sign else int(mantissa), exponent)


def fraction(number: Number) -> Fraction:
    sign, mantissa, exponent, _ = number
    return Fraction(-int(mantissa) if sign else int(mantissa)) * Fraction(2) ** exponent


def outside(interval: Interval, real: arb) -> bool:
    """Certainly not enclosed."""
    return bool(value(interval.lo) > real) or bool(value(interval.hi) < real)


def random_dyadic(rng: random.Random) -> Dyadic:
    """A number of any sign and size: zero, powers of two and their neighbours, and long mantissas."""
    bits = rng.choice(MANTISSA_BITS)
    mantissa = rng.choice([0, 1, (1 << bits) - 1, (1 << bits) + 1, rng.getrandbits(bits), rng.getrandbits(bits)])
    return rng.choice([-1, 1]) * mantissa, rng.choice(EXPONENTS) + rng.randint(-3, 3)


def random_interval(rng: random.Random) -> tuple[Interval, list[arb]]:
    """An enclosure and some exact reals in it; often a single point, often straddling zero."""
    (a, e), (b, f) = random_dyadic(rng), random_dyadic(rng)
    if rng.random() < 0.3:
        b, f = a, e
    elif rng.random() < 0.3:
        b, f = a + rng.choice([-1, 1]), e  # a narrow one
    low = min(e, f)
    lo, hi = sorted((a << (e - low), b << (f - low)))
    ends = (lo, low), (hi, low)
    inside = (lo + (hi - lo) * rng.randint(0, 7) // 7, low)
    return Interval.of(lo, hi, low), [ball(*point) for point in (*ends, inside)]


def random_intervals(seed: str, count: int) -> Iterator[tuple[Interval, list[arb]]]:
    rng = random.Random(seed)
    return (random_interval(rng) for _ in range(count))
