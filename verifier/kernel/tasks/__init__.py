"""The table of tasks: which answers are right.  One file per task; FORMAT.md section 9 has a clause for each.

A task says how many positions a sequence has, which of them are *free* (the others are fixed, or determined by the free ones), at which
positions answers are read, and which output is right there.  An input is an assignment of tokens to the free slots.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from verifier.kernel.decode.strict_json import Reader
from verifier.kernel.tasks.cumulative_sign import read_cumulative_sign
from verifier.kernel.tasks.digit_sum import read_digit_sum
from verifier.kernel.tasks.group_product import read_group_product
from verifier.kernel.tasks.longest_cycle import read_longest_cycle
from verifier.kernel.tasks.maximum import read_maximum, read_minimum
from verifier.kernel.tasks.modular_sum import read_modular_sum
from verifier.kernel.tasks.table import read_table
from verifier.kernel.tasks.task import Task

TASKS: Mapping[str, Callable[[Reader], Task]] = MappingProxyType(
    {
        "max": read_maximum,
        "min": read_minimum,
        "cumulative_sign": read_cumulative_sign,
        "modular_sum": read_modular_sum,
        "group_product": read_group_product,
        "digit_sum": read_digit_sum,
        "longest_cycle": read_longest_cycle,
        "table": read_table,
    }
)


def read_task(reader: Reader) -> Task:
    """Decode a task strictly.  Raises MalformedInput."""
    if not isinstance(reader.value, dict) or "name" not in reader.value:
        raise reader.refuse("missing-field", "a task with the field name", reader.value)
    name = Reader(reader.value["name"], reader.file, reader.clause).choice(*TASKS)
    return TASKS[name](reader)
