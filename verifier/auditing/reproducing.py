"""Published rules as they were published, slips included, each next to what is certified of the same network."""

from __future__ import annotations

from typing import Any

from verifier.auditing.audit import Audit
from verifier.kernel.errors import StepRejected, Usage, VerifierError
from verifier.kernel.limits import LIMITS
from verifier.kernel.maximum.model import model_of
from verifier.kernel.metrics import Claim
from verifier.kernel.verdict import text
from verifier.networks.subjects import whole_scope
from verifier.proving import prove
from verifier.reproduction import Group, reproduce
from verifier.strategies import STRATEGIES
from verifier.strategies.target import maximum_misfit

SHOWN_GROUPS = 20


class Reproducing:
    """For the largest token, all inputs, and networks of the shape `attention-only-1`."""

    def __init__(self, audit: Audit) -> None:
        """Raises Usage for another network or task."""
        network, task = audit.question.found.network, audit.question.asked.task
        self.audit = audit
        self.target = audit.question.target("accuracy", scope=whole_scope(network, task))
        misfit, model = maximum_misfit(self.target), model_of(network, task.layout.positions)
        if misfit or model is None:
            raise Usage("strategy-misfit", expected="--reproduce for the network and task of the published rules", got=misfit)
        self.model = model

    def row(self, name: str) -> dict[str, Any]:
        """One published rule."""
        published = reproduce(self.model, name)
        claim = Claim("accuracy", ">=", published.bound)
        investigation = self.audit.investigation(self.target, claim)
        outcome = investigation.decide(claim)
        certified, failure = None, None
        try:
            proof = prove(self.audit.weights, STRATEGIES[name], file=self.audit.settings.weights, reference=False, target=self.target)
            certified = text(proof.proved)
        except (StepRejected, VerifierError) as error:
            failure = str(error)
        unjustified = published.unjustified
        wrong = investigation.examples(LIMITS.listed_inputs)
        return {
            "strategy": name,
            "trust": "UNTRUSTED reproduction in float64, slips included",
            "published": text(published.bound),
            "published_count": published.count,
            "total": published.total,
            "verdict": outcome.word,
            "sound": outcome.word != "REFUTED" and not unjustified,
            "certified": certified,
            "certified_failure": failure,
            "certified_lower": None if outcome.lower is None else text(outcome.lower),
            "certified_upper": None if outcome.upper is None else text(outcome.upper),
            "groups": len(published.groups),
            "groups_without_justification": len(unjustified),
            "inputs_without_justification": sum(group.inputs for group in unjustified),
            "wrong_inputs_certified": sum(1 for one in wrong if any(holds(group, one.tokens) for group in unjustified)),
            "unjustified": [group_json(group) for group in unjustified[:SHOWN_GROUPS]],
        }


def holds(group: Group, tokens: tuple[int, ...]) -> bool:
    """Is the input in the group?"""
    others = [token for token in tokens if token < group.maximum]
    return (
        max(tokens) == group.maximum
        and tokens[-1] == group.query
        and len(others) == group.others
        and max(others, default=-1) <= group.maximum - group.gap
    )


def group_json(group: Group) -> dict[str, Any]:
    """A group certified without justification; bounds of max_x logit[x] - logit[m] in the paper's sign."""
    return {
        "maximum": group.maximum,
        "query": group.query,
        "others": group.others,
        "gap": group.gap,
        "inputs": group.inputs,
        "claimed_below": round(group.claimed, 6),
        "true_relaxed_maximum": None if group.relaxed is None else round(group.relaxed, 6),
    }
