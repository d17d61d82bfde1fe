"""What is claimed: the user's file, never part of a certificate (FORMAT.md section 2).

A statement has a subject (which function, on which inputs) and a claim (which number).  A certificate is tied to the subject
alone, so a reviewer may check it against a claim of her own; a prover can weaken neither.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import Any

from verifier.kernel.errors import SubjectMismatch
from verifier.kernel.floats import is_normal_binary32
from verifier.kernel.model import ARCHITECTURE, Model
from verifier.kernel.strict_json import Reader, canonical_digest, parse

STATEMENT_FORMAT = "verifier-statement/1"
FUNCTIONS = {"real": "in real arithmetic", "float32": "as any float32 machine computes them"}


@dataclass(frozen=True)
class Subject:
    """scope: one (first, last) token range per position, both ends included."""

    model: str
    architecture: str
    task: str
    scope: tuple[tuple[int, int], ...]
    function: str

    @property
    def total(self) -> int:
        """The number of inputs in scope."""
        return prod(last - first + 1 for first, last in self.scope)

    @property
    def json(self) -> dict[str, Any]:
        scope = [list(tokens) for tokens in self.scope]
        return {"model": self.model, "architecture": self.architecture, "task": self.task, "scope": scope, "function": self.function}

    @property
    def digest(self) -> str:
        return canonical_digest(self.json)

    def sentence(self) -> str:
        """The subject for a person."""
        n = len(self.scope)
        alike = len(set(self.scope)) == 1
        tokens = f"tokens {self.scope[0][0]}..{self.scope[0][1]}" if alike else "one token range per position"
        return (
            f"model {self.model[:19]}... ({self.architecture}), task {self.task}-of-{n}, "
            f"all {self.total} inputs with {tokens}, logits {FUNCTIONS[self.function]}, a tie counts as wrong"
        )


@dataclass(frozen=True)
class Claim:
    """metric relation bound, such as accuracy >= 19/20."""

    metric: str
    relation: str
    bound: Fraction


@dataclass(frozen=True)
class Statement:
    """A claim about a subject."""

    subject: Subject
    claim: Claim

    @property
    def json(self) -> dict[str, Any]:
        claim = {
            "metric": self.claim.metric,
            "relation": self.claim.relation,
            "bound": f"{self.claim.bound.numerator}/{self.claim.bound.denominator}",
        }
        return {"format": STATEMENT_FORMAT, "subject": self.subject.json, "claim": claim}


def read_statement(data: bytes, *, file: str) -> Statement:
    """Decode a statement file strictly."""
    document = Reader(parse(data, file=file, limit="statement_bytes"), file, "2")
    parts = document.members({"format": "2.1", "subject": "2.2", "claim": "2.8"})
    parts["format"].choice(STATEMENT_FORMAT)
    subject = parts["subject"].members({"model": "2.3", "architecture": "2.4", "task": "2.5", "scope": "2.6", "function": "2.7"})
    scope = []
    for entry in subject["scope"].items():
        ends = [end.integer(0, 1 << 32) for end in entry.items()]
        if len(ends) != 2 or ends[0] > ends[1]:  # an empty scope would make every claim true
            raise subject["scope"].refuse("bad-scope", "a pair [first, last] with first <= last", ends)
        scope.append((ends[0], ends[1]))
    if not scope:
        raise subject["scope"].refuse("bad-scope", "one pair per position", [])
    claim = parts["claim"].members({"metric": "2.9", "relation": "2.10", "bound": "2.11"})
    bound = claim["bound"].fraction()
    if bound > 1:
        raise claim["bound"].refuse("out-of-range", "a fraction from 0/1 to 1/1", bound)
    return Statement(
        Subject(
            subject["model"].text(),
            subject["architecture"].choice(ARCHITECTURE),
            subject["task"].choice("max"),
            tuple(scope),
            subject["function"].choice(*FUNCTIONS),
        ),
        Claim(claim["metric"].choice("accuracy"), claim["relation"].choice(">="), bound),
    )


def bind(statement: Statement, model: Model, *, file: str) -> None:
    """Refuse unless the statement speaks about this very model."""
    subject = statement.subject

    together = "check that statement and model belong together"

    def refuse(code: str, expected: object, got: object, clause: str, hint: str = together) -> SubjectMismatch:
        return SubjectMismatch(code, expected=str(expected), got=got, file=file, clause=clause, hint=hint)

    if subject.model != model.digest:
        raise refuse("model-digest", model.digest, subject.model, "2.3")
    if len(subject.scope) != model.positions:
        raise refuse("bad-scope", f"{model.positions} token ranges", len(subject.scope), "2.6")
    if max(last for _, last in subject.scope) >= model.vocabulary:
        raise refuse("bad-scope", f"tokens below {model.vocabulary}", [list(tokens) for tokens in subject.scope], "2.6")
    if subject.function == "float32":
        for name, rows in model.weights.items():
            for entry in (entry for row in rows for entry in row):
                if not is_normal_binary32(*entry):
                    expected, hint = f"weights in {name} that are 0 or normal binary32 numbers", "a machine would round it, or read it as 0"
                    raise refuse("not-binary32", expected, f"{entry[0]} * 2^{entry[1]}", "2.7", hint)
