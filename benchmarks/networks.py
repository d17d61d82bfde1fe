"""Exact results about models that strangers trained: proved, checked in both arithmetics, timed.

    VERIFIER_STRANGERS=FOLDER python benchmarks/networks.py [--only NAME ...] [--reference]

FOLDER holds the weights, which are not in the project; a row names them by digest.  `--reference` also checks rows that take mpmath
minutes.  Rows that are not run are kept from the last time.  Results: benchmarks/results/networks.json and .md.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import RESULTS, machine, markdown, verifier, write
from verifier.networks.finding import find_network, find_task
from verifier.networks.floats import FloatNetwork, losses, right
from verifier.networks.subjects import whole_scope

HEADER = ("model", "statement", "inputs", "proved", "in float64", "fast check", "mpmath check", "operations", "weights")


@dataclass(frozen=True)
class Target:
    """A row.  slow: mpmath takes minutes.  within: how far above the true mean a loss bound may be, as a share of it."""

    network: str
    task: str
    metric: str
    slow: bool
    within: float = 0.01

    @property
    def name(self) -> str:
        return f"{self.network} {self.metric}"


TARGETS = (
    Target("longest-cycle-h4-n4", "cycle", "accuracy", slow=False),
    Target("longest-cycle-h4-n4", "cycle", "cross_entropy", slow=False),
    Target("mod-addition-113", "sum", "accuracy", slow=True),
    Target("mod-addition-113", "sum", "cross_entropy", slow=True),
)


def measure(target: Target, folder: Path, reference: bool) -> dict[str, Any]:
    """Prove and check one row.  Raises RuntimeError where a target is missed."""
    weights = folder / f"{target.network}.safetensors"
    true = in_floats(target, weights)
    with tempfile.TemporaryDirectory() as place:
        question = ("--network", target.network, "--task", target.task, "--metric", target.metric)
        proof = verifier("prove", weights, *question, "-o", place)
        papers = (Path(place) / "statement.json", Path(place) / "certificate.json", weights)
        fast = verifier("check", *papers, "--arithmetic", "fast")
        slow = verifier("check", *papers) if reference or not target.slow else None
    proved = Fraction(fast.output["proved"])
    met = proved == Fraction(true) if target.metric == "accuracy" else true <= float(proved) <= true * (1 + target.within)
    if not met:
        raise RuntimeError(f"{target.name}: proved {fast.output['proved']}, and {true} in float64")
    return {
        "network": target.network,
        "task": target.task,
        "metric": target.metric,
        "relation": fast.output["relation"],
        "inputs": fast.output["total"],
        "proved": fast.output["proved"],
        "float64": true,
        "model": fast.output["subject"]["model"],
        "operations": fast.output["operations"],
        "trusted_lines": fast.output["trusted_lines"],
        "prove_seconds": proof.output["prove_seconds"],
        "checks": {"fast": _check(fast), "mpmath": None if slow is None else _check(slow)},
    }


def _check(finished: Any) -> dict[str, Any]:
    names = ("verdict", "seconds", "operations", "backend")
    return {name: finished.output[name] for name in names} | {"peak_mebibytes": finished.peak_mebibytes}


def in_floats(target: Target, weights: Path) -> float:
    """The true value in float64: the share of right answers, or the mean loss."""
    found = find_network(target.network, weights.read_bytes(), file=str(weights))
    task = find_task(target.task, found).task
    sequences = [task.sequence(tokens) for tokens in whole_scope(found.network, task).inputs()]
    labels = np.array([task.answers(sequence) for sequence in sequences]) - found.network.outputs.start
    logits = FloatNetwork(found.network).logits(sequences, task.layout.reads)
    return float(right(logits, labels).mean() if target.metric == "accuracy" else losses(logits[:, 0], labels[:, 0]).mean())


def table(rows: Sequence[dict[str, Any]]) -> str:
    """The rows for people."""
    lines = []
    for row in rows:
        seconds = ["not run" if check is None else f"{check['seconds']:.1f} s" for check in row["checks"].values()]
        decimal = float(Fraction(row["proved"]))
        statement = f"{row['metric']} {row['relation']}"
        lines.append(
            (
                row["network"],
                statement,
                row["inputs"],
                f"{decimal:.9g}",
                f"{row['float64']:.9g}",
                *seconds,
                row["operations"],
                f"`{row['model'][:19]}...`",
            )
        )
    return markdown(HEADER, lines)


def main() -> int:
    """Run rows and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=sorted({target.network for target in TARGETS}), metavar="NAME", help="these networks")
    parser.add_argument("--reference", action="store_true", help="also check slow rows with mpmath")
    args = parser.parse_args()
    folder = os.environ.get("VERIFIER_STRANGERS")
    if folder is None:
        print("VERIFIER_STRANGERS must name the folder with strangers' models", file=sys.stderr)
        return 3
    path = RESULTS / "networks.json"
    rows = {row["network"] + " " + row["metric"]: row for row in json.loads(path.read_text())["rows"]} if path.exists() else {}
    for target in TARGETS:
        if args.only is None or target.network in args.only:
            rows[target.name] = measure(target, Path(folder), args.reference) | {"machine": machine()}
            print(json.dumps(rows[target.name]), flush=True)
    known = [rows[target.name] for target in TARGETS if target.name in rows]
    write(path, json.dumps({"rows": known}, indent=1) + "\n")
    write(
        path.with_suffix(".md"),
        f"# Models of strangers\n\nBy `python benchmarks/networks.py`; details in `networks.json`.\n\n{table(known)}\n",
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
