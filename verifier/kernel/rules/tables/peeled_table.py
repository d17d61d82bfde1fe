"""Rule peeled_table: a table is a low-rank part plus a product of residual factors, nothing dropped."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import matmul

from verifier.kernel.certificate import Choice, Hint, Peel, PeelList, Signature
from verifier.kernel.errors import StepRejected
from verifier.kernel.facts import Context, Fact, Peeled
from verifier.kernel.limits import check_limit
from verifier.kernel.numbers.matrix import Matrix

SIGNATURE = Signature(
    premises={},
    hints={"table": Choice(("skip", "score")), "positions": Choice(("raw", "centred")), "peels": PeelList()},
)


def peeled_table(premises: Mapping[str, list[Fact]], hints: Mapping[str, Hint], context: Context) -> Peeled:
    """Premises: none.  Hints: the table, its positions, and peels in the order in which they are applied.

    Each peel splits one factor interval F of the chain into (low rank) P and (the rest) R = F - P; intervals must be equal or
    disjoint.  Any directions are sound: no orthonormality is used.  Conclusion, exactly and with every cross term kept,
        F_0 F_1 ... F_p = sum_i R_0 ... R_{i-1} P_i F_{i+1} ... F_p  +  R_0 R_1 ... R_p.
    Operations: the products; low-rank terms are evaluated vector by vector.
    Unexplained dimension: 2 v for the score; v for the skip path unless its only reference row is 0.
    Soundness: `peeled_table_sound` (L21, L22, L23).
    """
    name, peels = str(hints["table"]), hints["peels"]
    if not isinstance(peels, tuple):
        raise TypeError
    chain = context.paths.chain(name, hints["positions"] == "centred")
    intervals = _intervals(peels, len(chain))
    factors = [reduce(matmul, chain[first : last + 1]) for first, last in intervals]
    residual: list[Matrix] = []
    left: Matrix | None = None  # transposed: one row per rank
    right: Matrix | None = None
    only_ones = True
    for index, (interval, factor) in enumerate(zip(intervals, factors, strict=True)):
        rest = factor
        for peel in peels:
            if (peel.first, peel.last) != interval:
                continue
            column, row = _split(rest, peel)
            rest = rest - column @ row
            only_ones = only_ones and peel.side == "row" and index == 0
            column = reduce(lambda vector, matrix: matrix @ vector, reversed(residual), column)
            row = reduce(matmul, factors[index + 1 :], row)
            column, row = column.transposed.named("rank", "left"), row.named("rank", "right")
            left, right = (column if left is None else left.joined(column)), (row if right is None else right.joined(row))
        residual.append(rest)
    if left is None or right is None:
        raise StepRejected("no-peels", expected="at least one peel", got="none")
    axes = (chain[0].axes[0], chain[-1].axes[1])
    ones = only_ones and right.shape[0] == 1
    context.ledger.unexplained_dimension += _parameters(name, right, context)
    return Peeled(
        name,
        hints["positions"] == "centred",
        None if ones else left.transposed.named(axes[0], "rank"),
        right.named(axes[0] if ones else "rank", axes[1]),
        tuple(residual),
    )


def _parameters(name: str, right: Matrix, context: Context) -> int:
    if name == "score":
        return 2 * context.vocabulary
    return context.vocabulary if any(map(any, right.rows)) else 0


def _intervals(peels: tuple[Peel, ...], length: int) -> list[tuple[int, int]]:
    """The chain cut into the intervals that the peels name and single factors between them."""
    named = sorted({(peel.first, peel.last) for peel in peels})
    result: list[tuple[int, int]] = []
    start = 0
    for first, last in named:
        if not start <= first <= last < length:
            raise StepRejected("bad-intervals", expected=f"equal or disjoint intervals of factors 0..{length - 1}", got=named)
        result += [(i, i) for i in range(start, first)]
        result.append((first, last))
        start = last + 1
    return result + [(i, i) for i in range(start, length)]


def _split(factor: Matrix, peel: Peel) -> tuple[Matrix, Matrix]:
    """P as (column, row) with P = column @ row."""
    rows, columns = factor.axes
    wanted = {"left": factor.shape[0], "right": factor.shape[1]}
    hint = peel.directions
    check_limit("width", hint.shape[1] if peel.side != "row" else 1)
    if peel.side == "row":
        if hint.shape != (1, factor.shape[1]):
            raise StepRejected("wrong-shape", expected=f"a reference row of {factor.shape[1]} entries", got=hint.shape)
        ones = Matrix(((1,),) * factor.shape[0], 0, (rows, "rank"), factor.ledger)
        return ones, hint.matrix("rank", columns, factor.ledger)
    if hint.shape[0] != wanted[peel.side]:
        raise StepRejected("wrong-shape", expected=f"directions with {wanted[peel.side]} rows", got=hint.shape)
    if peel.side == "left":
        column = hint.matrix(rows, "rank", factor.ledger)
        return column, column.transposed @ factor
    row = hint.matrix(columns, "rank", factor.ledger)
    return factor @ row, row.transposed
