"""`verifier prove`: search for a proof, have it checked, and only then write it down."""

from __future__ import annotations

import argparse
import json
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from pathlib import Path
from typing import Any

from verifier.commands.weights_file import read_weights_file
from verifier.files import refuse_to_overwrite, write_together
from verifier.kernel.errors import Usage
from verifier.kernel.inputs import read_bounded
from verifier.kernel.limits import LIMITS
from verifier.kernel.statement import FUNCTIONS, read_statement
from verifier.kernel.verdict import Verdict, text
from verifier.progress import stages
from verifier.prove import Proof, prove
from verifier.strategies import find_strategy

EXAMPLES = """\
examples:
  verifier prove model.safetensors --strategy subcubic -o proof
  verifier prove model.safetensors --strategy brute-force --require 0.999 -o proof --json
  verifier prove model.safetensors --strategy cubic --statement claim.json -o proof
  verifier prove model.safetensors --strategy subcubic --function float32 -o proof

exit codes: 0 written (and the claim or --require is met), 1 less than --require is proved, 2 less than --statement
claims is proved, 3 bad input. In cases 1 and 2 the files are still written: the certificate proves what was printed.
"""


def add_parser(subparsers: Any) -> None:
    """Declare the arguments."""
    parser = subparsers.add_parser(
        "prove", description="Write DIR/statement.json and DIR/certificate.json for a model, checked.", epilog=EXAMPLES
    )
    parser.add_argument("model", type=Path, metavar="MODEL", help="the weights (safetensors)")
    parser.add_argument("--strategy", required=True, metavar="NAME", help="see `verifier strategies`")
    parser.add_argument("--require", type=fraction, metavar="BOUND", help="exit 1 unless at least this is proved (0.95 or 19/20)")
    parser.add_argument("--statement", type=Path, metavar="FILE", help="prove this statement instead of the best bound over all inputs")
    parser.add_argument(
        "--function", choices=FUNCTIONS, help="real arithmetic (the default), or whatever a float32 machine computes; not with --statement"
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="the folder to write to")
    parser.add_argument("--force", action="store_true", help="replace existing files")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def fraction(word: str) -> Fraction:
    """An argparse type: a decimal or p/q, read exactly."""
    try:
        value = Fraction(word) if "/" in word else Fraction(Decimal(word))
    except (ValueError, ZeroDivisionError, InvalidOperation, OverflowError):
        raise argparse.ArgumentTypeError(f"a fraction such as 0.95 or 19/20 is needed, not {word!r}") from None
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"a fraction from 0 to 1 is needed, not {word!r}")
    return value


def run(args: argparse.Namespace) -> int:
    """Prove, check, write, and say what was proved."""
    outputs = (args.output / "statement.json", args.output / "certificate.json")
    for path in outputs:
        refuse_to_overwrite(path, force=args.force)
    strategy = find_strategy(args.strategy)
    model = read_weights_file(args.model)
    statement = None
    if args.statement is not None and args.function is not None:
        raise Usage("two-functions", expected="--statement or --function", got="both", hint="the statement names its function")
    if args.statement is not None:
        statement = read_statement(read_bounded(args.statement, LIMITS.statement_bytes), file=str(args.statement))
    with stages("proving") as report:
        function = args.function or "real"
        proof = prove(model, strategy, file=str(args.model), statement=statement, function=function, progress=report)
    write_together(dict(zip(outputs, (proof.statement, proof.certificate), strict=True)), force=args.force)
    missed = args.require is not None and proof.proved < args.require
    report_to(args, proof, outputs, missed)
    return 1 if missed else max(verdict.exit_code for verdict in proof.verdicts)


def report_to(args: argparse.Namespace, proof: Proof, outputs: tuple[Path, Path], missed: bool) -> None:
    """Print the outcome."""
    if args.json:
        report = proof.verdicts[-1].json() | {
            "strategy": args.strategy,
            "statement": str(outputs[0]),
            "certificate": str(outputs[1]),
            "proved": text(proof.proved),
            "required": text(args.require) if args.require is not None else None,
            "prove_seconds": round(proof.prove_seconds, 3),
            "checked_with": [arithmetic_of(verdict) for verdict in proof.verdicts],
        }
        print(json.dumps(report))
        return
    print("\n".join(proof.verdicts[-1].lines()))
    checks = " and ".join(f"{arithmetic_of(verdict)} ({verdict.seconds:.1f} s)" for verdict in proof.verdicts)
    print(f"searched {proof.prove_seconds:.1f} s, checked with {checks}; wrote {outputs[0]} and {outputs[1]}")
    if missed:
        print(f"less than the required {args.require} is proved")


def arithmetic_of(verdict: Verdict) -> str:
    """The arithmetic that a verdict was reached with."""
    return verdict.context.workshop.arithmetic.name
