"""From a model and a strategy to a statement and a certificate that have been checked before they are written.

The prover asks the kernel what its certificate proves and claims exactly that: what both arithmetics prove where the reference
runs within its limit, else what the fast one proves.  It never prints a bound that has not been checked.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from fractions import Fraction

from verifier.domain import whole_domain
from verifier.fast import FastArithmetic
from verifier.kernel.arithmetic import Arithmetic
from verifier.kernel.errors import StepRejected
from verifier.kernel.limits import LIMITS
from verifier.kernel.metrics import Claim
from verifier.kernel.reference import ReferenceArithmetic
from verifier.kernel.replay import Progress
from verifier.kernel.statement import Statement, Subject, bind
from verifier.kernel.verdict import Verdict, check
from verifier.networks.attention_only import read_model
from verifier.strategies import Strategy
from verifier.strategies.float_model import FloatModel
from verifier.strategies.steps import certificate_bytes


@dataclass(frozen=True)
class Proof:
    """A statement, its certificate, and the checks that they passed.  prove_seconds excludes checking."""

    statement: bytes
    certificate: bytes
    verdicts: tuple[Verdict, ...]  # the fast one, then the reference one if it ran
    prove_seconds: float

    @property
    def proved(self) -> Fraction:
        return min(verdict.bound.proved for verdict in self.verdicts if verdict.bound)


def prove(
    model_bytes: bytes,
    strategy: Strategy,
    *,
    file: str,
    statement: Statement | None = None,
    function: str = "real",
    reference: bool = True,
    progress: Progress | None = None,
) -> Proof:
    """Prove the best bound that the strategy finds, or the user's statement.

    statement: the user's; None means the whole domain, the function named and the claim that comes out.  reference: also check with
    mpmath if the operations allow it.  Raises StepRejected if the kernel refuses the strategy's own certificate (a bug of the strategy).
    """
    model = read_model(model_bytes, file=file)
    subject = statement.subject if statement else whole_domain(model, function)
    bind(subject, model.network, file="statement" if statement else file)
    start = time.perf_counter()
    certificate = certificate_bytes(subject, strategy.steps(FloatModel(model), subject))
    seconds = time.perf_counter() - start
    draft = statement or _statement(subject, Fraction(0))
    verdicts = [_checked(draft, certificate, model_bytes, FastArithmetic(), progress)]
    if reference and verdicts[0].context.ledger.operations <= LIMITS.reference_operations:
        verdicts.append(_checked(draft, certificate, model_bytes, ReferenceArithmetic(), progress))
    proved = min(verdict.bound.proved for verdict in verdicts if verdict.bound)
    final = statement or _statement(subject, proved)
    return Proof(_bytes(final), certificate, tuple(replace(verdict, statement=final) for verdict in verdicts), seconds)


def _checked(statement: Statement, certificate: bytes, model_bytes: bytes, arithmetic: Arithmetic, progress: Progress | None) -> Verdict:
    verdict = check(_bytes(statement), certificate, model_bytes, arithmetic, progress=progress)
    if verdict.reason is not None:
        raise StepRejected(verdict.reason.code, expected=verdict.reason.expected, got=verdict.reason.got, clause=verdict.reason.clause)
    return verdict


def _statement(subject: Subject, bound: Fraction) -> Statement:
    return Statement(subject, Claim("accuracy", ">=", bound))


def _bytes(statement: Statement) -> bytes:
    return (json.dumps(statement.json, indent=1) + "\n").encode("ascii")
