"""Accuracies over domains that nobody can walk through: proved, checked with both arithmetics, measured.

    VERIFIER_STRANGERS=FOLDER python -m benchmarks.unenumerable [--only NAME ...] [--force]
    python -m benchmarks.unenumerable --figure

FOLDER holds strangers' weights, which are not in the project; a row names them by digest.  Statements and certificates go to
certificates/unenumerable, for whoever has the weights.  The run goes on where it stopped: a row whose certificate is there is not proved
again, and a check that was made is not repeated, unless `--force`.  A check by mpmath is left out where the proof is longer than it may
be.  `--figure` draws inputs and pieces position by position, from the certificates alone.
Results: benchmarks/results/unenumerable.json and .md, unenumerable.png and .svg, the table of docs/unenumerable.md.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import math
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import RESULTS, ROOT, STRANGERS, machine, markdown, verifier, weights_of, write, write_part
from verifier.frontier.brute_force import by_inputs
from verifier.kernel.limits import LIMITS
from verifier.networks.finding import find_network, find_task
from verifier.networks.question import Question
from verifier.plotting import figures

PAPERS = ROOT / "certificates" / "unenumerable"
FILE = RESULTS / "unenumerable.json"
ARITHMETICS = ("fast", "mpmath")
HEADER = (
    *("model", "inputs", "accuracy", "sampled", "pieces", "operations", "brute force", "bytes", "prover", "fast check", "mpmath check"),
    *("lines", "weights"),
)
SAMPLES = 1 << 18  # of the estimates beside bounds that are not exact
PAGE = """# Domains that nobody can enumerate

By `python -m benchmarks.unenumerable`; details in `unenumerable.json`, the proofs in
`certificates/unenumerable`.
Seconds of the prover and of the checks are processor seconds, start-up included.
Too long: more operations than `reference_operations` allows a check by mpmath.
Lines: of code that the fast check rests on.
Operations, and those of a proof that tries every input, are powers of two; the second is foreseen
from proofs about a few inputs.
Sampled: a float64 estimate on random inputs, no proof, where the bound is not exact.
The certificates of the largest of k tokens are not kept in the repository: they have up to 30 MB.

"""


@dataclass(frozen=True)
class Target:
    """A row.  trained: here, in certificates/models; such a model carries its program."""

    network: str
    task: str
    strategy: str
    trained: bool = False

    @property
    def weights(self) -> Path | None:
        """The file, None if it is not here."""
        return weights_of(self.network, trained=self.trained)

    @property
    def question(self) -> tuple[str, ...]:
        """What `verifier prove` is asked."""
        named = () if self.trained else ("--network", self.network)
        return (*named, "--task", self.task, "--strategy", self.strategy)

    @property
    def papers(self) -> tuple[Path, Path]:
        """Statement and certificate."""
        return PAPERS / self.network / "statement.json", PAPERS / self.network / "certificate.json"


STRANGE = (Target("cumsum", "sign", "slots"), Target("adder-456p-s43", "sum", "bottleneck"))
MAXIMA = (
    *(f"max-of-4-{shape}" for shape in ("biases", "norms", "mlp", "norms-mlp", "two-heads", "two-heads-mlp")),
    *(f"max-of-8-{shape}" for shape in ("biases", "mlp", "norms-mlp", "two-heads")),
)
OURS = (
    *(Target(f"cumulative-sign-{number}", "sign", "slots", trained=True) for number in (1, 2, 3)),
    Target("adder-6", "sum", "slots", trained=True),
    *(Target(name, "max", "slots", trained=True) for name in MAXIMA),
)
TARGETS = (*STRANGE, *OURS)


def proved(target: Target, weights: Path) -> dict[str, Any]:
    """The row of a proof, before any check but the prover's own; its files are in `certificates/unenumerable`."""
    with tempfile.TemporaryDirectory() as place:
        proof = verifier("prove", weights, *target.question, "-o", place)
        for path in target.papers:
            write(path, (Path(place) / path.name).read_text(encoding="ascii"))
    names = ("strategy", "prove_seconds", "proved", "certified", "wrong", "undecided", "total", "operations")
    return {
        "network": target.network,
        "trained": "here" if target.trained else "by strangers",
        "task": target.task,
        **{name: proof.output[name] for name in names},
        "model": proof.output["subject"]["model"],
        "certificate": digest_of(target.papers[1]),
        "certificate_bytes": target.papers[1].stat().st_size,
        "pieces": sum(map(len, pieces_of(target.papers[1]).values())),
        "prove_processor_seconds": round(proof.cpu_seconds, 1),
        "prove_machine": machine(),
        "checks": {},
    }


