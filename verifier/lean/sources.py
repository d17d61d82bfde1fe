"""The library's files in import order, and the words that would let a file cheat.

Lean's logic is only as good as what a file may do around it: add an unproved law, trust compiled code, or run programs
that write to the environment.  None of the words below has a place in the library, not even in a comment, so the test
is a plain search of the text.
"""

from __future__ import annotations

import re
from pathlib import Path

from .errors import BuildFailed

PROOF_WORDS = (
    *("axiom", "sorry", "admit", "native_decide", "ofReduceBool", "unsafe", "implemented_by", "extern"),
    *("opaque", "csimp", "skipKernelTC", "partial"),
)
PROGRAM_WORDS = (
    *("elab", "macro", "run_cmd", "run_meta", "initialize", "addDecl", "Environment", "import Lean", "meta"),
    *("set_option debug", "CommandElabM"),
)
EVALUATION_WORDS = ("#eval",)

LIBRARY_ROOT = "Verifier"


def cheating_words(text: str, *, evaluation_allowed: bool = False) -> list[str]:
    """The forbidden words that `text` contains, sorted."""
    words = PROOF_WORDS + PROGRAM_WORDS + (() if evaluation_allowed else EVALUATION_WORDS)
    return sorted(w for w in words if re.search(rf"(?<![A-Za-z0-9_]){re.escape(w)}", text))


def imports_of(text: str) -> list[str]:
    """The modules that a file imports, in order."""
    return re.findall(r"^(?:public )?import ([\w.]+)$", text, flags=re.MULTILINE)


def module_file(module: str) -> str:
    """`Verifier.Rules.Accuracy` is the file `Verifier/Rules/Accuracy.lean`."""
    return module.replace(".", "/") + ".lean"


def import_order(library: Path) -> list[str]:
    """Every module of the library, each after those that it imports."""
    modules = {".".join(p.relative_to(library).with_suffix("").parts): p for p in library.rglob("*.lean") if ".lake" not in p.parts}
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
