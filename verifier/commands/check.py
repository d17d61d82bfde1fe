"""`verifier check`: believe a bound because it was re-proved from the weights, or do not."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from verifier.commands.three_files import read_three
from verifier.kernel.verdict import Verdict, check
from verifier.system.arithmetics import ARITHMETICS, make_arithmetic
from verifier.system.progress import stages
from verifier.vacuity import vacuous

EXAMPLES = """\
examples:
  verifier check statement.json certificate.json model.safetensors
  verifier check statement.json certificate.json model.safetensors --arithmetic fast --json

exit codes: 0 PROVED, 1 REJECTED (a step is false), 2 INCOMPLETE (less than the claim is proved), 3 bad input
"""


def add_parser(subparsers: Any) -> None:
    """Declare the arguments."""
    parser = subparsers.add_parser("check", description="Re-check a certificate against a statement, from the weights.", epilog=EXAMPLES)
    parser.add_argument("statement", type=Path, metavar="STATEMENT", help="what is claimed (JSON)")
    parser.add_argument("certificate", type=Path, metavar="CERTIFICATE", help="the proof (JSON)")
    parser.add_argument("model", type=Path, metavar="MODEL", help="the weights (safetensors)")
    parser.add_argument(
        "--arithmetic", choices=ARITHMETICS, default="mpmath", help="mpmath: small and slow; fast: numpy (default %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Check, and print the verdict on one line with its explanation below."""
    paths = (args.statement, args.certificate, args.model)
    statement, certificate, model = read_three(paths)
    names = (str(args.statement), str(args.certificate), str(args.model))
    with stages("checking") as report:
        verdict = check(statement, certificate, model, make_arithmetic(args.arithmetic), files=names, progress=report)
    print(json.dumps(verdict.json()) if args.json else "\n".join([*verdict.lines(), *_note(verdict)]))
    return verdict.exit_code


def _note(verdict: Verdict) -> list[str]:
    """A claim that says nothing, said plainly."""
    claim = verdict.statement.claim
    empty = vacuous(claim, claim.bound)
    return [f"note: the claim is empty: {empty}"] if empty else []
