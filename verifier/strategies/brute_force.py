"""Brute force: evaluate every input, and list the wrong ones, so that the count is exact on both sides.

Each of the v^n inputs costs n v additions by the separable form (L4) instead of a forward pass.
"""

from __future__ import annotations

import numpy as np

from verifier.kernel.statement import Subject
from verifier.strategies.float_model import FloatModel
from verifier.strategies.steps import ALL_TABLES, Step, exact_tables, integer_array, step


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
    wrong = in_scope(np.concatenate([np.empty((0, model.n + 1), dtype=np.int64), *model.wrong_inputs()]), subject)
    if not len(wrong):
        return [step("bound", "accuracy", {"counts": ["right"]})]
    listed = step("wrong", "wrong_inputs", ALL_TABLES, inputs=integer_array(wrong))
    return [listed, step("bound", "accuracy", {"counts": ["right"], "wrong": "wrong"})]


def in_scope(inputs: np.ndarray, subject: Subject) -> np.ndarray:
    """The rows whose tokens are in the subject's scope."""
    first, last = np.array(subject.scope).T
    tokens = inputs[:, :-1]
    return inputs[((tokens >= first) & (tokens <= last)).all(axis=1)]
