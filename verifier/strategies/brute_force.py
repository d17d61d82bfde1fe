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
    steps = [
        *exact_tables("centred"),
        step("margins", "joint_constraint", ALL_TABLES),
        step("right", "count_every", {"constraints": "margins"}),
    ]
    wrong = in_scope(np.concatenate([np.empty((0, model.n + 1), dtype=np.int64), *model.wrong_inputs()]), subject)
    premises: dict[str, object] = {"counts": ["right"]}
    if len(wrong):
        steps.append(step("wrong", "wrong_inputs", ALL_TABLES, inputs=integer_array(wrong)))
        premises["wrong"] = "wrong"
    return [*steps, step("bound", "accuracy", premises)]


def in_scope(inputs: np.ndarray, subject: Subject) -> np.ndarray:
    """The rows whose tokens are in the subject's scope."""
    first, last = np.array(subject.scope).T
    tokens = inputs[:, :-1]
    return inputs[((tokens >= first) & (tokens <= last)).all(axis=1)]