def beside(target: Target, weights: Path, is_exact: bool) -> dict[str, Any]:
    """What the bound is compared with: how long it takes to try every input, and what sampling says of a bound that is not exact."""
    contents = weights.read_bytes()
    found = find_network(None if target.trained else target.network, contents, file=str(weights))
    every = Question(found, find_task(target.task, found), None, "").target(None, None)
    named = () if target.trained else ("--network", target.network)
    options = ("--task", target.task, "--samples", str(SAMPLES))
    sampled = None if is_exact else verifier("estimate", weights, *named, *options).output["value"]
    return {"brute_force_operations": by_inputs(every, contents), "sampled": sampled}


def checked(target: Target, weights: Path, arithmetic: str) -> dict[str, Any]:
    """One check by the command line."""
    finished = verifier("check", *target.papers, weights, "--arithmetic", arithmetic)
    names = ("verdict", "proved", "seconds", "operations", "trusted_lines", "backend")
    measured = {"processor_seconds": round(finished.cpu_seconds, 1), "peak_mebibytes": finished.peak_mebibytes, "machine": machine()}
    return {name: finished.output[name] for name in names} | measured


def digest_of(path: Path) -> str:
    """Of a file's bytes."""
    return "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()


def pieces_of(certificate: Path) -> dict[int, list[int]]:
    """For each read the numbers of the leaves of its trees, by the certificate."""
    found: dict[int, list[int]] = {}
    for step in json.loads(certificate.read_text(encoding="ascii"))["steps"]:
        if "splits" in step.get("hints", {}):
            rows = np.frombuffer(base64.b64decode(step["hints"]["splits"]["base64"]), dtype="<i8").reshape(-1, 2)
            found.setdefault(step["hints"]["read"], []).extend(np.flatnonzero((rows == -1).all(axis=1)).tolist())
    return found


def measure(target: Target, weights: Path, row: dict[str, Any] | None, rows: dict[str, dict[str, Any]]) -> None:
    """Prove and check what is missing, saving each part.  Raises RuntimeError where two arithmetics prove different things."""
    if row is None:
        row = proved(target, weights)
        keep(rows, target, row)
    if "brute_force_operations" not in row:
        row |= beside(target, weights, row["undecided"] == 0)
    for arithmetic in ARITHMETICS:
        if arithmetic in row["checks"]:
            continue
        allowed = arithmetic == "fast" or row["operations"] <= LIMITS.reference_operations
        row["checks"][arithmetic] = checked(target, weights, arithmetic) if allowed else None
        keep(rows, target, row)
    said = {check["proved"] for check in row["checks"].values() if check is not None}
    if len(said) > 1:
        raise RuntimeError(f"{target.network}: {said}")


def keep(rows: dict[str, dict[str, Any]], target: Target, row: dict[str, Any]) -> None:
    """Write the rows, for programs and for people."""
    rows[target.network] = row
    ordered = [rows[one.network] for one in TARGETS if one.network in rows]
    write(FILE, json.dumps({"rows": ordered}, indent=1) + "\n")
    parts = []
    for title, trained in (("Trained by strangers", "by strangers"), ("Of the zoo (`verifier models`)", "here")):
        some = [one for one in ordered if one["trained"] == trained]
        if some:
            parts.append(f"## {title}\n\n{table(some)}\n")
    write(FILE.with_suffix(".md"), PAGE + "\n".join(parts))
    write_part(ROOT / "docs" / "unenumerable.md", "unenumerable", "\n".join(parts).replace("## ", "### ").rstrip())


