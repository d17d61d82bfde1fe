"""`verifier frontier`: every strategy on one question, certified bound against proof length."""

from __future__ import annotations

import argparse
import csv
import io
import json
import math
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.table import Table

from verifier.commands.arguments import at_least
from verifier.commands.question import HELP, add_question, read_target
from verifier.experiments.estimate import NOTE, Estimate, estimate
from verifier.frontier import runs as frontier
from verifier.frontier.brute_force import BruteForce, brute_force
from verifier.frontier.figures import MEASURES, Sampling, draw_all
from verifier.frontier.rows import COLUMNS, Row, best_per_class, code_digest, pareto, question_of, with_ratio
from verifier.kernel.decode.inputs import read_bounded
from verifier.kernel.errors import Usage
from verifier.kernel.limits import LIMITS
from verifier.kernel.maximum.model import model_of
from verifier.strategies.target import Target, maximum_misfit
from verifier.system.console import Terminal
from verifier.system.files import write_atomically
from verifier.system.progress import stages

DESCRIPTION = """\
Run all strategies that are for a network, a task and a metric, check every certificate, and write DIR/frontier.csv,
DIR/frontier.json, figures, and the certificates themselves. What is there from an earlier run, of the same question by the
same code, is not done again.
"""

EXAMPLES = f"""\
examples:
  verifier frontier model.safetensors -o frontier
  verifier frontier model.safetensors --strategies ours,cubic,'subcubic/*' -o frontier --workers 4
  verifier frontier model.safetensors --strategies published -o frontier --force --json
  verifier frontier weights.safetensors --network mine.json --task sum -o frontier
  verifier frontier weights.safetensors --network mine.json --task sum --metric cross_entropy --scope 0..9,0..112 -o losses

{HELP}
Words of --strategies: published and ours are about the largest token and networks of the shape attention-only-1; general are for any
network; all means those about the largest token where they fit, else the general ones. A pattern may have * in it.

exit codes: 0 every strategy has a proof, 2 some have none (their rows say why), 3 bad input
"""

FILE_WIDTH = 160  # characters of the table where it is not read on a terminal
FEW = 12  # rows that are all shown
SAMPLES, SEED = 20_000, 0  # of the estimate that the figures show for comparison


def add_parser(subparsers: Any) -> None:
    """Declare the arguments."""
    parser = subparsers.add_parser("frontier", description=DESCRIPTION, epilog=EXAMPLES)
    parser.add_argument("model", type=Path, metavar="WEIGHTS", help="the weights (safetensors)")
    add_question(parser)
    words = "names or patterns, or published, ours, general, all, separated by commas (default all)"
    parser.add_argument("--strategies", default="all", metavar="WORDS", help=words)
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="the folder to write to, or to go on in")
    workers = os.cpu_count() or 1
    parser.add_argument("--workers", type=at_least(1), default=workers, metavar="N", help="processes at a time (default %(default)s)")
    parser.add_argument("--seconds", type=at_least(1), default=900, metavar="S", help="for each strategy (default %(default)s)")
    again = parser.add_mutually_exclusive_group()
    again.add_argument("--force", action="store_true", help="do everything again, whatever the folder holds")
    again.add_argument("--resume", action="store_true", help="go on from what the folder holds (the default)")
    parser.add_argument("--json", action="store_true", help="print one JSON object: what is in frontier.json")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Make the rows, write everything, print the best of each cost class."""
    weights, file = read_bounded(args.model, LIMITS.model_bytes), str(args.model)
    target, filled = read_target(args, weights, file=file)
    names = frontier.select(args.strategies, target)
    refuse_another_question(args.output / "frontier.json", target, force=args.force)
    with stages("frontier") as report:
        report("evaluating in floats", 0, len(names))
        guess = estimate(target, samples=SAMPLES, confidence=0.99, seed=SEED)  # first: it refuses a task that does not fit
        rows = frontier.make_rows(
            names,
            target,
            weights,
            args.output,
            file=file,
            workers=args.workers,
            force=args.force,
            seconds=args.seconds,
            report=report,
        )
        report("brute force", len(names), len(names))
        every = brute_force(rows, target, weights)
    rows = with_ratio(rows, every.operations)
    document = write(rows, target, every, guess, filled, args.output)
    if args.json:
        print(json.dumps(document))
    else:
        print_table(rows, document)
    return 0 if all(row.is_proved for row in rows) else 2


def refuse_another_question(path: Path, target: Target, *, force: bool) -> None:
    """One folder is about one network, task, scope and metric."""
    if force or not path.exists():
        return
    try:
        found = json.loads(path.read_bytes())["question"]
    except (OSError, ValueError, TypeError, KeyError):
        found = "a file of another kind"
    if found != question_of(target):
        subject = target.subject
        expected = f"a frontier of {target.metric} {target.relation}, {subject.network.name}, {subject.task.sentence()}, {subject.model}"
        raise Usage("file-exists", file=str(path), expected=expected, got=found, hint="use another folder, or --force")


def write(rows: Sequence[Row], target: Target, every: BruteForce, guess: Estimate, filled: Sequence[str], folder: Path) -> dict[str, Any]:
    """Write the table, the document and the figures; returns the document."""
    subject, layout = target.subject, target.subject.task.layout
    document = {
        "digest": subject.model,
        "question": question_of(target),
        "code": code_digest(),
        "network": subject.network.name,
        "task": subject.task.json,
        "scope": subject.scope.json,
        "metric": target.metric,
        "relation": target.relation,
        "output": target.output,
        "total": subject.total,
        "vocabulary": target.network.vocabulary,
        "positions": layout.positions,
        "filled": list(filled),
        "arithmetic": "fast",
        "brute_force": every.json,
        "sampled": guess.json,
        "rows": [asdict(row) for row in rows],
        "pareto": {measure.column: [row.strategy for row in pareto(rows, measure.column)] for measure in MEASURES},
        "best_per_cost_class": [row.strategy for row in best_per_class(rows).values()],
    }
    write_atomically(folder / "frontier.json", (json.dumps(document, indent=1) + "\n").encode(), force=True)
    write_atomically(folder / "frontier.csv", table_csv(rows), force=True)
    plain_maximum = not maximum_misfit(target)
    draw_all(
        rows,
        folder,
        title=f"{subject.network.name}: {subject.task.sentence()}, {subject.total} inputs, weights {subject.model[:19]}…",
        brute_force=every.operations,
        published_dimension=target.network.vocabulary ** (layout.positions + 1) if plain_maximum else None,
        sampling=sampling_at_cost(rows, target, every, guess),
    )
    return document


def sampling_at_cost(rows: Sequence[Row], target: Target, every: BruteForce, guess: Estimate) -> Sampling | None:
    """Sampling, for comparison, of lower bounds of the accuracy: as cheap as we can make it.

    For the largest token from the model's tables: n additions and a comparison per output, n weights per input.  Else an input costs
    what it costs the proof that tries every input.
    """
    exact = next((float(1 - row.error) for row in rows if row.is_exact), None)
    accuracy = guess.best if exact is None else exact
    if (target.metric, target.relation) != ("accuracy", ">=") or accuracy is None:
        return None
    model = None if maximum_misfit(target) else model_of(target.network, target.subject.task.layout.positions)
    if model is None:
        return Sampling(accuracy, tables=0, per_input=max(every.operations // target.subject.total, 1)) if every.operations else None
    v, n, d, h = model.vocabulary, model.positions, model.width, model.head_width
    products = v * d * v + v * d * h + v * h * v + v * d * h + v * h * d + v * d * v  # skip, scores, copies; positions alike, for n
    return Sampling(accuracy, tables=2 * products * (v + n) // v, per_input=2 * n * v + 4 * n)


def table_csv(rows: Sequence[Row]) -> bytes:
    """The rows as CSV; a value that does not exist is empty."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in asdict(row).items()} for row in rows)
    return stream.getvalue().encode()


