"""Count, do not list: how many inputs of a piece there are at which some relaxed margin may fail (S3).

For each margin the inputs whose sum of terms may not be positive are counted by histograms; an input that is wrong is among those of some
margin, so the numbers are added.  That bounds the wrong inputs from above and says nothing of them from below.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod

from verifier.kernel.errors import StepRejected
from verifier.kernel.numbers.counting import positive_sums
from verifier.kernel.numbers.workshop import on_grid
from verifier.kernel.pieces.functionals import Form
from verifier.kernel.pieces.least import Multipliers, Question
from verifier.kernel.pieces.piece import Cutting, Piece


@dataclass
class Counting:
    """Upper bounds of the inputs lost in pieces that failed.  bins: the resolution of the sums.  lost: pieces, each with its bound.

    Of tasks that determine no slot: else what is counted is no input.
    """

    cutting: Cutting
    places: Sequence[int]
    bins: int
    lost: list[tuple[Piece, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.cutting.task.layout.determined:
            raise StepRejected("wrong-subject", expected="a task that determines no slot", got="determined slots")

    def add(self, question: Question, form: Form, hints: Multipliers, failed: Sequence[Sequence[bool]]) -> None:
        """Functionals of a question's pieces, and per piece and column whether they may not be positive."""
        shifted, base = question.shifted(question.terms(form, question.functionals.number(0), hints), hints.mu)
        shifted = question.standing(shifted)
        grid, bases = on_grid(
            "piece", shifted, base.spread(("piece", "column"), {axis: shifted.size(axis) for axis in ("piece", "column")})
        )
        axes = ("piece", "column", "key_place", "token")
        tables = grid.spread(axes, grid.sizes).to_list()
        for piece, table, starts, columns in zip(question.slots.pieces, tables, bases.to_list(), failed, strict=True):
            every = self.cutting.inputs_within(piece)
            found = sum(self._failing(piece, lines, start) for lines, start, open_ in zip(table, starts, columns, strict=True) if open_)
            self.lost.append((piece, min(every, found)))

    def _failing(self, piece: Piece, table: Sequence[Sequence[int]], base: int) -> int:
        """At most how many inputs of a piece have a sum that is not positive; the piece's condition on the score aside."""
        lines = [
            list(line[first : last + 1]) for line, (first, last) in zip(table, (piece.slots[place] for place in self.places), strict=True)
        ]
        sizes = [[1] * len(line) for line in lines]
        unseen = prod(
            last - first + 1
            for slot, (first, last) in zip(self.cutting.task.layout.free, piece.box, strict=True)
            if slot not in self.places
        )
        return unseen * (prod(map(len, lines)) - positive_sums(base, lines, sizes, self.bins, False, self.cutting.ledger))
