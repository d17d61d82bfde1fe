"""The order of examination of FORMAT.md: of several faults the first is reported, whatever comes after it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.checking import SAME, array, bound, certificate, encoded, joint, statement, step, sums, tables
from tests.models import TinyModel, random_model
from tests.rules.shared import ON_TABLES
from verifier.kernel import __main__ as entry
from verifier.kernel.errors import VerifierError
from verifier.kernel.numbers.reference import ReferenceArithmetic
from verifier.kernel.verdict import check

MODEL, OTHER = random_model(4, v=3, n=2), random_model(5, v=3, n=2)
TOO_LARGE = 2.0**200  # no binary32 number


class Papers:
    """A true statement, certificate and model, to be spoilt."""

    def __init__(self) -> None:
        self.model: TinyModel = MODEL
        self.statement: dict[str, Any] = statement(MODEL)
        self.certificate: dict[str, Any] = certificate(MODEL, [*tables(), joint(), sums(), bound("right")])
        self.ends = [b"", b"", b""]

    def outcome(self) -> str:
        files = (encoded(self.statement), encoded(self.certificate), self.model.data)
        try:
            verdict = check(*(file + end for file, end in zip(files, self.ends, strict=True)), ReferenceArithmetic())  # type: ignore[misc]
        except VerifierError as error:
            return error.code
        return verdict.reason.code if verdict.reason else verdict.word


def end(papers: Papers, file: int, text: bytes) -> None:
    papers.ends[file] = text


def binary32(papers: Papers) -> None:
    papers.model = TinyModel({**MODEL.weights, "W_U": [[TOO_LARGE] * 3 for _ in MODEL.weights["W_U"]]})
    papers.statement["subject"] |= {"model": papers.model.digest, "function": "float32"}


def put_step(papers: Papers, place: int, changed: dict[str, Any]) -> None:
    papers.certificate["steps"][place] |= changed


# One fault of each stage, in the order of the document.  The later ones are there as well when an earlier one must be reported.
FAULTS: list[tuple[str, Callable[[Papers], None]]] = [
    ("not-json", lambda papers: end(papers, 0, b"}")),
    ("unknown-word", lambda papers: papers.statement["claim"].update(metric="recall")),
    ("trailing-bytes", lambda papers: end(papers, 2, b"\0")),
    ("model-digest", lambda papers: papers.statement["subject"].update(model=OTHER.digest)),
    ("bad-scope", lambda papers: papers.statement["subject"].update(scope={"tokens": [[0, 2], [0, 3]]})),
    ("not-binary32", binary32),
    ("not-json", lambda papers: end(papers, 1, b"}")),
    ("unknown-word", lambda papers: papers.certificate.update(format="another")),
    ("out-of-range", lambda papers: put_step(papers, 6, {"hints": {"bins": 0}})),
    ("subject-digest", lambda papers: papers.certificate.update(subject="sha256:" + "0" * 64)),
    ("wrong-premise", lambda papers: put_step(papers, 5, {"premises": {**SAME, "score": "copy"}})),
    ("no-bound", lambda papers: papers.certificate["steps"].pop()),
]


def test_without_a_fault_it_is_proved() -> None:
    assert Papers().outcome() == "PROVED"


@pytest.mark.parametrize("first", range(len(FAULTS)), ids=[f"{number} {code}" for number, (code, _) in enumerate(FAULTS)])
def test_the_first_fault_is_reported(first: int) -> None:
    papers = Papers()
    for _, spoil in reversed(FAULTS[first:]):
        spoil(papers)
    assert papers.outcome() == FAULTS[first][0]
    alone = Papers()
    FAULTS[first][1](alone)
    assert alone.outcome() == FAULTS[first][0]


def test_all_files_are_read_before_one_is_examined(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "statement").write_bytes(b"no JSON")
    (tmp_path / "certificate").write_bytes(b"{}")
    assert entry.main([str(tmp_path / name) for name in ("statement", "certificate", "model")]) == 3
    assert "model: 1.1: unreadable" in capsys.readouterr().err


def test_a_reference_row_is_peeled_off_factor_0() -> None:
    """attention_margin takes such a table; a row peeled off factor 1 gives every query a row of its own."""
    width = len(MODEL.weights["W_U"])
    others = [one for one in tables() if one["id"] != "skip"]
    outcomes = []
    for first, last, columns in ((0, 0, width), (0, 1, 3), (1, 1, 3)):
        peels = [{"first": first, "last": last, "side": "row", "directions": array([[0.0] * columns])}]
        part = step("part", "peeled_table", table="skip", positions="centred", peels=peels)
        skip = step("skip", "row_range", {"table": "part"}, bound="exact", mean="none", spread="rows")
        papers = Papers()
        right = step("right", "attention_margin", SAME, **ON_TABLES["attention_margin"])
        papers.certificate = certificate(MODEL, [*others, part, skip, right, bound("right")])
        outcomes.append(papers.outcome())
    assert outcomes == ["PROVED", "PROVED", "wrong-premise"]
