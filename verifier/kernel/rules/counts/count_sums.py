"""Rule count_sums: count the inputs at which a sum of integers is positive, without listing them."""

from __future__ import annotations

from collections.abc import Mapping

from verifier.kernel.certificate import Hint, Integers, Signature
from verifier.kernel.facts import Block, Constraints, Context, Count, Fact, Group
from verifier.kernel.maximum.ranges import Scope
from verifier.kernel.numbers.counting import positive_sums

SIGNATURE = Signature(premises={"constraints": ("Constraints",)}, hints={"bins": Integers(1, 1 << 20)})


def count_sums(premises: Mapping[str, list[Fact]], hints: Mapping[str, Hint], context: Context) -> Count:
    """Premises: constraints.  Hints: bins, the resolution of the sums.

    Conclusion: counts[(q, m)] = total - sum over output indices x of (total - count_x), where count_x is a lower bound on the
    number of inputs with base + sum_i terms[i, t_i] > 0.  Exact integers throughout: for any c_i and h > 0 the bin numbers
    idx = floor((term - c_i) / h) give base + sum_i c_i + h sum_i idx <= base + sum_i terms, and inputs are counted by their bins.
    Inputs with maximum m and query q < m: those with all tokens <= m minus those with all tokens < m, by the same bins.
    Operations: integer; 6 per term, 2 a b per convolution of lengths a and b.  Soundness: `count_sums_sound` (L24, L27).
    """
    constraints = premises["constraints"][0]
    if not isinstance(constraints, Constraints):
        raise TypeError
    bins, scope = int(str(hints["bins"])), context.scope
    counts: dict[Group, int] = {}
    for maximum, queries in scope.groups(context.vocabulary):
        family = constraints.at(maximum)
        sizes = [_block_sizes(scope, slot, family.blocks) for slot in range(scope.free_slots)]
        bases = family.base.spread(("query", "output"), family.base.sizes).to_list()
        terms = family.terms.spread(("query", "slot", "block", "output"), family.terms.sizes).to_list()
        for index, query in enumerate(queries):
            total = scope.cell(query, maximum)
            lost = 0
            for output, base in enumerate(bases[index]):
                columns = [[entry[output] for entry in line] for line in terms[index][: scope.free_slots]]
                lost += total - positive_sums(base, columns, sizes, bins, query < maximum, context.ledger)
            counts[query, maximum] = max(total - lost, 0)
    return Count(counts)


def _block_sizes(scope: Scope, slot: int, blocks: tuple[Block, ...]) -> list[int]:
    return [scope.tokens_in(slot, block.start, block.stop) for block in blocks]
