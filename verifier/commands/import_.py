"""`verifier import`: bring in a checkpoint that somebody else trained."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from verifier.files import refuse_to_overwrite
from verifier.models.checkpoint import import_checkpoint
from verifier.models.weights import save_weights

DESCRIPTION = """\
Turn a checkpoint with TransformerLens names into a weights file.  Values and types are copied unchanged, never folded.
All-zero biases and the attention mask are dropped; whatever else the architecture (one layer, one head, attention only,
no LayerNorm, scores divided by sqrt(d_head)) does not have is refused.
"""

EXAMPLES = """\
examples:
  verifier import checkpoint.pt -o model.safetensors
  verifier import weights.npz -o model.safetensors --json

A .pt file is read with torch's weights_only, a .npz file without pickle: importing never runs code from the file.
"""


def add_parser(subparsers: Any) -> None:
    """Declare the arguments."""
    parser = subparsers.add_parser("import", description=DESCRIPTION, epilog=EXAMPLES)
    parser.add_argument("checkpoint", type=Path, metavar="CHECKPOINT", help="a .safetensors, .npz, .pt or .pth file")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="the weights file to write")
    parser.add_argument("--force", action="store_true", help="replace an existing file")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Import, write, and print the digest that statements about this model will name."""
    refuse_to_overwrite(args.output, force=args.force)
    weights = import_checkpoint(args.checkpoint)
    digest = save_weights(weights, args.output, force=args.force)
    shapes = {name: list(tensor.shape) for name, tensor in weights.items()}
    if args.json:
        print(json.dumps({"model": str(args.output), "digest": digest, "shapes": shapes}))
    else:
        vocabulary, width = shapes["embed.W_E"]
        positions = shapes["pos_embed.W_pos"][0]
        print(f"{args.output}: {positions} positions, {vocabulary} tokens, width {width}\ndigest {digest}")
    return 0
