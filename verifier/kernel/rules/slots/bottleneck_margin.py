"""Rule bottleneck_margin: pieces on which a narrow node lies in a box, and the network behind it is right on all of that box."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import islice
from math import prod

from verifier.kernel.certificate import Floats, Hint, IntegerArray, Integers, IntegerTable, Signature
from verifier.kernel.errors import StepRejected
from verifier.kernel.facts import Context, Fact, RightAt
from verifier.kernel.limits import LIMITS, check_limit
from verifier.kernel.network.judging import Judge, labelled
from verifier.kernel.network.program import Node
from verifier.kernel.pieces.bottleneck import FINER, WIDEST, Behind, Cell, Frame
from verifier.kernel.pieces.piece import LARGEST_CUT, Cutting, left_open
from verifier.kernel.pieces.relaxed import CELLS_AT_ONCE, Relaxed
from verifier.kernel.pieces.rows import Rows, enclosed, integer

SIGNATURE = Signature(
    premises={},
    hints={
        "read": Integers(0, LIMITS.positions),
        "splits": IntegerTable(-LARGEST_CUT, LARGEST_CUT),
        "divisor": Integers(1, LARGEST_CUT),
        "node": Integers(0, LIMITS.nodes),
        "frames": Floats(),
        "ranges": Floats(),
        "multipliers": Floats(),
        "shares": Floats(),
        "parts": IntegerTable(1, 1 << 10),
        "labels": IntegerTable(0, LIMITS.vocabulary),
    },
    optional=("frames", "multipliers", "shares", "labels"),
)
CELLS_OF_A_BATCH = 1 << 14  # cells of boxes that are evaluated together


def bottleneck_margin(premises: Mapping[str, list[Fact]], hints: Mapping[str, Hint], context: Context) -> RightAt:
    """Premises: none.  Hints: read, splits, divisor and labels as in `relaxed_margin`; node, the number of a node of the program; its
    width is r.

    frames, shape (vocabulary, 4), of a node of width 2: a frame G for each query, row by row; without it G = 1.  With a row for each piece
    whose answer is known: ranges, the lower ends of the r coordinates s adj(G) of the node's value s, then the upper ends; multipliers
    and shares for these functionals, as in `relaxed_margin`; parts, into how many equal parts each coordinate's range is cut.

    Conclusion: all inputs are right at the read but those of pieces where `exceeds` does not prove a range, or where on some cell of the
    cut box some margin, evaluated by intervals, is not certainly positive.
    Operations: 4 per (piece, slot, token, coordinate), and those of the network behind the node per cell.
    Soundness: `bottleneck_margin_sound` (S1, S2, S5, S12).
    """
    judge, read = Judge.of(context, labelled(context.subject.task, hints)), integer(hints["read"])
    cutting = Cutting(judge.task, context.subject.scope, read, context.ledger)
    leaves = cutting.leaves(hints["splits"])
    known = [leaf.piece for leaf in leaves if leaf.piece is not None]
    nodes = context.network.program.nodes
    number = integer(hints["node"])
    if number >= len(nodes) or nodes[number].name in context.network.local:
        raise StepRejected("wrong-node", expected="the number of a node behind the attention", got=number)
    width = context.network.widths[nodes[number].name]
    if width > WIDEST:  # attack: frames of 8,192 x 8,192 fractions, one for each cell
        raise StepRejected("wrong-node", expected=f"a node of width {WIDEST} or less", got=f"width {width}")
    relaxed = Relaxed(judge, cutting, known, integer(hints["divisor"]))
    right = iter(_Boxes(relaxed, nodes[number], Rows(hints, len(known), context)).right())
    lost = [leaf for leaf in leaves if leaf.piece is None or not next(right)]
    return RightAt(read, left_open(context, read, [(leaf, cutting.inputs_within(leaf)) for leaf in lost]))


@dataclass(frozen=True)
class _Boxes:
    """What the hints prove of the pieces of a step."""

    relaxed: Relaxed
    node: Node
    rows: Rows

    @property
    def width(self) -> int:
        return self.relaxed.judge.network.widths[self.node.name]

    @property
    def at_once(self) -> int:
        """How many cells are evaluated together: each brings a frame, and finer cells of its own."""
        return max(min(self.relaxed.judge.inputs_at_once, CELLS_OF_A_BATCH, CELLS_AT_ONCE // (FINER * self.width**2)), 1)

    @cached_property
    def identity(self) -> Frame:
        return Frame.identity(self.width)

    @cached_property
    def parts(self) -> Sequence[Sequence[int]]:
        """Per piece, per coordinate."""
        hint, count = self.rows.hints["parts"], len(self.relaxed.pieces)
        if not isinstance(hint, IntegerArray) or (len(hint.rows), len(hint.rows[0])) != (count, self.width):
            raise StepRejected("wrong-shape", expected=f"parts of shape ({count}, {self.width})", got="another shape")
        return hint.rows

    @cached_property
    def frames(self) -> Rows:
        """The hint arrays with a row for each token."""
        return Rows(self.rows.hints, self.relaxed.judge.network.vocabulary, self.rows.context)

    def frame(self, query: int) -> Frame:
        if "frames" not in self.rows.hints:
            return self.identity
        if self.width != 2:  # attack: a hint that looks as if it decided something
            raise StepRejected("bad-frame", expected="frames for a node of width 2 alone", got=f"a node of width {self.width}")
        return Frame.of(self.frames.of("frames", 4, [query])[0])

    def right(self) -> list[bool]:
        """Per piece: whether its box is proved, and every cell of it."""
        boxes: dict[int, list[tuple[int, Sequence[Fraction], Frame]]] = {}  # by answer
        right = [False] * len(self.relaxed.pieces)
        for query, members in self.relaxed.alike(2 * self.width):
            frame = self.frame(query)
            ranges = self.rows.of("ranges", 2 * self.width, members)
            for index, ends, bounded in zip(members, ranges, self._bounded(query, frame, ranges, members), strict=True):
                right[index] = bounded
                if bounded:
                    answer = self.relaxed.pieces[index].answer
                    boxes.setdefault(answer, []).append((index, ends, frame))
        for answer, listed in boxes.items():
            # attack: 2^16 cells for each of thousands of pieces, all in memory before the first is evaluated
            cells = ((index, cell) for index, ends, frame in listed for cell in self._cells(index, ends, frame))
            while batch := list(islice(cells, self.at_once)):
                for index, found in self._certain(answer, batch):
                    right[index] = right[index] and found
        return right

    def _bounded(self, query: int, frame: Frame, ranges: Sequence[Sequence[Fraction]], members: Sequence[int]) -> list[bool]:
        """Whether all coordinates are certainly within their ranges."""
        carried, width = self.relaxed.carried, self.width
        matrix = enclosed(self.relaxed.judge.workshop, frame.adjugate, "feature", "column")
        form = carried.of(self.node.name, matrix, {}, query).with_negatives()
        bounds = self.rows.enclosed([[*row[:width], *(-end for end in row[width:])] for row in ranges], "piece", "column")
        hints = self.rows.multipliers(range(2 * width), 2 * width, len(carried.heads), members)
        certain: list[bool] = self.relaxed.question(query, members).exceeds(form, bounds, hints).all("column").to_list()
        return certain

    def _cells(self, index: int, ends: Sequence[Fraction], frame: Frame) -> Iterator[Cell]:
        """The equal parts of a piece's box."""
        check_limit("bottleneck_cells", prod(self.parts[index]))
        whole = Cell(self.relaxed.pieces[index].slots, frame, tuple(zip(ends[: self.width], ends[self.width :], strict=True)))
        return whole.cut(self.parts[index])

    def _certain(self, answer: int, listed: Sequence[tuple[int, Cell]]) -> Iterator[tuple[int, bool]]:
        """Indices of pieces with one answer, and whether all margins are positive on a cell of theirs."""
        judge = self.relaxed.judge
        behind = Behind(judge.evaluation, self.node.name, [cell for _, cell in listed])
        margins = behind.gaps(self.relaxed.cutting.place, *judge.margins(answer)).min("output")
        return zip((index for index, _ in listed), margins.certainly_positive().to_list(), strict=True)
