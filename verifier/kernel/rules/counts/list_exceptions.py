"""Rule list_exceptions: dismiss the competitors that can never win, list every input at which another may: the rest is right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from verifier.kernel.certificate import Hint, Signature
from verifier.kernel.facts import Context, Count, Fact, Group
from verifier.kernel.limits import check_limit
from verifier.kernel.maximum.margins import TABLE_PREMISES, Margins
from verifier.kernel.maximum.ranges import Scope
from verifier.kernel.numbers.matrix import Ledger
from verifier.kernel.numbers.tensor import Tensor
from verifier.kernel.numbers.workshop import on_grid

SIGNATURE = Signature(premises=TABLE_PREMISES, hints={})


def list_exceptions(premises: Mapping[str, list[Fact]], hints: Mapping[str, Hint], context: Context) -> Count:
    """Premises: the five tables.  Hints: none.

    For each (q, m) and x != m, ever sharper lower bounds of Phi_x over all inputs with that query and maximum dismiss x:
    1. every free slot below m contributes at least f = min(bm, lo, dia), by what its token is: m, another one, or x itself;
    2. f with the exact least over tokens; 3. exact least per slot; in each, one slot holds m if q < m.
    4. For the x that are left, every input with a margin not certainly positive is listed, slot by slot, pruned by the least of
       the slots to come.  Conclusion: counts[(q, m)] = inputs of the pair minus the distinct ones listed.
    Operations: 9 per (q, m, x), 3 v per pair left after test 1, 5 n v per pair after test 2, then integer.
    Soundness: `list_exceptions_sound` (L3, L4, L24).
    """
    margins = Margins.of(premises, context)
    counts: dict[Group, int] = {}
    listed, steps = 0, 0
    for maximum in range(context.vocabulary):
        queries = context.scope.queries(maximum)
        if not queries:
            continue
        exceptions: dict[int, set[tuple[int, ...]]] = {query: set() for query in queries}
        for below in (True, False):  # the query m needs no further m among the free slots
            chosen = [query for query in queries if (query < maximum) == below]
            if chosen:
                for query, tokens in _Screen(margins, maximum, chosen).failures():
                    listed += tokens not in exceptions[query]
                    exceptions[query].add(tokens)
                    context.ledger.count(integer_ops=1)
                    steps += 1
                    check_limit("listing_steps", steps)
                    check_limit("listed_inputs", listed)
        counts |= {(query, maximum): context.scope.cell(query, maximum) - len(found) for query, found in exceptions.items()}
    return Count(counts)


@dataclass(frozen=True)
class _Screen:
    """One true maximum and some queries: all below m, or m alone.  Outputs x != m in their order; keys 0..m."""

    margins: Margins
    maximum: int
    queries: list[int]

    @property
    def scope(self) -> Scope:
        return self.margins.context.scope

    @property
    def slots(self) -> int:
        return self.scope.free_slots

    @property
    def needs_maximum(self) -> bool:
        return self.queries[0] < self.maximum

    @property
    def outputs(self) -> list[int]:
        return [x for x in range(self.margins.context.vocabulary) if x != self.maximum]

    @cached_property
    def skip(self) -> Tensor:
        """g, axes (query, output)."""
        return self.margins.gap(self.margins.skip.take("query", self.queries), self.maximum)

    @cached_property
    def copy(self) -> Tensor:
        """D, axes (key, output)."""
        return self.margins.gap(self.margins.copy.take("key", range(self.maximum + 1)), self.maximum)

    @cached_property
    def place(self) -> Tensor:
        """p, axes (slot, output), all n slots."""
        return self.margins.gap(self.margins.place_copy, self.maximum)

    @cached_property
    def worst_place(self) -> Tensor:
        """Min over free slots of p, axis (output,)."""
        return self.place.take("slot", self.margins.free).min("slot")

    @cached_property
    def omega(self) -> Tensor:
        """Token weights, axes (query, key)."""
        weights = self.margins.omega.take("query", self.queries).take("key", range(self.maximum + 1))
        return self.margins.normalised(weights, "key", self.maximum, self.queries)

    @cached_property
    def rho(self) -> Tensor:
        """Free slots' position weights, axes (query, slot)."""
        return self.margins.rho.take("query", self.queries).take("slot", self.margins.free)

    @cached_property
    def any_slot(self) -> Tensor:
        """All of a query's position weights in one enclosure, axis (query,)."""
        return self.rho.min("slot").hull(self.rho.max("slot"))

    @cached_property
    def own(self) -> Tensor:
        """The query slot's exact term, axes (query, output)."""
        own_copy = self.copy.take("key", self.queries).renamed(key="query")
        gap = self.skip + own_copy + self.place.select("slot", self.slots)
        return self.margins.own_weight(self.maximum, self.queries) * gap

    @cached_property
    def by_maximum(self) -> Tensor:
        """A slot that holds m contributes at least this, axes (query, output)."""
        gap = self.skip + (self.copy.select("key", self.maximum) + self.worst_place)
        return self.any_slot * self.omega.select("key", self.maximum) * gap

    def _by_others(self) -> Tensor:
        """A slot below m contributes at least min(lo, dia), axes (query, output); only called if m > 0."""
        below = range(self.maximum)
        shift = self.skip.min("query")  # any shift is sound (L33)
        worst_skip = (self.skip - shift).min("output")
        copy = self.copy.take("key", below)
        argued = copy + (self.worst_place + shift)
        same = self.margins.context.workshop.diagonal_mask(("key", self.maximum), ("output", len(self.outputs)))
        # x = k is left out by putting the row's largest entry in its place, which never decides a minimum
        others = same.where(argued.max("output").spread(argued.axes, argued.sizes), argued).min("output")
        weight = self.omega.take("key", below)
        low = self.any_slot * (weight * (worst_skip + others)).min("key")
        itself = (copy + self.worst_place).take("output", below).diagonal("key", "output")
        diagonal = self.any_slot * weight * (self.skip.take("output", below).renamed(output="key") + itself)
        first = diagonal.renamed(key="output").minimum(low)
        rest = low.spread(("query", "output"), {"query": len(self.queries), "output": len(self.outputs) - self.maximum})
        return first.joined([rest], "output") if len(self.outputs) > self.maximum else first

    def _total(self, own: Tensor, maximum: Tensor, others: Tensor) -> Tensor:
        """Own + one slot with m if needed + the rest at the lesser of both."""
        if not self.slots:
            return own
        count = self.slots - 1 if self.needs_maximum else self.slots
        times = self.margins.context.workshop.enclose_between([(count, count, 0)], (), ())
        total = own + times * maximum.minimum(others)
        return total + maximum if self.needs_maximum else total

    def _survivors(self) -> list[tuple[int, int]]:
        """Tests 1 and 2: pairs (index of the query, index of the output) that are left."""
        others = self._by_others() if self.maximum and self.slots else self.by_maximum if self.slots else self.own
        maximum = self.by_maximum if self.slots else self.own
        passed = self._total(self.own, maximum, others).certainly_positive().to_list()
        pairs = [(i, j) for i, row in enumerate(passed) for j, ok in enumerate(row) if not ok]
        if not pairs or not self.maximum or not self.slots:
            return pairs
        queries, outputs = [i for i, _ in pairs], [j for _, j in pairs]
        below = range(self.maximum)
        skip = self.skip.at("pair", query=queries, output=outputs)
        copy = (self.copy.take("key", below) + self.worst_place).take("output", outputs).renamed(output="pair")
        weight = self.omega.take("key", below).take("query", queries).renamed(query="pair")
        low = self.any_slot.take("query", queries).renamed(query="pair") * (weight * (skip + copy)).min("key")
        own, maximum = (table.at("pair", query=queries, output=outputs) for table in (self.own, self.by_maximum))
        passed = self._total(own, maximum, low).certainly_positive().to_list()
        return [pair for pair, ok in zip(pairs, passed, strict=True) if not ok]

    def _not_dismissed(self, base: Tensor, terms: Tensor) -> list[int]:
        """Test 3: indices of the pairs that the exact least of each slot does not dismiss."""
        least = terms.min("key")
        total = base + least.sum("slot")
        if self.needs_maximum:
            total = total + (terms.select("key", self.maximum) - least).min("slot")
        return [index for index, ok in enumerate(total.certainly_positive().to_list()) if not ok]

    def failures(self) -> Iterator[tuple[int, tuple[int, ...]]]:
        """Tests 3 and 4: (query, tokens of the free slots) of every input that is not certainly right for some x."""
        pairs = self._survivors()
        if not pairs or (self.needs_maximum and not self.slots):  # no free slot to hold the maximum: no such input
            return
        queries, outputs = [i for i, _ in pairs], [j for _, j in pairs]
        own = self.own.at("pair", query=queries, output=outputs)
        if not self.slots:
            if not self.needs_maximum:  # else there is no such input
                yield from ((self.queries[i], ()) for i in queries)
            return
        skip = self.skip.at("pair", query=queries, output=outputs)
        place = self.place.take("slot", self.margins.free).take("output", outputs).renamed(output="pair")
        gap = skip + (self.copy.take("output", outputs).renamed(output="pair") + place)
        weight = (self.rho * self.omega).take("query", queries).renamed(query="pair")
        base, terms = on_grid("pair", own, weight * gap)
        left = self._not_dismissed(base, terms)
        queries = [queries[i] for i in left]
        base, terms = base.take("pair", left), terms.take("pair", left)
        tokens = [[k for k in range(self.maximum + 1) if self.scope.tokens_in(slot, k, k + 1)] for slot in range(self.slots)]
        ledger = self.margins.context.ledger
        order = tuple(terms.axes.index(axis) for axis in ("pair", "slot", "key"))
        lines = Tensor(("pair", "slot", "key"), terms.cells.aligned(order, tuple(terms.shape[i] for i in order)), terms.kind, ledger)
        for index, value, table in zip(queries, base.to_list(), lines.to_list(), strict=True):
            columns = [sorted((table[slot][k], k) for k in line) for slot, line in enumerate(tokens)]
            ledger.count(integer_ops=sum(len(column) * max(len(column) - 1, 1).bit_length() for column in columns))
            for filling in _not_positive(value, columns, self.maximum if self.needs_maximum else None, ledger):
                yield self.queries[index], filling


