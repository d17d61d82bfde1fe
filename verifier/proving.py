"""From a model and a strategy to a statement and a certificate that have been checked before they are written.

The prover asks the kernel what its certificate proves and claims exactly that: what both arithmetics prove where the reference
runs within its limit, else what the fast one proves.  It never prints a bound that has not been checked.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import log2
from pathlib import Path

from verifier.domain import whole_domain
from verifier.fast import FastArithmetic
from verifier.frontier.brute_force import EVERY_INPUT, by_inputs
from verifier.kernel.errors import LimitExceeded, StepRejected, Usage
from verifier.kernel.limits import LIMITS, check_limit
from verifier.kernel.numbers.arithmetic import Arithmetic
from verifier.kernel.numbers.reference import ReferenceArithmetic
from verifier.kernel.replay import Progress
from verifier.kernel.statement import Statement, bind
from verifier.kernel.verdict import Verdict, check
from verifier.networks.attention_only import read_model
from verifier.networks.subjects import network_of
from verifier.strategies import usual_strategies
from verifier.strategies.steps import certificate_bytes, statement_bytes
from verifier.strategies.target import AnyStrategy, Target
from verifier.system.files import write_together

TOO_LONG = "too-long"
NEXT_ONE = (TOO_LONG, "too-many-wrong-inputs")  # reasons for which another strategy is tried
FORESEEN = 1 << 14  # inputs from which on the length is foreseen


@dataclass(frozen=True)
class Proof:
    """A statement, its certificate, and the checks that they passed.  prove_seconds excludes checking."""

    statement: bytes
    certificate: bytes
    verdicts: tuple[Verdict, ...]  # the fast one, then the reference one if it ran
    prove_seconds: float
    strategy: str

    @property
    def proved(self) -> Fraction:
        """What every one of the checks proves, in the direction of the claim."""
        return _weakest(self.verdicts)

    def save(self, folder: str | os.PathLike[str], *, force: bool = False) -> tuple[Path, Path]:
        """Write statement.json and certificate.json into a folder, both or none.  Raises Usage where that is impossible."""
        paths = Path(folder) / "statement.json", Path(folder) / "certificate.json"
        write_together(dict(zip(paths, (self.statement, self.certificate), strict=True)), force=force)
        return paths

    @property
    def beyond_reference(self) -> str:
        """Why mpmath has not checked it too: how many operations that takes; empty if it has, or was not asked to."""
        operations = self.verdicts[0].context.ledger.operations
        if len(self.verdicts) > 1 or operations <= LIMITS.reference_operations:
            return ""
        return f"{operations} operations, and `prove` lets it do at most 2^{log2(LIMITS.reference_operations):g}"


def prove(
    model_bytes: bytes,
    strategy: AnyStrategy | None,
    *,
    file: str,
    statement: Statement | None = None,
    function: str = "real",
    reference: bool = True,
    progress: Progress | None = None,
    target: Target | None = None,
) -> Proof:
    """Prove the best bound that the strategy finds, or the user's statement.

    strategy: None means the usual one, or the next of them where the kernel refuses what it found.  statement: the user's; target: what
    she asks for where she has none.  Without both: the accuracy over the whole domain of the network `attention-only-1` with the tensors
    of the file, in the arithmetic of `function`.  reference: also check with mpmath if the operations allow it.  Raises Usage if the
    strategy is not for what is asked, StepRejected if the kernel refuses the strategy's own certificate (a bug of the strategy).
    """
    if target is None:
        target = statement_target(model_bytes, statement, file=file) if statement else _whole_target(model_bytes, function, file)
    usual = [strategy] if strategy else usual_strategies(target)
    for place, chosen in enumerate(usual, start=1):
        try:
            return _proved_by(chosen, target, statement, model_bytes, reference, progress)
        except (StepRejected, LimitExceeded, Usage) as error:
            if place == len(usual) or (isinstance(error, Usage) and error.code not in NEXT_ONE):
                raise
    raise AssertionError("there is at least one")  # pragma: no cover


def _proved_by(
    chosen: AnyStrategy, target: Target, statement: Statement | None, model_bytes: bytes, reference: bool, progress: Progress | None
) -> Proof:
    """What one strategy finds, checked."""
    misfit = chosen.misfit(target)
    if misfit:
        hint = "leave --strategy out, or see `verifier strategies`"
        raise Usage("strategy-misfit", expected="a strategy for this network, task and metric", got=misfit, hint=hint)
    draft = statement or Statement(target.subject, target.claim(Fraction(0)))
    check_limit("statement_bytes", len(statement_bytes(draft)), file="statement", hint="a task with fewer numbers in it")
    _refuse_too_long(target, chosen, model_bytes)
    start = time.perf_counter()
    certificate = certificate_bytes(target.subject, chosen.steps_for(target))
    seconds = time.perf_counter() - start
    verdicts = [_checked(draft, certificate, model_bytes, FastArithmetic(), progress)]
    if reference and verdicts[0].context.ledger.operations <= LIMITS.reference_operations:
        verdicts.append(_checked(draft, certificate, model_bytes, ReferenceArithmetic(), progress))
    final = statement or Statement(target.subject, target.claim(_weakest(verdicts)))
    checked = tuple(replace(verdict, statement=final) for verdict in verdicts)
    return Proof(statement_bytes(final), certificate, checked, seconds, chosen.name)


def statement_target(model_bytes: bytes, statement: Statement, *, file: str, name: str = "statement") -> Target:
    """What a statement asks for; `name`: of its file.  Raises MalformedInput, SubjectMismatch."""
    claim = statement.claim
    network = network_of(statement.subject, model_bytes, statement=name, file=file)
    return Target(network, statement.subject, claim.metric, claim.relation, claim.output, claim.bound)


def _refuse_too_long(target: Target, chosen: AnyStrategy, model_bytes: bytes) -> None:
    """Raise Usage before the work where a proof that tries every input would be longer than a check is allowed to be."""
    if chosen.name != EVERY_INPUT or target.subject.total <= FORESEEN:
        return
    operations = by_inputs(target, model_bytes)
    if operations is not None and operations > LIMITS.fast_operations:
        expected = f"a proof of at most 2^{log2(LIMITS.fast_operations):g} operations"
        hint = "a smaller --scope, or --strategy slots, bottleneck or cells"
        raise Usage(TOO_LONG, expected=expected, got=f"about 2^{log2(operations):.1f} to try every input", hint=hint)


def _whole_target(model_bytes: bytes, function: str, file: str) -> Target:
    """The accuracy over all inputs of a file with the tensors of `attention-only-1`."""
    model = read_model(model_bytes, file=file)
    subject = whole_domain(model, function)
    bind(subject, model.network, file=file)
    return Target(model.network, subject)


def _weakest(verdicts: Sequence[Verdict]) -> Fraction:
    """The bound that all of them reach."""
    upper = verdicts[0].statement.claim.relation == "<="
    return (max if upper else min)(verdict.proved for verdict in verdicts if verdict.proved is not None)


def _checked(statement: Statement, certificate: bytes, model_bytes: bytes, arithmetic: Arithmetic, progress: Progress | None) -> Verdict:
    verdict = check(statement_bytes(statement), certificate, model_bytes, arithmetic, progress=progress)
    if verdict.reason is not None:
        raise StepRejected(verdict.reason.code, expected=verdict.reason.expected, got=verdict.reason.got, clause=verdict.reason.clause)
    return verdict
