"""Lean accepts the whole library and an exported certificate, and refuses an export with one number changed."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import pytest

from verifier.kernel.certificate import read_certificate
from verifier.kernel.rules import RULES
from verifier.kernel.statement import read_statement
from verifier.lean.build import BuildReport, build
from verifier.lean.errors import BuildFailed, ToolchainMissing
from verifier.lean.export import exported, proof_file
from verifier.lean.toolchain import find_toolchain
from verifier.networks.attention_only import read_model

ROOT = Path(__file__).parents[2]
LIBRARY = ROOT / "lean"
CORPUS = ROOT / "certificates" / "accepted"
SMALL = CORPUS / "tiny-subcubic"


@cache
def toolchain_problem() -> str:
    try:
        find_toolchain()
    except ToolchainMissing as error:
        return str(error)
    return ""


@pytest.fixture(autouse=True)
def _needs_toolchain() -> None:
    if problem := toolchain_problem():
        pytest.skip(f"no Lean here and none could be installed: {problem}")


def small_export() -> str:
    model_path = SMALL / json.loads((SMALL / "expected.json").read_text())["model"]
    model = read_model(model_path.read_bytes(), file="model")
    statement = read_statement((SMALL / "statement.json").read_bytes(), file="statement")
    signatures = {name: rule.signature for name, rule in RULES.items()}
    certificate = read_certificate((SMALL / "certificate.json").read_bytes(), signatures, file="certificate")
    text, bound, certified = exported(model, statement, certificate.steps)
    assert certified == json.loads((SMALL / "expected.json").read_text())["right"]
    return proof_file(text, bound)


def build_with(folder: Path, name: str, text: str) -> BuildReport:
    path = folder / f"{name}.lean"
    path.write_text(text)
    return build(LIBRARY, [path])


def test_the_library_builds_with_every_proof_finished() -> None:
    report = build(LIBRARY)
    assert len(report.seconds) + len(report.cached) >= 1


def test_lean_accepts_a_small_certificate_by_kernel_computation(tmp_path: Path) -> None:
    build_with(tmp_path, "Exported", small_export())


def test_lean_refuses_a_weight_bound_moved_by_one(tmp_path: Path) -> None:
    text = small_export()
    changed = re.sub(r"(def ComegaLo_3 : List Int := \[)(\d+)", lambda m: f"{m[1]}{int(m[2]) + 1}", text)
    assert changed != text
    with pytest.raises(BuildFailed):
        build_with(tmp_path, "Changed", changed)


def test_an_unfinished_proof_fails_the_build(tmp_path: Path) -> None:
    with pytest.raises(BuildFailed, match="forbidden"):
        build_with(tmp_path, "Unfinished", "module\ntheorem a : 1 = 2 := by sorry\n")


def test_a_false_theorem_fails_the_build(tmp_path: Path) -> None:
    with pytest.raises(BuildFailed, match="error"):
        build_with(tmp_path, "False", "module\ntheorem a : 1 = 2 := rfl\n")
