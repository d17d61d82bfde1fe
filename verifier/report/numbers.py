"""Numbers on the page: whole ones with commas, shares and losses rounded to the side that claims less."""

from __future__ import annotations

import math
from fractions import Fraction

DIGITS = 6  # of a share or a loss
LONGEST = 30  # digits of a whole number that is written out
EXACT = 24  # characters of a fraction that is shown beside its decimal


def count(number: int) -> str:
    """A whole number; a long one also as a power of ten, a very long one only so."""
    if number >= 10**LONGEST:
        return f"about 10^{math.log10(number):.1f}"
    plain = f"{number:,}"
    return plain if number < 10**12 else f"{plain} (about 10^{math.log10(number):.1f})"


def power(number: float) -> str:
    """A number of operations: as it is if it is short, else as a power of two."""
    return f"{number:,.0f}" if number < 10**6 else f"2^{math.log2(number):.1f}"


def share(value: Fraction, *, up: bool = False) -> str:
    """A share of inputs: a decimal rounded down (or up), and never 1 where something is missing."""
    if value in (0, 1):
        return str(int(value))
    return measured(value, up=up)


def measured(value: Fraction, *, up: bool = False) -> str:
    """A decimal rounded down (or up), with digits enough for small numbers; marked where it is not exact."""
    places = DIGITS
    while 0 < value * 10**places < 1000 and places < 30:
        places += 3
    scaled, rest = divmod(value.numerator * 10**places, value.denominator)
    scaled += bool(up and rest)
    digits = f"{scaled // 10**places}.{scaled % 10**places:0{places}d}"
    return digits + "..." if rest else (digits.rstrip("0").rstrip(".") or "0")


def both(value: Fraction, *, up: bool = False) -> str:
    """A decimal, with the fraction beside it where that is short."""
    exact = f"{value.numerator}/{value.denominator}"
    decimal = share(value, up=up)
    return decimal if value.denominator == 1 or len(exact) > EXACT else f"{decimal} ({exact})"


def seconds(value: float) -> str:
    """A time."""
    return f"{value:.1f} s" if value < 100 else f"{value / 60:.0f} min"
