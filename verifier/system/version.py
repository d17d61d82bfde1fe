"""The version of this package, by the name that it is distributed under."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

DISTRIBUTION = "verifier-certificates"  # the command and the import are `verifier`; that name is a stranger's on the public index


def installed_version() -> str:
    """Such as 0.1.0."""
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        return "(not installed)"
