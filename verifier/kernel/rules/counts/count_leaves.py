"""Rule count_leaves: right and wrong inputs, counted apart by the largest token other than the maximum."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod

from verifier.kernel.certificate import Hint, IntegerArray, Integers, IntegerTable, Signature
from verifier.kernel.errors import StepRejected
from verifier.kernel.facts import Constraints, Context, Count, Fact, Family, Group
from verifier.kernel.limits import check_limit
from verifier.kernel.maximum.holders import open_outputs
from verifier.kernel.maximum.ranges import Scope
from verifier.kernel.numbers.matrix import Ledger

MOST_BINS = 1 << 20
FIRST_BINS, FINER = 64, 8  # what a count begins with, and how many times finer the next one is
SIGNATURE = Signature(
    premises={"constraints": ("Constraints",)}, hints={"leaves": IntegerTable(0, MOST_BINS), "precision": Integers(0, 1024)}
)


def count_leaves(premises: Mapping[str, list[Fact]], hints: Mapping[str, Hint], context: Context) -> Count:
    """Premises: constraints on single tokens.  Hints: leaves, rows (m, q, stop, bins), shape (N, 4), stops of a pair in ascending order;
    precision p: what is uncertain about one output in one leaf is counted with finer bins while it is over 2^-p of all inputs.

    A leaf holds the inputs of (q, m) whose tokens other than m are all below `stop`, but not all below the stop before:
    leaves are disjoint, whatever the hints are.  In it, x can win only where its constraint is not positive, and if x stands alone
    it does win where constraint + slack <= 0 (a tie is wrong).  Both are counted in one histogram of sums, at two thresholds.
    Conclusion: counts[(q, m)], over leaves the total less the sum over x of the former; wrong[(q, m)], over leaves the largest of
    the latter, never their sum, for an input may lose to several.  Inputs in no leaf count as neither.
    Operations: integer; up to 8 per term and leaf, 2 a b per convolution.  Soundness: `count_leaves_sound` (L3, L4, L24, L27).
    """
    constraints = premises["constraints"][0]
    if not isinstance(constraints, Constraints):
        raise TypeError
    listed, spare = _leaves(hints["leaves"], context.vocabulary), context.subject.total >> int(str(hints["precision"]))
    right: dict[Group, int] = {}
    wrong: dict[Group, int] = {}
    for maximum, queries in context.scope.groups(context.vocabulary):
        chosen = [query for query in queries if (query, maximum) in listed]
        if not chosen:
            continue
        outputs = Outputs.of(constraints.between(maximum))
        for query in chosen:
            stops, bins = zip(*listed[query, maximum], strict=True)
            leaves = [Leaf(query, maximum, start, stop, context.scope) for start, stop in zip((None, *stops), stops, strict=False)]
            lost, beaten = [0] * len(leaves), [0] * len(leaves)
            for constraint in outputs.at(query):
                for index, leaf in enumerate(leaves):
                    least, most = constraint.failures(leaf, bins[index], spare, context.ledger)
                    lost[index], beaten[index] = lost[index] + most, max(beaten[index], least)
            context.ledger.count(integer_ops=4 * len(leaves) * context.scope.free_slots)
            right[query, maximum] = sum(max(leaf.size - most, 0) for leaf, most in zip(leaves, lost, strict=True))
            wrong[query, maximum] = sum(beaten)
    return Count(right, wrong)


def _leaves(listed: Hint, vocabulary: int) -> dict[Group, list[tuple[int, int]]]:
    """The stops and bins of each group, stops in ascending order."""
    if not isinstance(listed, IntegerArray) or len(listed.rows[0]) != 4:
        raise StepRejected("wrong-shape", expected="leaves of shape (N, 4)", got=len(getattr(listed, "rows", [[]])[0]))
    leaves: dict[Group, list[tuple[int, int]]] = {}
    for row in listed.rows:
        maximum, query, stop, bins = row
        if not query <= maximum < vocabulary or stop > maximum or not bins:
            raise StepRejected("bad-leaf", expected="a maximum, a query and a stop of at most that, at least 1 bin", got=list(row))
        before = leaves.setdefault((query, maximum), [])
        if before and stop <= before[-1][0]:  # attack: a leaf counted twice
            raise StepRejected("bad-leaf", expected="stops that ascend within a query and maximum", got=list(row))
        before.append((stop, bins))
    return leaves


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

    def at(self, query: int) -> Iterator[Constraint]:
        """Those of one query that may fail."""
        index, slots = self.family.queries.index(query), self.family.terms.size("slot")
        bases, terms = self.family.base.select("query", index).to_list(), self.family.terms.select("query", index)
        slacks = [] if self.family.slack is None else self.family.slack.select("query", index).to_list()
        for output in self.open[index]:
            table = terms.select("output", output)
            lines = table.spread(("slot", "block"), table.sizes).to_list() if slots else []
            yield Constraint(bases[output], slacks[output] if output < len(slacks) else None, lines)


@dataclass(frozen=True)
class Constraint:
    """For one query and maximum: base + sum of terms[slot][token] <= the margin of an output <= that + slack; None: no such slack."""

    base: int
    slack: int | None
    terms: list[list[int]]

    def failures(self, leaf: Leaf, bins: int, spare: int, ledger: Ledger) -> tuple[int, int]:
        """At how many inputs of a leaf the margin is not positive: at least, at most.  Finer bins are tried while the two are apart."""
        tried = min(bins, FIRST_BINS)
        least, most = self.counted(leaf, tried, ledger)
        while tried < bins and most - least > spare:
            tried = min(tried * FINER, bins)
            least, most = self.counted(leaf, tried, ledger)
        return least, most

    def counted(self, leaf: Leaf, bins: int, ledger: Ledger) -> tuple[int, int]:
        """The same with so many bins."""
        tokens, m = leaf.tokens, leaf.maximum
        ledger.count(integer_ops=4 * sum(map(len, tokens)))
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
        surely = -1 if self.slack is None else (-bottom - self.slack - len(tokens) * (step - 1)) // step
        check_limit("histogram_bits", (most + 1) * sum(len(chosen).bit_length() + 1 for chosen in tokens))
        numbers = [
            {k: number for k in chosen if (number := (line[k] - low) // step) <= most}
            for line, low, chosen in zip(self.terms, least, tokens, strict=True)
        ]
        below: dict[int, list[dict[int, int]]] = {}
        found = [0, 0]
        for sign, stop, holds in leaf.fillings():
            if stop not in below:
                ledger.count(integer_ops=2 * sum(map(len, numbers)))
                below[stop] = [dict(Counter([number for k, number in line.items() if k < stop])) for line in numbers]
            lines = below[stop]
            if holds:
                lines = [low | {line[m]: low.get(line[m], 0) + 1} if m in line else low for low, line in zip(lines, numbers, strict=True)]
            for index, count in enumerate(_at_most((surely, most), lines, ledger)):
                found[index] += sign * count
        return found[0], found[1]


def _at_most(limits: Sequence[int], lines: Sequence[Mapping[int, int]], ledger: Ledger) -> list[int]:
    """How many choices of one number per line sum to at most each limit, the last of which is the highest; lines: number -> how often.

    The histogram of sums is one integer with a field of `width` bits per sum, as in `count_sums`; sums above the last limit are dropped.
    """
    if not all(lines):
        return [0 for _ in limits]
    floors = list(map(min, lines))
    limits = [max(limit - sum(floors), -1) for limit in limits]
    most = limits[-1]
    if most < 0:
        return [0 for _ in limits]
    width = max(sum(sum(line.values()).bit_length() for line in lines), 1) + 1  # attack: no free slot, one choice, and a field of one bit
    histogram, length = 1, 1
    for line, floor in zip(lines, floors, strict=True):
        fields = {number - floor: count for number, count in line.items() if number - floor <= most}
        ledger.count(integer_ops=len(line) + 2 * sum(min(length, most + 1 - number) for number in fields))
        histogram = sum(
            count * (histogram if number + length <= most + 1 else histogram & _ones(width * (most + 1 - number))) << width * number
            for number, count in fields.items()
        )
        length = min(length + max(fields), most + 1)
    return [(histogram & _ones(width * (limit + 1))) % _ones(width) for limit in limits]


def _ones(bits: int) -> int:
    return (1 << bits) - 1
