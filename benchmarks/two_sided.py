"""Bounds on both sides for models of long inputs, without a list of inputs.

    python -m benchmarks.two_sided [NAME ...]   # models of benchmarks/frontier.py; results/two_sided.json, .md; part of README.md

For each model: `verifier prove --strategy two-sided`, unless its certificate is in benchmarks/models already, a check with the fast
arithmetic, and random inputs evaluated in float64.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from benchmarks.common import MODELS, RESULTS, ROOT, machine, markdown, verifier, write, write_part
from benchmarks.frontier import RECIPES, model_file

SAMPLES, SEED = 1_000_000, 0
SHOWN = ("max-of-4-seed-123", "max-of-10", "max-of-20")
HEAD = (
    "model",
    "inputs",
    "accuracy at least",
    "accuracy at most",
    "width",
    "sampled",
    "of the sampled wrong mass proved wrong",
    "operations",
    "certificate",
    "prove, processor s",
    "fast check, processor s",
    "mpmath check",
)


def row(name: str) -> dict[str, Any]:
    """What is proved of one model, how long it takes, and how much of what samples show wrong that is."""
    path, folder = model_file(name), MODELS / "two-sided" / name
    files, searched = (folder / "statement.json", folder / "certificate.json", path), folder / "search.json"
    if not searched.exists():  # goes on where it stopped: the search takes minutes
        proved = verifier("prove", path, "--strategy", "two-sided", "-o", folder, "--force")
        write(searched, json.dumps({"prove_processor_seconds": proved.cpu_seconds}))
    checked = verifier("check", *files, "--arithmetic", "fast")
    verdict = checked.output
    sampled = verifier("estimate", path, "--samples", SAMPLES, "--seed", SEED).output
    right, wrong, total = (int(verdict[key]) for key in ("certified", "wrong", "total"))
    share = float(sampled["value"])
    return {
        "model": name,
        "weights": verdict["subject"]["model"],
        "inputs": total,
        "lower": f"{right}/{total}",
        "upper": f"{total - wrong}/{total}",
        "width": float(Fraction(total - right - wrong, total)),
        "sampled": share,
        "samples": SAMPLES,
        "share_of_sampled_wrong": wrong / total / (1 - share),
        "operations": verdict["operations"],
        "certificate_bytes": files[1].stat().st_size,
        "prove_seconds": round(json.loads(searched.read_bytes())["prove_processor_seconds"], 1),
        "check_seconds": round(checked.cpu_seconds, 1),
        "check_mebibytes": checked.peak_mebibytes,
        "mpmath": "yes" if verdict["operations"] <= 1 << 26 else "too long",
    }


def lines(rows: Sequence[dict[str, Any]]) -> str:
    """The table."""
    body = [
        (
            f"`{one['model']}`",
            f"{float(one['inputs']):.2g}",
            f"{math.floor(Fraction(one['lower']) * 10**6) / 10**6:.6f}",
            f"{math.ceil(Fraction(one['upper']) * 10**6) / 10**6:.6f}",
            f"{one['width']:.1e}",
            f"{one['sampled']:.6f}",
            f"{one['share_of_sampled_wrong']:.0%}",
            f"2^{math.log2(one['operations']):.1f}",
            f"{one['certificate_bytes'] // 1000} kB",
            f"{one['prove_seconds']:.0f}",
            f"{one['check_seconds']:.0f}",
            one["mpmath"],
        )
        for one in rows
    ]
    return markdown(HEAD, body)


def main() -> None:
    """Make the rows that are named, and the documents from all that are known."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[*RECIPES, []], default=[], metavar="NAME")
    names = parser.parse_args().names or list(SHOWN)
    for name in names:
        keep(row(name))


def keep(made: dict[str, Any]) -> None:
    """A row among those that are known, and the documents from all of them."""
    path = RESULTS / "two_sided.json"
    known = {one["model"]: one for one in json.loads(path.read_bytes())["rows"]} if path.exists() else {}
    known[made["model"]] = made
    rows = [known[model] for model in RECIPES if model in known]
    write(path, json.dumps({"machine": machine(), "rows": rows}, indent=1) + "\n")
    text = "Made by `python -m benchmarks.two_sided`; of the machine and the weights, `two_sided.json` says more.\n"
    write(RESULTS / "two_sided.md", f"# Bounds on both sides\n\n{text}\n{lines(rows)}\n")
    write_part(ROOT / "README.md", "two-sided", lines(rows))


if __name__ == "__main__":
    main()
