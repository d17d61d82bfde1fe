"""The trusted base stays small and alone: what the kernel imports, its size, and the words it may not use."""

from __future__ import annotations

import io
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.checking import SAME, bound, certificate, encoded, joint, listing, statement, step, sums, tables
from tests.models import random_model

ROOT = Path(__file__).parent.parent
KERNEL = ROOT / "verifier" / "kernel"
FILES = sorted(KERNEL.rglob("*.py"))
CORE_LINES, RULE_LINES, FILE_LINES = 3920, 200, 300  # docs/adr/0006
SKETCHES_LINES = 290  # what the rule `symmetry` rests on, and nothing else does
PIECES_LINES = 790  # docs/adr/0009, 0010: what the rules of the room `rules/slots` share, and nothing else rests on
ALLOWED = {"mpmath", "verifier"}

# Runs a check by the isolated entry point's own functions, then prints what was imported for it.
PROBE = """
import sys
before = set(sys.modules)
sys.path.insert(0, sys.argv[1])
if sys.argv[5:]:
    import verifier.kernel.numbers.interval
    verifier.kernel.numbers.interval.smuggled = __import__(sys.argv[5])
from verifier.kernel.__main__ import main
code = main(sys.argv[2:5])
print("exit", code)
for name in sorted(set(sys.modules) - before):
    print("module", name)
"""


@pytest.fixture
def papers(tmp_path: Path) -> list[str]:
    """A statement, a certificate that uses every rule, and a model, as files."""
    model = random_model(4, v=3, n=2)
    shift = {"array": "f64", "shape": [1, 3], "base64": "A" * 32}
    steps = [
        *tables(),
        joint(),
        step("decoupled", "decoupled_constraint", SAME, shift=shift, singles=1),
        listing("right"),
        sums(8, "sums", "decoupled"),
        step("pure", "pure_margin", SAME),
        bound("right", "sums", "pure"),
    ]
    contents = (encoded(statement(model)), encoded(certificate(model, steps)), model.data)
    paths = [tmp_path / name for name in ("statement.json", "certificate.json", "model.safetensors")]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    return [str(path) for path in paths]


def imported_by_a_check(papers: list[str], *smuggled: str) -> set[str]:
    """Top-level packages that a check by the kernel imports in a fresh interpreter, the standard library left out."""
    command = [sys.executable, "-I", "-c", PROBE, str(ROOT), *papers, *smuggled]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert "exit 0" in done.stdout.splitlines(), done.stdout + done.stderr
    modules = [line.removeprefix("module ") for line in done.stdout.splitlines() if line.startswith("module ")]
    outside_kernel = {name for name in modules if name.startswith("verifier.") and not name.startswith("verifier.kernel")}
    tops = {name.partition(".")[0] for name in modules}
    return outside_kernel | {name for name in tops if name not in sys.stdlib_module_names}


def test_a_check_imports_the_standard_library_and_mpmath_only(papers: list[str]) -> None:
    assert imported_by_a_check(papers) == ALLOWED


@pytest.mark.parametrize("smuggled", ["numpy", "verifier.fast", "verifier.system.files", "rich"])
def test_the_import_test_can_fail(papers: list[str], smuggled: str) -> None:
    assert imported_by_a_check(papers, smuggled) - ALLOWED


def code_lines(source: str) -> int:
    """Lines that hold code: no blank lines, comments or docstrings."""
    lines: set[int] = set()
    fresh = True  # at the start of a statement, where a string alone is a docstring
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in (tokenize.COMMENT, tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER):
            continue
        if token.type == tokenize.NEWLINE:
            fresh = True
            continue
        if not (fresh and token.type == tokenize.STRING):
            lines.update(range(token.start[0], token.end[0] + 1))
        fresh = False
    return len(lines)


def lines_of(*, rooms: tuple[str, ...] = (), without: tuple[str, ...] = ()) -> int:
    """Code lines of the kernel's files in some rooms, or of all but those in some rooms."""
    places = {path: path.relative_to(KERNEL).parts[0] for path in FILES}
    return sum(code_lines(path.read_text()) for path, room in places.items() if room not in without and (room in rooms or not rooms))


