"""Exact matrices: integers with a common power of two, value = integer * 2^exponent.

Every linear table of the model is a sum of products of float weights, hence such a matrix, with no rounding at all.  Rounding
starts where `exp` does (`tensor.py`).  Every operation adds its flops to the ledger (CONVENTIONS.md, Cost).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from math import isqrt
from operator import add, mul, sub

from verifier.kernel.limits import check_limit

ROOT_BITS = 32


def _root_above(square: int) -> int:
    root = isqrt(square)
    return root if root * root == square else root + 1


@dataclass
class Ledger:
    """The length of the proof checked so far, in scalar operations."""

    flops: int = 0  # + - * / sqrt exp |.| min max compare on exact numbers or enclosures
    integer_ops: int = 0  # add, compare, index on counts
    unexplained_dimension: int = 0  # entries inspected one by one over all table facts, plus parameters of slack terms
    limit: int | None = None  # operations
    limit_name: str = field(default="reference_operations", repr=False)
    dense: int = 0  # of the flops, those in dense products: hundreds of times quicker than others, limited apart
    # not a length of the proof, but time
    words: int = 0  # products of two 64-bit words in exact matrix products
    exponentials: dict[str, int] = field(default_factory=dict)  # by the limit that bounds them
    visits: int = 0  # of nodes that are carried back to, once for each way that leads there

    @property
    def operations(self) -> int:
        return self.flops + self.integer_ops

    def count(self, flops: int = 0, integer_ops: int = 0) -> None:
        self.flops += flops
        self.integer_ops += integer_ops
        if self.limit is not None and self.operations - self.dense > self.limit:
            hint = "check with --arithmetic fast" if self.limit_name == "reference_operations" else ""
            check_limit(self.limit_name, self.operations - self.dense, hint=hint)

    def count_dense(self, products: int) -> None:
        """Charge a product of matrices of enclosures: 2 flops per product of two cells, at the pace of whole rows."""
        self.dense += 2 * products
        self.flops += 2 * products
        check_limit("fast_dense_operations" if self.limit_name == "fast_operations" else "reference_dense_operations", self.dense)

    def count_words(self, words: int) -> None:
        self.words += words
        check_limit("word_operations", self.words)

    def count_visit(self) -> None:
        self.visits += 1
        check_limit("node_visits", self.visits)

    def count_exponentials(self, exponentials: int, limit_name: str) -> None:
        """limit_name: the field that bounds them, by what one of them takes."""
        self.exponentials[limit_name] = self.exponentials.get(limit_name, 0) + exponentials
        check_limit(limit_name, self.exponentials[limit_name])


@dataclass(frozen=True)
class Matrix:
    """An exact matrix with named axes.

    rows: shape (rows, columns) of integers.  axes: the names of the two axes, such as ("query", "key").
    """

    rows: tuple[tuple[int, ...], ...]
    exponent: int
    axes: tuple[str, str]
    ledger: Ledger

    @staticmethod
    def of(rows: Iterable[Iterable[tuple[int, int]]], axes: tuple[str, str], ledger: Ledger) -> Matrix:
        """From entries (mantissa, exponent), brought to the smallest exponent."""
        table = [list(row) for row in rows]
        least = min((e for row in table for m, e in row if m), default=0)
        return Matrix(tuple(tuple(m << (e - least) if m else 0 for m, e in row) for row in table), least, axes, ledger)

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.rows), len(self.rows[0])

    @property
    def words(self) -> int:
        """How many 64-bit words the longest entry has."""
        return max(max(abs(max(row)), abs(min(row))) for row in self.rows).bit_length() // 64 + 1

    @property
    def size(self) -> int:
        return self.shape[0] * self.shape[1]

    def _new(self, rows: Iterable[Sequence[int]], exponent: int | None = None, axes: tuple[str, str] | None = None) -> Matrix:
        return Matrix(tuple(map(tuple, rows)), self.exponent if exponent is None else exponent, axes or self.axes, self.ledger)

    def named(self, row: str, column: str) -> Matrix:
        return self._new(self.rows, axes=(row, column))

    @property
    def transposed(self) -> Matrix:
        return self._new(zip(*self.rows, strict=True), axes=(self.axes[1], self.axes[0]))

    def _aligned(self, other: Matrix) -> tuple[Matrix, Matrix, int]:
        """Both matrices over the smaller of the two exponents."""
        low = min(self.exponent, other.exponent)

        def shifted(matrix: Matrix) -> Matrix:
            shift = matrix.exponent - low
            return matrix if not shift else self._new([[x << shift for x in row] for row in matrix.rows], low)

        return shifted(self), shifted(other), low

    def __matmul__(self, other: Matrix) -> Matrix:
        """Shape (r, k) @ (k, c) -> (r, c); r c (2k - 1) flops."""
        if self.shape[1] != other.shape[0] or self.axes[1] != other.axes[0]:
            raise ValueError(f"cannot multiply {self.axes}{self.shape} by {other.axes}{other.shape}")
        columns = tuple(zip(*other.rows, strict=True))
        # attack: few operations on integers of a million bits, from weights of extreme exponents squared again and again
        self.ledger.count_words(self.shape[0] * other.size * self.words * other.words)
        self.ledger.count(self.shape[0] * other.shape[1] * (2 * self.shape[1] - 1))
        rows = [[sum(map(mul, row, column)) for column in columns] for row in self.rows]
        return self._new(rows, self.exponent + other.exponent, (self.axes[0], other.axes[1]))

    def _elementwise(self, other: Matrix, operation: Callable[[int, int], int]) -> Matrix:
        if self.axes != other.axes:
            raise ValueError(f"axes {self.axes} against {other.axes}")
        a, b, low = self._aligned(other)
        self.ledger.count(self.size)
        right = b.rows * self.shape[0] if b.shape[0] == 1 else b.rows  # one row is added to every row
        return self._new([[operation(x, y) for x, y in zip(r, s, strict=True)] for r, s in zip(a.rows, right, strict=True)], low)

    def __add__(self, other: Matrix) -> Matrix:
        """Entrywise; a matrix of one row is added to every row."""
        return self._elementwise(other, add)

    def __sub__(self, other: Matrix) -> Matrix:
        return self._elementwise(other, sub)

    def row(self, index: int) -> Matrix:
        return self._new([self.rows[index]])

    def first_rows(self, count: int) -> Matrix:
        return self._new(self.rows[:count])

    def row_sum(self) -> Matrix:
        """The sum of all rows, as a matrix of one row."""
        self.ledger.count((self.shape[0] - 1) * self.shape[1])
        return self._new([[sum(column) for column in zip(*self.rows, strict=True)]])

    def mean_row(self, extra_bits: int = 64) -> Matrix:
        """The mean of the rows, rounded down to `extra_bits` below the unit: a dyadic row, exact in every identity it enters."""
        total = self.row_sum()
        return self._new([[(x << extra_bits) // self.shape[0] for x in total.rows[0]]], self.exponent - extra_bits)

    def joined(self, other: Matrix) -> Matrix:
        """The rows of both, this one's first."""
        a, b, low = self._aligned(other)
        return self._new(a.rows + b.rows, low)

    def absolute(self) -> Matrix:
        self.ledger.count(self.size)
        return self._new([[abs(x) for x in row] for row in self.rows])

    def scaled(self, factor: int, exponent: int) -> Matrix:
        """Factor * 2^exponent times the matrix."""
        self.ledger.count(self.size)
        return self._new([[factor * x for x in row] for row in self.rows], self.exponent + exponent)

    def rounded_up(self, exponent: int) -> Matrix:
        """Integers in units of 2^exponent, each at least one unit above its entry and at most two."""
        self.ledger.count(self.size)
        shift = self.exponent - exponent
        return self._new([[(x << shift if shift >= 0 else x >> -shift) + 2 for x in row] for row in self.rows], exponent)

    def column_max(self) -> Matrix:
        """The largest entry of each column, as a matrix of one row."""
        self.ledger.count(self.size - self.shape[1])
        return self._new([[max(column) for column in zip(*self.rows, strict=True)]])

    def largest(self) -> int:
        """The largest integer of all entries."""
        return max(map(max, self.rows))

    def row_range(self) -> Matrix:
        """Max - min of each row, shape (rows, 1); the column axis keeps its name."""
        self.ledger.count(2 * self.size - self.shape[0])
        return self._new([[max(row) - min(row)] for row in self.rows])

    def entrywise_min(self, other: Matrix) -> Matrix:
        return self._elementwise(other, min)

    def root_above(self) -> Matrix:
        """Entrywise square roots of entries >= 0, rounded up at `ROOT_BITS` bits below the unit of the exact root."""
        self.ledger.count(self.size)
        odd = self.exponent % 2
        shift = 2 * ROOT_BITS + odd
        rows = [[_root_above(x << shift) for x in row] for row in self.rows]
        return self._new(rows, (self.exponent - shift) // 2)

    def row_squares(self) -> Matrix:
        """The sum of squares of each row, shape (rows, 1)."""
        self.ledger.count(2 * self.size - self.shape[0])
        return self._new([[sum(map(mul, row, row))] for row in self.rows], 2 * self.exponent)
