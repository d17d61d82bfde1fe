"""Writing statements and certificates: steps and hint arrays as JSON, the untrusted mirror of `kernel/certificate.py`."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import numpy as np

from verifier.kernel.certificate import CERTIFICATE_FORMAT
from verifier.kernel.maximum.model import TABLES
from verifier.kernel.statement import Statement, Subject

Step = dict[str, Any]
NUMBERS = re.compile(r"\[\n\s*(-?\d+(?:,\n\s*-?\d+)*)\n\s*\]")  # a list of integers, one to a line; no JSON string holds a line break


def float_array(array: np.ndarray) -> dict[str, Any]:
    """A rank-2 array of float64 as a hint."""
    return _array("f64", np.atleast_2d(np.asarray(array)).astype("<f8"))


def integer_array(array: np.ndarray) -> dict[str, Any]:
    """A rank-2 array of int64 as a hint."""
    return _array("i64", np.atleast_2d(np.asarray(array)).astype("<i8"))


def _array(word: str, array: np.ndarray) -> dict[str, Any]:
    return {"array": word, "shape": list(array.shape), "base64": base64.b64encode(array.tobytes()).decode("ascii")}


def step(name: str, rule: str, premises: dict[str, Any] | None = None, **hints: Any) -> Step:
    """One step."""
    result: Step = {"id": name, "rule": rule}
    if premises:
        result["premises"] = premises
    if hints:
        result["hints"] = hints
    return result


def peel(first: int, last: int, side: str, directions: np.ndarray) -> dict[str, Any]:
    """One entry of a peel list: the factors first..last, and from which side (FORMAT.md clause 3.4)."""
    return {"first": first, "last": last, "side": side, "directions": float_array(directions)}


def exact_tables(positions: str) -> list[Step]:
    """The five tables, exactly; `positions` says whether the mean position goes with the tokens (`centred`) or not (`raw`)."""
    return [step(table, "exact_table", table=table, positions=positions) for table in TABLES]


ALL_TABLES = {table: table for table in TABLES}


def certificate_bytes(subject: Subject, steps: list[Step]) -> bytes:
    """The certificate file."""
    document = {"format": CERTIFICATE_FORMAT, "subject": subject.digest, "steps": steps}
    return (json.dumps(document, indent=1) + "\n").encode("ascii")


def statement_bytes(statement: Statement) -> bytes:
    """The statement file; lists of numbers stay on a line: one number to a line, the table of S5 is too long for a statement."""
    text = json.dumps(statement.json, indent=1)
    return (NUMBERS.sub(lambda found: "[" + re.sub(r"\s", "", found[1]) + "]", text) + "\n").encode("ascii")