def test_the_core_keeps_its_line_budget() -> None:
    assert lines_of(without=("rules", "pieces", "sketches")) <= CORE_LINES


def test_what_the_rules_about_pieces_share_keeps_a_budget_of_its_own() -> None:
    """The room `pieces` is counted apart from the core: a verdict that uses neither of its two rules rests on its trees of cuts at most."""
    assert lines_of(rooms=("pieces",)) <= PIECES_LINES
    room = "verifier.kernel.pieces"
    readers = {path.relative_to(KERNEL) for path in FILES if room in path.read_text() and "pieces" not in path.relative_to(KERNEL).parts}
    trees = Path("rules", "evaluation", "cells.py")  # which reads trees of cuts
    assert all(path.parts[:2] == ("rules", "slots") or path == trees for path in readers), readers


def test_what_the_rule_about_symmetry_rests_on_keeps_a_budget_of_its_own() -> None:
    """No other rule rests on the room `sketches`."""
    assert lines_of(rooms=("sketches",)) <= SKETCHES_LINES
    outside = [path.relative_to(KERNEL) for path in FILES if "sketches" not in path.relative_to(KERNEL).parts]
    readers = {path for path in outside if "verifier.kernel.sketches" in (KERNEL / path).read_text()}
    assert readers == {Path("rules", "evaluation", "symmetry.py")}


@pytest.mark.parametrize("path", [path for path in FILES if "rules" in path.relative_to(KERNEL).parts], ids=lambda path: path.stem)
def test_every_rule_keeps_its_line_budget(path: Path) -> None:
    assert code_lines(path.read_text()) <= RULE_LINES


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(KERNEL)))
def test_no_kernel_file_is_long(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= FILE_LINES


def test_code_lines_are_counted_as_promised() -> None:
    assert code_lines('"""Doc."""\n\n# comment\nx = """a\nb"""\ndef f():\n    """Doc\n    more."""\n    return (1,\n        2)\n') == 5


# Words

FORBIDDEN_NAMES = {"eval", "exec", "compile", "globals", "random", "pickle", "numpy", "torch", "flint"}
FORBIDDEN_ATTRIBUTES = {"iv", "mpf_exp", "mpi_exp", "mpf_log", "exp", "log"}  # of mpmath


def forbidden_words(source: str) -> Iterator[str]:
    """Names and numbers that the kernel may not use, as tokens: text in strings and comments does not count."""
    kinds = (tokenize.NAME, tokenize.OP, tokenize.NUMBER)
    tokens = [token for token in tokenize.generate_tokens(io.StringIO(source).readline) if token.type in kinds]
    words = ["", *(token.string for token in tokens), ""]
    for before, token, after in zip(words, tokens, words[2:], strict=False):
        word = token.string
        if token.type == tokenize.NUMBER:
            forbidden = not word.lower().startswith("0x") and bool(set(word.lower()) & set(".ej"))
        elif word == "float":  # as a type it is allowed: the clock's seconds decide nothing
            forbidden = after == "("
        elif word in FORBIDDEN_ATTRIBUTES:
            forbidden = before in (".", "import")
        else:
            forbidden = word == "assert" or (word in FORBIDDEN_NAMES and before != ".")
        if forbidden:
            yield word


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(KERNEL)))
def test_the_kernel_uses_no_float_no_assert_and_no_interval_of_mpmath(path: Path) -> None:
    assert list(forbidden_words(path.read_text())) == []


@pytest.mark.parametrize(
    "source",
    ["x = float(y)", "assert x", "import mpmath\nmpmath.iv.exp(1)", "from mpmath import iv", "x = 0.5", "x = 1e9", "eval(s)"],
)
def test_forbidden_words_are_found(source: str) -> None:
    assert list(forbidden_words(source))


@pytest.mark.parametrize("source", ["# assert float(x)", '"""float"""', "x = 'mpmath.iv'", "x = 0x1e", "seconds: float", "a.random"])
def test_words_in_comments_and_strings_are_not(source: str) -> None:
    assert not list(forbidden_words(source))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(KERNEL)))
def test_every_kernel_file_says_what_it_is_for(path: Path) -> None:
    assert path.read_text().startswith('"""')
