"""Floating-point words read as exact numbers, by their bits: (mantissa, exponent) with value = mantissa * 2^exponent.

No Python float is involved.  NaN and infinities are refused; denormals are ordinary exact numbers; -0 is 0.
"""

from __future__ import annotations

from collections.abc import Iterator

from verifier.kernel.errors import MalformedInput

# name -> (bytes, exponent bits, fraction bits): IEEE 754 binary16, bfloat16, binary32, binary64
FORMATS = {"F16": (2, 5, 10), "BF16": (2, 8, 7), "F32": (4, 8, 23), "F64": (8, 11, 52)}


def decode_floats(data: bytes, dtype: str, *, file: str, clause: str, name: str) -> Iterator[tuple[int, int]]:
    """The numbers in little-endian `data`.  Raises MalformedInput on NaN or infinity."""
    size, exponent_bits, fraction_bits = FORMATS[dtype]
    top = (1 << exponent_bits) - 1
    bias = (top >> 1) + fraction_bits
    for start in range(0, len(data), size):
        word = int.from_bytes(data[start : start + size], "little")
        fraction = word & ((1 << fraction_bits) - 1)
        biased = (word >> fraction_bits) & top
        if biased == top:
            raise MalformedInput("nonfinite", expected="finite numbers", got=f"NaN or infinity in {name}", file=file, clause=clause)
        mantissa = fraction | (1 << fraction_bits) if biased else fraction
        yield (-mantissa if word >> (8 * size - 1) else mantissa), max(biased, 1) - bias


def binary64_bits(mantissa: int, exponent: int) -> int:
    """The IEEE binary64 word of an exactly representable number; 0 for zero of either sign (FORMAT.md section 4, digest)."""
    if mantissa == 0:
        return 0
    magnitude = abs(mantissa)
    biased = max(exponent + magnitude.bit_length() - 1 + 1023, 0)
    unit = max(biased, 1) - 1075  # exponent of the last fraction bit
    shift = exponent - unit
    word = magnitude << shift if shift >= 0 else magnitude >> -shift
    if (shift < 0 and word << -shift != magnitude) or not 0 < word < 1 << 53 or biased > 2046:
        raise ValueError("not a binary64 number")
    fraction = word & ((1 << 52) - 1)
    return (1 << 63 if mantissa < 0 else 0) | ((biased if word >> 52 else 0) << 52) | fraction


def is_normal_binary32(mantissa: int, exponent: int) -> bool:
    """Whether mantissa * 2^exponent is 0 or a normal IEEE binary32 number."""
    if mantissa == 0:
        return True
    zeros = (mantissa & -mantissa).bit_length() - 1
    digits = abs(mantissa).bit_length()
    return digits - zeros <= 24 and -126 <= exponent + digits - 1 <= 127
