"""Rule accuracy: counts of disjoint groups add up to one number."""

from __future__ import annotations

from collections.abc import Mapping

from verifier.kernel.certificate import Hint, Signature
from verifier.kernel.errors import StepRejected
from verifier.kernel.facts import Bound, Context, Count, Fact, WrongInputs

SIGNATURE = Signature(premises={"counts": ("Count",), "wrong": ("WrongInputs",)}, hints={}, many=("counts",), optional=("counts", "wrong"))


def accuracy(premises: Mapping[str, list[Fact]], hints: Mapping[str, Hint], context: Context) -> Bound:
    """Premises: counts (one or more counting facts); wrong (optional).  Hints: none.

    The pairs (q, m) of query and maximum partition the inputs (L24), so counts of different pairs add; several counts of one pair
    speak of the same inputs, so the largest is taken, never the sum.  Conclusion: certified <= right inputs <= total - wrong (L25).
    Operations: integer, one per pair and premise.  Soundness: `accuracy_sound`.
    """
    best: dict[tuple[int, int], int] = {}
    for fact in premises.get("counts", []):
        if not isinstance(fact, Count):
            raise TypeError
        context.ledger.count(integer_ops=len(fact.counts))
        for cell, count in fact.counts.items():
            best[cell] = max(best.get(cell, count), count)
    for (query, maximum), count in best.items():
        if not 0 <= count <= context.scope.cell(query, maximum):  # a bug of ours, not of the prover: exit 70
            raise RuntimeError(f"count {count} for query {query}, maximum {maximum} exceeds its cell")
    wrong = premises.get("wrong", [])
    found = wrong[0].wrong if wrong and isinstance(wrong[0], WrongInputs) else 0
    certified, total = sum(best.values()), context.subject.total
    if not premises:
        raise StepRejected("no-premises", expected="counts or wrong inputs", got="neither")
    if certified + found > total:
        raise RuntimeError(f"{certified} right and {found} wrong among {total} inputs")
    return Bound(certified, found, total)
