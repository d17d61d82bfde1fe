"""Some free slot must hold the maximum, unless the query does: a partition of such fillings, their least sum, and what it decides."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from verifier.kernel.facts import Family
from verifier.kernel.numbers.tensor import Tensor

Entry = TypeVar("Entry")


def by_first_holder(lines: Sequence[Sequence[Entry]], holds: Callable[[Entry], bool]) -> Iterator[list[list[Entry]]]:
    """The choices of one entry per slot of which some one holds the maximum, split by the first slot that does: each choice once."""
    for slot, line in enumerate(lines):
        before = [[entry for entry in other if not holds(entry)] for other in lines[:slot]]
        yield [*before, [entry for entry in line if holds(entry)], *map(list, lines[slot + 1 :])]


def least_sum(base: Tensor, least: Tensor, at_maximum: Tensor, *, needed: bool) -> Tensor:
    """Base + the least term of each slot; if the maximum is needed in some slot, + the least that it costs to put it there.

    least, at_maximum: the least term of each slot and its term at the maximum, with the axis `slot`.
    """
    if not least.size("slot"):
        return base
    total = base + least.sum("slot")
    return total + (at_maximum - least).min("slot") if needed else total


def open_outputs(family: Family) -> list[list[int]]:
    """Per query, the constraints that the slots' separate minima leave open, as indices of the axis `output`."""
    base, terms, maximum = family.base, family.terms, family.maximum
    ends = terms.min("block"), terms.select("block", maximum)
    passed = [least_sum(base, *ends, needed=needed).certainly_positive().to_list() for needed in (False, True)]
    rows = [passed[query < maximum][index] for index, query in enumerate(family.queries)]
    return [[output for output, ok in enumerate(row) if not ok] for row in rows]
