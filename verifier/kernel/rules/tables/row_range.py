"""Rule row_range: how much the entries of a row of the residual can differ, from ranges of the factors' rows."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import matmul

from verifier.kernel.certificate import Choice, Hint, Signature
from verifier.kernel.facts import Context, Fact, Peeled, Slack, Table
from verifier.kernel.numbers.matrix import Matrix

SIGNATURE = Signature(
    premises={"table": ("Peeled",)},
    hints={
        "bound": Choice(("exact", "split", "recursive")),
        "mean": Choice(("none", "first", "every")),
        "spread": Choice(("rows", "all")),
    },
)


def row_range(premises: Mapping[str, list[Fact]], hints: Mapping[str, Hint], context: Context) -> Table:
    """Premises: a peeled table with residual chain M_1 ... M_p.  Conclusion: |error[r, k] - error[r, l]| <= eps_r for all k, l.

    bound = exact: eps_r = max - min of row r of the product, multiplied out; with spread = all, of the whole product (one number).
    bound = split: the least over all cuts i of |A| rng(B), A = M_1 ... M_i, B = M_{i+1} ... M_p (L15, L17).
    bound = recursive: D(M_p) = rng(M_p), D(M_i ... M_p) = |M_i| D(M_{i+1} ... M_p) (L18).
    mean = first (or, recursively, every): |A| rng(B) becomes rng(a B) + |A - 1 a| rng(B), a = mean row of A (L16, L19).
    Operations: the products.  Unexplained dimension: exact 2 v (all: 2); else for the score 2 d, and v more with a mean, for the
    skip path v d + 2.  Soundness: `row_range_sound`.
    """
    peeled = premises["table"][0]
    if not isinstance(peeled, Peeled):
        raise TypeError
    chain, mean = peeled.residual, str(hints["mean"])
    ledger, width = context.ledger, context.model.width
    if hints["bound"] == "exact":
        product = reduce(matmul, chain)
        ledger.unexplained_dimension += 2 if hints["spread"] == "all" else 2 * product.shape[0]
        bound = product.row_range()
        if hints["spread"] == "all":
            whole = product._new([[x for row in product.rows for x in row]]).row_range()
            bound = product._new([whole.rows[0]] * product.shape[0])
    else:
        ledger.unexplained_dimension += chain[0].shape[0] * width + 2 if peeled.table == "skip" else 2 * width
        ledger.unexplained_dimension += chain[0].shape[0] if mean != "none" else 0
        bound = _split(chain, mean != "none") if hints["bound"] == "split" else _recursive(chain, mean)
        if hints["spread"] == "all":
            bound = bound._new([[max(row[0] for row in bound.rows)]] * bound.shape[0])
    half = Matrix(((1,),) * chain[-1].shape[1], -1, (chain[-1].axes[1], "slack"), ledger)
    return Table(peeled.table, peeled.centre, peeled.part, Slack(bound.named(chain[0].axes[0], "slack"), half))


def _split(chain: tuple[Matrix, ...], mean: bool) -> Matrix:
    """L17 over every cut; a chain of one factor has its exact range."""
    bounds = []
    for cut in range(1, len(chain)):
        before, after = reduce(matmul, chain[:cut]), reduce(matmul, chain[cut:])
        bounds.append(_product_range(before, (after,), after.row_range(), mean))
    return reduce(Matrix.entrywise_min, bounds) if bounds else chain[0].row_range()


def _recursive(chain: tuple[Matrix, ...], mean: str) -> Matrix:
    """L18 and L19."""
    first, rest = chain[0], chain[1:]
    if not rest:
        return first.row_range()
    return _product_range(first, rest, _recursive(rest, mean if mean == "every" else "none"), mean != "none")


def _product_range(first: Matrix, rest: tuple[Matrix, ...], ranges: Matrix, mean: bool) -> Matrix:
    """A row bound of `first` times the product of `rest`, given row bounds `ranges` of that product (L15, L16)."""
    ranges = ranges.named(first.axes[1], "range")
    if not mean:
        return first.absolute() @ ranges
    row = first.mean_row()
    centre = reduce(matmul, rest, row).row_range().named(first.axes[0], "range")
    return (first - row).absolute() @ ranges + centre
