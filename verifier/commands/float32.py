"""`verifier float32`: what is proved of the formula, beside what is proved of every float32 machine."""

from __future__ import annotations

import argparse
import json
from fractions import Fraction
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from verifier.commands.weights_file import read_weights_file
from verifier.execution import logit_errors
from verifier.files import refuse_to_overwrite, write_together
from verifier.kernel.statement import FUNCTIONS
from verifier.kernel.verdict import text
from verifier.progress import progress
from verifier.prove import Proof, prove
from verifier.strategies import find_strategy

EXAMPLES = """\
examples:
  verifier float32 model.safetensors
  verifier float32 model.safetensors --strategy exact --strategy subcubic -o proofs
  verifier float32 model.safetensors --strategy cubic --json

With -o, DIR/real/STRATEGY and DIR/float32/STRATEGY get a statement and a certificate each, checked.
"""
USUAL = ("exact", "subcubic")


def add_parser(subparsers: Any) -> None:
    """Declare the arguments."""
    description = (
        "Prove the same bound twice: for the formula in real arithmetic, and for whatever any float32 machine computes "
        "(any order of summation, fused or not, exp within 64 units in the last place; docs/float32.md)."
    )
    parser = subparsers.add_parser("float32", description=description, epilog=EXAMPLES)
    parser.add_argument("model", type=Path, metavar="MODEL", help="the weights (safetensors), all of them binary32 numbers")
    parser.add_argument("--strategy", action="append", metavar="NAME", help=f"see `verifier strategies`; default {' and '.join(USUAL)}")
    parser.add_argument("-o", "--output", type=Path, metavar="DIR", help="the folder for statements and certificates")
    parser.add_argument("--force", action="store_true", help="replace existing files")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Prove everything twice, write, print."""
    strategies = [find_strategy(name) for name in args.strategy or USUAL]
    model = read_weights_file(args.model)
    proofs: dict[str, dict[str, Proof]] = {strategy.name: {} for strategy in strategies}
    folders = {(name, function): args.output / function / name for name in proofs for function in FUNCTIONS} if args.output else {}
    for folder in folders.values():
        refuse_to_overwrite(folder / "statement.json", force=args.force)
        refuse_to_overwrite(folder / "certificate.json", force=args.force)
    with progress("proving", total=len(proofs) * len(FUNCTIONS)) as advance:
        for strategy in strategies:
            for function in FUNCTIONS:
                proof = prove(model, strategy, file=str(args.model), function=function)
                proofs[strategy.name][function] = proof
                if folder := folders.get((strategy.name, function)):
                    pair = {folder / "statement.json": proof.statement, folder / "certificate.json": proof.certificate}
                    write_together(pair, force=args.force)
                advance()
    machine = next(iter(proofs.values()))["float32"].verdicts[0].context
    eta = max(logit_errors(machine))
    rows = [{"strategy": name, **{function: numbers(proof) for function, proof in both.items()}} for name, both in proofs.items()]
    if args.json:
        print(json.dumps({"model": str(args.model), "digest": machine.model.digest, "eta": text(eta), "rows": rows}))
    else:
        show(rows, eta)
    return 0


def numbers(proof: Proof) -> dict[str, Any]:
    """What one proof proves: of the weakest of its verdicts."""
    weakest = min((verdict for verdict in proof.verdicts), key=lambda verdict: verdict.bound.certified if verdict.bound else 0)
    known = ("verdict", "proved", "certified", "wrong", "undecided", "total")
    return {key: value for key, value in weakest.json().items() if key in known}


def show(rows: list[dict[str, Any]], eta: Fraction) -> None:
    """The table, for a person."""
    table = Table("strategy", "function", "verdict", "accuracy at least", "right", "wrong", "undecided", box=None)
    for row in rows:
        for function in FUNCTIONS:
            one = row[function]
            share = f"{one['certified'] * 10**6 // one['total'] / 10**6:.6f}"
            counts = [str(one[key]) for key in ("certified", "wrong", "undecided")]
            table.add_row(row["strategy"], function, one["verdict"], share, *counts)
    console = Console()
    console.print(table)
    console.print(f"no float32 machine's logit is farther than {float(eta):.3g} from the real one (eta, L31)", highlight=False)
