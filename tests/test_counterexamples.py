"""`verifier counterexamples`: groups left open have exact sizes, what is called wrong is wrong, nothing is found where all is right."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from verifier import cli

CORPUS = Path(__file__).parent.parent / "certificates"
VALUES = (0, 1, -1)  # of the corpus's signs


def run(case: Path, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, Any]:
    """Exit code, and the object printed."""
    code = cli.main(
        ["counterexamples", *(str(case / name) for name in ("statement.json", "certificate.json", "model.safetensors")), "--json", *more]
    )
    out = capsys.readouterr().out
    return code, json.loads(out) if out else None


def test_nothing_is_left_of_a_proof_of_everything(capsys: pytest.CaptureFixture[str]) -> None:
    code, found = run(CORPUS / "accepted" / "slots-signs", capsys)
    assert (code, found["groups"], found["searched"]) == (0, 0, [])


def test_what_is_called_wrong_is_wrong_and_groups_have_exact_sizes(capsys: pytest.CaptureFixture[str]) -> None:
    """Positive sums are answered wrongly there, and other sums rightly."""
    code, found = run(CORPUS / "rejected" / "slots-range-that-does-not-hold", capsys)
    assert code == 0
    assert found["searched"]
    for group in found["searched"]:
        low, high = group["score"]
        inside = [
            tokens
            for tokens in product(*(range(first, last + 1) for first, last in group["tokens"]))
            if low <= sum(VALUES[token] for token in tokens[: group["read"] + 1]) <= high
        ]
        assert group["inputs"] == len(inside) >= group["lost"]
        for one in group["wrong"]:
            assert tuple(one["tokens"]) in inside
            sums = [sum(VALUES[token] for token in one["tokens"][: place + 1]) for place in range(3)]
            assert one["right"] == [1 + (total > 0) - (total < 0) for total in sums]
            assert one["answers"] != one["right"]
            assert sums[group["read"]] > 0
    assert any(group["wrong"] for group in found["searched"])


def test_right_inputs_that_a_proof_gives_up_are_not_called_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    code, found = run(CORPUS / "rejected" / "slots-multipliers-of-nothing", capsys, "--tries", "200")
    assert code == 0
    assert found["groups"] > 0
    assert not any(group["wrong"] for group in found["searched"])
    assert all(group["tried"] >= 200 for group in found["searched"])


def test_other_rules_leave_the_whole_scope(capsys: pytest.CaptureFixture[str]) -> None:
    case = next(path.parent for path in sorted(CORPUS.glob("accepted/*/certificate.json")) if '"every_input"' in path.read_text())
    code, found = run(case, capsys)
    assert code == 0
    assert found["groups"] <= 1


def test_a_rejected_certificate_is_no_basis(capsys: pytest.CaptureFixture[str]) -> None:
    code, found = run(CORPUS / "rejected" / "slots-read-left-out", capsys)
    assert (code, found["verdict"]) == (1, "REJECTED")


def test_empty_and_foreign_files_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = CORPUS / "accepted" / "slots-signs"
    (tmp_path / "empty").write_bytes(b"")
    other = CORPUS / "accepted" / "slots-listed"
    for statement, certificate, model in (
        (tmp_path / "empty", case / "certificate.json", case / "model.safetensors"),
        (case / "statement.json", other / "certificate.json", case / "model.safetensors"),
        (case / "statement.json", case / "certificate.json", other / "model.safetensors"),
    ):
        assert cli.main(["counterexamples", str(statement), str(certificate), str(model)]) == 3
        assert capsys.readouterr().err.count("\n") == 1
