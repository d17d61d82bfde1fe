"""The command line: exit codes, one-line messages, `--json` on failure, lazy imports, and files written whole."""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from verifier import cli
from verifier.kernel.errors import MalformedInput, StepRejected, Usage
from verifier.system.files import write_atomically

Run = Callable[[Any], int]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Callable[[Run], None]:
    """Installs a function as the subcommand `probe`, which takes `--json`."""

    def install(run: Run) -> None:
        def add_parser(subparsers: Any) -> None:
            parser = subparsers.add_parser("probe")
            parser.add_argument("--json", action="store_true")
            parser.set_defaults(run=run)

        monkeypatch.setitem(cli.COMMANDS, "probe", cli.Command("probe", "", ""))
        monkeypatch.setattr(importlib, "import_module", lambda name: SimpleNamespace(add_parser=add_parser))

    return install


def raising(error: BaseException) -> Run:
    def run(args: Any) -> int:
        raise error

    return run


@pytest.mark.parametrize("code", [0, 1, 2])
def test_a_commands_answer_is_the_exit_code(code: int, command: Callable[[Run], None]) -> None:
    command(lambda args: code)
    assert cli.main(["probe"]) == code


FAILURES = [
    (MalformedInput("some-code", expected="this", got="that", file="f.json", clause="4.1"), 3),
    (StepRejected("some-code", expected="this", got="that"), 1),
    (RuntimeError("a bug\nof two lines"), 70),
    (KeyboardInterrupt(), 130),
]


@pytest.mark.parametrize(("error", "code"), FAILURES)
def test_an_error_becomes_its_exit_code_and_one_line(
    error: BaseException, code: int, command: Callable[[Run], None], capsys: pytest.CaptureFixture[str]
) -> None:
    command(raising(error))
    assert cli.main(["probe"]) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("verifier: ")
    assert shown.err.count("\n") == 1


def test_a_malformed_input_is_also_json_on_stdout(
    command: Callable[[Run], None], capsys: pytest.CaptureFixture[str]
) -> None:
    error = MalformedInput("some-code", expected="this", got="that", file="f.json", clause="4.1")
    command(raising(error))
    assert cli.main(["probe", "--json"]) == 3
    assert json.loads(capsys.readouterr().out) == {
        "verdict": None,
        "reason": {"code": "some-code", "file": "f.json", "clause": "4.1", "expected": "this", "got": "that"},
    }


def test_a_bug_prints_no_json_that_could_be_read_as_a_verdict(
    command: Callable[[Run], None], capsys: pytest.CaptureFixture[str]
) -> None:
    command(raising(RuntimeError("a bug")))
    assert cli.main(["probe", "--json"]) == 70
    assert capsys.readouterr().out == ""


def test_a_traceback_is_shown_on_request(
    command: Callable[[Run], None], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VERIFIER_TRACEBACK", "1")
    command(raising(RuntimeError("a bug")))
    assert cli.main(["probe"]) == 70
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["no-such-command"],
        ["--no-such-option"],
        ["train"],
        ["train", "min-of-k", "-o", "x"],
        ["import", "checkpoint.pt", "-o", "x", "--forc"],  # abbreviations are not a contract
        ["import", "checkpoint.pt"],
    ],
    ids=" ".join,
)
def test_misuse_exits_3_and_never_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(arguments) == 3
    assert capsys.readouterr().err.count("\n") == 1
    assert cli.main([*arguments, "--json"]) == 3
    assert json.loads(capsys.readouterr().out)["reason"]["code"] == "usage"


@pytest.mark.parametrize("arguments", [[], ["train"], ["import"]])
def test_help_shows_examples(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main([*arguments, "--help"])
    assert stop.value.code == 0
    shown = capsys.readouterr().out
    assert all(f"verifier {name}" in shown for name in arguments)
    assert arguments or all(name in shown for name in cli.COMMANDS)


def run_without(*missing: str, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    """`verifier ARGUMENTS` in a process where the packages named are not installed."""
    script = (
        "import sys\n"
        f"sys.modules.update(dict.fromkeys({missing!r}))\n"  # None makes an import fail as if it were not there
        "from verifier.cli import main\n"
        f"sys.exit(main({arguments!r}))\n"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent)}
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=False)


@pytest.mark.parametrize("package", ["torch", "safetensors"])
def test_a_missing_extra_says_what_to_install(package: str) -> None:
    done = run_without(package, arguments=["train", "max-of-k", "-o", "x"])
    assert done.returncode == 3
    assert f"the package {package}" in done.stderr
    assert "pip install '.[prove]'" in done.stderr


def test_no_text_tells_anyone_to_install_the_name_of_a_stranger() -> None:
    """On the public index `verifier` is somebody else's package: ours is installed from its folder."""
    root = Path(__file__).parent.parent
    kinds = ("*.py", "*.md", "Makefile", "*.yml", "*.toml", "*.json")
    folders = [root / name for name in ("verifier", "docs", "benchmarks", "certificates", "lean")]
    texts = [path for kind in kinds for path in [*root.glob(kind), *(path for folder in folders for path in folder.rglob(kind))]]
    stranger = re.compile(r"""(pip3?|uv|pipx)\s+(pip\s+)?(install|add|run)\s+(-\S+\s+)*['"]?verifier\b""")
    excused = {root / "FINDINGS.md"}  # it tells of the fault
    assert len(texts) > 100
    assert [str(path) for path in texts if path not in excused and stranger.search(path.read_text(errors="replace"))] == []
    assert stranger.search("pip install 'verifier[prove]'")
    assert stranger.search('pip install -U "verifier"')


def test_the_list_of_commands_needs_no_extra() -> None:
    done = run_without("torch", "numpy", "safetensors", "rich", "z3", "mpmath", arguments=["--help"])
    assert done.returncode == 0, done.stderr


def test_a_missing_file_of_ours_is_a_bug_and_no_advice(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(cli.COMMANDS, "probe", cli.Command("verifier.commands.no_such_module", "", "prove"))
    assert cli.main(["probe"]) == 70
    assert "pip install" not in capsys.readouterr().err


# Writing files


def test_writing_creates_folders_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "file"
    write_atomically(path, b"content")
    assert path.read_bytes() == b"content"
    assert list(path.parent.iterdir()) == [path]


def test_an_existing_file_is_replaced_only_with_force(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(Usage, match="file-exists"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    write_atomically(path, b"new", force=True)
    assert path.read_bytes() == b"new"


def test_a_folder_is_never_replaced(tmp_path: Path) -> None:
    with pytest.raises(Usage, match="not-a-file"):
        write_atomically(tmp_path, b"new", force=True)


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failed_write_leaves_the_old_file_and_no_litter(
    failure: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def fail(descriptor: int) -> None:
        raise failure

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(Usage if isinstance(failure, OSError) else KeyboardInterrupt):
        write_atomically(path, b"new", force=True)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_written_file_has_ordinary_permissions(tmp_path: Path) -> None:
    (tmp_path / "ordinary").touch()
    write_atomically(tmp_path / "ours", b"")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "ordinary").stat().st_mode
