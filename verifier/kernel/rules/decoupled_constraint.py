"""Rule decoupled_constraint: all wrong outputs at once, skip path and copy path pessimised apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from verifier.kernel.certificate import FloatArray, Floats, Hint, Integers, Signature
from verifier.kernel.errors import StepRejected
from verifier.kernel.facts import Block, Constraints, Context, Fact, Family
from verifier.kernel.limits import LIMITS
from verifier.kernel.margins import TABLE_PREMISES, Margins, table_premises
from verifier.kernel.tensor import Tensor, on_grid

SIGNATURE = Signature(premises=TABLE_PREMISES, hints={"shift": Floats(), "singles": Integers(0, LIMITS.vocabulary)})


def decoupled_constraint(premises: Mapping[str, list[Fact]], hints: Mapping[str, Hint], context: Context) -> Constraints:
    """Premises: the five tables.  Hints: shift s, shape (1, v) or one row per m (v, v); singles, see `dyadic_blocks`.

    Conclusion: for every m, q <= m and all x != m at once, with the attention shift s moved from skip to copy (L33),
        G(q) = min_{x != m} (g_x - s_x),   R_i(k) = min_{x != m} (D_x(k) + p_{i, x} + s_x),
        Phi_x(t) >= w_{n-1}(q) (G + R_{n-1}(q)) + sum_i w_i(t_i) (G + R_i(t_i)),
    where a block of tokens takes the hull of its weights and the least of its R.  Any s is sound.
    Operations: n v^2 for one shift row (n v^3 for one per m), then 5 per (q, i, block).
    Soundness: `decoupled_constraint_sound` (L4, L7, L8, L33).
    """
    margins = Margins(table_premises(premises), context)
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
        omega, rho = margins.omega.take("query", queries), margins.rho.take("query", queries)
        last = context.scope.free_slots
        own_copy = copy.select("slot", last).take("key", queries).renamed(key="query")
        own_weight = omega.take("key", queries).diagonal("query", "key") * rho.select("slot", last)
        base = own_weight * (skip + own_copy)
        weight = rho.take("slot", margins.free) * weights.hull(blocks).take("query", queries)
        terms = weight * (skip + worst.copy_windows(maximum).minimum(blocks).take("slot", margins.free))
        base, terms = on_grid("query", base, terms)
        # one output index speaks for all x != m
        one = context.workshop.integers([0], ("output",), (1,))
        return Family(maximum, range(queries[0], queries[0] + len(queries)), blocks, base + one, terms + one)

    return Constraints(False, at)


def dyadic_blocks(maximum: int, singles: int) -> tuple[Block, ...]:
    """A partition of 0..m: {m}, then downward `singles` blocks of one token, then blocks of 2, 4, 8, ..., the last one cut at 0."""
    blocks, stop, length, left = [Block(maximum, maximum + 1)], maximum, 1, singles
    while stop > 0:
        if left > 0:
            left -= 1
        else:
            length *= 2
        start = max(stop - length, 0)
        blocks.append(Block(start, stop))
        stop = start
    return tuple(reversed(blocks))


class Windows:
    """Extrema over ranges of keys: a table of extrema over windows of 2^j keys, two of which cover any range."""

    def __init__(self, tensor: Tensor, axis: str) -> None:
        self.axis, self.length = axis, tensor.size(axis)
        self.lows, self.highs, self.starts = [tensor], [tensor], [0]

    def _grow(self, level: int, high: bool) -> None:
        tables = self.highs if high else self.lows
        while len(tables) <= level:
            table, step = tables[-1], 1 << (len(tables) - 1)
            usable = table.size(self.axis) - step
            first, second = table.take(self.axis, range(usable)), table.take(self.axis, range(step, step + usable))
            tables.append(first.maximum(second) if high else first.minimum(second))

    def _extreme(self, blocks: tuple[Block, ...], high: bool) -> Tensor:
        levels = [(block.stop - block.start).bit_length() - 1 for block in blocks]
        self._grow(max(levels), high)
        tables = (self.highs if high else self.lows)[: max(levels) + 1]
        offsets = [sum(table.size(self.axis) for table in tables[:level]) for level in range(len(tables))]
        every = tables[0].joined(tables[1:], self.axis) if len(tables) > 1 else tables[0]
        first = every.take(self.axis, [offsets[j] + block.start for j, block in zip(levels, blocks, strict=True)])
        if max(levels) == 0:
            return first.renamed(**{self.axis: "block"})
        second = every.take(self.axis, [offsets[j] + block.stop - (1 << j) for j, block in zip(levels, blocks, strict=True)])
        return (first.maximum(second) if high else first.minimum(second)).renamed(**{self.axis: "block"})

    def minimum(self, blocks: tuple[Block, ...]) -> Tensor:
        """The least value over each block, along a new axis `block`."""
        return self._extreme(blocks, high=False)

    def hull(self, blocks: tuple[Block, ...]) -> Tensor:
        """All values over each block, along a new axis `block`."""
        if all(block.stop - block.start == 1 for block in blocks):
            return self._extreme(blocks, high=False)
        return self._extreme(blocks, high=False).hull(self._extreme(blocks, high=True))


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
