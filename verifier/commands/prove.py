"""`verifier prove`: search for a proof, have it checked, and only then write it down."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from verifier.commands.arguments import bound
from verifier.commands.evaluate import shown
from verifier.commands.question import HELP, OPTIONS, add_question, read_target
from verifier.commands.three_files import refuse_to_replace
from verifier.fast import FastArithmetic
from verifier.kernel.decode.inputs import read_bounded
from verifier.kernel.errors import Usage
from verifier.kernel.limits import LIMITS
from verifier.kernel.metrics import SHARES
from verifier.kernel.statement import Statement, read_statement
from verifier.kernel.verdict import Verdict, text
from verifier.networks.expectation import Comparison, compare, read_expectation, require_reads
from verifier.proving import Proof, prove, statement_target
from verifier.strategies import find_strategy
from verifier.strategies.target import Target
from verifier.system.files import refuse_to_overwrite, write_together
from verifier.system.progress import stages
from verifier.vacuity import vacuous

if TYPE_CHECKING:
    from verifier.report.page import Report

EXAMPLES = f"""\
examples:
  verifier prove model.safetensors --network attention-only-1 --task max --strategy subcubic -o proof
  verifier prove weights.safetensors --network mine.json --task sum --expect logits.json -o proof --json
  verifier prove weights.safetensors --network mine.json --task sum --metric cross_entropy --scope 0..9,0..112 -o proof
  verifier prove model.safetensors --strategy brute-force --require 0.999 -o proof
  verifier prove model.safetensors --strategy cubic --statement claim.json -o proof
  verifier prove model.safetensors --strategy mine.py:steps -o proof
  verifier prove model.safetensors -o proof --report proof/report.html

{HELP}
exit codes: 0 written (and the claim or --require is met), 1 --expect or --require is not met, 2 less than --statement or never=K
claims is proved, 3 bad input. Nothing is written if --expect is not met. In the other cases of 1 and 2 the files are still written:
the certificate proves what was printed.
"""


def add_parser(subparsers: Any) -> None:
    """Declare the arguments."""
    parser = subparsers.add_parser(
        "prove", description="Write DIR/statement.json and DIR/certificate.json for a model, checked.", epilog=EXAMPLES
    )
    parser.add_argument("model", type=Path, metavar="WEIGHTS", help="the weights (safetensors)")
    add_question(parser)
    names = "see `verifier strategies`; or FILE.py:FUNCTION, a file of yours that is run (default: the usual one)"
    parser.add_argument("--strategy", metavar="NAME", help=names)
    parser.add_argument(
        "--expect", type=Path, metavar="LOGITS.json", help="your own logits, which the network must give (`verifier evaluate`)"
    )
    parser.add_argument("--require", type=bound, metavar="BOUND", help="exit 1 unless this or better is proved (0.95 or 19/20)")
    parser.add_argument("--statement", type=Path, metavar="FILE", help="prove this statement, which holds network, task, scope and claim")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="the folder to write to")
    parser.add_argument("--report", type=Path, metavar="FILE.html", help="also check the files again and write a page about them")
    parser.add_argument("--force", action="store_true", help="replace existing files")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Prove, check, write, and say what was proved."""
    outputs = (args.output / "statement.json", args.output / "certificate.json")
    for path in (*outputs, *([args.report] if args.report is not None else [])):
        refuse_to_overwrite(path, force=args.force)
    if args.report is not None:
        refuse_to_replace(args.report, (*outputs, args.model))
    write_page = None if args.report is None else _page_writer()
    strategy = find_strategy(args.strategy) if args.strategy is not None else None
    model = read_bounded(args.model, LIMITS.model_bytes)
    statement: Statement | None = None
    filled: tuple[str, ...] = ()
    if args.statement is not None:
        _refuse_beside_statement(args)
        statement = read_statement(read_bounded(args.statement, LIMITS.statement_bytes), file=str(args.statement))
        target = statement_target(model, statement, file=str(args.model), name=str(args.statement))
    else:
        target, filled = read_target(args, model, file=str(args.model))
    if args.require is not None and args.require > 1 and target.metric in SHARES:
        raise Usage("usage", expected="a fraction from 0 to 1 for --require", got=args.require)
    comparison = _compared(args, target)
    with stages("proving") as report:
        proof = prove(model, strategy, file=str(args.model), statement=statement, target=target, progress=report)
    write_together(dict(zip(outputs, (proof.statement, proof.certificate), strict=True)), force=args.force)
    missed = args.require is not None and not replace(target, bound=args.require).claim(args.require).follows_from(proof.proved)
    if write_page is not None:  # of the files as they lie there
        write_page((*outputs, args.model), args.report, arithmetic=arithmetic_of(proof.verdicts[-1]), force=args.force)
    report_to(args, proof, outputs, missed, filled, comparison)
    return 1 if missed else max(verdict.exit_code for verdict in proof.verdicts)


