"""The walk over the steps: each rule is applied to its premises and hints, and what it concludes is kept under the step's id."""

from __future__ import annotations

from collections.abc import Callable

from verifier.kernel.certificate import Certificate
from verifier.kernel.errors import LimitExceeded, StepRejected, SubjectMismatch
from verifier.kernel.facts import Bound, Context, Fact
from verifier.kernel.limits import LIMITS
from verifier.kernel.network.operators import Network
from verifier.kernel.numbers.arithmetic import Arithmetic
from verifier.kernel.numbers.matrix import Ledger
from verifier.kernel.numbers.workshop import Workshop
from verifier.kernel.rules import RULES
from verifier.kernel.statement import Subject

Progress = Callable[[str, int, int], None]  # step id, number of the step, number of steps


def new_context(network: Network, subject: Subject, arithmetic: Arithmetic) -> Context:
    """A context with an empty ledger, limited by what the arithmetic can do in reasonable time."""
    reference = arithmetic.name == "mpmath"
    limit_name = "reference_operations" if reference else "fast_operations"
    ledger = Ledger(limit=getattr(LIMITS, limit_name), limit_name=limit_name)
    return Context(network, subject, Workshop(arithmetic, ledger), ledger)


def replay(certificate: Certificate, context: Context, *, file: str, progress: Progress | None = None) -> Bound:
    """The bound that the last step proves.  Raises StepRejected if any step is false."""
    if certificate.subject != context.subject.digest:  # attack: a true certificate about another model, scope or function
        raise SubjectMismatch("subject-digest", expected=context.subject.digest, got=certificate.subject, file=file, clause="3.2")
    facts: dict[str, Fact] = {}
    for number, step in enumerate(certificate.steps):
        if progress is not None:
            progress(step.id, number, len(certificate.steps))
        rule = RULES[step.rule]
        premises: dict[str, list[Fact]] = {}
        for role, ids in step.premises.items():
            accepted = rule.signature.premises[role]
            for name in ids:
                if type(facts[name]).__name__ not in accepted:  # attack: a fact of one kind passed off as another
                    expected, clause = f"{role} to be {' or '.join(accepted)}", f"step {step.id} ({step.rule})"
                    raise StepRejected("wrong-premise", expected=expected, got=type(facts[name]).__name__, file=file, clause=clause)
            premises[role] = [facts[name] for name in ids]
        try:
            facts[step.id] = rule.apply(premises, step.hints, context)
        except (StepRejected, LimitExceeded) as error:
            error.file, error.clause = file, f"step {step.id} ({step.rule})"
            raise
    last = facts[certificate.steps[-1].id] if certificate.steps else None
    if not isinstance(last, Bound):
        raise StepRejected("no-bound", expected="a last step that concludes a bound", got=type(last).__name__, file=file, clause="3.3")
    return last
