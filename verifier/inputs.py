"""Reading the files named on the command line, and making the arithmetic that the caller asked for."""

from __future__ import annotations

from pathlib import Path

from verifier.kernel.arithmetic import Arithmetic
from verifier.kernel.errors import MalformedInput, Usage
from verifier.kernel.reference import ReferenceArithmetic

ARITHMETICS = ("mpmath", "fast")


def read_bounded(path: Path, limit: int) -> bytes:
    """The bytes of a file, at most one more than `limit`: an endless file is refused by its reader, never read whole."""
    try:
        with path.open("rb") as stream:
            return stream.read(limit + 1)
    except OSError as error:
        reason = error.strerror or "an error"
        raise MalformedInput("unreadable", expected="a readable file", got=reason, file=str(path), clause="1.1") from None


def make_arithmetic(name: str) -> Arithmetic:
    """`mpmath`, the reference, or `fast`, which needs numpy."""
    if name == "mpmath":
        return ReferenceArithmetic()
    try:
        from verifier.fast import FastArithmetic
    except ModuleNotFoundError:
        hint = "pip install 'verifier[fast]'"
        raise Usage("missing-package", expected="the package numpy", got="not installed", hint=hint) from None
    return FastArithmetic()
