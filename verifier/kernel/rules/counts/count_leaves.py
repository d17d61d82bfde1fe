"""Rule count_leaves: right and wrong inputs, counted apart by the largest token other than the maximum."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from math import prod

from verifier.kernel.certificate import Hint, IntegerArray, IntegerTable, Signature
from verifier.kernel.errors import StepRejected
from verifier.kernel.facts import Constraints, Context, Count, Fact, Family, Group
from verifier.kernel.limits import check_limit
from verifier.kernel.maximum.holders import open_outputs
from verifier.kernel.maximum.ranges import Scope
from verifier.kernel.numbers.matrix import Ledger

MOST_BINS = 1 << 20
SIGNATURE = Signature(premises={"constraints": ("Constraints",)}, hints={"leaves": IntegerTable(0, MOST_BINS)})


def count_leaves(premises: Mapping[str, list[Fact]], hints: Mapping[str, Hint], context: Context) -> Count:
    """Premises: constraints on single tokens.  Hints: leaves, rows (m, q, stop, bins) in ascending order, shape (N, 4).

    A leaf holds the inputs of (q, m) whose tokens other than m are all below `stop`, but not all below the stop of the row before:
    leaves are disjoint, whatever the hints are.  In it, x can win only where its constraint is not positive, and if x stands alone
    it does win where constraint + slack <= 0 (a tie is wrong).  Both are counted in one histogram of sums, at two thresholds.
    Conclusion: counts[(q, m)], over leaves the total less the sum over x of the former; wrong[(q, m)], over leaves the largest of
    the latter, never their sum, for an input may lose to several.  Inputs in no leaf count as neither.
    Operations: integer; 3 per term and leaf, 2 a b per convolution.  Soundness: `count_leaves_sound` (L3, L4, L24, L27).
    """
    constraints = premises["constraints"][0]
    if not isinstance(constraints, Constraints):
        raise TypeError
    right: dict[Group, int] = {}
    wrong: dict[Group, int] = {}
    for maximum, rows in groupby(_leaves(hints["leaves"], context), key=lambda row: row[0]):
        outputs = Outputs.of(constraints.between(maximum))
        for query, leaves in groupby(rows, key=lambda row: row[1]):
            found, start = outputs.at(query), None
            right[query, maximum] = wrong[query, maximum] = 0
            for _, _, stop, bins in leaves:
                leaf = Leaf(query, maximum, start, stop, context.scope)
                counted = [constraint.failures(leaf, bins, context.ledger) for constraint in found]
                right[query, maximum] += max(leaf.size - sum(most for _, most in counted), 0)
                wrong[query, maximum] += max((least for least, _ in counted), default=0)
                start = stop
    return Count(right, wrong)


def _leaves(listed: Hint, context: Context) -> Sequence[tuple[int, ...]]:
    """The rows, each of a group in scope and after the one before."""
    if not isinstance(listed, IntegerArray) or len(listed.rows[0]) != 4:
        raise StepRejected("wrong-shape", expected="leaves of shape (N, 4)", got=len(getattr(listed, "rows", [[]])[0]))
    before: tuple[int, ...] = ()
    for row in listed.rows:
        maximum, query, stop, bins = row
        if maximum >= context.vocabulary or query not in context.scope.queries(maximum) or stop > maximum or not bins:
            expected = "a maximum, a query in scope and a stop of at most that, and at least 1 bin"
            raise StepRejected("bad-leaf", expected=expected, got=list(row))
        if row[:3] <= before:  # attack: a leaf counted twice
            raise StepRejected("bad-leaf", expected="rows that ascend by maximum, query and stop", got=list(row))
        before = row[:3]
    return listed.rows


@dataclass(frozen=True)
class Leaf:
    """The inputs of a query and a maximum whose other tokens are all below `stop`, but not all below `start`; None: no such condition."""

    query: int
    maximum: int
    start: int | None
    stop: int
    scope: Scope

    @property
    def needs_maximum(self) -> bool:
        """Some free slot must hold m: the query does not."""
        return self.query < self.maximum

    def fillings(self) -> Iterator[tuple[int, int, bool]]:
        """(sign, c, whether m): the leaf is what is left of all fillings with tokens below c, and m or not, added and taken away."""
        for sign, stop in ((1, self.stop), (-1, self.start)):
            if stop is not None and (self.query < stop or not self.needs_maximum):
                yield sign, stop, True
                if self.needs_maximum:
                    yield -sign, stop, False

    @property
    def size(self) -> int:
        """How many inputs there are."""
        m, slots, tokens = self.maximum, range(self.scope.free_slots), self.scope.tokens_in
        return sum(
            sign * prod(tokens(slot, 0, stop) + (tokens(slot, m, m + 1) if holds else 0) for slot in slots)
            for sign, stop, holds in self.fillings()
        )

    @cached_property
    def tokens(self) -> list[list[int]]:
        """What each slot can hold, m last."""
        tokens = (*range(self.stop), self.maximum)
        return [[k for k in tokens if self.scope.tokens_in(slot, k, k + 1)] for slot in range(self.scope.free_slots)]


@dataclass(frozen=True)
class Outputs:
    """The constraints of one maximum."""

    family: Family
    open: list[list[int]]  # by query

    @staticmethod
    def of(family: Family) -> Outputs:
        """Raises StepRejected for blocks of several tokens: their constraints have no slack, and their tokens are not told apart."""
        if any(block.stop - block.start != 1 for block in family.blocks):
            raise StepRejected("wrong-premise", expected="constraints on single tokens", got="blocks of several tokens")
        return Outputs(family, open_outputs(family))

    def at(self, query: int) -> list[Constraint]:
        """Those of one query that may fail."""
        index = self.family.queries.index(query)
        outputs, slack = self.open[index], self.family.slack
        if not outputs:
            return []
        base, terms = (side.select("query", index).take("output", outputs) for side in (self.family.base, self.family.terms))
        slots = terms.size("slot")
        tables = terms.spread(("output", "slot", "block"), terms.sizes).to_list() if slots else [[] for _ in outputs]
        slacks = slack.select("query", index).to_list() if slack is not None else []
        slacks = [slacks[output] if output < len(slacks) else None for output in outputs]
        return [Constraint(*parts) for parts in zip(base.to_list(), slacks, tables, strict=True)]


@dataclass(frozen=True)
class Constraint:
    """For one query and maximum: base + sum of terms[slot][token] <= the margin of an output <= that + slack; None: no such slack."""

    base: int
    slack: int | None
    terms: list[list[int]]

    def failures(self, leaf: Leaf, bins: int, ledger: Ledger) -> tuple[int, int]:
        """At how many inputs of a leaf the margin is not positive: at least, at most."""
        tokens, m = leaf.tokens, leaf.maximum
        ledger.count(integer_ops=3 * sum(map(len, tokens)))
        if not all(tokens):
            return 0, 0
        least = [min(map(line.__getitem__, chosen)) for line, chosen in zip(self.terms, tokens, strict=True)]
        bottom = self.base + sum(least)
        holders = [line[m] - low for line, low, chosen in zip(self.terms, least, tokens, strict=True) if chosen[-1] == m]
        if bottom + (min(holders, default=0) if leaf.needs_maximum else 0) > 0:
            return 0, 0
        # with numbers floor((term - least) / step): bottom + step * sum <= base + sum of terms <= bottom + step * sum + slots * (step - 1)
        step = max(-(bottom // bins), 1)
        most = -bottom // step
        surely = -1 if self.slack is None else max((-bottom - self.slack - len(tokens) * (step - 1)) // step, -1)
        check_limit("histogram_bits", (most + 1) * sum(len(chosen).bit_length() + 1 for chosen in tokens))
        numbers = [
            [(k, number) for k in chosen if (number := (line[k] - low) // step) <= most]
            for line, low, chosen in zip(self.terms, least, tokens, strict=True)
        ]
        found = [0, 0]
        for sign, stop, holds in leaf.fillings():
            lines = [Counter(number for k, number in line if k < stop or (holds and k == m)) for line in numbers]
            for index, count in enumerate(_at_most((surely, most), lines, ledger)):
                found[index] += sign * count
        return found[0], found[1]


def _at_most(limits: tuple[int, int], lines: Sequence[Mapping[int, int]], ledger: Ledger) -> list[int]:
    """How many choices of one number per line sum to at most each limit, the last of which is the highest; lines: number -> how often.

    The histogram of sums is one integer with a field of `width` bits per sum, as in `count_sums`; sums above the last limit are dropped.
    """
    if not all(lines):
        return [0 for _ in limits]
    most = limits[-1]
    width = sum(sum(line.values()).bit_length() for line in lines) + 1
    histogram, length = 1, 1
    for line in lines:
        ledger.count(integer_ops=2 * sum(min(length, most + 1 - number) for number in line))
        shifted = [count * (histogram & _ones(width * (most + 1 - number))) << width * number for number, count in line.items()]
        histogram, length = sum(shifted), min(length + max(line), most + 1)
    return [(histogram & _ones(width * (limit + 1))) % _ones(width) for limit in limits]


def _ones(bits: int) -> int:
    return (1 << bits) - 1
