"""What can go wrong around Lean, by who is at fault: the machine (no toolchain, no library) or the sources (a build that fails)."""

from __future__ import annotations


class LeanError(Exception):
    """Anything that keeps Lean from answering."""


class ToolchainMissing(LeanError):
    """This machine has no Lean and none could be installed; says what was tried and what to do next."""


class LibraryMissing(LeanError):
    """The files of `lean/` are not where they belong; says where that is."""


class ForeignExport(LeanError):
    """A folder is not what the statement, the certificate and the model export; says the first difference."""


class BuildFailed(LeanError):
    """Lean refused a file, or a source uses a word that would cheat; carries Lean's own messages."""
