"""List, then evaluate: the inputs of a piece at which some relaxed margin may fail, each looked at with the whole network (S10)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from verifier.kernel.errors import StepRejected
from verifier.kernel.limits import check_limit
from verifier.kernel.network.judging import Judge
from verifier.kernel.numbers.listing import not_positive
from verifier.kernel.numbers.workshop import on_grid
from verifier.kernel.pieces.functionals import Form
from verifier.kernel.pieces.least import Multipliers, Question
from verifier.kernel.pieces.piece import Cutting, Piece
from verifier.kernel.tasks.task import Tokens


@dataclass
class Listing:
    """Inputs of pieces that failed, and how many of them are certainly right and certainly wrong.

    Of tasks that read one answer and determine no slot, where the attention sees all free slots: else what is listed is no input.
    """

    judge: Judge
    cutting: Cutting
    places: Sequence[int]
    suspects: list[Tokens] = field(default_factory=list)
    steps: int = 0

    def __post_init__(self) -> None:
        layout = self.judge.task.layout
        if len(layout.reads) > 1 or layout.determined or not set(layout.free) <= set(self.places):
            got = "several answers, determined slots, or slots that are not seen"
            raise StepRejected("wrong-subject", expected="a task whose inputs can be listed at its read", got=got)

    def add(self, question: Question, form: Form, hints: Multipliers, failed: Sequence[Sequence[bool]]) -> None:
        """The inputs at which some functionals of a question's pieces may not be positive; failed: per piece and column, whether it may."""
        terms = question.terms(form, question.functionals.number(0), hints)
        (grid,) = on_grid("piece", question.standing(terms))
        axes = ("piece", "column", "key_place", "token")
        tables = grid.spread(axes, grid.sizes).to_list()
        for piece, table, columns in zip(question.slots.pieces, tables, failed, strict=True):
            found: set[Tokens] = set()
            for lines, open_ in zip(table, columns, strict=True):
                if open_:
                    found.update(self._inputs(piece, lines))
            self.suspects += sorted(found)
            check_limit("listed_inputs", len(self.suspects))

    def _inputs(self, piece: Piece, table: Sequence[Sequence[int]]) -> Iterator[Tokens]:
        """Of one piece and one column; inputs of another score, or that a condition leaves out, are not of the piece."""
        ledger, scores, free = self.cutting.ledger, self.cutting.scores, self.judge.task.layout.free
        lines = []
        for line, place in zip(table, self.places, strict=True):
            first, last = piece.slots[place]
            ledger.count(integer_ops=(last - first + 1) * (last - first + 1).bit_length())
            lines.append(sorted((line[token], token) for token in range(first, last + 1)))
        at = [list(self.places).index(slot) for slot in free]
        for tokens in not_positive(0, lines, ledger):
            self.steps += 1
            check_limit("listing_steps", self.steps)
            chosen = tuple(tokens[index] for index in at)
            score = sum(line[token] for line, token in zip(scores, chosen, strict=True))
            if piece.low <= score <= piece.high and self.cutting.scope.holds(chosen):
                yield chosen

    def lost_and_wrong(self) -> tuple[int, int]:
        """How many of the inputs listed are not certainly right, and how many certainly wrong."""
        right = wrong = 0
        for start in range(0, len(self.suspects), self.judge.inputs_at_once):
            answers = self.judge.answers(self.judge.batch(self.suspects[start : start + self.judge.inputs_at_once]))
            right, wrong = right + sum(answers[0]), wrong + sum(answers[1])
        return len(self.suspects) - right, wrong
