"""Arrays of cells: integers, truth values, and enclosures as pairs of float64 arrays (why they enclose: `__init__.py`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from verifier.fast.exponential import exp
from verifier.fast.products import product
from verifier.kernel.numbers.arithmetic import NEVER

REDUCTIONS = {"add": np.add, "minimum": np.minimum, "maximum": np.maximum, "and": np.logical_and}
INTEGER_OPERATIONS = REDUCTIONS | {"subtract": np.subtract}


def _align(array: np.ndarray, order: tuple[int | None, ...], shape: tuple[int, ...]) -> np.ndarray:
    kept = array.transpose([axis for axis in order if axis is not None])
    index = tuple(np.newaxis if axis is None else slice(None) for axis in order)
    return np.broadcast_to(kept[index], shape)


def _all_but_one(array: np.ndarray, ufunc: np.ufunc, axis: int) -> np.ndarray:
    lines = np.moveaxis(array, axis, -1)
    before = ufunc.accumulate(lines, axis=-1)
    after = ufunc.accumulate(lines[..., ::-1], axis=-1)[..., ::-1]
    result = np.empty_like(lines)
    result[..., 0], result[..., -1] = after[..., 1], before[..., -2]
    result[..., 1:-1] = ufunc(before[..., :-2], after[..., 2:])
    return np.moveaxis(result, -1, axis)


class ArrayCells:
    """Integers (int64, or Python integers in an object array) or truth values."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape

    def aligned(self, order: tuple[int | None, ...], shape: tuple[int, ...]) -> ArrayCells:
        return ArrayCells(_align(self.array, order, shape))

    def reshaped(self, shape: tuple[int, ...]) -> ArrayCells:
        return ArrayCells(self.array.reshape(shape))

    def combine(self, name: str, other: ArrayCells) -> ArrayCells:
        return ArrayCells(INTEGER_OPERATIONS[name](self.array, other.array))

    def reduce(self, name: str, axis: int) -> ArrayCells:
        return ArrayCells(REDUCTIONS[name].reduce(self.array, axis=axis))

    def running(self, name: str, axis: int) -> ArrayCells:
        return ArrayCells(REDUCTIONS[name].accumulate(self.array, axis=axis))

    def all_but_one(self, name: str, axis: int) -> ArrayCells:
        return ArrayCells(_all_but_one(self.array, REDUCTIONS[name], axis))

    def take(self, axis: int, indices: Sequence[int]) -> ArrayCells:
        return ArrayCells(_take(self.array, axis, indices))

    def picked(self, axis: int, index: int) -> ArrayCells:
        return ArrayCells(self.array[(slice(None),) * axis + (index,)])

    def joined(self, others: Sequence[ArrayCells], axis: int) -> ArrayCells:
        return ArrayCells(np.concatenate([self.array, *(other.array for other in others)], axis=axis))

    def points(self, indices: Sequence[Sequence[int]]) -> ArrayCells:
        return ArrayCells(self.array[tuple(np.asarray(line, dtype=np.intp) for line in indices)])

    def diagonal(self, first: int, second: int) -> ArrayCells:
        return ArrayCells(_diagonal(self.array, first, second))

    def negated(self) -> ArrayCells:
        return ArrayCells(-self.array)

    def positive(self) -> ArrayCells:
        return ArrayCells(self.array > 0)

    def nonpositive(self) -> ArrayCells:
        return ArrayCells(self.array <= 0)

    def where(self, yes: Any, no: Any) -> Any:
        if isinstance(yes, EnclosureCells):
            return EnclosureCells(np.where(self.array, yes.lo, no.lo), np.where(self.array, yes.hi, no.hi))
        return ArrayCells(np.where(self.array, yes.array, no.array))

    def weighted_sum(self, weights: ArrayCells) -> int:
        # Python integers: a count may exceed 64 bits
        if weights.array.dtype == object:
            return int(weights.array[self.array].sum()) if self.array.any() else 0
        chosen = weights.array[self.array]
        if chosen.size * int(np.abs(weights.array).max(initial=0)) < 1 << 62:
            return int(chosen.sum())
        return sum(chosen.tolist())

    def to_list(self) -> list[Any]:
        values: list[Any] = self.array.tolist()
        return values


