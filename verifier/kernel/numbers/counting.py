"""How many choices of one term per slot have a positive sum: counted by histograms of bin numbers, not listed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from verifier.kernel.limits import check_limit
from verifier.kernel.numbers.matrix import Ledger

OFFSET_BINS = 16  # the fixed part of the sum spans at most this many times `bins`
FAR_SHARE = 100  # tokens whose loss is below 1/FAR_SHARE of the largest term are given bin 0


@dataclass(frozen=True)
class Histogram:
    """How many tokens of a slot have each bin number: parallel lists, one entry per block; the last block is {m}."""

    bins: list[int]
    sizes: list[int]


def positive_sums(base: int, terms: list[list[int]], sizes: list[list[int]], bins: int, needs_maximum: bool, ledger: Ledger) -> int:
    """A lower bound on the number of fillings (with the maximum in some slot, if needed) with base + sum of terms > 0."""
    ledger.count(integer_ops=6 * sum(len(line) for line in terms))
    everything = _fillings(sizes) - (_fillings([line[:-1] for line in sizes]) if needs_maximum else 0)
    if base + sum(min(line) for line in terms) > 0:
        return everything
    references = [_reference(line) for line in terms]
    spread = max((max(line) - reference for line, reference in zip(terms, references, strict=True)), default=0)
    # the second bound keeps the histograms short: all bin numbers that matter lie within (OFFSET_BINS + n) * bins
    step = max(spread // bins, abs(base + sum(references)) // (OFFSET_BINS * bins), 1)
    numbers = [[(term - reference) // step for term in line] for line, reference in zip(terms, references, strict=True)]
    threshold = -(base + sum(references)) // step + 1  # base + sum c + step * s > 0  iff  s >= threshold
    slots = [Histogram(line, size) for line, size in zip(numbers, sizes, strict=True)]
    found = at_least(threshold, slots, ledger)
    if needs_maximum:
        without = [Histogram(slot.bins[:-1], slot.sizes[:-1]) for slot in slots]
        found -= at_least(threshold, without, ledger)
    return found


def _fillings(sizes: Sequence[Sequence[int]]) -> int:
    result = 1
    for line in sizes:
        result *= sum(line)
    return result


def _reference(line: list[int]) -> int:
    """c: the lowest term among those close to zero or above, so that most tokens lose nothing to rounding."""
    largest = max(abs(term) for term in line)
    near = [term for term in line[:-1] if FAR_SHARE * term >= -largest]
    return min(near) if near else max(line)


def at_least(threshold: int, slots: list[Histogram], ledger: Ledger) -> int:
    """The exact number of fillings whose bin numbers sum to at least `threshold`.

    Kronecker substitution: a slot's histogram is one big integer with a field of `width` bits per bin number; the product of the
    slots' integers is the histogram of the sums, since no field can overflow: all counts together stay below 2^width.
    Bins too high to matter are lowered to a cap at which the input is counted whatever the other slots hold; tokens too low to be
    rescued by any others are dropped.
    """
    lines = [[(b, s) for b, s in zip(slot.bins, slot.sizes, strict=True) if s] for slot in slots]
    if not all(lines):
        return 0
    tops, floors = [max(line)[0] for line in lines], [min(line)[0] for line in lines]
    kept = [[(b, s) for b, s in line if b + sum(tops) - top >= threshold] for line, top in zip(lines, tops, strict=True)]
    if not all(kept):
        return 0
    floors = [min(line)[0] for line in kept]
    caps = [max(threshold - (sum(floors) - low), low) for low in floors]
    width = sum(s.bit_length() for s in (sum(s for _, s in line) for line in kept)) + 1
    product, length = 1, 1
    for line, low, cap in zip(kept, floors, caps, strict=True):
        fields: dict[int, int] = {}
        for b, s in line:
            place = min(b, cap) - low
            fields[place] = fields.get(place, 0) + s
        span = max(fields) + 1
        check_limit("histogram_bits", width * (length + span))
        ledger.count(integer_ops=2 * length * len(fields))
        product *= sum(s << (width * place) for place, s in fields.items())
        length += span - 1
    cut = max(threshold - sum(floors), 0)
    return (product >> (width * cut)) % ((1 << width) - 1)  # the sum of all fields from `cut` on
