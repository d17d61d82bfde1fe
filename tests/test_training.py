"""The trainer of the zoo: recipes are deterministic, the loss accurate, the forward pass the program, the labels the kernel's."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy as torch_cross_entropy

from benchmarks.exact_accuracy import count_right, tables
from verifier.cli import main
from verifier.kernel.decode.strict_json import Reader
from verifier.kernel.tasks import read_task
from verifier.models.architecture import TENSOR_AXES, last_position_logits
from verifier.models.weights import load_weights, save_weights
from verifier.networks.examples import EXAMPLES
from verifier.networks.finding import Found, find_network, find_task
from verifier.networks.floats import FloatNetwork, tensor_values
from verifier.zoo.forward import Forward
from verifier.zoo.inputs import Inputs
from verifier.zoo.recipe import Recipe
from verifier.zoo.recipes import RECIPES, published, symmetric_group
from verifier.zoo.training import losses, train

SMALL = published("small", k=3, vocabulary=5, width=4, seed=7, steps=3)
MODELS = Path(__file__).parent.parent / "certificates" / "models"


def shortened(recipe: Recipe, steps: int) -> Recipe:
    """A few steps of a recipe, of few inputs each."""
    return replace(recipe, steps=steps, stop=None, batch=None if recipe.batch is None else min(recipe.batch, 64))


def few(recipe: Recipe) -> bytes:
    """The file that a recipe gives; its accuracy is looked at on few samples."""
    return train(recipe, samples=64).data


def trained(recipe: Recipe) -> tuple[Found, Mapping[str, torch.Tensor]]:
    """The network that a recipe gives, and its tensors in float64."""
    found = find_network(None, few(recipe), file=recipe.name)
    return found, {name: torch.tensor(tensor_values(tensor)) for name, tensor in found.network.weights.tensors.items()}


def test_bytes_do_not_depend_on_the_callers_random_state_or_threads() -> None:
    first = few(SMALL)
    torch.manual_seed(99)
    threads = torch.get_num_threads()
    torch.set_num_threads(threads + 1)
    try:
        assert few(SMALL) == first
        assert torch.get_num_threads() == threads + 1, "training must leave the caller's settings as they were"
    finally:
        torch.set_num_threads(threads)


def test_another_seed_gives_another_model() -> None:
    assert few(SMALL) != few(replace(SMALL, seed=8))


def test_names_shapes_and_types_are_those_of_the_architecture(tmp_path: Path) -> None:
    (tmp_path / "model").write_bytes(few(SMALL))
    lengths = {"1": 1, "v": 5, "n": 3, "d": 4, "h": 4}
    weights = load_weights(tmp_path / "model")
    assert {name: tuple(tensor.shape) for name, tensor in weights.items()} == {
        name: tuple(lengths[axis] for axis in axes) for name, axes in TENSOR_AXES.items()
    }
    assert {tensor.dtype for tensor in weights.values()} == {torch.float32}


def test_untrained_weights_have_the_initial_scale() -> None:
    _, weights = trained(published("untrained", k=4, vocabulary=64, width=32, seed=0, steps=0))
    for tensor in weights.values():
        assert tensor.std().item() == pytest.approx(0.8 / math.sqrt(32), rel=0.15)


def test_a_few_hundred_steps_learn_the_task() -> None:
    result = train(published("max", k=2, vocabulary=6, width=8, seed=1, steps=600))
    assert result.sampled_accuracy > 0.9
    assert result.final_loss is not None
    assert result.final_loss < math.log(6)


def test_a_recipe_that_stops_early_has_the_rates_of_the_whole_one() -> None:
    whole = replace(RECIPES["longest-cycle-4"], steps=5)
    assert few(replace(whole, stop=4)) != few(replace(whole, steps=4))
    assert few(replace(whole, stop=5)) == few(whole)


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_what_is_trained_is_the_program_that_the_file_carries(name: str) -> None:
    recipe = shortened(RECIPES[name], steps=2)
    assert few(recipe) == few(recipe)
    found, tensors = trained(recipe)
    for word in recipe.tasks:
        find_task(word, found)
    task = recipe.task
    inputs = Inputs(task, found.network.vocabulary)
    sequences, labels = inputs.labelled(inputs.sample(20, torch.Generator().manual_seed(1)))
    logits = Forward(recipe.network.build().nodes, task.layout.reads)(tensors, sequences).numpy()
    assert np.abs(logits - FloatNetwork(found.network).logits(sequences.numpy(), task.layout.reads)).max() < 1e-9
    assert [task.answers(tuple(line)) for line in sequences.tolist()] == [tuple(line) for line in labels.tolist()]


FURTHER: tuple[dict[str, Any], ...] = (
    {"name": "max", "positions": 4, "fixed": [[1, 9]]},
    {"name": "modular_sum", "positions": 3, "modulus": 5, "fixed": [[2, 5]]},
    {"name": "cumulative_sign", "positions": 3, "values": [0, 1, -1], "answer": 1},
)


@pytest.mark.parametrize("task", [*(one.task for name, one in EXAMPLES.items() if name != "table"), *FURTHER])
def test_inputs_and_answers_are_those_of_the_kernels_task(task: Mapping[str, Any]) -> None:
    asked = read_task(Reader(dict(task), "test", "task"))
    inputs = Inputs(asked, 4)
    tokens = inputs.all()[:: max(1, inputs.total // 500)]
    sequences, labels = inputs.labelled(tokens)
    for line, sequence, answers in zip(tokens.tolist(), sequences.tolist(), labels.tolist(), strict=True):
        assert asked.sequence(tuple(line)) == tuple(sequence)
        assert asked.answers(tuple(sequence)) == tuple(answers)
    drawn = inputs.sample(200, torch.Generator().manual_seed(0))
    assert (drawn >= 0).all()
    assert (drawn.amax(0) < torch.tensor(inputs.counts)).all()


def test_the_table_is_that_of_a_group_of_120_elements_that_is_not_abelian() -> None:
    table = np.array(symmetric_group())
    size = len(table)
    assert size == 120
    assert (np.sort(table, 0) == np.arange(size)[:, None]).all()
    assert (np.sort(table, 1) == np.arange(size)).all()
    assert (table[0] == np.arange(size)).all()
    assert (table[:, 0] == np.arange(size)).all()
    assert (table[table] == table[:, table]).all()  # (a b) c = a (b c)
    assert (table != table.T).any()


def test_forward_pass_is_the_formula_of_the_architecture() -> None:
    """One input, in plain Python, position by position."""
    found, weights = trained(SMALL)
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
    nodes = SMALL.network.build().nodes
    assert Forward(nodes, [2])(weights, torch.tensor([tokens]))[0, 0].tolist() == pytest.approx(expected, rel=1e-12)
    assert find_task(None, found).task.name == "max"


def test_an_operator_that_the_trainer_does_not_have_is_named() -> None:
    nodes = [{"node": "e", "op": "embed", "tables": ["E"]}, {"node": "g", "op": "silu", "of": "e"}]
    with pytest.raises(NotImplementedError, match="silu"):
        Forward(nodes, [0])({"E": torch.zeros(2, 2)}, torch.zeros(1, 1, dtype=torch.int64))


def test_loss_agrees_with_torch_where_torch_is_accurate() -> None:
    logits = torch.randn(20, 7, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(20) % 7
    expected = torch_cross_entropy(logits.double(), labels).item()
    assert losses(logits, labels).mean().item() == pytest.approx(expected, rel=1e-12)


def test_loss_is_accurate_where_a_plain_log_softmax_is_zero() -> None:
    logits = torch.tensor([[0.0, 50.0]], requires_grad=True)
    label = torch.tensor([1])
    loss = losses(logits, label)
    loss.backward()
    assert loss.item() == pytest.approx(math.exp(-50.0), rel=1e-12)
    assert logits.grad is not None
    assert logits.grad[0, 1].item() < 0
    assert torch_cross_entropy(logits, label).item() == 0.0


def test_nan_weights_are_not_saved(tmp_path: Path) -> None:
    (tmp_path / "good").write_bytes(few(SMALL))
    weights = load_weights(tmp_path / "good")
    weights["unembed.W_U"][0, 0] = float("nan")
    with pytest.raises(Exception, match="nonfinite"):
        save_weights(weights, tmp_path / "model.safetensors")
    assert [path.name for path in tmp_path.iterdir()] == ["good"]


def test_train_command_reports_a_sample_and_calls_it_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["train", "max-of-k", "--k", "2", "--vocab", "4", "--d-model", "4", "--steps", "2"]
    assert main([*command, "-o", str(tmp_path / "a.safetensors")]) == 0
    shown = capsys.readouterr()
    assert "a sample, not a proof" in shown.out
    assert shown.err == "", "no progress bar where stderr is not a terminal"

    assert main([*command, "-o", str(tmp_path / "b.safetensors"), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    recipe = report["recipe"]
    assert (recipe["network"]["vocabulary"], recipe["network"]["width"], recipe["seed"], recipe["steps"]) == (4, 4, 123, 2)
    assert 0 <= report["sampled_accuracy"] <= 1
    assert report["samples"] > 0
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


def test_a_recipe_is_trained_by_name_and_its_file_needs_no_network_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "cycle.safetensors"
    assert main(["train", "--recipe", "longest-cycle-4", "--steps", "1", "--seed", "9", "-o", str(file), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["recipe"]["name"], report["recipe"]["seed"], report["recipe"]["steps"]) == ("longest-cycle-4", 9, 1)
    assert report["bytes"] == file.stat().st_size
    assert main(["prove", str(file), "--task", "cycle", "-o", str(tmp_path / "proof"), "--json"]) == 0


MISUSES = (
    ["max-of-k", "--k", "0"],
    ["max-of-k", "--vocab", "1"],
    ["max-of-k", "--d-model", "x"],
    ["max-of-k", "--steps", "-1"],
    [],
    ["max-of-k", "--recipe", "tiny"],
    ["--recipe", "no-such-recipe"],
    ["--recipe", "tiny", "--k", "3"],
)


@pytest.mark.parametrize("options", MISUSES)
def test_impossible_sizes_and_unknown_recipes_are_misuse(options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", *options, "-o", str(tmp_path / "model.safetensors")]) == 3
    assert capsys.readouterr().err.count("\n") == 1
    assert not list(tmp_path.iterdir())


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
