"""`verifier counterexamples`: what a certificate leaves open, group by group, and wrong inputs searched there."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from verifier.commands.arguments import at_least
from verifier.experiments.counterexamples import OpenGroup, open_groups, searched, whole_scope
from verifier.kernel.decode.inputs import STATEMENT_CERTIFICATE_MODEL, read_bounded
from verifier.kernel.verdict import Verdict, check
from verifier.strategies.target import Target
from verifier.system.arithmetics import make_arithmetic
from verifier.system.progress import progress, stages

EXAMPLES = """\
examples:
  verifier counterexamples statement.json certificate.json model.safetensors
  verifier counterexamples statement.json certificate.json model.safetensors --groups 50 --tries 20000 --json

The certificate is checked first, by the fast arithmetic. A group is a set of inputs that no step decided, with the exact number of its
inputs; the rules relaxed_margin and bottleneck_margin say which those are, and for other rules there is one group, the scope. An input is
listed as wrong only if the checker's own enclosures of the logits say so. To find none proves nothing.

exit codes: 0 done, whatever was found; 1 the certificate is REJECTED; 3 bad input
"""


def add_parser(subparsers: Any) -> None:
    """Declare the arguments."""
    description = "Show what a certificate leaves open, and search wrong inputs there."
    parser = subparsers.add_parser("counterexamples", description=description, epilog=EXAMPLES)
    parser.add_argument("statement", type=Path, metavar="STATEMENT", help="what is claimed (JSON)")
    parser.add_argument("certificate", type=Path, metavar="CERTIFICATE", help="the proof (JSON)")
    parser.add_argument("model", type=Path, metavar="MODEL", help="the weights (safetensors)")
    parser.add_argument(
        "--groups", type=at_least(1), default=20, metavar="N", help="groups searched, the largest first (default %(default)s)"
    )
    parser.add_argument("--tries", type=at_least(1), default=4096, metavar="N", help="inputs looked at in each (default %(default)s)")
    parser.add_argument(
        "--wanted", type=at_least(1), default=1, metavar="N", help="wrong inputs of a group that end it (default %(default)s)"
    )
    parser.add_argument("--seed", type=at_least(0), default=0, help="decides what is drawn (default %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Check, search, print."""
    paths = (args.statement, args.certificate, args.model)
    contents = [read_bounded(path, limit) for path, limit in zip(paths, STATEMENT_CERTIFICATE_MODEL, strict=True)]
    with stages("checking") as report:
        verdict = check(*contents, make_arithmetic("fast"), files=tuple(map(str, paths)), progress=report)
    if verdict.bound is None:
        print(json.dumps(verdict.json()) if args.json else "\n".join(verdict.lines()))
        return 1
    subject = verdict.statement.subject
    known = open_groups(verdict)
    everything = [] if known or verdict.bound.certified + verdict.bound.wrong == subject.total else [whole_scope(verdict)]
    target, groups = Target(verdict.context.network, subject), (known or everything)[: args.groups]
    found = []
    with progress("groups", len(groups)) as advance:
        for group in groups:
            found.append(searched(target, group, tries=args.tries, wanted=args.wanted, seed=args.seed))
            advance()
    left = len(known or everything)
    if args.json:
        summary = {"verdict": verdict.json(), "groups": left, "lost": sum(group.lost for group in known or everything)}
        print(json.dumps(summary | {"searched": [group.json for group in found]}))
    else:
        print("\n".join(_lines(verdict, found, left)))
    return 0


def _lines(verdict: Verdict, found: list[OpenGroup], left: int) -> Iterator[str]:
    """For a person."""
    yield verdict.lines()[0]
    wrong = sum(bool(group.wrong) for group in found)
    if not left:
        yield "nothing is left open: every input is accounted for"
        return
    yield f"{left} groups of inputs are left open; wrong inputs were found in {wrong} of the {len(found)} searched"
    reads = verdict.statement.subject.task.layout.reads
    for group in found:
        score = f", score {group.low} to {group.high}" if group.low != group.high or group.low else ""
        tokens = " ".join(str(first) if first == last else f"{first}..{last}" for first, last in group.box)
        yield f"answer at position {reads[group.read]}: tokens {tokens}{score}: {group.inputs} inputs, at most {group.lost} of them wrong"
        for one in group.wrong:
            said = [f"{a} instead of {b} at {place}" for a, b, place in zip(one.answers, one.right, reads, strict=True) if a != b]
            yield f"  wrong: {' '.join(map(str, one.tokens))}: {', '.join(said) or 'a tie'}"
        if not group.wrong:
            yield f"  no wrong input among {group.tried} looked at, which proves nothing"
