"""Mutants of accepted certificates, statements and models: is anything false ever proved?

    python benchmarks/mutation_fuzz.py [--mutants 100000] [--seed 1] [--mpmath-share 0.2]

Mutant number i is the same for the same seed, whatever was run before, so a run can be stopped and goes on where it was.  Everything
that is proved of a mutant, PROVED or INCOMPLETE with a bound, is compared with an enumeration of all inputs by an oracle that shares no
code with the checker (tests/oracle.py).  A false verdict or a crash is written to benchmarks/models/false-mutants/ and makes the exit
code 1.  Writes benchmarks/results/mutation_fuzz.json and mutation_fuzz.md.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.common import MODELS, RESULTS, ROOT, machine, markdown, write
from tests.models import copying, from_file, random_model
from tests.mutators import Case, Mutant, Outcome, corpus_cases, mutate, outcome, plan_cases
from verifier.proving import prove
from verifier.strategies import STRATEGIES
from verifier.system.progress import progress

STATE = MODELS / "mutation_fuzz.jsonl"  # one line per chunk
FALSE = MODELS / "false-mutants"
CHUNK = 500
PLAN_CASES = 400


def strategy_cases() -> list[Case]:
    """What our own strategies, and a few of the published ones, write about four tiny models."""
    models = [copying(random.Random(f"fuzz {seed}"), 4, 3, noise=0.15, slope=1.0, copy=4.0) for seed in range(2)]
    models += [random_model(2, v=3, n=2), random_model(6, v=5, n=3)]
    published = random.Random("fuzz").sample([name for name in STRATEGIES if name.startswith("subcubic/")], 12)
    names = [name for name in STRATEGIES if not name.startswith("subcubic/")] + published
    cases = []
    for model in models:
        for name in names:
            try:
                proof = prove(model.data, STRATEGIES[name], file="model", reference=False)
            except Exception as error:  # a strategy that has no proof of this model has nothing to mutate
                print(f"{name}: {type(error).__name__}", file=sys.stderr)
                continue
            papers = json.loads(proof.statement), json.loads(proof.certificate)
            cases.append(Case(f"strategy/{name}", *papers, from_file(model.data), model.data))
    return cases


def one(index: int, seed: int, cases: list[Case], mpmath_share: float) -> tuple[Mutant, str, Outcome]:
    """Mutant number `index`, the arithmetic that judged it, and what it said."""
    rng = random.Random(f"mutant {seed} {index}")
    mutant = mutate(rng.choice(cases), rng)
    by = "mpmath" if rng.random() < mpmath_share else "fast"
    return mutant, by, outcome(mutant, by)


def keep(index: int, mutant: Mutant, by: str, found: Outcome) -> None:
    """Write a false mutant's files and what is false about it."""
    folder = FALSE / str(index)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "statement.json").write_bytes(mutant.statement)
    (folder / "certificate.json").write_bytes(mutant.certificate)
    (folder / "model.safetensors").write_bytes(mutant.file)
    story = {"case": mutant.case, "edits": mutant.edits, "arithmetic": by, "verdict": found.word, "fault": found.fault}
    write(folder / "story.json", json.dumps(story, indent=1) + "\n")


def kernel_digest() -> str:
    """Which checker was run: the first digits of a hash over its source."""
    state = hashlib.sha256()
    for path in [*sorted((ROOT / "verifier" / "kernel").rglob("*.py")), *sorted((ROOT / "verifier" / "fast").glob("*.py"))]:
        state.update(path.read_bytes())
    return state.hexdigest()[:12]


KERNEL = kernel_digest()  # now, not when a chunk is done: the tree may change while this runs


def run_chunk(chunk: int, seed: int, cases: list[Case], mpmath_share: float, size: int) -> dict[str, Any]:
    """Judge one chunk of mutants."""
    counts: Counter[str] = Counter()
    false, slowest = [], 0.0
    start = time.process_time()
    for index in range(chunk * CHUNK, chunk * CHUNK + size):
        before = time.process_time()
        mutant, by, found = one(index, seed, cases, mpmath_share)
        slowest = max(slowest, time.process_time() - before)
        counts[f"{mutant.edits[0]}|{by}|{found.word}|{found.code}"] += 1
        if found.fault:
            keep(index, mutant, by, found)
            false.append(index)
    seconds = round(time.process_time() - start, 2)
    return {
        "chunk": chunk,
        "counts": counts,
        "false": false,
        "cpu_seconds": seconds,
        "slowest": round(slowest, 2),
        "kernel": KERNEL,
    }


def done_before(key: dict[str, Any]) -> list[dict[str, Any]]:
    """Chunks of an earlier run with the same settings; those of other settings are forgotten."""
    if not STATE.exists():
        return []
    lines = [json.loads(line) for line in STATE.read_text(encoding="utf-8").splitlines()]
    return [{k: v for k, v in line.items() if k != "key"} for line in lines if line["key"] == key]


