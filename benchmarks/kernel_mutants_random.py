"""How many mutants of the checker survive, at most: a random sample of all of them, judged, and an exact bound.

    python benchmarks/kernel_mutants_random.py --sample 300 --seed 2 [--shard 1/2] [--list] [--report]

The mutants are those of kernel_mutants.py, of the kernel as it is; N of them are drawn uniformly and judged in the order drawn.  A run can
be stopped and goes on where it was.  Two processes may share the work, `--shard 1/2` and `--shard 2/2`, once one of them has surveyed
the suite.  The bound, with 95 per cent confidence, is about the longest beginning of the order that is judged without a gap.

The first judgement of a mutant counts, for good: a test written for a survivor does not make it one that was killed.  Tests may be
added on the way: what was judged before them was judged by a weaker suite, which can only raise the bound.  A second seed after
a disappointing first one would be chosen by its outcome, so the result lists all seeds that were used on this kernel.

Writes benchmarks/results/kernel_mutants_random.json.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.common import MODELS, RESULTS, ROOT, machine, write
from benchmarks.kernel_mutants import EQUIVALENT, Mutant, all_mutants, append, judgements, prepare, records_of
from benchmarks.sampling_bound import RISK, upper_bound

STATE = MODELS / "kernel_mutants_random.jsonl"


def drawn(mutants: list[Mutant], size: int, seed: int) -> list[Mutant]:
    """A uniform sample in a random order; every beginning of it is one too, and a larger one begins with a smaller one."""
    order = list(mutants)
    random.Random(seed).shuffle(order)
    return order[:size]


def population(mutants: list[Mutant]) -> str:
    """A digest of all mutants: a sample belongs to one kernel."""
    return hashlib.sha256(repr([(mutant.key, mutant.node) for mutant in mutants]).encode()).hexdigest()[:16]


def bounded(records: list[dict[str, Any]], mutants: list[Mutant], size: int, seed: int) -> dict[str, Any]:
    """What the sample says about all mutants.  records: of STATE, in the order of judgement."""
    argued = json.loads(EQUIVALENT.read_text(encoding="utf-8")) if EQUIVALENT.exists() else {}
    state, wanted = population(mutants), {mutant.key for mutant in mutants}
    seeds: dict[str, dict[int, dict[str, Any]]] = {}
    for record in records:
        if record["population"] == state:
            seeds.setdefault(str(record["random_seed"]), {}).setdefault(record["place"], record)  # the first judgement counts
    first = seeds.get(str(seed), {})
    judged = [first[place] for place in range(next(place for place in range(size + 1) if place == size or place not in first))]
    if not all((record["id"], record["source"]) in wanted for record in judged):
        raise ValueError("a judgement of a mutant that this kernel does not have")
    survivors = [record for record in judged if record["fate"] != "killed" and record["id"] not in argued]
    alive = sum(record["fate"] != "killed" for record in judged)
    return {
        "seed": seed,
        "population": state,
        "possible": len(mutants),
        "sample": size,
        "judged": len(judged),
        "killed": len(judged) - alive,
        "equivalent": alive - len(survivors),
        "survived": len(survivors),
        "confidence": f"{1 - RISK}",
        "survivors_at_most": upper_bound(len(survivors), size=len(judged), population=len(mutants)) if judged else len(mutants),
        "not_killed_at_most": upper_bound(alive, size=len(judged), population=len(mutants)) if judged else len(mutants),
        "not_killed": [record for record in judged if record["fate"] != "killed"],
        "seeds": {name: len(places) for name, places in sorted(seeds.items())},
        "cpu_seconds": round(sum(record["seconds"] for record in judged), 1),
        "machine": machine(),
    }


def main() -> int:
    """Judge what is left of the sample, or of this shard of it, then write what it says about all mutants."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=int, default=300)
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--shard", default="1/1", metavar="I/K", help="judge every K-th of the sample, from the I-th on")
    parser.add_argument("--list", action="store_true", help="print the sample and stop")
    parser.add_argument("--report", action="store_true", help="write what has been judged so far, and stop")
    args = parser.parse_args()
    mutants = all_mutants(ROOT)
    sample, state = drawn(mutants, args.sample, args.seed), population(mutants)
    index, shards = map(int, args.shard.split("/"))
    places = range(index - 1, len(sample), shards)
    if args.list:
        for place in places:
            print(f"{place}  {sample[place].id}  {sample[place].before}  ->  {sample[place].after}")
        return 0
    records = records_of(STATE)
    known = {record["place"] for record in records if (record["random_seed"], record["population"]) == (args.seed, state)}
    todo = [place for place in places if place not in known and not args.report]
    if todo:
        for place, record in zip(todo, judgements([sample[place] for place in todo], records), strict=True):
            append(STATE, {"place": place, "random_seed": args.seed, "population": state} | record)
    result = bounded(records_of(STATE), mutants, len(sample), args.seed)
    write(RESULTS / "kernel_mutants_random.json", json.dumps(result, indent=1) + "\n")
    print({name: result[name] for name in ("judged", "sample", "possible", "killed", "equivalent", "survived")})
    print(f"at most {result['survivors_at_most']} of all {result['possible']} survive without an argument ({result['confidence']})")
    return 1 if result["survived"] else 0


if __name__ == "__main__":
    prepare()
    sys.exit(main())
