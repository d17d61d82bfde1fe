"""Statements about float32 against the unluckiest machine: does it break anything that is certified?

    python benchmarks/unlucky_machines.py [--models 120] [--first 100]

Models whose inputs are nearly ties (tests/machines.py), every strategy of ours, the paper's brute force and cubic, and every tenth of its
combinations.  A machine that rounds each operation as unluckily as docs/float32.md allows, to first order, decides every input; what is
certified as right (wrong) must be at most what it cannot get wrong (right).  Writes benchmarks/results/unlucky_machines.json.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from rich.progress import track

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.common import RESULTS, machine, write
from tests.machines import decided_by_the_unlucky, nearly_twins
from verifier.kernel.errors import VerifierError
from verifier.proving import prove
from verifier.strategies import STRATEGIES

NAMES = [name for name in STRATEGIES if not name.startswith("subcubic/")]
NAMES += [name for name in STRATEGIES if name.startswith("subcubic/")][::10]


def main() -> None:
    """Compare, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=int, default=120)
    parser.add_argument("--first", type=int, default=100, help="seed of the first model")
    args = parser.parse_args()
    certificates, refused, turned, faults, start = 0, 0, 0, [], time.process_time()
    for seed in track(range(args.first, args.first + args.models), "models"):
        model = nearly_twins(seed)
        data = model.stored("F32")
        right, wrong = decided_by_the_unlucky(model)
        real = prove(data, STRATEGIES["exact"], file="model", reference=False).verdicts[0].bound
        turned += real is not None and real.certified > right
        for name in NAMES:
            try:
                bound = prove(data, STRATEGIES[name], file="model", function="float32", reference=False).verdicts[0].bound
            except VerifierError:
                refused += 1
                continue
            certificates += 1
            if bound is None or bound.certified > right or bound.wrong > wrong:
                faults.append({"seed": seed, "strategy": name})
    result = {
        "machine": machine(),
        "models": args.models,
        "models_with_inputs_that_it_turns": turned,
        "certificates": certificates,
        "refused": refused,
        "false": faults,
        "cpu_seconds": round(time.process_time() - start),
    }
    write(RESULTS / "unlucky_machines.json", json.dumps(result, indent=1) + "\n")
    print(f"{certificates} certificates on {args.models} models, {len(faults)} false; it turns inputs of {turned} models")


if __name__ == "__main__":
    main()
