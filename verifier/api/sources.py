"""A file as a path or as its content."""

from __future__ import annotations

import os
from pathlib import Path

from verifier.kernel.decode.inputs import read_bounded

Source = str | os.PathLike[str] | bytes


def content_of(source: Source, limit: int, kind: str) -> tuple[bytes, str]:
    """The bytes of a file, and its name for messages: `kind` where the content itself was given.  Raises LimitExceeded, Usage."""
    if isinstance(source, bytes):
        return source, kind
    path = Path(source)
    return read_bounded(path, limit), str(path)
