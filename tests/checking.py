"""Statements, certificates and checks in one line each; files are written here without the package's own writers."""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from collections.abc import Mapping, Sequence
from typing import Any

from tests.models import TinyModel, network
from verifier.fast import FastArithmetic
from verifier.kernel.certificate import read_certificate
from verifier.kernel.facts import Context, Fact
from verifier.kernel.numbers.arithmetic import Arithmetic
from verifier.kernel.numbers.reference import ReferenceArithmetic
from verifier.kernel.replay import new_context
from verifier.kernel.rules import RULES
from verifier.kernel.statement import read_statement
from verifier.kernel.verdict import Verdict, check
from verifier.networks.attention_only import read_model

Step = dict[str, Any]
Scope = Sequence[Sequence[int]]
TABLES = ("skip", "score", "position_score", "copy", "position_copy")
SAME = {name: name for name in TABLES}  # role -> step id, when each table's step has the table's name
ARITHMETICS = ("mpmath", "fast")


def arithmetic(name: str) -> Arithmetic:
    return ReferenceArithmetic() if name == "mpmath" else FastArithmetic()


def full_scope(model: TinyModel) -> list[list[int]]:
    return [[0, model.v - 1] for _ in range(model.n)]


def subject(model: TinyModel, scope: Scope | None = None) -> dict[str, Any]:
    ranges = [list(pair) for pair in scope] if scope is not None else full_scope(model)
    return {
        "model": model.digest,
        "network": network(model.h),
        "task": {"name": "max", "positions": len(ranges)},
        "scope": {"tokens": ranges},
        "function": "real",
    }


def statement(model: TinyModel, bound: str = "0/1", scope: Scope | None = None) -> dict[str, Any]:
    claim = {"metric": "accuracy", "relation": ">=", "bound": bound}
    return {"format": "verifier-statement/2", "subject": subject(model, scope), "claim": claim}


def digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def certificate(model: TinyModel, steps: Sequence[Step], scope: Scope | None = None) -> dict[str, Any]:
    return {"format": "verifier-certificate/2", "subject": digest(subject(model, scope)), "steps": list(steps)}


def encoded(value: Any) -> bytes:
    return json.dumps(value).encode()


# Steps


def step(name: str, rule: str, premises: Mapping[str, Any] | None = None, **hints: Any) -> Step:
    return {"id": name, "rule": rule, "premises": dict(premises or {}), "hints": hints}


def tables(positions: str = "centred", prefix: str = "") -> list[Step]:
    return [step(prefix + name, "exact_table", table=name, positions=positions) for name in TABLES]


def array(rows: Sequence[Sequence[float]], kind: str = "f64") -> dict[str, Any]:
    letter = {"f64": "d", "f32": "f", "i64": "q"}[kind]
    data = struct.pack(f"<{len(rows) * len(rows[0])}{letter}", *(x for row in rows for x in row))
    return {"array": kind, "shape": [len(rows), len(rows[0])], "base64": base64.b64encode(data).decode()}


def joint(name: str = "margins") -> Step:
    """A constraint for every wrong output."""
    return step(name, "decoupled_constraint", SAME)


def decoupled(shift: Sequence[Sequence[float]], singles: int = 8, name: str = "margins", alone: Sequence[Sequence[int]] = ()) -> Step:
    """One constraint for all wrong outputs but those that stand alone, pairs of a maximum and an output."""
    hints = {"alone": array(alone, "i64")} if alone else {}
    return step(name, "decoupled_constraint", SAME, shift=array(shift), singles=singles, **hints)


def listing(name: str = "right", constraints: str = "margins") -> Step:
    return step(name, "list_exceptions", {"constraints": constraints})


def sums(bins: int = 64, name: str = "right", constraints: str = "margins") -> Step:
    return step(name, "count_sums", {"constraints": constraints}, bins=bins)


def leaves(rows: Sequence[Sequence[int]], name: str = "right", constraints: str = "margins", precision: int = 1024) -> Step:
    """Rows (maximum, query, stop, bins)."""
    return step(name, "count_leaves", {"constraints": constraints}, leaves=array(rows, "i64"), precision=precision)


def wrong(rows: Sequence[Sequence[int]], name: str = "wrong") -> Step:
    return step(name, "wrong_inputs", SAME, inputs=array(rows, "i64"))


def bound(*counts: str, wrong: str | None = None, name: str = "bound") -> Step:
    premises: dict[str, Any] = {"counts": list(counts)} if counts else {}
    return step(name, "accuracy", premises | ({"wrong": wrong} if wrong else {}))


# Checks


def run(
    model: TinyModel, steps: Sequence[Step], *, claim: str = "0/1", scope: Scope | None = None, by: str = "mpmath"
) -> Verdict:
    """The verdict on a certificate made of these steps."""
    papers = encoded(statement(model, claim, scope)), encoded(certificate(model, steps, scope))
    return check(*papers, model.data, arithmetic(by))


def refusal(model: TinyModel, steps: Sequence[Step], *, scope: Scope | None = None, by: str = "mpmath") -> tuple[str, str]:
    """Reason code and clause of a certificate that must be REJECTED; its message must be one line."""
    verdict = run(model, steps, scope=scope, by=by)
    if verdict.reason is None:
        raise AssertionError(f"accepted: {verdict.lines()[0]}")
    assert verdict.word == "REJECTED"
    assert verdict.exit_code == 1
    assert len(verdict.lines()[0].splitlines()) == 1
    return verdict.reason.code, verdict.reason.clause


def facts(
    model: TinyModel, steps: Sequence[Step], *, scope: Scope | None = None, by: str = "mpmath"
) -> tuple[dict[str, Fact], Context]:
    """What each step concludes."""
    signatures = {name: rule.signature for name, rule in RULES.items()}
    decoded = read_certificate(encoded(certificate(model, steps, scope)), signatures, file="certificate")
    asked = read_statement(encoded(statement(model, scope=scope)), file="statement").subject
    context = new_context(read_model(model.data, file="model").network, asked, arithmetic(by))
    known: dict[str, Fact] = {}
    for one in decoded.steps:
        premises = {role: [known[name] for name in ids] for role, ids in one.premises.items()}
        known[one.id] = RULES[one.rule].apply(premises, one.hints, context)
    return known, context
