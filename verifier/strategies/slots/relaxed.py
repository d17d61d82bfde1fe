"""Strategy slots: pieces of one answer and one query, each decided by affine functionals of the attention (rule relaxed_margin)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

import numpy as np

from verifier.kernel.network.operators import NORMS
from verifier.kernel.pieces.functionals import Lines
from verifier.kernel.pieces.piece import Leaf, Piece
from verifier.kernel.pieces.relaxed import Relaxed
from verifier.strategies.slots.growing import Found, Read, steps_of
from verifier.strategies.slots.growing import misfit as pieces_misfit
from verifier.strategies.slots.multipliers import bounded, positive
from verifier.strategies.slots.sizes import size_ranges
from verifier.strategies.steps import Step, float_array
from verifier.strategies.target import Target

LISTABLE = 1 << 26  # inputs of a scope whose failures are listed
BINS = 64  # of the sums of failures that are counted
NEEDED = ("ranges", "sizes", "centres")  # arrays that are there even where all entries are 0
LINEAR = ("add", "scale", "linear", "attention", "relu")


def misfit(target: Target) -> str:
    """Why this strategy is not for the target; empty if it is."""
    network, tail = target.network, target.network.program.node(target.network.program.logits)
    last = set()  # nodes behind which nothing is added: a norm among them leaves the signs of the margins
    while tail.name not in network.local and tail.operator in ("scale", "linear", "layer_norm", "rms_norm") and "bias" not in tail.weights:
        last.add(tail.name)
        tail = network.program.node(tail.inputs[0])
    norms = []
    for node in network.program.nodes:
        if node.name not in network.local and node.name not in last and node.operator not in LINEAR:
            norms += [node.name] if node.operator in NORMS else []
            if node.operator not in NORMS or len(norms) > 1:
                about = "slots is about networks that are linear after the attention but for relu and one norm"
                return f"{about}, and {node.name} is {node.operator}"
    return pieces_misfit(target)


def slots(target: Target) -> list[Step]:
    """A step for each read, and the number."""
    return steps_of(target, RelaxedRead)


class RelaxedRead(Read):
    """Hints for one read."""

    rule = "relaxed_margin"

    def encoded(self, arrays: Mapping[str, np.ndarray]) -> dict[str, object]:
        """Arrays of zeros are left out."""
        floats = {name: float_array(array) for name, array in arrays.items() if array.size and (name in NEEDED or array.any())}
        if self.lists:
            return {"failures": "listed", **floats}
        return {"failures": "counted", "bins": BINS, **floats} if self.counts else floats

    @property
    def lists(self) -> bool:
        """Whether suspect inputs of pieces that fail are listed: where there are few inputs, and every one is seen at the read."""
        layout = self.judge.task.layout
        seen = all(node.words["mask"] == "none" for node in self.context.network.program.nodes if node.operator == "attention")
        last = seen or layout.reads[0] >= max(layout.free)
        return len(layout.reads) == 1 and not layout.determined and last and self.context.subject.scope.box <= LISTABLE

    @property
    def counts(self) -> bool:
        """Whether suspect inputs of pieces that fail are counted: where the answer does not hang on a score, which the counts leave out."""
        return not self.judge.task.layout.determined and self.judge.task.scores(self.read) is None

    @property
    def rounds(self) -> int:
        """No further cuts where what fails is listed or counted."""
        return 0 if self.lists or self.counts else super().rounds

    def solve(self, pieces: Sequence[Piece]) -> list[Found]:
        """Ranges and multipliers of each piece."""
        relaxed = Relaxed(self.judge, self.cutting, pieces, self.plan.divisor)
        unknown = {"ranges": relaxed.entries, "multipliers": relaxed.functionals}
        if relaxed.sizes is not None:
            unknown |= {"sizes": 2, "centres": relaxed.sizes.identity.size("column")}
        unknown["shares"] = relaxed.functionals * (len(relaxed.carried.heads) - 1)
        nothing = Found({name: np.zeros(width) for name, width in unknown.items()}, False)  # of pieces whose query is not known
        found: dict[int, Found] = {}
        self.margins = np.zeros(len(pieces))
        for query, members in relaxed.alike(relaxed.functionals):
            self.margins[members], hints = self._solved(relaxed, query, members)
            for place, index in enumerate(members):
                found[index] = Found({name: array[place] for name, array in hints.items()}, self.margins[index] > 0)
        return [found.get(index, nothing) for index in range(len(pieces))]

    def gain(self, leaves: Sequence[Leaf]) -> tuple[int, float]:
        """By their margins."""
        pieces = [leaf for leaf in leaves if leaf.piece is not None]
        found = self.solve([leaf.piece for leaf in pieces if leaf.piece is not None])
        proved = sum(self.cutting.inputs_within(leaf) for leaf, one in zip(pieces, found, strict=True) if one.proved)
        return proved, float(self.margins.min(initial=np.inf))

    def _solved(self, relaxed: Relaxed, query: int, members: Sequence[int]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Least margins, and hints."""
        question = relaxed.question(query, members)
        ranges = np.zeros((len(members), relaxed.entries))
        multipliers = np.zeros((len(members), relaxed.functionals))
        shares = np.zeros((len(members), relaxed.functionals, len(relaxed.carried.heads) - 1))
        hints, sizes = {"ranges": ranges}, None
        if relaxed.sizes is not None:
            solved, found, sizes = size_ranges(relaxed.sizes, question)
            multipliers[:, :2], shares[:, :2] = solved.mu, solved.shares
            hints |= found
        margins = np.zeros(len(members))
        first, start = 0, relaxed.size_tests
        lines: dict[str, Lines] = {}
        for node in relaxed.bent:
            width = relaxed.judge.network.widths[node.name]
            solved = bounded(relaxed.ranged(node, lines, query, sizes), question)
            columns = slice(start + first, start + first + 2 * width)
            multipliers[:, columns], shares[:, columns] = solved.mu, solved.shares
            ends = np.hstack([solved.bounds[:, :width], -solved.bounds[:, width:]])
            ranges[:, first : first + 2 * width] = ends
            fractions = [[Fraction(float(end)) for end in row] for row in ends]
            lines[node.name] = relaxed.lines([(row[:width], row[width:]) for row in fractions])
            first += 2 * width
        for answer, chosen in relaxed.by_answer(members):
            within = sizes and (sizes[0].take("piece", chosen), sizes[1].take("piece", chosen))
            form = relaxed.margin_form(query, answer, {name: line.of(chosen) for name, line in lines.items()}, within)
            solved = positive(form, relaxed.question(query, [members[place] for place in chosen]))
            multipliers[chosen, start + first :], shares[chosen, start + first :] = solved.mu, solved.shares
            margins[chosen] = solved.bounds.min(axis=1)
        return margins, hints | {"multipliers": multipliers, "shares": shares.reshape(len(members), -1)}
