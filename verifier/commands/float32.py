"""`verifier float32`: what is proved of the formula, beside what is proved of every float32 machine."""

from __future__ import annotations

import argparse
import json
from fractions import Fraction
from pathlib import Path
from typing import Any

from rich.table import Table

from verifier.commands.weights_file import read_weights_file
from verifier.domain import whole_domain
from verifier.execution import logit_errors
from verifier.fast import FastArithmetic
from verifier.kernel.errors import StepRejected
from verifier.kernel.replay import new_context
from verifier.kernel.statement import FUNCTIONS, bind
from verifier.kernel.verdict import text
from verifier.networks.attention_only import read_model
from verifier.proving import Proof, prove
from verifier.strategies import find_strategy
from verifier.system.console import Terminal
from verifier.system.files import refuse_to_overwrite, write_together
from verifier.system.progress import progress

EXAMPLES = """\
examples:
  verifier float32 model.safetensors
  verifier float32 model.safetensors --strategy exact --strategy subcubic -o proofs
  verifier float32 model.safetensors --strategy cubic --json

With -o, DIR/real/STRATEGY and DIR/float32/STRATEGY get a statement and a certificate each, checked.  A proof that the checker
refuses, say because scores may overflow in float32, is a row REJECTED with its reason, writes nothing, and makes the exit code 1.
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
    folders = {(s.name, function): args.output / function / s.name for s in strategies for function in FUNCTIONS} if args.output else {}
    for folder in folders.values():
        refuse_to_overwrite(folder / "statement.json", force=args.force)
        refuse_to_overwrite(folder / "certificate.json", force=args.force)
    digest, eta = logit_error(model, str(args.model))
    rows: list[dict[str, Any]] = [{"strategy": strategy.name} for strategy in strategies]
    with progress("proving", total=len(strategies) * len(FUNCTIONS)) as advance:
        for row, strategy in zip(rows, strategies, strict=True):
            for function in FUNCTIONS:
                try:
                    proof = prove(model, strategy, file=str(args.model), function=function)
                except StepRejected as error:
                    row[function] = {"verdict": "REJECTED", "proved": None, "reason": error.reason()}
                else:
                    row[function] = numbers(proof)
                    if folder := folders.get((strategy.name, function)):
                        pair = {folder / "statement.json": proof.statement, folder / "certificate.json": proof.certificate}
                        write_together(pair, force=args.force)
                advance()
    if args.json:
        print(json.dumps({"model": str(args.model), "digest": digest, "eta": text(eta) if eta is not None else None, "rows": rows}))
    else:
        show(rows, eta)
    return 1 if any(row[function]["verdict"] == "REJECTED" for row in rows for function in FUNCTIONS) else 0


def logit_error(model_bytes: bytes, file: str) -> tuple[str, Fraction | None]:
    """The model's digest, and how far a machine's logit may be from the real one; None where it may overflow."""
    model = read_model(model_bytes, file=file)
    subject = whole_domain(model, "float32")
    bind(subject, model.network, file=file)
    try:
        return model.digest, max(logit_errors(new_context(model.network, subject, FastArithmetic())))
    except StepRejected:
        return model.digest, None


def numbers(proof: Proof) -> dict[str, Any]:
    """What one proof proves: of the weakest of its verdicts."""
    weakest = min((verdict for verdict in proof.verdicts), key=lambda verdict: verdict.bound.certified if verdict.bound else 0)
    known = ("verdict", "proved", "certified", "wrong", "undecided", "total")
    return {key: value for key, value in weakest.json().items() if key in known}


def refused(reason: dict[str, str]) -> str:
    """Why a proof was refused: clause, code, expected, got."""
    sentence = f"{reason['code']}: expected {reason['expected']}, got {reason['got']}"
    return f"{reason['clause']}: {sentence}" if reason["clause"] else sentence


def show(rows: list[dict[str, Any]], eta: Fraction | None) -> None:
    """The table, for a person."""
    table = Table("strategy", "function", "verdict", "accuracy at least", "right", "wrong", "undecided", box=None)
    refusals = []
    for row in rows:
        for function in FUNCTIONS:
            one = row[function]
            if one["verdict"] == "REJECTED":
                table.add_row(row["strategy"], function, "REJECTED", "nothing", "", "", "")
                refusals.append(f"{row['strategy']}, {function}: {refused(one['reason'])}")
                continue
            share = f"{one['certified'] * 10**6 // one['total'] / 10**6:.6f}"
            counts = [str(one[key]) for key in ("certified", "wrong", "undecided")]
            table.add_row(row["strategy"], function, one["verdict"], share, *counts)
    console = Terminal()
    console.print(table)
    for refusal in refusals:
        console.print(refusal, highlight=False, markup=False, soft_wrap=True)
    if eta is None:
        console.print(
            "no bound on a float32 machine's logits: it may overflow (docs/float32.md, section 3)", highlight=False, soft_wrap=True
        )
    else:
        console.print(f"no float32 machine's logit is farther than {float(eta):.3g} from the real one (eta, L31)", highlight=False)
