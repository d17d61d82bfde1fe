"""Rule decoupled_constraint: a separable constraint for each part of the wrong outputs, skip and copy path pessimised apart in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

from verifier.kernel.certificate import FloatArray, Floats, Hint, IntegerArray, Integers, IntegerTable, Signature
from verifier.kernel.errors import StepRejected
from verifier.kernel.facts import Constraints, Context, Fact, Family
from verifier.kernel.limits import LIMITS
from verifier.kernel.maximum.margins import TABLE_PREMISES, Margins
from verifier.kernel.maximum.windows import Windows, dyadic_blocks
from verifier.kernel.numbers.tensor import Tensor
from verifier.kernel.numbers.workshop import on_grid

SIGNATURE = Signature(
    premises=TABLE_PREMISES,
    hints={"shift": Floats(), "alone": IntegerTable(0, LIMITS.vocabulary), "singles": Integers(0, LIMITS.vocabulary)},
    optional=("shift", "alone", "singles"),
)


def decoupled_constraint(premises: Mapping[str, list[Fact]], hints: Mapping[str, Hint], context: Context) -> Constraints:
    """Premises: the five tables.  Hints: shift s, shape (1, v) or one row per m (v, v); alone, pairs (m, x), shape (N, 2); singles,
    see `dyadic_blocks`, v if absent.

    For each m the outputs that stand alone are parts of their own, all others are one part; without a shift all stand alone.
    Conclusion: for every m, q <= m and part X, with the attention shift s moved from skip to copy (L33; it changes no part of one x),
        G(q) = min_{x in X} (g_x - s_x),   R_i(k) = min_{x in X} (D_x(k) + p_{i, x} + s_x),
        Phi_x(t) >= w_{n-1}(q) (G + R_{n-1}(q)) + sum_i w_i(t_i) (G + R_i(t_i))  for all x in X,
    where a block of tokens takes the hull of its weights and the least of its R.  Any s is sound.
    Operations: n v^2 for one shift row and no x alone, else n v^3; then 5 per (q, i, block, part).
    Soundness: `decoupled_constraint_sound` (L4, L6, L8, L33).
    """
    margins = Margins.of(premises, context)
    margins.check_divisors(range(context.vocabulary))
    gaps = _Gaps(margins, _shift(hints.get("shift"), context), _alone(hints.get("alone"), context))
    singles, last = int(str(hints.get("singles", context.vocabulary))), context.scope.free_slots

    def family(maximum: int, *, slack: bool) -> Family:
        queries, blocks = context.scope.queries(maximum), dyadic_blocks(maximum, singles)
        skip, copy = gaps.of_parts(maximum, queries)
        own_copy = copy.select("slot", last).take("key", queries).renamed(key="query")
        base = margins.own_weight(maximum, queries) * (skip + own_copy)
        worst_copy = Windows(copy.take("slot", margins.free), "key").minimum(blocks)
        terms = margins.weights(maximum, queries, blocks) * (skip + worst_copy)
        alone = gaps.alone_at(maximum) if slack and len(blocks) == maximum + 1 else []
        return Family(maximum, queries, blocks, *(_with_slack(base, terms, range(len(alone))) if alone else on_grid("query", base, terms)))

    return Constraints(partial(family, slack=False), partial(family, slack=True))


def _with_slack(base: Tensor, terms: Tensor, alone: Sequence[int]) -> list[Tensor]:
    """Base and terms on the grid, and by how much their upper ends exceed that in sum, at most; of the outputs that stand alone."""
    opposite = [-(side.take("output", alone)) for side in (base, terms)]  # rounded down, they are upper ends rounded up
    low_base, low_terms, high_base, high_terms = on_grid("query", base, terms, *opposite)
    slack = -(low_base.take("output", alone) + high_base)
    if terms.size("slot"):
        slack = slack + (-(low_terms.take("output", alone) + high_terms)).max("block").sum("slot")
    return [low_base, low_terms, slack]


def _shift(array: Hint | None, context: Context) -> Tensor | None:
    """Axes (maximum, output); None: every output stands alone."""
    v = context.vocabulary
    if array is None:
        return None
    if not isinstance(array, FloatArray) or array.shape not in ((1, v), (v, v)):
        raise StepRejected("wrong-shape", expected=f"shift of shape (1, {v}) or ({v}, {v})", got=getattr(array, "shape", array))
    return context.workshop.enclose(array.matrix("maximum", "output", context.ledger))


def _alone(listed: Hint | None, context: Context) -> frozenset[tuple[int, int]]:
    """Pairs (m, x): x stands alone at m."""
    if listed is None:
        return frozenset()
    if not isinstance(listed, IntegerArray) or len(listed.rows[0]) != 2:
        raise StepRejected("wrong-shape", expected="alone of shape (N, 2)", got="another shape")
    for maximum, output in listed.rows:
        if max(maximum, output) >= context.vocabulary or output == maximum:
            raise StepRejected("not-a-wrong-output", expected="a maximum and another output", got=[maximum, output])
    return frozenset((maximum, output) for maximum, output in listed.rows)


@dataclass(frozen=True)
class _Gaps:
    """G and R of the docstring above.  An index of the axis `output` is a part: the outputs alone in their order, then the others."""

    margins: Margins
    shift: Tensor | None
    alone: frozenset[tuple[int, int]]

    def alone_at(self, maximum: int) -> list[int]:
        """The outputs that stand alone, as indices of all outputs but m."""
        others = [x for x in range(self.margins.context.vocabulary) if x != maximum]
        return [i for i, x in enumerate(others) if self.shift is None or (maximum, x) in self.alone]

    def of_parts(self, maximum: int, queries: Sequence[int]) -> tuple[Tensor, Tensor]:
        """G, axes (query, output); R, axes (key, slot, output), for keys <= m."""
        margins, keys, single = self.margins, range(maximum + 1), self.alone_at(maximum)
        others = range(margins.context.vocabulary - 1)
        if not single and self.shift is not None and self.shift.size("maximum") == 1:
            skip, copy = (table.select("output", maximum) for table in (self._skip, self._copy))
            return _one_part(skip.take("query", queries)), _one_part(copy.take("key", keys))
        skip, place = margins.gap(margins.skip.take("query", queries), maximum), margins.gap(margins.place_copy, maximum)
        copy = margins.gap(margins.copy.take("key", keys), maximum)
        parts = []
        if single:
            joint = copy.take("output", single) + place.take("output", single)
            parts.append((skip.take("output", single), joint.spread(("key", "slot", "output"), joint.sizes)))
        if self.shift is not None and len(single) < len(others):
            shared = [i for i in others if i not in set(single)]
            row = maximum if self.shift.size("maximum") > 1 else 0
            moved = self.shift.select("maximum", row).without("output", maximum).take("output", shared)
            worst = copy.take("output", shared) + (place.take("output", shared) + moved)
            parts.append((_one_part((skip.take("output", shared) - moved).min("output")), _one_part(worst.min("output"))))
        (skip, copy), *rest = parts
        return (skip.joined([one for one, _ in rest], "output"), copy.joined([one for _, one in rest], "output")) if rest else (skip, copy)

    @cached_property
    def _one_shift(self) -> Tensor:
        if self.shift is None:
            raise TypeError
        return self.shift.select("maximum", 0)

    @cached_property
    def _skip(self) -> Tensor:
        """G of all x != m for every m, axes (query, output = m)."""
        return self.margins.worst_skip(self._one_shift)

    @cached_property
    def _copy(self) -> Tensor:
        """The same for R, axes (key, output = m, slot)."""
        paths = self.margins.copy + self.margins.place_copy
        return paths + (self._one_shift - paths).min_all_but_one("output")


def _one_part(gap: Tensor) -> Tensor:
    """A gap that speaks for several outputs at once, with an axis `output` of size 1."""
    return gap.spread((*gap.axes, "output"), gap.sizes | {"output": 1})
