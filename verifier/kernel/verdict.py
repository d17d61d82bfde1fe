"""From three files to one word: PROVED, REJECTED or INCOMPLETE.  Only this module says them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from verifier.kernel.arithmetic import Arithmetic
from verifier.kernel.certificate import read_certificate
from verifier.kernel.errors import LimitExceeded, StepRejected
from verifier.kernel.facts import Bound, Context
from verifier.kernel.model import read_model
from verifier.kernel.replay import Progress, new_context, replay
from verifier.kernel.rules import RULES
from verifier.kernel.statement import Statement, bind, read_statement

EXIT_CODES = {"PROVED": 0, "REJECTED": 1, "INCOMPLETE": 2}


def text(fraction: Fraction) -> str:
    """A fraction as "p/q", also when q is 1."""
    return f"{fraction.numerator}/{fraction.denominator}"


@dataclass(frozen=True)
class Verdict:
    """The outcome of one check, with what it cost.  bound and reason: exactly one of them is None."""

    statement: Statement
    bound: Bound | None
    reason: StepRejected | None
    context: Context
    steps: int
    certificate_bytes: int
    seconds: float

    @property
    def word(self) -> str:
        if self.bound is None:
            return "REJECTED"
        return "PROVED" if self.bound.proved >= self.statement.claim.bound else "INCOMPLETE"

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.word]

    def json(self) -> dict[str, Any]:
        """The object that `check --json` prints (certificates/schema/verdict.json)."""
        subject, claim, ledger, bound = self.statement.subject, self.statement.claim, self.context.ledger, self.bound
        certified, wrong = (bound.certified, bound.wrong) if bound else (0, 0)
        return {
            "verdict": self.word,
            "metric": claim.metric,
            "relation": claim.relation,
            "claimed": text(claim.bound),
            "proved": text(bound.proved) if bound else None,
            "certified": certified,
            "wrong": wrong,
            "total": subject.total,
            "undecided": subject.total - certified - wrong,
            "scope_mass": text(Fraction(subject.total, self.context.vocabulary ** len(subject.scope))),
            "function": subject.function,
            "arithmetic": self.context.workshop.arithmetic.name,
            "backend": self.context.workshop.arithmetic.backend,
            "steps": self.steps,
            "flops": ledger.flops,
            "integer_operations": ledger.integer_ops,
            "operations": ledger.operations,
            "unexplained_dimension": ledger.unexplained_dimension,
            "certificate_bytes": self.certificate_bytes,
            "seconds": round(self.seconds, 3),
            "subject": subject.json,
            "reason": self.reason.reason() if self.reason else None,
        }

    def lines(self) -> list[str]:
        """The verdict for a person; the first line starts with the word."""
        subject, claim, bound = self.statement.subject, self.statement.claim, self.bound
        if bound is None:
            return [f"REJECTED {self.reason}", f"subject: {subject.sentence()}"]
        total, mass = subject.total, Fraction(subject.total, self.context.vocabulary ** len(subject.scope))
        undecided = total - bound.certified - bound.wrong
        exact = "exact" if undecided == 0 else f"{bound.wrong} proved wrong, {undecided} undecided"
        ledger, arithmetic = self.context.ledger, self.context.workshop.arithmetic
        return [
            f"{self.word} {claim.metric} {claim.relation} {_decimal(bound.proved)} "
            f"({bound.certified} of {total} inputs; {exact}), claimed {claim.relation} {_decimal(claim.bound)} "
            f"({text(claim.bound)}), scope {_decimal(mass)} of the domain",
            f"subject: {subject.sentence()}",
            f"proof: {self.steps} steps, {ledger.operations} operations ({ledger.flops} flops), unexplained dimension "
            f"{ledger.unexplained_dimension}, {self.certificate_bytes} bytes; {arithmetic.backend}, {self.seconds:.1f} s",
        ]


def _decimal(fraction: Fraction, places: int = 6) -> str:
    """A decimal rounded down, marked when it is not exact; the fraction beside it is what counts."""
    scaled, rest = divmod(fraction.numerator * 10**places, fraction.denominator)
    digits = f"{scaled // 10**places}.{scaled % 10**places:0{places}d}"
    return digits + ("..." if rest else "")


def check(
    statement_bytes: bytes,
    certificate_bytes: bytes,
    model_bytes: bytes,
    arithmetic: Arithmetic,
    *,
    files: tuple[str, str, str] = ("statement", "certificate", "model"),
    progress: Progress | None = None,
) -> Verdict:
    """Check a certificate against a statement and a model.  Raises the errors of exit code 3; REJECTED is a verdict."""
    try:
        return _check((statement_bytes, certificate_bytes, model_bytes), arithmetic, files, progress)
    except MemoryError:  # the machine's memory, or a cap that the caller set
        hint = "smaller files, or more memory"
        raise LimitExceeded("limit-memory", expected="a check that fits into memory", got="no memory left", hint=hint) from None


def _check(contents: tuple[bytes, bytes, bytes], arithmetic: Arithmetic, files: tuple[str, str, str], progress: Progress | None) -> Verdict:
    """`check`, as long as there is memory."""
    start = time.perf_counter()
    statement_bytes, certificate_bytes, model_bytes = contents
    statement = read_statement(statement_bytes, file=files[0])
    model = read_model(model_bytes, file=files[2])
    bind(statement, model, file=files[0])
    certificate = read_certificate(certificate_bytes, {name: rule.signature for name, rule in RULES.items()}, file=files[1])
    context = new_context(model, statement.subject, arithmetic)
    bound, reason = None, None
    try:
        bound = replay(certificate, context, file=files[1], progress=progress)
    except StepRejected as error:
        reason = error
    return Verdict(statement, bound, reason, context, len(certificate.steps), certificate.size, time.perf_counter() - start)
