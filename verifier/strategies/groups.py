"""Groups given by their tables: subgroups, cosets, conjugates, for searches.  Nothing here is believed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

Subgroup = frozenset[int]


@dataclass(frozen=True)
class FiniteGroup:
    """table[a, b] is the number of a b."""

    table: np.ndarray

    @staticmethod
    def of(table: np.ndarray) -> FiniteGroup | None:
        """A group of this table; None if it has no identity or some inverse is missing.  Whether it is associative is not asked."""
        n = len(table)
        if table.shape != (n, n) or table.min() < 0 or table.max() >= n:
            return None
        group = FiniteGroup(table)
        units = [e for e in range(n) if (table[e] == np.arange(n)).all() and (table[:, e] == np.arange(n)).all()]
        return group if units and all((np.sort(row) == np.arange(n)).all() for row in (*table, *table.T)) else None

    @property
    def order(self) -> int:
        """How many elements."""
        return len(self.table)

    @cached_property
    def identity(self) -> int:
        """The number of the identity."""
        return next(e for e in range(self.order) if (self.table[e] == np.arange(self.order)).all())

    @cached_property
    def inverses(self) -> np.ndarray:
        """The inverse of each element."""
        return np.array((self.table == self.identity).argmax(1))

    @cached_property
    def generators(self) -> list[int]:
        """Elements that generate the group: as few as a greedy search finds."""
        found: list[int] = []
        reached: Subgroup = frozenset({self.identity})
        while len(reached) < self.order:
            gains = [(len(self.closure([*found, one])), -one) for one in range(self.order) if one not in reached]
            found.append(-max(gains)[1])
            reached = self.closure(found)
        return found

    def closure(self, elements: Iterable[int]) -> Subgroup:
        """The subgroup that elements generate."""
        steps = sorted({*elements})
        reached = {self.identity}
        waiting = [self.identity]
        while waiting:
            following = {int(self.table[one, step]) for one in waiting for step in steps} - reached
            reached |= following
            waiting = sorted(following)
        return frozenset(reached)

    def conjugate(self, subgroup: Subgroup, by: int) -> Subgroup:
        """g^-1 H g."""
        members = sorted(subgroup)
        return frozenset(self.table[self.table[self.inverses[by], members], by].tolist())

    def normaliser(self, subgroup: Subgroup) -> list[int]:
        """The elements that conjugate a subgroup to itself."""
        return [g for g in range(self.order) if self.conjugate(subgroup, g) == subgroup]

    def cosets(self, subgroup: Subgroup, right: bool) -> np.ndarray:
        """For each element the number of its coset H g, or g H."""
        members, labels, number = sorted(subgroup), np.full(self.order, -1), 0
        for g in range(self.order):
            if labels[g] < 0:
                labels[self.table[members, g] if right else self.table[g, members]] = number
                number += 1
        return labels
