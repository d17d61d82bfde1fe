"""Arguments of interval operations, random and adversarial, for benchmarks/enclosures.py.

Numbers: zeros of both signs, denormals, the largest ones, powers of two and their neighbours, small integers, any exponent.  Pairs:
independent, or one chosen to suit the other: its negative or nearly so (cancellation), half a unit in its last place (near-ties), its
reciprocal.  Intervals: a point, two neighbours, far apart, across zero, ending at zero, and for float64 ending at infinity.
"""

from __future__ import annotations

import random

import numpy as np

from verifier.kernel.numbers.interval import Interval

Array = np.ndarray
LARGEST, LEAST = float(np.finfo(np.float64).max), 5e-324


# float64


def floats(rng: np.random.Generator, count: int) -> Array:
    """Numbers of eight kinds, all finite."""
    bits = rng.integers(0, 1 << 64, count, dtype=np.uint64)
    anything = bits.view(np.float64)
    sign = rng.choice([-1.0, 1.0], count)
    with np.errstate(all="ignore"):
        power = np.ldexp(1.0, rng.choice([-1074, -1022, -1021, -53, -1, 0, 0, 1, 52, 53, 54, 1023], count))
        near = np.nextafter(power, rng.choice([-np.inf, np.inf], count))
        kinds = [
            np.where(np.isfinite(anything), anything, 1.0),
            rng.standard_normal(count) * np.ldexp(1.0, rng.integers(-8, 8, count)),
            sign * power,
            sign * np.where(np.isfinite(near), near, LARGEST),
            sign * 0.0,
            sign * LEAST * rng.integers(1, 1 << 52, count) ** rng.choice([0, 1], count),
            sign * LARGEST * rng.choice([1.0, 1 - 2.0**-53, 0.5], count),
            rng.integers(-9, 10, count).astype(np.float64),
        ]
    return np.choose(rng.integers(0, len(kinds), count), kinds)


def partners(rng: np.random.Generator, first: Array) -> Array:
    """Second operands, half of them made to suit the first."""
    count = len(first)
    with np.errstate(all="ignore"):
        kinds = [
            -first,
            -np.nextafter(first, rng.choice([-np.inf, np.inf], count)),
            np.spacing(np.abs(first)) * rng.choice([-1.5, -1.0, -0.5, 0.5, 1.0, 1.5], count),
            1 / first,
            *[floats(rng, count)] * 4,
        ]
        chosen = np.choose(rng.integers(0, len(kinds), count), kinds)
    return np.where(np.isfinite(chosen), chosen, 1.0)


def float_ends(rng: np.random.Generator, point: Array) -> tuple[Array, Array]:
    """An interval at each point: lower and upper ends."""
    count = len(point)
    other, zero, infinity = floats(rng, count), np.zeros(count), np.full(count, np.inf)
    with np.errstate(all="ignore"):
        beside = np.nextafter(point, np.inf)
    pairs = [(point, point)] * 4 + [(point, beside)] * 2 + [(np.minimum(point, other), np.maximum(point, other))] * 3
    pairs += [(-np.abs(point), np.abs(other)), (np.minimum(point, zero), np.maximum(point, zero))] * 1
    pairs += [(point, infinity), (-infinity, point)]
    which = rng.choice(len(pairs), count, p=[0.97 / 11] * 11 + [0.015] * 2)
    return np.choose(which, [low for low, _ in pairs]), np.choose(which, [high for _, high in pairs])


# The reference's numbers: 128 bits, any exponent

BITS = (1, 2, 24, 53, 64, 127, 128, 128, 128)
EXPONENTS = (0, 0, 0, 0, -1, 1, -64, -127, -128, -129, 127, 128, -1074, 1023, -5000, 5000)
Dyadic = tuple[int, int]  # mantissa, exponent


def dyadic(rng: random.Random, bits: tuple[int, ...] = BITS) -> Dyadic:
    """A number of any sign and size: zero, powers of two and their neighbours, long mantissas."""
    size = rng.choice(bits)
    kind = rng.randrange(6)
    mantissa = (0, 1, (1 << size) - 1, (1 << size - 1) + 1)[kind] if kind < 4 else rng.getrandbits(size)
    return (mantissa if rng.random() < 0.5 else -mantissa), rng.choice(EXPONENTS) + rng.randrange(-3, 4)


def partner(rng: random.Random, first: Dyadic) -> Dyadic:
    """A second operand, half of the time made to suit the first."""
    kind = rng.randrange(6)
    mantissa, exponent = first
    if kind == 0:
        return -mantissa, exponent
    if kind == 1:  # nearly its negative
        return -(mantissa << 1) + rng.choice([-1, 1]), exponent - 1
    if kind == 2:  # around half of its last place
        return rng.choice([-3, -2, -1, 1, 2, 3]), exponent + mantissa.bit_length() - 130
    return dyadic(rng)


def interval(rng: random.Random, point: Dyadic) -> Interval:
    """An interval at a point whose ends have at most 128 bits (or one more unit, rounded outward)."""
    mantissa, exponent = point
    kind = rng.randrange(9)
    if kind < 4:
        return Interval.of(mantissa, mantissa, exponent)
    if kind < 6:
        return Interval.of(mantissa, mantissa + 1, exponent)
    if kind == 6:
        return Interval.of(min(mantissa, 0), max(mantissa, 0), exponent)
    if kind == 7:
        return Interval.of(-abs(mantissa), rng.getrandbits(rng.choice(BITS)), exponent)
    other, scale = dyadic(rng)
    low = min(exponent, scale)
    ends = sorted((mantissa << (exponent - low), other << (scale - low)))
    return Interval.of(ends[0], ends[1], low)
