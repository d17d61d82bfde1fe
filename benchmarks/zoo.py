"""The models that the project trains itself: trained, measured, described.

    python -m benchmarks.zoo train [NAME ...]     # by their recipes, to certificates/models; needs torch
    python -m benchmarks.zoo [NAME ...] [--long]  # accuracy and loss: proved over all inputs, or sampled; and docs/models.md

A domain of at most 2^17 inputs is proved by the kernel (`every-input`, the fast arithmetic); `--long` proves up to 2^24, which takes
an hour a model.  `attention-only-1` has a strategy of its own; what `python -m benchmarks.tutorial` and `python -m
benchmarks.unenumerable` proved exactly of a model is taken from their results.  Larger domains are sampled in float64, and said to be.
Rows that are not run are kept from the last time.  Results: benchmarks/results/zoo.json and .md, docs/models.md.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import inf, nextafter
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np

from benchmarks.common import RESULTS, ROOT, SHIPPED, machine, markdown, verifier, write
from verifier.kernel.network.attention_only import NAME as ATTENTION_ONLY
from verifier.networks.finding import Found, find_network
from verifier.networks.floats import FloatNetwork, losses, right
from verifier.networks.subjects import whole_scope
from verifier.zoo.architectures import LinearBag
from verifier.zoo.catalogue import Figure, command, figures, network_formulas
from verifier.zoo.recipe import Recipe
from verifier.zoo.recipes import RECIPES

PROVED, PROVED_LONG, SAMPLES, SEED = 1 << 17, 1 << 24, 1 << 16, 1  # inputs, inputs, inputs of a sample, of the sample
FILE, PAGE = RESULTS / "zoo.json", ROOT / "docs" / "models.md"
TRAINING = ("train_seconds", "train_processor_seconds", "final_loss", "trained_on")
HEADER = ("model", "task", "accuracy", "how", "loss", "bytes", "training", "weights")
TITLE = "# The zoo\n\nBy `python -m benchmarks.zoo`; details in `zoo.json`.\n\n"
INTRODUCTION = """# The zoo: models that the project trains itself

Each model below is trained by one command, from a seed, on one core.
The same command gives the same bytes on the same machine with the versions of `constraints.txt`;
another processor may round a sum differently, so what figures are about is the shipped file.
The files are in `certificates/models`.
Each carries its network program and its tasks, so `verifier prove FILE --task TASK` needs no
`--network`.
`verifier models` prints this list.

Seconds of training are those of one processor core, start-up included.

Figures that are *proved* are about all inputs, by the kernel: `verifier prove FILE --task TASK
--strategy every-input`, `--strategy exact` for the accuracy of `max-of-4`, the rules about bags
(`python -m benchmarks.tutorial`) for the tutorial's networks, and pieces
(`python -m benchmarks.unenumerable`, `docs/unenumerable.md`) where nobody can try every input.
A proved loss is an upper bound, in nats.
Figures that are *sampled* are float64 runs on random inputs, and no proof.
Written by `python -m benchmarks.zoo`.

