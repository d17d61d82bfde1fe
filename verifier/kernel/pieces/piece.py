"""Sets of inputs: a range of tokens per free slot, and an interval that holds the score.

The *score* of an input is a sum of integers, one for each free slot's token; the task says which (`Task.scores`).  The sum so far of a
cumulative sign is one, the number that the digits so far stand for another.  A piece is what a tree of cuts leaves: a cut is of a slot's
tokens or of the score, so pieces are disjoint and cover the scope whatever the hints say.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod

from verifier.kernel.certificate import Hint, IntegerArray
from verifier.kernel.errors import StepRejected
from verifier.kernel.facts import Context
from verifier.kernel.limits import check_limit
from verifier.kernel.numbers.matrix import Ledger
from verifier.kernel.scope import InputScope
from verifier.kernel.tasks.task import LISTED_INPUTS, Box, Task

LEAF = (-1, -1)
LARGEST_CUT = 1 << 62  # of the numbers at which a score is cut
PIECE_OPERATIONS = 16  # charged for each slot of a piece, and of each input that is listed
TOKEN_OPERATIONS = 4  # charged for each token of a slot, whose score is compared with others
Scores = tuple[tuple[int, ...], ...]  # per free slot, per token


@dataclass(frozen=True)
class Piece:
    """Inputs whose answer at one read is the same.  box: a range per free slot; low <= score <= high; slots: a range per position.

    answer: the right output.  All inputs of the piece have their tokens within `slots`, determined ones too.
    """

    box: Box
    low: int
    high: int
    slots: Box
    answer: int


@dataclass(frozen=True)
class Leaf:
    """What a tree of cuts leaves.  piece: None where its inputs may differ in their answer, or where there are none."""

    box: Box
    low: int
    high: int
    piece: Piece | None


@dataclass(frozen=True)
class LeftOpen:
    """What a rule gave up in a leaf, for people who look for wrong inputs there: nothing is concluded from it.

    lost: how many of the leaf's inputs may be wrong.
    """

    read: int
    leaf: Leaf | Piece
    lost: int


def left_open(context: Context, read: int, lost: Sequence[tuple[Leaf | Piece, int]]) -> int:
    """Keep leaves with what is lost in each, one list for each step, and return the sum."""
    context.kept.setdefault("left open", []).append([LeftOpen(read, leaf, number) for leaf, number in lost])
    return sum(number for _, number in lost)


def boxes_of(splits: Sequence[Sequence[int]], whole: Box) -> Iterator[Box]:
    """The leaves of a tree of cuts in preorder: disjoint, and together the whole.  Raises StepRejected unless the rows are one tree.

    A row (axis, number) cuts a box into the part below `number` on an axis and the rest; a row (-1, -1) is a leaf.
    """
    waiting = [whole]
    for number, row in enumerate(splits):
        if not waiting:
            raise StepRejected("bad-splits", expected=f"one tree, which ends with row {number - 1}", got=f"{len(splits)} rows")
        box = waiting.pop()
        if tuple(row) == LEAF:
            yield box
            continue
        axis, cut = row
        first, last = box[axis] if 0 <= axis < len(box) else (0, -1)
        if not first < cut <= last:  # attack: an empty part, or one that reaches beyond its box
            expected = f"a cut of the box {[list(ends) for ends in box]} into two parts that are not empty"
            raise StepRejected("bad-splits", expected=expected, got=f"axis {axis}, number {cut} in row {number}")
        waiting += [(*box[:axis], ends, *box[axis + 1 :]) for ends in ((cut, last), (first, cut - 1))]
    if waiting:  # attack: a part of the scope that no leaf speaks of is fine for a count, but the tree is not what it seems
        raise StepRejected("bad-splits", expected="a tree all of whose branches end in leaves", got=f"{len(waiting)} branches without")


@dataclass(frozen=True)
class Cutting:
    """How the inputs of a scope are cut for one read.  read: its index among the task's reads."""

    task: Task
    scope: InputScope
    read: int
    ledger: Ledger

    @property
    def place(self) -> int:
        """The position of the read."""
        return self.task.layout.reads[self.read]

    def leaves(self, hint: Hint) -> list[Leaf]:
        """The leaves of a tree of cuts, whose last axis is the score.  Raises StepRejected."""
        if self.read >= len(self.task.layout.reads):
            raise StepRejected("missing-read", expected=f"an index below {len(self.task.layout.reads)}", got=self.read)
        if not isinstance(hint, IntegerArray) or len(hint.rows[0]) != len(LEAF):
            raise StepRejected("wrong-shape", expected="splits of shape (rows, 2)", got="another shape")
        return [self.leaf(box) for box in boxes_of(hint.rows, self.whole)]

    def leaf(self, whole: Box) -> Leaf:
        """A box whose last axis is the score, as a leaf."""
        *ranges, (first, last) = whole
        inputs = prod(end - start + 1 for start, end in ranges)
        # attack: leaves whose inputs are listed for hours, or whose tokens are compared for hours
        slots = self.task.layout.positions * (1 + min(inputs, LISTED_INPUTS) * self.task.lists_boxes) + 1
        tokens = sum(end - start + 1 for start, end in ranges)
        self.ledger.count(integer_ops=PIECE_OPERATIONS * slots + TOKEN_OPERATIONS * tokens)
        box, (least, most) = tuple(ranges), _reach(self.scores, ranges)
        low, high = max(first, least), min(last, most)
        answer = self.task.answer_within(self.read, box, low, high) if low <= high else None
        if answer is None:
            return Leaf(box, low, high, None)
        return Leaf(box, low, high, Piece(box, low, high, self.task.slots_within(self.read, box, low, high), answer))

    @property
    def whole(self) -> Box:
        """The scope, with the score as one more axis."""
        return (*self.scope.ranges, _reach(self.scores, self.scope.ranges))

    @cached_property
    def scores(self) -> Scores:
        """The score of each token of each free slot; 0 where the task has none."""
        return self.task.scores(self.read) or tuple((0,) * (last + 1) for _, last in self.scope.ranges)

    def inputs_within(self, leaf: Leaf | Piece) -> int:
        """How many inputs a leaf or its piece has, conditions of the scope aside; slots of the widest spread first."""
        box, low, high = leaf.box, leaf.low, leaf.high
        if low > high:
            return 0
        lines = [line[first : last + 1] for line, (first, last) in zip(self.scores, box, strict=True)]
        lines.sort(key=lambda line: max(line) - min(line), reverse=True)
        self.ledger.count(integer_ops=TOKEN_OPERATIONS * sum(map(len, lines)))
        rests = [(0, 0, 1)]  # of the slots from each on: the least and the greatest sum, and how many inputs
        for line in reversed(lines):
            least, most, every = rests[-1]
            rests.append((least + min(line), most + max(line), every * len(line)))
        found, sums = 0, {0: 1}
        for line, (least, most, every) in zip(lines, reversed(rests[1:]), strict=True):
            inside = [total for total in sums if low <= total + least and total + most <= high]
            found += every * sum(sums.pop(total) for total in inside)
            further: dict[int, int] = {}
            self.ledger.count(integer_ops=2 * len(sums) * len(line))
            for total, count in sums.items():
                if total + most >= low and total + least <= high:
                    for score in line:
                        further[total + score] = further.get(total + score, 0) + count
                    check_limit("score_sums", len(further))  # attack: scores of which no two sums are the same
            sums = further
        return found + sum(count for total, count in sums.items() if low <= total <= high)


def _reach(scores: Scores, box: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """The least and the greatest score within a box."""
    lines = [line[first : last + 1] for line, (first, last) in zip(scores, box, strict=True)]
    return sum(map(min, lines)), sum(map(max, lines))


def divided(scores: Scores, piece: Piece, divisor: int, seen: Sequence[bool]) -> tuple[int, int]:
    """An interval for the sum of score // divisor over the free slots that are seen, on a piece.

    What the remainders can add is taken off, and all that the other slots can; whole numbers round inward.
    """
    rests = []
    for line, (first, last), is_seen in zip(scores, piece.box, seen, strict=True):
        # attack: a score held to the digits that the network sees, as if the others were 0
        rests.append([score % divisor if is_seen else score for score in line[first : last + 1]])
    low, high = piece.low - sum(map(max, rests)), piece.high - sum(map(min, rests))
    return -(-low // divisor), high // divisor
