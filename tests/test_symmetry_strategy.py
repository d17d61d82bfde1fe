"""The search for symmetric sketches: what it finds, what it is not for, and `prove` from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.groups import GROUPS, LOOP, cyclic, margins, symmetric_network, two_tokens
from verifier import cli
from verifier.strategies.groups import FiniteGroup


def write(case: object, folder: Path) -> list[str]:
    """The files of a case, and the arguments that name them."""
    model, network, task = folder / "model.safetensors", folder / "network.json", folder / "task.json"
    model.write_bytes(case.data)  # type: ignore[attr-defined]
    network.write_text(json.dumps({"network": case.program, "tasks": {"product": case.task}}))  # type: ignore[attr-defined]
    task.write_text(json.dumps(case.task))  # type: ignore[attr-defined]
    return [str(model), "--network", str(network), "--task", "product", "--strategy", "symmetry", "-o", str(folder / "proof"), "--json"]


@pytest.mark.parametrize("name", GROUPS)
def test_groups_are_known_by_their_tables(name: str) -> None:
    group = FiniteGroup.of(np.array(GROUPS[name]))
    assert group is not None
    assert group.closure(group.generators) == frozenset(range(group.order))
    assert all(group.table[g, group.inverses[g]] == group.identity for g in range(group.order))
    sub = group.closure([1])
    assert len(sub) * (group.cosets(sub, right=True).max() + 1) == group.order


def test_what_is_no_latin_square_is_no_group() -> None:
    assert FiniteGroup.of(np.array([[0, 1], [1, 1]])) is None
    assert FiniteGroup.of(np.array([[1, 0], [0, 0]])) is None


def test_prove_finds_the_sketch_and_checks_it_twice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = symmetric_network(GROUPS["S3"], np.random.default_rng(1), 1e-4)
    assert cli.main(["prove", *write(case, tmp_path)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["verdict"], found["certified"]) == ("PROVED", (margins(case) > 0).sum())
    assert found["checked_with"] == ["fast", "mpmath"]
    papers = [str(tmp_path / "proof" / name) for name in ("statement.json", "certificate.json")]
    assert cli.main(["check", *papers, str(tmp_path / "model.safetensors"), "--json"]) == 0
    capsys.readouterr()
    foreign = tmp_path / "foreign.safetensors"
    foreign.write_bytes(symmetric_network(GROUPS["S3"], np.random.default_rng(2), 1e-4).data)
    assert cli.main(["check", *papers, str(foreign), "--json"]) == 3
    assert json.loads(capsys.readouterr().out)["reason"]["code"] == "model-digest"


def test_the_search_proves_nothing_false_of_a_table_that_is_no_groups(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The search does not ask whether a Latin square is associative; the kernel does, in its way."""
    case = two_tokens(LOOP, *(np.eye(5) for _ in range(3)), np.zeros(5))
    assert cli.main(["prove", *write(case, tmp_path)]) == 1
    assert "no-symmetry" in "".join(capsys.readouterr())
    assert not (tmp_path / "proof").exists()


def test_other_metrics_and_tasks_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = two_tokens(cyclic(5), *(np.eye(5) for _ in range(3)), np.zeros(5))
    assert cli.main(["prove", *write(case, tmp_path), "--metric", "never=0"]) == 3
    assert "symmetry proves" in capsys.readouterr().out
    case.task.update({"table": [[0] * 5] * 5})
    assert cli.main(["prove", *write(case, tmp_path)]) == 3
    assert "in none" in capsys.readouterr().out


def test_a_layer_without_a_live_neuron_is_evaluated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = two_tokens(cyclic(3), np.zeros((3, 2)), np.zeros((3, 2)), np.zeros((2, 3)), np.array([1.0, 0.0, 0.0]))
    assert cli.main(["prove", *write(case, tmp_path)]) == 0
    assert json.loads(capsys.readouterr().out)["proved"] == "1/3"
