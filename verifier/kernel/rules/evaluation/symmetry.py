"""Rule symmetry: a network near a symmetric sketch has, at every input of an orbit, nearly the margins that the sketch has at one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, partial

from verifier.kernel.certificate import Choice, Floats, Hint, Signature
from verifier.kernel.errors import StepRejected
from verifier.kernel.facts import Context, Count, Fact, Group, LossSum
from verifier.kernel.network.evaluation import stacked
from verifier.kernel.network.judging import LOSS_BITS, Batch, Judge, labelled
from verifier.kernel.numbers.arithmetic import NEVER
from verifier.kernel.numbers.tensor import Tensor
from verifier.kernel.sketches import invariance, sketch
from verifier.kernel.sketches.hidden import Hidden
from verifier.kernel.sketches.invariance import Symmetry, UnitMove, check_common, check_labels, orbits, symmetries, unit_moves
from verifier.kernel.sketches.sketch import Sketch, exact, floats, norm
from verifier.kernel.tasks.task import Tokens

MEASURES = ("answers", "loss")
IDEAL = dict.fromkeys(("unit_outputs", "common_outputs", "shares", "constants"), Floats())
SIGNATURE = Signature(premises={}, hints={"measure": Choice(MEASURES), **sketch.HINTS, **IDEAL, **invariance.HINTS})
ORBIT_OPERATIONS = 2  # for each input and move: where it goes, and whether that is new


def symmetry(premises: Mapping[str, list[Fact]], hints: Mapping[str, Hint], context: Context) -> Fact:
    """Premises: none.  Hints: measure; a sketch, its units' outputs, each neuron's share of these; permutations that leave it as it is.

    The margins of the symmetric sketch are computed at one input of each orbit, and the network's differ from them by what the sketch
    leaves out.  Inputs for which that does not decide are evaluated one by one.
    Conclusion: `answers`: per group the inputs answered rightly; `loss`: an upper bound of the sum of the cross entropies.
    Operations: 8 per input, those of the network per input that is left; about 20 per entry of the weights.  Soundness: RULES.md.
    """
    hidden = Hidden.of(Judge.of(context, labelled(context.subject.task, hints)), context)
    bounds = _Bounds(_Ideal.of(Sketch.of(hidden, hints), hints))
    return bounds.losses() if hints["measure"] == "loss" else bounds.answers()


@dataclass(frozen=True)
class _Ideal:
    """A sketch with outputs, and its symmetries.

    f(z | x, y) = sum over units p of outputs[p, z] T_p[class of x, class of y], T_p a table that moves with the unit.
    outputs: axes (unit, output).  shares: of each neuron, which of its unit's outputs it writes; axis neuron.
    common: what units write beside, axes (unit, output): the same for all units of an orbit, so that only the sum of their T counts, which
    is the same at all inputs of an orbit.  constants: what a unit's neurons add to T_p, whatever the input; axis unit.
    """

    sketch: Sketch
    outputs: Tensor
    common: Tensor
    shares: Tensor
    constants: Tensor
    moves: tuple[Symmetry, ...]
    unit_moves: tuple[tuple[UnitMove, ...], ...]

    @staticmethod
    def of(drawn: Sketch, hints: Mapping[str, Hint]) -> _Ideal:
        """Raises StepRejected unless the moves are symmetries of the task and of the sketch."""
        hidden, units = drawn.hidden, len(drawn.classes[0])
        width, axes = len(hidden.judge.network.outputs), ("unit", "output")
        outputs, common = (floats(hidden, hints, name, units, width, axes) for name in ("unit_outputs", "common_outputs"))
        shares = floats(hidden, hints, "shares", 1, len(drawn.units), ("row", "neuron")).select("row", 0)
        constants = floats(hidden, hints, "constants", 1, units, ("row", "unit")).select("row", 0)
        moves = symmetries(drawn, hints)
        check_labels(hidden, moves)
        taken = unit_moves(drawn, exact(hidden, hints, "unit_outputs").rows, moves)
        check_common(hidden, exact(hidden, hints, "common_outputs").rows, taken)
        return _Ideal(drawn, outputs, common, shares, constants, moves, taken)

    @cached_property
    def cells(self) -> tuple[tuple[int, ...], Tensor, Tensor]:
        """The orbit of each cell of the tables T_p, and for each orbit T and how far from it a unit's neurons are at most, axis orbit.

        A cell has the number (unit, first class, second class) in row-major order.  Points of an orbit are cells with a sign: T of a
        cell with a minus is the negative.  T is the middle of what is written there, so T of opposite orbits is opposite.
        """
        first, second = (levels.size("class") for levels in self.sketch.levels)
        written = self._written().merged("unit", "first", "second", name="cell")
        count = 2 * written.size("cell")
        self.sketch.hidden.context.ledger.count(integer_ops=ORBIT_OPERATIONS * count * len(self.moves))
        orbit_of, middles, radii = [0] * written.size("cell"), [], []
        half = self.sketch.number(Fraction(1, 2))
        for number, orbit in enumerate(orbits(count, [partial(_moved_cell, moves, first, second) for moves in self.unit_moves])):
            plus, minus = ([point // 2 for point in orbit if point % 2 == sign] for sign in (0, 1))
            parts = [*([written.take("cell", plus)] if plus else []), *([-written.take("cell", minus)] if minus else [])]
            values = parts[0].joined(parts[1:], "cell")
            top, bottom = values.max("cell"), values.min("cell")
            middles.append((top + bottom) * half)
            radii.append((top - bottom) * half)
            for cell in plus:
                orbit_of[cell] = number
        return tuple(orbit_of), stacked(middles, "orbit"), stacked(radii, "orbit")

    @cached_property
    def common_range(self) -> Tensor:
        """How far apart two outputs of what a unit writes in common are at most, axis unit."""
        return self.common.max("output") - self.common.min("output")

    def _written(self) -> Tensor:
        """What the neurons of each unit write, less its constant, axes (unit, first, second)."""
        whole = self.sketch.activations * self.shares
        members: list[list[int]] = [[] for _ in self.sketch.classes[0]]
        for neuron, unit in enumerate(self.sketch.units):
            members[unit].append(neuron)
        nothing = whole.take("neuron", [0]) * self.sketch.number(0)
        parts = [whole.take("neuron", one) if one else nothing for one in members]
        return stacked([part.sum("neuron") for part in parts], "unit") - self.constants


class _Bounds:
    """Lower bounds of margins.  least: of each orbit, over the wrong outputs; missing: of each input, by how much less they may be."""

    def __init__(self, ideal: _Ideal) -> None:
        self.ideal, self.hidden = ideal, ideal.sketch.hidden
        first, second = self.hidden.sizes
        self.hidden.context.ledger.count(integer_ops=ORBIT_OPERATIONS * first * second * len(ideal.moves))
        found = list(orbits(first * second, [partial(_moved, move, second) for move in ideal.moves]))
        orbit_of = [0] * (first * second)
        for number, orbit in enumerate(found):
            for pair in orbit:
                orbit_of[pair] = number
        self.orbit = [orbit_of[x * second + y] for x, y in self.hidden.inputs]
        columns = zip(*(self._at(divmod(orbit[0], second)) for orbit in found), strict=True)
        self.margins, common, spread = (stacked(column, "orbit") for column in columns)
        self.missing = self._missing(common, spread)

    def answers(self) -> Count:
        """Per group the inputs answered rightly."""
        clear = (self.margins.min("output").at("input", orbit=self.orbit) - self.missing).certainly_positive().to_list()
        right: dict[Group, int] = {}
        wrong: dict[Group, int] = {}
        totals: dict[Group, int] = {}
        task, first_output = self.hidden.judge.task, self.hidden.judge.network.outputs.start
        groups = [task.group((x, y), (self.hidden.labels[x][y] + first_output,)) for x, y in self.hidden.inputs]
        for group, is_right in zip(groups, clear, strict=True):
            totals[group] = totals.get(group, 0) + 1
            right[group] = right.get(group, 0) + is_right
        for places, batch in self._left([place for place, is_right in enumerate(clear) if not is_right]):
            for place, is_right, is_wrong in zip(places, *self.hidden.judge.answers(batch), strict=True):
                right[groups[place]] += is_right
                wrong[groups[place]] = wrong.get(groups[place], 0) + is_wrong
        return Count(right, wrong, totals)

    def losses(self) -> LossSum:
        """The losses of all inputs, added."""
        judge, functions = self.hidden.judge, self.hidden.judge.functions
        least = self.margins.min("output")
        margin = least.at("input", orbit=self.orbit) - self.missing
        clear = margin.certainly_positive().to_list()
        units = [0] * len(clear)
        for places, batch in self._left([place for place, is_right in enumerate(clear) if not is_right]):
            for place, unit in zip(places, judge.loss_units(batch), strict=True):
                units[place] = unit
        near = [place for place, is_right in enumerate(clear) if is_right]
        if near:
            wrong = (least - self.margins).upper_end().exponential().sum("output")  # of the sketch, relative to the strongest wrong output
            others = wrong.at("input", orbit=[self.orbit[place] for place in near]) * (-margin.take("input", near)).exponential()
            loss = functions.logarithm_above(others + functions.number(1)).minimum(others.upper_end())  # ln(1 + y) <= y
            for place, floor in zip(near, (-loss).floor("input", LOSS_BITS).to_list(), strict=True):
                units[place] = -floor
        if max(units) >= -NEVER:
            raise StepRejected("undecided-exponential", expected="logits whose loss is finite", got="an enclosure without end")
        return LossSum(sum(units), len(units))

    def _left(self, places: Sequence[int]) -> Iterator[tuple[Sequence[int], Batch]]:
        """The inputs at these places, as many at once as can be evaluated."""
        judge = self.hidden.judge
        for start in range(0, len(places), judge.inputs_at_once):
            some = places[start : start + judge.inputs_at_once]
            yield some, judge.batch([self.hidden.inputs[place] for place in some])

    def _at(self, tokens: Tokens) -> tuple[Tensor, Tensor, Tensor]:
        """Of the sketch at one input of an orbit: margins to each wrong output, less what the units' neurons may be from it, axis output;
        what units write in common, axis output, and by how much that may change a margin.
        """
        drawn, ideal, (x, y) = self.ideal.sketch, self.ideal, tokens
        orbit_of, middles, radii = ideal.cells
        first, second = (levels.size("class") for levels in drawn.levels)
        cells = [(unit * first + one[x]) * second + two[y] for unit, (one, two) in enumerate(zip(*drawn.classes, strict=True))]
        written, radius = (table.at("unit", orbit=[orbit_of[cell] for cell in cells]) for table in (middles, radii))
        right = self.hidden.labels[x][y]
        gaps = ideal.outputs.select("output", right) - ideal.outputs.without("output", right)
        margins = (gaps * written - gaps.maximum(-gaps) * radius).sum("unit")
        return margins, ideal.common.contract(written, "unit"), (ideal.common_range * radius).sum("unit")

    def _missing(self, common: Tensor, spread: Tensor) -> Tensor:
        """By how much the margins at each input may be less than those of the sketch, axis input."""
        drawn, ideal, functions = self.ideal.sketch, self.ideal, self.hidden.judge.functions
        top, bottom = (getattr(drawn.activations, end)("first") for end in ("max", "min"))
        top, bottom, half = top.max("second"), bottom.min("second"), functions.number(Fraction(1, 2))
        written = ideal.outputs + ideal.common
        rest = drawn.centred - written.take("unit", drawn.units).renamed(unit="neuron") * ideal.shares
        _, bias = self.hidden.output
        constant = common + (bias + rest.contract((top + bottom) * half, "neuron") + written.contract(ideal.constants, "unit"))
        reach = norm(self.hidden, rest / drawn.scale(1), "neuron")
        beside = (reach + reach.max("output")) * norm(self.hidden, (top - bottom) * half * drawn.scale(1), "neuron")
        fixed = constant.max("output") - constant + spread + beside
        first, second, labels = self.hidden.columns()
        distance = drawn.distances[0].at("input", token=first) + drawn.distances[1].at("input", token=second)
        steep = (drawn.reach + drawn.reach.max("output")).at("input", output=labels)
        return steep * distance + fixed.at("input", orbit=self.orbit, output=labels)


def _moved(move: Symmetry, width: int, pair: int) -> int:
    """Where a pair of tokens goes; pairs are numbered in row-major order."""
    return move.first[pair // width] * width + move.second[pair % width]


def _moved_cell(moves: Sequence[UnitMove], first: int, second: int, point: int) -> int:
    """Where a cell with a sign goes; one that no pair of tokens meets stays."""
    cell, sign = divmod(point, 2)
    rest, two = divmod(cell, second)
    unit, one = divmod(rest, first)
    move = moves[unit]
    if one not in move.first or two not in move.second:
        return point
    cell = (move.unit * first + move.first[one]) * second + move.second[two]
    return 2 * cell + (sign if move.sign > 0 else 1 - sign)
