"""Asking the kernel for the tables that a certificate's first steps will conclude, as floats to search in."""

from __future__ import annotations

import numpy as np

from verifier.fast import FastArithmetic, float_above
from verifier.kernel.certificate import read_certificate
from verifier.kernel.facts import Fact, Table
from verifier.kernel.matrix import Matrix
from verifier.kernel.replay import new_context
from verifier.kernel.rules import RULES
from verifier.kernel.statement import Subject
from verifier.strategies.float_model import FloatModel
from verifier.strategies.steps import Step, certificate_bytes


def float_matrix(matrix: Matrix) -> np.ndarray:
    """An exact matrix in float64, each entry rounded up."""
    return np.array([[float_above(x, matrix.exponent) for x in row] for row in matrix.rows])


def table_facts(model: FloatModel, subject: Subject, steps: list[Step]) -> dict[str, Table]:
    """The table facts that `steps` conclude, by table name."""
    signatures = {name: rule.signature for name, rule in RULES.items()}
    certificate = read_certificate(certificate_bytes(subject, steps), signatures, file="draft")
    context = new_context(model.model, subject, FastArithmetic())
    facts: dict[str, Fact] = {}
    for one in certificate.steps:
        premises = {role: [facts[name] for name in names] for role, names in one.premises.items()}
        facts[one.id] = RULES[one.rule].apply(premises, one.hints, context)
    return {fact.table: fact for fact in facts.values() if isinstance(fact, Table)}
