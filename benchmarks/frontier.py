"""Bounds against proof length on every model of the study, and how time grows with vocabulary and length.

    python benchmarks/frontier.py                      # everything; goes on from where an earlier run stopped
    python benchmarks/frontier.py --only max-of-4      # runs whose model has this name, or begins so
    python benchmarks/frontier.py --list               # what would be run

1. Models are trained by `verifier train` into benchmarks/models/ unless they are there; the shipped one is used as it is.
2. For each run of the table below, `verifier frontier` makes rows and certificates under benchmarks/models/frontiers/.
3. Tables and figures are copied to benchmarks/results/, and growth.csv, growth.png and growth.svg are made from all of them.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.common import MODELS, RESULTS, SHIPPED, machine, verifier, write
from verifier.plotting.figures import new_figure, save


@dataclass(frozen=True)
class Recipe:
    """Arguments of `verifier train`.  shipped: the file of certificates/models that is this very model."""

    k: int
    vocabulary: int
    width: int
    seed: int
    steps: int = 3000
    shipped: str = ""


RECIPES = {
    "max-of-4-seed-123": Recipe(4, 64, 32, 123, shipped="max-of-4.safetensors"),
    "max-of-4-seed-1": Recipe(4, 64, 32, 1),
    "max-of-4-seed-613": Recipe(4, 64, 32, 613),
    "max-of-5": Recipe(5, 64, 32, 123),
    "max-of-10": Recipe(10, 64, 32, 123),
    "max-of-20": Recipe(20, 64, 32, 123),
    "max-of-4-vocabulary-128": Recipe(4, 128, 32, 123),
    "max-of-4-vocabulary-512": Recipe(4, 512, 32, 123, steps=20_000),  # 3000 batches show it too few of its inputs
}

# What is run: model, strategies as `verifier frontier --strategies` reads them, seconds allowed for each.
RUNS: tuple[tuple[str, str, int], ...] = (
    ("max-of-4-seed-123", "all", 900),
    ("max-of-4-seed-1", "cubic,ours,subcubic/max_diff_exact/*", 900),
    ("max-of-4-seed-613", "cubic,ours,subcubic/max_diff_exact/*", 900),
    ("max-of-5", "cubic,ours", 900),
    ("max-of-10", "cubic,ours", 900),
    ("max-of-20", "cubic,ours", 900),
    ("max-of-4-vocabulary-128", "absent-present,subcubic,counting,exact", 1800),
    ("max-of-4-vocabulary-512", "absent-present", 3600),
)

# What the growth figure shows: models by vocabulary, models by length, strategies.
BY_VOCABULARY = ("max-of-4-seed-123", "max-of-4-vocabulary-128", "max-of-4-vocabulary-512")
BY_LENGTH = ("max-of-4-seed-123", "max-of-5", "max-of-10", "max-of-20")
GROWING = ("cubic", "subcubic", "counting", "absent-present", "exact", "low-rank-quadratic")

SHORTEST = 0.01  # seconds: strategies without hints search for nothing, and have no dashed line

GROWTH_COLUMNS = (
    "model",
    "k",
    "vocabulary",
    "strategy",
    "verdict",
    "bound",
    "operations",
    "prove_seconds",
    "check_seconds",
    "peak_memory_mib",
)
COLOURS = ("#c8553d", "#1b6ca8", "#2e8b57", "#8e5ea2", "#b8860b", "#444444", "#d17ba8", "#5f9ea0")


def model_file(name: str) -> Path:
    """The weights file of a model, trained now if it is missing."""
    recipe = RECIPES[name]
    if recipe.shipped:
        return SHIPPED / recipe.shipped
    path = MODELS / f"{name}.safetensors"
    if not path.exists():
        sizes = ("--k", recipe.k, "--vocab", recipe.vocabulary, "--d-model", recipe.width)
        report = verifier("train", "max-of-k", *sizes, "--seed", recipe.seed, "--steps", recipe.steps, "-o", path).output
        print(f"{name}: trained, sampled accuracy {report['sampled_accuracy']:.5f}, {report['seconds']:.0f} s", flush=True)
    return path


def run(name: str, words: str, seconds: int, workers: int) -> None:
    """One line of `RUNS`."""
    folder = MODELS / "frontiers" / name
    options = ("--strategies", words, "--seconds", seconds, "--workers", workers)
    document = verifier("frontier", model_file(name), *options, "-o", folder, accept=(0, 2)).output
    keep(name, folder, document)
    proved = [row for row in document["rows"] if row["verdict"] == "PROVED"]
    best = max(proved, key=lambda row: float(row["bound"]), default=None)
    summary = f"best {best['bound']} by {best['strategy']}" if best else "no proof"
    print(f"{name}: {len(proved)} of {len(document['rows'])} strategies have a proof; {summary}", flush=True)


def keep(name: str, folder: Path, document: dict[str, Any]) -> None:
    """Copy what is worth keeping to benchmarks/results/."""
    write(RESULTS / f"{name}.json", json.dumps({"model": name, "machine": machine()} | document, indent=1) + "\n")
    shutil.copyfile(folder / "frontier.csv", RESULTS / f"{name}.csv")
    for figure in [*folder.glob("bound-against-*.png"), *folder.glob("bound-against-*.svg")]:
        shutil.copyfile(figure, RESULTS / f"{name}-{figure.name}")


def growth() -> None:
    """The table and the figure of how cost grows, from all results that exist."""
    rows = [row for name in dict.fromkeys([*BY_VOCABULARY, *BY_LENGTH]) for row in _growth_rows(name)]
    stream = io.StringIO()
    writer = csv.DictWriter(stream, GROWTH_COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write(RESULTS / "growth.csv", stream.getvalue())
    save(draw_growth(rows), RESULTS, "growth")


def _growth_rows(name: str) -> list[dict[str, Any]]:
    path = RESULTS / f"{name}.json"
    if not path.exists():
        return []
    sizes = {"model": name, "k": RECIPES[name].k, "vocabulary": RECIPES[name].vocabulary}
    return [sizes | row for row in json.loads(path.read_bytes())["rows"] if row["strategy"] in GROWING]


def draw_growth(rows: Sequence[dict[str, Any]]) -> Figure:
    """Operations above and seconds below, by vocabulary on the left and by length on the right."""
    figure = new_figure(12, 8.5)
    figure.suptitle("Growth of proofs with vocabulary (4 tokens) and with length (vocabulary 64)", fontsize=11)
    for column, (names, size, title) in enumerate(((BY_VOCABULARY, "vocabulary", "vocabulary v"), (BY_LENGTH, "k", "length k"))):
        chosen = [row for row in rows if row["model"] in names and row["verdict"] == "PROVED"]
        for line, measures in enumerate((("operations",), ("check_seconds", "prove_seconds"))):
            axes = figure.add_subplot(2, 2, 2 * line + column + 1)
            for measure in measures:
                _lines(axes, chosen, size, measure, label=line == column == 0)
            ticks = sorted({row[size] for row in chosen})
            axes.set_xscale("log", base=2)
            axes.set_yscale("log", base=2 if line == 0 else 10)
            axes.set_xticks(ticks, [str(tick) for tick in ticks], minor=False)
            axes.minorticks_off()
            axes.set_xlabel(title, fontsize=9)
            axes.set_ylabel("operations" if line == 0 else "seconds: checking solid, proving dashed", fontsize=9)
            axes.grid(alpha=0.25, linewidth=0.5)
            axes.tick_params(labelsize=8)
    figure.legend(loc="outside lower center", ncols=len(GROWING), fontsize=8, frameon=False)
    return figure


def _lines(axes: Axes, rows: Sequence[dict[str, Any]], size: str, measure: str, *, label: bool) -> None:
    for strategy, colour in zip(GROWING, COLOURS, strict=False):
        points = sorted((row[size], row[measure]) for row in rows if row["strategy"] == strategy and row[measure] >= SHORTEST)
        style = "--" if measure == "prove_seconds" else "-"
        axes.plot(
            *zip(*points, strict=True) if points else ([], []), color=colour, linestyle=style, marker="o", markersize=4, linewidth=1.2
        )
        if label:
            axes.plot([], [], color=colour, marker="o", markersize=4, label=strategy)


def _means(word: str, name: str) -> bool:
    """Whether a word of `--only` names a model: its name, or how it begins if no model has that very name."""
    return word == name if word in RECIPES else name.startswith(word)


def main() -> int:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="may be given several times")
    parser.add_argument("--list", action="store_true", help="print the runs and stop")
    parser.add_argument("--workers", type=int, default=1, help="more are faster, and disturb the measured seconds (default 1)")
    args = parser.parse_args()
    chosen = [line for line in RUNS if not args.only or any(_means(name, line[0]) for name in args.only)]
    for name, words, seconds in chosen:
        if args.list:
            print(f"{name}: {words}, {seconds} s each")
        else:
            run(name, words, seconds, args.workers)
    if not args.list:
        growth()
    return 0 if chosen else 3


if __name__ == "__main__":
    sys.exit(main())
