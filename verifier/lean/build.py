"""Compile the library and any exported files, and refuse whatever is not a finished proof.

A compiled file is kept under the hash of its text, of the hashes of its imports and of the toolchain's name, so a
second build with nothing changed compiles nothing.  Two files are compiled at a time.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path

from .errors import BuildFailed
from .sources import LIBRARY_ROOT, cheating_words, import_order, imports_of, module_file
from .toolchain import Answer, OfficialLean, PackagedLean, cache_folder, find_toolchain, run

WORKERS = 2
FILE_SECONDS = 900  # one file
UNFINISHED = re.compile(r"declaration uses .?sorry", re.IGNORECASE)
ERROR = re.compile(r"(^|: )error(\(|:| )", re.MULTILINE)


@dataclass
class BuildReport:
    """What a build did: modules compiled with their seconds, modules taken from the cache, what Lean printed."""

    toolchain: str
    seconds: dict[str, float] = field(default_factory=dict)
    cached: list[str] = field(default_factory=list)
    output: dict[str, str] = field(default_factory=dict)
    files: int = 0  # of the library and of the export

    @property
    def spent(self) -> float:
        """Seconds of all modules together."""
        return sum(self.seconds.values())


def build(
    library: Path, extra_files: Sequence[Path] = (), progress: Callable[[str], None] = lambda _: None, *, library_too: bool = True
) -> BuildReport:
    """Build `library`, then each of `extra_files` (each may import the library, not another extra file).

    `library_too=False` is for files that import nothing of it.
    """
    library = library.resolve()
    modules = import_order(library)
    for module in modules:
        refuse_cheating(library / module_file(module), evaluation_allowed=False)
    for path in extra_files:
        refuse_cheating(path, evaluation_allowed=True)
    toolchain = find_toolchain()
    report = BuildReport(toolchain.name, files=len(extra_files) + len(modules) * library_too)
    if isinstance(toolchain, OfficialLean):
        build_with_lake(toolchain, library, extra_files, report, library_too=library_too)
    else:
        build_packaged(toolchain, library, extra_files, report, progress, library_too=library_too)
    return report


def refuse_cheating(path: Path, *, evaluation_allowed: bool) -> None:
    """Raise BuildFailed if the file holds a word that has no place in a proof."""
    if words := cheating_words(path.read_text(), evaluation_allowed=evaluation_allowed):
        raise BuildFailed(f"{path}: forbidden words {', '.join(words)}")


def refuse_unfinished(module: str, answer: Answer) -> None:
    """Raise BuildFailed unless Lean accepted the file with every proof finished."""
    if answer.returncode or ERROR.search(answer.output) or UNFINISHED.search(answer.output):
        raise BuildFailed(f"{module} (exit {answer.returncode}):\n{answer.output}")


def build_with_lake(toolchain: OfficialLean, library: Path, extra_files: Sequence[Path], report: BuildReport, *, library_too: bool) -> None:
    """The official toolchain keeps its own cache."""
    if library_too:
        start = time.monotonic()
        answer = run([str(toolchain.lake), "build"], cwd=library, env=os.environ, seconds=FILE_SECONDS * 4)
        refuse_unfinished(LIBRARY_ROOT, answer)
        report.output[LIBRARY_ROOT], report.seconds[LIBRARY_ROOT] = answer.output, time.monotonic() - start
    for path in extra_files:
        start = time.monotonic()
        answer = run([str(toolchain.lake), "env", "lean", str(path.resolve())], cwd=library, env=os.environ, seconds=FILE_SECONDS)
        refuse_unfinished(path.name, answer)
        report.output[path.name], report.seconds[path.name] = answer.output, time.monotonic() - start


def build_packaged(
    toolchain: PackagedLean,
    library: Path,
    extra_files: Sequence[Path],
    report: BuildReport,
    progress: Callable[[str], None],
    *,
    library_too: bool,
) -> None:
    """One process per file that changed, at most `WORKERS` at a time."""
    sources = {module: (library, module_file(module)) for module in import_order(library)} if library_too else {}
    sources |= {path.stem: (path.resolve().parent, path.name) for path in extra_files}
    texts = {module: (root / file).read_text() for module, (root, file) in sources.items()}
    needs = {module: [m for m in imports_of(text) if m in sources] for module, text in texts.items()}
    keys: dict[str, str] = {}
    for module in sources:  # in import order
        parts = [toolchain.name, module, texts[module], *(keys[m] for m in needs[module])]
        keys[module] = hashlib.sha256("\0".join(parts).encode()).hexdigest()
    store = cache_folder() / "compiled"
    store.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="tree-", dir=cache_folder()) as tree_name, ThreadPoolExecutor(WORKERS) as pool:
        tree = Path(tree_name)
        done: set[str] = set()
        running: dict[Future[None], str] = {}
        waiting = list(sources)

        def compile_one(module: str) -> None:
            root, file = sources[module]
            target = tree / module_file(module).replace(".lean", ".olean")
            target.parent.mkdir(parents=True, exist_ok=True)
            kept = store / keys[module]
            if kept.exists():
                for piece in kept.iterdir():
                    link(piece, target.parent / piece.name)
                report.output[module] = (kept / "output.txt").read_text()
                report.cached.append(module)
                return
            progress(f"lean: {module}")
            start = time.monotonic()
            answer = toolchain.compile(root, file, tree, target, FILE_SECONDS)
            refuse_unfinished(module, answer)
            report.seconds[module], report.output[module] = time.monotonic() - start, answer.output
            keep(target, answer.output, kept)

        while waiting or running:
            for module in [m for m in waiting if all(n in done for n in needs[m])]:
                waiting.remove(module)
                running[pool.submit(compile_one, module)] = module
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                module = running.pop(future)
                if error := future.exception():
                    pool.shutdown(cancel_futures=True)
                    raise error
                done.add(module)


def keep(target: Path, output: str, kept: Path) -> None:
    """Put the pieces of a compiled file into the store in one step, so that a broken build leaves nothing behind."""
    partial = Path(tempfile.mkdtemp(prefix="partial-", dir=kept.parent))
    for piece in target.parent.glob(target.stem + ".*"):
        shutil.copyfile(piece, partial / piece.name)
    (partial / "output.txt").write_text(output)
    try:
        partial.rename(kept)
    except OSError:  # another build was first
        shutil.rmtree(partial)


def link(source: Path, target: Path) -> None:
    """A hard link where the file system has them, else a copy."""
    if target.name == "output.txt":
        return
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
