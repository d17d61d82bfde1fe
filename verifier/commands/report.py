"""`verifier report`: check a certificate again, and write a page about it for a reviewer."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from verifier.commands.three_files import read_three, refuse_to_replace
from verifier.report.page import Files, Report, make_report
from verifier.system.arithmetics import ARITHMETICS, make_arithmetic
from verifier.system.files import refuse_to_overwrite, write_atomically
from verifier.system.progress import stages

EXAMPLES = """\
examples:
  verifier report statement.json certificate.json model.safetensors -o report.html
  verifier report statement.json certificate.json model.safetensors -o report.html --arithmetic fast --force --json

The certificate is checked again, as by `verifier check`, and the page shows the verdict that came out. The page is one file; it holds
no program and loads nothing.

exit codes: 0 PROVED, 1 REJECTED (a step is false), 2 INCOMPLETE (less than the claim is proved), 3 bad input, no page. After 1 and 2
the page says NOT PROVED.
"""


def add_parser(subparsers: Any) -> None:
    """Declare the arguments."""
    parser = subparsers.add_parser("report", description="Check a certificate again and write a page about it.", epilog=EXAMPLES)
    parser.add_argument("statement", type=Path, metavar="STATEMENT", help="what is claimed (JSON)")
    parser.add_argument("certificate", type=Path, metavar="CERTIFICATE", help="the proof (JSON)")
    parser.add_argument("model", type=Path, metavar="MODEL", help="the weights (safetensors)")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE.html", help="the page")
    parser.add_argument(
        "--arithmetic", choices=ARITHMETICS, default="mpmath", help="mpmath: small and slow; fast: numpy (default %(default)s)"
    )
    parser.add_argument("--force", action="store_true", help="replace an existing page")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Check, write the page, say what came out."""
    refuse_to_replace(args.output, (args.statement, args.certificate, args.model))
    refuse_to_overwrite(args.output, force=args.force)
    report = write_report((args.statement, args.certificate, args.model), args.output, arithmetic=args.arithmetic, force=args.force)
    if args.json:
        print(json.dumps(report.verdict.json() | {"report": str(args.output)}))
    else:
        print(report.verdict.lines()[0])
        print(f"wrote {args.output}")
    return report.verdict.exit_code


def write_report(paths: tuple[Path, Path, Path], output: Path, *, arithmetic: str, force: bool) -> Report:
    """Read the three files, check them and write the page.  Raises what `verifier check` raises."""
    contents = read_three(paths)
    names = (str(paths[0]), str(paths[1]), str(paths[2]))
    with stages("reporting") as progress:
        report = make_report(Files(*contents, names), make_arithmetic(arithmetic), progress)
    write_atomically(output, report.html.encode("utf-8"), force=force)
    return report
