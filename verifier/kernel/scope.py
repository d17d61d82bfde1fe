"""Which inputs a claim is about: token ranges per free slot, and conditions (FORMAT.md section 9)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import prod
from typing import Any

from verifier.kernel.decode.strict_json import Reader
from verifier.kernel.limits import check_limit

Tokens = tuple[int, ...]


@dataclass(frozen=True)
class Condition:
    """One condition.  word: its name; arguments: two free slots (counted from 0 among the free ones), or one number."""

    word: str
    arguments: tuple[int, ...]

    def holds(self, tokens: Tokens) -> bool:
        return CONDITIONS[self.word](tokens, *self.arguments)

    def sentence(self) -> str:
        return {
            "equal": "free slots {0} and {1} equal",
            "less": "free slot {0} less than free slot {1}",
            "gap": "a gap of at least {0} between the two largest",
            "occurs": "token {0} present",
            "absent": "token {0} absent",
        }[self.word].format(*self.arguments)


def _gap(tokens: Tokens, least: int) -> bool:
    *_, second, first = sorted(tokens)
    return first - second >= least


CONDITIONS: dict[str, Callable[..., bool]] = {
    "equal": lambda tokens, i, j: tokens[i] == tokens[j],
    "less": lambda tokens, i, j: tokens[i] < tokens[j],
    "gap": _gap,
    "occurs": lambda tokens, k: k in tokens,
    "absent": lambda tokens, k: k not in tokens,
}
PAIRS = ("equal", "less")


@dataclass(frozen=True)
class InputScope:
    """ranges: (first, last) per free slot, both included.  conditions: all of them hold."""

    ranges: tuple[tuple[int, int], ...]
    conditions: tuple[Condition, ...] = ()

    @property
    def json(self) -> dict[str, Any]:
        tokens = {"tokens": [list(ends) for ends in self.ranges]}
        conditions = [{condition.word: list(condition.arguments)} for condition in self.conditions]
        return tokens | ({"conditions": conditions} if conditions else {})

    @property
    def box(self) -> int:
        """The number of inputs within the ranges, the conditions aside."""
        return prod(last - first + 1 for first, last in self.ranges)

    @cached_property
    def total(self) -> int:
        """The number of inputs in scope; with conditions they are counted one by one."""
        return sum(1 for _ in self.inputs()) if self.conditions else self.box

    def inputs(self) -> Iterator[Tokens]:
        """Every input, as the tokens of the free slots, in lexicographic order."""
        check_limit("conditioned_inputs" if self.conditions else "enumerated_inputs", self.box)
        everything = product(*(range(first, last + 1) for first, last in self.ranges))
        return filter(self.holds, everything) if self.conditions else everything

    def holds(self, tokens: Tokens) -> bool:
        return all(condition.holds(tokens) for condition in self.conditions)

    def __contains__(self, tokens: Tokens) -> bool:
        within = all(first <= token <= last for token, (first, last) in zip(tokens, self.ranges, strict=True))
        return within and self.holds(tokens)

    def sentence(self) -> str:
        alike = len(set(self.ranges)) == 1
        every = ", ".join(f"{first}..{last}" for first, last in self.ranges)
        tokens = f"tokens {self.ranges[0][0]}..{self.ranges[0][1]}" if alike else f"tokens {every} in the free slots"
        return " and ".join([tokens, *(condition.sentence() for condition in self.conditions)])


def read_scope(reader: Reader) -> InputScope:
    """{"tokens": [[first, last], ...], "conditions": [{word: [arguments]}, ...]}; `conditions` is left out where there are none."""
    parts = reader.members({"tokens": reader.clause}, {"conditions": reader.clause})
    ranges = []
    entries = parts["tokens"].items()
    # attack: thousands of slots of one token each, whose conditions take hours to look at
    check_limit("positions", len(entries), file=reader.file, clause=reader.clause)
    for entry in entries:
        ends = [end.integer(0, 1 << 32) for end in entry.items()]
        if len(ends) != 2 or ends[0] > ends[1]:  # an empty scope would make every claim true
            raise entry.refuse("bad-scope", "a pair [first, last] with first <= last", ends)
        ranges.append((ends[0], ends[1]))
    if not ranges:
        raise reader.refuse("bad-scope", "one pair per free slot", [])
    conditions = _some(parts.get("conditions"))
    check_limit("conditions", len(conditions), file=reader.file, clause=reader.clause)
    scope = InputScope(tuple(ranges), tuple(_read_condition(item, len(ranges)) for item in conditions))
    if scope.total == 0:  # conditions that contradict each other, or the ranges: every claim would be true
        raise reader.refuse("bad-scope", "at least one input in scope", "none")
    return scope


def _some(reader: Reader | None) -> list[Reader]:
    items = reader.items() if reader else []
    if reader and not items:
        raise reader.refuse("bad-scope", "at least one condition, or no such field", [])
    return items


def _read_condition(reader: Reader, slots: int) -> Condition:
    members = reader.entries()
    if len(members) != 1:
        raise reader.refuse("bad-scope", "an object with one member", reader.value)
    word = Reader(members[0][0], reader.file, reader.clause).choice(*CONDITIONS)
    pair = word in PAIRS
    arguments = tuple(item.integer(0, slots - 1 if pair else 1 << 32) for item in members[0][1].items())
    if len(arguments) != 1 + pair or (pair and arguments[0] == arguments[1]) or (word == "gap" and slots < 2):
        raise reader.refuse("bad-scope", "two different free slots" if pair else "one number", list(arguments))
    return Condition(word, arguments)
