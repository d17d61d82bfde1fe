"""Symmetry: a network of two tokens of a group, near one that looks the same from every element.

The search: of each neuron the elements that leave it nearly as it is, from the left and from the right.  Neurons whose subgroups are
conjugate make a family, in which each pair of conjugates is a unit; the family's outputs are averaged over the group.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from verifier.fast import FastArithmetic
from verifier.kernel.errors import StepRejected
from verifier.kernel.network.judging import Judge
from verifier.kernel.numbers.tensor import Tensor
from verifier.kernel.replay import new_context
from verifier.kernel.sketches.hidden import Hidden
from verifier.networks.enclosures import ends
from verifier.strategies.groups import FiniteGroup, Subgroup
from verifier.strategies.steps import Step, float_array, integer_array, step
from verifier.strategies.target import Target, metric_misfit

# metric -> what is measured, the rule that concludes, the role of the first step in it, whether that takes a list
CONCLUSIONS: dict[str, tuple[str, str, str, bool]] = {
    "accuracy": ("answers", "accuracy", "counts", True),
    "worst_class": ("answers", "worst_class", "counts", False),
    "cross_entropy": ("loss", "mean_loss", "losses", False),
}
LIVE = 0.02  # a neuron is live if its tables' size is this share of the greatest
ALIKE = 0.95  # the correlation from which a moved neuron counts as the same
FITS = 0.98  # the share of a family's outputs that an averaged profile must explain
UNITS = 1024  # of a family
TINY = 1e-9


@dataclass(frozen=True)
class Layer:
    """The hidden layer in floats.  first, second: (token, neuron).  output: (neuron, output), less each row's mean."""

    first: np.ndarray
    second: np.ndarray
    output: np.ndarray

    @staticmethod
    def of(hidden: Hidden) -> Layer:
        """From the kernel's enclosures."""
        first, second = (middles(side) for side in hidden.sides)
        output = middles(hidden.output[0])
        return Layer(first, second, output - output.mean(1, keepdims=True))


def middles(tensor: Tensor) -> np.ndarray:
    """The middles of enclosures."""
    low, high = ends(tensor)
    return (low + high) / 2


@dataclass(frozen=True)
class Family:
    """Neurons whose left subgroups are conjugate, and whose right ones are.

    left, right: subgroups H and K; frames: groups between them and their normalisers, which leave the profile as it is but for a sign.
    units: elements (g, h), one for each coset F g and h F' of the frames; unit (g, h) has at z the profile at g z h.
    members: of each neuron its unit.  common: what all neurons write beside the profile, shares taken off.
    """

    left: Subgroup
    right: Subgroup
    frames: tuple[Subgroup, Subgroup]
    units: list[tuple[int, int]]
    members: dict[int, int]
    profile: np.ndarray
    common: np.ndarray