def _not_positive(base: int, columns: list[list[tuple[int, int]]], needed: int | None, ledger: Ledger) -> Iterator[tuple[int, ...]]:
    """All choices of one (term, token) per slot with base + terms <= 0, with the token `needed` in some slot if there is one.

    columns: per slot, ascending.  Fillings with the needed token are split by the first slot that holds it.
    """
    if needed is None:
        yield from _listed(base, columns, ledger)
        return
    before = [[entry for entry in column if entry[1] != needed] for column in columns]
    for slot, column in enumerate(columns):
        pinned = [entry for entry in column if entry[1] == needed]
        yield from _listed(base, [*before[:slot], pinned, *columns[slot + 1 :]], ledger)


def _listed(base: int, columns: list[list[tuple[int, int]]], ledger: Ledger) -> Iterator[tuple[int, ...]]:
    """A slot's loop stops at the first term that the least of the slots to come cannot bring to 0."""
    if not all(columns):
        return
    least_after = [sum(column[0][0] for column in columns[slot + 1 :]) for slot in range(len(columns))]

    def extend(slot: int, total: int, chosen: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        if slot == len(columns):
            yield chosen
            return
        for term, token in columns[slot]:
            ledger.count(integer_ops=2)
            if total + term + least_after[slot] > 0:
                return
            yield from extend(slot + 1, total + term, (*chosen, token))

    yield from extend(0, base, ())
