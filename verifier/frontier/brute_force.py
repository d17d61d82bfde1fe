"""How long a proof is that tries every input: what all others are compared with.

By a formula for networks of the shape `attention-only-1`; of others foreseen from two checks of a few inputs each, whatever strategies
ran: which proofs are called compact must not depend on that.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction

from verifier.fast import FastArithmetic
from verifier.frontier.rows import Row
from verifier.kernel.errors import StepRejected, VerifierError
from verifier.kernel.maximum.model import Model, model_of
from verifier.kernel.scope import InputScope
from verifier.kernel.statement import Statement
from verifier.kernel.verdict import check
from verifier.strategies.every_input import every_input
from verifier.strategies.steps import certificate_bytes, statement_bytes
from verifier.strategies.target import Target, maximum_misfit

EVERY_INPUT = "every-input"
FEW, MORE = 16, 64  # inputs of the checks from which the length is foreseen


@dataclass(frozen=True)
class BruteForce:
    """operations: None where they are not known.  measured: a proof among the rows tries every input."""

    strategy: str
    operations: int | None
    measured: bool

    @property
    def json(self) -> dict[str, object]:
        return vars(self)


def brute_force(rows: Iterable[Row], target: Target, weights: bytes) -> BruteForce:
    """Of the strategy that the target would take for it."""
    model = None if maximum_misfit(target) else model_of(target.network, target.subject.task.layout.positions)
    if model is not None:  # the strategy of that name lists failures, which is shorter
        return BruteForce("brute-force", by_formula(model), measured=False)
    measured = next((row.operations for row in rows if row.strategy == EVERY_INPUT and row.is_proved), None)
    foreseen = by_inputs(target, weights)
    return BruteForce(EVERY_INPUT, measured if foreseen is None else foreseen, measured=measured is not None)


def by_formula(model: Model) -> int:
    """Operations of evaluating every input by its separable margin (L4).

    For each query and maximum, boxes in which the first slot that holds the maximum is pinned; in each, sums over the free slots
    one after another for each wrong output, then a minimum over outputs and a comparison.
    """
    free, outputs, operations = model.positions - 1, model.vocabulary - 1, 0
    for maximum in range(model.vocabulary):
        whole = [maximum + 1] * free
        boxes = [(1, whole)]
        boxes += [(maximum, [maximum] * slot + [1] + whole[slot + 1 :]) for slot in range(free)]
        for queries, sizes in boxes:
            sums = sum(math.prod(sizes[: slot + 1]) for slot in range(free))
            operations += queries * outputs * (sums + math.prod(sizes))
    return operations


def by_inputs(target: Target, weights: bytes) -> int | None:
    """`every_input` on a few inputs and on a few more: what it takes to begin with, and for each input."""
    total = target.subject.total
    try:
        points = [_measured(target, weights, most) for most in (FEW, MORE)]
    except (StepRejected, VerifierError):
        return None
    (few, short), (more, long) = points
    if few == more:
        return long * total // more
    each = Fraction(long - short, more - few)
    return round(short + each * (total - few))


def _measured(target: Target, weights: bytes, most: int) -> tuple[int, int]:
    """So many inputs, from the first on and at most `most`, and the operations of a proof about them."""
    ranges, left = [], most
    for first, last in reversed(target.subject.scope.ranges):
        size = max(min(last - first + 1, left), 1)
        ranges.append((first, first + size - 1))
        left //= size
    subject = replace(target.subject, scope=InputScope(tuple(reversed(ranges))))
    part = replace(target, subject=subject)
    statement = statement_bytes(Statement(subject, part.claim(Fraction(0))))
    verdict = check(statement, certificate_bytes(subject, every_input(part)), weights, FastArithmetic())
    if verdict.reason is not None:
        raise verdict.reason
    return subject.total, verdict.context.ledger.operations
