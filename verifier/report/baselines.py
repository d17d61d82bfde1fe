"""What a bound is to be compared with: the best constant answer, guesses by frequency, random inputs at the same cost."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from verifier.experiments.intervals import lower_limit
from verifier.kernel.metrics import Claim
from verifier.report.numbers import count, measured, power
from verifier.report.sample import Sample

RISK = 0.01  # that sampling says too much
MOST_SAMPLES = 1 << 40


@dataclass(frozen=True)
class Baseline:
    """A row of the table."""

    name: str
    value: str
    meaning: str


@dataclass(frozen=True)
class Length:
    """How long a proof is, and one that tries every input.  brute_force: None where it is not known."""

    operations: int
    brute_force: int | None
    enumerates: bool  # the proof evaluates every input itself
    total: int

    def sentence(self) -> str:
        """Shorter, or plainly not."""
        if self.enumerates:
            return f"This proof is brute force: it evaluates every one of the {count(self.total)} inputs."
        if self.brute_force is None:
            return "How long a proof is that tries every input was not found out, so there is nothing to compare with."
        every = f"Trying every one of the {count(self.total)} inputs takes about {power(self.brute_force)} operations"
        factor = self.brute_force / max(self.operations, 1)
        if factor >= 1.5:
            times = f"{factor:.2g}" if factor < 10 else f"{factor:,.0f}" if factor < 10**9 else f"10^{math.log10(factor):.1f}"
            return f"{every}; this proof takes {power(self.operations)}: it is shorter by a factor of {times}."
        if factor > 1 / 1.5:
            return f"{every}; this proof takes {power(self.operations)}: about as many. It is not shorter than trying every input."
        longer = f"{every}; this proof takes {power(self.operations)}: {1 / factor:,.3g} times as many."
        return f"{longer} It is not shorter than trying every input."


def weaker_than_constant(claim: Claim, proved: Fraction, sample: Sample | None, outputs: int) -> str:
    """Whether a program that knows nothing of the input does as well; empty if none does."""
    if sample is None:
        return ""
    if claim.metric == "accuracy" and claim.relation == ">=" and proved <= Fraction(sample.constant, sample.inputs):
        return "Always giving the most frequent answer is as good as what is proved."
    if claim.metric == "cross_entropy" and outputs > 1 and float(proved) >= math.log(outputs):
        return "Giving every output the same probability is as good as what is proved."
    return ""


def baselines(claim: Claim, sample: Sample | None, length: Length, outputs: int) -> list[Baseline]:
    """The rows; none where no input could be evaluated."""
    if sample is None:
        return []
    among = "of all inputs" if sample.whole else f"estimated from {count(sample.inputs)} random inputs"
    if claim.metric == "cross_entropy":
        rows = [Baseline("every output equally likely", f"{math.log(outputs):.6f} nats", f"ln {outputs}: a program that knows nothing")]
        frequencies = [number / sample.inputs for number in sample.answers[0].values()]
        entropy = -sum(p * math.log(p) for p in frequencies)
        rows.append(Baseline("probabilities that are the answers' frequencies", f"{entropy:.6f} nats", f"their entropy, {among}"))
        if sample.loss is not None:
            rows.append(Baseline("the network itself, in float64", f"{sample.loss:.3g} nats", f"{among}: no bound"))
        return rows
    if claim.metric == "answered" and claim.output is not None:
        right, given = sample.answers[0][claim.output], sample.given[claim.output]
        return [
            Baseline("how often this output is right", _share(right, sample), among),
            Baseline("how often the network gives it, in float64", _share(given, sample), f"{among}: no bound"),
        ]
    rows = []
    if claim.metric == "worst_class":
        least = 0 if len(sample.answers[0]) > 1 else 1
        rows.append(Baseline("the best constant answer", str(least), "right for one class, wrong for every other one"))
    elif claim.relation == ">=":
        rows.append(Baseline("the best constant answer", _share(sample.constant, sample), among))
        if len(sample.answers) == 1:
            chance = sum((number / sample.inputs) ** 2 for number in sample.answers[0].values())
            rows.append(Baseline("guesses with the answers' frequencies", f"{chance:.6f}", f"{among}; the mean of such guesses"))
        rows += _sampling(sample, length)
    if claim.metric == "accuracy":
        rows.append(Baseline("the network itself, in float64", _share(sample.right, sample), f"{among}: no bound"))
    return rows


def _sampling(sample: Sample, length: Length) -> list[Baseline]:
    """Random inputs for the operations of the proof: what they would typically establish."""
    if not length.brute_force:
        return []
    each = max(Fraction(length.brute_force, length.total), Fraction(1))
    drawn = min(int(length.operations / each), MOST_SAMPLES)
    name = "random inputs for the same operations"
    if drawn < 1:
        return [Baseline(name, "nothing", f"not one input: evaluating one takes {power(float(each))} operations")]
    if drawn >= length.total:
        return [Baseline(name, "every input", "for these operations every input can be tried")]
    certain = lower_limit(round(sample.right / sample.inputs * drawn), drawn, RISK)
    known = f"typical for {count(drawn)} inputs; holds with probability {1 - RISK:g}, not for certain"
    return [Baseline(name, f"at least {measured(Fraction(certain))}", known)]


def _share(number: int, sample: Sample) -> str:
    return measured(Fraction(number, sample.inputs))
