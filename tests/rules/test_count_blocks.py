"""count_blocks counts exactly the patterns that pass its three tests, on arbitrary integers in the place of a model's terms."""

from __future__ import annotations

import random
from itertools import product
from math import prod

import pytest

from tests.checking import ARITHMETICS
from tests.checking import arithmetic as arithmetic_named
from tests.models import random_model
from verifier.domain import maximum_subject
from verifier.kernel.facts import AbsentPresent, Block, Context, Count, Split
from verifier.kernel.maximum.ranges import Scope
from verifier.kernel.numbers.tensor import Tensor
from verifier.kernel.replay import new_context
from verifier.kernel.rules.counts.count_blocks import count_blocks
from verifier.networks.attention_only import read_model

Numbers = dict[tuple[int, ...], int]


def context_for(by: str, v: int, ranges: list[tuple[int, int]]) -> Context:
    model = random_model(1, v=v, n=len(ranges))
    decoded = read_model(model.data, file="model")
    return new_context(decoded.network, maximum_subject(decoded, tuple(ranges)), arithmetic_named(by))


def random_blocks(rng: random.Random, maximum: int) -> tuple[Block, ...]:
    """A partition of 0..m into ranges, the last one {m}."""
    cuts = sorted({0, maximum, *(rng.randint(0, maximum) for _ in range(rng.randint(0, maximum)))})
    return tuple(Block(a, b) for a, b in zip(cuts, [*cuts[1:], maximum + 1], strict=True))


class RandomSplit:
    """Integers around a middle, as tensors and by coordinates."""

    def __init__(self, rng: random.Random, context: Context, maximum: int, middle: int) -> None:
        self.context, self.rng, self.middle = context, rng, middle
        self.queries, self.blocks = list(context.scope.queries(maximum)), random_blocks(rng, maximum)
        q, s, b = len(self.queries), context.scope.free_slots, len(self.blocks)
        self.numbers: dict[str, Numbers] = {}
        low = [("query", q), ("slot", s)]
        names = {
            "own_absent": low[:1],
            "absent": [*low, ("block", b)],
            "own_query": low[:1],
            "query_itself": low,
            "query_maximum": low,
        }
        if maximum:
            names |= {"own_present": [("query", q), ("block", b - 1)]}
            names |= {name: [*low, ("block", b - 1)] for name in ("present_itself", "present_maximum")}
        tensors = {name: self.tensor(name, axes) for name, axes in names.items()}
        self.split = Split(maximum, range(self.queries[0], self.queries[0] + q), self.blocks, **tensors)

    def tensor(self, name: str, axes: list[tuple[str, int]]) -> Tensor:
        places = list(product(*(range(size) for _, size in axes)))
        values = [self.rng.randint(self.middle - 6, self.middle + 6) for _ in places]
        self.numbers[name] = dict(zip(places, values, strict=True))
        return self.context.workshop.integers(values, tuple(axis for axis, _ in axes), tuple(size for _, size in axes))

    def passes(self, row: int, pattern: tuple[int, ...]) -> bool:
        """The three tests of one pattern, as RULES.md has them."""
        number, last, query = self.numbers, len(self.blocks) - 1, self.queries[row]
        if not number["own_absent"][row,] + sum(number["absent"][row, i, b] for i, b in enumerate(pattern)) > 0:
            return False
        if query < self.split.maximum:
            total = number["own_query"][row,]
            for i, b in enumerate(pattern):
                absent, itself = number["absent"][row, i, b], number["query_itself"][row, i]
                inside = self.blocks[b].start <= query < self.blocks[b].stop
                total += number["query_maximum"][row, i] if b == last else min(absent, itself) if inside else absent
            if not total > 0:
                return False
        for slot, x in enumerate(pattern):
            if x == last:
                continue
            total = number["own_present"][row, x] + number["present_itself"][row, slot, x]
            for j, b in enumerate(pattern):
                if j != slot:
                    other = number["absent"][row, j, b] if b < last else number["present_maximum"][row, j, x]
                    total += min(other, number["present_itself"][row, j, x]) if b == x else other
            if not total > 0:
                return False
        return True

    def counts(self) -> dict[tuple[int, int], int]:
        scope, last, maximum = self.context.scope, len(self.blocks) - 1, self.split.maximum
        found = {}
        for row, query in enumerate(self.queries):
            total = 0
            for pattern in product(range(last + 1), repeat=scope.free_slots):
                if (query == maximum or last in pattern) and self.passes(row, pattern):
                    total += prod(scope.tokens_in(i, self.blocks[b].start, self.blocks[b].stop) for i, b in enumerate(pattern))
            found[query, maximum] = total
        return found


def counted(by: str, v: int, ranges: list[tuple[int, int]], rng: random.Random, middle: int) -> tuple[dict[tuple[int, int], int], ...]:
    context = context_for(by, v, ranges)
    splits = {m: RandomSplit(rng, context, m, middle) for m in range(v) if context.scope.queries(m)}
    found = count_blocks({"split": [AbsentPresent(lambda maximum: splits[maximum].split)]}, {}, context)
    assert isinstance(found, Count)
    expected: dict[tuple[int, int], int] = {}
    for one in splits.values():
        expected |= one.counts()
    return dict(found.counts), expected


@pytest.mark.parametrize("by", ARITHMETICS)
@pytest.mark.parametrize(("v", "n"), [(2, 1), (3, 1), (3, 2), (5, 2), (4, 3), (5, 3), (3, 4)])
def test_exactly_the_patterns_that_pass_are_counted(v: int, n: int, by: str) -> None:
    rng, some, none, all_ = random.Random(f"{v} {n}"), 0, 0, 0
    for middle in (-1, 0, 1, 1, 2, 2, 3, 4, 6):
        ends = [sorted((rng.randrange(v), rng.randrange(v))) for _ in range(n)]
        ranges = [(0, v - 1)] * n if rng.random() < 0.5 else [(low, high) for low, high in ends]
        found, expected = counted(by, v, ranges, rng, middle)
        assert found == expected
        for (query, maximum), count in found.items():
            cell = Scope(tuple(ranges)).cell(query, maximum)
            none, some, all_ = none + (count == 0), some + (0 < count < cell), all_ + (0 < count == cell)
    assert none
    assert all_
    assert some or n < 3
