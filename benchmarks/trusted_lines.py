"""How many lines must be believed: `python benchmarks/trusted_lines.py [--write]` counts code without docstrings, comments, blank lines.

`--write` puts the table into TRUST.md, between its two markers.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from pathlib import Path

ROOT = Path(__file__).parent.parent
START, END = "<!-- trusted lines -->\n", "<!-- end -->\n"
IGNORED = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
# what is counted together: heading -> patterns below verifier/
PARTS = {
    "decode: bytes to values": ("kernel/decode/*.py",),
    "statement, certificate": ("kernel/statement.py", "kernel/certificate.py", "kernel/scope.py", "kernel/metrics.py"),
    "network: program, weights, operators, evaluation": ("kernel/network/*.py",),
    "tasks": ("kernel/tasks/*.py",),
    "numbers: exact, enclosures, tensors": ("kernel/numbers/*.py",),
    "maximum: tables and margins": ("kernel/maximum/*.py",),
    "pieces: functionals on sets of inputs": ("kernel/pieces/*.py",),
    "sketches: hidden layers of two tokens, and permutations": ("kernel/sketches/*.py",),
    "rules": ("kernel/rules/**/*.py",),
    "the walk and the verdict": (
        "kernel/facts.py",
        "kernel/replay.py",
        "kernel/verdict.py",
        "kernel/trust.py",
        "kernel/limits.py",
        "kernel/errors.py",
        "kernel/__*__.py",
    ),
    "fast arithmetic": ("fast/*.py",),
}
REFERENCE_PARTS = list(PARTS)[:-1]
STATEMENT = "BoundHolds"  # what Lean proves of a certificate
DECLARATION = re.compile(r"^(?:@\[.*?\] *)?(?:open \w+ in\s+)?(?:noncomputable +)?(def|abbrev|structure|class|instance|theorem) +([\w.']+)")


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
    expected = sorted([*(base / "kernel").rglob("*.py"), *base.glob("fast/*.py")])
    if sorted(seen) != expected:
        raise LookupError(f"not in exactly one part: {set(expected) ^ set(seen)}")
    return result


def lean_definitions(library: Path = ROOT / "lean" / "Verifier") -> dict[str, list[str]]:
    """The definitions that `STATEMENT` rests on, by name: lines without comments and blank lines.  Theorems are none: Lean checks them."""
    blocks: dict[str, list[str]] = {}
    for path in library.rglob("*.lean"):
        block: list[str] = []
        for line in re.sub(r"/-.*?-/", "", path.read_text(encoding="utf-8"), flags=re.DOTALL).splitlines():
            line = line.split("--")[0].rstrip()
            if found := DECLARATION.match(line):
                block = [] if found[1] in ("theorem", "instance") else blocks.setdefault(found[2], [])
            elif line and not line[0].isspace() and line[0] not in "|⟨":
                block = []
            if line:
                block.append(line)
    needed, waiting = {}, [STATEMENT]
    while waiting:
        name = waiting.pop()
        needed[name] = blocks[name]
        words = set(re.findall(r"[\w.']+", " ".join(blocks[name])))
        fields = {word[word.rindex(".") :] for word in words if "." in word}  # M.weights means Model.weights
        used = (other for other in blocks if other in words or (("." + other.split(".")[-1]) in fields and "." in other))
        waiting += [other for other in used if other not in needed and other not in waiting]
    return needed


def report() -> str:
    """The table."""
    lines = counts()
    reference = sum(lines[part] for part in REFERENCE_PARTS)
    shown = [f"{number:6}  {part}" for part, number in lines.items() if part in REFERENCE_PARTS]
    shown.append(f"{reference:6}  in all, for `check` with mpmath; Python and mpmath themselves are not counted")
    shown.append(f"{lines['fast arithmetic']:6}  more for `check --arithmetic fast`; numpy itself is not counted")
    shown.append("")
    statement = sum(map(len, lean_definitions().values()))
    data = lines["decode: bytes to values"] + sum(code_lines(ROOT / "verifier" / "lean" / name) for name in ("export.py", "slices.py"))
    either = f"of Lean definitions that `{STATEMENT}` rests on, for either way of checking in Lean; Lean itself is not counted"
    shown.append(f"{statement:6}  {either}")
    shown.append(f"{data:6}  of Python that read the weights and write them as Lean data")
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
