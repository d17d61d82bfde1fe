"""The figures of `verifier frontier`: certified bound against each measure of a proof's size.

Each figure shows the bound twice: as it is, and on a logarithmic scale of what it lacks: 1 - bound, where .99 and .9997 are far apart;
of an upper bound, the bound itself.
Circles are the project's strategies and squares the sound versions of the published ones; a star is an exact result.  The steps
are the Pareto frontiers, of all strategies and of the published ones alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

from verifier.experiments.intervals import lower_limit
from verifier.frontier.rows import Row, pareto
from verifier.plotting.figures import NEUTRAL, OURS, PUBLISHED, new_figure, save
from verifier.plotting.labels import place_labels

LONGEST_LABEL = 26  # characters; a longer name becomes a number, explained below the figure
MOST_PUBLISHED = 9  # published strategies with a name in one figure
FAR = 12.0  # doublings: a reference further to the right is only mentioned at the edge
RISK = 0.01  # of the sampling curve


@dataclass(frozen=True)
class Sampling:
    """What random sampling would say at the same cost: an estimate, drawn for comparison.

    accuracy: of a sample.  tables, per_input: operations before the first input, and for each.
    """

    accuracy: float
    tables: int
    per_input: int

    def lower_limit(self, operations: float) -> float:
        """The accuracy that so many operations would typically establish with confidence 1 - `RISK`."""
        samples = int((operations - self.tables) // self.per_input)
        return lower_limit(min(round(self.accuracy * samples), samples), samples, RISK) if samples > 0 else 0.0


@dataclass(frozen=True)
class Measure:
    """A horizontal axis: a column of the rows."""

    column: str
    title: str
    name: str  # of the file


MEASURES = (
    Measure("operations", "proof length: operations counted by the checker", "bound-against-operations"),
    Measure("unexplained_dimension", "unexplained dimension: entries inspected one by one", "bound-against-unexplained-dimension"),
    Measure("certificate_bytes", "certificate size: bytes", "bound-against-certificate-bytes"),
)


def draw_all(
    rows: Sequence[Row],
    folder: Path,
    *,
    title: str,
    brute_force: int | None,
    published_dimension: int | None = None,
    sampling: Sampling | None = None,
) -> list[Path]:
    """Write every figure.  brute_force: its operations.  published_dimension: v^(n+1), as the paper counts brute force for the maximum.

    sampling: of accuracies alone.
    """
    references: dict[str, tuple[str, int]] = {}
    if brute_force is not None:
        references["operations"] = ("brute force", brute_force)
    if published_dimension is not None:
        references["unexplained_dimension"] = ("brute force (v^(k+1))", published_dimension)
    paths = []
    for measure in MEASURES:
        curve = sampling.lower_limit if sampling is not None and measure.column == "operations" else None
        paths += save(draw(rows, measure, title=title, reference=references.get(measure.column), curve=curve), folder, measure.name)
    return paths


def draw(
    rows: Sequence[Row],
    measure: Measure,
    *,
    title: str,
    reference: tuple[str, int] | None = None,
    curve: Callable[[float], float] | None = None,
) -> Figure:
    """One figure."""
    shown = [row for row in rows if row.is_proved]
    numbers = _numbers(shown, measure.column)
    key = _in_columns([f"{number}  {name}" for name, number in numbers.items()], 3)
    height_of_key = 0.14 * len(key)  # inches
    figure = new_figure(13, 6.6 + height_of_key)
    few = {0: "\nno proof, so nothing to see", 1: "\none proof: a point, and no frontier"}.get(len(shown), "")
    figure.suptitle(title + few, fontsize=11)
    grid = figure.add_gridspec(2, 2, height_ratios=(6.2, max(height_of_key, 0.01)))
    plain, errors, foot = (figure.add_subplot(place) for place in (grid[0, 0], grid[0, 1], grid[1, :]))
    foot.axis("off")
    foot.text(0.5, 0.5, "\n".join(key), fontsize=6.5, family="monospace", ha="center", va="center")
    floor, above = _floor(shown), bool(rows) and rows[0].relation == "<="
    greatest = max((float(row.error) for row in shown), default=1.0) or 1.0 if above else 1.0
    plain.set_title("certified bound", fontsize=10)
    plain.set_ylim(-0.03 * greatest, 1.05 * greatest)
    errors.set_title(f"the same, with {'the bound' if above else '1 - bound'} on a logarithmic scale", fontsize=10)
    errors.set_yscale("log")
    errors.set_ylim(*((floor / 20, 5 * greatest) if above else (1.6, floor / 2)))  # wide enough for a tick
    errors.yaxis.set_major_formatter(FuncFormatter(_as_upper_bound if above else _as_bound))
    errors.yaxis.set_minor_locator(NullLocator())
    exact = min((float(row.error) for row in shown if row.is_exact), default=None)
    if exact is not None:
        errors.axhline(max(exact, floor), color=NEUTRAL, linewidth=0.7, linestyle="--", zorder=0)
    heights: dict[Axes, Callable[[Row], float]] = {
        plain: lambda row: float(row.error if above else 1 - row.error),
        errors: lambda row: max(float(row.error), floor),
    }
    for axes, height in heights.items():
        limits = _x_axis(axes, shown, measure, reference)
        _frontiers(axes, shown, measure.column, height, limits[1])
        for row in shown:
            axes.plot(_cost(row, measure.column), height(row), **_marker(row))
        if reference is not None:
            _reference(axes, *reference, limits)
        if curve is not None:
            _sampling(axes, curve, limits, log=axes is errors)
        axes.set_ylabel(f"{rows[0].metric if rows else 'accuracy'} is at {'most' if above else 'least'}", fontsize=9)
        axes.grid(alpha=0.25, linewidth=0.5)
        axes.tick_params(labelsize=8)
    figure.legend(handles=_legend(shown, curve), loc="outside lower center", ncols=6, fontsize=8, frameon=False)
    for axes, height in heights.items():  # last: places depend on the final layout
        named = sorted(_labelled(shown, measure.column, few=axes is plain), key=lambda row: row.error)
        labels = [((_cost(row, measure.column), height(row)), numbers.get(row.strategy, row.strategy)) for row in named]
        place_labels(axes, labels, [(_cost(row, measure.column), height(row)) for row in shown])
    return figure


def _cost(row: Row, column: str) -> int:
    """At least 1, for the logarithmic axis."""
    return max(getattr(row, column), 1)


def _floor(rows: Sequence[Row]) -> float:
    """Where an error of zero is drawn: below every other error."""
    positive = [float(row.error) for row in rows if row.error > 0]
    least = min(positive, default=0.1)
    zero = next((row for row in rows if row.error == 0), None)
    return least if zero is None else min(least, max(1 / (zero.total or 1), 1e-6)) / 2


def _as_bound(error: float, position: int | None = None) -> str:
    """A tick of the logarithmic axis, such as 0.999."""
    if error >= 1:
        return "0"
    return f"{1 - error:.{max(round(-math.log10(error)), 1)}f}"


def _as_upper_bound(bound: float, position: int | None = None) -> str:
    return f"{bound:g}"


def _x_axis(axes: Axes, rows: Sequence[Row], measure: Measure, reference: tuple[str, int] | None) -> tuple[float, float]:
    values = [_cost(row, measure.column) for row in rows] or [1]
    low, high = min(values), max(values)
    if reference is not None and reference[1] <= high * 2**FAR:
        high = max(high, reference[1])
    spread = max(math.log2(high / low), 1.0)
    limits = low * 2 ** (-0.08 * spread), high * 2 ** (0.08 * spread)
    axes.set_xscale("log", base=2)
    axes.set_xlim(*limits)
    axes.xaxis.set_major_locator(_PowersOfTwo())
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, position: _power(value)))
    axes.set_xlabel(measure.title, fontsize=9)
    return limits


class _PowersOfTwo(MaxNLocator):
    """Ticks at whole or half powers of two."""

    def tick_values(self, vmin: float, vmax: float) -> list[float]:
        low, high = math.log2(max(vmin, 0.5)), math.log2(max(vmax, 1.0))
        return [2.0**exponent for exponent in MaxNLocator(8, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)]

    def __call__(self) -> list[float]:
        return self.tick_values(*self.axis.get_view_interval())


def _power(value: float) -> str:
    return f"$2^{{{math.log2(value):g}}}$"


def _marker(row: Row) -> dict[str, object]:
    shape, size = ("*", 11) if row.is_exact else ("s", 4.5) if row.published else ("o", 6)
    colour = PUBLISHED if row.published else OURS
    return {"marker": shape, "markersize": size, "color": colour, "markeredgecolor": "white", "markeredgewidth": 0.5, "linestyle": "none"}


def _frontiers(axes: Axes, rows: Sequence[Row], column: str, height: Callable[[Row], float], right: float) -> None:
    published = [row for row in rows if row.published]
    for some, colour, style in ((published, PUBLISHED, ":"), (rows, OURS, "-")):
        best = pareto(some, column)
        if best:
            x = [_cost(row, column) for row in best]
            y = [height(row) for row in best]
            axes.step([*x, right], [*y, y[-1]], where="post", color=colour, linestyle=style, linewidth=1.2, alpha=0.7, zorder=1)


def _reference(axes: Axes, name: str, value: int, limits: tuple[float, float]) -> None:
    words = f"{name}: {_power(float(f'{value:.4g}')) if value < 2 else f'$2^{{{math.log2(value):.1f}}}$'}"
    place = axes.get_xaxis_transform()
    if limits[0] <= value <= limits[1]:
        axes.axvline(value, color=NEUTRAL, linewidth=0.8, linestyle="--", zorder=0)
        axes.text(value, 0.02, words + " ", transform=place, fontsize=7, color=NEUTRAL, ha="right", va="bottom")
    elif value > limits[1]:
        axes.text(0.99, 0.02, words + " →", transform=axes.transAxes, fontsize=7, color=NEUTRAL, ha="right", va="bottom")
    else:
        axes.text(0.01, 0.02, "← " + words, transform=axes.transAxes, fontsize=7, color=NEUTRAL, ha="left", va="bottom")


def _sampling(axes: Axes, curve: Callable[[float], float], limits: tuple[float, float], *, log: bool) -> None:
    low, high = (math.log2(limit) for limit in limits)
    x = [2 ** (low + (high - low) * step / 200) for step in range(201)]
    y = [curve(value) for value in x]
    drawn = [(a, 1 - b if log else b) for a, b in zip(x, y, strict=True) if b > 0]
    if drawn:
        axes.plot(*zip(*drawn, strict=True), color=NEUTRAL, linestyle="-.", linewidth=0.9, zorder=0)


def _labelled(rows: Sequence[Row], column: str, *, few: bool = False) -> list[Row]:
    """Which points have a name: the frontiers; if not `few`, also every strategy of ours and published ones with a name of one word.

    Where the published frontier has many points, only some of them.
    """
    published = pareto([row for row in rows if row.published], column)
    step = -(-len(published) // MOST_PUBLISHED) or 1
    best = {row.strategy for row in [*pareto([row for row in rows if not row.published], column), *published[::-step]]}
    return [row for row in rows if row.strategy in best or not (few or (row.published and "/" in row.strategy))]


def _numbers(rows: Sequence[Row], column: str) -> dict[str, str]:
    long = [row.strategy for row in _labelled(rows, column) if len(row.strategy) > LONGEST_LABEL]
    return {name: str(number) for number, name in enumerate(long, start=1)}


def _in_columns(entries: Sequence[str], count: int) -> list[str]:
    """Lines of up to `count` entries, aligned; entries go down the columns."""
    height = max(-(-len(entries) // count), 1)
    columns = [entries[start : start + height] for start in range(0, len(entries), height)]
    lines = [[column[line] if line < len(column) else "" for column in columns] for line in range(height)]
    widths = [max(map(len, column)) for column in columns]
    return ["    ".join(entry.ljust(width) for entry, width in zip(line, widths, strict=True)) for line in lines] if entries else []


def _legend(rows: Sequence[Row], curve: object) -> list[Line2D]:
    ours, published = OURS, PUBLISHED
    handles = []
    if any(not row.published for row in rows):
        handles.append(Line2D([], [], marker="o", color=ours, linestyle="none", label="this project's strategies"))
    if any(row.published for row in rows):
        square = {"marker": "s", "markersize": 5, "linestyle": "none"}
        handles.append(Line2D([], [], color=published, label="sound versions of published ones", **square))
    if rows:
        handles.append(Line2D([], [], color=ours, label="Pareto frontier"))
    if any(row.published for row in rows):
        handles.append(Line2D([], [], color=published, linestyle=":", label="published alone"))
    if any(row.is_exact for row in rows):
        handles.append(Line2D([], [], marker="*", markersize=10, color=NEUTRAL, linestyle="--", label="exact"))
    if curve is not None:
        label = f"sampling at the same cost ({1 - RISK:.0%} confidence; no proof)"
        handles.append(Line2D([], [], color=NEUTRAL, linestyle="-.", label=label))
    return handles
