"""What a person meets first: an empty call, a slip of the pen, files in the wrong order, a bound that says nothing, waiting."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tomllib
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from tests.networks import small_network
from verifier import proving
from verifier.cli import COMMANDS, main
from verifier.kernel.limits import LIMITS
from verifier.kernel.metrics import METRICS, Claim
from verifier.networks.finding import with_network
from verifier.system.version import DISTRIBUTION
from verifier.vacuity import vacuous

ROOT = Path(__file__).parent.parent
CERTIFICATES = ROOT / "certificates"
TINY, IMPERFECT = (CERTIFICATES / "models" / f"{name}.safetensors" for name in ("tiny", "imperfect"))
CASE = CERTIFICATES / "accepted" / "imperfect-cubic"
RUN = "import sys; from verifier.cli import main; sys.exit(main(sys.argv[1:]))"


def test_an_empty_call_shows_help_and_is_no_yes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 3
    shown = capsys.readouterr()
    assert all(name in shown.out for name in COMMANDS)
    assert shown.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["prvoe"], "prove"),
        (["Check"], "check"),
        (["prove", str(TINY), "--strategy", "sub-cubic", "-o", "x"], "subcubic"),
        (["prove", str(TINY), "--network", "attention-only", "-o", "x"], "attention-only-1"),
        (["prove", str(TINY), "--task", "maxx", "-o", "x"], "max"),
        (["prove", str(TINY), "--metric", "acuracy", "-o", "x"], "accuracy"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value)[-30:],
)
def test_a_slip_of_the_pen_is_met_with_a_suggestion(arguments: list[str], meant: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 3
    assert f"did you mean {meant}?" in capsys.readouterr().err


def test_a_word_like_no_other_gets_no_suggestion(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["xyzzy"]) == 3
    assert "did you mean" not in capsys.readouterr().err


@pytest.mark.parametrize("command", ["check", "report"])
@pytest.mark.parametrize("order", [(1, 0, 2), (2, 1, 0), (1, 2, 0), (0, 2, 1)], ids=str)
def test_files_in_another_order_are_named_in_the_right_one(
    command: str, order: tuple[int, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [str(CASE / "statement.json"), str(CASE / "certificate.json"), str(IMPERFECT)]
    further = ["-o", str(tmp_path / "page.html")] if command == "report" else []
    assert main([command, *(paths[index] for index in order), *further]) == 3
    assert " ".join(paths) in capsys.readouterr().err


def test_a_required_bound_that_is_not_met_is_in_the_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["prove", str(IMPERFECT), "--strategy", "cubic", "-o", str(tmp_path), "--json", "--force", "--require"]
    assert main([*arguments, "0.99"]) == 1
    assert json.loads(capsys.readouterr().out)["required_met"] is False
    assert main([*arguments, "0.1"]) == 0
    assert json.loads(capsys.readouterr().out)["required_met"] is True
    assert main(arguments[:-1]) == 0
    assert json.loads(capsys.readouterr().out)["required_met"] is None


@pytest.mark.parametrize("metric", METRICS)
def test_bounds_that_hold_for_every_network_are_known(metric: str) -> None:
    output = 1 if metric == "answered" else None
    for relation in METRICS[metric]:
        claim = Claim(metric, relation, Fraction(0), output)
        empty = {bound for bound in (Fraction(0), Fraction(1, 2), Fraction(1)) if vacuous(claim, bound)}
        expected = {Fraction(0)} if relation == ">=" else {Fraction(1)}
        assert empty == (set() if metric == "cross_entropy" else expected)


def test_a_bound_that_says_nothing_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["prove", str(IMPERFECT), "--metric", "accuracy-upper", "--strategy", "cubic", "-o", str(tmp_path)]
    assert main(arguments) == 0
    assert "holds for every network" in capsys.readouterr().out
    assert main([*arguments, "--force", "--json"]) == 0
    assert "holds for every network" in json.loads(capsys.readouterr().out)["vacuous"]
    case = CERTIFICATES / "accepted" / "claim-nothing"
    model = case / json.loads((case / "expected.json").read_text())["model"]
    assert main(["check", str(case / "statement.json"), str(case / "certificate.json"), str(model)]) == 0
    assert "the claim is empty" in capsys.readouterr().out


def test_the_usual_strategy_knows_upper_bounds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prove", str(IMPERFECT), "--metric", "accuracy-upper", "-o", str(tmp_path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["strategy"], found["vacuous"]) == ("exact", None)


@pytest.mark.parametrize("place", ["file/below/it", "file"])
def test_a_place_that_cannot_be_written_is_refused_before_the_work(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setattr("verifier.commands.prove.prove", lambda *_, **__: pytest.fail("work was done"))
    assert main(["prove", str(TINY), "-o", str(tmp_path / place)]) == 3
    assert "cannot-write" in capsys.readouterr().err


def test_a_proof_too_long_to_be_checked_is_refused_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program, data = small_network()
    (tmp_path / "weights").write_bytes(with_network(data, program, {"max": {"name": "max", "positions": 9}}))
    monkeypatch.setattr(proving, "LIMITS", replace(LIMITS, fast_operations=1 << 12))
    arguments = ["prove", str(tmp_path / "weights"), "--strategy", "every-input", "-o", str(tmp_path / "proof")]
    assert main(arguments) == 3
    assert "too-long" in capsys.readouterr().err
    assert not (tmp_path / "proof").exists()


def processor_seconds(*arguments: str) -> tuple[float, set[str]]:
    """Of a call of the command line, start of Python included; and the packages that it imported."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    shown = "print(*{name.split('.')[0] for name in sys.modules}, file=sys.stderr)"
    code = RUN.replace("sys.exit(main(sys.argv[1:]))", f"main(sys.argv[1:]); {shown}")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", code, *arguments], env=environment, capture_output=True, text=True, timeout=120)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, set(done.stderr.split())


@pytest.mark.parametrize(
    ("arguments", "most"),
    [(["models", "--json"], 0.3), (["strategies", "--json"], 1.0), (["prove", str(TINY), "--json", "-o"], 1.0)],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_small_things_are_quick_and_need_no_torch(arguments: list[str], most: float, tmp_path: Path) -> None:
    """Seconds of the processor, three times the goal: the machine may be slower than the one they were set on."""
    seconds, packages = processor_seconds(*arguments, *([str(tmp_path / "proof")] if arguments[-1] == "-o" else []))
    assert "verifier" in packages
    assert "torch" not in packages
    assert seconds < 3 * most


def test_the_distribution_has_a_name_of_its_own() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["name"] == DISTRIBUTION != "verifier"
    assert project["scripts"] == {"verifier": "verifier.cli:main"}
    own = [word for words in project["optional-dependencies"].values() for word in words if word.startswith("verifier")]
    assert own
    assert all(word.startswith(f"{DISTRIBUTION}[") for word in own)
