"""joint_constraint: base and terms are the margin itself, rounded down on a grid."""

from __future__ import annotations

import math
import random

import pytest

from tests.checking import ARITHMETICS, SAME, facts, joint, refusal, step, tables
from tests.models import TinyModel, copying, random_model
from tests.oracle import Transformer
from verifier.kernel.errors import MalformedInput
from verifier.kernel.facts import Constraints, Family


def family(model: TinyModel, maximum: int, positions: str = "centred", by: str = "mpmath", **options: object) -> Family:
    found = facts(model, [*tables(positions), joint()], by=by, **options)[0]["margins"]  # type: ignore[arg-type]
    assert isinstance(found, Constraints)
    return found.at(maximum)


@pytest.mark.parametrize("by", ARITHMETICS)
@pytest.mark.parametrize("positions", ["raw", "centred"])
def test_sums_of_terms_are_proportional_to_the_gap_of_the_logits(positions: str, by: str) -> None:
    rng = random.Random("proportional")
    model = copying(rng, 4, 3, noise=0.2, slope=0.7, copy=2.0)
    deep = Transformer(model)
    for maximum in range(4):
        found = family(model, maximum, positions, by)
        base, terms = found.base.to_list(), found.terms.to_list()
        outputs = [x for x in range(4) if x != maximum]
        for index, query in enumerate(found.queries):
            ratios = []
            for _ in range(6):
                free = [rng.randint(0, maximum) for _ in range(2)]
                if maximum not in [*free, query]:
                    continue
                logits = [float(ball.mid()) for ball in deep.logits((*free, query))]
                products = [deep.queries[query] * deep.keys[i][t].transpose() for i, t in enumerate([*free, query])]
                # Phi is the gap times the softmax denominator, times one factor per query
                share = sum(math.exp(float((one[0, 0] / deep.root).mid())) for one in products)
                for j, x in enumerate(outputs):
                    total = base[index][j] + sum(terms[index][i][t][j] for i, t in enumerate(free))
                    ratios.append(total / (share * (logits[maximum] - logits[x])))
            assert not ratios or max(ratios) <= min(ratios) * (1 + 1e-6) > 0


def test_the_family_is_as_described() -> None:
    model = random_model(2, v=4, n=3)
    found = family(model, 2, scope=[[0, 3], [0, 3], [1, 3]])
    assert found.maximum == 2
    assert found.queries == range(1, 3)
    assert [(block.start, block.stop) for block in found.blocks] == [(0, 1), (1, 2), (2, 3)]
    assert found.base.axes == ("query", "output")
    assert found.terms.axes == ("query", "slot", "block", "output")
    assert found.base.shape == (2, 3)
    assert found.terms.shape == (2, 2, 3, 3)


def test_a_single_position_has_a_base_alone() -> None:
    model = random_model(2, v=3, n=1)
    found = family(model, 2)
    assert found.terms.shape == (3, 0, 3, 2)
    assert found.terms.to_list() == [[], [], []]


def test_hints_are_unknown() -> None:
    model = random_model(2, v=3, n=2)
    with pytest.raises(MalformedInput, match="unknown-field"):
        facts(model, [*tables(), step("margins", "joint_constraint", SAME, shift=1)])
    assert refusal(model, [*tables(), joint()]) == ("no-bound", "3.3")
