"""The fast arithmetic: the kernel's rules on numpy arrays.  A SECOND TRUSTED BASE (TRUST.md), used by `--arithmetic fast`.

An enclosure is a pair of float64 arrays lo <= hi.  Why each operation encloses:

* IEEE 754 requires + - * / and sqrt to return the float nearest to the exact result, so the exact result lies between the two
  neighbours of the returned float; `nextafter` moves each end outward to that neighbour.  This also covers underflow (the
  neighbour of 0 is the smallest denormal) and overflow (the neighbour of infinity is the largest float).
* A product's ends are the least and greatest of the four corner products.  NaN (from 0 * infinity) spreads through numpy's
  minimum and maximum and is never positive, so it never earns credit.
* exp is `exponential.py`, products of matrices are `products.py` (docs/numerics.md, sections 6 and 7).
* `floor` multiplies by a power of two, which is exact unless the result is denormal; then its floor is 0 or -1, set by sign.
* On the integer side every number is below 2^55 in magnitude (`GRID_BITS`, `NEVER`), so sums of 64 cannot overflow int64.

`FastArithmetic` refuses to start on a machine whose float64 arithmetic does not round to nearest or flushes denormals.
Alternatives: docs/adr/0004.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ldexp

import numpy as np

from verifier.fast.cells import ArrayCells, EnclosureCells
from verifier.kernel.errors import Usage

__all__ = ["ArrayCells", "EnclosureCells", "FastArithmetic", "float_above"]

EXACT_FLOAT_BITS = 53


class FastArithmetic:
    """float64 enclosures, outward-rounded by nextafter."""

    name = "fast"
    library = "numpy"

    def __init__(self) -> None:
        half_ulp, least = 2.0**-53, np.float64(5e-324)
        sound = (
            np.float64(1.0) + np.float64(half_ulp) == 1.0
            and np.float64(1.0) + np.float64(half_ulp * 1.5) > 1.0
            and np.float64(-1.0) - np.float64(half_ulp) == -1.0
            and bool((np.full(8, least) * np.full(8, 1.0) > 0).all())
        )
        if not sound:
            raise Usage("float-environment", expected="IEEE float64, rounding to nearest, denormals kept", got="another float environment")

    @property
    def backend(self) -> str:
        return f"numpy {np.__version__} float64, nextafter"

    def enclosures(self, bounds: Sequence[tuple[int, int, int]], shape: tuple[int, ...]) -> EnclosureCells:
        lo = np.array([-float_above(-low, exponent) for low, _, exponent in bounds]).reshape(shape)
        hi = np.array([float_above(high, exponent) for _, high, exponent in bounds]).reshape(shape)
        return EnclosureCells(lo, hi)

    def integers(self, entries: Sequence[int], shape: tuple[int, ...]) -> ArrayCells:
        small = all(abs(entry) < 1 << 62 for entry in entries)
        array = np.array(entries, dtype=np.int64 if small else object)
        return ArrayCells(array.reshape(shape))


def float_above(mantissa: int, exponent: int) -> float:
    """A float >= mantissa * 2^exponent, by integer arithmetic; infinity if none is finite."""
    if mantissa == 0:
        return 0.0
    excess = max(abs(mantissa).bit_length() - EXACT_FLOAT_BITS, -1074 - exponent, 0)
    rounded = -(-mantissa >> excess)
    exponent += excess
    if abs(rounded).bit_length() + exponent > 1024:
        return float("inf") if rounded > 0 else -float(np.finfo(np.float64).max)
    return ldexp(rounded, exponent)
