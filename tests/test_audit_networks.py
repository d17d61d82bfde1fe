"""`verifier audit` of any network: each verdict against the oracle and with evidence that `check` accepts; nothing more is said."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from tests.answers import Known, attending, maximum, signs
from verifier.auditing import networks as auditing
from verifier.cli import main
from verifier.strategies import NETWORK_STRATEGIES

KNOWN, SIGNS = maximum(), signs()
INPUTS = list(product(range(3), repeat=3))
RIGHT = sum(map(KNOWN.right, INPUTS))
Audit = Callable[..., tuple[int, Any]]


@pytest.fixture
def audit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Audit:
    """Audits rows (metric, number, scope) against a network; every certificate is checked again, and proves what the verdict says."""

    def act(rows: list[tuple[str, object, str]], known: Known = KNOWN, *options: object) -> tuple[int, Any]:
        weights, reported, output = known.write(tmp_path / "weights.safetensors"), tmp_path / "reported.csv", tmp_path / "out"
        lines = [f"row {number},{metric},{value},{scope}" for number, (metric, value, scope) in enumerate(rows)]
        reported.write_text("\n".join(["name,metric,reported,scope", *lines]))
        code = main(["audit", str(reported), str(weights), "--json", "-o", str(output), "--force", *map(str, options)])
        shown = capsys.readouterr()
        found = json.loads(shown.out) if shown.out else None
        for row in found["rows"] if code in (0, 1, 2) else []:
            if row["verdict"] != "UNDECIDED":
                assert row["certificate"]
            if row["certificate"]:
                assert main(["check", row["statement"], row["certificate"], str(weights), "--json"]) == 0
                verdict = json.loads(capsys.readouterr().out)
                same = (verdict["claimed"], verdict["relation"]) == (row["reported"], row["relation"])
                assert same == (row["verdict"] == "PROVED")
                if row["verdict"] == "REFUTED":
                    proved, claimed = Fraction(verdict["proved"]), Fraction(row["reported"])
                    assert verdict["relation"] != row["relation"]
                    assert proved < claimed if row["relation"] == ">=" else proved > claimed
        return code, found

    return act


def verdicts(found: Any) -> list[str]:
    return [row["verdict"] for row in found["rows"]]


def test_one_input_decides_an_accuracy_on_both_sides(audit: Audit) -> None:
    rows = [(metric, f"{RIGHT + more}/27", "") for metric in ("accuracy", "accuracy-upper") for more in (-1, 0, 1)]
    code, found = audit(rows)
    assert (code, verdicts(found)) == (1, ["PROVED", "PROVED", "REFUTED", "REFUTED", "PROVED", "PROVED"])
    for row in found["rows"]:
        assert (row["certified_lower"], row["certified_upper"]) == (f"{Fraction(RIGHT, 27)}", f"{Fraction(RIGHT, 27)}")
        assert (row["estimate"]["value"], row["estimate"]["enumerated"]) == (RIGHT / 27, True)
    assert audit([("accuracy", 0, ""), ("accuracy-upper", 1, "")])[0] == 0


def test_wrong_inputs_are_wrong(audit: Audit) -> None:
    code, found = audit([("accuracy", 1, "")], KNOWN, "--counterexamples", 100)
    (row,) = found["rows"]
    assert (code, row["wrong"], len(row["counterexamples"])) == (1, 27 - RIGHT, 27 - RIGHT)
    assert {tuple(one["input"]) for one in row["counterexamples"]} == {one for one in INPUTS if not KNOWN.right(one)}
    for one in row["counterexamples"]:
        tokens = tuple(one["input"])
        assert (one["position"], one["right"], one["answer"]) == (2, max(tokens), KNOWN.given(tokens))
    assert audit([("accuracy", 1, "")], KNOWN, "--counterexamples", 0)[1]["rows"][0]["counterexamples"] == []


def test_several_answers_are_right_together(audit: Audit) -> None:
    right = sum(map(SIGNS.right, INPUTS))
    code, found = audit([("accuracy", f"{right}/27", ""), ("accuracy", f"{right + 1}/27", "")], SIGNS)
    assert (code, verdicts(found)) == (1, ["PROVED", "REFUTED"])
    for one in found["rows"][1]["counterexamples"]:
        tokens = tuple(one["input"])
        assert not SIGNS.right_at(tokens)[one["position"]]
        assert SIGNS.answers(tokens)[one["position"]] == one["right"] != one["answer"]
    assert audit([("cross_entropy", 1, "")], SIGNS)[0] == 3  # of one answer alone


def test_other_metrics_are_proved_or_undecided_and_never_refuted(audit: Audit) -> None:
    loss = math.fsum(map(KNOWN.loss, INPUTS)) / 27
    classes = [[one for one in INPUTS if max(one) == label] for label in range(3)]
    worst = min(Fraction(sum(map(KNOWN.right, inputs)), len(inputs)) for inputs in classes)
    given = Fraction(sum(KNOWN.given(one) == 2 for one in INPUTS), 27)
    rows = [
        ("cross_entropy", f"{loss * 1.000001:.12f}", ""),
        ("cross_entropy", f"{loss * 0.999999:.12f}", ""),
        ("worst_class", worst, ""),
        ("worst_class", worst + Fraction(1, 10**6), ""),
        ("answered=2", given, ""),
        ("answered=2", given - Fraction(1, 10**6), ""),
        ("never=2", 0, ""),
    ]
    code, found = audit(rows)
    assert code == 2
    assert verdicts(found) == ["PROVED", "UNDECIDED"] * 3 + ["UNDECIDED"]
    assert all("ever refuted" in row["reason"] for row in found["rows"] if row["verdict"] == "UNDECIDED")
    assert found["rows"][1]["certified_lower"] == "0/1"
    assert found["rows"][1]["estimate"]["value"] == pytest.approx(loss)


def test_an_answer_that_is_never_given_is_proved(audit: Audit) -> None:
    known = maximum(2)  # which answers 0 to everything
    assert all(known.given(one) == 0 for one in INPUTS)
    code, found = audit([("never=1", 0, ""), ("never=0", 0, "")], known)
    assert (code, verdicts(found)) == (2, ["PROVED", "UNDECIDED"])


def test_scopes_are_of_the_row_else_of_the_options(audit: Audit, tmp_path: Path) -> None:
    small = [one for one in INPUTS if max(one) < 2]
    ordered = [one for one in INPUTS if one[0] < one[1]]
    right = {name: Fraction(sum(map(KNOWN.right, inputs)), len(inputs)) for name, inputs in (("small", small), ("ordered", ordered))}
    path = tmp_path / "scope.json"
    path.write_text(json.dumps({"tokens": [[0, 2]] * 3, "conditions": [{"less": [0, 1]}]}))
    code, found = audit([("accuracy", right["small"], "0..1"), ("accuracy", right["ordered"], "")], KNOWN, "--scope-file", path)
    assert (code, [row["total"] for row in found["rows"]]) == (0, [8, 9])
    code, found = audit([("accuracy", right["small"] + Fraction(1, 100), "")], KNOWN, "--scope", "0..1")
    assert (code, verdicts(found)) == (1, ["REFUTED"])


def test_large_scopes_are_cut_into_boxes_first(audit: Audit, monkeypatch: pytest.MonkeyPatch) -> None:
    """And a stage that fails is a remark."""
    monkeypatch.setattr(auditing, "SMALL", 8)
    code, found = audit([("accuracy", f"{RIGHT}/27", "")])
    assert (code, found["rows"][0]["method"]) == (0, "cells-1024")

    def broken(*_: Any) -> list[Any]:
        return []

    names = ("cells-1024", "cells", "cells-32768", "every-input")
    other = {name: NETWORK_STRATEGIES[name].__class__(name, "", "", broken, NETWORK_STRATEGIES[name].misfit) for name in names}
    monkeypatch.setattr(auditing, "NETWORK_STRATEGIES", {**NETWORK_STRATEGIES, **other})
    code, found = audit([("accuracy", f"{RIGHT}/27", ""), ("accuracy", 0, ""), ("accuracy-upper", 1, "")])
    assert (code, verdicts(found)) == (2, ["UNDECIDED"] * 3)  # 0 is true, and no certificate says so
    assert all("no-bound" in row["reason"] and row["certificate"] is None for row in found["rows"])


def test_what_no_strategy_is_for_is_undecided(audit: Audit) -> None:
    """3^16 inputs are too many to walk through, and boxes have no loss."""
    known = maximum(64, positions=16)
    code, found = audit([("cross_entropy", 1, "")], known, "--samples", 100)
    assert (code, verdicts(found)) == (2, ["UNDECIDED"])
    (row,) = found["rows"]
    assert (row["certificate"], row["certified_upper"], row["total"]) == (None, None, 3**16)
    assert "walks through at most" in row["reason"]
    assert row["estimate"]["samples"] == 100


def test_the_certificates_are_of_the_network_that_was_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Foreign: the evidence about one network says nothing of another; doctored: a program with another activation is another network."""
    mine = KNOWN.write(tmp_path / "mine.safetensors")
    other = Known(attending(7), KNOWN.task, KNOWN.answers, KNOWN.reads).write(tmp_path / "other.safetensors")
    rows, out = tmp_path / "rows.csv", tmp_path / "out"
    rows.write_text(f"name,metric,reported\na,accuracy,{RIGHT}/27\n")
    assert main(["audit", str(rows), str(mine), "-o", str(out), "--json"]) == 0
    row = json.loads(capsys.readouterr().out)["rows"][0]
    assert main(["check", row["statement"], row["certificate"], str(other)]) == 3
    nodes = [node | ({"op": "square"} if node["op"] == "relu" else {}) for node in KNOWN.net.program["nodes"]]
    program = KNOWN.net.program | {"nodes": nodes}
    path = tmp_path / "doctored.json"
    path.write_text(json.dumps({"network": program, "tasks": {"max": KNOWN.task}}))
    main(["audit", str(rows), str(mine), "--network", str(path), "-o", str(tmp_path / "doctored"), "--json"])
    doctored = json.loads(capsys.readouterr().out)["rows"][0]
    assert main(["check", row["statement"], doctored["certificate"], str(mine)]) == 3  # the subject is another


