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


@contextmanager
def stages(label: str) -> Iterator[Callable[[str, int, int], None]]:
    """Yield a function (name, number, total) to call at the start of each stage of a piece of work."""
    try:
        from rich.console import Console
        from rich.progress import Progress
    except ModuleNotFoundError:
        yield lambda name, number, total: None
        return
    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True) as bar:
        task = bar.add_task(label, total=None)

        def report(name: str, number: int, total: int) -> None:
            bar.update(task, description=f"{label}: {name}", completed=number, total=total)

        yield report
