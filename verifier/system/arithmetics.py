"""Making the arithmetic that the caller asked for."""

from __future__ import annotations

from verifier.kernel.errors import Usage
from verifier.kernel.numbers.arithmetic import Arithmetic
from verifier.kernel.numbers.reference import ReferenceArithmetic

ARITHMETICS = ("mpmath", "fast")


def make_arithmetic(name: str) -> Arithmetic:
    """`mpmath`, the reference, or `fast`, which needs numpy."""
    if name == "mpmath":
        return ReferenceArithmetic()
    try:
        from verifier.fast import FastArithmetic
    except ModuleNotFoundError:
        hint = "pip install '.[fast]' in the project's folder"
        raise Usage("missing-package", expected="the package numpy", got="not installed", hint=hint) from None
    return FastArithmetic()
