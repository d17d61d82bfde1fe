"""The conformance corpus, case by case: same verdict and same reason under both arithmetics."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from certificates.build_corpus import build
from verifier.fast import FastArithmetic
from verifier.kernel.errors import VerifierError
from verifier.kernel.numbers.arithmetic import Arithmetic
from verifier.kernel.numbers.reference import ReferenceArithmetic
from verifier.kernel.verdict import check

FOLDER = Path(__file__).parent.parent / "certificates"
CASES = sorted(path.parent for path in FOLDER.glob("*/*/expected.json"))
ARITHMETICS = {"mpmath": ReferenceArithmetic, "fast": FastArithmetic}
ON_THE_COMMAND_LINE = [
    "accepted/imperfect-subcubic",
    "accepted/tiny-brute-force",
    "rejected/claim-a-hair-more",
    "rejected/json-duplicate-key",
    "rejected/model-bias-hidden",
    "rejected/model-empty-file",
    "rejected/scope-narrowed",
    "rejected/tables-swapped",
    "rejected/wrong-inputs-right",
]


def name(case: Path) -> str:
    return f"{case.parent.name}/{case.name}"


def expectation(case: Path) -> dict[str, Any]:
    expected: dict[str, Any] = json.loads((case / "expected.json").read_text(encoding="ascii"))
    return expected


def outcome(case: Path, arithmetic: Arithmetic) -> dict[str, Any]:
    """What the kernel says about a case, in the words of `expected.json`."""
    model = case / expectation(case)["model"]
    contents = [path.read_bytes() for path in (case / "statement.json", case / "certificate.json", model)]
    try:
        verdict = check(contents[0], contents[1], contents[2], arithmetic)
    except VerifierError as refusal:
        return {"verdict": None, "exit": refusal.exit_code, **refusal.reason()}
    reason = verdict.reason.reason() if verdict.reason else {"code": None, "clause": ""}
    return {**verdict.json(), "exit": verdict.exit_code, **reason}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # numpy reports an overflow; an infinite end is a true one
@pytest.mark.parametrize("arithmetic", ARITHMETICS)
@pytest.mark.parametrize("case", CASES, ids=name)
def test_case(case: Path, arithmetic: str) -> None:
    expected, got = expectation(case), outcome(case, ARITHMETICS[arithmetic]())
    assert (got["verdict"], got["exit"], got["code"]) == (expected["verdict"], expected["exit"], expected.get("code")), got
    if "clause" in expected:
        assert got["clause"].partition(",")[0] == expected["clause"]
    if "step" in expected:
        assert got["clause"].startswith(f"step {expected['step']} (")
    if "right" in expected:  # the truth, by enumeration in another arithmetic
        assert got["total"] == expected["total"]
        assert got["certified"] <= expected["right"]
        assert got["wrong"] <= expected["total"] - expected["right"]


@pytest.mark.parametrize("case", ON_THE_COMMAND_LINE)
def test_case_on_the_command_line(case: str) -> None:
    expected, folder = expectation(FOLDER / case), FOLDER / case
    files = [folder / "statement.json", folder / "certificate.json", folder / expected["model"]]
    command = [sys.executable, "-I", "-m", "verifier.kernel", *map(str, files), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == expected["exit"]
    printed = json.loads(done.stdout)
    assert printed["verdict"] == expected["verdict"]
    if expected.get("code"):
        assert printed["reason"]["code"] == expected["code"]


def test_every_case_says_what_it_is() -> None:
    for case in CASES:
        expected = expectation(case)
        attacks = case.parent.name == "rejected"
        assert expected["attack" if attacks else "why"].endswith("."), case
        assert (expected["exit"] != 0) == attacks, case


def test_the_corpus_is_what_the_script_writes(tmp_path: Path) -> None:
    assert build(tmp_path) == len(CASES)
    for folder in ("accepted", "rejected"):
        written = {path.relative_to(tmp_path): path.read_bytes() for path in (tmp_path / folder).rglob("*") if path.is_file()}
        kept = {path.relative_to(FOLDER): path.read_bytes() for path in (FOLDER / folder).rglob("*") if path.is_file()}
        assert written == kept


def test_the_corpus_is_large_enough() -> None:
    folders = [case.parent.name for case in CASES]
    assert folders.count("accepted") >= 20
    assert folders.count("rejected") >= 120
