"""What is claimed: the user's file, never part of a certificate (FORMAT.md section 2).

A statement has a subject (which network, weights, task and inputs) and a claim (which number).  A certificate is tied to the subject
alone, so a reviewer may check it against a claim of her own; a prover can weaken neither.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from verifier.kernel.decode.floats import is_normal_binary32
from verifier.kernel.decode.strict_json import Reader, canonical_digest, parse
from verifier.kernel.errors import MalformedInput, SubjectMismatch
from verifier.kernel.metrics import Claim, read_claim
from verifier.kernel.network.formulas import formulas
from verifier.kernel.network.operators import Network
from verifier.kernel.network.program import Program, read_program
from verifier.kernel.scope import InputScope, read_scope
from verifier.kernel.tasks import read_task
from verifier.kernel.tasks.task import Task

STATEMENT_FORMAT = "verifier-statement/2"
FUNCTIONS = {"real": "in real arithmetic", "float32": "as any float32 machine computes them"}


@dataclass(frozen=True)
class Subject:
    """model: the digest of the weights.  scope: of the task's free slots."""

    model: str
    network: Program
    task: Task
    scope: InputScope
    function: str

    @property
    def total(self) -> int:
        """The number of inputs in scope."""
        return self.scope.total

    @property
    def json(self) -> dict[str, Any]:
        return {
            "model": self.model,
            "network": self.network.json,
            "task": self.task.json,
            "scope": self.scope.json,
            "function": self.function,
        }

    @cached_property
    def digest(self) -> str:
        return canonical_digest(self.json)

    def lines(self) -> list[str]:
        """The subject for a person."""
        return [
            f"network: {self.network.name}, weights {self.model}",
            *formulas(self.network),
            f"task: right is {self.task.sentence()}; {self.task.layout.sentence()}; a tie of the right answer is wrong",
            f"inputs: all {self.total} with {self.scope.sentence()}; logits {FUNCTIONS[self.function]}",
        ]


@dataclass(frozen=True)
class Statement:
    """A claim about a subject."""

    subject: Subject
    claim: Claim

    @property
    def json(self) -> dict[str, Any]:
        return {"format": STATEMENT_FORMAT, "subject": self.subject.json, "claim": self.claim.json}


def read_statement(data: bytes, *, file: str) -> Statement:
    """Decode a statement file strictly."""
    document = Reader(parse(data, file=file, limit="statement_bytes"), file, "2")
    parts = document.members({"format": "2.1", "subject": "2.2", "claim": "2.8"})
    parts["format"].choice(STATEMENT_FORMAT)
    subject = parts["subject"].members({"model": "2.3", "network": "2.4", "task": "2.5", "scope": "2.6", "function": "2.7"})
    task, scope = read_task(subject["task"]), read_scope(subject["scope"])
    if len(scope.ranges) != len(task.layout.free):
        raise subject["scope"].refuse("bad-scope", f"{len(task.layout.free)} token ranges, one per free slot", len(scope.ranges))
    return Statement(
        Subject(subject["model"].text(), read_program(subject["network"]), task, scope, subject["function"].choice(*FUNCTIONS)),
        read_claim(parts["claim"], task),
    )


def bind(subject: Subject, network: Network, *, file: str) -> None:
    """Refuse unless the subject speaks about this very network, and its task, scope and function fit it.  `file`: the statement's name."""
    if subject.model != network.weights.digest:
        hint = "check that statement and model belong together"
        raise SubjectMismatch("model-digest", expected=network.weights.digest, got=subject.model, file=file, clause="2.3", hint=hint)
    fit_task(network, subject.task, file=file)
    fit_scope(network, subject.task, subject.scope, file=file)
    if subject.function == "float32":
        require_binary32(network, file=file)


def require_binary32(network: Network, *, file: str) -> None:
    """Refuse weights that no float32 machine holds as they are, or that one may flush to zero."""
    for name in network.program.tensors:
        if not all(is_normal_binary32(*entry) for entry in network.weights.entries(name)):
            expected, hint = "weights that are 0 or normal binary32 numbers", "float32 statements are about float32 weights"
            raise SubjectMismatch("not-binary32", expected=expected, got=f"another number in {name}", file=file, clause="2.7", hint=hint)


def fit_task(network: Network, task: Task, *, file: str) -> None:
    """Refuse a task that does not fit the network: positions, tokens, outputs, and looking ahead."""
    layout = task.layout

    def need(condition: bool, expected: str, got: object) -> None:
        if not condition:
            raise MalformedInput("task-misfit", expected=expected, got=got, file=file, clause="2.5")

    need(network.positions is None or layout.positions <= network.positions, f"at most {network.positions} positions", layout.positions)
    need(all(token < network.vocabulary for token in layout.fixed.values()), f"fixed tokens below {network.vocabulary}", layout.fixed)
    need(layout.tokens is None or layout.tokens <= network.vocabulary, f"at most {network.vocabulary} tokens", layout.tokens)
    if layout.outputs is not None:
        competing = network.outputs
        need(competing.start == 0 and layout.outputs <= len(competing), f"{layout.outputs} competing outputs from 0", competing)
    ahead = [node.name for node in network.program.nodes if node.operator == "sum_positions" or node.words.get("mask") == "none"]
    # attack: a network that sees the answers it is asked for
    need(not (layout.determined and ahead), "a network that only looks back", f"node {ahead[0]}" if ahead else "")


def fit_scope(network: Network, task: Task, scope: InputScope, *, file: str) -> None:
    """Refuse tokens that the network or the task does not have."""
    for (first, last), count in zip(scope.ranges, task.token_counts(network.vocabulary), strict=True):
        if last >= min(count, network.vocabulary):
            expected = f"tokens below {min(count, network.vocabulary)}"
            raise MalformedInput("bad-scope", expected=expected, got=[first, last], file=file, clause="2.6")
