"""Did you mean?  For a word that is none of those that exist."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

CLOSE = 0.6  # of 1, as difflib measures likeness


def did_you_mean(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """A hint for a message: the word that is nearest, else `otherwise`."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=CLOSE)
    return f"did you mean {near[0]}?" if near else otherwise
