"""Rule row_norm: how much the entries of a row of the residual can differ, from norms and a certified spectral norm."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import matmul

from verifier.kernel.certificate import Hint, Integers, Signature
from verifier.kernel.errors import StepRejected
from verifier.kernel.facts import Context, Fact, Peeled, Slack, Table
from verifier.kernel.limits import LIMITS
from verifier.kernel.numbers.matrix import Matrix

SIGNATURE = Signature(
    premises={"table": ("Peeled",)},
    hints={"left": Integers(0, LIMITS.peels), "right": Integers(0, LIMITS.peels), "power": Integers(0, LIMITS.spectral_power)},
)


def row_norm(premises: Mapping[str, list[Fact]], hints: Mapping[str, Hint], context: Context) -> Table:
    """Premises: a peeled table with residual A C B, A the first `left` factors, B the last `right` ones.  Hints: those, and power.

    Conclusion (L29): |error[r, k] - error[r, l]| <= |A_r| sigma (|B_k - b| + |B_l - b|), B_k the columns of B, b their mean,
    sigma >= sigma_1(C).  left = 0: |A_r| = 1.  right = 0: |e_k - e_l| = sqrt 2 takes the place of the column norms (L20).
    sigma from L34: C = X Y gives sigma_1(C)^(2^(power+1)) <= trace((X'X YY')^(2^power)); no eigenvector is trusted.
    Operations: the products, power d x d squarings.  Unexplained dimension: v for each side that is present.
    Soundness: `row_norm_sound` (L20, L29, L30, L34).
    """
    peeled = premises["table"][0]
    if not isinstance(peeled, Peeled):
        raise TypeError
    chain, left, right, power = peeled.residual, int(str(hints["left"])), int(str(hints["right"])), int(str(hints["power"]))
    if left + right > len(chain):
        raise StepRejected("bad-intervals", expected=f"left + right <= {len(chain)} factors", got=left + right)
    ledger = context.ledger
    rows, columns = chain[0].axes[0], chain[-1].axes[1]
    middle = chain[left : len(chain) - right]
    sigma = _spectral_norm(middle, power) if middle else None
    if left:
        norms = reduce(matmul, chain[:left]).row_squares().root_above().named(rows, "slack")
    else:
        norms = Matrix(((1,),) * chain[0].shape[0], 0, (rows, "slack"), ledger)
    if right:
        vectors = reduce(matmul, chain[len(chain) - right :]).transposed
        radii = (vectors - vectors.mean_row()).row_squares().root_above().named(columns, "slack")
    else:  # each of the two columns brings half of sqrt 2
        half_root = Matrix(((1,),), -1, ("slack", "slack"), ledger).root_above()
        radii = Matrix(half_root.rows * chain[-1].shape[1], half_root.exponent, (columns, "slack"), ledger)
    if sigma is not None:
        norms = norms @ sigma
    ledger.unexplained_dimension += (norms.shape[0] if left else 0) + (radii.shape[0] if right else 0)
    return Table(peeled.table, peeled.centre, peeled.part, Slack(norms, radii))


def _spectral_norm(factors: tuple[Matrix, ...], power: int) -> Matrix:
    """An upper bound on the largest singular value of the product of the factors, shape (1, 1)."""
    first, rest = factors[0], factors[1:]
    gram = first.transposed.named("inner", first.axes[0]) @ first
    if rest:
        second = reduce(matmul, rest)
        gram = gram @ (second @ second.transposed.named(second.axes[1], "inner"))
    gram = gram.named("inner", "inner")
    for _ in range(power):
        gram = gram @ gram
    gram.ledger.count(gram.shape[0] - 1)
    trace = sum(row[index] for index, row in enumerate(gram.rows))
    norm = Matrix(((max(trace, 0),),), gram.exponent, ("slack", "slack"), gram.ledger)
    for _ in range(power + 1):
        norm = norm.root_above()
    return norm
