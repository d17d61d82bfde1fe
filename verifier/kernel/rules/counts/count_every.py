"""Rule count_every: evaluate every input of the scope (brute force)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from math import prod
from operator import add

from verifier.kernel.certificate import Hint, Signature
from verifier.kernel.errors import StepRejected
from verifier.kernel.facts import Constraints, Context, Count, Fact, Family, Group
from verifier.kernel.numbers.tensor import Tensor

SIGNATURE = Signature(premises={"constraints": ("Constraints",)}, hints={})
CELLS_AT_ONCE = 1 << 18  # partial sums held at a time


def count_every(premises: Mapping[str, list[Fact]], hints: Mapping[str, Hint], context: Context) -> Count:
    """Premises: constraints.  Hints: none.

    Conclusion: counts[(q, m)] = the number of inputs with query q and maximum m at which every constraint is positive.
    Operations: n + 1 per input and output.  Soundness: `count_every_sound` (L3, L24).
    """
    constraints = premises["constraints"][0]
    if not isinstance(constraints, Constraints):
        raise TypeError
    counts: dict[Group, int] = {}
    for maximum in range(context.vocabulary):
        if not (context.scope.queries(maximum) and constraints.speaks_of(maximum)):
            continue
        family = constraints.at(maximum)
        if any(block.stop - block.start != 1 for block in family.blocks):
            raise StepRejected("wrong-premise", expected="constraints on single tokens", got="blocks of several tokens")
        for index, query in enumerate(family.queries):
            counts[query, maximum] = _count(family, index, query, context)
    return Count(counts)


def _count(family: Family, index: int, query: int, context: Context) -> int:
    """Inputs with this query, as boxes: one box if the query is the maximum, else one per first slot that holds the maximum."""
    scope, maximum = context.scope, family.maximum
    upto = [[k for k in range(maximum + 1) if scope.tokens_in(slot, k, k + 1)] for slot in range(scope.free_slots)]
    below = [[k for k in line if k < maximum] for line in upto]
    boxes = [upto]
    if query < maximum:
        boxes = [[*below[:slot], [maximum] * (maximum in upto[slot]), *upto[slot + 1 :]] for slot in range(scope.free_slots)]
    base, terms = family.base.select("query", index), family.terms.select("query", index)
    return sum(_right_in(box, base, terms, context) for box in boxes if all(box))


def _right_in(box: list[list[int]], base: Tensor, terms: Tensor, context: Context) -> int:
    """How many fillings of the box (one token list per free slot) are positive for every output."""
    columns = [terms.select("slot", slot).take("block", tokens).renamed(block=f"token{slot}") for slot, tokens in enumerate(box)]
    outputs, step = base.size("output"), max(CELLS_AT_ONCE // prod(map(len, box)), 1)
    right: Tensor | None = None
    for start in range(0, outputs, step):
        some = range(start, min(start + step, outputs))
        worst = reduce(add, [column.take("output", some) for column in columns], base.take("output", some)).min("output")
        right = worst.certainly_positive() if right is None else right & worst.certainly_positive()
    if right is None:
        raise TypeError
    return right.weighted_sum(context.workshop.integers([1], (), ()))