def table(rows: Sequence[dict[str, Any]]) -> str:
    """The rows for people."""
    return markdown(HEADER, [cells(row) for row in rows])


def cells(row: dict[str, Any]) -> tuple[object, ...]:
    """One row."""
    exact = "exact" if row["undecided"] == 0 else f"{row['undecided']} undecided"
    accuracy = row["proved"] if row["proved"] == "1/1" else f"{float(Fraction(row['proved'])):.9g}"
    return (
        row["network"],
        row["total"],
        f"{accuracy} ({exact})",
        "" if row.get("sampled") is None else f"{row['sampled']:.7g}",
        row["pieces"],
        power(row["operations"]),
        power(row.get("brute_force_operations")),
        row["certificate_bytes"],
        f"{row['prove_processor_seconds']:.0f} s",
        *(seconds(row, arithmetic) for arithmetic in ARITHMETICS),
        row["checks"]["fast"]["trusted_lines"] if "fast" in row["checks"] else "",
        f"`{row['model'][:19]}...`",
    )


def power(operations: int | None) -> str:
    """As a power of two."""
    return "" if operations is None else f"2^{math.log2(operations):.1f}"


def seconds(row: dict[str, Any], arithmetic: str) -> str:
    """Of a check; empty where it is still to be made."""
    if arithmetic not in row["checks"]:
        return ""
    check = row["checks"][arithmetic]
    return "too long" if check is None else f"{check['processor_seconds']:.0f} s"


def draw() -> None:
    """Inputs that differ in what counts for an answer, and the pieces that prove it, for each answer."""
    shown = [target for target in STRANGE if target.papers[1].exists()]
    figure = figures.new_figure(4.2 * len(shown), 3.2)
    for number, target in enumerate(shown):
        axes = figure.add_subplot(1, len(shown), number + 1)
        statement = json.loads(target.papers[0].read_text(encoding="ascii"))["subject"]
        pieces = {read: len(leaves) for read, leaves in sorted(pieces_of(target.papers[1]).items())}
        inputs = [counting(statement, read) for read in pieces]
        axes.semilogy(list(pieces), inputs, "o-", color=figures.NEUTRAL, markersize=3, label="inputs that differ in it")
        axes.semilogy(list(pieces), list(pieces.values()), "s-", color=figures.OURS, markersize=3, label="pieces of the proof")
        axes.set_title(target.network)
        axes.set_xlabel("answer")
        axes.legend(frameon=False, fontsize=8)
    figures.save(figure, RESULTS, "unenumerable")


def counting(subject: dict[str, Any], read: int) -> int:
    """How many ways there are to fill the slots that count for an answer."""
    task, ranges = subject["task"], subject["scope"]["tokens"]
    count = read + 1 if task["name"] == "cumulative_sign" else 2 * min(read + 1, len(task["a"]))
    first, last = ranges[0]
    return int(last - first + 1) ** count


def main() -> int:
    """Run rows, or draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=[target.network for target in TARGETS], metavar="NAME", help="these models")
    parser.add_argument("--force", action="store_true", help="make rows again that are there")
    parser.add_argument("--figure", action="store_true", help="draw the figure, and nothing else")
    args = parser.parse_args()
    if args.figure:
        draw()
        return 0
    rows = {row["network"]: row for row in json.loads(FILE.read_text())["rows"]} if FILE.exists() else {}
    for target in TARGETS:
        if args.only is not None and target.network not in args.only:
            continue
        if target.weights is None:
            hint = "python -m benchmarks.zoo train" if target.trained else f"{STRANGERS}=FOLDER"
            print(f"skipped {target.network}: no {target.network}.safetensors; see {hint}", file=sys.stderr)
            continue
        row = None if args.force else rows.get(target.network)
        if row is not None and not (target.papers[1].exists() and digest_of(target.papers[1]) == row["certificate"]):
            row = None  # the certificate is another one, or not there
        measure(target, target.weights, row, rows)
        keep(rows, target, rows[target.network])  # documents, too, where nothing was left to do
        print(json.dumps(rows[target.network]), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
