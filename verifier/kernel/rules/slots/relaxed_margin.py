"""Rule relaxed_margin: pieces on which the right output certainly wins, by one affine functional of the attention per competitor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from verifier.kernel.certificate import Choice, Floats, Hint, Integers, IntegerTable, Signature
from verifier.kernel.errors import StepRejected
from verifier.kernel.facts import Context, Fact, RightAt
from verifier.kernel.limits import LIMITS
from verifier.kernel.network.judging import Judge, labelled
from verifier.kernel.numbers.tensor import Tensor
from verifier.kernel.pieces.counted import Counting
from verifier.kernel.pieces.functionals import Lines
from verifier.kernel.pieces.least import Multipliers, Question
from verifier.kernel.pieces.listed import Listing
from verifier.kernel.pieces.piece import LARGEST_CUT, Cutting, left_open
from verifier.kernel.pieces.relaxed import Range, Relaxed
from verifier.kernel.pieces.rows import Rows, integer

SIGNATURE = Signature(
    premises={},
    hints={
        "read": Integers(0, LIMITS.positions),
        "splits": IntegerTable(-LARGEST_CUT, LARGEST_CUT),
        "divisor": Integers(1, LARGEST_CUT),
        "sizes": Floats(),
        "centres": Floats(),
        "ranges": Floats(),
        "multipliers": Floats(),
        "shares": Floats(),
        "failures": Choice(("lost", "listed", "counted")),
        "bins": Integers(1, 1 << 20),
        "labels": IntegerTable(0, LIMITS.vocabulary),
    },
    optional=("sizes", "centres", "ranges", "multipliers", "shares", "failures", "bins", "labels"),
)


Failures = Listing | Counting


def relaxed_margin(premises: Mapping[str, list[Fact]], hints: Mapping[str, Hint], context: Context) -> RightAt:
    """Premises: none.  Hints: read, an index of the task's reads; splits, a tree of cuts, see `boxes_of`; divisor of the scores.

    Arrays of floats, a row for each piece whose answer is known: ranges, of all entries before each relu, the lower ends of a node before
    its upper ends; multipliers, a number for each functional; shares, (functional, head but the last).  The functionals are the ends of
    the ranges, in their order, then the margins to all other outputs, in theirs.

    failures: whether pieces where a margin may fail are lost, which is usual, or their suspect inputs are listed and evaluated one by one,
    or counted by histograms of that many bins.
    labels, shape (1, inputs): of a task that is a table.

    On a piece whose token at the read is known, an entry before a relu is within its range if `exceeds` proves both ends.  Then relu is
    between two lines there, and each margin is at least an affine functional of the attention: it is positive wherever a sum of one term
    per slot is.  Conclusion: all inputs are right at the read but those of pieces where a test fails; of those that are listed, but the
    ones at which some sum is not positive and the network, evaluated, is not certainly right; of those that are counted, but as many as
    have a sum that may not be positive, one margin after the other.
    Operations: 4 per (piece, slot, token, functional), and those of the network per input listed.
    Soundness: `relaxed_margin_sound` (S1, S2, S4, S6, S10, S12).
    """
    judge, read = Judge.of(context, labelled(context.subject.task, hints)), integer(hints["read"])
    cutting = Cutting(judge.task, context.subject.scope, read, context.ledger)
    leaves = cutting.leaves(hints["splits"])
    known = [leaf.piece for leaf in leaves if leaf.piece is not None]
    relaxed = Relaxed(judge, cutting, known, integer(hints["divisor"]))
    margins = _Margins(relaxed, Rows(hints, len(known), context), _failures(hints, relaxed))
    right = iter(margins.right())
    lost = [(leaf, cutting.inputs_within(leaf)) for leaf in leaves if leaf.piece is None or not next(right)]
    if isinstance(margins.failures, Listing):
        further, wrong = margins.failures.lost_and_wrong()
        return RightAt(read, left_open(context, read, lost) + further, wrong)
    counted = margins.failures.lost if margins.failures else []
    return RightAt(read, left_open(context, read, [*lost, *counted]))


def _failures(hints: Mapping[str, Hint], relaxed: Relaxed) -> Failures | None:
    """What becomes of inputs at which a margin may fail; None: their pieces are lost."""
    kind, places = hints.get("failures"), relaxed.carried.places
    if kind == "counted":
        if "bins" not in hints:
            raise StepRejected("missing-hint", expected="bins, to count failures", got="no such hint")
        return Counting(relaxed.cutting, places, integer(hints["bins"]))
    return Listing(relaxed.judge, relaxed.cutting, places) if kind == "listed" else None


@dataclass(frozen=True)
class _Margins:
    """What the hints prove of the pieces of a step."""

    relaxed: Relaxed
    rows: Rows
    failures: Failures | None

    def right(self) -> list[bool]:
        """Per piece: whether all margins are certainly positive, or all inputs where they may not be are listed or counted."""
        right = [False] * len(self.relaxed.pieces)
        for query, members in self.relaxed.alike(self.relaxed.functionals):
            for index, found in zip(members, self._right(query, members), strict=True):
                right[index] = found
        return right

    def _right(self, query: int, members: Sequence[int]) -> list[bool]:
        """For pieces with one query."""
        relaxed, question = self.relaxed, self.relaxed.question(query, members)
        right, sizes = self._sized(question, members)
        start, first = relaxed.size_tests, 0
        lines: dict[str, Lines] = {}
        ranges = self.rows.of("ranges", relaxed.entries, members) if relaxed.bent else []
        for node in relaxed.bent:
            width = relaxed.judge.network.widths[node.name]
            # the lower ends, and the upper ends with the other sign: what the functionals must exceed
            ends = [[*row[first : first + width], *(-end for end in row[first + width : first + 2 * width])] for row in ranges]
            bounds, columns = self.rows.enclosed(ends, "piece", "column"), range(start + first, start + first + 2 * width)
            form = relaxed.ranged(node, lines, query, sizes)
            right = _both(right, question.exceeds(form, bounds, self._multipliers(columns, members)).all("column"))
            lines[node.name] = relaxed.lines([(row[:width], [-end for end in row[width:]]) for row in ends])
            first += 2 * width
        columns = range(start + first, relaxed.functionals)
        for answer, chosen in relaxed.by_answer(members):
            some = [members[place] for place in chosen]
            within = sizes and (sizes[0].take("piece", chosen), sizes[1].take("piece", chosen))
            form = relaxed.margin_form(query, answer, {name: line.of(chosen) for name, line in lines.items()}, within)
            hints = self._multipliers(columns, some)
            positive = relaxed.question(query, some).exceeds(form, relaxed.carried.number(0), hints).to_list()
            open_ = [index for index, place in enumerate(chosen) if right[place] and not all(positive[index])]
            if self.failures is None:
                for index in open_:
                    right[chosen[index]] = False
            elif open_:
                left = [some[index] for index in open_]
                failed = [[not ok for ok in positive[index]] for index in open_]
                self.failures.add(relaxed.question(query, left), form.of(open_), self._multipliers(columns, left), failed)
        return right

    def _sized(self, question: Question, members: Sequence[int]) -> tuple[list[bool], Range | None]:
        """Per piece whether the size of the norm's operand is certainly in its range, and the ranges; of no norm, true and None."""
        sizes = self.relaxed.sizes
        if sizes is None:
            return [True] * len(members), None
        rows = self.rows.of("sizes", 2, members)
        if not all(0 < low <= high for low, high in rows):  # attack: a factor that is negative turns the signs of all margins
            raise StepRejected("bad-range", expected="sizes with 0 < lower end <= upper end", got="others")
        low, high = (self.rows.enclosed([[row[side]] for row in rows], "piece", "column") for side in (0, 1))
        centres = self.rows.enclosed(
            self.rows.of("centres", self.relaxed.judge.network.widths[sizes.norm.inputs[0]], members), "piece", "feature"
        )
        above, scale, offset = sizes.above(centres, question.query)
        certain = question.exceeds(above, low * scale + offset, self._multipliers(range(1), members))
        certain = certain & question.exceeds(sizes.below(question.query), -high, self._multipliers(range(1, 2), members))
        return _both([True] * len(members), certain.all("column")), (low.select("column", 0), high.select("column", 0))

    def _multipliers(self, columns: range, members: Sequence[int]) -> Multipliers:
        return self.rows.multipliers(columns, self.relaxed.functionals, len(self.relaxed.carried.heads), members)


def _both(known: Sequence[bool], found: Tensor) -> list[bool]:
    """Per piece: what was known, and what was found."""
    return [one and other for one, other in zip(known, found.to_list(), strict=True)]