"""


def path_of(name: str) -> Path:
    """Where a model is shipped."""
    return SHIPPED / f"{name}.safetensors"


def recorded() -> dict[str, dict[str, Any]]:
    """The rows of the last time by name."""
    return {row["name"]: row for row in json.loads(FILE.read_text(encoding="utf-8"))["rows"]} if FILE.exists() else {}


def is_about(row: Mapping[str, Any]) -> bool:
    """Whether a row is about a model that is there, and the one that its figures are of."""
    path = path_of(row["name"])
    return path.exists() and find_network(None, path.read_bytes(), file=str(path)).network.weights.digest == row["digest"]


def train(name: str) -> dict[str, Any]:
    """Train a model in place; what is known of its training."""
    done = verifier("train", "--recipe", name, "-o", path_of(name), "--force")
    return {
        "train_seconds": done.output["seconds"],
        "final_loss": done.output["final_loss"],
        "train_processor_seconds": round(done.cpu_seconds, 1),
        "trained_on": machine(),
    }


def described(name: str, training: Mapping[str, Any]) -> dict[str, Any]:
    """The row of a model before anything is measured."""
    recipe, data = RECIPES[name], path_of(name).read_bytes()
    network = find_network(None, data, file=name).network
    inputs = whole_scope(network, recipe.task).box
    about = {"name": name, "command": command(recipe), "task": recipe.task.sentence(), "network": recipe.network.sentence()}
    size = {"parameters": sum(int(np.prod(one.shape)) for one in network.weights.tensors.values()), "bytes": len(data)}
    kept = {key: training.get(key) for key in TRAINING}
    return about | size | {"digest": network.weights.digest, "recipe": recipe.json, "inputs": inputs} | kept


def strategy(recipe: Recipe, metric: str, inputs: int, most: int) -> str | None:
    """Which proof is about all inputs and exact, or as good as; None: sample."""
    if inputs <= most:
        return "every-input"
    return "exact" if recipe.network_name == ATTENTION_ONLY and metric == "accuracy" else None


def measured(row: Mapping[str, Any], most: int) -> dict[str, Any]:
    """Accuracy and loss; by trying every input where there are at most so many."""
    recipe, path = RECIPES[row["name"]], path_of(row["name"])
    if isinstance(recipe.network, LinearBag):
        return of_the_tutorial(row)
    exact = of_unenumerable(row)
    ways = {metric: strategy(recipe, metric, row["inputs"], most) for metric in ("accuracy", "cross_entropy")}
    numbers: dict[str, Any] = {"accuracy_fraction": None}
    if None in ways.values():
        numbers |= sampled(recipe, find_network(None, path.read_bytes(), file=str(path)))
    if ways["accuracy"] is not None:
        proof = proved(recipe, path, "accuracy", ways["accuracy"])
        if proof["undecided"]:
            raise RuntimeError(f"{row['name']}: {proof['undecided']} inputs are undecided, so the accuracy is not exact")
        numbers |= {"accuracy": figure(proof), "accuracy_fraction": proof["proved"]}
    if ways["cross_entropy"] is not None:
        numbers["loss"] = figure(proved(recipe, path, "cross_entropy", ways["cross_entropy"]))
    return numbers | exact | {"measured_on": machine()}


def of_the_tutorial(row: Mapping[str, Any]) -> dict[str, Any]:
    """What `benchmarks/tutorial.py` proved of its networks, all 2^22 and 2^24 inputs by the rules about bags."""
    found = json.loads((RESULTS / "tutorial.json").read_text(encoding="utf-8"))["rows"]
    proofs = {one["metric"]: one | {"total": one["inputs"]} for one in found if one["weights"] == row["digest"]}
    if len(proofs) != 2:
        raise RuntimeError(f"{row['name']}: results/tutorial.json is about other weights; python -m benchmarks.tutorial {row['name']}")
    accuracy = proofs["accuracy"]
    fraction = accuracy["proved"] if accuracy["undecided"] == 0 else None
    return {
        "accuracy": figure(accuracy),
        "accuracy_fraction": fraction,
        "loss": figure(proofs["cross_entropy"]),
        "measured_on": accuracy["machine"],
    }


def of_unenumerable(row: Mapping[str, Any]) -> dict[str, Any]:
    """The accuracy that `benchmarks/unenumerable.py` proved of these weights and checked; nothing where inputs are undecided."""
    for one in json.loads((RESULTS / "unenumerable.json").read_text(encoding="utf-8"))["rows"]:
        if one["model"] == row["digest"] and one["undecided"] == 0 and "fast" in one["checks"]:
            return {"accuracy": figure(one | {"relation": ">="}), "accuracy_fraction": one["proved"]}
    return {}


def proved(recipe: Recipe, path: Path, metric: str, way: str) -> Any:
    """What `verifier prove` prints about all inputs."""
    question = ("--task", next(iter(recipe.tasks)), "--metric", metric, "--strategy", way)
    with tempfile.TemporaryDirectory() as place:
        return verifier("prove", path, *question, "-o", place).output


def figure(proof: Mapping[str, Any]) -> dict[str, Any]:
    """A proved number, of a loss the next float above it."""
    value = float(Fraction(proof["proved"]))
    return {"value": value if proof["relation"] == ">=" else nextafter(value, inf), "proved": True, "inputs": proof["total"]}


def sampled(recipe: Recipe, found: Found) -> dict[str, Any]:
    """Accuracy and mean loss on uniform inputs in float64; of several answers each its own accuracy too."""
    task = recipe.task
    generator = np.random.default_rng(SEED)
    counts = task.token_counts(found.network.vocabulary)
    tokens = generator.integers(0, counts, (SAMPLES, len(counts)))
    sequences = [task.sequence(tuple(line)) for line in tokens.tolist()]
    labels = np.array([task.answers(sequence) for sequence in sequences])
    model = FloatNetwork(found.network)
    rights, total, at_once = [], 0.0, 1 << 14
    for start in range(0, SAMPLES, at_once):
        logits, some = model.logits(sequences[start : start + at_once], task.layout.reads), labels[start : start + at_once]
        rights.append(np.stack([right(logits[:, [place]], some[:, [place]]) for place in range(some.shape[1])], 1))
        total += float(losses(logits[:, 0], some[:, 0]).sum())
    answers = np.concatenate(rights)
    every = [float(share) for share in answers.mean(0)]
    one = len(every) == 1
    return {
        "accuracy": {"value": float(answers.all(1).mean()), "proved": False, "inputs": SAMPLES},
        "accuracy_of_each_answer": None if one else every,
        "loss": {"value": total / SAMPLES, "proved": False, "inputs": SAMPLES} if one else None,
    }


def save(rows: Sequence[Mapping[str, Any]]) -> None:
    """Write the rows, for programs and for people, and the page of the documents."""
    write(FILE, json.dumps({"rows": list(rows)}, indent=1) + "\n")
    lines = []
    for row in rows:
        accuracy, loss = Figure(**row["accuracy"]), row["loss"]
        how = "proved" if accuracy.proved else f"{accuracy.inputs:,} samples"
        seconds = "" if row["train_processor_seconds"] is None else f"{row['train_processor_seconds']:.0f} s"
        shown = "" if loss is None else Figure(**loss).above
        digest = f"`{row['digest'][:19]}...`"
        lines.append((row["name"], RECIPES[row["name"]].task.name, accuracy.exact, how, shown, f"{row['bytes']:,}", seconds, digest))
    total = f"\nTogether {sum(row['bytes'] for row in rows):,} bytes.\n"
    write(FILE.with_suffix(".md"), TITLE + markdown(HEADER, lines) + "\n" + total)
    write(PAGE, INTRODUCTION + markdown(HEADER, lines) + "\n" + total + "\n" + "\n".join(map(section, rows)))


def section(row: Mapping[str, Any]) -> str:
    """A model in the documents."""
    recipe = RECIPES[row["name"]]
    seconds = "" if row["train_processor_seconds"] is None else f"    # {row['train_processor_seconds']:.0f} s"
    facts = [*figures(row), f"{row['parameters']:,} parameters, {row['bytes']:,} bytes", f"weights `{row['digest']}`"]
    bullets = [
        fill(f"* {fact}", 100, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
        for fact in (f"task: {row['task']}", f"network: {row['network']}", *facts)
    ]
    lines = [f"## {row['name']}", "", f"    {row['command']}{seconds}", "", *bullets, ""]
    return "\n".join([*lines, *(f"    {line}" for line in network_formulas(recipe)), ""])


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="[train] NAME", help="these models (default: all that are there)")
    parser.add_argument("--long", action="store_true", help="prove domains of up to 2^24 inputs too")
    args = parser.parse_args()
    training = args.names[:1] == ["train"]
    names = args.names[training:] or list(RECIPES)
    unknown = [name for name in names if name not in RECIPES]
    if unknown:
        parser.error(f"no recipe {unknown[0]}; see `verifier models`")
    rows = {name: row for name, row in recorded().items() if is_about(row)}
    for name in names:
        if training:
            fresh = described(name, train(name))
        elif path_of(name).exists():
            fresh = described(name, rows.get(name, {}))
        else:
            print(f"skipped {name}: python -m benchmarks.zoo train {name}", flush=True)
            continue
        rows[name] = fresh | measured(fresh, PROVED_LONG if args.long else PROVED)
        print(name, *figures(rows[name]), f"load {os.getloadavg()[0]:.1f}", sep="; ", flush=True)
        still = [one for one in RECIPES if one in rows and is_about(rows[one])]  # another file may have taken a model's place meanwhile
        save([rows[one] | described(one, rows[one]) for one in still])


if __name__ == "__main__":
    main()
