"""What can be said about tasks: an example of each, and what its fields mean.  Tests hold these against the kernel's readers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from verifier.kernel.tasks.table import digest_of

SINGLE = {
    "positions": "how many tokens a sequence has",
    "fixed": "may be left out: pairs [slot, token], slots ascending, of slots that always hold that token",
    "read": "may be left out: the position at which the answer is read, else the last",
}
POSITIONS = {"positions": SINGLE["positions"]}
ANSWER = {"answer": '"whole", that is every answer, or one of the positions'}


@dataclass(frozen=True)
class Example:
    """fields: their meanings; `name` is the task's.  task: a whole task, with every field that must be there."""

    fields: Mapping[str, str]
    task: Mapping[str, Any]


def _example(task: Mapping[str, Any], *fields: Mapping[str, str]) -> Example:
    merged: dict[str, str] = {}
    for group in fields:
        merged |= group
    return Example(merged, task)


EXAMPLES: Mapping[str, Example] = {
    "max": _example({"name": "max", "positions": 4}, SINGLE),
    "min": _example({"name": "min", "positions": 4}, SINGLE),
    "cumulative_sign": _example(
        {"name": "cumulative_sign", "positions": 3, "values": [0, 1, -1], "answer": "whole"},
        POSITIONS,
        {"values": "the number that each token stands for; output 0: the sum so far is negative, 1: zero, 2: positive"},
        ANSWER,
    ),
    "modular_sum": _example(
        {"name": "modular_sum", "positions": 3, "modulus": 113, "fixed": [[2, 113]]},
        SINGLE,
        {"modulus": "p: tokens and answers are 0..p-1"},
    ),
    "group_product": _example(
        {"name": "group_product", "positions": 2, "table": [[0, 1], [1, 0]]},
        SINGLE,
        {"table": "row a, column b: the product a b; products are taken from the left"},
    ),
    "digit_sum": _example(
        {
            "name": "digit_sum",
            "positions": 5,
            "base": 10,
            "a": [0],
            "b": [2],
            "sum": [4],
            "read": [3, 4],
            "fixed": [[1, 10], [3, 11]],
            "answer": "whole",
        },
        POSITIONS,
        {
            "base": "digits are 0..base-1",
            "a": "the slots of the first number, least digit first",
            "b": "the slots of the second number, as many",
            "sum": "the slots that hold the sum's digits once answered; the last digit needs none",
            "read": "the positions at which the sum's digits are answered, one more than either number has",
            "fixed": SINGLE["fixed"],
        },
        ANSWER,
    ),
    "longest_cycle": _example({"name": "longest_cycle", "positions": 4}, {key: SINGLE[key] for key in ("positions", "read")}),
    "table": _example(
        {"name": "table", "positions": 2, "sizes": [2, 2], "labels": digest_of([0, 1, 1, 0])},
        SINGLE,
        {
            "sizes": "tokens of each free slot",
            "labels": "the digest of the right outputs in lexicographic order of the inputs; files for --task may hold the list itself",
        },
    ),
}
