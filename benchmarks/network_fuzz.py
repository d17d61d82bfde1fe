"""Random networks in both arithmetics against an evaluator of balls that shares no code with the kernel.

    python benchmarks/network_fuzz.py [--count 3000] [--seed 1]

Each network (tests/network_oracle.py) has up to two layers of one to three heads, norms, plain and gated MLPs, sums over positions,
selected and transposed factors, and weights of size 0.3 to 30, or of any power of two for one in ten.  Of some inputs the enclosures of
all logits at some positions, right and wrong, the sum of losses and the possible outputs are judged (tests/network_check.py).  A failure
is an enclosure without the true value, a false right or wrong, a loss bound below the loss, an output left out, two enclosures of one
value that do not overlap, or any refusal that is not about a matter left undecided.  Writes benchmarks/results/network_fuzz.json.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.common import RESULTS, machine, write
from tests.network_check import Tally, check
from tests.network_oracle import random_net
from verifier.system.progress import progress

EVERY = 100  # networks between two records
EXTREME = [2.0**exponent for exponent in (-500, -300, -60, -20, 8, 20, 60, 300, 500)]


def main() -> int:
    """Check all networks, then write what was seen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=3000, help="networks")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    tally, start = Tally(), time.process_time()
    with progress("networks", args.count) as advance:
        for number in range(args.count):
            scale = EXTREME[number // 10 % len(EXTREME)] if number % 10 == 0 else None
            check(random_net(f"fuzz {args.seed} {number}", scale), f"{args.seed} {number}", tally)
            advance()
            if number % EVERY == EVERY - 1 or number == args.count - 1:
                record(tally, args.count, args.seed, time.process_time() - start)
    print(f"{args.count} networks, {tally.logits} logits, {len(tally.failures)} failures", *tally.failures[:10], sep="\n")
    return 1 if tally.failures else 0


def record(tally: Tally, count: int, seed: int, seconds: float) -> None:
    """Write what has been seen so far: `networks` of the `count` that were asked for."""
    seen = asdict(tally)
    failures = seen.pop("failures")
    result = {"count": count, "seed": seed, **seen, "failures": len(failures), "first_failures": failures[:10]}
    result |= {"cpu_seconds": round(seconds, 1), "machine": machine()}
    write(RESULTS / "network_fuzz.json", json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
