"""Two-sided: right and wrong inputs both counted, so that the certificate bounds the accuracy from above as well.

Every output stands alone, with a joint constraint.  The inputs of a query and a maximum are one leaf at first; while it leaves too many
undecided, its sums get finer bins, or it is cut in two by the largest token other than the maximum.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from verifier.kernel.facts import Constraints
from verifier.kernel.maximum.ranges import Scope
from verifier.kernel.numbers.matrix import Ledger
from verifier.kernel.rules.counts.count_leaves import Constraint, Leaf, Outputs
from verifier.kernel.statement import Subject
from verifier.strategies.float_model import FloatModel
from verifier.strategies.kernel_tables import draft_facts
from verifier.strategies.steps import ALL_TABLES, Step, exact_tables, integer_array, step

BINS = (64, 512, 4096)  # resolutions tried
PRECISION = 22  # a leaf may leave 2^-22 of all inputs undecided
OUTPUTS = 2  # and one output in it a quarter of that, as a power of two; pairs with fewer inputs than that have no leaves
COARSE = 0.25  # share of what is undecided that finer bins must be able to decide, else the leaf is cut


def two_sided(model: FloatModel, subject: Subject) -> list[Step]:
    """Tables, joint constraints, leaves."""
    steps = [*exact_tables("centred"), step("margins", "decoupled_constraint", ALL_TABLES)]
    constraints = draft_facts(model, subject, steps)["margins"]
    if not isinstance(constraints, Constraints):
        raise TypeError
    rows = _leaves(constraints, Scope(subject.scope.ranges), model.v, subject.total)
    return [
        *steps,
        step("right", "count_leaves", {"constraints": "margins"}, leaves=integer_array(np.array(rows)), precision=PRECISION + OUTPUTS),
        step("bound", "accuracy", {"counts": ["right"]}),
    ]


def _leaves(constraints: Constraints, scope: Scope, vocabulary: int, total: int) -> list[tuple[int, int, int, int]]:
    """Rows (m, q, stop, bins)."""
    rows = []
    for maximum, queries in scope.groups(vocabulary):
        wholes = [Leaf(query, maximum, None, maximum, scope) for query in queries]
        worthwhile = [whole for whole in wholes if whole.size > total >> PRECISION + OUTPUTS]
        if not worthwhile:
            continue
        outputs = Outputs.of(constraints.between(maximum))
        for whole in worthwhile:
            rows += [(maximum, whole.query, *row) for row in _cut(list(outputs.at(whole.query)), whole, total >> PRECISION)]
    return rows


def _cut(constraints: Sequence[Constraint], leaf: Leaf, allowed: int) -> list[tuple[int, int]]:
    """Stops and bins of the leaves that one leaf is cut into."""
    size, bins = leaf.size, BINS[0]
    if not size:
        return [(leaf.stop, bins)]
    counted = [(0, size)] * len(constraints)
    for bins in BINS:
        for index, (least, most) in enumerate(counted):
            if most - least > allowed >> OUTPUTS:
                counted[index] = constraints[index].counted(leaf, bins, Ledger())
        lost, beaten = min(sum(most for _, most in counted), size), max((least for least, _ in counted), default=0)
        if lost - beaten <= allowed:
            return [(leaf.stop, bins)]
        if sum(most - least for least, most in counted) < COARSE * (lost - beaten):
            break
    open_ = [constraint for constraint, (_, most) in zip(constraints, counted, strict=True) if most]
    first = max(leaf.start or 0, leaf.query if leaf.needs_maximum else 0) + 1
    halves = [(replace(leaf, stop=at), replace(leaf, start=at)) for at in range(first, leaf.stop)]
    if not halves:
        return [(leaf.stop, bins)]
    lower, upper = min(halves, key=lambda pair: abs(2 * pair[0].size - size))
    return [*_cut(open_, lower, allowed), *_cut(open_, upper, allowed)]
