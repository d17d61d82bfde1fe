"""Documents that can be read and compared line by line: one sentence per line, at most 100 columns.  Tables and code are free."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.markdown import COLUMNS, faults, reflowed

ROOT = Path(__file__).parent.parent
FILES = sorted(
    path
    for pattern in ("*.md", "certificates/**/*.md", "docs/**/*.md", "examples/*.md", "lean/*.md", "verifier/**/*.md")
    for path in ROOT.glob(pattern)
)
FILES += [ROOT / "benchmarks" / "README.md"]  # what lies in benchmarks/results is written by commands


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_one_sentence_per_line_and_no_long_lines(path: Path) -> None:
    found = [f"{number}: {line[:60]}" for number, line in faults(path.read_text(encoding="utf-8"))]
    assert found == [], f"python -m tests.markdown {path.relative_to(ROOT)} wraps them anew"


def test_faults_are_found_and_mended() -> None:
    text = "One sentence. Another one.\n\n* " + "word " * 30 + "end. `Code` begins the next.\n  And more.\n"
    assert len(list(faults(text))) == 2
    mended = reflowed(text)
    assert list(faults(mended)) == []
    assert mended.split() == text.split()
    assert max(map(len, mended.splitlines())) <= COLUMNS


@pytest.mark.parametrize(
    "text",
    [
        "| a table. With sentences | " + "x" * 100 + " |",
        "```\ncode. Code " + "x" * 100 + "\n```",
        "    code. Code " + "x" * 100,
        "<!-- part -->\nwritten. By a command " + "x" * 100 + "\n<!-- end -->",
        "# A heading. Of two sentences",
        "**Premises.** None.",
        "J. Gross and others, e.g. The Authors.",
        "1. An item.",
    ],
)
def test_what_is_no_prose_is_left_alone(text: str) -> None:
    assert list(faults(text)) == []
    assert reflowed(text) == text


def test_a_wrapped_line_never_becomes_a_list_or_a_heading() -> None:
    text = "word " * 19 + "is a number - 5 and\n" + "word " * 19 + "abc 1. or # or > what"
    assert not any(line.startswith(("-", "1.", "#", ">")) for line in reflowed("x" * 90 + " " + text).splitlines())
