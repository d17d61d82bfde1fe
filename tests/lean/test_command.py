"""`verifier lean export`: what can be exported is, what cannot is refused in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from verifier.cli import main

MODEL = "certificates/models/tiny.safetensors"


def proved(strategy: str, folder: Path) -> list[str]:
    assert main(["prove", MODEL, "--strategy", strategy, "-o", str(folder)]) == 0
    return [str(folder / "statement.json"), str(folder / "certificate.json"), MODEL]


def test_a_decoupled_certificate_is_exported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = proved("subcubic", tmp_path / "proof")
    capsys.readouterr()
    assert main(["lean", "export", *files, "-o", str(tmp_path / "lean"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["certified"] == 512
    assert "check_sound" in (tmp_path / "lean" / "Exported.lean").read_text()


def test_an_exported_folder_is_not_overwritten(tmp_path: Path) -> None:
    files = proved("subcubic", tmp_path / "proof")
    assert main(["lean", "export", *files, "-o", str(tmp_path / "lean")]) == 0
    assert main(["lean", "export", *files, "-o", str(tmp_path / "lean")]) == 3


def test_a_certificate_of_another_family_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = proved("cubic", tmp_path / "proof")
    assert main(["lean", "export", *files, "-o", str(tmp_path / "lean")]) == 3
    assert "not-exportable" in capsys.readouterr().err


def test_evaluation_needs_a_folder() -> None:
    assert main(["lean", "check", "--evaluate"]) == 3