def table(counts: Counter[str], *fields: int) -> list[tuple[Any, ...]]:
    """Totals by some of the fields (0 target, 1 arithmetic, 2 verdict, 3 code), the most frequent first."""
    totals: Counter[tuple[str, ...]] = Counter()
    for name, number in counts.items():
        parts = name.split("|")
        totals[tuple(parts[i] for i in fields)] += number
    return [(*name, number) for name, number in totals.most_common()]


def report(chunks: list[dict[str, Any]], settings: dict[str, Any], cases: int) -> dict[str, Any]:
    """The results as one object."""
    counts: Counter[str] = Counter()
    for chunk in chunks:
        counts.update(chunk["counts"])
    words = Counter(dict(table(counts, 2)))
    targets = sorted({name.split("|")[0] for name in counts})
    by_target = {t: {word: sum(n for name, n in counts.items() if name.split("|")[0::2] == [t, word]) for word in words} for t in targets}
    return {
        **settings,
        "cases": cases,
        "mutants": sum(counts.values()),
        "false_verdicts": sum(len(chunk["false"]) for chunk in chunks),
        "false_mutants": [index for chunk in chunks for index in chunk["false"]],
        "crashes": words["crash"],
        "outcomes": dict(words),
        "confirmed_by_enumeration": words["PROVED"] + words["INCOMPLETE"],
        "by_target": by_target,
        "by_arithmetic": dict(table(counts, 1)),
        "by_reason": {f"{word} {code}".strip(): number for word, code, number in table(counts, 2, 3)},
        "cpu_seconds": round(sum(chunk["cpu_seconds"] for chunk in chunks), 1),
        "slowest_seconds": max(chunk["slowest"] for chunk in chunks),
        "kernels": sorted({chunk["kernel"] for chunk in chunks}),
        "machine": machine(),
    }


def page(result: dict[str, Any]) -> str:
    """The results for a reader."""
    words = list(result["outcomes"])
    shares = ", ".join(f"{number} judged by {name}" for name, number in result["by_arithmetic"].items())
    rows = [[target, *(numbers[word] for word in words)] for target, numbers in result["by_target"].items()]
    rows.append(["all", *result["outcomes"].values()])
    reasons = [[name, number] for name, number in result["by_reason"].items()]
    return "\n".join(
        [
            "# Mutation fuzzing\n",
            f"`python benchmarks/mutation_fuzz.py --mutants {result['mutants']} --seed {result['seed']}`\n",
            f"{result['mutants']} mutants of {result['cases']} accepted cases ({shares}).",
            f"{result['confirmed_by_enumeration']} of them still prove something, each confirmed by enumeration of all inputs.",
            f"**False verdicts: {result['false_verdicts']}. Crashes: {result['crashes']}.**",
            f"{result['cpu_seconds']} s of one core; the slowest mutant took {result['slowest_seconds']} s.\n",
            markdown(["what was edited", *words], rows),
            "",
            "A verdict PROVED is no failure: many edits leave a true proof of a true claim (another hint, an unused step, a weight that",
            "does not matter). What counts is that it is true. `refused` is exit code 3. After an edit of weights or of the subject the",
            "digests are rewritten, so that the certificate is about the changed thing.\n",
            markdown(["verdict and reason", "mutants"], reasons),
            "",
        ]
    )


def main() -> int:
    """Run what is left, then write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mutants", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--mpmath-share", type=float, default=0.2, help="share of the mutants that the reference arithmetic judges")
    args = parser.parse_args()
    cases = corpus_cases() + plan_cases(PLAN_CASES) + strategy_cases()
    settings = {"seed": args.seed, "mpmath_share": args.mpmath_share}
    digest = hashlib.sha256("".join(json.dumps([c.statement, c.certificate]) for c in cases).encode()).hexdigest()[:12]
    source = hashlib.sha256((ROOT / "tests" / "mutators.py").read_bytes()).hexdigest()[:12]
    key = {**settings, "cases": digest, "mutators": source, "chunk": CHUNK}
    wanted = range((args.mutants + CHUNK - 1) // CHUNK)
    chunks = [chunk for chunk in done_before(key) if chunk["chunk"] in wanted]
    done = {chunk["chunk"] for chunk in chunks}
    STATE.parent.mkdir(parents=True, exist_ok=True)
    with progress("mutants", len(wanted)) as advance:
        for number in wanted:
            if number not in done:
                chunk = run_chunk(number, args.seed, cases, args.mpmath_share, min(CHUNK, args.mutants - number * CHUNK))
                chunks.append(chunk)
                with STATE.open("a", encoding="utf-8") as stream:
                    stream.write(json.dumps({"key": key, **chunk}) + "\n")
            advance()
    result = report(chunks, settings, len(cases))
    write(RESULTS / "mutation_fuzz.json", json.dumps(result, indent=1) + "\n")
    write(RESULTS / "mutation_fuzz.md", page(result))
    print(f"{result['mutants']} mutants, {result['false_verdicts']} false verdicts, {result['crashes']} crashes, {result['cpu_seconds']} s")
    return 1 if result["false_verdicts"] or result["crashes"] else 0


if __name__ == "__main__":
    sys.exit(main())
