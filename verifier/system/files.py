"""Writing files so that a reader never sees half of one, and nobody's work is overwritten by accident."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from verifier.kernel.errors import Usage


def refuse_to_overwrite(path: Path, *, force: bool) -> None:
    """Raise `Usage` if `path` exists and the caller did not say `force`.

    Called again by `write_together`; call it before long work too, so that nobody waits for a refusal.
    """
    if path.is_dir():
        raise Usage("not-a-file", file=str(path), expected="the name of a file to write", got="a folder")
    if path.exists() and not force:
        raise Usage("file-exists", file=str(path), expected="a new file", got="an existing one", hint="use --force")
    above = next((folder for folder in path.absolute().parents if folder.exists()), None)
    if above is not None and not above.is_dir():
        raise Usage("cannot-write", file=str(path), expected="a writable place", got=f"a file in the place of the folder {above.name}")
    if above is not None and not os.access(above, os.W_OK | os.X_OK):
        raise Usage("cannot-write", file=str(path), expected="a writable place", got="no permission to write there")


def write_atomically(path: Path, content: bytes, *, force: bool = False) -> None:
    """Write `content` to `path` as one event, creating missing parent folders."""
    write_together({path: content}, force=force)


def write_together(contents: Mapping[Path, bytes], *, force: bool = False) -> None:
    """Write files that belong together, such as a statement and its certificate: on a full disk all of them or none.

    1. Write and fsync temporary files in the same folders: `os.replace` is atomic only within one file system.
    2. Rename each over its place, so that a crash leaves the old file or the new one, never a mixture.
    3. Fsync the folders, so that the renames themselves survive a crash.

    Raises `Usage` where that is impossible; nothing is then left behind but folders.
    """
    for path in contents:
        refuse_to_overwrite(path, force=force)
    temporaries: dict[Path, Path] = {}  # place -> file beside it, written but not renamed
    path = Path()
    try:
        for path, content in contents.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
            temporaries[path] = Path(name)
            _write_durably(os.fdopen(descriptor, "wb"), content)
            os.chmod(name, 0o666 & ~_process_umask())  # mkstemp makes private files; ours are ordinary ones
        for path in contents:
            os.replace(temporaries[path], path)
            del temporaries[path]
        for folder in {path.parent for path in contents}:
            _fsync_folder(folder)
    except OSError as error:
        raise Usage("cannot-write", file=str(path), expected="a writable place", got=error.strerror or error) from error
    finally:  # also after KeyboardInterrupt: an interrupted run leaves no litter behind
        for temporary in temporaries.values():
            temporary.unlink(missing_ok=True)


def refuse_to_overwrite_folder(folder: Path, *, ours: re.Pattern[str], force: bool) -> None:
    """Raise `Usage` unless `folder` is new or empty or, with `force`, holds nothing but files named like `ours`.

    A folder is replaced as a whole, so one with anybody else's work in it is refused even with `force`.
    """
    if not folder.exists():
        return
    if not folder.is_dir():
        raise Usage("not-a-folder", file=str(folder), expected="the name of a folder to write", got="a file")
    for entry in sorted(folder.iterdir()):
        if not force:
            raise Usage("file-exists", file=str(folder), expected="a new folder", got=f"one that holds {entry.name}", hint="use --force")
        if not ours.fullmatch(entry.name) or not entry.is_file():
            raise Usage("not-ours", file=str(folder), expected="a folder of its own", got=f"one that holds {entry.name}")


def write_folder_atomically(folder: Path, contents: Mapping[str, bytes], *, ours: re.Pattern[str], force: bool = False) -> None:
    """Write a folder of files as one event: beside its place first, then renamed; no error leaves half of it behind."""
    try:
        refuse_to_overwrite_folder(folder, ours=ours, force=force)
        place = folder.resolve()  # a link keeps pointing to the folder
        place.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=place.parent, prefix=f".{place.name}.", suffix=".tmp"))
        try:
            for name, content in contents.items():
                _write_durably((temporary / name).open("xb"), content)
            temporary.chmod(0o777 & ~_process_umask())
            _replace_folder(place, temporary)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        _fsync_folder(place.parent)
    except OSError as error:
        raise Usage("cannot-write", file=str(folder), expected="a writable place", got=error.strerror or error) from error


def _replace_folder(place: Path, new: Path) -> None:
    """Rename `new` to `place`; what was there is kept until that has worked."""
    if not place.exists():
        new.rename(place)
        return
    old = Path(tempfile.mkdtemp(dir=place.parent, prefix=f".{place.name}.", suffix=".old"))
    place.rename(old)
    try:
        new.rename(place)
    except BaseException:
        old.rename(place)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _process_umask() -> int:
    """The umask of this process; the only portable way to read it is to set it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _write_durably(stream: BinaryIO, content: bytes) -> None:
    """Write, close, and return when it is on the disk."""
    with stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _fsync_folder(folder: Path) -> None:
    """Make the folder's entries durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
