"""Writing files so that a reader never sees half of one, and nobody's work is overwritten by accident."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from verifier.kernel.errors import Usage


def refuse_to_overwrite(path: Path, *, force: bool) -> None:
    """Raise `Usage` if `path` exists and the caller did not say `force`.

    Called again by `write_atomically`; call it before long work too, so that nobody waits for a refusal.
    """
    if path.is_dir():
        raise Usage("not-a-file", file=str(path), expected="the name of a file to write", got="a folder")
    if path.exists() and not force:
        raise Usage("file-exists", file=str(path), expected="a new file", got="an existing one", hint="use --force")


def write_atomically(path: Path, content: bytes, *, force: bool = False) -> None:
    """Write `content` to `path` as one event, creating missing parent folders.

    1. Write and fsync a temporary file in the same folder: `os.replace` is atomic only within one file system.
    2. Rename it over `path`, so that a crash leaves the old file or the new one, never a mixture.
    3. Fsync the folder, so that the rename itself survives a crash.
    """
    refuse_to_overwrite(path, force=force)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            os.chmod(temporary, 0o666 & ~_process_umask())  # mkstemp makes private files; ours are ordinary ones
            os.replace(temporary, path)
        except BaseException:  # also KeyboardInterrupt: an interrupted run leaves no litter behind
            Path(temporary).unlink(missing_ok=True)
            raise
        _fsync_folder(path.parent)
    except OSError as error:
        raise Usage("cannot-write", file=str(path), expected="a writable place", got=error.strerror or error) from error


def _process_umask() -> int:
    """The umask of this process; the only portable way to read it is to set it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _fsync_folder(folder: Path) -> None:
    """Make the folder's entries durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
