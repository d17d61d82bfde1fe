"""The reference arithmetic: flat Python lists of mpmath intervals, integers or truth values.  Slow, and plain to read."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from functools import lru_cache
from math import prod
from typing import Any

import mpmath

from verifier.kernel.errors import Usage
from verifier.kernel.numbers.arithmetic import NEVER
from verifier.kernel.numbers.dense import Columns, grid_line
from verifier.kernel.numbers.interval import Interval, greater, lesser

FLOOR_BITS = 64  # of the integers that a floor gives: who asks for more has no bound
SCALAR: dict[str, Callable[[Any, Any], Any]] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "minimum": lambda x, y: x.minimum(y) if isinstance(x, Interval) else min(x, y),
    "maximum": lambda x, y: x.maximum(y) if isinstance(x, Interval) else max(x, y),
    "hull": lambda x, y: x.hull(y),
    "and": operator.and_,
}


@lru_cache(maxsize=4096)
def _source_indices(shape: tuple[int, ...], order: tuple[int | None, ...], target: tuple[int, ...]) -> tuple[int, ...]:
    """For each cell of the target, in row-major order, the flat index of its source cell."""
    strides = [prod(shape[axis + 1 :]) for axis in range(len(shape))]
    indices = [0]
    for axis, size in zip(order, target, strict=True):
        stride = 0 if axis is None else strides[axis]
        indices = [base + stride * step for base in indices for step in range(size)]
    return tuple(indices)


class ListCells:
    """Cells in row-major order."""

    exponential_limit = "exponentials"

    def __init__(self, cells: list[Any], shape: tuple[int, ...]) -> None:
        self.cells, self.shape = cells, shape
        self.columns: Columns | None = None

    def aligned(self, order: tuple[int | None, ...], shape: tuple[int, ...]) -> ListCells:
        if order == tuple(range(len(self.shape))) and shape == self.shape:
            return self
        cells = self.cells
        return ListCells([cells[i] for i in _source_indices(self.shape, order, shape)], shape)

    def reshaped(self, shape: tuple[int, ...]) -> ListCells:
        return self if shape == self.shape else ListCells(self.cells, shape)

    def product(self, other: ListCells) -> ListCells:
        (count, inner), width = self.shape, other.shape[1]
        rows = [grid_line(self.cells[start : start + inner]) for start in range(0, count * inner, inner)]
        if other.columns is None:  # the same weights meet many inputs
            other.columns = Columns([grid_line(other.cells[column::width]) for column in range(width)])
        return ListCells([cell for row in rows for cell in other.columns.times(row)], (count, width))

    def exponential(self) -> ListCells:
        return ListCells([cell.exponential() for cell in self.cells], self.shape)

    def logarithm_guess(self) -> ListCells:
        return ListCells([cell.logarithm_guess() for cell in self.cells], self.shape)

    def combine(self, name: str, other: ListCells) -> ListCells:
        return ListCells(list(map(SCALAR[name], self.cells, other.cells)), self.shape)

    def _lines(self, axis: int) -> tuple[list[list[Any]], tuple[int, ...]]:
        """All lines along an axis in row-major order of the other axes, and the shape without the axis."""
        inner, size = prod(self.shape[axis + 1 :]), self.shape[axis]
        lines = [
            self.cells[start + offset : start + size * inner : inner]
            for start in range(0, len(self.cells), size * inner or 1)
            for offset in range(inner)
        ]
        return lines, self.shape[:axis] + self.shape[axis + 1 :]

    def _from_lines(self, lines: list[list[Any]], axis: int) -> ListCells:
        """The inverse of `_lines`, for lines of any one length."""
        rest = self.shape[:axis] + self.shape[axis + 1 :]
        inner, size = prod(self.shape[axis + 1 :]), len(lines[0])
        cells = [lines[block + offset][step] for block in range(0, len(lines), inner) for step in range(size) for offset in range(inner)]
        return ListCells(cells, (*rest[:axis], size, *rest[axis:]))

    def reduce(self, name: str, axis: int) -> ListCells:
        scalar = SCALAR[name]
        lines, rest = self._lines(axis)
        result = []
        for line in lines:
            value = line[0]
            for cell in line[1:]:
                value = scalar(value, cell)
            result.append(value)
        return ListCells(result, rest)

    def running(self, name: str, axis: int) -> ListCells:
        return self._from_lines([_running(SCALAR[name], line) for line in self._lines(axis)[0]], axis)

    def all_but_one(self, name: str, axis: int) -> ListCells:
        scalar = SCALAR[name]
        lines = []
        for line in self._lines(axis)[0]:
            before, after = _running(scalar, line), _running(scalar, line[::-1])[::-1]
            lines.append([after[1], *(scalar(before[j - 1], after[j + 1]) for j in range(1, len(line) - 1)), before[-2]])
        return self._from_lines(lines, axis)

    def sorted(self, axis: int) -> ListCells:
        lines = []
        for line in self._lines(axis)[0]:
            lows, highs = _insertion_sorted([cell.lo for cell in line]), _insertion_sorted([cell.hi for cell in line])
            lines.append([Interval(lo, hi) for lo, hi in zip(lows, highs, strict=True)])
        return self._from_lines(lines, axis)

    def take(self, axis: int, indices: Sequence[int]) -> ListCells:
        inner, size = prod(self.shape[axis + 1 :]), self.shape[axis]
        cells: list[Any] = []
        for start in range(0, len(self.cells), size * inner or 1):
            for index in indices:
                cells += self.cells[start + index * inner : start + (index + 1) * inner]
        return ListCells(cells, (*self.shape[:axis], len(indices), *self.shape[axis + 1 :]))

    def picked(self, axis: int, index: int) -> ListCells:
        return ListCells(self.take(axis, [index]).cells, self.shape[:axis] + self.shape[axis + 1 :])

    def joined(self, others: Sequence[ListCells], axis: int) -> ListCells:
        parts = [(one.cells, prod(one.shape[axis:])) for one in (self, *others)]
        cells: list[Any] = []
        for block in range(prod(self.shape[:axis])):
            for source, width in parts:
                cells += source[block * width : (block + 1) * width]
        size = sum(one.shape[axis] for one in (self, *others))
        return ListCells(cells, (*self.shape[:axis], size, *self.shape[axis + 1 :]))

    def points(self, indices: Sequence[Sequence[int]]) -> ListCells:
        strides = [prod(self.shape[axis + 1 :]) for axis in range(len(self.shape))]
        cells = [self.cells[sum(map(operator.mul, point, strides))] for point in zip(*indices, strict=True)]
        return ListCells(cells, (len(cells),))

    def diagonal(self, first: int, second: int) -> ListCells:
        if self.shape[first] != self.shape[second]:
            raise ValueError("a diagonal needs two axes of one size")
        rest = self.shape[:second] + self.shape[second + 1 :]
        strides = [prod(self.shape[axis + 1 :]) for axis in range(len(self.shape))]
        merged = [stride for axis, stride in enumerate(strides) if axis != second]
        merged[first if first < second else first - 1] += strides[second]
        indices = [0]
        for stride, size in zip(merged, rest, strict=True):
            indices = [base + stride * step for base in indices for step in range(size)]
        return ListCells([self.cells[i] for i in indices], rest)

    def negated(self) -> ListCells:
        return ListCells([-cell for cell in self.cells], self.shape)

    def root(self) -> ListCells:
        return ListCells([cell.sqrt() for cell in self.cells], self.shape)

    def upper_end(self) -> ListCells:
        return ListCells([Interval(cell.hi, cell.hi) for cell in self.cells], self.shape)

    def lower_end(self) -> ListCells:
        return ListCells([Interval(cell.lo, cell.lo) for cell in self.cells], self.shape)

    def positive(self) -> ListCells:
        return ListCells([x.certainly_positive() if isinstance(x, Interval) else x > 0 for x in self.cells], self.shape)

    def nonpositive(self) -> ListCells:
        return ListCells([x.certainly_nonpositive() if isinstance(x, Interval) else x <= 0 for x in self.cells], self.shape)

    def magnitude_bits(self, axis: int) -> list[int | None]:
        result: list[int | None] = []
        for index in range(self.shape[axis]):
            known = [bits for cell in self.take(axis, [index]).cells if (bits := cell.magnitude_bits()) is not None]
            result.append(max(known) if known else None)
        return result

    def floor(self, axis: int, shifts: Sequence[int]) -> ListCells:
        inner = prod(self.shape[axis + 1 :])
        size = self.shape[axis]
        return ListCells([_floor(cell, shifts[i // inner % size]) for i, cell in enumerate(self.cells)], self.shape)

    def where(self, yes: ListCells, no: ListCells) -> ListCells:
        return ListCells([y if c else n for c, y, n in zip(self.cells, yes.cells, no.cells, strict=True)], self.shape)

    def weighted_sum(self, weights: ListCells) -> int:
        return sum(weight for cell, weight in zip(self.cells, weights.cells, strict=True) if cell)

    def to_list(self) -> list[Any]:
        nested: list[Any] = self.cells
        for axis in reversed(range(1, len(self.shape))):
            size = self.shape[axis]
            nested = [nested[index * size : (index + 1) * size] for index in range(prod(self.shape[:axis]))]
        return nested if self.shape else nested[0]  # no axes: the one cell itself, for a list would always be true


def _floor(cell: Interval, shift: int) -> int:
    """The floor of a lower end times 2^shift; NEVER beyond 64 bits."""
    bits = cell.magnitude_bits()
    if bits is not None and bits + shift > FLOOR_BITS:  # attack: 2^(2^60), a chain of squares, written out in binary
        return NEVER
    return cell.floor(shift)


def _running(scalar: Callable[[Any, Any], Any], line: Sequence[Any]) -> list[Any]:
    result = [line[0]]
    for cell in line[1:]:
        result.append(scalar(result[-1], cell))
    return result


def _insertion_sorted(numbers: list[Any]) -> list[Any]:
    """Ascending order of mpmath numbers."""
    ordered: list[Any] = []
    for number in numbers:
        carried, result = number, []
        for known in ordered:
            result.append(lesser(known, carried))
            carried = greater(known, carried)
        ordered = [*result, carried]
    return ordered


class ReferenceArithmetic:
    """Scalar mpmath intervals at `PRECISION_BITS`.  Raises Usage unless mpmath computes with Python's own integers."""

    name = "mpmath"
    library = "mpmath"

    def __init__(self) -> None:
        # attack: gmpy2 or Sage, whose C code nobody here read, in the place of the integers that TRUST.md names
        if mpmath.libmp.BACKEND != "python":
            got, hint = mpmath.libmp.BACKEND, "import verifier.kernel before mpmath, without Sage"
            raise Usage("mpmath-backend", expected="mpmath to compute with Python's integers", got=got, hint=hint)

    @property
    def backend(self) -> str:
        return f"mpmath {mpmath.__version__} ({mpmath.libmp.BACKEND})"

    def enclosures(self, bounds: Sequence[tuple[int, int, int]], shape: tuple[int, ...]) -> ListCells:
        return ListCells([Interval.of(lo, hi, exponent) for lo, hi, exponent in bounds], shape)

    def integers(self, entries: Sequence[int], shape: tuple[int, ...]) -> ListCells:
        return ListCells(list(entries), shape)
