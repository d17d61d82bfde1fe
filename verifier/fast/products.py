"""Products of matrices of enclosures in the fast arithmetic: float64 products of integers so small that nothing is rounded.

With k terms a sum and b = (53 - ceil(log2 k)) // 2, sums of k products of two integers of b bits stay within 2^53: whatever the order
in which a library sums, fused or not, such a product of matrices is exact.  So each factor is written on a grid, in a unit per row of
the left one and per column of the right one,

    x = (high + low 2^-b + rest) unit,    high and low integers of at most b bits,    |rest| <= radius 2^-b,

and four exact products make the midpoints.  For |x - p| <= r and |y - q| <= s,

    |sum x y - sum p q|  <=  sum |p| s + r (|q| + s),

taken with integers rounded up, so that these products are exact too (docs/numerics.md, section 6).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Ends = tuple[Array, Array]
SMALL_BITS = 6  # radii below 2^-(b + SMALL_BITS) of the largest midpoint are bounded by the largest of their line


class _Grid:
    """A factor on its grid; `axis` is the one that is summed over."""

    def __init__(self, ends: Ends, axis: int) -> None:
        lo, hi = ends
        self.axis, self.bits = axis, (53 - int(lo.shape[axis] - 1).bit_length()) // 2
        middle = lo + (hi - lo) / 2
        radius = np.nextafter(np.maximum(hi - middle, middle - lo), np.inf) * (hi > lo)
        self.broken = ~(np.isfinite(middle) & np.isfinite(radius)).all(axis=axis, keepdims=True)
        middle, radius = np.where(self.broken, 0.0, middle), np.where(self.broken, 0.0, radius)
        largest = np.maximum(np.abs(middle), radius).max(axis=axis, keepdims=True)
        self.exponent = np.frexp(largest)[1] - self.bits
        scaled = np.ldexp(middle, -self.exponent)
        self.high = np.rint(scaled)
        finer = np.ldexp(scaled - self.high, self.bits)
        self.low = np.rint(finer)
        # what the two integers leave out: at most half a unit of `low`, and nothing where they are exact and nothing has underflowed
        left = (finer != self.low) | (np.ldexp(scaled, self.exponent) != middle)
        self.radius = np.where(radius > 0, np.nextafter(np.ldexp(radius, self.bits - self.exponent), np.inf), 0.0) + left

    @cached_property
    def magnitude(self) -> Array:
        """Integers of at most b + 1 bits, at least |p| in units of the grid."""
        return np.abs(self.high) + 1

    @cached_property
    def outer(self) -> Array:
        """Integers of at most b + 2 bits, at least |p| + r in units of the grid."""
        return np.ceil(self.magnitude + np.nextafter(np.ldexp(self.radius, -self.bits), np.inf))

    @cached_property
    def radii(self) -> tuple[Array, NDArray[np.int32]]:
        """Integers of at most b - 2 bits and an exponent per line: radius <= integers 2^exponent."""
        exponent = np.frexp(self.radius.max(axis=self.axis, keepdims=True))[1] - (self.bits - 3)
        scaled = np.ldexp(self.radius, -exponent)
        return np.where(self.radius > 0, np.ceil(scaled) + (np.ldexp(scaled, exponent) != self.radius), 0.0), exponent


@np.errstate(all="ignore")
def product(left: Ends, right: Ends) -> Ends:
    """Shapes (r, k) and (k, c) to (r, c).  Where an end of a row or a column is not finite, the result is all reals."""
    x, y = _Grid(left, 1), _Grid(right, 0)
    bits = x.bits
    crossed = x.high @ y.low + x.low @ y.high
    finest = np.ldexp(x.low @ y.low, -bits)
    lo, hi = _below(crossed, finest), _above(crossed, finest)
    whole = x.high @ y.high
    lo, hi = _below(whole, np.ldexp(lo, -bits)), _above(whole, np.ldexp(hi, -bits))
    spread = np.zeros_like(whole)
    if y.radius.any():
        spread = _sums(y, lambda integers: x.magnitude @ integers, lambda most: x.magnitude.sum(axis=1, keepdims=True) * most)
    if x.radius.any():
        spread = _above(spread, _sums(x, lambda integers: integers @ y.outer, lambda most: most * y.outer.sum(axis=0, keepdims=True)))
    spread = np.nextafter(np.ldexp(spread, -bits), np.inf) * (spread > 0)
    lo, hi = np.nextafter(lo - spread, -np.inf), _above(hi, spread)
    scale = x.exponent + y.exponent
    lo, hi = np.nextafter(np.ldexp(lo, scale), -np.inf), np.nextafter(np.ldexp(hi, scale), np.inf)
    broken = x.broken | y.broken
    return np.where(broken, -np.inf, lo), np.where(broken, np.inf, hi)


def _sums(grid: _Grid, exactly: Callable[[Array], Array], roughly: Callable[[Array], Array]) -> Array:
    """At least the sums of radii times integers: by the largest radius of each line where all are small, else by one more product."""
    integers, exponent = grid.radii
    if grid.radius.max() < 2.0 ** (grid.bits - SMALL_BITS):
        return np.ldexp(roughly(integers.max(axis=grid.axis, keepdims=True)), exponent)
    return np.ldexp(exactly(integers), exponent)


def _above(first: Array, second: Array) -> Array:
    """At least the sum."""
    return np.nextafter(first + second, np.inf)


def _below(first: Array, second: Array) -> Array:
    """At most the sum."""
    return np.nextafter(first + second, -np.inf)
