"""Where tensors come from, and the one road from enclosures to integers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod

from verifier.kernel.numbers.arithmetic import GRID_BITS, Arithmetic
from verifier.kernel.numbers.matrix import Ledger, Matrix
from verifier.kernel.numbers.tensor import Tensor

CONSTANT_BITS = 256  # bits after the point of a constant


def on_grid(axis: str, *tensors: Tensor) -> list[Tensor]:
    """Lower ends of several enclosure tensors as integers in one unit per index of `axis`: integer * unit <= lower end.

    The unit is a power of two that brings the largest magnitude to `GRID_BITS` bits.  One flop per cell.
    """
    bits = [tensor.cells.magnitude_bits(tensor.axes.index(axis)) for tensor in tensors]
    shifts = []
    for row in zip(*bits, strict=True):
        known = [e for e in row if e is not None]
        shifts.append(GRID_BITS - max(known) if known else 0)
    grids = []
    for tensor in tensors:
        tensor._count(prod(tensor.shape))
        grids.append(tensor._with(tensor.cells.floor(tensor.axes.index(axis), shifts), kind="integer"))
    return grids


@dataclass(frozen=True)
class Workshop:
    """Makes tensors of one arithmetic, charging one ledger."""

    arithmetic: Arithmetic
    ledger: Ledger

    def enclose(self, matrix: Matrix) -> Tensor:
        """An exact matrix as enclosures."""
        return self.enclose_between([(x, x, matrix.exponent) for row in matrix.rows for x in row], matrix.axes, matrix.shape)

    def enclose_between(self, bounds: Sequence[tuple[int, int, int]], axes: tuple[str, ...], shape: tuple[int, ...]) -> Tensor:
        """Enclosures of [lower, upper] * 2^exponent from triples in row-major order."""
        return Tensor(axes, self.arithmetic.enclosures(bounds, shape), "enclosure", self.ledger)

    def constant(self, lower: Fraction, upper: Fraction | None = None) -> Tensor:
        """An enclosure without axes of every number between two fractions."""
        low = (lower.numerator << CONSTANT_BITS) // lower.denominator
        high = -((-(upper or lower).numerator << CONSTANT_BITS) // (upper or lower).denominator)
        return self.enclose_between([(low, high, -CONSTANT_BITS)], (), ())

    def integers(self, entries: Sequence[int], axes: tuple[str, ...], shape: tuple[int, ...]) -> Tensor:
        return Tensor(axes, self.arithmetic.integers(entries, shape), "integer", self.ledger)

    def diagonal_mask(self, rows: tuple[str, int], columns: tuple[str, int]) -> Tensor:
        """Truth values, true where the two coordinates agree; each axis as (name, size)."""
        same = [int(row == column) for row in range(rows[1]) for column in range(columns[1])]
        return self.integers(same, (rows[0], columns[0]), (rows[1], columns[1])).certainly_positive()
