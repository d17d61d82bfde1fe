"""Symmetries of a task with two tokens, and of a sketch: permutations of first tokens, second tokens, outputs and units.

All of them are hints.  What is checked is that right answers go to right answers, and that the sketch looks the same afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from verifier.kernel.certificate import Hint, HintKind, IntegerTable
from verifier.kernel.errors import StepRejected
from verifier.kernel.limits import LIMITS, check_limit
from verifier.kernel.sketches.hidden import Hidden
from verifier.kernel.sketches.sketch import Rows, Sketch, integers

HINTS: Mapping[str, HintKind] = {
    "first_moves": IntegerTable(0, LIMITS.vocabulary),
    "second_moves": IntegerTable(0, LIMITS.vocabulary),
    "output_moves": IntegerTable(0, LIMITS.width),
    "unit_moves": IntegerTable(0, LIMITS.width),
}
LABEL_OPERATIONS = 3  # two answers looked up and compared


@dataclass(frozen=True)
class Symmetry:
    """Permutations: each index goes to the entry there."""

    first: tuple[int, ...]
    second: tuple[int, ...]
    output: tuple[int, ...]
    unit: tuple[int, ...]


def symmetries(sketch: Sketch, hints: Mapping[str, Hint]) -> tuple[Symmetry, ...]:
    """Of the hints, one in each row.  Raises StepRejected where the rows are no permutations."""
    hidden = sketch.hidden
    sizes = dict(zip(HINTS, (*hidden.sizes, len(hidden.judge.network.outputs), len(sketch.classes[0])), strict=True))
    count = len(integers(hints, "first_moves", None, hidden.sizes[0]))
    rows = {name: integers(hints, name, count, size) for name, size in sizes.items()}
    for name, moves in rows.items():
        hidden.context.ledger.count(integer_ops=count * sizes[name])
        for move in moves:
            if sorted(move) != list(range(sizes[name])):  # attack: two tokens that go to one, so that some orbit is never left
                raise StepRejected("no-symmetry", expected=f"permutations of {sizes[name]} as {name}", got="another row")
    return tuple(Symmetry(*row) for row in zip(*rows.values(), strict=True))


def check_labels(hidden: Hidden, moves: Sequence[Symmetry]) -> None:
    """Raise StepRejected unless, where inputs go, their right answers go."""
    for number, move in enumerate(moves):
        hidden.context.ledger.count(integer_ops=LABEL_OPERATIONS * hidden.sizes[0] * hidden.sizes[1])
        for token, row in enumerate(hidden.labels):
            moved = hidden.labels[move.first[token]]
            # attack: the rows of a square that is no group's table, passed off as symmetries of it
            if [moved[other] for other in move.second] != [move.output[label] for label in row]:
                expected, got = "right answers that move with their inputs", f"others of first token {token} in move {number}"
                raise StepRejected("no-symmetry", expected=expected, got=got)


@dataclass(frozen=True)
class UnitMove:
    """What a symmetry does to a unit: it becomes another one, or that one's negative, and its classes become classes of that."""

    unit: int
    sign: int
    first: Mapping[int, int]
    second: Mapping[int, int]


def unit_moves(sketch: Sketch, outputs: Rows, moves: Sequence[Symmetry]) -> tuple[tuple[UnitMove, ...], ...]:
    """Of each symmetry, what it does to each unit.  Raises StepRejected unless it takes units to units.

    outputs: of the units, the exact entries in one unit of measure.
    """
    count = sketch.hidden.context.ledger.count
    found = []
    for number, move in enumerate(moves):
        count(integer_ops=len(outputs) * (len(move.first) + len(move.second) + len(move.output)))
        line = []
        for unit, following in enumerate(move.unit):
            moved, target = [outputs[unit][output] for output in move.output], list(outputs[following])
            if moved not in (target, [-entry for entry in target]):  # attack: a sketch that is not symmetric at all
                expected, got = "outputs that move with their unit", f"others of unit {unit} in move {number}"
                raise StepRejected("no-symmetry", expected=expected, got=got)
            pairs = zip(sketch.classes, (move.first, move.second), strict=True)
            first, second = (_classes(rows[unit], tokens, rows[following], unit, number) for rows, tokens in pairs)
            line.append(UnitMove(following, 1 if moved == target else -1, first, second))
        found.append(tuple(line))
    return tuple(found)


def _classes(row: Sequence[int], tokens: Sequence[int], target: Sequence[int], unit: int, number: int) -> Mapping[int, int]:
    """What becomes of a unit's classes: of the class of the token where x goes, the class of x in the unit where the unit goes."""
    found: dict[int, int] = {}
    for token, following in enumerate(tokens):
        if found.setdefault(row[following], target[token]) != target[token]:
            expected, got = "classes that move with their unit", f"others of unit {unit} in move {number}"
            raise StepRejected("no-symmetry", expected=expected, got=got)
    return found


def check_common(hidden: Hidden, common: Rows, moves: Sequence[Sequence[UnitMove]]) -> None:
    """Raise StepRejected unless what units write in common is the same, but for nothing, where a unit goes."""
    for number, line in enumerate(moves):
        hidden.context.ledger.count(integer_ops=sum(map(len, common)))
        for unit, move in enumerate(line):
            # attack: units that write a multiple of one another, whose sum changes from input to input
            if common[unit] != common[move.unit] or (move.sign < 0 and any(common[unit])):
                expected, got = "common outputs that are the same for all units of an orbit", f"others of unit {unit} in move {number}"
                raise StepRejected("no-symmetry", expected=expected, got=got)


def orbits(count: int, moves: Iterable[Callable[[int], int]]) -> Iterator[list[int]]:
    """The orbits of 0, ..., count - 1 under permutations; a permutation of a finite set is undone by repeating it."""
    check_limit("orbit_points", count)
    steps, seen = list(moves), bytearray(count)
    for start in range(count):
        if not seen[start]:
            seen[start], orbit = 1, [start]
            for index in orbit:
                for step in steps:
                    following = step(index)
                    if not seen[following]:
                        seen[following] = 1
                        orbit.append(following)
            yield orbit
