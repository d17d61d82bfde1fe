"""The library's files in import order, and what would let a file cheat.

Lean's logic is only as good as what a file may do around it: add an unproved law, trust compiled code, or run programs
that write to the environment.  Nothing below has a place in the library, words not even in a comment.  Nobody's verdict
rests on this search: exported files are written afresh from statement, certificate and model, never taken from a stranger.
It keeps the library honest.

Names are read as the words that they are made of, so `by_elab`, `elabTerm` and `Lean.Elab` all hold `elab`.
"""

from __future__ import annotations

import re
from pathlib import Path

from .errors import BuildFailed, LibraryMissing

PROOF_WORDS = {
    *("axiom", "axioms", "sorry", "admit", "native", "unsafe", "implemented", "extern", "opaque", "csimp", "partial"),
    *("debug", "debugging", "tc", "trust"),  # options under which the kernel is not asked
}
PROGRAM_WORDS = {
    *("elab", "elabs", "elaborator", "macro", "macros", "syntax", "notation", "infix", "infixl", "infixr", "simproc", "tactic"),
    *("cmd", "meta", "initialize", "builtin", "decl", "decls", "environment", "env", "eval", "unquote", "ffi", "io"),
}
FORBIDDEN = PROOF_WORDS | PROGRAM_WORDS
COMPOUNDS = {"reducebool", "reducenat", "skipkernel", "rununsafe"}  # of words that are harmless apart
IMPORT = re.compile(r"^(?:public )?import (Verifier(?:\.\w+)*)$", re.MULTILINE)
OPTION = re.compile(r"\bset_option maxRecDepth \d+$", re.MULTILINE)  # how deep the elaborator may go: exported data need it
NAME = re.compile(r"[^\W\d][\w'!?]*(?:\.[\w'!?]+)*")
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
COMMENT, BLOCK = re.compile(r"--|/-"), re.compile(r"/-|-/")

LIBRARY_ROOT = "Verifier"


def cheating_words(text: str, *, evaluation_allowed: bool = False) -> list[str]:
    """What in `text` has no place in a proof, sorted: words, names, signs."""
    if evaluation_allowed:
        text = re.sub(r"^#eval ", "", text, flags=re.MULTILINE)
    found = {name for name in NAME.findall(text) if forbidden(name)}
    code = without_comments(text)
    found |= {name for name in NAME.findall(code) if "Lean" in name.split(".") and not name.startswith("Lean.Grind")}
    found |= {sign for sign in ('"', "#", "«", "`") if sign in code}  # strings can be joined to names, names can be quoted
    if len(re.findall(r"\bimport\b", code)) != len(IMPORT.findall(code)):
        found.add("import")  # of something else than the library, or written so that the order of imports misses it
    if "set_option" in OPTION.sub("", code):
        found.add("set_option")
    return sorted(found)


def forbidden(name: str) -> bool:
    """Whether a name such as `Lean.Elab.by_elab` holds a forbidden word."""
    words = [word.lower() for word in WORD.findall(name)]
    return not FORBIDDEN.isdisjoint(words) or any(compound in "".join(words) for compound in COMPOUNDS)


def without_comments(text: str) -> str:
    """The code: `--` to the end of a line and `/- -/`, which nest, become a space.  A comment that does not end hides nothing."""
    kept, place = [], 0
    while mark := COMMENT.search(text, place):
        end = end_of_line(text, mark.end()) if mark[0] == "--" else end_of_block(text, mark.end())
        if end is None:
            break
        kept.append(text[place : mark.start()])
        place = end
    return " ".join([*kept, text[place:]])


def end_of_line(text: str, place: int) -> int:
    """Where the line ends that holds `place`."""
    found = text.find("\n", place)
    return len(text) if found < 0 else found


def end_of_block(text: str, place: int) -> int | None:
    """Where the block comment ends that was opened before `place`; None if nowhere."""
    depth = 1
    for mark in BLOCK.finditer(text, place):
        depth += 1 if mark[0] == "/-" else -1
        if depth == 0:
            return mark.end()
    return None


def imports_of(text: str) -> list[str]:
    """The modules that a file imports, in order."""
    return IMPORT.findall(text)


def module_file(module: str) -> str:
    """`Verifier.Rules.Accuracy` is the file `Verifier/Rules/Accuracy.lean`."""
    return module.replace(".", "/") + ".lean"


def lean_files(library: Path) -> list[Path]:
    """The files of the library, without what lake keeps beside them."""
    return [path for path in library.rglob("*.lean") if ".lake" not in path.relative_to(library).parts]


def import_order(library: Path) -> list[str]:
    """Every module of the library, each after those that it imports; LibraryMissing if there is none."""
    modules = {".".join(p.relative_to(library).with_suffix("").parts): p for p in lean_files(library)}
    if LIBRARY_ROOT not in modules:  # nothing to build is nothing proved
        raise LibraryMissing(f"{library} holds no {module_file(LIBRARY_ROOT)}: install verifier again, or run it from its repository")
    ordered: list[str] = []

    def visit(module: str, path: tuple[str, ...]) -> None:
        if module in path:
            raise BuildFailed(f"import cycle: {' -> '.join((*path, module))}")
        if module in ordered or module not in modules:
            return
        for imported in imports_of(modules[module].read_text()):
            if imported.split(".")[0] == LIBRARY_ROOT and imported not in modules:
                raise BuildFailed(f"{module} imports {imported}, which is not in {library}")
            visit(imported, (*path, module))
        ordered.append(module)

    for module in sorted(modules):
        visit(module, ())
    return ordered