def _take(array: np.ndarray, axis: int, indices: Sequence[int]) -> np.ndarray:
    start = indices[0] if len(indices) else 0
    if list(indices) == list(range(start, start + len(indices))):  # a slice needs no copy
        return array[(slice(None),) * axis + (slice(start, start + len(indices)),)]
    return np.take(array, np.asarray(indices, dtype=np.intp), axis=axis)


def _diagonal(array: np.ndarray, first: int, second: int) -> np.ndarray:
    return np.moveaxis(np.diagonal(array, axis1=first, axis2=second), -1, first if first < second else first - 1)


class EnclosureCells:
    """Reals between `lo` and `hi`, cell by cell."""

    exponential_limit = "array_exponentials"

    def __init__(self, lo: np.ndarray, hi: np.ndarray) -> None:
        self.lo, self.hi = lo, hi

    @staticmethod
    def outward(lo: np.ndarray, hi: np.ndarray) -> EnclosureCells:
        """Ends rounded to nearest, each moved to its outer neighbour."""
        return EnclosureCells(np.nextafter(lo, -np.inf), np.nextafter(hi, np.inf))

    @property
    def shape(self) -> tuple[int, ...]:
        return self.lo.shape

    def aligned(self, order: tuple[int | None, ...], shape: tuple[int, ...]) -> EnclosureCells:
        return EnclosureCells(_align(self.lo, order, shape), _align(self.hi, order, shape))

    def reshaped(self, shape: tuple[int, ...]) -> EnclosureCells:
        return EnclosureCells(self.lo.reshape(shape), self.hi.reshape(shape))

    def product(self, other: EnclosureCells) -> EnclosureCells:
        return EnclosureCells(*product((self.lo, self.hi), (other.lo, other.hi)))

    def exponential(self) -> EnclosureCells:
        return EnclosureCells(*exp(self.lo, self.hi))

    @np.errstate(all="ignore")
    def logarithm_guess(self) -> EnclosureCells:
        guess = np.nan_to_num(np.log(self.hi))
        return EnclosureCells(guess, guess)

    @np.errstate(all="ignore")  # overflow and NaN are accounted for above
    def combine(self, name: str, other: EnclosureCells) -> EnclosureCells:
        if name == "add":
            return self.outward(self.lo + other.lo, self.hi + other.hi)
        if name == "subtract":
            return self.outward(self.lo - other.hi, self.hi - other.lo)
        if name == "multiply":
            return self._multiply(other)
        if name == "divide":
            return self._divide(other)
        if name == "hull":
            return EnclosureCells(np.minimum(self.lo, other.lo), np.maximum(self.hi, other.hi))
        return EnclosureCells(REDUCTIONS[name](self.lo, other.lo), REDUCTIONS[name](self.hi, other.hi))

    def _multiply(self, other: EnclosureCells) -> EnclosureCells:
        # the first factor is a weight >= 0 nearly always: two corners suffice then for each end
        a, b, c, d = self.lo, self.hi, other.lo, other.hi
        if a.size and a.min() >= 0:  # false if any is NaN
            return self.outward(np.minimum(a * c, b * c), np.maximum(a * d, b * d))
        corners = (a * c, a * d, b * c, b * d)
        return self.outward(np.minimum.reduce(corners), np.maximum.reduce(corners))

    def _divide(self, other: EnclosureCells) -> EnclosureCells:
        if not bool((other.lo > 0).all()):
            raise ZeroDivisionError("division by an enclosure that is not certainly positive")
        corners = (self.lo / other.lo, self.lo / other.hi, self.hi / other.lo, self.hi / other.hi)
        return self.outward(np.minimum.reduce(corners), np.maximum.reduce(corners))

    @np.errstate(all="ignore")
    def reduce(self, name: str, axis: int) -> EnclosureCells:
        if name != "add":
            return EnclosureCells(REDUCTIONS[name].reduce(self.lo, axis=axis), REDUCTIONS[name].reduce(self.hi, axis=axis))
        total = self.take(axis, [0])
        for index in range(1, self.shape[axis]):
            total = total.combine("add", self.take(axis, [index]))
        return EnclosureCells(total.lo.squeeze(axis), total.hi.squeeze(axis))

    def running(self, name: str, axis: int) -> EnclosureCells:
        return EnclosureCells(REDUCTIONS[name].accumulate(self.lo, axis=axis), REDUCTIONS[name].accumulate(self.hi, axis=axis))

    def all_but_one(self, name: str, axis: int) -> EnclosureCells:
        return EnclosureCells(_all_but_one(self.lo, REDUCTIONS[name], axis), _all_but_one(self.hi, REDUCTIONS[name], axis))

    def sorted(self, axis: int) -> EnclosureCells:
        if np.isnan(self.lo).any() or np.isnan(self.hi).any():
            return EnclosureCells(np.full_like(self.lo, np.nan), np.full_like(self.hi, np.nan))  # NaN has no rank
        return EnclosureCells(np.sort(self.lo, axis=axis), np.sort(self.hi, axis=axis))

    def take(self, axis: int, indices: Sequence[int]) -> EnclosureCells:
        return EnclosureCells(_take(self.lo, axis, indices), _take(self.hi, axis, indices))

    def picked(self, axis: int, index: int) -> EnclosureCells:
        place = (slice(None),) * axis + (index,)
        return EnclosureCells(self.lo[place], self.hi[place])

    def joined(self, others: Sequence[EnclosureCells], axis: int) -> EnclosureCells:
        lows, highs = [self.lo, *(other.lo for other in others)], [self.hi, *(other.hi for other in others)]
        return EnclosureCells(np.concatenate(lows, axis=axis), np.concatenate(highs, axis=axis))

    def points(self, indices: Sequence[Sequence[int]]) -> EnclosureCells:
        index = tuple(np.asarray(line, dtype=np.intp) for line in indices)
        return EnclosureCells(self.lo[index], self.hi[index])

    def diagonal(self, first: int, second: int) -> EnclosureCells:
        return EnclosureCells(_diagonal(self.lo, first, second), _diagonal(self.hi, first, second))

    def negated(self) -> EnclosureCells:
        return EnclosureCells(-self.hi, -self.lo)

    def root(self) -> EnclosureCells:
        if not bool((self.lo >= 0).all()):  # false if any is NaN
            raise ValueError("square root of an enclosure that may be negative")
        rooted = self.outward(np.sqrt(self.lo), np.sqrt(self.hi))
        return EnclosureCells(np.maximum(rooted.lo, 0.0), rooted.hi)  # no root is negative

    def upper_end(self) -> EnclosureCells:
        return EnclosureCells(self.hi, self.hi)

    def lower_end(self) -> EnclosureCells:
        return EnclosureCells(self.lo, self.lo)

    def positive(self) -> ArrayCells:
        return ArrayCells(self.lo > 0)

    def nonpositive(self) -> ArrayCells:
        return ArrayCells(self.hi <= 0)

    def magnitude_bits(self, axis: int) -> list[int | None]:
        lines = np.moveaxis(self.lo, axis, 0).reshape(self.shape[axis], -1)
        largest = np.where(np.isfinite(lines), np.abs(lines), 0.0).max(axis=1, initial=0.0)
        return [int(e) if x > 0 else None for x, e in zip(largest, np.frexp(largest)[1], strict=True)]

    def floor(self, axis: int, shifts: Sequence[int]) -> ArrayCells:
        across = [1] * self.lo.ndim
        across[axis] = -1
        finite = np.isfinite(self.lo)
        with np.errstate(all="ignore"):
            scaled = np.floor(np.ldexp(np.where(finite, self.lo, 0.0), np.asarray(shifts, dtype=np.int32).reshape(across)))
        scaled = np.where((self.lo < 0) & (scaled >= 0), -1.0, scaled)  # a denormal result was rounded up to zero
        return ArrayCells(np.where(finite, scaled, float(NEVER)).astype(np.int64))
