"""The strategies `bag` and `cells`: what they prove against a count in floats, what they are not for, and which is chosen."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.networks import small_network
from tests.programs import bag, safetensors
from verifier.cli import main
from verifier.kernel.errors import Usage
from verifier.kernel.limits import LIMITS
from verifier.kernel.rules.evaluation.cells import LEAF, boxes_of
from verifier.networks.finding import find_network, find_task, with_network
from verifier.networks.floats import FloatNetwork, losses, right
from verifier.networks.subjects import make_subject
from verifier.proving import Proof, prove
from verifier.strategies import NETWORK_STRATEGIES, choose_strategy, find_strategy
from verifier.strategies.cells import BUDGETS, cells
from verifier.strategies.steps import statement_bytes
from verifier.strategies.target import Target, read_metric

MAX = {"name": "max", "positions": 2}
TABLE = {"name": "table", "positions": 2, "sizes": [4, 4], "labels": [1, 0, 3, 2, 2, 2, 0, 1, 3, 1, 0, 0, 2, 3, 1, 1]}
SUM = {"name": "modular_sum", "positions": 3, "modulus": 4}


def network(tables: int, seed: int = 3) -> tuple[Any, bytes]:
    """A bag of 4 tokens and 4 outputs."""
    program, weights = bag(random.Random(seed), 4, tables=tables, scale=2.0)
    return program, safetensors(weights)


def asked(program: Any, data: bytes, task: Mapping[str, Any], metric: str = "accuracy") -> tuple[bytes, Target]:
    file = with_network(data, program, {"task": dict(task)})
    found = find_network(None, file, file="FILE")
    one = find_task(None, found)
    return file, Target(found.network, make_subject(found.network, one.task), *read_metric(metric), one.labels)


def measured(target: Target, answers: Mapping[tuple[int, ...], int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of all inputs in scope in float64: the right outputs, whether they are given, the losses."""
    inputs = list(product(*(range(first, last + 1) for first, last in target.subject.scope.ranges)))
    labels = np.array([answers[one] for one in inputs])
    logits = FloatNetwork(target.network).logits(inputs, target.subject.task.layout.reads)
    return labels, right(logits, labels[:, None]), losses(logits[:, 0], labels)


def answers_of(task: Mapping[str, Any]) -> dict[tuple[int, ...], int]:
    """The right answers, without the kernel's tasks."""
    inputs = list(product(range(4), repeat=int(task["positions"])))
    if task["name"] == "table":
        return dict(zip(inputs, task["labels"], strict=True))
    return {one: max(one) if task["name"] == "max" else sum(one) % 4 for one in inputs}


def proof(file: bytes, target: Target, strategy: str | None) -> Proof:
    found = prove(file, None if strategy is None else find_strategy(strategy), file="FILE", target=target)
    assert len(found.verdicts) == 2  # both arithmetics, and `prove` raises where a step is refused
    return found


@pytest.mark.parametrize("task", [MAX, TABLE, SUM])
@pytest.mark.parametrize("tables", [1, 3])
def test_bag_proves_what_is_true_of_every_metric(task: dict[str, Any], tables: int) -> None:
    program, data = network(tables if task is SUM else min(tables, 2))
    for metric in ("accuracy", "accuracy-upper", "worst_class", "cross_entropy"):
        file, target = asked(program, data, task, metric)
        labels, is_right, loss = measured(target, answers_of(task))
        assert 0 < is_right.sum() < len(is_right)
        found = proof(file, target, "bag")
        if metric == "cross_entropy":
            assert loss.mean() <= float(found.proved) <= loss.mean() * (1 + 1e-6)
        elif metric == "worst_class":
            classes = {label: is_right[labels == label] for label in labels}
            assert found.proved == min(Fraction(int(ones.sum()), len(ones)) for ones in classes.values())
        else:
            assert found.proved == Fraction(int(is_right.sum()), len(is_right))


@pytest.mark.parametrize("metric", ["accuracy", "cross_entropy"])
def test_bag_is_chosen_where_it_is_shorter(metric: str) -> None:
    chosen = set()
    for size in (4, 48):
        program, weights = bag(random.Random(size), size, scale=2.0)
        file, target = asked(program, safetensors(weights), MAX, metric)
        assert not find_strategy("bag").misfit(target)
        lengths = {}
        for name in ("bag", "every-input"):
            verdict = prove(file, find_strategy(name), file="FILE", target=target, reference=False).verdicts[0]
            lengths[name] = verdict.context.ledger.operations
        chosen.add(choose_strategy(target).name)
        if size == 48 or metric == "accuracy":
            assert choose_strategy(target).name == min(lengths, key=lambda name: lengths[name])
    assert chosen == {"bag", "every-input"}


def misfit(strategy: str, target: Target) -> str:
    with pytest.raises(Usage):
        prove(b"", find_strategy(strategy), file="FILE", target=target)
    return find_strategy(strategy).misfit(target)


def test_bag_says_what_it_is_not_for() -> None:
    _, target = asked(*network(1), MAX)
    assert not find_strategy("bag").misfit(target)
    assert "real arithmetic" in misfit("bag", replace(target, subject=replace(target.subject, function="float32")))
    assert "not answered" in misfit("bag", replace(target, metric="answered", output=0))
    assert str(LIMITS.enumerated_inputs) in misfit("bag", asked(*network(1), {"name": "max", "positions": 13})[1])
    assert "linear" in misfit("bag", asked(*small_network(), MAX)[1])
    assert choose_strategy(asked(*small_network(), MAX)[1]).name == "every-input"
    assert choose_strategy(replace(target, metric="answered", output=0)).name == "every-input"


