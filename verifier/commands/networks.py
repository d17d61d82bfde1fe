"""`verifier networks`: the programs that can be named, and any program as formulas that a person can read."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from verifier.kernel.decode.inputs import read_bounded
from verifier.kernel.decode.strict_json import Reader
from verifier.kernel.errors import MalformedInput, shown
from verifier.kernel.limits import LIMITS
from verifier.kernel.network.formulas import formulas
from verifier.kernel.network.program import GRAMMARS, read_program
from verifier.networks.finding import KEY, WIDTH, Document, document_within, find_document, shipped, with_scales

EXAMPLES = """\
examples:
  verifier networks
  verifier networks cumsum
  verifier networks mine.json
  verifier networks model.safetensors --json
"""
SHOWN_TASKS = 4  # of a program, in the list
OPEN = "sqrt(1)"  # what the formulas show where a template leaves the scale open


def add_parser(subparsers: Any) -> None:
    """Declare the arguments."""
    parser = subparsers.add_parser("networks", description="List the shipped network programs, or show one.", epilog=EXAMPLES)
    parser.add_argument("network", nargs="?", metavar="NETWORK", help="a shipped name, FILE.json, or weights that carry a program")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the list or one program."""
    if args.network is None:
        documents = {name: find_document(name) for name in shipped()}
        if args.json:
            rows = [{"name": name, "summary": one.summary, "tasks": list(one.tasks)} for name, one in documents.items()]
            print(json.dumps({"networks": rows, "operators": list(GRAMMARS)}))
        else:
            for name, one in documents.items():
                words = list(one.tasks)
                tasks = ", ".join(words[:SHOWN_TASKS]) + (f" and {len(words) - SHOWN_TASKS} more" if len(words) > SHOWN_TASKS else "")
                print(f"{name}\n  {one.summary}\n  tasks: {tasks}")
            print(f"operators of programs: {', '.join(GRAMMARS)}")
        return 0
    document = _document(args.network)
    program = read_program(Reader(with_scales(document.network.value, {}), document.source, "network file"), "network file")
    lines = formulas(program)
    nodes = document.network.value["nodes"]
    lines = [
        line.replace(OPEN, f"sqrt({WIDTH}), filled in from the weights")
        if number < len(nodes) and nodes[number].get("scale_squared") == WIDTH
        else line
        for number, line in enumerate(lines)
    ]
    if args.json:
        report = {
            "name": program.name,
            "source": document.source,
            "summary": document.summary,
            "formulas": [line.strip() for line in lines],
        }
        print(json.dumps(report | {"network": document.network.value, "tasks": document.tasks, "tensors": list(program.tensors)}))
        return 0
    print("\n".join([f"{program.name} ({document.source})", *lines, "tasks:"]))
    for word, task in document.tasks.items():
        print(f"  {shown(word)}: {shown(json.dumps(task))}")
    return 0


def _document(word: str) -> Document:
    """The document that a word, a file, or the metadata of a weights file holds."""
    if not word.endswith(".safetensors"):
        return find_document(word)
    document = document_within(read_bounded(Path(word), LIMITS.model_bytes), file=word)
    if document is None:
        hint = "`verifier networks` lists programs that can be named"
        raise MalformedInput(
            "no-network", expected=f"the metadata key {KEY}", got="no such key", file=word, clause="network file", hint=hint
        )
    return document
