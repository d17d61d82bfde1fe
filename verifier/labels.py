"""Names beside points, so that no name lies on another name or on a point, nor on a drawn line if that can be helped.

Greedy: points in the order given look at places around themselves and take the best that is free: near, off the lines, and not
nearer to another point.  A name that is not close by gets a thin line to its point.  A name that finds no place stays away.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.patheffects import withStroke
from matplotlib.transforms import Bbox

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
    pixels = [axes.transData.transform(point) for point in points]
    taken = [_around(pixel, MARKER * unit) for pixel in pixels]
    taken += [text.get_window_extent(renderer) for text in axes.texts]
    lines = [box for line in axes.lines for box in _boxes_along(line.get_transform().transform(line.get_xydata()), unit)]
    homeless = []
    for point, words in labels:
        probe = axes.text(0, 0, words, fontsize=size)
        width, height = probe.get_window_extent(renderer).size
        probe.remove()
        place = axes.transData.transform(point)
        candidates = [(radius, _beside(place, radius * unit, angle, width, height)) for radius in RADII for angle in ANGLES]
        free = [one for one in candidates if _within(one[1], inside) and not _meets(one[1], taken, unit)]
        others = [pixel for pixel in pixels if not np.allclose(pixel, place)]

        def cost(candidate: tuple[int, Bbox], place: Sequence[float] = place, others: Sequence[Sequence[float]] = others) -> float:
            radius, box = candidate
            own = _distance(box, place)
            confusing = any(_distance(box, other) < 1.2 * own for other in others)
            return radius + ON_A_LINE * _meets(box, lines, 0) + NEARER_TO_ANOTHER * confusing

        best = min(free, key=cost, default=None)
        if best is None:
            homeless.append(words)
            continue
        radius, box = best
        taken.append(box)
        line = {"arrowstyle": "-", "linewidth": 0.4, "color": "#888888", "shrinkA": 0, "shrinkB": 2}
        axes.annotate(
            words,
            point,
            xytext=((box.x0 + width / 2 - place[0]) / unit, (box.y0 + height / 2 - place[1]) / unit),
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=size,
            arrowprops=line if radius > NEAR else None,
            path_effects=[withStroke(linewidth=1.5, foreground="white")],
        )
    return homeless


def _around(place: Sequence[float], half: float) -> Bbox:
    return Bbox.from_bounds(place[0] - half, place[1] - half, 2 * half, 2 * half)


def _boxes_along(path: Sequence[Sequence[float]], half: float) -> list[Bbox]:
    """Boxes that cover a line made of horizontal and vertical pieces; a slanting piece is covered by many."""
    boxes = []
    for (x, y), (to_x, to_y) in pairwise(path):
        pieces = 1 if x == to_x or y == to_y else 1 + int(max(abs(to_x - x), abs(to_y - y)) / (10 * half))
        for piece in range(pieces):
            ends = [(x + (to_x - x) * part / pieces, y + (to_y - y) * part / pieces) for part in (piece, piece + 1)]
            boxes.append(Bbox.union([_around(end, half) for end in ends]))
    return boxes


def _beside(place: Sequence[float], distance: float, angle: int, width: float, height: float) -> Bbox:
    """Where a text goes in this direction: its nearest edge at this distance."""
    dx, dy = distance * math.cos(math.radians(angle)), distance * math.sin(math.radians(angle))
    if abs(dx) > abs(dy):
        left, bottom = (0.0 if dx > 0 else -width), -height / 2
    else:
        left, bottom = -width / 2, (0.0 if dy > 0 else -height)
    return Bbox.from_bounds(place[0] + dx + left, place[1] + dy + bottom, width, height)


def _distance(box: Bbox, place: Sequence[float]) -> float:
    """Pixels from the box to a point; 0 inside."""
    return math.hypot(max(box.x0 - place[0], place[0] - box.x1, 0), max(box.y0 - place[1], place[1] - box.y1, 0))


def _meets(box: Bbox, others: Sequence[Bbox], margin: float) -> bool:
    return any(_overlap(box, other, margin) for other in others)


def _within(box: Bbox, frame: Bbox) -> bool:
    return frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1


def _overlap(box: Bbox, other: Bbox, margin: float) -> bool:
    return box.x0 < other.x1 + margin and other.x0 < box.x1 + margin and box.y0 < other.y1 + margin and other.y0 < box.y1 + margin
