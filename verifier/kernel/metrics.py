"""What a claim may say about a network: a metric, a relation, a number.

| metric          | its value, over the inputs in scope, each weighing the same                             | relations |
|-----------------|-----------------------------------------------------------------------------------------|-----------|
| `accuracy`      | the share that is answered correctly                                                    | >= <=     |
| `worst_class`   | the least, over the right answers that occur, of the share answered correctly among them | >=        |
| `cross_entropy` | the mean of ln(sum over outputs x of exp(logit x - logit of the right answer)), in nats  | <=        |
| `answered`      | the share to which a stated output is the answer; `answered` <= 0/1 says: never          | <=        |
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from verifier.kernel.decode.strict_json import Reader
from verifier.kernel.tasks.task import Task

METRICS: dict[str, tuple[str, ...]] = {
    "accuracy": (">=", "<="),
    "worst_class": (">=",),
    "cross_entropy": ("<=",),
    "answered": ("<=",),
}
SHARES = ("accuracy", "worst_class", "answered")  # metrics that are at most 1
ONE_ANSWER = ("worst_class", "cross_entropy", "answered")  # metrics of tasks that read one answer


@dataclass(frozen=True)
class Claim:
    """metric relation bound, such as accuracy >= 19/20.  output: of `answered` alone."""

    metric: str
    relation: str
    bound: Fraction
    output: int | None = None

    @property
    def json(self) -> dict[str, Any]:
        bound = f"{self.bound.numerator}/{self.bound.denominator}"
        claim = {"metric": self.metric, "relation": self.relation, "bound": bound}
        return claim if self.output is None else claim | {"output": self.output}

    def follows_from(self, value: Fraction) -> bool:
        """Whether a proved bound of the same metric and relation is at least as good."""
        return value >= self.bound if self.relation == ">=" else value <= self.bound


def read_claim(reader: Reader, task: Task) -> Claim:
    """Decode a claim strictly."""
    clauses = {"metric": "2.9", "relation": "2.10", "bound": "2.11"}
    answered = isinstance(reader.value, dict) and reader.value.get("metric") == "answered"
    parts = reader.members(clauses | ({"output": "2.9"} if answered else {}))
    metric = parts["metric"].choice(*METRICS)
    if metric in ONE_ANSWER and len(task.layout.reads) != 1:
        raise parts["metric"].refuse("task-misfit", "a task that reads one answer", f"{len(task.layout.reads)} answers")
    bound = parts["bound"].fraction()
    if metric in SHARES and bound > 1:
        raise parts["bound"].refuse("out-of-range", "a fraction from 0/1 to 1/1", bound)
    output = parts["output"].integer(0, 1 << 32) if answered else None
    return Claim(metric, parts["relation"].choice(*METRICS[metric]), bound, output)
