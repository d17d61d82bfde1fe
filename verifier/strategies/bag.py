"""Bags of tokens: the rules `bag_accuracy` and `bag_loss`, which meet no input's logits one by one.  For sums of embeddings alone."""

from __future__ import annotations

from typing import Any

from verifier.kernel.limits import LIMITS
from verifier.strategies.every_input import label_hints
from verifier.strategies.steps import Step, step
from verifier.strategies.target import Target, metric_misfit

# metric -> the rule that measures, the rule that concludes, the role of the first step in it, whether that takes a list
CONCLUSIONS: dict[str, tuple[str, str, str, bool]] = {
    "accuracy": ("bag_accuracy", "accuracy", "counts", True),
    "worst_class": ("bag_accuracy", "worst_class", "counts", False),
    "cross_entropy": ("bag_loss", "mean_loss", "losses", False),
}

# with fewer outputs `every_input` is shorter: it evaluates 4 or 20 operations per output, and naming an input of a bag is charged 64
SHORTER_FROM = {"accuracy": 33, "worst_class": 33, "cross_entropy": 9}


def shorter(target: Target) -> bool:
    """Whether the proof is shorter than that by `every_input`: measured on bags of 1 to 3 tokens, and a rule of thumb."""
    return len(target.network.outputs) >= SHORTER_FROM.get(target.metric, 0)


def misfit(target: Target) -> str:
    """Logits that are a sum over the positions of a local node, a task that reads one answer, and a metric of these rules."""
    subject, network = target.subject, target.network
    top = network.program.node(network.program.logits)
    if subject.function != "real":
        return f"bag is about real arithmetic, not {subject.function}"
    if top.operator != "sum_positions" or top.operands["of"][0] not in network.local:
        return f"bag is about logits that are a sum over the positions, and those of {network.program.name} are {top.operator}"
    if len(subject.task.layout.reads) != 1 or subject.task.layout.determined:
        return f"bag is about tasks that read one answer and determine no slot, and the task is {subject.task.name}"
    if target.metric not in CONCLUSIONS:
        return f"bag proves {', '.join(CONCLUSIONS)}, not {target.metric}"
    if subject.scope.box > LIMITS.enumerated_inputs:
        return f"bag names at most {LIMITS.enumerated_inputs} inputs, and the scope has {subject.scope.box}: a smaller --scope"
    return metric_misfit(target)


def bag(target: Target) -> list[Step]:
    """Two steps: counts or losses by products of tables, and the number."""
    measure, rule, role, many = CONCLUSIONS[target.metric]
    premise: dict[str, Any] = {role: ["inputs"] if many else "inputs"}
    return [step("inputs", measure, **label_hints(target)), step("bound", rule, premise)]
