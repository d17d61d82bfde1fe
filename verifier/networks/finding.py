"""Where a network program and its tasks come from: the metadata of the weights file, a JSON file, or the name of a shipped program.

A network file is `{"network": program, "tasks": {word: task, ...}, "summary": text}`; the summary may be left out.  The same text stands
in a weights file under the metadata key `verifier.network`.  Nothing is guessed: what a template leaves open is filled in from shapes of
tensors alone, and said.  The kernel reads the finished program from the statement, and none of this.

| placeholder                                  | is filled in with                                      |
|----------------------------------------------|--------------------------------------------------------|
| `"scale_squared": "1/d_head"`                | one over the width of that attention's query           |
| `"positions": "n_ctx"` in a task             | the number of positions of the network's tables        |
| `"labels": [0, 1, ...]` in a task `table`    | the list's digest; the list goes into the certificate  |
| names in `unused` that the file does not have | nothing: they are left out                             |
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from verifier.kernel.decode.inputs import read_bounded
from verifier.kernel.decode.safetensors import read_safetensors
from verifier.kernel.decode.strict_json import Reader, parse
from verifier.kernel.errors import MalformedInput, Usage, shown
from verifier.kernel.limits import LIMITS
from verifier.kernel.network.attention_only import NAME as ATTENTION_ONLY
from verifier.kernel.network.operators import Network, read_network
from verifier.kernel.network.program import read_program
from verifier.kernel.statement import fit_task
from verifier.kernel.tasks import read_task
from verifier.kernel.tasks.table import digest_of
from verifier.kernel.tasks.task import Task
from verifier.networks.attention_only import attention_only_program
from verifier.networks.metadata import metadata, with_metadata
from verifier.system.suggestions import did_you_mean

KEY = "verifier.network"  # of the metadata of a weights file
CLAUSE = "network file"
WIDTH, CONTEXT = "1/d_head", "n_ctx"
SHIPPED, CHECKOUT = Path(__file__).parent / "library", Path(__file__).parents[2] / "certificates" / "networks"
LIBRARY = SHIPPED if SHIPPED.is_dir() else CHECKOUT  # in a wheel the one, in the repository the other


@dataclass(frozen=True)
class Document:
    """A network file as it was written.  source: the file, or the metadata, that holds it."""

    network: Reader
    tasks: Mapping[str, Any]
    summary: str
    source: str


@dataclass(frozen=True)
class Found:
    """A network with its weights.  filled: what was filled in or left out, a sentence each."""

    network: Network
    tasks: Mapping[str, Any]
    source: str
    filled: tuple[str, ...]


@dataclass(frozen=True)
class Asked:
    """A task that fits its network.  labels: of a task that is a table."""

    task: Task
    labels: tuple[int, ...] | None = None


def shipped() -> dict[str, Path]:
    """The shipped network files by name."""
    return {path.stem: path for path in sorted(LIBRARY.glob("*.json"))}


def is_file(word: str) -> bool:
    """Whether an argument names a file: it ends with .json or has a folder; a bare word is a name."""
    return word.endswith(".json") or os.sep in word


def read_document(data: bytes, *, file: str) -> Document:
    """Decode a network file.  Raises MalformedInput."""
    parts = Reader(parse(data, file=file, limit="statement_bytes"), file, CLAUSE).members(
        {"network": CLAUSE, "tasks": CLAUSE}, {"summary": CLAUSE}
    )
    tasks = {word: reader.value for word, reader in parts["tasks"].entries()}
    return Document(parts["network"], tasks, parts["summary"].text() if "summary" in parts else "", file)


def find_document(word: str) -> Document:
    """The document that an argument of `--network` names.  Raises Usage, MalformedInput."""
    if is_file(word):
        path = Path(word)
    elif word in shipped():
        path = shipped()[word]
    else:
        expected = "one of " + ", ".join(shipped()) + ", or FILE.json"
        raise Usage("unknown-network", expected=expected, got=word, hint=did_you_mean(word, shipped(), "see `verifier networks`"))
    return read_document(read_bounded(path, LIMITS.statement_bytes), file=str(path))


def document_within(data: bytes, *, file: str) -> Document | None:
    """The document in a weights file's metadata, None if it has none."""
    text = metadata(data, file=file).get(KEY)
    return None if text is None else read_document(text.encode("utf-8"), file=f"{file}, metadata {KEY}")


def find_network(word: str | None, data: bytes, *, file: str) -> Found:
    """The network of a weights file: the one named, else the one in its metadata.  data, file: the weights and their name."""
    document = find_document(word) if word is not None else document_within(data, file=file)
    if document is None:
        hint = f"--network FILE.json or a name of `verifier networks`, such as {ATTENTION_ONLY}"
        expected = f"a network program in the metadata key {KEY}, or --network"
        raise MalformedInput("no-network", expected=expected, got="neither", file=file, clause=CLAUSE, hint=hint)
    if word == ATTENTION_ONLY:  # its importer also looks at the biases and the mask that the formula does not have
        program = attention_only_program(data, file=file)
        network = read_network(program, data, file=file)
        scales = [f"node {node.name}: scale_squared is {value}" for node in program.nodes for value in node.numbers.values()]
        return Found(network, document.tasks, document.source, (*scales, *(f"unused: {shown(name)}" for name in program.unused)))
    network, filled = _filled(document, data, file)
    return Found(network, document.tasks, document.source, filled)


