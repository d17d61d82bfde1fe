"""Every example runs, and says what it is there to say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from verifier.cli import main

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"
SAYS = {
    "certify_my_model.py": "PROVED accuracy >= 0.876300",
    "check_a_certificate.py": "verdict: PROVED",
    "certificate_by_hand.py": "verifier check",
    "audit_a_table.py": "REFUTED as rounded in the abstract",
    "my_strategy.py": "",
}


def test_every_example_is_here_and_in_the_readme() -> None:
    assert {path.name for path in EXAMPLES.glob("*.py")} == set(SAYS)
    text = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in text for name in SAYS)


@pytest.mark.parametrize("name", SAYS)
def test_an_example_runs(name: str, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, EXAMPLES / name], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stderr) == (0, "")
    assert SAYS[name] in done.stdout


def test_the_certificate_by_hand_is_proved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    source = (EXAMPLES / "certificate_by_hand.py").read_text(encoding="utf-8")
    assert "verifier" not in {line.split()[1].split(".")[0] for line in source.splitlines() if line.startswith(("import", "from"))}
    exec(compile(source, str(EXAMPLES / "certificate_by_hand.py"), "exec"), {"__name__": "__main__", "__file__": EXAMPLES / "x.py"})
    place = tmp_path / "demo-output" / "by-hand"
    model = ROOT / "certificates" / "models" / "tiny.safetensors"
    capsys.readouterr()
    assert main(["check", str(place / "statement.json"), str(place / "certificate.json"), str(model)]) == 0


def test_the_notebook_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Its cells, one after another, as a notebook's kernel does."""
    monkeypatch.chdir(ROOT)
    cells = json.loads((EXAMPLES / "certificates.ipynb").read_text(encoding="utf-8"))["cells"]
    names: dict[str, Any] = {"__name__": "__main__"}
    for cell in cells:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []  # what it prints is made, never kept
            exec(compile("".join(cell["source"]), cell["id"], "exec"), names)
    said = capsys.readouterr().out
    for words in ("accuracy >= 0.8763", "PROVED accuracy", "INCOMPLETE", "model-digest", "1 PROVED"):
        assert words in said


def test_the_strategy_of_the_examples_proves(tmp_path: Path) -> None:
    model = ROOT / "certificates" / "models" / "tiny.safetensors"
    word = f"{EXAMPLES / 'my_strategy.py'}:every_input_twice"
    assert main(["prove", str(model), "--strategy", word, "-o", str(tmp_path)]) == 0
