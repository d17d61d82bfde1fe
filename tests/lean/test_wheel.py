"""A wheel holds the Lean library, and a copy that is installed from it exports as the repository does."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("setuptools", reason="builds a wheel without a network")

ROOT = Path(__file__).parents[2]
CASE = ROOT / "certificates" / "accepted" / "tiny-subcubic"
FILES = [str(CASE / "statement.json"), str(CASE / "certificate.json"), str(ROOT / "certificates" / "models" / "tiny.safetensors")]
RUN = "import sys; from verifier.cli import main; sys.exit(main(sys.argv[1:]))"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, since a build leaves folders behind."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    for name in ("verifier", "lean"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__", ".lake"))
    for name in ("pyproject.toml", "setup.py"):
        shutil.copy(ROOT / name, source)
    (source / "lean" / ".lake").mkdir()
    (source / "lean" / ".lake" / "Stale.lean").write_text("what lake leaves behind")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "-w", str(folder), "."]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def verifier(site: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The command line of the copy under `site`, away from the repository."""
    environment = {**os.environ, "PYTHONPATH": str(site)}
    return subprocess.run([sys.executable, "-c", RUN, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def test_every_file_of_the_library_is_in_the_wheel(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name: archive.read(name) for name in archive.namelist() if name.startswith("verifier/lean/library/")}
    wanted = {*(ROOT / "lean").rglob("*.lean"), *(ROOT / "lean" / name for name in ("lakefile.toml", "lean-toolchain", "BOUNDARY.md"))}
    for path in wanted:
        if ".lake" not in path.parts:
            assert held[f"verifier/lean/library/{path.relative_to(ROOT / 'lean').as_posix()}"] == path.read_bytes()
    assert not [name for name in held if ".lake" in name]


def test_an_installed_copy_exports_what_the_repository_exports(installed: Path, tmp_path: Path) -> None:
    for site, name in ((installed, "installed"), (ROOT, "repository")):
        done = verifier(site, "lean", "export", *FILES, "-o", str(tmp_path / name), cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    texts = [{path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("installed", "repository")]
    assert texts[0] == texts[1]
    assert sorted(texts[0]) == ["Evaluated_1.lean", "Exported.lean"]


@pytest.mark.parametrize("arguments", [["lean", "check"], ["lean", "check", *FILES], ["lean", "export", *FILES, "-o", "exported"]])
def test_without_the_library_nothing_is_accepted_and_nothing_written(installed: Path, tmp_path: Path, arguments: list[str]) -> None:
    site = tmp_path / "site"
    shutil.copytree(installed, site, ignore=shutil.ignore_patterns("library"))
    (tmp_path / "here").mkdir()
    done = verifier(site, *arguments, cwd=tmp_path / "here")
    assert (done.returncode, done.stdout) == (3, "")
    assert "no-library" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert list((tmp_path / "here").iterdir()) == []


def test_an_installed_copy_is_typed_and_writes_a_report(wheel: Path, installed: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
    assert {"verifier/py.typed", "verifier/report/templates/page.html", "verifier/report/templates/style.css"} <= held
    done = verifier(installed, "report", *FILES, "-o", str(tmp_path / "page.html"), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "PROVED" in (tmp_path / "page.html").read_text(encoding="utf-8")