def _filled(document: Document, data: bytes, file: str) -> tuple[Network, tuple[str, ...]]:
    """The network without placeholders, and what was put in their place."""
    value, said = document.network.value, []
    if isinstance(value, dict) and isinstance(value.get("unused"), list):
        tensors = read_safetensors(data, file=file)
        absent = [name for name in value["unused"] if isinstance(name, str) and name not in tensors]
        left = [name for name in value["unused"] if name not in absent]
        value = {key: entry for key, entry in value.items() if key != "unused"} | ({"unused": left} if left else {})
        said += [f"left out of unused, the file has no such tensor: {shown(name)}" for name in absent]
    open_scales = [node for node in _nodes(value) if node.get("scale_squared") == WIDTH]
    network = _bound(with_scales(value, {}), document, data, file)
    if open_scales:
        scales = {node["node"]: f"1/{network.widths[node['query']]}" for node in open_scales}
        network = _bound(with_scales(value, scales), document, data, file)
        said += [f"node {name}: scale_squared is {scale}" for name, scale in scales.items()]
    return network, tuple(said)


def _bound(value: Any, document: Document, data: bytes, file: str) -> Network:
    program = read_program(Reader(value, document.source, CLAUSE), CLAUSE)
    return read_network(program, data, file=file)


def _nodes(value: Any) -> list[dict[str, Any]]:
    """The nodes of what may be a program."""
    nodes = value.get("nodes") if isinstance(value, dict) else None
    return [node for node in nodes if isinstance(node, dict)] if isinstance(nodes, list) else []


def with_scales(value: Any, scales: Mapping[str, str]) -> Any:
    """A program whose open scales are those given by node, else 1."""
    if not isinstance(value, dict) or not isinstance(value.get("nodes"), list):
        return value
    return value | {"nodes": [_with_scale(node, scales) for node in value["nodes"]]}


def _with_scale(node: Any, scales: Mapping[str, str]) -> Any:
    if not isinstance(node, dict) or node.get("scale_squared") != WIDTH:
        return node
    return node | {"scale_squared": scales.get(str(node.get("node")), "1/1")}


def find_task(word: str | None, found: Found) -> Asked:
    """The task that an argument of `--task` names: a word of the network's file, or a JSON file.  One task alone needs no word."""
    if word is not None and is_file(word):
        value = parse(read_bounded(Path(word), LIMITS.statement_bytes), file=word, limit="statement_bytes")
        return read_asked(value, found.network, file=word)
    chosen = next(iter(found.tasks)) if word is None and len(found.tasks) == 1 else word
    if chosen is None or chosen not in found.tasks:
        words = shown(", ".join(found.tasks)) or "none in the network file"  # a stranger's text
        got = "no --task" if chosen is None else chosen
        near = [name for name in found.tasks if name.isascii() and name.isprintable()]
        hint = did_you_mean(chosen or "", near, "see `verifier tasks`")
        raise Usage("unknown-task", expected=f"--task with one of: {words}; or FILE.json", got=got, hint=hint)
    return read_asked(found.tasks[chosen], found.network, file=f"{found.source}, task {shown(chosen)}")


def read_asked(value: Any, network: Network, *, file: str) -> Asked:
    """A task of a network, its placeholders filled in.  Raises MalformedInput."""
    labels = None
    if isinstance(value, dict) and value.get("positions") == CONTEXT:
        if network.positions is None:
            reader = Reader(value, file, CLAUSE)
            raise reader.refuse("wrong-shape", f"a number of positions, not {CONTEXT}: the network takes any", CONTEXT)
        value = value | {"positions": network.positions}
    if isinstance(value, dict) and value.get("name") == "table" and isinstance(value.get("labels"), list):
        labels = tuple(item.integer(0, LIMITS.vocabulary) for item in Reader(value["labels"], file, CLAUSE).items())
        value = value | {"labels": digest_of(labels)}
    task = read_task(Reader(value, file, CLAUSE))
    fit_task(network, task, file=file)
    return Asked(task, labels)


def with_network(data: bytes, program: Mapping[str, Any], tasks: Mapping[str, Any], *, file: str = "") -> bytes:
    """A weights file that carries a program and its tasks, read back before it is returned.  Raises as `find_network` does."""
    text = json.dumps({"network": program, "tasks": tasks}, separators=(",", ":"))
    result = with_metadata(data, {KEY: text}, file=file)
    found = find_network(None, result, file=file)
    for word in tasks:
        find_task(word, found)
    return result
