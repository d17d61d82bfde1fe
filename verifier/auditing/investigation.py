"""Is a reported number true?  PROVED, REFUTED or UNDECIDED, each with a certificate that the kernel has accepted.

A reported number is taken as the claim "metric relation number" over a scope of inputs, a tie being wrong.  For each subject and metric
stages run one after another, and only as long as some claim about it is open.  A claim is PROVED if one certificate proves at least it,
REFUTED if one certificate proves its opposite.  Only of accuracies can a statement say both, so only they are ever refuted.

Everything a verdict rests on has been re-proved by the kernel; the search that led there is not trusted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor

from verifier.fast import FastArithmetic
from verifier.kernel.errors import LimitExceeded, StepRejected, Usage
from verifier.kernel.facts import Bound
from verifier.kernel.metrics import METRICS, SHARES, Claim
from verifier.kernel.numbers.reference import ReferenceArithmetic
from verifier.kernel.statement import Statement
from verifier.kernel.tasks.task import Tokens
from verifier.kernel.verdict import Verdict, check, text
from verifier.strategies.steps import Step, certificate_bytes, statement_bytes
from verifier.strategies.target import Target
from verifier.system.budget import OutOfTime, seconds_limited

REFERENCE_OPERATIONS = 1 << 20  # proofs of at most this length are checked with both arithmetics
OPPOSITE = {">=": "<=", "<=": ">="}
Stage = tuple[str, Callable[[], None]]


@dataclass(frozen=True)
class Evidence:
    """A certificate that the kernel has accepted, and what it proves."""

    method: str
    steps: tuple[Step, ...]
    certificate: bytes
    bound: Bound
    checked_with: tuple[str, ...]

    def side(self, relation: str) -> Fraction | None:
        """What it proves in that direction."""
        return self.bound.below if relation == ">=" else self.bound.above

    def proves(self, claim: Claim) -> bool:
        side = self.side(claim.relation)
        return side is not None and claim.follows_from(side)

    def refutes(self, claim: Claim) -> bool:
        side = self.side(OPPOSITE[claim.relation])
        return side is not None and not claim.follows_from(side)


@dataclass(frozen=True)
class Example:
    """An input that the kernel finds wrong: the tokens of the free slots, the position read, the right output, one that is not lower."""

    tokens: Tokens
    place: int
    right: int
    answer: int


@dataclass(frozen=True)
class Outcome:
    """The verdict on one claim.  lower, upper: what is proved of the metric, None: nothing.  reason: one sentence.

    statement: what the evidence is written down with: the claim if it is proved, its opposite if it is refuted, else what is proved.
    """

    word: str
    lower: Fraction | None
    upper: Fraction | None
    reason: str
    evidence: Evidence | None
    statement: bytes | None
    examples: tuple[Example, ...]
    wrong: int
    total: int


@dataclass
class Investigation:
    """What is known about one subject and metric, and the stages that may still tell more."""

    target: Target
    weights: bytes
    claims: Sequence[Claim]
    seconds: float | None = None
    on_stage: Callable[[str], None] = lambda name: None
    found: list[Evidence] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._waiting = deque(self.stages())

    def stages(self) -> list[Stage]:
        """What can be tried, the cheapest first."""
        raise NotImplementedError

    def examples(self, most: int) -> tuple[Example, ...]:
        """Up to so many wrong inputs."""
        raise NotImplementedError

    def hindrance(self, wrong: int) -> str:
        """Why so many wrong inputs are not found; empty if there is no reason to name."""
        return ""

    def nothing_more(self) -> None:
        """No stage that is left can tell more: each input has been decided that can be."""
        self._waiting.clear()

    @property
    def total(self) -> int:
        return self.target.subject.total

    @property
    def lower(self) -> Fraction | None:
        return max(self._sides(">="), default=Fraction(0))

    @property
    def upper(self) -> Fraction | None:
        return min(self._sides("<="), default=Fraction(1) if self.target.metric in SHARES else None)

    def _sides(self, relation: str) -> Iterator[Fraction]:
        return (side for one in self.found if (side := one.side(relation)) is not None)

    def decide(self, claim: Claim, shown: int = 0) -> Outcome:
        """Run stages until the claim is proved or refuted, or none is left.  shown: wrong inputs to find for a refuted one."""
        while self._waiting and not any(one.proves(claim) or one.refutes(claim) for one in self.found):
            self._attempt(*self._waiting.popleft())
        proofs, refutations = ([one for one in self.found if holds(one)] for holds in (_proving(claim), _refuting(claim)))
        if proofs:
            evidence = min(proofs, key=lambda one: len(one.certificate))
            return self._outcome("PROVED", "a certificate proves the reported number", evidence, claim, shown)
        if refutations:
            return self._refuted(max(refutations, key=lambda one: (one.bound.wrong, one.bound.certified)), claim, shown)
        evidences = [one for one in self.found if one.side(claim.relation) is not None]
        sign = 1 if claim.relation == ">=" else -1
        best = max(evidences, key=lambda one: (sign * (one.side(claim.relation) or 0), one.bound.wrong), default=None)
        proved = None if best is None else best.side(claim.relation)
        known = None if proved is None else self._claim(claim.relation, proved)
        return self._outcome("UNDECIDED", self._undecided(claim), best, known, shown)

    def _refuted(self, evidence: Evidence, claim: Claim, shown: int) -> Outcome:
        opposite = OPPOSITE[claim.relation]
        side = evidence.side(opposite)
        if side is None:
            raise TypeError
        count, word = (evidence.bound.wrong, "wrong") if claim.relation == ">=" else (evidence.bound.certified, "right")
        reason = f"{count} of {self.total} inputs are proved {word}, more than the reported number allows"
        return self._outcome("REFUTED", reason, evidence, self._claim(opposite, side), shown)

    def _claim(self, relation: str, bound: Fraction) -> Claim:
        return Claim(self.target.metric, relation, bound, self.target.output)

    def _outcome(self, word: str, reason: str, evidence: Evidence | None, claim: Claim | None, shown: int) -> Outcome:
        wrong = self._most("wrong")
        examples = self.examples(shown) if wrong and shown and word != "PROVED" else ()
        statement = None if claim is None else statement_bytes(Statement(self.target.subject, claim))
        return Outcome(word, self.lower, self.upper, reason, evidence, statement, examples, wrong, self.total)

    def _undecided(self, claim: Claim) -> str:
        """What would decide the claim, and why it was not done."""
        if claim.metric != "accuracy":
            side = self.upper if claim.relation == "<=" else self.lower
            known = f"{claim.metric} {claim.relation} {text(side)} is proved" if self.found and side is not None else "nothing is proved"
            sentence = f"{known}; a statement can say {claim.metric} {claim.relation} alone, so no such number is ever refuted"
            return sentence + "".join(f"; {failure}" for failure in self.failures)
        share, proved = claim.bound * self.total, {word: self._most(word) for word in ("certified", "wrong")}
        if claim.relation == ">=":
            right = ceil(share)
            sentence = f"a proof of {right - proved['certified']} more right inputs would prove it, {self.total - right + 1} wrong inputs "
            sentence += f"would refute it, {proved['wrong']} are confirmed{self.hindrance(self.total - right + 1)}"
        else:
            right = floor(share)
            sentence = f"a proof of {self.total - right - proved['wrong']} more wrong inputs would prove it, {right + 1} right inputs "
            sentence += f"would refute it, {proved['certified']} are confirmed"
        return sentence + "".join(f"; {failure}" for failure in self.failures)

    def _most(self, word: str) -> int:
        """The most inputs that some certificate proves right (`certified`) or wrong."""
        return max((getattr(one.bound, word) for one in self.found), default=0)

    def _attempt(self, name: str, stage: Callable[[], None]) -> None:
        """Run a stage; its failure is a remark, for other stages may still decide."""
        self.on_stage(name)
        try:
            with seconds_limited(self.seconds):
                stage()
        except OutOfTime:
            self.failures.append(f"{name} did not finish in {self.seconds:g} seconds")
        except MemoryError:
            self.failures.append(f"{name} needs too much memory")
        except (LimitExceeded, StepRejected, Usage) as error:
            self.failures.append(f"{name}: {error}")

    def add(self, method: str, steps: Sequence[Step]) -> None:
        """Have a certificate checked, and keep it.  Raises StepRejected, LimitExceeded."""
        certificate = certificate_bytes(self.target.subject, list(steps))
        draft = statement_bytes(Statement(self.target.subject, self._claim(METRICS[self.target.metric][0], Fraction(0))))
        verdicts = [check(draft, certificate, self.weights, FastArithmetic())]
        if verdicts[0].bound and verdicts[0].context.ledger.operations <= REFERENCE_OPERATIONS:
            verdicts.append(check(draft, certificate, self.weights, ReferenceArithmetic()))
        for one in verdicts:
            if one.reason is not None:
                raise one.reason
        names = tuple(one.context.workshop.arithmetic.name for one in verdicts)
        self.found.append(Evidence(method, tuple(steps), certificate, weakest(verdicts), names))


def _proving(claim: Claim) -> Callable[[Evidence], bool]:
    return lambda one: one.proves(claim)


def _refuting(claim: Claim) -> Callable[[Evidence], bool]:
    return lambda one: one.refutes(claim)


def weakest(verdicts: Sequence[Verdict]) -> Bound:
    """What all of them prove."""
    bounds = [one.bound for one in verdicts if one.bound is not None]
    below, above = ([side for one in bounds if (side := getattr(one, name)) is not None] for name in ("below", "above"))
    one = bounds[0]
    certified, wrong = min(one.certified for one in bounds), min(one.wrong for one in bounds)
    return Bound(one.metric, one.total, min(below, default=None), max(above, default=None), certified, wrong, one.output)
