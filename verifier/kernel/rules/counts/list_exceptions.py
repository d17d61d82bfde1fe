"""Rule list_exceptions: list every input at which some constraint may fail; the rest is right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from verifier.kernel.certificate import Hint, Signature
from verifier.kernel.errors import StepRejected
from verifier.kernel.facts import Constraints, Context, Count, Fact, Family, Group
from verifier.kernel.limits import check_limit
from verifier.kernel.maximum.holders import by_first_holder, open_outputs
from verifier.kernel.maximum.ranges import Scope
from verifier.kernel.numbers.listing import not_positive
from verifier.kernel.numbers.matrix import Ledger

SIGNATURE = Signature(premises={"constraints": ("Constraints",)}, hints={})


def list_exceptions(premises: Mapping[str, list[Fact]], hints: Mapping[str, Hint], context: Context) -> Count:
    """Premises: constraints on single tokens.  Hints: none.

    For each (q, m), a constraint whose least sum, slot by slot and one slot with m if q < m, is positive never fails.
    For the others every input with a sum <= 0 is listed, slot by slot, pruned by the least of the slots to come.
    Conclusion: counts[(q, m)] = inputs of the pair minus the distinct ones listed.
    Operations: integer, n per term, then those of the search.  Soundness: `list_exceptions_sound` (L3, L4, L24).
    """
    constraints = premises["constraints"][0]
    if not isinstance(constraints, Constraints):
        raise TypeError
    counts: dict[Group, int] = {}
    listed, steps = 0, 0
    for maximum, queries in context.scope.groups(context.vocabulary):
        family = constraints.at(maximum)
        if any(block.stop - block.start != 1 for block in family.blocks):
            raise StepRejected("wrong-premise", expected="constraints on single tokens", got="blocks of several tokens")
        search = _Search(family, context.scope, context.ledger)
        for index, (query, suspects) in enumerate(zip(queries, open_outputs(family), strict=True)):
            exceptions: set[tuple[int, ...]] = set()
            for tokens in search.failures(index, suspects):
                listed += tokens not in exceptions
                exceptions.add(tokens)
                context.ledger.count(integer_ops=1)
                steps += 1
                check_limit("listing_steps", steps)
                check_limit("listed_inputs", listed)
            counts[query, maximum] = context.scope.cell(query, maximum) - len(exceptions)
    return Count(counts)


@dataclass(frozen=True)
class _Search:
    """The inputs of one true maximum at which a constraint fails."""

    family: Family
    scope: Scope
    ledger: Ledger

    def failures(self, index: int, outputs: list[int]) -> Iterator[tuple[int, ...]]:
        """The tokens of the free slots of inputs with this query at which a constraint is not positive, once for each of these outputs."""
        if not outputs:
            return
        slots, maximum = range(self.scope.free_slots), self.family.maximum
        base, terms = (tensor.select("query", index).take("output", outputs) for tensor in (self.family.base, self.family.terms))
        tables = terms.spread(("output", "slot", "block"), terms.sizes).to_list() if slots else [[] for _ in outputs]
        tokens = [[k for k in range(maximum + 1) if self.scope.tokens_in(slot, k, k + 1)] for slot in slots]
        for value, table in zip(base.to_list(), tables, strict=True):
            lines = [sorted((table[slot][k], k) for k in tokens[slot]) for slot in slots]
            self.ledger.count(integer_ops=sum(len(line) * max(len(line) - 1, 1).bit_length() for line in lines))
            needs_maximum = self.family.queries[index] < maximum
            for box in by_first_holder(lines, lambda entry: entry[1] == maximum) if needs_maximum else [lines]:
                yield from not_positive(value, box, self.ledger)
