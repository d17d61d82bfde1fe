"""The steps of a certificate once more, for show: what each concluded, and what it cost.

The kernel says whether a certificate proves its claim, and keeps nothing of what the steps said.  A page that shows them applies
the rules again, always with the fast arithmetic.  What is shown is therefore what this walk found; the verdict is not taken from it.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from verifier.fast import FastArithmetic
from verifier.kernel.certificate import Certificate, Step
from verifier.kernel.errors import LimitExceeded, StepRejected
from verifier.kernel.facts import AbsentPresent, Answered, Bound, Constraints, Count, Fact, LossSum, Peeled, RightAt, Table, WrongInputs
from verifier.kernel.network.judging import LOSS_BITS
from verifier.kernel.network.operators import Network
from verifier.kernel.replay import new_context
from verifier.kernel.rules import RULES
from verifier.kernel.statement import Subject
from verifier.report.numbers import both, count, measured, share


@dataclass(frozen=True)
class Seen:
    """A step, and what it concluded; fact: None from the step on at which the fast arithmetic could decide no more."""

    step: Step
    operations: int
    fact: Fact | None


def walk(certificate: Certificate, network: Network, subject: Subject) -> tuple[Seen, ...]:
    """Every step of a certificate that the kernel has accepted (or the steps alone, where the fast arithmetic decides less)."""
    context = new_context(network, subject, FastArithmetic())
    facts: dict[str, Fact] = {}
    seen: list[Seen] = []
    for step in certificate.steps:
        before = context.ledger.operations
        fact: Fact | None = None
        if len(facts) == len(seen):
            premises = {role: [facts[name] for name in ids] for role, ids in step.premises.items()}
            try:
                fact = facts[step.id] = RULES[step.rule].apply(premises, step.hints, context)
            except (StepRejected, LimitExceeded, MemoryError):
                fact = None
        seen.append(Seen(step, context.ledger.operations - before, fact))
    return tuple(seen)


def idea(rule: str) -> str:
    """What a rule does, in the words of its file's heading."""
    module = sys.modules[RULES[rule].apply.__module__]  # the table of rules has imported it
    return (module.__doc__ or "").partition("\n")[0].partition(": ")[2]


def conclusion(fact: Fact | None) -> str:
    """What a step says, in a sentence."""
    match fact:
        case Table(table=table, slack=None):
            return f"the table {table}, exactly"
        case Table(table=table):
            return f"the table {table}, up to a bounded error"
        case Peeled(table=table):
            return f"the table {table} as a part of low rank and a rest"
        case Constraints():
            return "lower bounds of the margins, one sum for each query and maximum"
        case AbsentPresent():
            return "lower bounds of the margins, by whether the competitor occurs"
        case Count():
            wrong = sum(fact.wrong.values())
            return f"{count(sum(fact.counts.values()))} inputs are right" + (f", {count(wrong)} wrong" if wrong else "")
        case RightAt():
            lost = f" but at most {count(fact.lost)}" if fact.lost else ""
            wrong_too = f"; at least {count(fact.wrong)} are wrong" if fact.wrong else ""
            return f"answer {fact.read + 1}: right on all inputs{lost}{wrong_too}"
        case WrongInputs():
            return f"at least {count(fact.wrong)} inputs are wrong"
        case LossSum():
            return f"the mean loss is at most {measured(Fraction(fact.units, fact.inputs << LOSS_BITS), up=True)} nats"
        case Answered():
            return f"how often each of {count(len(fact.at_most))} outputs can be the answer, at most"
        case Bound():
            if fact.below == fact.above:
                return f"{fact.metric}: exactly {both(fact.proved)}"
            ends = [f"at least {share(fact.below)}"] if fact.below is not None else []
            ends += [f"at most {share(fact.above, up=True)}"] if fact.above is not None and fact.above != 1 else []
            return f"{fact.metric}: " + (" and ".join(ends) or "at most 1")
    return "not followed: the fast arithmetic decides less here than the check did"


def slack(fact: Fact | None, total: int) -> str:
    """What a step gives away, in a few words; total: inputs in scope."""
    match fact:
        case Table(slack=None):
            return "nothing"
        case Table() if fact.slack is not None:
            spread = fact.slack.spread()
            return f"up to {measured(Fraction(spread.largest()) * Fraction(2) ** spread.exponent, up=True)} between two entries of a row"
        case Peeled():
            return "nothing: the rest is bounded by a later step"
        case Constraints() | AbsentPresent():
            return "minima of sums replaced by sums of minima; seen when they are counted"
        case Count() | RightAt():
            lost = total - _decided(fact, total)
            return f"{count(lost)} inputs not decided here" if lost else "nothing"
        case WrongInputs() | LossSum() | Answered():
            return "rounding alone"
        case Bound():
            return "nothing: it adds up"
    return ""


def _decided(fact: Count | RightAt, total: int) -> int:
    if isinstance(fact, RightAt):
        return total - fact.lost + min(fact.wrong, fact.lost)
    return sum(fact.counts.values()) + sum(fact.wrong.values())


def facts_of(seen: tuple[Seen, ...]) -> Mapping[str, Fact]:
    """What is known by the id of its step."""
    return {one.step.id: one.fact for one in seen if one.fact is not None}
