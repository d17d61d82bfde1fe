"""Names beside points, so that no name lies on another name or on a point, nor on a drawn line if that can be helped.

Greedy: points in the order given look at places around themselves and take the best that is free: near, off the lines, and not
nearer to another point.  A name that is not close by gets a thin line to its point.  A name that finds no place stays away.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from numpy.typing import NDArray

Array = NDArray[np.float64]  # a box: left, bottom, right, top in pixels
Point = tuple[float, float]
RADII = (7, 12, 18, 26, 36, 50, 68, 90, 120)  # points of 1/72 inch
ANGLES = tuple(range(0, 360, 30))
NEAR = 7  # up to here a name needs no line to its point
ON_A_LINE, NEARER_TO_ANOTHER = 30, 20  # penalties, in the unit of the radii
MARKER = 4  # half the size of a marker


def place_labels(axes: Axes, labels: Sequence[tuple[Point, str]], points: Sequence[Point], *, size: float = 7) -> list[str]:
    """Write each label near its point, avoiding all `points` (data coordinates); returns the labels that found no place.

    The figure must have its final size and limits: places are computed in pixels.
    """
    figure = axes.figure
    canvas = figure.canvas
    if not isinstance(canvas, FigureCanvasAgg):
        raise TypeError("labels are placed on an Agg canvas")
    canvas.draw()
    renderer, inside, unit = canvas.get_renderer(), axes.get_window_extent(), figure.dpi / 72
    pixels = np.array([axes.transData.transform(point) for point in points]).reshape(-1, 2)
    taken = [_around(pixel, MARKER * unit) for pixel in pixels]
    taken += [text.get_window_extent(renderer).extents for text in axes.texts]
    lines = np.array([box for line in axes.lines for box in _boxes_along(line.get_transform().transform(line.get_xydata()), unit)])
    homeless = []
    for point, words in labels:
        probe = axes.text(0, 0, words, fontsize=size)
        width, height = probe.get_window_extent(renderer).size
        probe.remove()
        place = axes.transData.transform(point)
        others = pixels[~np.isclose(pixels, place).all(axis=1)]
        best, lowest = None, math.inf
        for radius, angle in ((radius, angle) for radius in RADII for angle in ANGLES):
            if radius >= lowest:
                break  # no farther place can be better
            box = _beside(place, radius * unit, angle, width, height)
            if not _within(box, inside.extents) or _meets(box, np.array(taken), unit):
                continue
            confusing = len(others) and _distances(box, others).min() < 1.2 * _distances(box, place[None]).min()
            cost = radius + ON_A_LINE * _meets(box, lines, 0) + NEARER_TO_ANOTHER * bool(confusing)
            if cost < lowest:
                best, lowest = (radius, box), cost
        if best is None:
            homeless.append(words)
            continue
        radius, box = best
        taken.append(box)
        line = {"arrowstyle": "-", "linewidth": 0.4, "color": "#888888", "shrinkA": 0, "shrinkB": 2}
        axes.annotate(
            words,
            point,
            xytext=((box[0] + width / 2 - place[0]) / unit, (box[1] + height / 2 - place[1]) / unit),
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=size,
            arrowprops=line if radius > NEAR else None,
            bbox={"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.7},
        )
    return homeless


def _around(place: Array, half: float) -> Array:
    return np.array([place[0] - half, place[1] - half, place[0] + half, place[1] + half])


def _boxes_along(path: Array, half: float) -> Iterator[Array]:
    """Boxes that cover a line; a slanting piece is covered by many."""
    for start, end in pairwise(path):
        pieces = 1 if (start == end).any() else 1 + int(np.abs(end - start).max() / (10 * half))
        for piece in range(pieces):
            ends = np.array([_around(start + (end - start) * part / pieces, half) for part in (piece, piece + 1)])
            yield np.concatenate([ends[:, :2].min(0), ends[:, 2:].max(0)])


def _beside(place: Array, distance: float, angle: int, width: float, height: float) -> Array:
    """Where a text goes in this direction: its nearest edge at this distance."""
    dx, dy = distance * math.cos(math.radians(angle)), distance * math.sin(math.radians(angle))
    if abs(dx) > abs(dy):
        left, bottom = place[0] + dx - (0 if dx > 0 else width), place[1] + dy - height / 2
    else:
        left, bottom = place[0] + dx - width / 2, place[1] + dy - (0 if dy > 0 else height)
    return np.array([left, bottom, left + width, bottom + height])


def _within(box: Array, frame: Array) -> bool:
    return bool((box[:2] >= frame[:2]).all() and (box[2:] <= frame[2:]).all())


def _meets(box: Array, others: Array, margin: float) -> bool:
    if not len(others):
        return False
    return bool(((box[:2] < others[:, 2:] + margin) & (others[:, :2] < box[2:] + margin)).all(axis=1).any())


def _distances(box: Array, places: Array) -> Array:
    """Pixels from the box to each place; 0 inside."""
    away: Array = np.maximum(np.maximum(box[:2] - places, places - box[2:]), 0)
    return np.hypot(away[:, 0], away[:, 1])
