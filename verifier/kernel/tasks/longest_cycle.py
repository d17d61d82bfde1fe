"""Task longest_cycle: the tokens are a function i -> t_i of 0..n-1 to itself.

The right answer is the length of its longest cycle, minus 1.
"""

from __future__ import annotations

from dataclasses import dataclass

from verifier.kernel.decode.strict_json import Reader
from verifier.kernel.tasks.task import Task, Tokens, read_single


@dataclass(frozen=True)
class LongestCycle(Task):
    """All positions are free."""

    def answers(self, sequence: Tokens) -> tuple[int, ...]:
        return (_longest(sequence) - 1,)

    def sentence(self) -> str:
        n = self.layout.positions
        return f"the length, minus 1, of the longest cycle of the function that {n} tokens are"


def _longest(function: Tokens) -> int:
    """The length of the longest cycle.  Each element is walked over once: these steps are charged to nobody."""
    found, longest = [-1] * len(function), 0  # at which step an element was met first
    for start in range(len(function)):
        element, steps = start, start * len(function)  # every walk has its own steps
        first = steps
        while found[element] < 0:
            found[element] = steps
            element, steps = function[element], steps + 1
        if found[element] >= first:  # met on this walk: a cycle closes
            longest = max(longest, steps - found[element])
    return longest


def read_longest_cycle(reader: Reader) -> LongestCycle:
    """{"name": "longest_cycle", "positions": n}."""
    parts, layout = read_single(reader)
    if layout.fixed:
        raise parts["fixed"].refuse("bad-slots", "no fixed slots", sorted(layout.fixed))
    n = layout.positions
    return LongestCycle("longest_cycle", read_single(reader, tokens=n, outputs=n)[1], reader.value)
