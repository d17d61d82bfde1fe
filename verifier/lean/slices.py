"""The checker by evaluation: one Lean file per range of queries, and one that adds up what the others printed.

A range is written into its file and kept beside it; nothing about it is read back from a file's name or from how many
files there are.  The ranges tile the queries: a range that occurs twice would count its inputs twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from verifier.kernel.certificate import Step
from verifier.kernel.maximum.model import Model
from verifier.kernel.statement import Statement

from .errors import BuildFailed
from .export import checker_source, one_file, unfilled


@dataclass(frozen=True)
class Range:
    """The queries first <= q < first + size."""

    first: int
    size: int


@dataclass(frozen=True)
class Slices:
    """An evaluation in slices.  source: the checker; data: the model, `filled`: the call that makes the hints; bound: the claim."""

    source: str
    data: str
    filled: str
    bound: Fraction
    ranges: tuple[Range, ...]

    def file(self, queries: Range) -> str:
        """The evaluation of one slice.  What Lean prints is 0 if a hint does not hold, else ten times one more than the count,
        plus 1 if that count alone reaches the bound.

        The hints are computed by Lean (`fill`): literals of that many tables would exhaust the packaged build's memory.
        """
        count = f"sliceCount model ({self.filled} first size) scope first size"
        return self._evaluation(
            f"/-- The first query of this slice, and how many there are. -/\n@[expose] def first : Nat := {queries.first}\n"
            f"@[expose] def size : Nat := {queries.size}\n",
            f"match {count} with | none => 0 | some c => 10 * (c + 1) + {self._reached('⟨first, size, c⟩')}",
        )

    def total_file(self, counts: Sequence[int]) -> str:
        """The sum of all slices: 1 if `checkSlices` says that the counts, one per range, reach the bound, else 0."""
        listed = (f"⟨{queries.first}, {queries.size}, {count}⟩" for queries, count in zip(self.ranges, counts, strict=True))
        return self._evaluation("", self._reached(", ".join(listed)))

    def _reached(self, slices: str) -> str:
        return f"(checkSlices model scope {self.bound.numerator} {self.bound.denominator} [{slices}]).toNat"

    def _evaluation(self, definitions: str, term: str) -> str:
        return one_file(self.source, f"{self.data}\n{definitions}#eval {term}")


def count_in(number: int) -> tuple[int, bool]:
    """The count that a slice's number stands for, and whether it alone reaches the bound.  Not for 0, which is a refusal."""
    return number // 10 - 1, number % 10 == 1


def ranges(v: int, slices: int) -> tuple[Range, ...]:
    """About the same number of pairs of a query and a maximum in each slice."""
    ends, done = [0], 0
    for q in range(v):
        done += v - q
        if done * slices >= len(ends) * v * (v + 1) // 2 and len(ends) < slices:
            ends.append(q + 1)
    return tuple(Range(first, last - first) for first, last in pairwise([*ends, v]) if last > first)


def refuse_gaps(queries: Sequence[Range], v: int) -> None:
    """Raise BuildFailed unless the ranges are 0 <= q < v, each query once."""
    ends = [0, *(one.first + one.size for one in queries)]
    if [one.first for one in queries] != ends[:-1] or ends[-1] != v or any(one.size < 1 for one in queries):
        raise BuildFailed(f"slices {[(one.first, one.size) for one in queries]} are not the queries below {v}, each once")


def slices_of(library: Path, model: Model, statement: Statement, steps: Sequence[Step], number: int = 1) -> Slices:
    """A certificate to be evaluated in `number` slices, or as many as there are queries."""
    data, filled = unfilled(model, statement, steps)
    v = model.vocabulary
    queries = ranges(v, number)
    refuse_gaps(queries, v)
    return Slices(checker_source(library), data, filled, statement.claim.bound, queries)
