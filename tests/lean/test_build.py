"""Lean accepts the whole library and an exported certificate, and refuses an export with one number changed."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import pytest

from verifier.cli import main
from verifier.kernel.certificate import read_certificate
from verifier.kernel.rules import RULES
from verifier.kernel.statement import read_statement
from verifier.lean.build import BuildReport, build
from verifier.lean.errors import BuildFailed, ToolchainMissing
from verifier.lean.export import checker_source, exported, one_file, proof_file
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


WHOLE = {"E": "[[1], [2]]", "P": "[[0]]", "Q": "[[1]]", "K": "[[1]]", "V": "[[1]]", "O": "[[1]]", "U": "[[1, 2]]"}  # v 2; n, d, h 1
NO_MODEL: dict[str, dict[str, str]] = {  # what is wrong -> what is changed
    "no head": {"h": "0", "Q": "[[]]", "K": "[[]]", "V": "[[]]", "O": "[]"},
    "no positions": {"n": "0", "P": "[]", "scope": "[]"},
    "a row is missing": {"E": "[[1]]"},
    "a row too many": {"P": "[[0], [0]]"},
    "a row is too short": {"U": "[[1]]"},
    "a row is too long": {"U": "[[1, 2, 3]]"},
    **{f"{name} is empty": {name: "[]"} for name in WHOLE},
    **{f"{name} has an empty row": {name: "[[]]"} for name in WHOLE},
    "an empty range": {"scope": "[(1, 1)]"},
    "a range from above": {"scope": "[(2, 1)]"},
    "a range beyond the vocabulary": {"scope": "[(0, 3)]"},
    "a range too many": {"scope": "[(0, 2), (0, 2)]"},
}


def test_lean_takes_no_padded_table_and_no_empty_scope_for_a_model(tmp_path: Path) -> None:
    lines = []
    for change in ({}, *NO_MODEL.values()):
        parts = {"n": "1", "h": "1", "scope": "[(0, 2)]", **WHOLE, **change}
        sizes = f"2, {parts['n']}, 1, {parts['h']}, 0"
        lines.append(f"#eval (modelOK ⟨{sizes}, {', '.join(parts[name] for name in WHOLE)}⟩ {parts['scope']}).toNat")
    path = tmp_path / "Models.lean"
    path.write_text(one_file(checker_source(LIBRARY), "\n".join(lines)))
    (output,) = build(LIBRARY, [path], library_too=False).output.values()
    printed = [int(number) for number in re.findall(r"^(\d+)$", output, re.MULTILINE)]
    assert printed[0] == 1
    assert dict(zip(NO_MODEL, printed[1:], strict=True)) == dict.fromkeys(NO_MODEL, 0)


def test_the_command_line_checks_a_small_certificate_both_ways(capsys: pytest.CaptureFixture[str]) -> None:
    files = [str(SMALL / "statement.json"), str(SMALL / "certificate.json"), str(ROOT / "certificates" / "models" / "tiny.safetensors")]
    assert main(["lean", "check", *files]) == 0
    assert ", by Lean's kernel; scope: every input of the domain" in capsys.readouterr().out
    assert main(["lean", "check", *files, "--evaluate", "--slices", "2"]) == 0
    assert ": 512 of 512 inputs certified, by Lean's evaluator, not by its kernel" in capsys.readouterr().out


def test_an_evaluation_of_a_false_claim_is_refused_by_its_count(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = CORPUS / "imperfect-subcubic"
    statement = json.loads((folder / "statement.json").read_text())
    statement["claim"]["bound"] = "9/10"  # the truth is 0.8763
    (tmp_path / "statement.json").write_text(json.dumps(statement))
    model = str(ROOT / "certificates" / "models" / "imperfect.safetensors")
    files = [str(tmp_path / "statement.json"), str(folder / "certificate.json"), model]
    assert main(["lean", "check", *files, "--evaluate"]) == 1
    said = re.match(r"REFUSED accuracy >= 9/10: (\d+) of 10000 inputs certified, by Lean's evaluator", capsys.readouterr().out)
    assert said
    assert 5000 <= int(said[1]) <= 8763


def test_an_unfinished_proof_fails_the_build(tmp_path: Path) -> None:
    with pytest.raises(BuildFailed, match="forbidden"):
        build_with(tmp_path, "Unfinished", "module\ntheorem a : 1 = 2 := by sorry\n")


def test_a_false_theorem_fails_the_build(tmp_path: Path) -> None:
    with pytest.raises(BuildFailed, match="error"):
        build_with(tmp_path, "False", "module\ntheorem a : 1 = 2 := rfl\n")
