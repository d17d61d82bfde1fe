"""How many lines of code a verdict rests on, beside Python and the libraries named: a report, which decides nothing.

Counted are the lines with code (no docstrings, comments, blank lines) of the modules that the verdict and the rules, the task and the
arithmetic used import, directly or not.  The tables of rules and tasks are not followed: a certificate does not rest on what it does not
use.
"""

from __future__ import annotations

import ast
import sys
import tokenize
from collections.abc import Iterable, Iterator
from functools import cache
from io import StringIO
from pathlib import Path

SILENT = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
TABLES = {"verifier.kernel.rules", "verifier.kernel.tasks"}  # each imports all of its kind


def trusted_modules(used: Iterable[str]) -> set[str]:
    """The modules of this package that a verdict rests on; `used`: those of the rules, the task and the arithmetic that it names."""
    waiting = ["verifier.kernel", "verifier.kernel.verdict", "verifier.kernel.decode.inputs", *used]
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in found and name in sys.modules:  # a caller that has read the files itself has not imported `inputs`
            found.add(name)
            waiting += [] if name in TABLES else imports(name)
    return found


def trusted_lines(modules: Iterable[str]) -> int:
    """Their lines of code in all."""
    return sum(map(code_lines, modules))


@cache
def code_lines(module: str) -> int:
    """Lines that hold a token of code."""
    source = _source(module)
    docstrings: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        body = getattr(node, "body", None)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) and body:
            docstrings |= set(range(body[0].lineno, (body[0].end_lineno or 0) + 1))
    lines: set[int] = set()
    for token in tokenize.generate_tokens(StringIO(source).readline):
        if token.type not in SILENT:
            lines |= set(range(token.start[0], token.end[0] + 1))
    return len(lines - docstrings)


@cache
def imports(module: str) -> tuple[str, ...]:
    """The modules of this package that a module imports when it is imported."""
    return tuple(_imported(ast.parse(_source(module)).body))


def _imported(body: Iterable[ast.stmt]) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "verifier":
            inner = [f"{node.module}.{alias.name}" for alias in node.names if f"{node.module}.{alias.name}" in sys.modules]
            yield from inner or [node.module]


def _source(module: str) -> str:
    path = sys.modules[module].__file__
    return Path(path).read_text(encoding="utf-8") if path else ""
