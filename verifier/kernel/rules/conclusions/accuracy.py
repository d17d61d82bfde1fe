"""Rule accuracy: counts of disjoint groups add up to one number."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from verifier.kernel.certificate import Hint, Signature
from verifier.kernel.errors import StepRejected
from verifier.kernel.facts import Bound, Context, Count, Fact, Group, WrongInputs
from verifier.kernel.maximum.ranges import Scope

SIGNATURE = Signature(premises={"counts": ("Count",), "wrong": ("WrongInputs",)}, hints={}, many=("counts",), optional=("counts", "wrong"))


def accuracy(premises: Mapping[str, list[Fact]], hints: Mapping[str, Hint], context: Context) -> Bound:
    """Premises: counts (one or more counting facts); wrong (optional).  Hints: none.

    The task's groups partition the inputs (L24), so counts of different groups add; several counts of one group speak of the same inputs,
    so the largest is taken, never the sum, and the same for inputs answered wrongly.  Listed wrong inputs may be the same as counted ones:
    the larger number is taken.  Conclusion: certified / total <= accuracy <= (total - wrong) / total (L25).
    Operations: integer, one per group and premise.  Soundness: `accuracy_sound`.
    """
    if not premises:
        raise StepRejected("no-premises", expected="counts or wrong inputs", got="neither")
    right: dict[Group, int] = {}
    wrong: dict[Group, int] = {}
    for fact in premises.get("counts", []):
        if not isinstance(fact, Count):
            raise TypeError
        context.ledger.count(integer_ops=len(fact.counts) + len(fact.wrong))
        for best, found in ((right, fact.counts), (wrong, fact.wrong)):
            for group, count in found.items():
                best[group] = max(best.get(group, count), count)
    for group, count in right.items():
        if not 0 <= count <= _size(group, context) - wrong.get(group, 0):  # a bug of ours, not of the prover: exit 70
            raise RuntimeError(f"count {count} for group {group} exceeds its size")
    listed = [fact.wrong for fact in premises.get("wrong", []) if isinstance(fact, WrongInputs)]
    certified, lost, total = sum(right.values()), max(sum(wrong.values()), *listed, 0), context.subject.total
    if certified + lost > total:
        raise RuntimeError(f"{certified} right and {lost} wrong among {total} inputs")
    return Bound("accuracy", total, Fraction(certified, total), Fraction(total - lost, total), certified, lost)


def _size(group: Group, context: Context) -> int:
    """The number of inputs of a group, or a bound of it where the task counts none."""
    pairs = context.subject.task.name == "max" and not context.subject.scope.conditions
    return Scope(context.subject.scope.ranges).cell(*group) if pairs else context.subject.total
