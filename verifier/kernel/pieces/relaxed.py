"""Margins behind relu as affine functionals of the attention: the forms that `relaxed_margin` tests, piece by piece."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property

from verifier.kernel.errors import StepRejected
from verifier.kernel.network.judging import Judge
from verifier.kernel.network.program import Node
from verifier.kernel.numbers.tensor import Tensor
from verifier.kernel.pieces.functionals import Form, Functionals, Lines
from verifier.kernel.pieces.least import Question, Slots
from verifier.kernel.pieces.piece import Cutting, Piece
from verifier.kernel.pieces.rows import enclosed
from verifier.kernel.pieces.sizes import Sizes

CELLS_AT_ONCE = 1 << 20  # terms of a batch
Ranges = tuple[Sequence[Fraction], Sequence[Fraction]]  # lower ends and upper ends of a node's entries
Range = tuple[Tensor, Tensor]  # lower ends and upper ends of a size, axis (piece,)


@dataclass(frozen=True)
class Relaxed:
    """All pieces of a step with known answers.  forms: of nodes before a relu, made once for all queries."""

    judge: Judge
    cutting: Cutting
    pieces: Sequence[Piece]
    divisor: int
    forms: dict[str, Form] = field(default_factory=dict, repr=False)

    @cached_property
    def carried(self) -> Functionals:
        """Functionals at the place of the read."""
        return Functionals(self.judge.evaluation, self.cutting.place)

    @cached_property
    def bent(self) -> list[Node]:
        """The nodes that are relaxed: each relu that attention reaches."""
        network = self.judge.network
        return [node for node in network.program.nodes if node.operator == "relu" and node.name not in network.local]

    @cached_property
    def sizes(self) -> Sizes | None:
        """Of the operand of a norm between attention and logits, if there is one."""
        norm = self.carried.norm_before(self.judge.margins(self.judge.network.outputs.start)[0])
        return None if norm is None else Sizes(self.carried, norm, self._identity(self.judge.network.widths[norm.inputs[0]]))

    @property
    def ends(self) -> int:
        """With how many sizes the margins are tested: one for no norm, else both ends."""
        return 1 if self.sizes is None else 2

    @property
    def size_tests(self) -> int:
        """How many functionals are tests of a size: its lower end, its upper end."""
        return 0 if self.sizes is None else 2

    @property
    def entries(self) -> int:
        """How many functionals are ends of ranges: two for each entry before a relu."""
        return 2 * sum(self.judge.network.widths[node.name] for node in self.bent)

    @property
    def margins(self) -> int:
        """How many functionals are margins."""
        return (len(self.judge.network.outputs) - 1) * self.ends

    @property
    def functionals(self) -> int:
        """How many functionals a piece has: tests of a size, ends of ranges, margins."""
        return self.size_tests + self.entries + self.margins

    def alike(self, functionals: int) -> Iterator[tuple[int, list[int]]]:
        """Queries, and indices of pieces with that query: as many at once as fit, with so many functionals each."""
        place, network = self.cutting.place, self.judge.network
        at_once = max(CELLS_AT_ONCE // (self.judge.task.layout.positions * network.vocabulary * functionals), 1)
        members: dict[int, list[int]] = {}
        for index, piece in enumerate(self.pieces):
            first, last = piece.slots[place]
            if first == last:  # else the query is not known
                members.setdefault(first, []).append(index)
        for query, line in members.items():
            for start in range(0, len(line), at_once):
                yield query, line[start : start + at_once]

    def by_answer(self, members: Sequence[int]) -> Iterator[tuple[int, list[int]]]:
        """Answers, and the places of pieces with that answer among the members."""
        answers = [self.pieces[index].answer for index in members]
        for answer in sorted(set(answers)):
            yield answer, [place for place, other in enumerate(answers) if other == answer]

    def question(self, query: int, members: Sequence[int]) -> Question:
        """Some pieces with this query."""
        pieces, free = [self.pieces[index] for index in members], self.judge.task.layout.free
        slots = Slots(self.judge.workshop, pieces, self.carried.places, free, self.cutting.scores, self.divisor)
        return Question(self.carried, query, slots)

    def ranged(self, node: Node, lines: Mapping[str, Lines], query: int, sizes: Range | None) -> Form:
        """All entries before a relu, then all with the other sign; behind a norm, of its operand's size times them.

        sizes: low and high, axes (piece,).  Made once for all queries where nothing before them is relaxed.
        """
        width = self.judge.network.widths[node.name]
        if lines:
            signs = [[(row == column % width) * (1 if column < width else -1) for column in range(2 * width)] for row in range(width)]
            form = self.carried.of(node.inputs[0], self._integers(signs), lines, query)
        else:
            if node.name not in self.forms:
                self.forms[node.name] = self.carried.of(node.inputs[0], self._identity(width), {}).with_negatives()
            form = self.forms[node.name].at(query)
        return form if sizes is None else form.sized(sizes[0].hull(sizes[1]))

    def margin_form(self, query: int, answer: int, lines: Mapping[str, Lines], sizes: Range | None) -> Form:
        """Lower bounds of all margins of an answer, up to a positive factor; behind a norm, with its least and its greatest size."""
        form = self.carried.of(*self.judge.margins(answer), lines, query)
        # affine in the size, so that both ends decide: the lines are the same at both
        return form if sizes is None else form.sized(sizes[0]).joined(form.sized(sizes[1]))

    def lines(self, ranges: Sequence[Ranges]) -> Lines:
        """Lines below and above relu, for each piece: z or 0 where the sign is known, else the nearer of these two, and the chord."""
        rows = [[_relu_lines(low, high) for low, high in zip(*ends, strict=True)] for ends in ranges]
        sides = ([[four[side] for four in line] for line in rows] for side in range(4))
        return Lines(*(enclosed(self.judge.workshop, side, "piece", "feature") for side in sides))

    def _identity(self, width: int) -> Tensor:
        return self._integers([[int(row == column) for column in range(width)] for row in range(width)])

    def _integers(self, rows: Sequence[Sequence[int]]) -> Tensor:
        cells = [(cell, cell, 0) for row in rows for cell in row]
        return self.judge.workshop.enclose_between(cells, ("feature", "column"), (len(rows), len(rows[0])))


def _relu_lines(low: Fraction, high: Fraction) -> tuple[Fraction, Fraction, Fraction, Fraction]:
    """Slope and start of a line below relu on [low, high], and of one above."""
    if low > high:
        raise StepRejected("bad-range", expected="a lower end below the upper end", got="the other way round")
    if low >= 0 or high <= 0:
        return Fraction(low >= 0), Fraction(0), Fraction(low >= 0), Fraction(0)
    chord = high / (high - low)
    return Fraction(high > -low), Fraction(0), chord, -low * chord
