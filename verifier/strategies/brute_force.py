"""Brute force: evaluate every input, and list the wrong ones, so that the count is exact on both sides.

Exact unless an input is a near-tie: within 2^-48 of its largest term, by the grid on which sums are taken.

Each of the v^n inputs costs n v additions by the separable form (L4) instead of a forward pass.
"""

from __future__ import annotations

from verifier.kernel.statement import Subject
from verifier.strategies.float_model import FloatModel
from verifier.strategies.steps import ALL_TABLES, Step, exact_tables, integer_array, step
from verifier.strategies.wrong_inputs import wrong_inputs


def brute_force(model: FloatModel, subject: Subject) -> list[Step]:
    """Steps whose bound is exact unless an input is a near-tie."""
    return [
        *exact_tables("centred"),
        step("margins", "joint_constraint", ALL_TABLES),
        step("right", "count_every", {"constraints": "margins"}),
        *wrong_steps(model, subject),
    ]


def wrong_steps(model: FloatModel, subject: Subject) -> list[Step]:
    """The wrong inputs, if there are any, and the bound, after a step `right` that counts the right ones."""
    wrong = wrong_inputs(model, subject)
    if not len(wrong):
        return [step("bound", "accuracy", {"counts": ["right"]})]
    listed = step("wrong", "wrong_inputs", ALL_TABLES, inputs=integer_array(wrong))
    return [listed, step("bound", "accuracy", {"counts": ["right"], "wrong": "wrong"})]
