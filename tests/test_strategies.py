"""Every strategy, on trained and on random models, in both arithmetics: what it proves is true, and both agree on it.

New strategies are covered as soon as `STRATEGIES` lists them; of the paper's 100 sub-cubic combinations a sample is run.
"""

from __future__ import annotations

import json
import random
from functools import lru_cache
from pathlib import Path

import pytest

from tests.checking import arithmetic, encoded, statement
from tests.models import TinyModel, copying, from_file, random_model
from tests.oracle import Truth, truth
from tests.plans import random_scope
from verifier.kernel.errors import StepRejected, Usage
from verifier.kernel.statement import read_statement
from verifier.kernel.verdict import check
from verifier.proving import Proof, prove
from verifier.strategies import STRATEGIES, find_strategy

FOLDER = Path(__file__).parent.parent / "certificates" / "models"
TRAINED = {name: from_file((FOLDER / f"{name}.safetensors").read_bytes(), name) for name in ("tiny", "imperfect")}
OURS = [name for name in STRATEGIES if not name.startswith("subcubic/")]
PUBLISHED = [name for name in STRATEGIES if name.startswith("subcubic/")]
SAMPLE = random.Random("published").sample(PUBLISHED, min(8, len(PUBLISHED)))
EXACT = ("brute-force", "exact")
GOOD = {f"copying {seed}": copying(random.Random(seed), 4, 3, noise=0.1, slope=1.0, copy=4.0) for seed in range(2)}
SMALL = {
    f"v={v} n={n}": copying(random.Random(f"small {v} {n}"), v, n, noise=0.1, slope=1.0, copy=3.0)
    for v, n in ((3, 1), (3, 2), (5, 2))
}


@lru_cache(maxsize=512)
def proof(name: str, model: TinyModel, reference: bool = True) -> Proof:
    return prove(model.data, STRATEGIES[name], file="model", reference=reference)


def true_by(answers: Truth, found: Proof) -> None:
    """Every verdict's count is at most the truth, from both sides."""
    for verdict in found.verdicts:
        assert verdict.bound is not None
        assert verdict.word == "PROVED"
        assert verdict.bound.certified <= answers.right_at_most
        assert verdict.bound.wrong <= answers.wrong_at_most
        assert verdict.bound.total == answers.total


@pytest.mark.parametrize("model", GOOD)
@pytest.mark.parametrize("name", OURS)
def test_what_is_proved_of_a_random_model_is_true(name: str, model: str) -> None:
    found = proof(name, GOOD[model])
    assert [verdict.context.workshop.arithmetic.name for verdict in found.verdicts] == ["fast", "mpmath"]
    true_by(truth(GOOD[model]), found)
    assert found.verdicts[0].bound is not None
    assert found.verdicts[0].bound.certified > 0


@pytest.mark.parametrize("name", OURS)
def test_what_is_proved_of_a_trained_model_is_true(name: str) -> None:
    answers = truth(TRAINED["tiny"])
    found = proof(name, TRAINED["tiny"], reference=name != "counting")
    true_by(answers, found)
    assert found.proved >= 0.8  # that is what it was trained for


@pytest.mark.parametrize("name", OURS)
def test_what_is_proved_of_an_imperfect_model_is_true(name: str) -> None:
    true_by(truth(TRAINED["imperfect"]), proof(name, TRAINED["imperfect"], reference=False))


@pytest.mark.parametrize("name", SAMPLE)
def test_the_published_combinations_prove_what_is_true(name: str) -> None:
    true_by(truth(TRAINED["tiny"]), proof(name, TRAINED["tiny"]))
    for model in GOOD.values():
        true_by(truth(model), proof(name, model))


@pytest.mark.parametrize("model", SMALL)
@pytest.mark.parametrize("name", [*OURS, SAMPLE[0]])
def test_the_smallest_models_can_be_proved(name: str, model: str) -> None:
    true_by(truth(SMALL[model]), proof(name, SMALL[model]))


@pytest.mark.parametrize("name", [name for name in EXACT if name in OURS])
def test_exact_strategies_are_exact(name: str) -> None:
    for model in [*GOOD.values(), *SMALL.values(), *TRAINED.values()]:
        answers = truth(model)
        assert answers.count("unclear") == 0
        for verdict in proof(name, model, reference=model.v < 8).verdicts:
            assert verdict.bound is not None
            assert verdict.bound.certified == answers.count("right")
            assert verdict.bound.wrong == answers.count("wrong")


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # numpy's of overflow, in the untrusted search
@pytest.mark.parametrize("name", [*OURS, *SAMPLE[:2]])
def test_models_that_break_every_habit_give_true_bounds_or_none(name: str) -> None:
    for seed in range(3, 11, 2):  # one of each family
        model = random_model(seed, v=4, n=2)
        if len(model.weights["W_U"]) < 2:
            continue
        try:
            found = prove(model.data, STRATEGIES[name], file="model")
        except StepRejected:
            continue  # nothing is claimed
        true_by(truth(model), found)


@pytest.mark.parametrize("name", [*OURS, *SAMPLE[:2]])
def test_a_users_scope_is_respected(name: str) -> None:
    rng, model = random.Random(f"scope {name}"), GOOD["copying 0"]
    for _ in range(2):
        scope = random_scope(rng, model)
        asked = read_statement(encoded(statement(model, "0/1", scope)), file="statement")
        found = prove(model.data, STRATEGIES[name], file="model", statement=asked)
        true_by(truth(model, scope), found)
        assert json.loads(found.statement) == statement(model, "0/1", scope)


@pytest.mark.parametrize("name", [*OURS, *SAMPLE[:1]])
def test_both_arithmetics_give_the_same_verdict_on_the_files_that_are_written(name: str) -> None:
    model = GOOD["copying 1"]
    found = proof(name, model)
    for by in ("mpmath", "fast"):
        verdict = check(found.statement, found.certificate, model.data, arithmetic(by))
        assert verdict.word == "PROVED"
        assert verdict.bound is not None
        assert verdict.bound.proved >= found.proved == verdict.statement.claim.bound


def test_strategies_that_do_not_exist_are_refused() -> None:
    with pytest.raises(Usage, match="unknown-strategy"):
        find_strategy("oracle")
    for name in STRATEGIES:
        assert find_strategy(name).name == name
