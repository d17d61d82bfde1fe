"""Write the figures that README.md quotes: `python benchmarks/readme_table.py [PART ...]`, all parts without a name.

`demo`: the output of the demo.  `frontier`: the main strategies on the main model.  `networks`: results about networks of other shapes,
as `benchmarks/networks.py` and `benchmarks/tutorial.py` recorded them.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.common import RESULTS, write_part
from verifier.proving import prove
from verifier.strategies import STRATEGIES

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
MODEL = "certificates/models/max-of-4.safetensors"
SHOWN = (
    "brute-force",
    "exact",
    "absent-present",
    "low-rank-qk",
    "counting",
    "subcubic",
    "low-rank-quadratic-qk",
    "low-rank-eu",
    "low-rank-quadratic",
    "cubic",
    "envelope",
    "subcubic/max_diff_exact/mean_query+diff/exact_EQKE+max_diff_exact",
    "subcubic/max_diff_exact/mean_query+diff/max_diff_subproduct",
    "subcubic/max_diff_exact/mean_query+diff/max_diff_subproduct_recursive",
    "subcubic/mean_query+max_diff/mean_query+diff/max_diff_subproduct_recursive",
)


def demo() -> str:
    """The commands of `make demo` with their output."""
    with tempfile.TemporaryDirectory() as folder:
        lines = []
        files = "demo-output/statement.json demo-output/certificate.json"
        for command in (
            f"verifier prove {MODEL} --strategy subcubic -o demo-output",
            f"verifier check {files} {MODEL}",
            f"verifier check {files} {MODEL} --arithmetic fast",
        ):
            words = command.replace("demo-output", f"{folder}/demo-output").split()
            done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
            lines += ["    $ " + command, *("    " + line for line in done.stdout.replace(f"{folder}/", "").splitlines()), ""]
    return "\n".join(lines)


def table() -> str:
    """One row per strategy, best bound first."""
    model = (ROOT / MODEL).read_bytes()
    rows = []
    for name in SHOWN:
        verdict = prove(model, STRATEGIES[name], file=MODEL, reference=False).verdicts[0]
        if verdict.bound is None:
            raise RuntimeError(name)
        ledger, bound = verdict.context.ledger, verdict.bound
        exact = " exact" if bound.certified + bound.wrong == bound.total else ""
        length = f"2^{math.log2(ledger.operations):.1f}"
        share = math.floor(bound.proved * 10**5) / 10**5
        mark = "published" if STRATEGIES[name].published else "ours"
        rows.append(
            (
                bound.certified,
                f"| `{name}` | {mark} | {STRATEGIES[name].cost_class} | {share:.5f}{exact} | {length} | {verdict.seconds:.1f} |",
            )
        )
    rows.sort(key=lambda row: -row[0])
    head = ["| strategy | whose | cost class | accuracy at least | operations | fast check, s |", "|---|---|---|---|---|---|"]
    return "\n".join(head + [row for _, row in rows])


def networks() -> str:
    """One row per recorded result, those about strangers' models first."""
    shapes, tutorial = (json.loads((RESULTS / f"{name}.json").read_text())["rows"] for name in ("networks", "tutorial"))
    rows = [_row(row, row["network"], row["trained"], row["model"], _seconds(row, "fast"), _seconds(row, "mpmath")) for row in shapes]
    rows += [_row(row, row["model"], "here", row["weights"], f"{row['seconds']:.1f} s", "") for row in tutorial]
    head = ["| model | trained | statement | inputs | proved | fast check | mpmath check | weights |", "|---|---|---|---|---|---|---|---|"]
    return "\n".join(head + rows)


def _row(row: dict[str, Any], model: str, trained: str, digest: str, *seconds: str) -> str:
    claim, proved = f"{row['metric']} {row['relation']}", f"{float(Fraction(row['proved'])):.9g}"
    return "| " + " | ".join([f"`{model}`", trained, claim, f"{row['inputs']:,}", proved, *seconds, f"`{digest[:19]}...`"]) + " |"


def _seconds(row: dict[str, Any], arithmetic: str) -> str:
    check = row["checks"].get(arithmetic)
    return f"{check['seconds']:.1f} s" if check and check.get("verdict") == "PROVED" else ""


PARTS: dict[str, Callable[[], str]] = {"demo": demo, "frontier": table, "networks": networks}


def main() -> None:
    """Rewrite the parts of README.md that are named."""
    for name in sys.argv[1:] or PARTS:
        write_part(README, name, PARTS[name]())


if __name__ == "__main__":
    main()
