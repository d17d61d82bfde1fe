"""Refusals as data: reason code and clause, and a message of one printable line whatever the file holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from verifier.kernel.errors import LimitExceeded, MalformedInput, SubjectMismatch, VerifierError

MALFORMED, MISMATCH, LIMIT = MalformedInput, SubjectMismatch, LimitExceeded


def refused(act: Callable[[], Any], family: type[VerifierError] = MalformedInput) -> tuple[str, str]:
    """Code and clause of the error that `act` raises; its text must name the file and be one printable line."""
    with pytest.raises(family) as caught:
        act()
    error, message = caught.value, str(caught.value)
    assert type(error) is family
    assert error.exit_code == 3
    assert message.startswith("FILE: ")
    assert message.isascii()
    assert message.isprintable(), message
    assert len(message) < 1000
    assert error.expected
    assert set(error.reason()) == {"code", "file", "clause", "expected", "got"}
    return error.code, error.clause
