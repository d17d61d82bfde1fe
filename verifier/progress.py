"""A progress bar on stderr, for people: only where stderr is a terminal, and only if rich is installed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress(label: str, total: int) -> Iterator[Callable[[], None]]:
    """Yield a function to call once after each of `total` pieces of work."""
    try:
        from rich.console import Console
        from rich.progress import Progress
    except ModuleNotFoundError:  # the checker alone is installed
        yield lambda: None
        return
    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True) as bar:
        task = bar.add_task(label, total=total)
        yield lambda: bar.advance(task)
