"""`verifier estimate`: the accuracy by sampling, labelled as what it is."""

from __future__ import annotations

import argparse
import json
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from verifier.commands.train import at_least
from verifier.commands.weights_file import read_weights_file
from verifier.experiments.estimate import NOTE, Estimate, estimate
from verifier.networks.attention_only import read_model

EXAMPLES = """\
examples:
  verifier estimate model.safetensors
  verifier estimate model.safetensors --samples 1000000 --confidence 0.999 --seed 7 --json
"""


def add_parser(subparsers: Any) -> None:
    """Declare the arguments."""
    description = f"Estimate the accuracy over all inputs: {NOTE}."
    parser = subparsers.add_parser("estimate", description=description, epilog=EXAMPLES)
    parser.add_argument("model", type=Path, metavar="MODEL", help="the weights (safetensors)")
    parser.add_argument("--samples", type=at_least(1), default=100_000, metavar="N", help="inputs drawn (default %(default)s)")
    parser.add_argument("--confidence", type=confidence, default=0.99, metavar="P", help="of the interval (default %(default)s)")
    parser.add_argument("--seed", type=at_least(0), default=0, help="decides what is drawn (default %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def confidence(word: str) -> float:
    """An argparse type: a number between 0 and 1."""
    try:
        value = float(Decimal(word))
    except (InvalidOperation, OverflowError):
        value = 0.0
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"a number between 0 and 1 is needed, not {word!r}")
    return value


def run(args: argparse.Namespace) -> int:
    """Sample and print."""
    model = read_model(read_weights_file(args.model), file=str(args.model))
    result = estimate(model, samples=args.samples, confidence=args.confidence, seed=args.seed)
    if args.json:
        print(json.dumps({"model": str(args.model), "digest": model.digest} | result.json))
    else:
        print("\n".join(lines(result)))
    return 0


def lines(result: Estimate) -> list[str]:
    """The estimate for a person."""
    plain, stratified = result.plain, result.stratified
    ties = f"; {plain.near_ties} of the calls were too close for float64" if plain.near_ties else ""
    return [
        f"ESTIMATE accuracy {plain.right / plain.samples:.6f}, between {plain.lower:.6f} and {plain.upper:.6f} "
        f"with confidence {result.confidence:g} (Clopper-Pearson)",
        f"{plain.right} of {plain.samples} uniform random inputs right, seed {result.seed}{ties}",
        f"stratified by maximum, query and number of smaller tokens: {stratified.accuracy:.7f}, standard error "
        f"{stratified.standard_error:.1g} ({stratified.samples} inputs drawn, {stratified.enumerated} enumerated)",
        f"this is {NOTE}: a certificate holds for every input, an estimate for most samples",
    ]
