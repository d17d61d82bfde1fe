"""`verifier tasks`: which answers can be called right, with the fields of each task and an example."""

from __future__ import annotations

import argparse
import json
from typing import Any

from verifier.kernel.decode.strict_json import Reader
from verifier.kernel.metrics import METRICS
from verifier.kernel.tasks import read_task
from verifier.networks.examples import EXAMPLES as TASKS


def add_parser(subparsers: Any) -> None:
    """Declare the arguments."""
    parser = subparsers.add_parser(
        "tasks",
        description="List the tasks: a task says which slots are free, where answers are read, and which output is right.",
        epilog="examples:\n  verifier tasks\n  verifier tasks --json\n",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the list."""
    sentences = {name: read_task(Reader(dict(one.task), name, "example")).sentence() for name, one in TASKS.items()}
    if args.json:
        rows = [
            {"name": name, "sentence": sentences[name], "fields": dict(one.fields), "example": dict(one.task)}
            for name, one in TASKS.items()
        ]
        print(json.dumps({"tasks": rows, "metrics": {name: list(relations) for name, relations in METRICS.items()}}))
        return 0
    for name, one in TASKS.items():
        print(f"{name}: such as {sentences[name]}")
        for field, meaning in one.fields.items():
            print(f"  {field:<10} {meaning}")
        print(f"  {json.dumps(one.task)}")
    print("metrics: " + ", ".join(f"{name} {' '.join(relations)}" for name, relations in METRICS.items()))
    return 0
