"""The 100 published sub-cubic combinations: our sound versions against the exact answer, and against the published formulas.

    python benchmarks/published_strategies.py tiny          # every combination on random tiny models, cell by cell
    python benchmarks/published_strategies.py comparison    # every combination on the main model, as published and as certified

tiny: models of 4 to 6 tokens and 2 to 4 positions, with weights of many scales and of both signs.  For each combination the number
of inputs that its certificate counts is compared, for every query and maximum, with the number answered rightly (every input
evaluated in Arb at 300 bits by code that shares nothing with the package).  A count above it would be a false proof.

comparison: what each published formula computes in float64 (verifier/reproduction, not to be trusted), as published and with slips
mended; how many of its groups are not justified; and what our version of the same combination certifies.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np

from benchmarks.common import RESULTS, SHIPPED, machine, markdown, write
from tests.models import Rows, TinyModel, random_model
from tests.oracle import truth
from verifier.domain import whole_domain
from verifier.kernel.facts import Count, Fact, Table
from verifier.kernel.statement import Subject
from verifier.networks.attention_only import read_model
from verifier.proving import prove
from verifier.reproduction import REPAIRED, Group, Repairs, Reproduction, reproduce
from verifier.strategies import STRATEGIES
from verifier.strategies.float_model import FloatModel
from verifier.strategies.gap_search import search
from verifier.strategies.kernel_tables import draft_facts
from verifier.strategies.published import ATTENTION, COMBINATIONS, SCORE, SKIP, score_steps, skip_steps
from verifier.strategies.steps import Step, exact_tables, float_array, integer_array, step

MODELS = 210
OTHERS = (
    "cubic",
    "envelope",
    "absent-present",
    "low-rank-qk",
    "low-rank-eu",
    "low-rank-qk-eu",
    "low-rank-quadratic-qk",
    "low-rank-quadratic",
)
MAIN = SHIPPED / "max-of-4.safetensors"
Cells = dict[tuple[int, int], int]


# -- tiny models -------------------------------------------------------------------------------------------------------


def tiny_model(seed: int) -> TinyModel:
    """One in three is of the kind that misleads the published rule, the others are those of the tests of rules."""
    rng = random.Random(f"published {seed}")
    v, n = rng.randint(4, 6), rng.choice([2, 2, 2, 2, 3, 3, 4])
    return misleading_model(rng, v, n) if seed % 3 == 0 else random_model(seed, v=v, n=n)


def misleading_model(rng: random.Random, v: int, n: int) -> TinyModel:
    """Near the known counterexample: some queries hardly attend to the largest token, which argues strongly against one output."""
    favoured, strength = rng.randrange(v - 1), 2.0 ** rng.uniform(2, 8)
    score = [[rng.gauss(0, 0.3) for _ in range(v)] for _ in range(v)]
    for query, row in enumerate(score):
        row[-1] = rng.choice([-1.0, 1.0, 3.0]) * rng.uniform(0.5, 1.5) * (v + n) ** 0.5 + (query == v - 1) * 3
    noise = rng.choice([0.0, 0.1, 1.0])
    copy = [[rng.gauss(0, noise) for _ in range(v)] for _ in range(v)]
    copy[-1] = [0.0 if x == v - 1 else -strength if x == favoured else -rng.uniform(0.5, 4) for x in range(v)]
    place = [strength * rng.uniform(0.2, 0.7) if x == favoured else rng.gauss(0, noise) for x in range(v)]
    return one_hot_model(score, copy, place, n)


def one_hot_model(score: Rows, copy: Rows, place: list[float], n: int) -> TinyModel:
    """A model with these tables: scores before division by the root of v + n, copies, what every position argues for; no skip path."""
    v = len(score)
    d, h = 2 * v + n, v + n
    zeros = [[0.0] * h for _ in range(d)]
    unit = [[1.0 * (i == j) for j in range(d)] for i in range(d)]
    weights = {
        "W_E": unit[:v],
        "W_pos": unit[v : v + n],
        "W_Q": [[*row, *[0.0] * n] for row in score] + zeros[v:],
        "W_K": [line[:h] for line in unit[:v]] + zeros[v:],
        "W_V": [line[:h] for line in unit[:h]] + zeros[h:],
        "W_O": [[0.0] * h + row for row in [*copy, *[place] * n]],
        "W_U": [[0.0] * v for _ in range(h)] + [line[:v] for line in unit[:v]],
    }
    return TinyModel(weights, "misleading")


def all_counts(model: TinyModel) -> dict[str, Cells]:
    """What every combination counts, by the kernel: one certificate, whose tables are shared."""
    exact = read_model(model.data, file=model.label)
    floats, subject = FloatModel(exact), whole_domain(exact)
    tables = [*(_named(one, f"skip-{i}") for i, option in enumerate(SKIP) for one in skip_steps(floats, option))]
    tables += [_named(one, f"score-{i}") for i, option in enumerate(SCORE) for one in score_steps(floats, option)]
    tables += [one for one in exact_tables("raw") if one["id"] in ("copy", "position_copy")]
    tables += [one for one in exact_tables("centred") if one["id"] == "position_score"]
    facts = _facts(floats, subject, tables)
    right = {}
    for one in COMBINATIONS:
        roles = {"skip": f"skip-{SKIP.index(one.skip)}", "score": f"score-{list(SCORE).index(one.score)}"}
        roles |= {name: name for name in ("position_score", "copy", "position_copy")}
        known = {role: fact for role, name in roles.items() if isinstance(fact := facts[name], Table)}
        average = ATTENTION[one.attention]
        hints = search(known, exact.head_width, average)
        centres = float_array(hints.centres)
        right[one.name] = step(
            f"right-{len(right)}", "attention_margin", roles, gaps=integer_array(hints.gaps), average=average, centres=centres
        )
    concluded = _facts(floats, subject, [*tables, *right.values()])
    return {name: _counts(concluded[one["id"]]) for name, one in right.items()}


def _named(one: Step, prefix: str) -> Step:
    """The step under another name: `skip` becomes `skip-0`, `skip.peeled` becomes `skip-0.peeled`."""

    def renamed(name: str) -> str:
        return prefix + name.removeprefix(prefix.partition("-")[0])

    return one | {"id": renamed(one["id"])} | ({"premises": {"table": renamed(one["premises"]["table"])}} if "premises" in one else {})


def _facts(model: FloatModel, subject: Subject, steps: list[Step]) -> dict[str, Fact]:
    """Where weights are too far apart for the arithmetic nothing is certified."""
    return draft_facts(model, subject, steps, refused=Count({}))


def _counts(fact: Fact) -> Cells:
    if not isinstance(fact, Count):
        raise TypeError(type(fact).__name__)
    return dict(fact.counts)


def counts_of(model: TinyModel, name: str) -> Cells:
    """What a strategy's own certificate counts: the entrywise largest of its counting facts, as the rule `accuracy` takes it."""
    exact = read_model(model.data, file=model.label)
    subject = whole_domain(exact)
    found: Counter[tuple[int, int]] = Counter()
    for fact in _facts(FloatModel(exact), subject, STRATEGIES[name].steps(FloatModel(exact), subject)).values():
        if isinstance(fact, Count):
            found |= Counter(fact.counts)
    return dict(found)


