"""Every published combination on random tiny models: no certified cell holds a wrong input; and the reproductions are faithful."""

from __future__ import annotations

import json
import random
from collections import Counter
from functools import cache
from itertools import islice, product
from pathlib import Path

import numpy as np
import pytest

from benchmarks.published_strategies import OTHERS, Tried, all_counts, counts_of, tiny_model, too_large, try_all
from tests.oracle import truth
from verifier.kernel.errors import Usage
from verifier.networks.attention_only import read_model
from verifier.reproduction import REPAIRED, Repairs, reproduce
from verifier.reproduction.cubic import logits
from verifier.reproduction.parts import Weights, nine_terms, rank_one, row_range, score_option, skip_option
from verifier.strategies import STRATEGIES
from verifier.strategies.published import COMBINATIONS, SCORE, SKIP

SEEDS = (0, 2, 14, 15)  # a sample: benchmarks/published_strategies.py has more than 200
RESULTS = Path(__file__).parent.parent / "benchmarks" / "results"


@cache
def tried(seed: int) -> list[Tried]:
    return list(try_all(tiny_model(seed)))


def weights(seed: int) -> Weights:
    return Weights.of(read_model(tiny_model(seed).data, file="tiny"), np.float64)


# Soundness of ours


@pytest.mark.parametrize("seed", SEEDS)
def test_no_combination_certifies_a_cell_beyond_its_right_inputs(seed: int) -> None:
    assert len(tried(seed)) == 100
    assert sum(one.false_cells for one in tried(seed)) == 0


@pytest.mark.parametrize("seed", SEEDS)
def test_ours_has_at_least_what_a_justified_published_run_has(seed: int) -> None:
    assert [(one.name, one.published.count, one.certified) for one in tried(seed) if one.loses] == []


def test_something_is_certified_and_the_published_rule_is_misled() -> None:
    assert max(one.certified for seed in SEEDS for one in tried(seed)) > 0
    assert any(one.wrong for seed in SEEDS for one in tried(seed))
    assert any(one.published.unjustified for seed in SEEDS for one in tried(seed))


@pytest.mark.parametrize("name", OTHERS)
def test_no_other_strategy_certifies_a_cell_beyond_its_right_inputs(name: str) -> None:
    for seed in range(6):
        model = tiny_model(seed)
        assert not too_large(counts_of(model, name), model)


def test_a_certificate_of_its_own_counts_what_the_shared_one_counts() -> None:
    model = tiny_model(6)
    counts = all_counts(model)
    for one in random.Random("own").sample(COMBINATIONS, 8):
        assert Counter(counts_of(model, one.name)) == Counter(counts[one.name])


def test_a_false_cell_would_be_noticed() -> None:
    model = tiny_model(4)
    right = dict(truth(model).cells("right"))
    cell = next(iter(right))
    assert not too_large(right, model)
    assert too_large({**right, cell: right[cell] + 1}, model) == [cell]


# The reproductions


@pytest.mark.parametrize("seed", [1, 2, 4])
def test_the_repaired_formulas_hold_no_wrong_input(seed: int) -> None:
    model = tiny_model(seed)
    exact = read_model(model.data, file="tiny")
    right = truth(model).count("right", "unclear")
    for name in ["cubic", *(one.name for one in COMBINATIONS[::7])]:
        mended = reproduce(exact, name, repairs=REPAIRED)
        assert mended.count <= right
        assert not mended.unjustified
        assert mended.understated == 0


@pytest.mark.parametrize("seed", [2, 4, 8])
def test_brute_force_in_floats_agrees_with_the_oracle(seed: int) -> None:
    model = tiny_model(seed)
    found = reproduce(read_model(model.data, file="tiny"), "brute-force").count
    assert truth(model).count("right") <= found <= truth(model).count("right", "unclear") + truth(model).count("wrong")
    if "twins" not in model.label:
        assert found == truth(model).count("right")


def test_logits_are_the_transformers_own() -> None:
    one = weights(4)
    tokens = np.array(list(islice(product(range(one.v), repeat=one.n), 50)))
    for row, found in zip(tokens, logits(one, tokens), strict=True):
        residual = one.E[row] + one.P
        score = residual @ one.K @ (residual[-1] @ one.Q) / np.sqrt(one.O.shape[0])
        attention = np.exp(score - score.max()) / np.exp(score - score.max()).sum()
        assert np.allclose(found, (residual[-1] + attention @ residual @ one.V @ one.O) @ one.U)


@pytest.mark.parametrize("seed", [0, 1, 2, 4])
@pytest.mark.parametrize("option", SCORE)
def test_slack_bounds_what_the_part_leaves_over(option: str, seed: int) -> None:
    one = weights(seed)
    part, slack = score_option(one, option)
    left = row_range(one.score - part)
    assert (left <= slack + 1e-9 * (1 + np.abs(one.score).max())).all()


@pytest.mark.parametrize("option", SKIP)
def test_skip_slack_bounds_the_difference_to_the_reference(option: str) -> None:
    one = weights(4)
    reference, slack = skip_option(one, option, one.queries)
    assert (row_range(one.skip - reference) <= slack + 1e-9).all()


def test_peels_add_up() -> None:
    one = weights(4)
    part, factors = nine_terms(one)
    assert np.allclose(part + factors[0] @ factors[1] @ factors[2] @ factors[3], one.score)
    part, left, right = rank_one(one)
    assert np.allclose(part + left @ right, one.score)  # the dropped cross terms are rounding here


def test_the_count_repair_alone_never_loses() -> None:
    exact = read_model(tiny_model(4).data, file="tiny")
    for one in COMBINATIONS[::9]:
        assert reproduce(exact, one.name).count <= reproduce(exact, one.name, repairs=Repairs(count=True)).count


def test_float32_is_float32() -> None:
    exact = read_model(tiny_model(4).data, file="tiny")
    assert Weights.of(exact, np.float32).score.dtype == np.float32


@pytest.mark.parametrize("name", ["exact", "subcubic/max_diff/nothing/svd", "subcubic"])
def test_only_published_strategies_are_reproduced(name: str) -> None:
    with pytest.raises(Usage, match="unknown-strategy"):
        reproduce(read_model(tiny_model(4).data, file="tiny"), name)


# What the benchmarks found


def test_the_kept_results_have_no_false_cell_and_no_loss() -> None:
    document = json.loads((RESULTS / "published_strategies.json").read_text(encoding="utf-8"))
    assert len(document["rows"]) >= 200
    assert document["summary"]["false_cells"] == 0
    assert document["summary"]["published_larger_though_justified"] == 0
    assert document["summary"]["published_wrong_inputs_certified"] > 0


def test_the_kept_comparison_covers_all_combinations_and_ours_never_loses() -> None:
    rows = json.loads((RESULTS / "published_comparison.json").read_text(encoding="utf-8"))["rows"]
    assert {row["strategy"] for row in rows} == {name for name in STRATEGIES if name == "cubic" or name.startswith("subcubic/")}
    assert [row["strategy"] for row in rows if row["certified"] < row["published_count_repaired"]] == []
