"""`verifier noise`: the residual is what the peel leaves, the noise is what it says, and structure is noticed."""

from __future__ import annotations

import json
from functools import reduce
from pathlib import Path

import numpy as np
import pytest

from tests.models import random_model
from verifier.cli import main
from verifier.experiments.noise import NULLS, gaussian, inequalities, noise, residual_factors, shuffled, statistic
from verifier.networks.attention_only import read_model
from verifier.strategies.float_model import FloatModel

MODELS = Path(__file__).parent.parent / "certificates" / "models"
MAX_OF_4, TINY = MODELS / "max-of-4.safetensors", MODELS / "tiny.safetensors"


def float_model(path: Path) -> FloatModel:
    return FloatModel(read_model(path.read_bytes(), file=path.name))


def test_the_residual_has_rank_lowered_by_every_peel() -> None:
    model = float_model(MAX_OF_4)
    query, middle, key, last = residual_factors(model)
    assert [factor.shape for factor in (query, middle, key, last)] == [(64, 32), (32, 32), (32, 32), (32, 64)]
    ranks = [np.linalg.matrix_rank(factor, tol=1e-9) for factor in (query, middle, key, last)]
    assert ranks == [30, 31, 31, 30]


def test_what_is_peeled_are_nine_terms_of_rank_one() -> None:
    model = float_model(MAX_OF_4)
    scores = model.score * np.sqrt(32)
    peeled = scores - reduce(np.matmul, residual_factors(model))
    assert np.linalg.matrix_rank(peeled, tol=1e-8) <= 9
    assert np.abs(peeled - scores).max() < 0.1 * np.abs(scores).max()


def test_the_statistic_is_the_largest_row_range() -> None:
    assert statistic((np.array([[1.0, 0.0], [0.0, 2.0]]), np.array([[3.0, 5.0, 4.0], [1.0, -1.0, 0.0]]))) == 4.0


def test_shuffling_keeps_the_entries_and_gauss_their_moments() -> None:
    generator = np.random.default_rng(0)
    factor = generator.uniform(2, 5, (100, 100))
    mixed = shuffled(factor, generator)
    assert mixed.shape == factor.shape
    assert np.array_equal(np.sort(mixed, axis=None), np.sort(factor, axis=None))
    assert not np.array_equal(mixed, factor)
    normal = gaussian(factor, generator)
    assert normal.mean() == pytest.approx(factor.mean(), abs=0.05)
    assert normal.std() == pytest.approx(factor.std(), rel=0.05)


@pytest.mark.parametrize("seed", range(20))
def test_the_inequalities_hold(seed: int) -> None:
    model = FloatModel(read_model(random_model(seed, v=5, n=3).data, file="random"))
    factors = residual_factors(model)
    actual = statistic(factors)
    assert all(value >= actual * (1 - 1e-9) - 1e-12 for value in inequalities(factors).values())


def test_the_same_seed_gives_the_same_numbers() -> None:
    model = read_model(TINY.read_bytes(), file="tiny")
    one, two, other = (noise(model, samples=5, seed=seed) for seed in (1, 1, 2))
    assert one.json == two.json
    assert one.nulls["shuffled"].mean != other.nulls["shuffled"].mean
    assert one.actual == other.actual


def test_the_trained_residual_is_not_like_noise() -> None:
    """As published: the real value lies several standard deviations above that of noise."""
    result = noise(read_model(MAX_OF_4.read_bytes(), file="main"), samples=100, seed=1234)
    for name in NULLS:
        z_score = result.nulls[name].z_score
        assert z_score is not None
        assert z_score > 2


def test_the_command_writes_samples_and_a_figure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["noise", str(TINY), "-o", str(tmp_path), "--samples", "12", "--seed", "3", "--json"]
    assert main(arguments) == 0
    shown = json.loads(capsys.readouterr().out)
    stored = json.loads((tmp_path / "noise.json").read_bytes())
    assert "not a proof" in shown["note"]
    assert set(shown["nulls"]) == {"shuffled", "gaussian"}
    assert {name: len(values) for name, values in stored["values"].items()} == {"shuffled": 12, "gaussian": 12}
    assert (tmp_path / "noise.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "noise.png").stat().st_size > 10_000
    assert "not a proof" in (tmp_path / "noise.svg").read_text()
    assert main(arguments) == 3  # nobody's files are overwritten unasked


def test_people_are_told_that_it_is_an_experiment(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["noise", str(TINY), "--samples", "5"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("EXPERIMENT ")
    assert "not a proof" in lines[-1]
