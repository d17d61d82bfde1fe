"""What a strategy is asked for, and the one question that each answers: is it for that?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Protocol

from verifier.fast import FastArithmetic
from verifier.kernel.certificate import IntegerArray
from verifier.kernel.errors import Usage
from verifier.kernel.maximum.model import model_of
from verifier.kernel.metrics import METRICS, ONE_ANSWER, Claim
from verifier.kernel.network.attention_only import NAME
from verifier.kernel.network.judging import Judge, labelled
from verifier.kernel.network.operators import Network
from verifier.kernel.replay import new_context
from verifier.kernel.statement import Subject
from verifier.strategies.steps import Step
from verifier.system.suggestions import did_you_mean

METRIC_WORDS = ("accuracy", "accuracy-upper", "cross_entropy", "worst_class", "answered=K", "never=K")


@dataclass(frozen=True)
class Target:
    """A subject with its network, and what is to be bounded.

    claim: its bound is the one that must be reached, None for the best that comes out.  labels: of a task that is a table.
    """

    network: Network
    subject: Subject
    metric: str = "accuracy"
    relation: str = ">="
    output: int | None = None
    bound: Fraction | None = None
    labels: tuple[int, ...] | None = None

    def claim(self, proved: Fraction) -> Claim:
        """What is written down: the bound that must be reached, else the one that was proved."""
        return Claim(self.metric, self.relation, proved if self.bound is None else self.bound, self.output)


def read_metric(word: str) -> tuple[str, str, int | None, Fraction | None]:
    """The metric, relation, output and bound that a word of `--metric` asks for.  Raises Usage."""
    name, _, number = word.partition("=")
    if name in ("answered", "never"):
        if number.isascii() and number.isdigit() and len(number) < 10:
            return "answered", "<=", int(number), Fraction(0) if name == "never" else None
    elif word == "accuracy-upper":
        return "accuracy", "<=", None, None
    elif word in METRICS and word in METRIC_WORDS:
        return word, METRICS[word][0], None, None
    raise Usage("unknown-metric", expected="one of " + ", ".join(METRIC_WORDS), got=word, hint=did_you_mean(word, METRIC_WORDS))


def metric_misfit(target: Target) -> str:
    """Why this metric cannot be claimed of this task; empty if it can."""
    reads = target.subject.task.layout.reads
    if target.metric in ONE_ANSWER and len(reads) != 1:
        return f"the metric {target.metric} is of tasks that read one answer, and this one reads {len(reads)}"
    if target.output is not None and target.output not in target.network.outputs:
        return f"output {target.output} does not compete: outputs are {target.network.outputs.start} to {target.network.outputs.stop - 1}"
    return ""


def judge_of(target: Target) -> Judge:
    """The kernel's judge of the inputs, in real arithmetic, for searches.  Raises StepRejected for labels that are not the table's."""
    context = new_context(target.network, replace(target.subject, function="real"), FastArithmetic())
    hints = {} if target.labels is None else {"labels": IntegerArray((target.labels,))}
    return Judge.of(context, labelled(target.subject.task, hints))


class AnyStrategy(Protocol):
    """What `prove` needs of a strategy."""

    @property
    def name(self) -> str: ...

    def misfit(self, target: Target) -> str:
        """Why this strategy is not for the target, in one sentence; empty if it is for it."""

    def steps_for(self, target: Target) -> list[Step]:
        """The certificate's steps."""


@dataclass(frozen=True)
class NetworkStrategy:
    """A strategy for more networks and tasks than those of `attention-only-1` and the maximum."""

    name: str
    cost_class: str
    summary: str
    steps_for: Callable[[Target], list[Step]]
    misfit: Callable[[Target], str]
    published: bool = field(default=False, init=False)


def maximum_misfit(target: Target) -> str:
    """Of the strategies about the largest token: theorems about networks of the shape `attention-only-1` (facts.Context.model)."""
    task = target.subject.task
    if target.metric != "accuracy":
        return f"this strategy proves accuracies, not {target.metric}"
    if not task.whole_maximum or target.subject.scope.conditions:
        return f"this strategy is about the largest of all tokens, read at the end, without conditions, and the task is {task.name}"
    if model_of(target.network, task.layout.positions) is None:
        return f"this strategy is about networks of the shape {NAME}, and {target.network.program.name} has another one"
    return ""
