"""Rule count_every: evaluate every input of the scope (brute force)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import add

from verifier.kernel.certificate import Hint, Signature
from verifier.kernel.errors import StepRejected
from verifier.kernel.facts import Constraints, Context, Count, Fact, Family
from verifier.kernel.tensor import Tensor

SIGNATURE = Signature(premises={"constraints": ("Constraints",)}, hints={})


def count_every(premises: Mapping[str, list[Fact]], hints: Mapping[str, Hint], context: Context) -> Count:
    """Premises: constraints.  Hints: none.

    Conclusion: counts[(q, m)] = the number of inputs with query q and maximum m at which every constraint is positive.
    Operations: n + 1 per input and output.  Soundness: `count_every_sound` (L3, L24).
    """
    constraints = premises["constraints"][0]
    if not isinstance(constraints, Constraints):
        raise TypeError
    counts = {}
    for maximum in range(context.vocabulary):
        if not context.scope.queries(maximum):
            continue
        family = constraints.at(maximum)
        if any(block.stop - block.start != 1 for block in family.blocks):
            raise StepRejected("wrong-premise", expected="constraints on single tokens", got="blocks of several tokens")
        for index, query in enumerate(family.queries):
            counts[query, maximum] = _count(family, index, query, context)
    return Count(counts)


def _count(family: Family, index: int, query: int, context: Context) -> int:
    scope, maximum = context.scope, family.maximum
    tokens = [[k for k in range(maximum + 1) if scope.tokens_in(slot, k, k + 1)] for slot in range(scope.free_slots)]
    if not all(tokens):  # some slot has no token <= m: no such input
        return 0
    base, terms = family.base.take("query", [index]), family.terms.select("query", index)
    worst: Tensor | None = None
    for output in range(terms.size("output")):
        one = terms.select("output", output)
        columns = [
            one.select("slot", slot).take("block", tokens[slot]).renamed(block=f"token{slot}") for slot in range(scope.free_slots)
        ]
        total = reduce(add, columns, base.select("output", output).select("query", 0))
        worst = total if worst is None else worst.minimum(total)
    if worst is None:
        raise TypeError
    right = worst.certainly_positive()
    weight = context.workshop.integers([1], (), ())
    found = right.weighted_sum(weight)
    if query < maximum:  # inputs without the token m have a smaller maximum
        below = right
        for slot in range(scope.free_slots):
            kept = [position for position, token in enumerate(tokens[slot]) if token < maximum]
            if not kept:
                return found
            below = below.take(f"token{slot}", kept)
        found -= below.weighted_sum(weight)
    return found
