"""Reading a statement, a certificate and a model, as `check` and `report` take them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from pathlib import Path

from verifier.kernel.decode.inputs import STATEMENT_CERTIFICATE_MODEL, read_bounded
from verifier.kernel.errors import Usage

ORDER = ("STATEMENT", "CERTIFICATE", "MODEL")
FORMAT = re.compile(rb'"format"\s*:\s*"verifier-(statement|certificate)/')
LOOKED_AT = 1 << 12  # bytes from either end


def read_three(paths: tuple[Path, Path, Path]) -> tuple[bytes, bytes, bytes]:
    """Their contents.  Raises Usage with the right order for the right files in a wrong one; all else is the kernel's to refuse."""
    statement, certificate, model = (read_bounded(path, limit) for path, limit in zip(paths, STATEMENT_CERTIFICATE_MODEL, strict=True))
    found = tuple(map(_kind, (statement, certificate, model)))
    if found != ORDER and sorted(found) == sorted(ORDER):
        right = " ".join(shlex.quote(str(paths[found.index(word)])) for word in ORDER)
        raise Usage("files-in-another-order", expected=" ".join(ORDER), got=" ".join(found), hint=f"that is {right}")
    return statement, certificate, model


def refuse_to_replace(output: Path, inputs: Iterable[Path]) -> None:
    """Raise Usage where a page would take the place of a file that it is about; `--force` is no excuse for that."""
    for path in inputs:
        if output.resolve() == path.resolve():
            raise Usage("same-file", file=str(output), expected="a file of its own for the page", got="one of the files that it is about")


def _kind(content: bytes) -> str:
    """What a file seems to be; a guess, for the message alone."""
    marked = FORMAT.search(content[:LOOKED_AT]) or FORMAT.search(content[-LOOKED_AT:])
    if content[:1].isspace() or content[:1] == b"{":
        return marked[1].decode("ascii").upper() if marked else ""
    return "MODEL" if content[8:9] == b"{" else ""
