"""`verifier train`: the recipe is deterministic, the loss accurate, the forward pass the documented formula."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path

import pytest
import torch
from torch.nn.functional import cross_entropy as torch_cross_entropy

from benchmarks.exact_accuracy import count_right, tables
from verifier.cli import main
from verifier.models.architecture import TENSOR_AXES, last_position_logits
from verifier.models.training import Recipe, cross_entropy, train
from verifier.models.weights import load_weights, save_weights

SMALL = Recipe(k=3, vocabulary=5, width=4, seed=7, steps=3)
MODELS = Path(__file__).parent.parent / "certificates" / "models"


def test_one_recipe_gives_one_file(tmp_path: Path) -> None:
    for name in ("first", "second"):
        save_weights(train(SMALL).weights, tmp_path / name)
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()


def test_bytes_do_not_depend_on_the_callers_random_state_or_threads(tmp_path: Path) -> None:
    digest = save_weights(train(SMALL).weights, tmp_path / "first")
    torch.manual_seed(99)
    threads = torch.get_num_threads()
    torch.set_num_threads(threads + 1)
    try:
        assert save_weights(train(SMALL).weights, tmp_path / "second") == digest
        assert torch.get_num_threads() == threads + 1, "training must leave the caller's settings as they were"
    finally:
        torch.set_num_threads(threads)


def test_another_seed_gives_another_model(tmp_path: Path) -> None:
    other = Recipe(k=3, vocabulary=5, width=4, seed=8, steps=3)
    assert save_weights(train(SMALL).weights, tmp_path / "a") != save_weights(train(other).weights, tmp_path / "b")


def test_names_shapes_and_types_are_those_of_the_architecture() -> None:
    lengths = {"1": 1, "v": 5, "n": 3, "d": 4, "h": 4}
    weights = train(SMALL).weights
    assert {name: tuple(tensor.shape) for name, tensor in weights.items()} == {
        name: tuple(lengths[axis] for axis in axes) for name, axes in TENSOR_AXES.items()
    }
    assert {tensor.dtype for tensor in weights.values()} == {torch.float32}
    assert not any(tensor.requires_grad for tensor in weights.values())


def test_untrained_weights_have_the_initial_scale() -> None:
    weights = train(Recipe(k=4, vocabulary=64, width=32, seed=0, steps=0)).weights
    for tensor in weights.values():
        assert tensor.std().item() == pytest.approx(0.8 / math.sqrt(32), rel=0.15)


def test_a_few_hundred_steps_learn_the_task() -> None:
    trained = train(Recipe(k=2, vocabulary=6, width=8, seed=1, steps=600))
    assert trained.sampled_accuracy > 0.9
    assert trained.final_loss is not None
    assert trained.final_loss < math.log(6)


def test_forward_pass_is_the_formula_of_the_architecture() -> None:
    """One input, in plain Python, position by position."""
    weights = {name: tensor.double() for name, tensor in train(SMALL).weights.items()}
    tokens = [4, 0, 2]
    embed, place = weights["embed.W_E"].tolist(), weights["pos_embed.W_pos"].tolist()
    read, key, value, output = (weights[f"blocks.0.attn.W_{name}"][0].tolist() for name in "QKVO")

    def times(row: list[float], matrix: list[list[float]]) -> list[float]:
        return [sum(x * line[j] for x, line in zip(row, matrix, strict=True)) for j in range(len(matrix[0]))]

    residual = [[a + b for a, b in zip(embed[token], place[i], strict=True)] for i, token in enumerate(tokens)]
    query = times(residual[-1], read)
    scores = [sum(a * b for a, b in zip(query, times(row, key), strict=True)) / math.sqrt(4) for row in residual]
    total = sum(map(math.exp, scores))
    seen = [0.0] * 4
    for score, row in zip(scores, residual, strict=True):
        seen = [s + math.exp(score) / total * x for s, x in zip(seen, times(row, value), strict=True)]
    final = [a + b for a, b in zip(residual[-1], times(seen, output), strict=True)]
    expected = times(final, weights["unembed.W_U"].tolist())

    assert last_position_logits(weights, torch.tensor([tokens]))[0].tolist() == pytest.approx(expected, rel=1e-12)


def test_loss_agrees_with_torch_where_torch_is_accurate() -> None:
    logits = torch.randn(20, 7, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(20) % 7
    expected = torch_cross_entropy(logits.double(), labels).item()
    assert cross_entropy(logits, labels).item() == pytest.approx(expected, rel=1e-12)


def test_loss_is_accurate_where_a_plain_log_softmax_is_zero() -> None:
    logits = torch.tensor([[0.0, 50.0]], requires_grad=True)
    label = torch.tensor([1])
    loss = cross_entropy(logits, label)
    loss.backward()
    assert loss.item() == pytest.approx(math.exp(-50.0), rel=1e-12)
    assert logits.grad is not None
    assert logits.grad[0, 1].item() < 0
    assert torch_cross_entropy(logits, label).item() == 0.0


def test_nan_weights_are_not_saved(tmp_path: Path) -> None:
    weights = train(SMALL).weights
    weights["unembed.W_U"][0, 0] = float("nan")
    with pytest.raises(Exception, match="nonfinite"):
        save_weights(weights, tmp_path / "model.safetensors")
    assert not list(tmp_path.iterdir())


def test_train_command_reports_a_sample_and_calls_it_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["train", "max-of-k", "--k", "2", "--vocab", "4", "--d-model", "4", "--steps", "2"]
    assert main([*command, "-o", str(tmp_path / "a.safetensors")]) == 0
    shown = capsys.readouterr()
    assert "a sample, not a proof" in shown.out
    assert shown.err == "", "no progress bar where stderr is not a terminal"

    assert main([*command, "-o", str(tmp_path / "b.safetensors"), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["recipe"] == {"k": 2, "vocabulary": 4, "width": 4, "seed": 123, "steps": 2}
    assert 0 <= report["sampled_accuracy"] <= 1
    assert report["samples"] > 0
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


@pytest.mark.parametrize("option", [["--k", "0"], ["--vocab", "1"], ["--d-model", "x"], ["--steps", "-1"]])
def test_impossible_sizes_are_misuse(option: list[str], tmp_path: Path) -> None:
    assert main(["train", "max-of-k", *option, "-o", str(tmp_path / "model.safetensors")]) == 3


DIGESTS = {
    "max-of-4": "sha256:6c9ebc5ac677f32fe1319e33791314e082ba736859120eb5fae0c8b71f7ddcc7",
    "tiny": "sha256:7b83a1528f39b4e10fb86a87f828d7d550c752a8823b26c9fb37dea3767111df",
    "imperfect": "sha256:7db09735a049abec3c6027e57bc4d9deb2bcca508ba481947ff01d4bcf6119ed",
}


@pytest.mark.parametrize("name", DIGESTS)
def test_shipped_models_are_the_pinned_ones(name: str, tmp_path: Path) -> None:
    assert save_weights(load_weights(MODELS / f"{name}.safetensors"), tmp_path / "copy") == DIGESTS[name]
    assert DIGESTS[name] in (MODELS / "README.md").read_text()


@pytest.mark.parametrize(("name", "right"), [("tiny", 512), ("imperfect", 8763)])
def test_shipped_small_models_answer_as_many_inputs_as_their_readme_says(name: str, right: int) -> None:
    """By running every input; the benchmark counts the same without running any."""
    path = MODELS / f"{name}.safetensors"
    weights = {key: tensor.double() for key, tensor in load_weights(path).items()}
    vocabulary, context = len(weights["embed.W_E"]), len(weights["pos_embed.W_pos"])
    tokens = torch.tensor(list(itertools.product(range(vocabulary), repeat=context)))
    logits = last_position_logits(weights, tokens)
    labels = tokens.amax(dim=-1, keepdim=True)
    others = logits.scatter(-1, labels, float("-inf")).amax(dim=-1, keepdim=True)
    assert int((logits.gather(-1, labels) > others).sum()) == right
    assert count_right(tables(path)).right == right


def test_the_main_model_answers_as_many_inputs_as_its_readme_says() -> None:
    count = count_right(tables(MODELS / "max-of-4.safetensors"))
    assert (count.right, count.total) == (16_772_054, 64**4)
    assert count.closest_call > 1e-9
