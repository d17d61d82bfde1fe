"""What an arithmetic must provide: arrays of enclosures, integers and truth values, without names or meaning.

Two arithmetics exist: mpmath (`reference.py`) and fast (`verifier/fast`, outside the kernel).  `tensor.py` gives the axes names,
aligns operands and counts operations; the rules see tensors only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

GRID_BITS = 48  # bits of an integer on the grid; sums of up to 64 of them stay far inside 63 bits
NEVER = -(1 << 55)  # stands for a lower end that is not finite: no sum of 64 grid numbers with it is positive


class Cells(Protocol):
    """A rectangular array of one kind of cell.  Shapes of operands agree; `Tensor` sees to that."""

    shape: tuple[int, ...]
    exponential_limit: str  # of enclosures: the field of `Limits` that bounds how many exponentials a check may take

    def aligned(self, order: tuple[int | None, ...], shape: tuple[int, ...]) -> Any:
        """Axes permuted to `order` and repeated to `shape`; None stands for a new axis."""

    def reshaped(self, shape: tuple[int, ...]) -> Any:
        """The same cells in row-major order, other axes."""

    def product(self, other: Any) -> Any:
        """Of enclosures: the matrix product of shapes (r, k) and (k, c)."""

    def exponential(self) -> Any:
        """Of enclosures.  Raises OverflowError where the arithmetic has no upper end."""

    def logarithm_guess(self) -> Any:
        """Of positive enclosures: points near ln of the upper ends.  Nobody believes them."""

    def combine(self, name: str, other: Any) -> Any:
        """Cell by cell: add subtract multiply divide minimum maximum hull | and."""

    def reduce(self, name: str, axis: int) -> Any:
        """Along an axis: add minimum maximum | and."""

    def running(self, name: str, axis: int) -> Any:
        """Prefix results along an axis: minimum or maximum."""

    def all_but_one(self, name: str, axis: int) -> Any:
        """Entry j becomes the minimum or maximum of all entries but the j-th (the axis has at least 2)."""

    def sorted(self, axis: int) -> Any:
        """Order statistics: lower ends and upper ends sorted apart, ascending."""

    def take(self, axis: int, indices: Sequence[int]) -> Any: ...

    def picked(self, axis: int, index: int) -> Any:
        """One index of an axis; the axis goes."""

    def joined(self, others: Sequence[Any], axis: int) -> Any:
        """This and the others end to end along an axis."""

    def points(self, indices: Sequence[Sequence[int]]) -> Any:
        """One cell per listed point, as one axis; `indices` holds one list of coordinates per axis."""

    def diagonal(self, first: int, second: int) -> Any:
        """The cells whose two coordinates agree; the second axis goes."""

    def negated(self) -> Any: ...

    def root(self) -> Any:
        """Square roots; ValueError unless every cell is certainly >= 0."""

    def upper_end(self) -> Any:
        """Enclosures that are the upper ends."""

    def lower_end(self) -> Any: ...

    def positive(self) -> Any:
        """Truth values: certainly > 0."""

    def nonpositive(self) -> Any:
        """Truth values: certainly <= 0."""

    def magnitude_bits(self, axis: int) -> list[int | None]:
        """Per index of `axis`, the least e with |lower end| < 2^e over all cells there, None if all are zero."""

    def floor(self, axis: int, shifts: Sequence[int]) -> Any:
        """Integers: the largest integer <= lower end * 2^shift, the shift chosen per index of `axis`.

        NEVER where that is not finite; so it may be where it has more than 64 bits.
        """

    def where(self, yes: Any, no: Any) -> Any:
        """Of truth values: the cell of `yes` where true, of `no` elsewhere."""

    def weighted_sum(self, weights: Any) -> int:
        """Of truth values: the sum of the integer weights at true cells, exact at any size."""

    def to_list(self) -> list[Any]:
        """Integers or truth values as nested lists."""


class Arithmetic(Protocol):
    """Makes cells.  Two exist: mpmath (reference) and fast."""

    @property
    def name(self) -> str: ...

    @property
    def backend(self) -> str:
        """Library and version, for the verdict."""

    @property
    def library(self) -> str:
        """What else must be believed beside Python: the library's name."""

    def enclosures(self, bounds: Sequence[tuple[int, int, int]], shape: tuple[int, ...]) -> Any:
        """Cells enclosing [lower, upper] * 2^exponent for each (lower, upper, exponent), in row-major order."""

    def integers(self, entries: Sequence[int], shape: tuple[int, ...]) -> Any: ...
