"""Strategies of other people: a function in a file of theirs, from a target to steps.

`--strategy FILE.py:FUNCTION` runs that file.  It is code, and can do whatever its caller can: read it before you run it.  It runs in
a process of its own, so that nothing it does reaches the process that checks what it found; what comes back is read as data, and the
kernel believes none of it.

That process is `main` below: a folder holds the question, and gets the steps.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

from verifier.kernel.decode.inputs import read_bounded
from verifier.kernel.decode.safetensors import RawTensor
from verifier.kernel.errors import SHOWN_CHARACTERS, Usage
from verifier.kernel.limits import LIMITS
from verifier.kernel.statement import Statement, read_statement
from verifier.networks.subjects import network_of
from verifier.strategies.steps import Step, statement_bytes
from verifier.strategies.target import NetworkStrategy, Target

MARK = ".py:"
RUN = f"import sys; from {__name__} import main; sys.exit(main(*sys.argv[1:]))"  # -P: no file of the folder at hand is taken for a library
STANDARD_ERROR = 2  # the descriptor
STEPS, FAILURE = "steps.json", "failure.txt"


def is_outside(word: str) -> bool:
    """Whether a word of --strategy names a function in a file."""
    return MARK in word


def outside(word: str) -> NetworkStrategy:
    """The strategy FILE.py:FUNCTION, whatever the target.  Raises Usage where there is no such file, before any work."""
    path, function = word.rsplit(":", 1)
    if not Path(path).is_file():
        raise Usage("no-strategy-file", file=path, expected="a Python file with a strategy", got="no such file")
    if not function.isidentifier():
        raise Usage("usage", expected="--strategy FILE.py:FUNCTION", got=word)
    return NetworkStrategy(word, "a stranger's", "a function of a file", partial(_asked, Path(path), function), lambda target: "")


def called(function: Callable[[Target], list[Step]]) -> NetworkStrategy:
    """A function of the caller's own, in the caller's own process."""
    name = getattr(function, "__name__", "a function")
    return NetworkStrategy(name, "the caller's", "a function", function, lambda target: "")


def _asked(path: Path, function: str, target: Target) -> list[Step]:
    """What the function answers, in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="verifier-strategy-") as name:
        folder = Path(name)
        _write_question(folder, target)
        command = [sys.executable, "-P", "-c", RUN, str(path.resolve()), function, name]
        # attack: PROVED on the prover's own standard output
        done = subprocess.run(command, env=_environment(), stdin=subprocess.DEVNULL, stdout=STANDARD_ERROR, check=False)
        if done.returncode or not (folder / STEPS).is_file():
            raise _failed(path, function, _last_words(folder / FAILURE) or f"its process ended with {done.returncode}")
        content = read_bounded(folder / STEPS, LIMITS.certificate_bytes)
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):  # attack: a file of its own in the place of the answer
        raise _failed(path, function, "no JSON") from None
    if not isinstance(found, list) or not all(isinstance(step, dict) for step in found):
        raise _failed(path, function, type(found).__name__)
    return found


def _failed(path: Path, function: str, got: str) -> Usage:
    hint = "VERIFIER_TRACEBACK=1 tells more"
    return Usage("strategy-failed", file=str(path), clause=function, expected="a list of steps", got=got, hint=hint)


def _last_words(path: Path) -> str:
    """The beginning of what the process left; empty if it left nothing."""
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        return file.read(SHOWN_CHARACTERS).decode("utf-8", "replace")


def _write_question(folder: Path, target: Target) -> None:
    claim = target.claim(Fraction(0))
    (folder / "statement.json").write_bytes(statement_bytes(Statement(target.subject, claim)))
    (folder / "weights").write_bytes(_weights_file(target.network.weights.tensors))
    extra = {"labels": target.labels, "bounded": target.bound is not None}
    (folder / "target.json").write_text(json.dumps(extra), encoding="ascii")


def _weights_file(tensors: Mapping[str, RawTensor]) -> bytes:
    """The tensors that the network uses, as they are, in a safetensors file."""
    header: dict[str, Any] = {}
    body = b""
    for name, tensor in tensors.items():
        header[name] = {"dtype": tensor.dtype, "shape": tensor.shape, "data_offsets": [len(body), len(body) + len(tensor.data)]}
        body += tensor.data
    encoded = json.dumps(header).encode("ascii")
    return len(encoded).to_bytes(8, "little") + encoded + body


def _read_question(folder: Path) -> Target:
    statement = read_statement((folder / "statement.json").read_bytes(), file="statement")
    extra = json.loads((folder / "target.json").read_text("ascii"))
    network = network_of(statement.subject, (folder / "weights").read_bytes(), statement="statement", file="weights")
    claim = statement.claim
    bound = claim.bound if extra["bounded"] else None
    labels = None if extra["labels"] is None else tuple(extra["labels"])
    return Target(network, statement.subject, claim.metric, claim.relation, claim.output, bound, labels)


def _environment() -> dict[str, str]:
    """This package first, whatever the folder is."""
    home = str(Path(__file__).parents[2])
    return {**os.environ, "PYTHONPATH": os.pathsep.join([home, *filter(None, [os.environ.get("PYTHONPATH")])])}


def _function_of(path: Path, name: str) -> Callable[[Target], Any]:
    spec = importlib.util.spec_from_file_location("verifier_strategy_of_a_stranger", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    function: Callable[[Target], Any] = getattr(module, name)
    return function


def main(path: str, name: str, folder: str) -> int:
    """Answer the question in a folder."""
    place = Path(folder)
    try:
        with contextlib.redirect_stdout(sys.stderr):  # standard output is the prover's
            steps = _function_of(Path(path), name)(_read_question(place))
        (place / STEPS).write_text(json.dumps(steps), encoding="ascii")
    except Exception as error:
        if os.environ.get("VERIFIER_TRACEBACK") == "1":
            raise
        (place / FAILURE).write_text(f"{type(error).__name__}: {error}", encoding="utf-8")
        return 1
    return 0
