"""Build the documentation site: `python docs/site/build.py FOLDER` (needs the extra `site`; `make site` does it).

1. The documents are copied with their paths, so that what they say of each other stays true; a name of a document in code letters
   becomes a link to it.
2. Pages of reference are made from the kernel's table of rules and from the JSON Schemas.
3. MkDocs builds the pages; a warning, such as a link to nowhere or a page that is not in the menu, is an error.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from verifier.kernel.certificate import Choice, Floats, HintKind, Integers, IntegerTable
from verifier.kernel.rules import RULES

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
DOCUMENTS = ("*.md", "docs/*.md", "docs/adr/*.md", "certificates/**/README.md", "certificates/*.md", "lean/*.md", "examples/*.md")
DOCUMENTS += ("benchmarks/README.md", "verifier/kernel/README.md")
IMAGE = re.compile(r"!\[[^]]*\]\(([^)]+)\)")
NAMED = re.compile(r"(?<!\[)`([\w./-]+\.md)`(?!\])")
SCHEMAS = ("statement", "certificate", "verdict")


def stage(folder: Path) -> None:
    """Everything that MkDocs needs."""
    source = folder / "source"
    documents = sorted({path for pattern in DOCUMENTS for path in ROOT.glob(pattern)})
    known = {path.relative_to(ROOT).as_posix() for path in documents}
    for path in documents:
        text = path.read_text(encoding="utf-8")
        place = source / path.relative_to(ROOT)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(linked(text, path.relative_to(ROOT), known), encoding="utf-8")
        for image in IMAGE.findall(text):
            (place.parent / image).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path.parent / image, place.parent / image)
    (source / "reference").mkdir()
    (source / "reference" / "rules.md").write_text(rules(), encoding="utf-8")
    for name in SCHEMAS:
        (source / "reference" / f"{name}.md").write_text(schema(name), encoding="utf-8")
    shutil.copy(HERE / "mkdocs.yml", folder)


def linked(text: str, path: Path, known: set[str]) -> str:
    """Names of documents, from the project's folder or from the document's own, as links; code is left alone."""

    def link(found: re.Match[str]) -> str:
        for name in (found[1], os.path.normpath(path.parent / found[1])):
            if name in known and name != path.as_posix():
                return f"[`{found[1]}`]({os.path.relpath(name, path.parent)})"
        return found[0]

    lines, fenced = [], False
    for line in text.split("\n"):
        fenced ^= line.startswith("```")
        lines.append(line if fenced or line.startswith("    ") else NAMED.sub(link, line))
    return "\n".join(lines)


def rules() -> str:
    """What each rule takes, as the checker's own table has it."""
    lines = ["# What each rule takes", "", "Made from the table that the checker reads certificates by.", ""]
    lines += ["| rule | premises: role, kinds of facts | hints |", "|---|---|---|"]
    for name, rule in RULES.items():
        signature = rule.signature
        optional = {*signature.optional}
        premises = [f"`{role}`{_mark(role, optional)}: {' or '.join(kinds)}" for role, kinds in signature.premises.items()]
        hints = [f"`{hint}`{_mark(hint, optional)}: {_kind(kind)}" for hint, kind in signature.hints.items()]
        lines.append(f"| [`{name}`](../certificates/RULES.md#{name}) | {'; '.join(premises) or 'none'} | {'; '.join(hints) or 'none'} |")
    return "\n".join([*lines, "", "What may be left out is marked (optional).", ""])


def _mark(name: str, optional: set[str]) -> str:
    return " (optional)" if name in optional else ""


def _kind(kind: HintKind) -> str:
    if isinstance(kind, Integers):
        return f"an integer from {kind.low} to {kind.high}"
    if isinstance(kind, Choice):
        return "one of " + ", ".join(f"`{word}`" for word in kind.words)
    if isinstance(kind, IntegerTable):
        return f"integers from {kind.low} to {kind.high}, an array of rank 2"
    return "floats, an array of rank 2" if isinstance(kind, Floats) else "a list of peels"


def schema(name: str) -> str:
    """A schema as it is in the project."""
    text = (ROOT / "certificates" / "schema" / f"{name}.json").read_text(encoding="utf-8")
    words = f"The JSON Schema (draft 2020-12) of {name}s, `certificates/schema/{name}.json`."
    return f"# Schema of {name}s\n\n{words}\n\n```json\n{text.strip()}\n```\n"


def build(output: Path) -> None:
    """Raises CalledProcessError where MkDocs warns of anything."""
    with tempfile.TemporaryDirectory() as name:
        stage(Path(name))
        command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-f", f"{name}/mkdocs.yml", "-d", str(output.resolve())]
        quiet = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}  # the theme's advertisement for its successor
        subprocess.run(command, env=quiet, check=True)


if __name__ == "__main__":
    build(Path(sys.argv[1]))
