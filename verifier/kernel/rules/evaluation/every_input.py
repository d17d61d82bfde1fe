"""Rule every_input: the network is evaluated on every input in scope.  For every network and every task; the baseline of them all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice

from verifier.kernel.certificate import Choice, Hint, IntegerTable, Signature
from verifier.kernel.facts import Answered, Context, Count, Fact, LossSum
from verifier.kernel.limits import LIMITS
from verifier.kernel.network.judging import Batch, Judge, labelled

MEASURES = ("answers", "loss", "outputs")
SIGNATURE = Signature(
    premises={},
    hints={"measure": Choice(MEASURES), "labels": IntegerTable(0, LIMITS.vocabulary)},
    optional=("labels",),
)


def every_input(premises: Mapping[str, list[Fact]], hints: Mapping[str, Hint], context: Context) -> Fact:
    """Premises: none.  Hints: measure; labels, shape (1, inputs), of a task that is a table.

    Conclusion, by the measure: `answers`: per group the inputs certainly answered rightly, and those certainly answered wrongly;
    `loss`: an upper bound of the sum of the cross entropies; `outputs`: per output the inputs to which it may be the answer.
    Operations: those of the network, per input.  Soundness: `every_input_sound`.
    """
    task, measure = labelled(context.subject.task, hints), str(hints["measure"])
    judge = Judge.of(context, task)
    if measure == "loss":
        return LossSum(sum(judge.losses(batch) for batch in _batches(context, judge)), context.subject.total)
    if measure == "outputs":
        possible: dict[int, int] = {}
        for batch in _batches(context, judge):
            for output, count in judge.possible_outputs(batch).items():
                possible[output] = possible.get(output, 0) + count
        return Answered(possible, context.subject.total)
    right: dict[tuple[int, ...], int] = {}
    wrong: dict[tuple[int, ...], int] = {}
    totals: dict[tuple[int, ...], int] = {}
    for batch in _batches(context, judge):
        for group, is_right, is_wrong in zip(judge.groups(batch), *judge.answers(batch), strict=True):
            totals[group] = totals.get(group, 0) + 1
            right[group] = right.get(group, 0) + is_right
            wrong[group] = wrong.get(group, 0) + is_wrong
    return Count(right, wrong, totals)


def _batches(context: Context, judge: Judge) -> Iterator[Batch]:
    """All inputs in scope, as many at once as fit."""
    inputs = context.subject.scope.inputs()
    while batch := list(islice(inputs, judge.inputs_at_once)):
        yield judge.batch(batch)