def _cell(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else value


def print_table(rows: Sequence[Row], document: dict[str, Any]) -> None:
    """The best strategy of each cost class, brute force, and what failed."""
    every, sampled = document["brute_force"], document["sampled"]
    table = Table(title="certified bounds", box=None, title_justify="left")
    for name in ("cost class", "strategy"):
        table.add_column(name, overflow="fold", min_width=16)
    table.add_column(f"{document['metric']} {document['relation']}", no_wrap=True)
    for name in ("operations", "brute force", "dimension", "bytes", "proved in", "checked in"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in shown(rows):
        table.add_row(
            row.cost_class,
            row.strategy + (" (published)" if row.published else ""),
            f"{row.bound}{' exact' if row.is_exact else ''}",
            f"2^{row.log2_operations:.1f}",
            "" if row.brute_force_ratio is None else f"{row.brute_force_ratio:.3g} x",
            str(row.unexplained_dimension),
            str(row.certificate_bytes),
            f"{row.prove_seconds:.1f} s",
            f"{row.check_seconds:.1f} s",
        )
    if every["operations"] is not None and not every["measured"]:
        length = f"2^{math.log2(every['operations']):.1f}"
        table.add_row("brute force", every["strategy"], "foreseen", length, "1 x", *[""] * 4)
    Terminal(width=None if sys.stdout.isatty() else FILE_WIDTH).print(table)
    value = "unknown" if sampled["value"] is None else f"{sampled['value']:.6g}"
    if sampled["stratified"]:
        value = f"{sampled['stratified']['accuracy']:.6f} (standard error {sampled['stratified']['standard_error']:.1g})"
    print(f"\n{'evaluated' if sampled['enumerated'] else 'sampled'} {document['metric']} {value}: {NOTE}")
    compact = {row.strategy for row in rows if row.brute_force_ratio is None or row.brute_force_ratio > 1} | {every["strategy"]}
    longer = [row.strategy for row in rows if row.strategy not in compact]
    if longer:
        print(f"not compact, as long as brute force or longer: {', '.join(longer)}")
    for row in rows:
        if not row.is_proved:
            print(f"no proof by {row.strategy}: {row.verdict or ''}{' ' if row.verdict else ''}{row.reason}")


def shown(rows: Sequence[Row]) -> list[Row]:
    """The best of each cost class, or all where they are few; worst bound first."""
    proved = [row for row in rows if row.is_proved]
    return sorted(proved if len(proved) <= FEW else best_per_class(rows).values(), key=lambda row: row.error, reverse=True)
