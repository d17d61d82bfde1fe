"""JSON files, and small changes to them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

JSON = dict[str, Any]
Change = Callable[[JSON], object]


def written(document: JSON) -> bytes:
    """A JSON file."""
    return (json.dumps(document, indent=1) + "\n").encode("ascii")


def changed(document: bytes, change: Change) -> bytes:
    """A JSON file after a change to what it says."""
    value = json.loads(document)
    change(value)
    return written(value)


def replaced(document: bytes, old: str, new: str, count: int = 1) -> bytes:
    """A JSON file after a change to its text."""
    text = document.decode("ascii")
    if old not in text:
        raise ValueError(f"{old} is not there")
    return text.replace(old, new, count).encode("utf-8")


def the_step(certificate: JSON, name: str) -> JSON:
    """The step of that id."""
    return next(entry for entry in certificate["steps"] if entry["id"] == name)


def on_step(name: str, change: Change) -> Change:
    """The same change, to one step of a certificate."""
    return lambda certificate: change(the_step(certificate, name))


def put(*path: str | int, value: object) -> Change:
    """Set a member of a nested document."""

    def change(document: JSON) -> None:
        place: Any = document
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value

    return change


def drop(*path: str | int) -> Change:
    """Take a member out of a nested document."""

    def change(document: JSON) -> None:
        place: Any = document
        for key in path[:-1]:
            place = place[key]
        del place[path[-1]]

    return change
