"""The tutorial's commands do what it says, in the order in which it gives them."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest

from verifier.cli import main

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
COMMAND = re.compile(r"^    verifier (.+?)(?:  # exit (\d))?$", re.MULTILINE)


def test_the_tutorial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for folder in ("certificates/models", "docs/tutorial"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    monkeypatch.chdir(tmp_path)
    said = []
    for words, code in COMMAND.findall(TEXT):
        assert main(shlex.split(words)) == int(code or 0), words
        said.append(capsys.readouterr().out)
    everything = "\n".join(said)
    assert len(said) >= 9
    for words in ("0.876300", "8763 of 10000 inputs; exact", "accuracy >= 0.262900", "INCOMPLETE", "REFUTED abstract", "PROVED main table"):
        assert words in everything, words
    assert (tmp_path / "demo-output/exact/report.html").is_file()


def test_numbers_that_the_tutorial_quotes_are_in_it() -> None:
    assert {"8,763", "0.2629", "0.8763", "0.88"} <= set(re.findall(r"\d[\d,.]*\d", TEXT))