def too_large(counts: Cells, model: TinyModel) -> list[tuple[int, int]]:
    """Cells that claim more than the exact number of right inputs.  Must be empty."""
    right = truth(model).cells("right", "unclear")
    return [cell for cell, count in counts.items() if count > right[cell]]


def wrong_in(groups: Iterable[Group], model: TinyModel) -> int:
    """Wrong inputs that the groups of a published formula contain."""
    wrong = Counter()
    for tokens in truth(model).inputs("wrong"):
        others = [token for token in tokens if token < max(tokens)]
        wrong[max(tokens), tokens[-1], len(others), max(others, default=-1)] += 1
    return sum(
        count
        for group in groups
        for (maximum, query, others, largest), count in wrong.items()
        if (maximum, query, others) == (group.maximum, group.query, group.others) and largest <= maximum - group.gap
    )


@dataclass(frozen=True)
class Tried:
    """One combination on one model.  refused: the kernel rejects the certificate.  wrong: wrong inputs in the published groups."""

    name: str
    certified: int
    right: int
    total: int
    false_cells: int
    refused: bool
    published: Reproduction
    wrong: int

    @property
    def loses(self) -> bool:
        """The published formula's groups are justified, and yet it has more inputs than ours."""
        return not self.refused and not self.published.unjustified and self.published.count > self.certified


