"""Rule hot_constraint: for chosen maxima, a few dangerous outputs each get a joint constraint, the rest share a decoupled one."""

from __future__ import annotations

from collections.abc import Mapping

from verifier.kernel.certificate import FloatArray, Floats, Hint, IntegerArray, IntegerTable, Signature
from verifier.kernel.errors import StepRejected
from verifier.kernel.facts import Block, Constraints, Context, Fact, Family
from verifier.kernel.limits import LIMITS
from verifier.kernel.maximum.margins import TABLE_PREMISES, Margins
from verifier.kernel.numbers.tensor import Tensor
from verifier.kernel.numbers.workshop import on_grid

SIGNATURE = Signature(premises=TABLE_PREMISES, hints={"shift": Floats(), "hot": IntegerTable(0, LIMITS.vocabulary)})


def hot_constraint(premises: Mapping[str, list[Fact]], hints: Mapping[str, Hint], context: Context) -> Constraints:
    """Premises: the five tables.  Hints: shift s, shape (v, v), a row per m; hot, rows (m, x) with x != m.

    For each m that `hot` names, with H_m its outputs: one constraint for all x outside H_m and {m} together, decoupled with the
    shift as in decoupled_constraint, and one joint constraint per x in H_m.  Every input that satisfies all of them is right.
    Conclusion: constraints for these maxima only; the others are left to another step.
    Operations: 3 n v^2 and 4 (|H_m| + 1) n per (q, k).  Soundness: `hot_constraint_sound` (L4, L6, L33).
    """
    margins = Margins.of(premises, context)
    v = context.vocabulary
    array, listed = hints["shift"], hints["hot"]
    if not isinstance(array, FloatArray) or array.shape != (v, v):
        raise StepRejected("wrong-shape", expected=f"shift of shape ({v}, {v})", got=getattr(array, "shape", array))
    if not isinstance(listed, IntegerArray) or len(listed.rows[0]) != 2:
        raise StepRejected("wrong-shape", expected="hot of shape (N, 2)", got="another shape")
    hot: dict[int, set[int]] = {}
    for maximum, output in listed.rows:
        if maximum >= v or output >= v or output == maximum:
            raise StepRejected("not-a-wrong-output", expected="a maximum and another output", got=[maximum, output])
        hot.setdefault(maximum, set()).add(output)
    margins.check_divisors(hot)
    shift = context.workshop.enclose(array.matrix("maximum", "output", context.ledger))

    def at(maximum: int) -> Family:
        queries, keys = list(context.scope.queries(maximum)), list(range(maximum + 1))
        others = [x for x in range(v) if x != maximum]
        single = [others.index(x) for x in sorted(hot[maximum])]
        shared = [index for index in range(v - 1) if index not in single]
        last = context.scope.free_slots
        skip = margins.gap(margins.skip.take("query", queries), maximum)
        copy = margins.gap(margins.copy.take("key", keys), maximum) + margins.gap(margins.place_copy, maximum)
        gaps = [(skip.take("output", single), copy.take("output", single))]
        if shared:
            moved = shift.select("maximum", maximum).without("output", maximum).take("output", shared)
            worst_skip = (skip.take("output", shared) - moved).min("output")
            worst_copy = (copy.take("output", shared) + moved).min("output")
            gaps.append((_one_output(worst_skip), _one_output(worst_copy)))
        own_weight = margins.own_weight(maximum, queries)
        omega = margins.omega.take("query", queries).take("key", keys)
        weight = margins.rho.take("query", queries).take("slot", margins.free) * margins.normalised(omega, "key", maximum, queries)
        bases, terms = [], []
        for skip_gap, copy_gap in gaps:
            own_copy = copy_gap.select("slot", last).take("key", queries).renamed(key="query")
            bases.append(own_weight * (skip_gap + own_copy))
            terms.append(weight * (skip_gap + copy_gap.take("slot", margins.free)))
        base, table = on_grid("query", bases[0].joined(bases[1:], "output"), terms[0].joined(terms[1:], "output"))
        blocks = tuple(Block(k, k + 1) for k in keys)
        return Family(maximum, range(queries[0], queries[0] + len(queries)), blocks, base, table.renamed(key="block"))

    return Constraints(at, frozenset(hot))


def _one_output(gap: Tensor) -> Tensor:
    """A gap that speaks for several outputs at once, with an axis `output` of size 1."""
    return gap.spread((*gap.axes, "output"), gap.sizes | {"output": 1})
