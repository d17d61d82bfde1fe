"""Vectors in the language of the IEEE 1788 suites: ours hold, false ones are reported, and a broken arithmetic is noticed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests import itl
from verifier.fast import EnclosureCells
from verifier.kernel.numbers import interval

OWN = Path(__file__).parent / "vectors" / "own.itl"


def failures(text: str, folder: Path) -> list[str]:
    path = folder / "some.itl"
    path.write_text(text, encoding="utf-8")
    return itl.judge([path]).failures


def test_our_vectors_hold() -> None:
    report = itl.judge([OWN])
    assert not report.failures
    assert report.judged["mpmath"] >= 20
    assert report.judged["fast"] >= 20
    assert report.not_applicable["mpmath"] == report.not_applicable["fast"] + 1  # the one with an infinite argument


@pytest.mark.parametrize(
    "vector",
    [
        "add [1.0, 2.0] [3.0, 4.0] = [4.0, 7.0];",
        "sub [1.0, 1.0] [0.5, 0.5] = [0.25, 0.5];",
        "mul [1.0, 2.0] [3.0, 3.0] = [2.5, 6.0];",
        "div [1.0, 1.0] [3.0, 3.0] = [0x1.5555555555550p-2, 0x1.5555555555556p-2];",
        "sqrt [4.0, 4.0] = [2.0, 0x1.0000000000005p1];",
        "exp [-1.0, -1.0] = [0x1.78b56362cef30p-2, 0x1.78b56362cef38p-2];",
    ],
)
def test_a_vector_that_is_not_contained_is_reported_for_both(vector: str, tmp_path: Path) -> None:
    found = failures(vector, tmp_path)
    assert {"mpmath found" in line for line in found} == {True, False}
    assert all(line.startswith("some.itl:1: ") for line in found)


@pytest.mark.parametrize(
    "text",
    [
        "add [empty] [1.0, 2.0] = [3.0, 3.0];",
        "add [1.0, 2.0]_com [1.0, 2.0]_com = [9.0, 9.0]_com;",
        "div [1.0, 2.0] [0.0, 1.0] = [9.0, 9.0];",
        "sqrt [-2.0, -1.0] = [9.0, 9.0];",
        "exp [0.0, 1.0] = [9.0, 9.0];",
        "cosh [0.0, 1.0] = [9.0, 9.0];",
        "// add [1.0, 2.0] [1.0, 2.0] = [9.0, 9.0];\n/* add [1.0, 2.0]\n [1.0, 2.0] = [9.0, 9.0]; */",
    ],
)
def test_what_the_kernel_does_not_have_is_no_failure(text: str, tmp_path: Path) -> None:
    assert not failures(text, tmp_path)


def test_an_arithmetic_that_does_not_round_outward_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EnclosureCells, "outward", staticmethod(EnclosureCells))
    assert {line.partition(" [")[0].split()[-1] for line in itl.judge([OWN]).failures} >= {"add", "sub", "mul", "div", "sqrt"}


def test_an_arithmetic_that_rounds_inward_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interval, "UP", interval.DOWN)
    monkeypatch.setattr(interval, "PRECISION_BITS", 53)
    assert {line.partition(" [")[0].split()[-1] for line in itl.judge([OWN]).failures} >= {"add", "mul", "div", "sqrt"}


def test_numbers() -> None:
    assert [itl.number(text) for text in ("1.5", "-0X1.8P+1", "infinity", "-inf")] == [1.5, -3.0, np.inf, -np.inf]
    assert itl.interval("[entire]") == (-np.inf, np.inf)
    assert itl.interval("[2.0]") == (2.0, 2.0)


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert itl.main([str(OWN.parent)]) == 0
    assert "0 containment failures" in capsys.readouterr().out
    (tmp_path / "false.itl").write_text("add [1.0, 2.0] [3.0, 4.0] = [4.0, 7.0];", encoding="utf-8")
    assert itl.main([str(tmp_path)]) == 1
    assert itl.main([str(tmp_path / "nothing")]) == 3