@pytest.mark.parametrize(
    ("rows", "options", "code"),
    [
        ([], (), "no-rows"),
        ([("accuracy", "0.5", "")], ("--task", "min"), "unknown-task"),
        ([("accuracy", "0.5", "")], ("--network", "nothing"), "unknown-network"),
        ([("accuracy", "0.5", "")], ("--scope", "0..3"), "bad-scope"),
        ([("accuracy", "0.5", "0..3")], (), "bad-scope"),
        ([("accuracy", "0.5", "0..1 0..1")], (), "bad-scope"),
        ([("accuracy", "0.5", "")], ("--reproduce", "published"), "strategy-misfit"),
        ([("answered", "0.5", "")], (), "unknown-metric"),
        ([("answered=3", "0.5", "")], (), "metric-misfit"),
        ([("never=0", "0.5", "")], (), "out-of-range"),
        ([("worst_class", "1.5", "")], (), "out-of-range"),
    ],
)
def test_what_cannot_be_asked_is_refused_before_any_work(
    rows: list[tuple[str, object, str]], options: tuple[str, ...], code: str, audit: Audit, tmp_path: Path
) -> None:
    got, found = audit(rows, KNOWN, *options)
    assert (got, found["reason"]["code"]) == (3, code)
    assert not (tmp_path / "out").exists()


def test_labels_that_are_not_those_of_the_table_are_bad_input(audit: Audit, tmp_path: Path) -> None:
    given, path = [KNOWN.given(one) for one in INPUTS], tmp_path / "table.json"
    for labels, code in ((given, 0), (given[:-1], 3), ([3] * 27, 3)):
        path.write_text(json.dumps({"name": "table", "positions": 3, "sizes": [3, 3, 3], "labels": labels}))
        assert audit([("accuracy", 1, "")], KNOWN, "--task", path)[0] == code


def test_people_are_told_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, rows = KNOWN.write(tmp_path / "weights.safetensors"), tmp_path / "rows.csv"
    rows.write_text("name,metric,reported\nmain table,accuracy,0.9\nloss,cross_entropy,0.001\n")
    assert main(["audit", str(rows), str(path), "--counterexamples", "1"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("REFUTED main table: accuracy >= 0.9 reported, 0.518518... to 0.518519... certified")
    assert any(line.startswith("  wrong: ") for line in lines)
    assert any(line.startswith("UNDECIDED loss: cross_entropy <= 0.001 reported, ") for line in lines)
    assert sum("which proves nothing" in line for line in lines) == 2
