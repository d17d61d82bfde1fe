"""`verifier prove` about any network: every metric against a count in floats, scopes, strategies, and what is refused before any work."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.models import random_model, safetensors
from tests.networks import small_network
from verifier.cli import main
from verifier.kernel.errors import Usage
from verifier.kernel.limits import LIMITS
from verifier.networks.finding import find_network, find_task, with_network
from verifier.networks.floats import FloatNetwork, losses, right
from verifier.networks.subjects import make_subject
from verifier.proving import prove
from verifier.strategies import DEFAULTS, NETWORK_STRATEGIES, STRATEGIES, choose_strategy, find_strategy, usual_strategies
from verifier.strategies.cells import BUDGETS
from verifier.strategies.target import METRIC_WORDS, Target, read_metric

MODELS = Path(__file__).parent.parent / "certificates" / "models"
PROGRAM, DATA = small_network()
TASK = {"name": "max", "positions": 2}
INPUTS = np.array(list(product(range(3), repeat=2)))
LABELS = INPUTS.max(1)
NETWORK = find_network(None, with_network(DATA, PROGRAM, {}), file="FILE").network
LOGITS = FloatNetwork(NETWORK).logits(INPUTS, [1])
RIGHT = right(LOGITS, LABELS[:, None])


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "weights.safetensors"
    path.write_bytes(with_network(DATA, PROGRAM, {"max": TASK}))
    return path


@pytest.fixture
def verifier(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, Any]]:
    def run(*arguments: object) -> tuple[int, Any]:
        code = main([*map(str, arguments), "--json"])
        shown = capsys.readouterr()
        assert shown.err.count("\n") <= 1
        return code, json.loads(shown.out) if shown.out else None

    return run


def proved(verifier: Callable[..., tuple[int, Any]], weights: Path, *arguments: object, code: int = 0) -> Any:
    """What `prove` says; what it has written must be what `check` finds, in both arithmetics."""
    output = weights.parent / "proof"
    got, found = verifier("prove", weights, *arguments, "-o", output, "--force")
    assert got == code
    for arithmetic in ("mpmath", "fast"):
        again, verdict = verifier("check", output / "statement.json", output / "certificate.json", weights, "--arithmetic", arithmetic)
        assert again == (2 if code == 2 else 0)
        assert verdict["subject"] == found["subject"]
        assert verdict["claimed"] == found["claimed"]
    return found


def test_the_models_of_this_file_are_neither_perfect_nor_useless() -> None:
    assert 0 < RIGHT.sum() < len(RIGHT)


@pytest.mark.parametrize("word", ["accuracy", "accuracy-upper"])
def test_accuracy_is_exact_on_both_sides(word: str, weights: Path, verifier: Callable[..., Any]) -> None:
    found = proved(verifier, weights, "--metric", word)
    assert Fraction(found["proved"]) == Fraction(int(RIGHT.sum()), 9)
    assert found["claimed"] == found["proved"]
    assert found["undecided"] == 0
    assert found["strategy"] == "every-input"
    assert found["checked_with"] == ["fast", "mpmath"]


def test_worst_class_is_the_least_accuracy_of_a_label(weights: Path, verifier: Callable[..., Any]) -> None:
    expected = min(Fraction(int(RIGHT[label == LABELS].sum()), int((label == LABELS).sum())) for label in range(3))
    assert Fraction(proved(verifier, weights, "--metric", "worst_class")["proved"]) == expected


def test_cross_entropy_is_bounded_closely(weights: Path, verifier: Callable[..., Any]) -> None:
    true = losses(LOGITS[:, 0], LABELS).mean()
    bound = float(Fraction(proved(verifier, weights, "--metric", "cross_entropy")["proved"]))
    assert true <= bound <= true * (1 + 1e-6)


def test_never_is_all_or_nothing(weights: Path, verifier: Callable[..., Any]) -> None:
    answers = LOGITS[:, 0].argmax(1)
    for output in range(3):
        share = Fraction(int((answers == output).sum()), 9)
        found = proved(verifier, weights, "--metric", f"never={output}", code=2 if share else 0)
        assert (found["claimed"], Fraction(found["proved"])) == ("0/1", share)
    assert {0, 1, 2} - set(answers.tolist())  # one of them is never given, so that both cases are met


def test_scopes_and_conditions(weights: Path, verifier: Callable[..., Any]) -> None:
    inside = (INPUTS[:, 0] <= 1) & (INPUTS[:, 1] >= 1)
    found = proved(verifier, weights, "--scope", "0..1,1..2")
    assert (found["total"], Fraction(found["proved"])) == (4, Fraction(int(RIGHT[inside].sum()), 4))
    path = weights.parent / "scope.json"
    path.write_text(json.dumps({"tokens": [[0, 2], [0, 2]], "conditions": [{"less": [0, 1]}]}))
    ordered = INPUTS[:, 0] < INPUTS[:, 1]
    found = proved(verifier, weights, "--scope-file", path)
    assert (found["total"], Fraction(found["proved"])) == (3, Fraction(int(RIGHT[ordered].sum()), 3))


def test_a_table_brings_its_labels(weights: Path, verifier: Callable[..., Any]) -> None:
    path = weights.parent / "table.json"
    answers = LOGITS[:, 0].argmax(1).tolist()
    path.write_text(json.dumps({"name": "table", "positions": 2, "sizes": [3, 3], "labels": answers}))
    assert proved(verifier, weights, "--task", path)["proved"] == "1/1"
    path.write_text(json.dumps({"name": "table", "positions": 2, "sizes": [3, 3], "labels": [1 - bool(one) for one in answers]}))
    assert proved(verifier, weights, "--task", path)["proved"] == "0/1"
    path.write_text(json.dumps({"name": "table", "positions": 2, "sizes": [3, 3], "labels": answers[:8]}))
    assert verifier("prove", weights, "--task", path, "-o", weights.parent / "none")[0] == 1


def test_a_users_statement_about_any_network_is_proved(weights: Path, verifier: Callable[..., Any]) -> None:
    found = proved(verifier, weights, "--metric", "cross_entropy")
    statement = weights.parent / "proof" / "statement.json"
    claim = json.loads(statement.read_text())
    claim["claim"]["bound"] = "100/1"
    mine = weights.parent / "mine.json"
    mine.write_text(json.dumps(claim))
    assert verifier("prove", weights, "--statement", mine, "-o", weights.parent / "second")[0] == 0
    claim["claim"]["bound"] = "1/1000000"
    mine.write_text(json.dumps(claim))
    code, again = verifier("prove", weights, "--statement", mine, "-o", weights.parent / "third")
    assert (code, again["verdict"], again["proved"]) == (2, "INCOMPLETE", found["proved"])
    assert verifier("prove", weights, "--statement", mine, "--task", "max", "-o", weights.parent / "fourth")[0] == 3
    claim["subject"]["model"] = "sha256:" + "0" * 64
    mine.write_text(json.dumps(claim))
    assert verifier("prove", weights, "--statement", mine, "-o", weights.parent / "fifth")[0] == 3


def test_require_is_a_ceiling_of_upper_bounds(weights: Path, verifier: Callable[..., Any]) -> None:
    for metric, bound, code in (
        ("cross_entropy", "100", 0),
        ("cross_entropy", "1/1000", 1),
        ("accuracy-upper", "1", 0),
        ("accuracy-upper", "0", 1),
    ):
        got, found = verifier("prove", weights, "--metric", metric, "--require", bound, "-o", weights.parent / "proof", "--force")
        assert (got, found["required"]) == (code, f"{Fraction(bound).numerator}/{Fraction(bound).denominator}")
    assert verifier("prove", weights, "--require", "2", "-o", weights.parent / "proof", "--force")[0] == 3


REFUSED: list[tuple[str, ...]] = [
    ("--network", "nothing"),
    ("--network", "cumsum"),  # of other weights
    ("--task", "min"),
    ("--task", "no/such.json"),
    ("--scope", "0..3,0..2"),
    ("--scope", ""),
    ("--scope", "0..1", "--scope-file", "scope.json"),
    ("--metric", ""),
    ("--metric", "loss"),
    ("--metric", "answered"),
    ("--metric", "never="),
    ("--metric", "never=3"),  # an output that does not exist
    ("--strategy", "oracle"),
    ("--strategy", "subcubic"),  # of another network
    ("--function", "float32"),  # no strategy for it
    ("--expect", "no/such.json"),
]


@pytest.mark.parametrize("arguments", REFUSED)
def test_what_cannot_be_asked_is_refused_and_nothing_is_written(
    arguments: tuple[str, ...], weights: Path, verifier: Callable[..., Any]
) -> None:
    output = weights.parent / "proof"
    assert verifier("prove", weights, *arguments, "-o", output)[0] == 3
    assert not output.exists()


def test_expectations_must_be_about_where_answers_are_read(weights: Path, verifier: Callable[..., Any]) -> None:
    path, output = weights.parent / "logits.json", weights.parent / "proof"
    path.write_text(json.dumps({"tokens": INPUTS.tolist(), "places": [1], "logits": LOGITS.tolist()}))
    code, found = verifier("prove", weights, "--expect", path, "-o", output)
    assert (code, found["expected"]["inputs"]) == (0, 9)
    path.write_text(json.dumps({"tokens": INPUTS.tolist(), "places": [0], "logits": LOGITS.tolist()}))
    assert verifier("prove", weights, "--expect", path, "-o", output, "--force")[0] == 3
    path.write_text(json.dumps({"tokens": INPUTS[:, :1].tolist(), "places": [0], "logits": LOGITS.tolist()}))
    assert verifier("prove", weights, "--expect", path, "-o", output, "--force")[0] == 3
    path.write_text(json.dumps({"tokens": [], "places": [1], "logits": []}))
    assert verifier("prove", weights, "--expect", path, "-o", output, "--force")[0] == 3


def test_a_proof_that_mpmath_has_not_checked_says_so(
    weights: Path, verifier: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    output = weights.parent / "proof"
    assert verifier("prove", weights, "-o", output)[1]["unchecked"] is None
    monkeypatch.setattr("verifier.proving.LIMITS", replace(LIMITS, reference_operations=1 << 4))
    code, found = verifier("prove", weights, "-o", output, "--force")
    assert (code, found["checked_with"]) == (0, ["fast"])
    assert found["unchecked"] == f"{found['operations']} operations, and `prove` lets it do at most 2^4"
    assert main(["prove", str(weights), "-o", str(output), "--force"]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("not checked with mpmath: ")
    assert main(last.partition("`verifier ")[2].strip("`").split()) == 0


def test_files_are_kept_unless_forced_before_any_work(weights: Path, verifier: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    output = weights.parent / "proof"
    assert verifier("prove", weights, "-o", output)[0] == 0
    before = {path.name: path.read_bytes() for path in output.iterdir()}

    def never(*arguments: object, **more: object) -> None:
        raise AssertionError("work before the check of outputs")

    monkeypatch.setattr("verifier.commands.prove.read_target", never)
    monkeypatch.setattr("verifier.commands.prove.prove", never)
    assert verifier("prove", weights, "-o", output)[0] == 3
    assert {path.name: path.read_bytes() for path in output.iterdir()} == before


def test_weights_without_a_program_need_one(tmp_path: Path, verifier: Callable[..., Any]) -> None:
    model = random_model(2, v=3, n=2)
    path = tmp_path / "bare.safetensors"
    path.write_bytes(safetensors(model.tensors()))
    code, found = verifier("prove", path, "-o", tmp_path / "proof")
    assert (code, found["reason"]["code"]) == (3, "no-network")
    assert verifier("prove", path, "--network", "attention-only-1", "-o", tmp_path / "proof")[1]["reason"]["code"] == "unknown-task"


def test_strategies_about_the_maximum_go_on_for_attention_only(tmp_path: Path, verifier: Callable[..., Any]) -> None:
    model = random_model(2, v=3, n=2)
    path = tmp_path / "bare.safetensors"
    path.write_bytes(safetensors(model.tensors()))
    named = ("--network", "attention-only-1", "--task", "max")
    exact = proved(verifier, path, *named, "--strategy", "brute-force")
    assert proved(verifier, path, *named, "--strategy", "every-input")["certified"] == exact["certified"]
    assert proved(verifier, path, *named)["strategy"] == "exact"  # of few inputs
    assert prove(model.data, STRATEGIES["brute-force"], file="FILE").proved == Fraction(exact["proved"])
    assert verifier("prove", path, "--network", "attention-only-1", "--task", "min", "--strategy", "cubic", "-o", tmp_path / "x")[0] == 3


def target(task: Any = TASK, metric: str = "accuracy", **more: Any) -> Target:
    found = find_network(None, with_network(DATA, PROGRAM, {"task": task}), file="FILE")
    asked = find_task(None, found)
    return Target(found.network, make_subject(found.network, asked.task), *read_metric(metric), asked.labels, **more)


def test_a_strategy_says_what_it_is_for() -> None:
    fitting = [name for name in (*STRATEGIES, *NETWORK_STRATEGIES) if not find_strategy(name).misfit(target())]
    assert fitting == ["every-input", "cells", *(f"cells-{leaves}" for leaves in BUDGETS)]
    assert choose_strategy(target()).name == "every-input"
    assert set(DEFAULTS) <= {*STRATEGIES, *NETWORK_STRATEGIES}
    wide = {"name": "max", "positions": 16}  # 3^16 inputs are too many to walk through
    assert choose_strategy(target(wide)).name == "cells"
    with pytest.raises(Usage):
        choose_strategy(target(wide, "cross_entropy"))


def test_many_inputs_of_the_largest_token_are_not_listed() -> None:
    data = (MODELS / "max-of-4.safetensors").read_bytes()
    found = find_network(None, data, file="FILE")
    whole = Target(found.network, make_subject(found.network, find_task(None, found).task))
    assert choose_strategy(whole).name == "subcubic"
    assert choose_strategy(replace(whole, relation="<=")).name == "exact"
    assert [one.name for one in usual_strategies(replace(whole, relation="<="))][:2] == ["exact", "two-sided"]


def test_every_word_of_metric_is_read() -> None:
    assert [read_metric(word.replace("K", "2"))[:2] for word in METRIC_WORDS] == [
        ("accuracy", ">="),
        ("accuracy", "<="),
        ("cross_entropy", "<="),
        ("worst_class", ">="),
        ("answered", "<="),
        ("answered", "<="),
    ]
    assert [read_metric(word)[2:] for word in ("never=2", "answered=2")] == [(2, 0), (2, None)]
