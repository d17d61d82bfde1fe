"""Networks as programs for tests: weights made here, papers written without the package's writers, and an oracle in exact fractions."""

from __future__ import annotations

import hashlib
import json
import random
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any

from verifier.fast import FastArithmetic
from verifier.kernel.decode.strict_json import Reader
from verifier.kernel.facts import Context, Fact
from verifier.kernel.network.operators import read_network
from verifier.kernel.network.program import read_program
from verifier.kernel.network.weights import read_weights
from verifier.kernel.numbers.reference import ReferenceArithmetic
from verifier.kernel.replay import new_context
from verifier.kernel.rules import RULES
from verifier.kernel.statement import read_statement
from verifier.kernel.verdict import Verdict, check

Rows = Sequence[Sequence[float]]
ARITHMETICS = ("mpmath", "fast")


def safetensors(weights: Mapping[str, Rows]) -> bytes:
    """Matrices as a file of binary64 numbers; a flat list is a vector."""
    header, data = {}, b""
    for name, rows in weights.items():
        flat = [x for row in rows for x in row] if isinstance(rows[0], Sequence) else list(rows)
        shape = [len(rows), len(rows[0])] if isinstance(rows[0], Sequence) else [len(rows)]
        packed = struct.pack(f"<{len(flat)}d", *flat)
        header[name] = {"dtype": "F64", "shape": shape, "data_offsets": [len(data), len(data) + len(packed)]}
        data += packed
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + data


def normal(rng: random.Random, rows: int, columns: int, scale: float = 1.0) -> list[list[float]]:
    """Independent numbers with few bits, so that fractions stay short."""
    return [[round(rng.gauss(0, scale) * 1024) / 1024 for _ in range(columns)] for _ in range(rows)]


@dataclass(frozen=True)
class Case:
    """A network, its weights, a task and a scope."""

    program: dict[str, Any]
    weights: Mapping[str, Rows]
    task: dict[str, Any]
    scope: dict[str, Any]
    function: str = "real"
    name: str = field(default="case", compare=False)

    def __repr__(self) -> str:
        return self.name

    @cached_property
    def data(self) -> bytes:
        return safetensors(self.weights)

    @cached_property
    def subject(self) -> dict[str, Any]:
        weights = read_weights(self.data, read_program(Reader(self.program, "program", "5.1")), file="model")
        parts = {"network": self.program, "task": self.task, "scope": self.scope, "function": self.function}
        return {"model": weights.digest} | parts

    def statement(self, metric: str = "accuracy", relation: str = ">=", bound: str = "0/1") -> bytes:
        claim = {"metric": metric, "relation": relation, "bound": bound}
        return json.dumps({"format": "verifier-statement/2", "subject": self.subject, "claim": claim}).encode()

    def certificate(self, *steps: dict[str, Any]) -> bytes:
        text = json.dumps(self.subject, sort_keys=True, separators=(",", ":"))
        digest = "sha256:" + hashlib.sha256(text.encode()).hexdigest()
        return json.dumps({"format": "verifier-certificate/2", "subject": digest, "steps": list(steps)}).encode()

    def verdict(self, *steps: dict[str, Any], by: str = "fast", claim: tuple[str, str, str] = ("accuracy", ">=", "0/1")) -> Verdict:
        return check(self.statement(*claim), self.certificate(*steps), self.data, arithmetic(by))

    def context(self, by: str = "fast") -> Context:
        subject = read_statement(self.statement(), file="statement").subject
        network = read_network(subject.network, self.data, file="model")
        return new_context(network, subject, arithmetic(by))

    def fact(self, rule: str, by: str = "fast", **hints: Any) -> Fact:
        """What one rule without premises concludes."""
        return RULES[rule].apply({}, hints, self.context(by))


def arithmetic(name: str) -> Any:
    return ReferenceArithmetic() if name == "mpmath" else FastArithmetic()


def step(name: str, rule: str, premises: Mapping[str, Any] | None = None, **hints: Any) -> dict[str, Any]:
    return {"id": name, "rule": rule, "premises": dict(premises or {}), "hints": hints}


def counted(rule: str, **hints: Any) -> list[dict[str, Any]]:
    return [step("counts", rule, **hints), step("bound", "accuracy", {"counts": ["counts"]})]


# Bags of tokens


def bag(rng: random.Random, v: int, *, tables: int = 1, hidden: int = 3, outputs: int | None = None, scale: float = 1.0) -> tuple[Any, Any]:
    """Program and weights of a sum of table rows; tables: 1, or one per position."""
    names = [f"E{i}" for i in range(tables)]
    weights = {name: normal(rng, v, hidden, scale) for name in names} | {"U": normal(rng, hidden, outputs or v, scale)}
    nodes = [
        {"node": "e", "op": "embed", "tables": names},
        {"node": "m", "op": "linear", "of": "e", "factors": ["U"]},
        {"node": "s", "op": "sum_positions", "of": "m"},
    ]
    return {"name": "bag", "nodes": nodes, "logits": "s"}, weights


def bag_logits(case: Case, sequence: Sequence[int]) -> list[Fraction]:
    """All logits of a bag, exactly."""
    tables = list(case.program["nodes"][0]["tables"])
    hidden = [Fraction(0)] * len(case.weights["U"])
    for place, token in enumerate(sequence):
        row = case.weights[tables[place if len(tables) > 1 else 0]][token]
        hidden = [a + Fraction(b) for a, b in zip(hidden, row, strict=True)]
    columns = zip(*case.weights["U"], strict=True)
    return [sum((a * Fraction(b) for a, b in zip(hidden, column, strict=True)), Fraction(0)) for column in columns]


def full(v: int, n: int, *conditions: dict[str, Any]) -> dict[str, Any]:
    return {"tokens": [[0, v - 1]] * n} | ({"conditions": list(conditions)} if conditions else {})
