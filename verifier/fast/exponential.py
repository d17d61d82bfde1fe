"""exp of float64 arrays as enclosures, from + - * and `nextafter` alone: the fast arithmetic's.

For a float x let k be the integer nearest x / ln 2 (any k is right, this one is good) and r = x - k ln 2, enclosed.  Then

    exp x = 2^k exp r,    exp r = 1 + r (1 + r/2 (1 + r/3 (... (1 + r/14 t)))),    t between 1/2 and 2 for |r| < ln 2,

every operation on enclosures, each end moved to the neighbouring float.  ln 2 is the sum of a number of few bits, so that its products
with k are exact, and an enclosure of the rest.  Proof and error: docs/numerics.md, section 7.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Ends = tuple[Array, Array]

LARGEST = 700.0  # beyond it one end is the end of the range: 2^k stays a normal number
LN2_HEAD = 762123384785 * 2.0**-40  # ln 2 rounded down to 40 bits after the point
LN2_REST = (float.fromhex("0x1.9ef35793c7673p-41"), float.fromhex("0x1.9ef35793c7674p-41"))  # ln 2 - LN2_HEAD lies between
LN2_INVERSE = 1.4426950408889634
TERMS = 14


@np.errstate(all="ignore")
def exp(lo: Array, hi: Array) -> Ends:
    """Enclosures of exp over lo..hi; where an end is NaN, so is the result's."""
    if lo is hi:
        return _exp_of(lo)
    return _exp_of(lo)[0], _exp_of(hi)[1]


def _exp_of(x: Array) -> Ends:
    """An enclosure of exp at the floats x."""
    clipped = np.clip(x, -LARGEST, LARGEST)
    k = np.rint(clipped * LN2_INVERSE)
    near = clipped - k * LN2_HEAD  # the product is exact: 10 and 40 bits; the difference is rounded
    rest_lo, rest_hi = np.minimum(k * LN2_REST[0], k * LN2_REST[1]), np.maximum(k * LN2_REST[0], k * LN2_REST[1])
    r_lo = _down(_down(near) - _up(rest_hi))
    r_hi = _up(_up(near) - _down(rest_lo))
    lo, hi = np.full_like(x, 0.5), np.full_like(x, 2.0)  # t
    for n in range(TERMS, 0, -1):  # 1 + (r / n) t
        a, b = _down(r_lo / n), _up(r_hi / n)
        lo, hi = _down(np.minimum(a * lo, a * hi)), _up(np.maximum(b * lo, b * hi))  # t > 0
        lo, hi = _down(1.0 + lo), _up(1.0 + hi)
    lo, hi = np.ldexp(lo, k.astype(np.int32)), np.ldexp(hi, k.astype(np.int32))  # exact: 2^k is normal with room
    return np.where(x < -LARGEST, 0.0, lo), np.where(x > LARGEST, np.inf, hi)


def _down(array: Array) -> Array:
    return np.nextafter(array, -np.inf)


def _up(array: Array) -> Array:
    return np.nextafter(array, np.inf)