def try_all(model: TinyModel) -> Iterator[Tried]:
    """Every combination on one model."""
    exact, answers = read_model(model.data, file=model.label), truth(model)
    for name, counts in all_counts(model).items():
        published = reproduce(exact, name)
        right, false = answers.count("right"), len(too_large(counts, model))
        yield Tried(name, sum(counts.values()), right, answers.total, false, not counts, published, wrong_in(published.groups, model))


def tiny(count: int) -> None:
    """Try all combinations and some of our own strategies on `count` models."""
    start, rows, tried = time.time(), [], 0
    totals: Counter[str] = Counter()
    for seed in range(count):
        model = tiny_model(seed)
        results = list(try_all(model))
        others = {name: counts_of(model, name) for name in OTHERS}
        tried += len(results) + len(others)
        row = {"model": seed, "family": model.label, "v": model.v, "n": model.n, "right": results[0].right, "total": results[0].total}
        row |= {
            "false_cells": sum(one.false_cells for one in results) + sum(len(too_large(counts, model)) for counts in others.values()),
            "best_certified": max(one.certified for one in results),
            "published_overclaims": [one.name for one in results if one.published.count > one.right],
            "published_groups_unjustified": sum(len(one.published.unjustified) for one in results),
            "published_groups_with_wrong_inputs": sum(one.wrong > 0 for one in results),
            "published_wrong_inputs_certified": sum(one.wrong for one in results),
            "refused": sum(one.refused for one in results),
            "published_larger_though_justified": [(one.name, one.published.count, one.certified) for one in results if one.loses],
        }
        rows.append(row)
        totals.update({key: len(value) if isinstance(value, list) else value for key, value in row.items() if key in COUNTED})
        if seed % 10 == 9:
            print(f"{seed + 1} models, {time.time() - start:.0f} s, {dict(totals)}", flush=True)
    summary = {"models": count, "certificates": tried, "seconds": round(time.time() - start), **totals}
    write(RESULTS / "published_strategies.json", json.dumps({"machine": machine(), "summary": summary, "rows": rows}, indent=1) + "\n")
    write(RESULTS / "published_strategies.md", tiny_report(summary))


COUNTED = {  # what the summary adds up -> what it says
    "false_cells": "cells (query, maximum) in which a certificate of ours counts more than the exact number of right inputs",
    "published_overclaims": "runs of a published formula that report more inputs than are right",
    "published_groups_unjustified": "groups that a published formula certifies although its own relaxation is not negative (G1, G2)",
    "published_groups_with_wrong_inputs": "runs of a published formula that certify a group with a wrong input in it",
    "published_wrong_inputs_certified": "wrong inputs in such groups, over all runs",
    "refused": "certificates of ours that the kernel refuses: attention weights too far apart for its arithmetic to divide by",
    "published_larger_though_justified": "runs in which the published formula, all its groups justified, has more inputs than ours",
}


def tiny_report(summary: dict[str, Any]) -> str:
    """The Markdown page."""
    lines = markdown(["what", "how many"], [[text, summary.get(key, 0)] for key, text in COUNTED.items()])
    return (
        "# Every combination on random tiny models\n\nWritten by `python benchmarks/published_strategies.py tiny`.\n\n"
        f"{summary['models']} models of 4 to 6 tokens and 2 to 4 positions, one in three made to mislead the published rule; "
        f"{summary['certificates']} certificates ({len(COMBINATIONS)} combinations and {len(OTHERS)} other strategies on each), "
        f"every cell compared with an enumeration in Arb; {summary['seconds']} s.\n\n{lines}\n"
    )


# -- the main model ----------------------------------------------------------------------------------------------------


