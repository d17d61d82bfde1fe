"""A sketch of a hidden layer of two tokens: neurons that see only classes of tokens, gathered in units, and how far the layer is from it.

Every neuron belongs to a unit.  A unit puts the first tokens and the second tokens into classes; of each class a neuron has a level.  In
the sketch the neuron is relu(level of x's class + level of y's class) instead of relu(first[x] + second[y]).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from verifier.kernel.certificate import FloatArray, Floats, Hint, HintKind, IntegerArray, IntegerTable
from verifier.kernel.errors import StepRejected
from verifier.kernel.limits import LIMITS
from verifier.kernel.numbers.matrix import Matrix
from verifier.kernel.numbers.tensor import Tensor
from verifier.kernel.sketches.hidden import Hidden

HINTS: Mapping[str, HintKind] = {
    "units": IntegerTable(0, LIMITS.width),
    "first_classes": IntegerTable(0, LIMITS.vocabulary),
    "second_classes": IntegerTable(0, LIMITS.vocabulary),
    "first_levels": Floats(),
    "second_levels": Floats(),
    "scales": Floats(),
}
Rows = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Sketch:
    """A sketch, all of it from hints.

    units: of each neuron.  classes: of the first and of the second tokens, one row per unit.  levels: of both sides, axes (neuron, class).
    """

    hidden: Hidden
    hints: Mapping[str, Hint]
    units: tuple[int, ...]
    classes: tuple[Rows, Rows]
    levels: tuple[Tensor, Tensor]

    @staticmethod
    def of(hidden: Hidden, hints: Mapping[str, Hint]) -> Sketch:
        """Raises StepRejected for hints of the wrong shape."""
        matrix, _ = hidden.output
        neurons = matrix.size("neuron")
        (units,) = integers(hints, "units", 1, neurons)
        classes = (
            integers(hints, "first_classes", None, hidden.sizes[0]),
            integers(hints, "second_classes", None, hidden.sizes[1]),
        )
        levels = (
            floats(hidden, hints, "first_levels", neurons, None, ("neuron", "class")),
            floats(hidden, hints, "second_levels", neurons, None, ("neuron", "class")),
        )
        if len(classes[0]) != len(classes[1]) or max(units) >= len(classes[0]):
            got = f"{len(classes[0])} and {len(classes[1])} rows, and unit {max(units)}"
            raise StepRejected("wrong-shape", expected="a row of both classes for each unit", got=got)
        for rows, one in zip(classes, levels, strict=True):
            if max(map(max, rows)) >= one.size("class"):  # attack: a class that no neuron has a level of
                raise StepRejected("wrong-shape", expected=f"classes below {one.size('class')}, the levels", got=max(map(max, rows)))
        return Sketch(hidden, hints, units, classes, levels)

    @cached_property
    def activations(self) -> Tensor:
        """Of the sketch's neurons, axes (neuron, first, second)."""
        first, second = self.levels
        return self.hidden.judge.functions.relu(first.renamed(**{"class": "first"}) + second.renamed(**{"class": "second"}))

    @cached_property
    def centred(self) -> Tensor:
        """The output matrix less the mean of each row: margins, being differences of its columns, do not see it."""
        matrix, _ = self.hidden.output
        return matrix - matrix.sum("output") * self.number(Fraction(1, matrix.size("output")))

    @cached_property
    def distances(self) -> tuple[Tensor, Tensor]:
        """Of each first and each second token, axis token, the size of what the sketch leaves out of it, neurons weighed by `scales`."""
        return self._distance(0), self._distance(1)

    @cached_property
    def reach(self) -> Tensor:
        """What a distance 1 can change at each output, axis output: the size of the output's column, scales divided out."""
        return norm(self.hidden, self.centred / self.scale(0), "neuron")

    def scale(self, row: int) -> Tensor:
        """A row of the weights of neurons, which decide how good a bound is; axis neuron.  Only positive ones can be divided by."""
        return floats(self.hidden, self.hints, "scales", 2, len(self.units), ("row", "neuron")).select("row", row)

    def number(self, value: Fraction | int) -> Tensor:
        """A constant."""
        return self.hidden.judge.functions.number(value)

    def _distance(self, side: int) -> Tensor:
        actual, rows, neurons = self.hidden.sides[side], self.classes[side], range(len(self.units))
        tokens = self.hidden.sizes[side]
        columns = [rows[unit] for unit in self.units]
        classes = [columns[neuron][token] for token in range(tokens) for neuron in neurons]
        level = self.levels[side].at("cell", neuron=[*neurons] * tokens, **{"class": classes})
        return norm(self.hidden, (actual - level.split("cell", token=tokens, neuron=len(neurons))) * self.scale(0), "neuron")


def norm(hidden: Hidden, vectors: Tensor, axis: str) -> Tensor:
    """The Euclidean norm along an axis."""
    functions = hidden.judge.functions
    return functions.square(vectors).sum(axis).maximum(functions.number(0)).root()


def integers(hints: Mapping[str, Hint], name: str, rows: int | None, columns: int) -> Rows:
    """The rows of an integer hint that must have this shape; None: any number of rows."""
    hint = hints[name]
    if not isinstance(hint, IntegerArray):
        raise TypeError
    shape = len(hint.rows), len(hint.rows[0])
    if shape[1] != columns or rows not in (None, shape[0]):
        raise StepRejected("wrong-shape", expected=f"{name} of shape ({rows or 'any'}, {columns})", got=list(shape))
    return hint.rows


def exact(hidden: Hidden, hints: Mapping[str, Hint], name: str, axes: tuple[str, str] = ("row", "column")) -> Matrix:
    """A float hint as the exact numbers that it holds."""
    hint = hints[name]
    if not isinstance(hint, FloatArray):
        raise TypeError
    return hint.matrix(*axes, hidden.context.ledger)


def floats(
    hidden: Hidden, hints: Mapping[str, Hint], name: str, rows: int | None, columns: int | None, axes: tuple[str, str]
) -> Tensor:
    """A float hint as enclosures, which must have this shape; None: any number."""
    matrix = exact(hidden, hints, name, axes)
    if rows not in (None, matrix.shape[0]) or columns not in (None, matrix.shape[1]):
        raise StepRejected("wrong-shape", expected=f"{name} of shape ({rows or 'any'}, {columns or 'any'})", got=list(matrix.shape))
    return hidden.judge.workshop.enclose(matrix)
