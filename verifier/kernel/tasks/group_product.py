"""Task group_product: the right answer is the product of the free slots' tokens in a table, taken from the left."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

from verifier.kernel.decode.strict_json import Reader
from verifier.kernel.limits import LIMITS, check_limit
from verifier.kernel.tasks.task import Task, Tokens, numbers, read_single


@dataclass(frozen=True)
class GroupProduct(Task):
    """table[a][b] is the product a b.  Nothing needs it to be a group."""

    table: tuple[tuple[int, ...], ...]

    def answers(self, sequence: Tokens) -> tuple[int, ...]:
        return (reduce(lambda a, b: self.table[a][b], (sequence[slot] for slot in self.layout.free)),)

    def sentence(self) -> str:
        return f"the product of {len(self.layout.free)} tokens in the table of {len(self.table)} elements that the statement holds"


def read_group_product(reader: Reader) -> GroupProduct:
    """{"name": "group_product", "positions": n, "table": [[...], ...]}."""
    parts, _ = read_single(reader, ("table",))
    lines = parts["table"].items()
    check_limit("vocabulary", len(lines), file=reader.file, clause=reader.clause)
    table = tuple(numbers(line, 0, min(len(lines), LIMITS.vocabulary) - 1) for line in lines)
    if not table or any(len(line) != len(table) for line in table):
        raise parts["table"].refuse("wrong-shape", "a square table", [len(line) for line in table])
    layout = read_single(reader, ("table",), tokens=len(table), outputs=len(table))[1]
    return GroupProduct("group_product", layout, reader.value, table)
