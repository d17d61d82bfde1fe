"""The figures of the page as inline SVG.  Colours fall in lightness, so they read in grey and by the colour-blind; no stranger's text."""

from __future__ import annotations

import io

import matplotlib
import numpy as np
from markupsafe import Markup
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from verifier.plotting.figures import OURS, new_figure
from verifier.report.groups import Parts

SHADES = "cividis"
MOST_BARS = 64  # groups with a bar of their own
LABELS = {
    "class": "right answer",
    "read": "position at which the answer is read",
    "output": "output",
}
CERTIFIED = {"class": "certified share", "read": "certified share", "output": "share to which it is proved not to be the answer"}


def draw_groups(parts: Parts) -> Markup | None:
    """A picture of the groups; None where all are certified in full, so that there would be nothing to see."""
    if parts.complete:
        return None
    figure = _heat_map(parts) if parts.kind == "pair" else _bars(parts)
    return _inline(figure)


def _heat_map(parts: Parts) -> Figure:
    queries, maxima = (1 + max(part.key[axis] for part in parts.parts) for axis in (0, 1))
    cells = np.full((queries, maxima), np.nan)
    for part in parts.parts:
        cells[part.key] = float(part.share)
    figure = new_figure(6.4, 5.2)
    axes = figure.add_subplot()
    image = axes.imshow(cells, origin="lower", aspect="auto", cmap=colormaps[SHADES], vmin=0, vmax=1, interpolation="nearest")
    axes.set_xlabel("largest token, the right answer")
    axes.set_ylabel("query: the token of the last free slot")
    _whole_numbers(axes)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    figure.colorbar(image, ax=axes, label="share of the group's inputs that is certified")
    return figure


def _bars(parts: Parts) -> Figure:
    """The groups as they come; of very many, the worst."""
    few = parts.parts if len(parts.parts) <= MOST_BARS else tuple(sorted(parts.worst[:MOST_BARS], key=lambda part: part.key))
    figure = new_figure(6.4, 3.0)
    axes = figure.add_subplot()
    shares = [float(part.share) for part in few]
    places = [part.key[-1] for part in few] if few is parts.parts else list(range(len(few)))
    axes.bar(places, shares, color=OURS, width=0.8)
    axes.set_ylim(0, 1)
    axes.set_ylabel(CERTIFIED[parts.kind], fontsize=8)
    chosen = "" if few is parts.parts else f": the {len(few)} least certified of {len(parts.parts)}"
    axes.set_xlabel(LABELS[parts.kind] + chosen)
    _whole_numbers(axes)
    if few is not parts.parts:
        axes.set_xticks(places, [str(part.key[-1]) for part in few], fontsize=6, rotation=90)
    return figure


def _whole_numbers(axes: Axes) -> None:
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _inline(figure: Figure) -> Markup:
    """The picture without the XML header; the same bytes for the same data."""
    stream = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "report", "svg.fonttype": "none", "font.size": 9}):
        figure.savefig(stream, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    text = stream.getvalue()
    return Markup(text[text.index("<svg") :].replace("<svg ", '<svg aria-hidden="true" focusable="false" ', 1))
