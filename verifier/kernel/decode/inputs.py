"""Reading the files named by the caller: bounded, so that an endless file is refused by its reader and never read whole."""

from __future__ import annotations

from pathlib import Path

from verifier.kernel.errors import MalformedInput
from verifier.kernel.limits import LIMITS

STATEMENT_CERTIFICATE_MODEL = (LIMITS.statement_bytes, LIMITS.certificate_bytes, LIMITS.model_bytes)  # bytes


def read_bounded(path: Path, limit: int) -> bytes:
    """The bytes of a file, at most one more than `limit`."""
    try:
        with path.open("rb") as stream:
            return stream.read(limit + 1)
    except OSError as error:
        reason = error.strerror or "an error"
        raise MalformedInput("unreadable", expected="a readable file", got=reason, file=str(path), clause="1.1") from None
