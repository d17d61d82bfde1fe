"""All rows of a report about one network and task: an investigation for each subject and metric that they ask about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from verifier.auditing.investigation import Investigation, Outcome
from verifier.auditing.maximum import OfMaximum
from verifier.auditing.networks import OfNetwork
from verifier.auditing.reported import Reported
from verifier.experiments.estimate import Estimate, estimate
from verifier.kernel.metrics import Claim
from verifier.networks.question import Question
from verifier.strategies.target import Target, maximum_misfit

CONFIDENCE, SEED = 0.99, 0  # of the number that floats give
Key = tuple[str, str, int | None]  # digest of the subject, metric, output


@dataclass(frozen=True)
class Settings:
    """reported, weights: names of files.  seconds: for each stage.  samples: inputs evaluated in floats.  shown: wrong inputs of a row."""

    reported: str
    weights: str
    seconds: float | None
    samples: int
    shown: int


@dataclass
class Audit:
    """One network and task.  on_stage: is told what is tried."""

    question: Question
    weights: bytes
    rows: Sequence[Reported]
    settings: Settings
    on_stage: Callable[[str], None] = lambda name: None
    _known: dict[Key, Investigation] = field(default_factory=dict)
    _estimates: dict[Key, Estimate] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._targets = {row.row: self._target(row) for row in self.rows}  # all of them fit, or nothing is done
        for row in self.rows:
            self.estimate(row)  # which also refuses right answers that are no outputs

    def _target(self, row: Reported) -> Target:
        network, task = self.question.found.network, self.question.asked.task
        scope = row.scope_of(task, network.vocabulary, file=self.settings.reported)
        return self.question.target(row.metric, row.function, scope=scope)

    def decide(self, row: Reported) -> Outcome:
        """The verdict on a row."""
        return self.investigation(self._targets[row.row], row.claim).decide(row.claim, self.settings.shown)

    def outcomes(self) -> list[tuple[Reported, Outcome]]:
        """The verdict on every row: the second time with all that is known by then."""
        for row in self.rows:
            self.decide(row)
        return [(row, self.decide(row)) for row in self.rows]

    def investigation(self, target: Target, claim: Claim) -> Investigation:
        """What is known of a subject and metric; begun for this claim and those of the rows about it."""
        key = _key(target)
        if key not in self._known:
            claims = [claim, *(row.claim for row in self.rows if _key(self._targets[row.row]) == key)]
            kind = OfNetwork if maximum_misfit(target) else OfMaximum
            self._known[key] = kind(target, self.weights, claims, self.settings.seconds, self.on_stage)
        return self._known[key]

    def estimate(self, row: Reported) -> Estimate:
        """The number as float64 reproduces it."""
        target = self._targets[row.row]
        key = _key(target)
        if key not in self._estimates:
            self.on_stage("evaluating in floats")
            self._estimates[key] = estimate(target, samples=self.settings.samples, confidence=CONFIDENCE, seed=SEED)
        return self._estimates[key]


def _key(target: Target) -> Key:
    return target.subject.digest, target.metric, target.output