@pytest.mark.parametrize("task", [MAX, TABLE, SUM])
@pytest.mark.parametrize("metric", ["accuracy", "accuracy-upper"])
def test_cells_cut_to_the_end_are_exact(task: dict[str, Any], metric: str) -> None:
    file, target = asked(*network(1), task, metric)
    assert proof(file, target, "cells").proved == proof(file, target, "every-input").proved


def splits(steps: list[dict[str, Any]]) -> list[tuple[int, int]]:
    """The rows of the tree that a certificate holds."""
    hint = steps[0]["hints"]["splits"]
    rows = np.frombuffer(base64.b64decode(hint["base64"]), "<i8").reshape(hint["shape"])
    return [(int(slot), int(token)) for slot, token in rows]


def test_cells_keep_to_their_budget_and_prove_more_with_more_leaves() -> None:
    file, target = asked(*network(1), {"name": "max", "positions": 3})
    whole = target.subject.scope.ranges
    proved = []
    for leaves in (1, 2, 8, 64):
        rows = splits(cells(target, leaves))
        assert rows.count(LEAF) <= leaves
        assert len(list(boxes_of(rows, whole))) == rows.count(LEAF)
        limited = replace(NETWORK_STRATEGIES["cells"], steps_for=partial(cells, leaves=leaves))
        proved.append(prove(file, limited, file="FILE", target=target).proved)
    assert proved == sorted(proved)
    assert proved[0] < proved[-1] == proof(file, target, "every-input").proved


def clear(size: int, base: float) -> tuple[Any, bytes]:
    """A bag whose logit of each token is `base` times as great as that of the token before."""
    program, _ = bag(random.Random(1), size)
    rows = [[base ** (row + 1) if column == row else 0.0 for column in range(size)] for row in range(size)]
    return program, safetensors({"E0": rows, "U": np.eye(size).tolist()})


def test_cells_leave_boxes_whole_where_intervals_decide_them() -> None:
    file, target = asked(*clear(6, 4.0), MAX)
    assert splits(cells(target)).count(LEAF) < 6**2
    assert proof(file, target, "cells").proved == 1


def test_cells_reach_scopes_that_are_too_large_to_walk() -> None:
    file, target = asked(*clear(4, 32.0), {"name": "max", "positions": 13})  # 4^13 inputs
    assert "every-input walks" in find_strategy("every-input").misfit(target)
    assert prove(file, find_strategy("cells"), file="FILE", target=target, reference=False).proved == 1


def test_cells_say_what_they_are_not_for() -> None:
    _, target = asked(*network(1), MAX)
    assert "cross_entropy" in misfit("cells", replace(target, metric="cross_entropy", relation="<="))
    assert "worst_class" in misfit("cells", replace(target, metric="worst_class"))
    assert "real arithmetic" in misfit("cells", replace(target, subject=replace(target.subject, function="float32")))


@pytest.mark.parametrize("strategy", ["bag", "cells"])
def test_the_command_line_takes_the_strategy(strategy: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    weights, papers = tmp_path / "weights.safetensors", tmp_path / "proof"
    weights.write_bytes(asked(*network(1), MAX)[0])
    assert main(["prove", str(weights), "--strategy", strategy, "-o", str(papers), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["strategy"], found["undecided"]) == (strategy, 0)
    checked = ["check", str(papers / "statement.json"), str(papers / "certificate.json"), str(weights), "--json"]
    assert main(checked) == 0
    assert json.loads(capsys.readouterr().out)["proved"] == found["proved"]
    statement = json.loads((papers / "statement.json").read_text())
    statement["claim"]["bound"] = "1/1"  # more than is true
    (papers / "statement.json").write_text(json.dumps(statement))
    assert main(checked) == 2
    weights.write_bytes(asked(*network(1, seed=4), MAX)[0])  # other weights
    assert main(checked) == 3


def test_every_strategy_for_networks_is_tested_here() -> None:
    """Or in test_slot_strategies.py and test_symmetry_strategy.py.

    `cells-N` is `cells` with another number of boxes, which a test above varies.
    """
    budgets = {f"cells-{leaves}" for leaves in BUDGETS}
    assert set(NETWORK_STRATEGIES) == {"every-input", "bag", "cells", "slots", "bottleneck", "symmetry"} | budgets
    assert {NETWORK_STRATEGIES[name].steps_for.func for name in budgets} == {NETWORK_STRATEGIES["cells"].steps_for}


def test_a_statement_with_a_table_of_120_elements_is_within_the_limits() -> None:
    table = [[(a + b) % 120 for b in range(120)] for a in range(120)]
    program, weights = bag(random.Random(2), 120, hidden=1)
    file, target = asked(program, safetensors(weights), {"name": "group_product", "positions": 2, "table": table})
    found = prove(file, None, file="FILE", target=target, reference=False)
    assert len(found.statement) < LIMITS.statement_bytes
    assert json.loads(found.statement)["subject"]["task"]["table"] == table
    assert found.verdicts[0].word == "PROVED"


def test_lists_of_numbers_on_one_line_change_nothing_else() -> None:
    _, target = asked(*network(2), MAX)
    program = json.loads(json.dumps(target.subject.network.json))
    program["name"] = "bag"
    written = statement_bytes(prove(*asked(*network(2), MAX)[:1], None, file="FILE", target=target).verdicts[0].statement)
    text = written.decode("ascii")
    assert json.loads(text)["subject"]["network"] == program
    assert '"tokens": [\n    [0,3],\n    [0,3]\n   ]' in text
    assert '"tables": [\n' in text  # lists of words stay as they are
