"""What can go wrong around Lean, by who is at fault: the machine (no toolchain) or the sources (a build that fails)."""

from __future__ import annotations


class LeanError(Exception):
    """Anything that keeps Lean from answering."""


class ToolchainMissing(LeanError):
    """This machine has no Lean and none could be installed; says what was tried and what to do next."""


class BuildFailed(LeanError):
    """Lean refused a file, or a source uses a word that would cheat; carries Lean's own messages."""
