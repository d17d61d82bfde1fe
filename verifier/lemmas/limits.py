"""Resource bounds of the lemma commands, each a named field with its unit."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LemmaLimits:
    """A hostile inequality can cost at most what these fields allow."""

    file_bytes: int = 1 << 20  # bytes of an SMT-LIB file
    nesting: int = 200  # brackets open at a time
    numeral_digits: int = 1000  # digits of one number
    symbol_characters: int = 256  # characters of one name
    lemma_seconds: int = 60  # seconds z3 may take for one of our lemmas
    solver_seconds: int = 20  # seconds for anybody's inequality: z3's answer, and its replay
    solver_bytes: int = 2 << 30  # bytes of address space of the process that answers
    algebraic_digits: int = 20  # decimal digits to which an irrational value is isolated


LEMMA_LIMITS = LemmaLimits()
