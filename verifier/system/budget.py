"""What one piece of work may cost this process: seconds and memory, and how much memory it took at its peak.

For searches that are not trusted to stop by themselves.  The limits rest on Unix (`setitimer`, `setrlimit`, /proc); where they do
not exist, nothing is limited and the peak is unknown.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

try:
    import resource
except ModuleNotFoundError:  # not Unix
    resource = None  # type: ignore[assignment]

MEBI = 1 << 20


class OutOfTime(BaseException):
    """The seconds are used up.  Not an `Exception`: a strategy that tries several things must not take it for one failure."""


@contextlib.contextmanager
def seconds_limited(seconds: float | None) -> Iterator[None]:
    """Raise `OutOfTime` here after so many seconds; only the main thread of a process can be limited."""
    if not seconds or not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        raise OutOfTime

    previous = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


@contextlib.contextmanager
def memory_limited(mebibytes: int | None) -> Iterator[None]:
    """Let the process grow by so much and no more: beyond it, an allocation is a MemoryError here and harms nobody else."""
    size = _status("VmSize")
    if not mebibytes or size is None or resource is None:
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = (size + mebibytes) * MEBI
    resource.setrlimit(resource.RLIMIT_AS, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def memory_to_spare() -> int | None:
    """Mebibytes that could be allocated now without harming others."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) // 1024 for line in lines if line.startswith("MemAvailable:")), None)


def reset_peak() -> None:
    """Forget the peak of what this process did before."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def peak_mebibytes() -> int | None:
    """The most memory this process held at once since `reset_peak`."""
    return _status("VmHWM")


def _status(field: str) -> int | None:
    try:
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) // 1024 for line in lines if line.startswith(field + ":")), None)
