"""The published default strategy certifies wrong inputs of a crafted model (docs/mathematics.md, P1); ours does not."""

from __future__ import annotations

import random
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from benchmarks.published_strategies import all_counts, misleading_model, one_hot_model, too_large, wrong_in
from tests.models import TinyModel, from_file
from tests.oracle import truth
from verifier.models.weights import with_its_network
from verifier.networks.attention_only import read_model
from verifier.proving import prove
from verifier.reproduction import PUBLISHED_DEFAULT, REPAIRED, Repairs, reproduce
from verifier.reproduction.counterexample import counterexample
from verifier.strategies import STRATEGIES

FILE = Path(__file__).parent.parent / "certificates" / "models" / "published-slip.safetensors"
SLIP = from_file(FILE.read_bytes(), "published slip")
MODEL = read_model(SLIP.data, file="slip")
MISLED = [(7, query, 1) for query in range(4)]  # (maximum, query, others) of the groups that are certified without justification


def certified(name: str) -> int:
    bound = prove(SLIP.data, STRATEGIES[name], file="slip", reference=False).verdicts[0].bound
    assert bound is not None
    return bound.certified


def test_the_shipped_file_is_what_the_code_writes() -> None:
    assert with_its_network(save(counterexample()), file="slip") == FILE.read_bytes()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_published_rule_reports_more_inputs_than_are_right(dtype: type[np.floating]) -> None:
    exact = truth(SLIP).count("right")  # every input evaluated in Arb, by code of its own
    published = reproduce(MODEL, PUBLISHED_DEFAULT, dtype=dtype)
    assert exact == 16
    assert published.count == 18
    assert published.count > exact
    assert published.bound == Fraction(18, 64)


def test_the_groups_without_justification_are_the_misclassified_inputs() -> None:
    published = reproduce(MODEL, PUBLISHED_DEFAULT)
    assert [(group.maximum, group.query, group.others) for group in published.unjustified] == MISLED
    assert all(group.claimed < 0 for group in published.unjustified)
    assert all(abs(group.relaxed - 20) < 1e-6 for group in published.unjustified if group.relaxed is not None)
    assert wrong_in(published.unjustified, SLIP) == wrong_in(published.groups, SLIP) == 4
    assert all(truth(SLIP).answers[7, query] == "wrong" for query in range(4))


@pytest.mark.parametrize(
    ("repairs", "count"), [(Repairs(), 18), (Repairs(count=True), 20), (Repairs(sign=True), 14), (Repairs(ends=True), 18), (REPAIRED, 16)]
)
def test_each_slip_can_be_mended_alone(repairs: Repairs, count: int) -> None:
    assert reproduce(MODEL, PUBLISHED_DEFAULT, repairs=repairs).count == count


def test_no_combination_of_ours_exceeds_the_exact_count() -> None:
    counts = all_counts(SLIP)
    assert len(counts) == 100
    assert max(sum(cells.values()) for cells in counts.values()) == 16
    assert not any(too_large(cells, SLIP) for cells in counts.values())


@pytest.mark.parametrize("name", ["brute-force", "cubic", "counting", "subcubic", "absent-present", "envelope", PUBLISHED_DEFAULT])
def test_no_strategy_of_ours_exceeds_the_exact_count(name: str) -> None:
    assert certified(name) <= 16


def test_exact_and_brute_force_find_exactly_the_right_inputs() -> None:
    assert certified("exact") == certified("brute-force") == 16


def test_such_models_are_no_rarity() -> None:
    """Near the counterexample the published rule often certifies wrong inputs."""
    rng = random.Random("slips")
    models: list[TinyModel] = [misleading_model(rng, rng.randint(4, 6), 2) for _ in range(40)]
    published = [reproduce(read_model(model.data, file="slip"), PUBLISHED_DEFAULT) for model in models]
    misled = [model for model, one in zip(models, published, strict=True) if wrong_in(one.groups, model)]
    repaired = [reproduce(read_model(model.data, file="slip"), PUBLISHED_DEFAULT, repairs=REPAIRED) for model in models]
    assert len(misled) >= 5
    assert not any(wrong_in(one.groups, model) for model, one in zip(models, repaired, strict=True))


def endpoint_model() -> TinyModel:
    """G2: token 3 argues a little for output 0 and strongly against output 2; beside token 0 it gets hardly any attention."""
    scores = [[6.0 * 6**0.5 / 2, -6.0 * 6**0.5, -6.0 * 6**0.5, 0.0]] * 4
    copies = [[0.0] * 4] * 3 + [[1.0, 0.0, -10.0, 0.0]]
    return one_hot_model(scores, copies, [-10.0, -10.0, 5.0, 0.0], 2)


def test_one_end_of_the_attentions_range_is_not_enough() -> None:
    """With the sign and the count mended, the published choice of one end certifies (0, 3), which is answered with 2."""
    model = endpoint_model()
    exact = read_model(model.data, file="endpoint")
    assert truth(model).answers[0, 3] == "wrong"
    one_end = reproduce(exact, PUBLISHED_DEFAULT, repairs=Repairs(sign=True, count=True))
    assert [(g.maximum, g.query, g.others) for g in one_end.unjustified if g.query == 3] == [(3, 3, 1)]
    assert wrong_in(one_end.unjustified, model) >= 1
    assert wrong_in(reproduce(exact, PUBLISHED_DEFAULT, repairs=REPAIRED).groups, model) == 0
    assert not any(too_large(cells, model) for cells in all_counts(model).values())
