"""Every input: the network is evaluated on each one in scope.  For every network, task and metric; exact unless an input is a near-tie."""

from __future__ import annotations

from typing import Any

import numpy as np

from verifier.kernel.limits import LIMITS
from verifier.strategies.steps import Step, integer_array, step
from verifier.strategies.target import Target, metric_misfit

# metric -> what is measured of every input, the rule that concludes, the role of the first step in it
CONCLUSIONS = {
    "accuracy": ("answers", "accuracy", "counts"),
    "worst_class": ("answers", "worst_class", "counts"),
    "cross_entropy": ("loss", "mean_loss", "losses"),
    "answered": ("outputs", "answered", "outputs"),
}
MANY = ("accuracy",)  # rules that take a list in that role


def label_hints(target: Target) -> dict[str, Any]:
    """The labels of a task that is a table, as the hint that brings them."""
    return {} if target.labels is None else {"labels": integer_array(np.array([target.labels]))}


def misfit(target: Target) -> str:
    """Real arithmetic, and no more inputs than a check walks through."""
    subject = target.subject
    if subject.function != "real":
        return f"every-input is about real arithmetic, not {subject.function}"
    if subject.scope.box > LIMITS.enumerated_inputs:
        return (
            f"every-input walks through at most {LIMITS.enumerated_inputs} inputs, and the scope has {subject.scope.box}: --scope, or cells"
        )
    return metric_misfit(target)


def every_input(target: Target) -> list[Step]:
    """Two steps: the measure of every input, and the number."""
    measure, rule, role = CONCLUSIONS[target.metric]
    further = {} if target.output is None else {"output": target.output}
    return [
        step("inputs", "every_input", measure=measure, **label_hints(target)),
        step("bound", rule, {role: ["inputs"] if rule in MANY else "inputs"}, **further),
    ]
