"""Rule count_blocks: count the block patterns that pass the absent and the present tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, reduce
from math import prod
from operator import add

from verifier.kernel.certificate import Hint, Signature
from verifier.kernel.facts import AbsentPresent, Context, Count, Fact, Split
from verifier.kernel.tensor import Tensor

SIGNATURE = Signature(premises={"split": ("AbsentPresent",)}, hints={})


def count_blocks(premises: Mapping[str, list[Fact]], hints: Mapping[str, Hint], context: Context) -> Count:
    """Premises: an absent/present split.  Hints: none.

    A pattern gives each free slot a block.  It is certified if the sums of `facts.Split` are positive (i) for x absent, (ii) for
    x = t_i at every slot i that does not hold m, (iii) for x = q if q < m; where another slot lies in the block of x it may or may
    not hold x itself, so it counts with the lesser of both terms.  Then every input of the pattern is right, for each x != m is of
    one of the three kinds.  Pairs (q, m) whose every pattern passes by the slots' separate minima are not expanded.
    Conclusion: counts[(q, m)] = the sizes of the certified patterns (for q < m: those with m in some slot).
    Operations: integer, about 4 n per pattern and query.  Soundness: `count_blocks_sound`.
    """
    fact = premises["split"][0]
    if not isinstance(fact, AbsentPresent):
        raise TypeError
    scope, counts = context.scope, {}
    for maximum in range(context.vocabulary):
        queries = scope.queries(maximum)
        if not queries:
            continue
        tests = _Tests(fact.at(maximum), list(range(len(queries))), context)
        passed = tests.all_pass()
        counts |= {(query, maximum): scope.cell(query, maximum) for query, ok in zip(queries, passed, strict=True) if ok}
        left = [index for index, ok in enumerate(passed) if not ok]
        if left:
            counts |= _Tests(fact.at(maximum), left, context).counts()
    return Count(counts)


@dataclass(frozen=True)
class _Tests:
    """The tests for one maximum and some of its queries.  Slot j's block is the axis `b{j}`; the last block is {m}."""

    split: Split
    chosen: list[int]  # indices into split.queries
    context: Context

    @property
    def slots(self) -> range:
        return range(self.context.scope.free_slots)

    @property
    def queries(self) -> list[int]:
        return [self.split.queries[index] for index in self.chosen]

    def _of(self, tensor: Tensor, slot: int | None = None) -> Tensor:
        """The chosen queries of an ingredient, at one slot if it has any."""
        part = tensor.take("query", self.chosen)
        return part if slot is None else part.select("slot", slot)

    @cached_property
    def absent(self) -> list[Tensor]:
        """Per slot j, axes (query, bj)."""
        return [self._of(self.split.absent, j).renamed(block=f"b{j}") for j in self.slots]

    @cached_property
    def same(self) -> Tensor:
        below = len(self.split.blocks) - 1
        return self.context.workshop.diagonal_mask("x", "block", below)

    def competitor_at(self, slot: int) -> tuple[Tensor, list[Tensor]]:
        """Test (ii) for x in block b_slot: the head, axes (query, b_slot), and per other slot j a table (query, b_slot, b_j)."""
        split, below = self.split, range(len(self.split.blocks) - 1)
        if split.own_present is None or split.present_itself is None or split.present_maximum is None:
            raise TypeError
        mine = f"b{slot}"
        head = self._of(split.own_present) + self._of(split.present_itself, slot)
        tables = []
        for j in self.slots:
            if j == slot:
                continue
            absent = self._of(split.absent, j).take("block", below)
            itself = self._of(split.present_itself, j).renamed(block="x")
            axes, sizes = ("query", "x", "block"), {**absent.sizes, "x": len(below)}
            lesser = self.same.spread(axes, sizes).where(itself.minimum(absent.spread(axes, sizes)), absent.spread(axes, sizes))
            holds_maximum = self._of(split.present_maximum, j).renamed(block="x").spread(axes, {**sizes, "block": 1})
            tables.append(lesser.joined([holds_maximum], "block").renamed(x=mine, block=f"b{j}"))
        return head.renamed(block=mine), tables

    def competitor_query(self) -> list[Tensor]:
        """Test (iii) for x = q: per slot j a table (query, b_j)."""
        split, below = self.split, self.split.blocks[:-1]
        inside = [int(block.start <= query < block.stop) for query in self.queries for block in below]
        tables = []
        for j in self.slots:
            maximum = self._of(split.query_maximum, j).spread(("query", f"b{j}"), {"query": len(self.chosen), f"b{j}": 1})
            if below:
                absent = self.absent[j].take(f"b{j}", range(len(below)))
                mask = self.context.workshop.integers(inside, absent.axes, absent.shape).certainly_positive()
                itself = self._of(split.query_itself, j).spread(absent.axes, absent.sizes)
                maximum = mask.where(absent.minimum(itself), absent).joined([maximum], f"b{j}")
            tables.append(maximum)
        return tables

    def all_pass(self) -> list[bool]:
        """Per query: every pattern passes, by the minima of the slots one by one."""
        worst = reduce(add, [table.min(f"b{j}") for j, table in enumerate(self.absent)], self._of(self.split.own_absent))
        if self.queries[0] < self.split.maximum:  # the query m has no test (iii), and a harmless stand-in for one
            query = reduce(add, [table.min(f"b{j}") for j, table in enumerate(self.competitor_query())], self._of(self.split.own_query))
            worst = self._except_maximum(worst.minimum(query), worst)
        if self.split.own_present is not None:
            for slot in self.slots:
                head, tables = self.competitor_at(slot)
                others = [j for j in self.slots if j != slot]
                sums = reduce(add, [table.min(f"b{j}") for j, table in zip(others, tables, strict=True)], head)
                worst = worst.minimum(sums.min(f"b{slot}"))
        passed: list[bool] = worst.certainly_positive().to_list()
        return passed

    def _except_maximum(self, tested: Tensor, untested: Tensor) -> Tensor:
        """`tested` for queries below m, `untested` for the query m, which is the last one if there."""
        if self.queries[-1] != self.split.maximum:
            return tested
        below = range(len(self.chosen) - 1)
        last = untested.take("query", [len(below)])
        return tested.take("query", below).joined([last], "query") if below else last

    def counts(self) -> dict[tuple[int, int], int]:
        """counts[(q, m)] for the chosen queries, pattern by pattern."""
        axes = ("query", *(f"b{j}" for j in self.slots))
        absent = reduce(add, self.absent, self._of(self.split.own_absent))
        worst = absent
        if self.queries[0] < self.split.maximum:
            query = reduce(add, self.competitor_query(), self._of(self.split.own_query))
            worst = self._except_maximum(worst.minimum(query), worst)
        last = len(self.split.blocks) - 1
        if last:
            for slot in self.slots:
                head, tables = self.competitor_at(slot)
                sums = reduce(add, tables, head)
                sums = sums.spread(axes, {**absent.sizes, f"b{slot}": last})
                below = worst.take(f"b{slot}", range(last)).minimum(sums)
                worst = below.joined([worst.take(f"b{slot}", [last])], f"b{slot}")
        passed = worst.certainly_positive()
        every, with_maximum = self._weights(axes[1:], False), self._weights(axes[1:], True)
        return {
            (query, self.split.maximum): passed.select("query", index).weighted_sum(with_maximum if query < self.split.maximum else every)
            for index, query in enumerate(self.queries)
        }

    def _weights(self, axes: tuple[str, ...], needs_maximum: bool) -> Tensor:
        """How many inputs each pattern stands for; 0 for patterns without m where one is needed."""
        scope, blocks = self.context.scope, self.split.blocks
        patterns = [()]
        for _ in self.slots:
            patterns = [(*pattern, b) for pattern in patterns for b in range(len(blocks))]
        sizes = [[scope.tokens_in(j, block.start, block.stop) for block in blocks] for j in self.slots]
        weights = [
            0 if needs_maximum and len(blocks) - 1 not in pattern else prod(sizes[j][b] for j, b in enumerate(pattern))
            for pattern in patterns
        ]
        return self.context.workshop.integers(weights, axes, (len(blocks),) * len(self.slots))
