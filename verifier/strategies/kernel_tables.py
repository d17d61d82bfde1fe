"""Asking the kernel for what a certificate's first steps will conclude; its tables as floats to search in."""

from __future__ import annotations

import numpy as np

from verifier.fast import FastArithmetic, float_above
from verifier.kernel.certificate import read_certificate
from verifier.kernel.errors import StepRejected
from verifier.kernel.facts import Fact, Table
from verifier.kernel.maximum.margins import with_rounding
from verifier.kernel.numbers.matrix import Matrix
from verifier.kernel.replay import new_context
from verifier.kernel.rules import RULES
from verifier.kernel.statement import Subject
from verifier.strategies.float_model import EXACT, Errors, FloatModel
from verifier.strategies.steps import Step, certificate_bytes


def float_matrix(matrix: Matrix) -> np.ndarray:
    """An exact matrix in float64, each entry rounded up."""
    return np.array([[float_above(x, matrix.exponent) for x in row] for row in matrix.rows])


def draft_facts(model: FloatModel, subject: Subject, steps: list[Step], *, refused: Fact | None = None) -> dict[str, Fact]:
    """What `steps` conclude, by step.  refused: what stands in for the conclusion of a step that is refused; without it StepRejected."""
    signatures = {name: rule.signature for name, rule in RULES.items()}
    certificate = read_certificate(certificate_bytes(subject, steps), signatures, file="draft")
    context = new_context(model.model.network, subject, FastArithmetic())
    facts: dict[str, Fact] = {}
    for one in certificate.steps:
        premises = {role: [facts[name] for name in names] for role, names in one.premises.items()}
        try:
            facts[one.id] = RULES[one.rule].apply(premises, one.hints, context)
        except StepRejected:
            if refused is None:
                raise
            facts[one.id] = refused
    return facts


def table_facts(model: FloatModel, subject: Subject, steps: list[Step]) -> dict[str, Table]:
    """The tables that `steps` conclude, by name, as a rule sees them: with the errors of float32 execution if the subject has it."""
    tables = {fact.table: fact for fact in draft_facts(model, subject, steps).values() if isinstance(fact, Table)}
    return with_rounding(tables, new_context(model.model.network, subject, FastArithmetic()))


def execution_errors(model: FloatModel, subject: Subject) -> Errors:
    """What the kernel allows float32 execution to be off by; nothing if the subject is real arithmetic."""
    rounding = new_context(model.model.network, subject, FastArithmetic()).rounding
    if rounding is None:
        return EXACT
    return Errors(float_matrix(rounding.score)[:, 0] / np.sqrt(model.model.head_width), float(float_matrix(rounding.logit)[0, 0]))
