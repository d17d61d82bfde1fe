"""Rule decoupled_constraint: all wrong outputs at once, skip path and copy path pessimised apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from verifier.kernel.certificate import FloatArray, Floats, Hint, Integers, Signature
from verifier.kernel.errors import StepRejected
from verifier.kernel.facts import Constraints, Context, Fact, Family
from verifier.kernel.limits import LIMITS
from verifier.kernel.maximum.margins import TABLE_PREMISES, Margins
from verifier.kernel.maximum.windows import Windows, dyadic_blocks
from verifier.kernel.numbers.tensor import Tensor
from verifier.kernel.numbers.workshop import on_grid

SIGNATURE = Signature(premises=TABLE_PREMISES, hints={"shift": Floats(), "singles": Integers(0, LIMITS.vocabulary)})


def decoupled_constraint(premises: Mapping[str, list[Fact]], hints: Mapping[str, Hint], context: Context) -> Constraints:
    """Premises: the five tables.  Hints: shift s, shape (1, v) or one row per m (v, v); singles, see `dyadic_blocks`.

    Conclusion: for every m, q <= m and all x != m at once, with the attention shift s moved from skip to copy (L33),
        G(q) = min_{x != m} (g_x - s_x),   R_i(k) = min_{x != m} (D_x(k) + p_{i, x} + s_x),
        Phi_x(t) >= w_{n-1}(q) (G + R_{n-1}(q)) + sum_i w_i(t_i) (G + R_i(t_i)),
    where a block of tokens takes the hull of its weights and the least of its R.  Any s is sound.
    Operations: n v^2 for one shift row (n v^3 for one per m), then 5 per (q, i, block).
    Soundness: `decoupled_constraint_sound` (L4, L6, L8, L33).
    """
    margins = Margins.of(premises, context)
    margins.check_divisors(range(context.vocabulary))
    array = hints["shift"]
    if not isinstance(array, FloatArray) or array.shape[1] != context.vocabulary or array.shape[0] not in (1, context.vocabulary):
        raise StepRejected(
            "wrong-shape", expected=f"shift of shape (1, {context.vocabulary}) or square", got=getattr(array, "shape", array)
        )
    shift = context.workshop.enclose(array.matrix("maximum", "output", context.ledger))
    worst = _WorstGaps(margins, shift)
    weights = Windows(margins.omega, "key")
    singles = int(str(hints["singles"]))

    def at(maximum: int) -> Family:
        queries = list(context.scope.queries(maximum))
        blocks = dyadic_blocks(maximum, singles)
        skip, copy = worst.skip(maximum).take("query", queries), worst.copy(maximum)
        rho = margins.rho.take("query", queries)
        last = context.scope.free_slots
        own_copy = copy.select("slot", last).take("key", queries).renamed(key="query")
        base = margins.own_weight(maximum, queries) * (skip + own_copy)
        weight = rho.take("slot", margins.free) * margins.normalised(weights.hull(blocks).take("query", queries), "block", maximum, queries)
        terms = weight * (skip + worst.copy_windows(maximum).minimum(blocks).take("slot", margins.free))
        base, terms = on_grid("query", base, terms)
        # one output index speaks for all x != m
        one = context.workshop.integers([0], ("output",), (1,))
        return Family(maximum, range(queries[0], queries[0] + len(queries)), blocks, base + one, terms + one)

    return Constraints(at)


@dataclass(frozen=True)
class _WorstGaps:
    """G and R of the docstring above."""

    margins: Margins
    shift: Tensor

    @cached_property
    def _one_shift(self) -> Tensor:
        return self.shift.select("maximum", 0)

    @cached_property
    def _all_skip(self) -> Tensor:
        """EU[q, m] + min_{x != m} (-EU[q, x] - s_x) for every m, axes (query, output = m)."""
        return self.margins.skip + (-(self.margins.skip + self._one_shift)).min_all_but_one("output")

    @cached_property
    def _all_copy(self) -> Tensor:
        """The same for R, axes (key, slot, output = m)."""
        paths = self.margins.copy + self.margins.place_copy
        return paths + (self._one_shift - paths).min_all_but_one("output")

    def _shift_at(self, maximum: int) -> Tensor:
        return self.shift.select("maximum", maximum).without("output", maximum)

    def skip(self, maximum: int) -> Tensor:
        """G, axis (query,)."""
        if self.shift.size("maximum") == 1:
            return self._all_skip.select("output", maximum)
        return (self.margins.gap(self.margins.skip, maximum) - self._shift_at(maximum)).min("output")

    def copy(self, maximum: int) -> Tensor:
        """R, axes (key, slot), for keys <= m."""
        keys = range(maximum + 1)
        if self.shift.size("maximum") == 1:
            return self._all_copy.select("output", maximum).take("key", keys)
        copy = self.margins.gap(self.margins.copy.take("key", keys), maximum)
        return (copy + (self.margins.gap(self.margins.place_copy, maximum) + self._shift_at(maximum))).min("output")

    def copy_windows(self, maximum: int) -> Windows:
        return Windows(self.copy(maximum), "key")
