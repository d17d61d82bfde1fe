"""Rule worst_class: the least accuracy among the inputs with one right answer."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from verifier.kernel.certificate import Hint, Signature
from verifier.kernel.errors import StepRejected
from verifier.kernel.facts import Bound, Context, Count, Fact

SIGNATURE = Signature(premises={"counts": ("Count",)}, hints={})


def worst_class(premises: Mapping[str, list[Fact]], hints: Mapping[str, Hint], context: Context) -> Bound:
    """Premises: counts of a rule that has met every input.  Hints: none.

    The class of a group is its last entry, the right answer.  Conclusion: worst_class >= the least over classes of right / inputs.
    Operations: integer, two per group.  Soundness: `worst_class_sound`.
    """
    fact = premises["counts"][0]
    if not isinstance(fact, Count):
        raise TypeError
    if fact.totals is None:  # attack: a class of which no input was counted left out of the minimum
        raise StepRejected("wrong-premise", expected="counts with the size of every group", got="counts without")
    if not all(fact.totals):
        raise StepRejected("task-misfit", expected="a task that reads one answer", got="groups that belong to no class")
    right: dict[int, int] = {}
    totals: dict[int, int] = {}
    for group, size in fact.totals.items():
        totals[group[-1]] = totals.get(group[-1], 0) + size
        right[group[-1]] = right.get(group[-1], 0) + fact.counts[group]
    context.ledger.count(integer_ops=2 * len(fact.totals))
    return Bound("worst_class", context.subject.total, below=min(Fraction(right[label], totals[label]) for label in totals))
