"""Rule joint_constraint: one separable constraint per wrong output, with nothing given away."""

from __future__ import annotations

from collections.abc import Mapping

from verifier.kernel.certificate import Hint, Signature
from verifier.kernel.facts import Block, Constraints, Context, Fact, Family
from verifier.kernel.maximum.margins import TABLE_PREMISES, Margins
from verifier.kernel.numbers.workshop import on_grid

SIGNATURE = Signature(premises=TABLE_PREMISES, hints={})


def joint_constraint(premises: Mapping[str, list[Fact]], hints: Mapping[str, Hint], context: Context) -> Constraints:
    """Premises: the five tables.  Hints: none.

    Conclusion: for every m, q <= m and x != m:  Phi_x(t) >= base[q, x] + sum_i terms[q, i, t_i, x], where
    base = w_{n-1}(q) (g_x + D_x(q) + p_{n-1, x})  and  terms = w_i(k) (g_x + D_x(k) + p_{i, x}),  rounded down.
    Operations: 4 per entry (q, i, k, x).  Soundness: `joint_constraint_sound` (L4).
    """
    margins = Margins.of(premises, context)
    margins.check_divisors(range(context.vocabulary))

    def at(maximum: int) -> Family:
        queries = list(context.scope.queries(maximum))
        keys = list(range(maximum + 1))
        skip = margins.gap(margins.skip.take("query", queries), maximum)
        copy = margins.gap(margins.copy.take("key", keys), maximum)
        place = margins.gap(margins.place_copy, maximum)
        omega, rho = margins.omega.take("query", queries), margins.rho.take("query", queries)
        own_copy = copy.take("key", queries).renamed(key="query")
        base = margins.own_weight(maximum, queries) * (skip + own_copy + place.select("slot", context.scope.free_slots))
        weight = rho.take("slot", margins.free) * margins.normalised(omega.take("key", keys), "key", maximum, queries)
        terms = weight * (skip + (copy + place.take("slot", margins.free)))
        base, terms = on_grid("query", base, terms)
        blocks = tuple(Block(k, k + 1) for k in keys)
        return Family(maximum, range(queries[0], queries[0] + len(queries)), blocks, base, terms.renamed(key="block"))

    return Constraints(at)
