"""`--strategy FILE.py:FUNCTION`: run elsewhere, believed nowhere."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from verifier.cli import main

ROOT = Path(__file__).parent.parent
TINY = ROOT / "certificates" / "models" / "tiny.safetensors"
FAILS = {  # source -> a word of the message, and the exit code
    "": ("has no attribute 'steps'", 3),
    "def steps(target):\n    return 1 / 0\n": ("ZeroDivisionError", 3),
    "def steps(target):\n    return 'PROVED'\n": ("a list of steps", 3),
    "def steps(target):\n    return [float('nan')]\n": ("a list of steps", 3),
    "def steps(target):\n    return [object()]\n": ("TypeError", 3),
    "import os\ndef steps(target):\n    os._exit(0)\n": ("ended with 0", 3),
    "import os, sys\ndef steps(target):\n    open(sys.argv[-1] + '/steps.json', 'wb').write(b'\\xff')\n    os._exit(0)\n": ("no JSON", 3),
    "import os, sys\ndef steps(target):\n    open(sys.argv[-1] + '/failure.txt', 'wb').write(b'\\xff' * 999)\n    os._exit(1)\n": (
        "...",
        3,
    ),
    "def steps(target):\n    return [{'id': 'x', 'rule': 'accuracy', 'hints': {'n': float('nan')}}]\n": ("verifier: ", 3),
    "no program at all": ("SyntaxError", 3),
    "def steps(target):\n    return []\n": ("no-bound", 1),
    "def steps(target):\n    return [{'id': 'bound', 'rule': 'accuracy'}]\n": ("no-premises", 1),
    "def steps(target):\n    return [{'id': 'bound', 'rule': 'trust_me'}]\n": ("unknown-word", 3),
}
EVERY = """
def steps(target):
    print("noise on standard output")
    return [
        {"id": "every", "rule": "every_input", "hints": {"measure": "answers"}},
        {"id": "bound", "rule": "accuracy", "premises": {"counts": ["every"]}},
    ]
"""
HOSTILE = """
import verifier.kernel.verdict as verdict
from verifier.kernel.metrics import Claim
Claim.follows_from = lambda self, value: True
verdict.EXIT_CODES["REJECTED"] = 0
verdict.Verdict.word = "PROVED"

def steps(target):
    return [{"id": "bound", "rule": "accuracy"}]
"""


def prove(tmp_path: Path, source: str, *options: str) -> int:
    path = tmp_path / "mine.py"
    path.write_text(source)
    return main(["prove", str(TINY), "--strategy", f"{path}:steps", "-o", str(tmp_path / "proof"), *options])


def test_a_right_one_proves(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert prove(tmp_path, EVERY, "--json") == 0
    assert json.loads(capfd.readouterr().out)["verdict"] == "PROVED"


@pytest.mark.parametrize("source", FAILS)
def test_a_wrong_one_is_one_sentence(source: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    word, code = FAILS[source]
    assert prove(tmp_path, source) == code
    shown = capfd.readouterr()
    assert shown.out == ""
    assert word in shown.err
    assert not (tmp_path / "proof").exists()


def test_a_hostile_one_says_nothing_on_standard_output(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Attack: the word that scripts look for, written past Python's own standard output."""
    source = "import os\nos.write(1, b'PROVED accuracy >= 1')\ndef steps(target):\n    os.system('echo PROVED')\n    return []\n"
    assert prove(tmp_path, source) == 1
    assert capfd.readouterr().out == ""


def test_a_hostile_one_does_not_reach_the_checker(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Attack: a strategy that changes the kernel in memory so that everything is proved."""
    assert prove(tmp_path, HOSTILE) == 1
    assert "no-premises" in capfd.readouterr().err


@pytest.mark.parametrize("word", ["nowhere.py:steps", "{here}:not a name", "{here}:"])
def test_words_that_name_no_function_are_refused_before_any_work(word: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.py").write_text(EVERY)
    word = word.format(here=tmp_path / "mine.py")
    assert main(["prove", str(tmp_path / "no-such-model"), "--strategy", word, "-o", str(tmp_path / "proof")]) == 3
    assert "mine.py" in capsys.readouterr().err or word.startswith("nowhere")


def test_no_file_of_the_folder_at_hand_is_taken_for_a_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('hijacked')")
    monkeypatch.chdir(tmp_path)
    assert prove(tmp_path, EVERY) == 0
    capfd.readouterr()


def test_labels_and_metrics_reach_it(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    source = """
def steps(target):
    assert target.metric == "cross_entropy" and target.relation == "<=" and target.bound is None
    assert target.subject.scope.ranges[0] == (0, 3)
    return [
        {"id": "every", "rule": "every_input", "hints": {"measure": "loss"}},
        {"id": "bound", "rule": "mean_loss", "premises": {"losses": "every"}},
    ]
"""
    assert prove(tmp_path, source, "--metric", "cross_entropy", "--scope", "0..3") == 0
    capfd.readouterr()