def compare(name: str, data: bytes) -> dict[str, Any]:
    """One combination on the main model."""
    model = read_model(data, file=MAIN.name)
    start = time.perf_counter()
    published = reproduce(model, name)
    seconds = time.perf_counter() - start
    counted, repaired = reproduce(model, name, repairs=Repairs(count=True)), reproduce(model, name, repairs=REPAIRED)
    rounded = reproduce(model, name, dtype=np.float32)
    proof = prove(data, STRATEGIES[name], file=MAIN.name, reference=False)
    bound = proof.verdicts[0].bound
    if bound is None:
        raise TypeError
    return {
        "strategy": name,
        "total": published.total,
        "published": published.count,
        "published_float32": rounded.count,
        "published_count_repaired": counted.count,
        "published_all_repaired": repaired.count,
        "certified": bound.certified,
        "groups": len(published.groups),
        "unjustified_groups": [
            [g.maximum, g.query, g.others, g.gap, round(g.claimed, 4), round(g.relaxed or 0.0, 4)] for g in published.unjustified
        ],
        "unjustified_inputs": sum(group.inputs for group in published.unjustified),
        "understated": published.understated,
        "operations": proof.verdicts[0].context.ledger.operations,
        "reproduce_seconds": round(seconds, 2),
        "prove_seconds": round(proof.prove_seconds, 2),
        "check_seconds": round(proof.verdicts[0].seconds, 2),
    }


def comparison() -> None:
    """All combinations, and the cubic proof."""
    data, rows = MAIN.read_bytes(), []
    for name in ["cubic", *(one.name for one in COMBINATIONS)]:
        rows.append(compare(name, data))
        row = rows[-1]
        print(name, *(f"{row[key] / row['total']:.4f}" for key in ("published", "published_all_repaired", "certified")), flush=True)
    write(RESULTS / "published_comparison.json", json.dumps({"machine": machine(), "model": MAIN.name, "rows": rows}, indent=1) + "\n")
    write(RESULTS / "published_comparison.md", comparison_report(rows))


def comparison_report(rows: list[dict[str, Any]]) -> str:
    """The Markdown page."""

    def share(row: dict[str, Any], key: str) -> str:
        return f"{math.floor(row[key] / row['total'] * 1e6) / 1e6:.6f}"

    keys = ("published", "published_float32", "published_count_repaired", "published_all_repaired", "certified")
    table = [
        [row["strategy"].removeprefix("subcubic/"), *(share(row, key) for key in keys), len(row["unjustified_groups"]), row["understated"]]
        for row in rows
    ]
    header = ["combination", "published, float64", "published, float32", "with G3 mended", "with G1, G2, G3 mended", "certified by ours"]
    header += ["groups without justification", "bounds below the true relaxed maximum"]
    justified = [row for row in rows if not row["unjustified_groups"]]
    behind = [row["strategy"] for row in rows if row["published_count_repaired"] > row["certified"]]
    losses = [row["strategy"] for row in justified if row["published"] > row["certified"]]
    summary = [
        f"* {len(rows) - len(justified)} of {len(rows)} formulas certify at least one group without justification.",
        f"* Of the {len(justified)} whose groups are all justified, {len(losses)} have more inputs than our version of the same combination"
        + (": " + ", ".join(losses) if losses else "")
        + ".",
        f"* With the count mended (G3), and whether justified or not, {len(behind)} formulas have more inputs than ours"
        + (": " + ", ".join(behind) if behind else "")
        + ".",
    ]
    return (
        "# The published formulas and our sound versions, on the main model\n\n"
        f"Written by `python benchmarks/published_strategies.py comparison`; `certificates/models/{MAIN.name}`, all inputs.\n"
        "Columns 2 to 5 are float runs of the published formulas, UNTRUSTED; the sixth is certified by the kernel.\n\n"
        + "\n".join(summary)
        + "\n\n"
        + markdown(header, table)
        + "\n"
    )


def main() -> int:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=("tiny", "comparison"))
    parser.add_argument("--models", type=int, default=MODELS, help="tiny models (default %(default)s)")
    args = parser.parse_args()
    if args.part == "tiny":
        tiny(args.models)
    else:
        comparison()
    return 0


if __name__ == "__main__":
    sys.exit(main())
