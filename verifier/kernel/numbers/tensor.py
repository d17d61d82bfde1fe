"""Arrays with named axes over an `Arithmetic`, counting every operation: the language in which rules are written.

A `Tensor` has one of three kinds of cells: enclosures of real numbers, integers, or truth values.  Axes have names (`query`,
`key`, `slot`, `output`, ...) and operands are aligned by name, so a rule reads like its formula.  The cells themselves are opaque:
the reference (`reference.py`) keeps lists of mpmath intervals, the fast arithmetic (`verifier/fast/__init__.py`) numpy arrays.

From enclosures to integers there is one road, `on_grid`: lower ends rounded down to a common unit.  Counting is exact from there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

from verifier.kernel.errors import StepRejected
from verifier.kernel.limits import check_limit
from verifier.kernel.numbers.matrix import Ledger

EXP_FLOPS = 4  # charged for one exponential


@dataclass(frozen=True)
class Tensor:
    """Cells with one name per axis."""

    axes: tuple[str, ...]
    cells: Any
    kind: str  # "enclosure", "integer" or "mask"
    ledger: Ledger

    @property
    def shape(self) -> tuple[int, ...]:
        shape: tuple[int, ...] = self.cells.shape
        return shape

    def size(self, axis: str) -> int:
        return self.shape[self.axes.index(axis)]

    @property
    def sizes(self) -> dict[str, int]:
        """Size by axis name."""
        return dict(zip(self.axes, self.shape, strict=True))

    def _count(self, operations: int) -> None:
        if self.kind == "enclosure":
            self.ledger.count(flops=operations)
        else:
            self.ledger.count(integer_ops=operations)

    def _with(self, cells: Any, axes: tuple[str, ...] | None = None, kind: str | None = None) -> Tensor:
        return Tensor(self.axes if axes is None else axes, cells, kind or self.kind, self.ledger)

    # -- structure: free of cost ---------------------------------------------------------------------------------------

    def aligned_to(self, axes: tuple[str, ...], sizes: dict[str, int]) -> Any:
        order = tuple(self.axes.index(axis) if axis in self.axes else None for axis in axes)
        return self.cells.aligned(order, tuple(sizes[axis] for axis in axes))

    def spread(self, axes: tuple[str, ...], sizes: dict[str, int]) -> Tensor:
        """The same cells repeated along axes that this tensor lacks."""
        return self._with(self.aligned_to(axes, sizes), axes)

    def take(self, axis: str, indices: Sequence[int]) -> Tensor:
        return self._with(self.cells.take(self.axes.index(axis), list(indices)))

    def select(self, axis: str, index: int) -> Tensor:
        """One index of an axis; the axis goes."""
        return self._with(self.cells.picked(self.axes.index(axis), index), tuple(name for name in self.axes if name != axis))

    def without(self, axis: str, index: int) -> Tensor:
        return self.take(axis, [i for i in range(self.size(axis)) if i != index])

    def joined(self, others: Sequence[Tensor], axis: str) -> Tensor:
        """This and the others end to end along an axis; all have the same axes in the same order."""
        for other in others:  # attack: cells of one tensor read in the places of another's
            if other.axes != self.axes or other.sizes | {axis: 0} != self.sizes | {axis: 0}:
                raise ValueError(f"{self.sizes} joined with {other.sizes} along {axis}")
        # attack: one small table named 64 times, or hulls of many lengths, whose copies fill the memory
        check_limit("tensor_cells", prod(self.shape) + sum(prod(other.shape) for other in others))
        return self._with(self.cells.joined([other.cells for other in others], self.axes.index(axis)))

    def renamed(self, **names: str) -> Tensor:
        return self._with(self.cells, tuple(names.get(axis, axis) for axis in self.axes))

    def diagonal(self, first: str, second: str) -> Tensor:
        """Cells at equal indices of two axes; `second` goes."""
        return self._with(
            self.cells.diagonal(self.axes.index(first), self.axes.index(second)), tuple(axis for axis in self.axes if axis != second)
        )

    def at(self, axis: str, **coordinates: Sequence[int]) -> Tensor:
        """Cells at listed points, one coordinate list per axis of this tensor, along one new axis."""
        self.ledger.count(integer_ops=len(next(iter(coordinates.values()))))
        return self._with(self.cells.points([coordinates[name] for name in self.axes]), (axis,))

    def merged(self, *axes: str, name: str) -> Tensor:
        """Several axes as one, in row-major order; it comes first."""
        rest = tuple(axis for axis in self.axes if axis not in axes)
        sizes = self.sizes
        shape = (prod(sizes[axis] for axis in axes), *(sizes[axis] for axis in rest))
        return self._with(self.aligned_to((*axes, *rest), sizes).reshaped(shape), (name, *rest))

    def split(self, axis: str, **parts: int) -> Tensor:
        """The inverse of `merged`: an axis as several of the sizes named."""
        index = self.axes.index(axis)
        axes = (*self.axes[:index], *parts, *self.axes[index + 1 :])
        return self._with(self.cells.reshaped((*self.shape[:index], *parts.values(), *self.shape[index + 1 :])), axes)

    # -- cell by cell --------------------------------------------------------------------------------------------------

    def _combine(self, name: str, other: Tensor) -> Tensor:
        if self.kind != other.kind:
            raise TypeError(f"{name} of {self.kind} and {other.kind}")
        axes = self.axes + tuple(axis for axis in other.axes if axis not in self.axes)
        sizes = other.sizes | self.sizes
        for axis in other.axes:
            if other.size(axis) != sizes[axis]:
                raise ValueError(f"axis {axis}: {sizes[axis]} against {other.size(axis)}")
        check_limit("tensor_cells", prod(sizes.values()))
        self._count(prod(sizes.values()))
        return self._with(self.aligned_to(axes, sizes).combine(name, other.aligned_to(axes, sizes)), axes)

    def __add__(self, other: Tensor) -> Tensor:
        return self._combine("add", other)

    def __sub__(self, other: Tensor) -> Tensor:
        return self._combine("subtract", other)

    def __mul__(self, other: Tensor) -> Tensor:
        return self._combine("multiply", other)

    def __truediv__(self, other: Tensor) -> Tensor:
        try:
            return self._combine("divide", other)
        except ZeroDivisionError:  # a hint so loose that a divisor may be 0 (or, in float64, underflowed)
            raise StepRejected("undecided-divisor", expected="a divisor certainly > 0", got="an enclosure that reaches 0") from None

    def check_divisor(self) -> None:
        """Raise StepRejected as a division by this tensor would.  Not counted: the division is, when it comes."""
        uncounted = replace(self, ledger=Ledger())
        _ = uncounted / uncounted

    def __and__(self, other: Tensor) -> Tensor:
        return self._combine("and", other)

    def __neg__(self) -> Tensor:
        self._count(prod(self.shape))
        return self._with(self.cells.negated())

    def minimum(self, other: Tensor) -> Tensor:
        return self._combine("minimum", other)

    def maximum(self, other: Tensor) -> Tensor:
        return self._combine("maximum", other)

    def hull(self, other: Tensor) -> Tensor:
        return self._combine("hull", other)

    def root(self) -> Tensor:
        """Square roots.  Raises StepRejected unless every cell is certainly >= 0; who knows it from elsewhere cuts the cells off first."""
        self._count(prod(self.shape))
        try:
            return self._with(self.cells.root())
        except ValueError:
            raise StepRejected("undecided-root", expected="a radicand certainly >= 0", got="an enclosure that reaches below 0") from None

    def exponential(self) -> Tensor:
        self._count(EXP_FLOPS * prod(self.shape))
        self.ledger.count_exponentials(prod(self.shape), self.cells.exponential_limit)
        try:
            return self._with(self.cells.exponential())
        except OverflowError:  # weights so large that a softmax or a loss has no bound
            raise StepRejected("undecided-exponential", expected="an exponent below 2^20", got="a larger one") from None

    def logarithm_guess(self) -> Tensor:
        """Points near ln of the upper ends: nothing may be concluded from them."""
        try:
            return self._with(self.cells.logarithm_guess())
        except OverflowError:  # a product of exponentials below exp(-2^20), whose logarithm is guessed through exponentials
            raise StepRejected("undecided-exponential", expected="a logarithm above -2^20", got="a smaller one") from None

    def contract(self, other: Tensor, axis: str) -> Tensor:
        """Sum over an axis that both have of the products: the other axes of this one, then those of the other one.

        On a grid of integers, each result rounded outward once; 2 flops per product of two cells.
        """
        rows = tuple(name for name in self.axes if name != axis)
        columns = tuple(name for name in other.axes if name != axis)
        if set(rows) & set(columns):
            raise ValueError(f"axes {rows} and {columns} are not different")
        length, sizes = self.size(axis), self.sizes | other.sizes
        shape = prod(sizes[name] for name in rows), prod(sizes[name] for name in columns)
        check_limit("tensor_cells", shape[0] * shape[1])
        self.ledger.count_dense(shape[0] * shape[1] * length)
        left = self.aligned_to((*rows, axis), self.sizes).reshaped((shape[0], length))
        right = other.aligned_to((axis, *columns), other.sizes).reshaped((length, shape[1]))
        cells = left.product(right).reshaped(tuple(sizes[name] for name in (*rows, *columns)))
        return self._with(cells, (*rows, *columns))

    def upper_end(self) -> Tensor:
        """The upper ends alone, each an enclosure of itself."""
        return self._with(self.cells.upper_end())

    def lower_end(self) -> Tensor:
        """The lower ends alone."""
        return self._with(self.cells.lower_end())

    def floor(self, axis: str, shift: int) -> Tensor:
        """Integers: the largest integer <= lower end * 2^shift."""
        self._count(prod(self.shape))
        return self._with(self.cells.floor(self.axes.index(axis), [shift] * self.size(axis)), kind="integer")

    def certainly_positive(self) -> Tensor:
        self._count(prod(self.shape))
        return self._with(self.cells.positive(), kind="mask")

    def certainly_nonpositive(self) -> Tensor:
        self._count(prod(self.shape))
        return self._with(self.cells.nonpositive(), kind="mask")

    def where(self, yes: Tensor, no: Tensor) -> Tensor:
        """Of a mask: cells of `yes` where true, of `no` elsewhere; both have this mask's axes, in any order."""
        self._count(prod(self.shape))
        chosen, other = (side.aligned_to(self.axes, side.sizes) for side in (yes, no))
        return yes._with(self.cells.where(chosen, other), self.axes)

    # -- along an axis -------------------------------------------------------------------------------------------------

    def _reduce(self, name: str, axis: str) -> Tensor:
        index = self.axes.index(axis)
        self._count(prod(self.shape) - prod(self.shape) // self.shape[index])
        return self._with(self.cells.reduce(name, index), self.axes[:index] + self.axes[index + 1 :])

    def sum(self, axis: str) -> Tensor:
        return self._reduce("add", axis)

    def min(self, axis: str) -> Tensor:
        return self._reduce("minimum", axis)

    def max(self, axis: str) -> Tensor:
        return self._reduce("maximum", axis)

    def all(self, axis: str) -> Tensor:
        return self._reduce("and", axis)

    def trues(self, axis: str) -> Tensor:
        """Of a mask: how many are true along an axis."""
        index = self.axes.index(axis)
        self._count(prod(self.shape))
        return self._with(self.cells.reduce("add", index), self.axes[:index] + self.axes[index + 1 :], "integer")

    def running_max(self, axis: str) -> Tensor:
        """Prefix maxima."""
        self._count(prod(self.shape))
        return self._with(self.cells.running("maximum", self.axes.index(axis)))

    def running_min(self, axis: str) -> Tensor:
        self._count(prod(self.shape))
        return self._with(self.cells.running("minimum", self.axes.index(axis)))

    def min_all_but_one(self, axis: str) -> Tensor:
        """Entry j becomes the minimum over all indices but j: prefix and suffix minima, 3 per entry."""
        self._count(3 * prod(self.shape))
        return self._with(self.cells.all_but_one("minimum", self.axes.index(axis)))

    def sorted(self, axis: str) -> Tensor:
        """Order statistics along an axis, N ceil(log2 N) per line."""
        n = self.size(axis)
        self._count(prod(self.shape) * max(n - 1, 1).bit_length())
        return self._with(self.cells.sorted(self.axes.index(axis)))

    # -- leaving the tensor --------------------------------------------------------------------------------------------

    def weighted_sum(self, weights: Tensor) -> int:
        """Of a mask: the exact sum of the weights at true cells."""
        self._count(2 * prod(self.shape))
        return int(self.cells.weighted_sum(weights.aligned_to(self.axes, self.sizes)))

    def to_list(self) -> list[Any]:
        values: list[Any] = self.cells.to_list()
        return values
