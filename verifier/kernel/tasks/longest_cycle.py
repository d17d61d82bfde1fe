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
        return (max(_return_time(sequence, start) for start in range(len(sequence))) - 1,)

    def sentence(self) -> str:
        n = self.layout.positions
        return f"the length, minus 1, of the longest cycle of the function that {n} tokens are"


def _return_time(function: Tokens, start: int) -> int:
    """After how many steps `start` is met again, 0 if never."""
    element = start
    for steps in range(1, len(function) + 1):
        element = function[element]
        if element == start:
            return steps
    return 0


def read_longest_cycle(reader: Reader) -> LongestCycle:
    """{"name": "longest_cycle", "positions": n}."""
    parts, layout = read_single(reader)
    if layout.fixed:
        raise parts["fixed"].refuse("bad-slots", "no fixed slots", sorted(layout.fixed))
    n = layout.positions
    return LongestCycle("longest_cycle", read_single(reader, tokens=n, outputs=n)[1], reader.value)
