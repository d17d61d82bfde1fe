"""How many lines must be believed: `python benchmarks/trusted_lines.py [--write]` counts code without docstrings, comments, blank lines.

`--write` puts the table into TRUST.md, between its two markers.
"""

from __future__ import annotations

import ast
import io
import sys
import tokenize
from pathlib import Path

ROOT = Path(__file__).parent.parent
START, END = "<!-- trusted lines -->\n", "<!-- end -->\n"
IGNORED = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
# what is counted together: heading -> patterns below verifier/
PARTS = {
    "bytes to exact numbers": ("kernel/inputs.py", "kernel/strict_json.py", "kernel/safetensors.py", "kernel/floats.py", "kernel/model.py"),
    "statement, certificate": ("kernel/statement.py", "kernel/certificate.py"),
    "arithmetic: exact, enclosures, exp": (
        "kernel/arithmetic.py",
        "kernel/matrix.py",
        "kernel/interval.py",
        "kernel/exponential.py",
        "kernel/reference.py",
    ),
    "tensors and margins": ("kernel/tensor.py", "kernel/margins.py", "kernel/windows.py", "kernel/facts.py", "kernel/rounding.py"),
    "rules": ("kernel/rules/*.py",),
    "the walk and the verdict": ("kernel/replay.py", "kernel/verdict.py", "kernel/limits.py", "kernel/errors.py", "kernel/__*__.py"),
    "fast arithmetic": ("fast.py",),
}
REFERENCE_PARTS = list(PARTS)[:-1]


def code_lines(path: Path) -> int:
    """Lines that hold a token of code."""
    source = path.read_text(encoding="utf-8")
    docstrings: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        body = getattr(node, "body", None)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(node) and body:
            docstrings |= set(range(body[0].lineno, (body[0].end_lineno or 0) + 1))
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in IGNORED:
            lines |= set(range(token.start[0], token.end[0] + 1))
    return len(lines - docstrings)


def counts() -> dict[str, int]:
    """Lines by part.  Raises LookupError if a file of the kernel is in no part, or in two."""
    base, result, seen = ROOT / "verifier", {}, []
    for part, patterns in PARTS.items():
        files = sorted(path for pattern in patterns for path in base.glob(pattern))
        seen += files
        result[part] = sum(map(code_lines, files))
    expected = sorted([*(base / "kernel").rglob("*.py"), base / "fast.py"])
    if sorted(seen) != expected:
        raise LookupError(f"not in exactly one part: {set(expected) ^ set(seen)}")
    return result


def report() -> str:
    """The table."""
    lines = counts()
    reference = sum(lines[part] for part in REFERENCE_PARTS)
    shown = [f"{number:6}  {part}" for part, number in lines.items() if part in REFERENCE_PARTS]
    shown.append(f"{reference:6}  in all, for `check` (mpmath), beside mpmath and Python")
    shown.append(f"{lines['fast arithmetic']:6}  more for `check --arithmetic fast`, beside numpy")
    return "\n".join(f"    {line}" for line in shown) + "\n"


def main() -> None:
    """Print the table, or write it down."""
    if "--write" in sys.argv:
        path = ROOT / "TRUST.md"
        before, _, rest = path.read_text(encoding="utf-8").partition(START)
        path.write_text(before + START + report() + END + rest.partition(END)[2], encoding="utf-8")
    print(report(), end="")


if __name__ == "__main__":
    main()