def _page_writer() -> Callable[..., Report]:
    """What writes the page, before any work.  Raises Usage where its packages are not installed."""
    try:
        from verifier.commands.report import write_report
    except ModuleNotFoundError as error:
        hint = "pip install '.[report]' in the project's folder, or leave --report out"
        raise Usage("missing-package", expected=f"the package {error.name}", got="not installed", hint=hint) from error
    return write_report


def _refuse_beside_statement(args: argparse.Namespace) -> None:
    """A statement says all of what is asked; an option beside it would say something else, or nothing."""
    for option in OPTIONS:
        if getattr(args, option) is not None:
            word, hint = "--" + option.replace("_", "-"), "the statement holds network, task, scope, function and metric"
            raise Usage("two-functions" if option == "function" else "usage", expected=f"--statement or {word}", got="both", hint=hint)


def _compared(args: argparse.Namespace, target: Target) -> Comparison | None:
    """The user's own logits against the network's, before any work.  Raises StepRejected where they differ."""
    if args.expect is None:
        return None
    expectation = read_expectation(args.expect, target.network)
    require_reads(expectation, target.subject.task, file=str(args.expect))
    comparison = compare(target.network, expectation, FastArithmetic())
    comparison.require(file=str(args.expect))
    return comparison


def report_to(
    args: argparse.Namespace,
    proof: Proof,
    outputs: tuple[Path, Path],
    missed: bool,
    filled: tuple[str, ...] = (),
    comparison: Comparison | None = None,
) -> None:
    """Print the outcome."""
    empty = vacuous(proof.verdicts[-1].statement.claim, proof.proved)
    if args.json:
        report = proof.verdicts[-1].json() | {
            "strategy": proof.strategy,
            "statement": str(outputs[0]),
            "certificate": str(outputs[1]),
            "proved": text(proof.proved),
            "required": text(args.require) if args.require is not None else None,
            "required_met": None if args.require is None else not missed,
            "vacuous": empty or None,
            "prove_seconds": round(proof.prove_seconds, 3),
            "checked_with": [arithmetic_of(verdict) for verdict in proof.verdicts],
            "report": None if args.report is None else str(args.report),
            "unchecked": proof.beyond_reference or None,
            "filled": list(filled),
            "expected": None if comparison is None else shown(comparison),
        }
        print(json.dumps(report))
        return
    print("\n".join(proof.verdicts[-1].lines()))
    checks = " and ".join(f"{arithmetic_of(verdict)} ({verdict.seconds:.1f} s)" for verdict in proof.verdicts)
    for sentence in filled:
        print(f"filled in: {sentence}")
    if comparison is not None:
        print(f"expected logits met: {comparison.logits} of {comparison.inputs} inputs, largest difference {comparison.largest:.3g}")
    print(f"{proof.strategy}: searched {proof.prove_seconds:.1f} s, checked with {checks}; wrote {outputs[0]} and {outputs[1]}")
    if args.report is not None:
        print(f"checked once more for {args.report}")
    if proof.beyond_reference:
        print(f"not checked with mpmath: {proof.beyond_reference}; it is `verifier check {outputs[0]} {outputs[1]} {args.model}`")
    if empty:
        print(f"note: {empty}")
    if missed:
        print(f"the required {args.require} is not proved")


def arithmetic_of(verdict: Verdict) -> str:
    """The arithmetic that a verdict was reached with."""
    return verdict.context.workshop.arithmetic.name