@dataclass(frozen=True)
class Search:
    """The search in one network.  labels: of each pair of tokens, the table of the group."""

    layer: Layer
    group: FiniteGroup

    def families(self) -> list[Family]:
        """The families of live neurons, the largest neurons' first."""
        layer = self.layer
        sizes = np.linalg.norm(layer.first, axis=0) + np.linalg.norm(layer.second, axis=0)
        left = {int(i): self._stabiliser(layer.first[:, i], left=True) for i in np.flatnonzero(sizes > LIVE * sizes.max())}
        right = {i: self._stabiliser(layer.second[:, i], left=False) for i in left}
        waiting, found = set(left), []
        while waiting:
            head = max(waiting, key=sizes.__getitem__)
            lefts, rights = ({self.group.conjugate(one, g) for g in range(self.group.order)} for one in (left[head], right[head]))
            alike = sorted(i for i in waiting if left[i] in lefts and right[i] in rights)
            waiting -= set(alike)
            subgroups = {i: (left[i], right[i]) for i in alike}
            wide, share = self._family(subgroups, head, tuple(frozenset(self.group.normaliser(one)) for one in subgroups[head]))
            units = self.group.order**2 // (len(left[head]) * len(right[head]))  # of the narrow frames
            found.append(wide if share > FITS or units > UNITS else self._family(subgroups, head, subgroups[head])[0])
        return found

    def _stabiliser(self, values: np.ndarray, *, left: bool) -> Subgroup:
        """The elements that leave a function of the tokens nearly as it is."""
        centred = values - values.mean()
        size = centred @ centred + TINY
        table = self.group.table
        alike = [g for g in range(self.group.order) if centred @ centred[table[g] if left else table[:, g]] > ALIKE * size]
        return self.group.closure(alike)

    def _family(
        self, subgroups: dict[int, tuple[Subgroup, Subgroup]], head: int, frames: tuple[Subgroup, ...]
    ) -> tuple[Family, float]:
        """With the profile that fits its neurons' outputs best, averaged over the frames; and the share of these that it explains."""
        table, inverses, (left, right) = self.group.table, self.group.inverses, subgroups[head]
        firsts = [_representatives(self.group.cosets(frame, right=not side)) for side, frame in enumerate(frames)]
        units = [(g, h) for g in firsts[0] for h in firsts[1]]
        conjugates = [{g: self.group.conjugate(left, g) for g in firsts[0]}]
        conjugates.append({h: self.group.conjugate(right, int(inverses[h])) for h in firsts[1]})
        members: dict[int, int] = {}

        def back(neuron: int, unit: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # what the neuron would be in the first unit
            g, h = (inverses[one] for one in units[unit])
            layer = self.layer
            return layer.first[table[g], neuron], layer.second[table[:, h], neuron], layer.output[neuron][table[table[g], h]]

        model: tuple[np.ndarray, ...] | None = None
        for neuron in sorted(subgroups, key=lambda one: one != head):
            ours = [place for place, (g, h) in enumerate(units) if (conjugates[0][g], conjugates[1][h]) == subgroups[neuron]]
            fits = [0.0 if model is None else _likeness(model, back(neuron, unit)) for unit in ours]
            members[neuron] = ours[int(np.argmax(fits))]
            model = model or back(neuron, members[neuron])
        aligned = [back(neuron, unit)[2] for neuron, unit in members.items()]
        best = np.linalg.svd(np.array(aligned), full_matrices=False)[2][0]
        best *= np.sign(best[np.abs(best).argmax()])
        steps = [table[g] for g in sorted(frames[0])] + [table[:, h] for h in sorted(frames[1])]
        averaged = _averaged(best, steps)
        explained = np.square(np.array(aligned) @ averaged).sum() / (np.square(aligned).sum() * (averaged @ averaged) + TINY)
        shares = np.array(aligned) @ averaged / (averaged @ averaged + TINY)
        rests = []
        for (neuron, unit), share in zip(members.items(), shares, strict=True):
            g, h = units[unit]
            rests.append(self.layer.output[neuron] - share * averaged[table[table[g], h]])
        common = shares @ np.array(rests) / (shares @ shares + TINY)
        turned = any(averaged[one] @ averaged < 0 for one in steps)
        whole = len(units) > 1 and not turned
        return Family(left, right, (frames[0], frames[1]), units, members, averaged, common * whole), float(explained)


def _likeness(model: Sequence[np.ndarray], other: Sequence[np.ndarray]) -> float:
    """The correlations of both tables and of the outputs, added; the outputs may have the other sign."""
    first, second, output = (
        float(one @ two / (np.linalg.norm(one) * np.linalg.norm(two) + TINY))
        for one, two in ((one - one.mean(), two - two.mean()) for one, two in zip(model, other, strict=True))
    )
    return first + second + abs(output)


def _representatives(labels: np.ndarray) -> list[int]:
    """The first element of each coset."""
    return [int(np.flatnonzero(labels == one)[0]) for one in range(labels.max() + 1)]


def _averaged(profile: np.ndarray, steps: Sequence[np.ndarray]) -> np.ndarray:
    """A profile that each step, a permutation, leaves exactly as it is but for a sign: the sign that it nearly has already."""
    signs = [1.0 if profile @ profile[one] >= 0 else -1.0 for one in steps]
    result, known = np.zeros_like(profile), np.zeros(len(profile), dtype=bool)
    for start in range(len(profile)):
        if known[start]:
            continue
        orbit, sign = [start], {start: 1.0}
        for point in orbit:
            for one, turned in zip(steps, signs, strict=True):
                if one[point] not in sign:
                    sign[int(one[point])] = turned * sign[point]
                    orbit.append(int(one[point]))
        moved = [(int(one[point]), turned * sign[point]) for point in orbit for one, turned in zip(steps, signs, strict=True)]
        turned_back = any(sign[point] != other for point, other in moved)
        value = 0.0 if turned_back else float(np.mean([sign[point] * profile[point] for point in orbit]))
        known[orbit] = True
        result[orbit] = [sign[point] * value for point in orbit]
    return result


def hints(layer: Layer, group: FiniteGroup) -> dict[str, Any]:
    """The sketch and its symmetries."""
    families, n, neurons = Search(layer, group).families(), group.order, layer.output.shape[0]
    rows = _Rows(layer, group)
    for family in families or [_nothing(group)]:
        rows.add(family)
    return rows.hints(n, neurons)


def _nothing(group: FiniteGroup) -> Family:
    """A family without neurons, of a layer in which none is live."""
    whole = frozenset(range(group.order))
    return Family(whole, whole, (whole, whole), [(group.identity, group.identity)], {}, *np.zeros((2, group.order)))


class _Rows:
    """The hints, row by row: units with classes, outputs and moves, and what each neuron is."""

    def __init__(self, layer: Layer, group: FiniteGroup) -> None:
        self.layer, self.group = layer, group
        self.generators = [(g, True) for g in group.generators] + [(g, False) for g in group.generators]
        self.classes: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
        self.outputs: list[np.ndarray] = []
        self.common: list[np.ndarray] = []
        self.moves: list[list[int]] = [[] for _ in self.generators]
        neurons = layer.output.shape[0]
        self.units, self.shares = np.zeros(neurons, dtype=int), np.zeros(neurons)

    def add(self, family: Family) -> None:
        """Append the units of a family."""
        table, start = self.group.table, len(self.outputs)
        cosets = self.group.cosets(family.left, right=True), self.group.cosets(family.right, right=False)
        frames = self.group.cosets(family.frames[0], right=True), self.group.cosets(family.frames[1], right=False)
        for g, h in family.units:
            self.classes[0].append(cosets[0][table[g]])
            self.classes[1].append(cosets[1][table[:, h]])
            self.outputs.append(family.profile[table[table[g], h]])
            self.common.append(family.common)
        number = {(frames[0][g], frames[1][h]): unit for unit, (g, h) in enumerate(family.units)}
        for line, (one, is_left) in zip(self.moves, self.generators, strict=True):
            moved = [(table[g, one], h) if is_left else (g, table[one, h]) for g, h in family.units]
            line += [start + number[frames[0][g], frames[1][h]] for g, h in moved]
        for neuron, unit in family.members.items():
            outputs = self.outputs[start + unit]
            self.units[neuron], self.shares[neuron] = start + unit, self.layer.output[neuron] @ outputs / (outputs @ outputs + TINY)

    def hints(self, n: int, neurons: int) -> dict[str, Any]:
        """All arrays."""
        classes = [np.array(rows) for rows in self.classes]
        count = [int(rows.max()) + 1 for rows in classes]
        levels = [np.zeros((neurons, size)) for size in count]
        rests = []
        for side, whole in enumerate((self.layer.first, self.layer.second)):
            for neuron in np.flatnonzero(self.shares):
                row = classes[side][self.units[neuron]]
                levels[side][neuron, : row.max() + 1] = [whole[row == one, neuron].mean() for one in range(row.max() + 1)]
            looked_up = np.array([levels[side][neuron][classes[side][unit]] for neuron, unit in enumerate(self.units)]).T
            rests.append(np.linalg.norm(whole - looked_up, axis=0))
        drawn = np.maximum(levels[0][:, :, None] + levels[1][:, None, :], 0)
        outputs = np.array(self.outputs)
        left_over = np.linalg.norm(self.layer.output - self.shares[:, None] * (outputs + self.common)[self.units], axis=1)
        radii = (drawn.max((1, 2)) - drawn.min((1, 2))) / 2
        scales = [_balanced(np.linalg.norm(self.layer.output, axis=1), np.hypot(*rests)), _balanced(left_over, radii)]
        written = drawn * self.shares[:, None, None]
        constants = []
        for unit in range(len(outputs)):
            met = written[self.units == unit][:, classes[0][unit]][:, :, classes[1][unit]].sum(0)
            constants.append((met.max() + met.min()) / 2)
        table, same = self.group.table, np.arange(n)
        first = [table[g] if is_left else same for g, is_left in self.generators]
        second = [same if is_left else table[:, g] for g, is_left in self.generators]
        output = [table[g] if is_left else table[:, g] for g, is_left in self.generators]
        return {
            "units": integer_array(self.units),
            "first_classes": integer_array(classes[0]),
            "second_classes": integer_array(classes[1]),
            "first_levels": float_array(levels[0]),
            "second_levels": float_array(levels[1]),
            "scales": float_array(np.array(scales)),
            "unit_outputs": float_array(outputs),
            "common_outputs": float_array(np.array(self.common)),
            "shares": float_array(self.shares),
            "constants": float_array(np.array(constants)),
            "first_moves": integer_array(np.array(first)),
            "second_moves": integer_array(np.array(second)),
            "output_moves": integer_array(np.array(output)),
            "unit_moves": integer_array(np.array(self.moves)),
        }


def _balanced(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Scales that make the sum of (one / scale)^2 times that of (other scale)^2 least, kept away from 0."""
    return np.sqrt((one + TINY * (one.max() + TINY)) / (other + TINY * (other.max() + TINY)))


def misfit(target: Target) -> str:
    """Two tokens behind one ReLU, the product in a group as the task, and a metric of the rule."""
    if target.subject.function != "real":
        return f"symmetry is about real arithmetic, not {target.subject.function}"
    if target.metric not in CONCLUSIONS:
        return f"symmetry proves {', '.join(CONCLUSIONS)}, not {target.metric}"
    if metric_misfit(target):
        return metric_misfit(target)
    try:
        hidden = hidden_of(target)
        if FiniteGroup.of(np.array(hidden.labels)) is None or len(hidden.judge.network.outputs) != hidden.sizes[0]:
            return f"symmetry is about products in a group, and those of {target.subject.task.name} are in none"
    except StepRejected as error:
        return f"symmetry is about networks of another shape: expected {error.expected}, got {error.got}"
    return ""


def hidden_of(target: Target) -> Hidden:
    """The kernel's view of the two tokens.  Raises StepRejected for other networks."""
    context = new_context(target.network, target.subject, FastArithmetic())
    return Hidden.of(Judge.of(context, target.subject.task), context)


def symmetry(target: Target) -> list[Step]:
    """Two steps: counts or losses, and the number."""
    hidden = hidden_of(target)
    group = FiniteGroup.of(np.array(hidden.labels))
    if group is None:
        raise LookupError(misfit(target))
    measure, rule, role, many = CONCLUSIONS[target.metric]
    premise: dict[str, Any] = {role: ["inputs"] if many else "inputs"}
    found = hints(Layer.of(hidden), group)
    return [step("inputs", "symmetry", measure=measure, **found), step("bound", rule, premise)]
