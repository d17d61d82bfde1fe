"""The walking skeleton in figures: three strategies on the main model, proved and checked from end to end.

    python benchmarks/skeleton.py

Every check is a process of its own, run three times; seconds are medians of what `verifier check --json` reports, memory is the
peak of the process.  Writes benchmarks/results/skeleton.json and skeleton.md.
"""

from __future__ import annotations

import json
import math
import statistics
import sys
import tempfile
from fractions import Fraction
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.common import RESULTS, SHIPPED, Finished, machine, markdown, verifier, write

MODEL = SHIPPED / "max-of-4.safetensors"
STRATEGIES = ("brute-force", "cubic", "subcubic")
REPEATS = 3


def measure(strategy: str, folder: Path) -> dict[str, Any]:
    """Prove once, check with both arithmetics where the reference is allowed to."""
    proof = verifier("prove", MODEL, "--strategy", strategy, "-o", folder).output
    files = (folder / "statement.json", folder / "certificate.json", MODEL)
    row = {name: proof[name] for name in ("certified", "wrong", "undecided", "total", "operations", "flops", "certificate_bytes")}
    row |= {"strategy": strategy, "proved": proof["proved"], "prove_seconds": proof["prove_seconds"]}
    for arithmetic in proof["checked_with"]:
        checks = [verifier("check", *files, "--arithmetic", arithmetic) for _ in range(REPEATS)]
        row[f"{arithmetic}_seconds"] = median(checks)
        row[f"{arithmetic}_cpu_seconds"] = round(statistics.median(check.cpu_seconds for check in checks), 3)
        row[f"{arithmetic}_peak_mib"] = max(check.peak_mebibytes for check in checks)
    return row


def median(checks: list[Finished]) -> float:
    """Median of the seconds that the checks report."""
    return statistics.median(check.output["seconds"] for check in checks)


def report(rows: list[dict[str, Any]]) -> str:
    """The Markdown page."""
    longest = rows[0]["operations"]
    table = []
    for row in rows:
        bound = Fraction(row["proved"])
        down = math.floor(bound * 10**6) / 10**6
        exact = " (exact)" if row["undecided"] == 0 else ""
        reference = f"{row['mpmath_seconds']:.2f}" if "mpmath_seconds" in row else "over its limit"
        processor = f"{row['fast_cpu_seconds']:.2f}" + (f", {row['mpmath_cpu_seconds']:.2f}" if "mpmath_cpu_seconds" in row else "")
        slower = f"{row['mpmath_seconds'] / row['fast_seconds']:.1f}" if "mpmath_seconds" in row else ""
        table.append(
            [
                row["strategy"],
                f"{row['certified']} / {row['total']}",
                f"{down:.6f}{exact}",
                f"2^{math.log2(row['operations']):.1f}",
                f"{longest / row['operations']:.0f}",
                row["certificate_bytes"],
                f"{row['prove_seconds']:.2f}",
                f"{row['fast_seconds']:.2f}",
                reference,
                slower,
                processor,
                row["fast_peak_mib"],
            ]
        )
    header = ["strategy", "certified", "accuracy >=", "operations", "times shorter than brute force", "certificate, bytes"]
    header += [
        "search, s",
        "check fast, s",
        "check mpmath, s",
        "mpmath / fast",
        "processor time of these checks, s",
        "peak memory of the fast check, MiB",
    ]
    where = ", ".join(f"{name} {value}" for name, value in machine().items())
    return (
        "# The walking skeleton in figures\n\n"
        f"`python benchmarks/skeleton.py`; the model is `{MODEL.name}`; seconds are medians of {REPEATS} checks.\n"
        "Processor time is that of the whole process, start-up included; wall time suffers from whatever else runs.\n"
        f"Measured on: {where}.\n\n" + markdown(header, table) + "\n"
    )


def main() -> int:
    """Measure and write."""
    with tempfile.TemporaryDirectory() as folder:
        rows = [measure(strategy, Path(folder) / strategy) for strategy in STRATEGIES]
    write(RESULTS / "skeleton.json", json.dumps({"model": MODEL.name, "machine": machine(), "rows": rows}, indent=1) + "\n")
    write(RESULTS / "skeleton.md", report(rows))
    print(report(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
