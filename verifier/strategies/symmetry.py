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
from verifier.kernel.network.hidden import Hidden
from verifier.kernel.network.judging import Judge
from verifier.kernel.numbers.tensor import Tensor
from verifier.kernel.replay import new_context
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

    left, right: each conjugate, g^-1 H g or h K h^-1, with g or h; unit (s, t) is the s-th left one with the t-th right one.
    members: of each neuron its unit, counted in the family.  profile: the outputs of unit (s, t) are at z the profile at g z h.
    """

    left: dict[Subgroup, int]
    right: dict[Subgroup, int]
    members: dict[int, int]
    profile: np.ndarray

    @property
    def units(self) -> list[tuple[int, int]]:
        """Of each unit both elements."""
        return [(g, h) for g in self.left.values() for h in self.right.values()]


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
            lefts = self.group.conjugates(left[head])
            rights = {one: int(self.group.inverses[g]) for one, g in self.group.conjugates(right[head]).items()}  # one = h K h^-1
            alike = sorted(i for i in waiting if left[i] in lefts and right[i] in rights)
            waiting -= set(alike)
            order = list(lefts), list(rights)
            members = {i: order[0].index(left[i]) * len(rights) + order[1].index(right[i]) for i in alike}
            found.append(self._family(lefts, rights, members))
        return found

    def _stabiliser(self, values: np.ndarray, *, left: bool) -> Subgroup:
        """The elements that leave a function of the tokens nearly as it is."""
        centred = values - values.mean()
        size = centred @ centred + TINY
        table = self.group.table
        alike = [g for g in range(self.group.order) if centred @ centred[table[g] if left else table[:, g]] > ALIKE * size]
        return self.group.closure(alike)

    def _family(self, left: dict[Subgroup, int], right: dict[Subgroup, int], members: dict[int, int]) -> Family:
        """With the profile that fits its neurons' outputs best, averaged over the subgroups that must leave it as it is, but for a sign."""
        table, inverses = self.group.table, self.group.inverses
        units = [(g, h) for g in left.values() for h in right.values()]
        aligned = []
        for neuron, unit in members.items():
            g, h = units[unit]
            aligned.append(self.layer.output[neuron][table[table[inverses[g]], inverses[h]]])  # w -> output at g^-1 w h^-1
        profile = np.linalg.svd(np.array(aligned), full_matrices=False)[2][0]
        profile *= np.sign(profile[np.abs(profile).argmax()])
        steps = [table[g] for g in self.group.normaliser(next(iter(left)))]
        steps += [table[:, h] for h in self.group.normaliser(next(iter(right)))]
        return Family(left, right, members, _averaged(profile, steps))


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
        value = float(np.mean([sign[point] * profile[point] for point in orbit]))
        known[orbit] = True
        result[orbit] = [sign[point] * value for point in orbit]
    return result


def hints(layer: Layer, group: FiniteGroup) -> dict[str, Any]:
    """The sketch and its symmetries."""
    families, n, neurons = Search(layer, group).families(), group.order, layer.output.shape[0]
    rows = _Rows(layer, group)
    for family in families:
        rows.add(family)
    return rows.hints(n, neurons)


class _Rows:
    """The hints, row by row: units with classes, outputs and moves, and what each neuron is."""

    def __init__(self, layer: Layer, group: FiniteGroup) -> None:
        self.layer, self.group = layer, group
        self.generators = [(g, True) for g in group.generators] + [(g, False) for g in group.generators]
        self.classes: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
        self.outputs: list[np.ndarray] = []
        self.moves: list[list[int]] = [[] for _ in self.generators]
        neurons = layer.output.shape[0]
        self.units, self.shares = np.zeros(neurons, dtype=int), np.zeros(neurons)

    def add(self, family: Family) -> None:
        """Append the units of a family."""
        table, start = self.group.table, len(self.outputs)
        lefts, rights = list(family.left), list(family.right)
        cosets = self.group.cosets(lefts[0], right=True), self.group.cosets(rights[0], right=False)
        for g, h in family.units:
            self.classes[0].append(cosets[0][table[g]])
            self.classes[1].append(cosets[1][table[:, h]])
            self.outputs.append(family.profile[table[table[g], h]])
        for line, (generator, is_left) in zip(self.moves, self.generators, strict=True):
            for s in range(len(lefts)):
                for t in range(len(rights)):
                    if is_left:
                        unit = lefts.index(self.group.conjugate(lefts[s], generator)) * len(rights) + t
                    else:
                        inverse = int(self.group.inverses[generator])
                        unit = s * len(rights) + rights.index(self.group.conjugate(rights[t], inverse))
                    line.append(start + unit)
        for neuron, unit in family.members.items():
            outputs = self.outputs[start + unit]
            self.units[neuron], self.shares[neuron] = start + unit, self.layer.output[neuron] @ outputs / (outputs @ outputs)

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
        left_over = np.linalg.norm(self.layer.output - self.shares[:, None] * outputs[self.units], axis=1)
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
