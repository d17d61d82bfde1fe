"""Inputs evaluated in float64, for what a page shows beside the proof: which answers are common, and which calls are close.

An estimate and examples, never a bound.  A scope of at most `DRAWN` inputs is evaluated whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from verifier.experiments.estimate import drawn
from verifier.kernel.errors import StepRejected
from verifier.kernel.facts import Group
from verifier.kernel.limits import LIMITS
from verifier.kernel.tasks.task import Tokens
from verifier.networks.judging import FloatJudge, Judged
from verifier.strategies.target import Target

DRAWN, SEED = 20_000, 0
DRAWN_OF_A_GROUP = 256
CLOSEST = 8  # inputs that are shown


@dataclass(frozen=True)
class Example:
    """An input, position 0 first.  margin: in logits, of the answer with the least; given: what the network answers there."""

    tokens: Tokens
    place: int
    right: int
    given: int
    margin: float


@dataclass(frozen=True)
class Sample:
    """What was evaluated.  whole: every input in scope was.  answers: how often each right answer occurs, at each place read.

    right: inputs all of whose answers are right; constant: those right if each place always gave its most frequent answer.
    given: how often each output is the answer, of a task that reads one.  loss: the mean, None where it is not finite or not one answer.
    """

    inputs: int
    whole: bool
    answers: tuple[Counter[int], ...]
    right: int
    constant: int
    given: Counter[int]
    loss: float | None
    closest: tuple[Example, ...]


def draw_sample(target: Target) -> Sample | None:
    """Evaluate; None where the task's right answers are no outputs that compete, so that no input can be judged."""
    try:
        with np.errstate(over="ignore", invalid="ignore"):  # a loss may be infinite in float64
            return _sample(target)
    except StepRejected:
        return None


def _sample(target: Target) -> Sample:
    scope, judge = target.subject.scope, FloatJudge.of(target)
    whole = scope.box <= min(DRAWN, LIMITS.enumerated_inputs)
    inputs = scope.inputs() if whole else drawn(scope, DRAWN, np.random.default_rng(SEED))
    places = len(target.subject.task.layout.reads)
    answers = [Counter[int]() for _ in range(places)]
    rows: Counter[tuple[int, ...]] = Counter()
    given: Counter[int] = Counter()
    losses: list[float] = []
    right = total = 0
    closest: list[Example] = []
    while batch := list(islice(inputs, judge.inputs_at_once)):
        judged = judge.judged(batch)
        total += len(batch)
        right += int(judged.right.sum())
        rows.update(judged.batch.answers)
        for place in range(places):
            answers[place].update(row[place] for row in judged.batch.answers)
        if places == 1:
            given.update((judged.logits[:, 0].argmax(-1) + target.network.outputs.start).tolist())
            losses += judged.losses.tolist()
        closest = sorted([*closest, *examples(judged, target)], key=lambda example: example.margin)[:CLOSEST]
    best = tuple(counter.most_common(1)[0][0] for counter in answers)
    loss = float(np.mean(losses)) if losses and np.isfinite(losses).all() else None
    return Sample(total, whole, tuple(answers), right, rows[best], given, loss, tuple(closest))


def examples(judged: Judged, target: Target, most: int = CLOSEST) -> Iterator[Example]:
    """The closest calls of a batch."""
    least = np.nan_to_num(judged.margins, nan=-np.inf).min(-1)
    reads, first = target.subject.task.layout.reads, target.network.outputs.start
    for index in least.argsort(kind="stable")[:most]:
        place = int(np.nan_to_num(judged.margins[index], nan=-np.inf).argmin())
        yield Example(
            judged.batch.sequences[index],
            reads[place],
            judged.batch.answers[index][place],
            int(judged.logits[index, place].argmax()) + first,
            float(judged.margins[index, place]),
        )


def example_of(key: Group, target: Target) -> Example | None:
    """The closest call among some inputs of a group; None where none was met."""
    judge = FloatJudge.of(target)
    generator = np.random.default_rng(SEED)
    task = judge.kernel.task
    if task.whole_maximum and not target.subject.scope.conditions:
        inputs: Sequence[Tokens] = of_pair(key, target.subject.scope.ranges, generator)
    else:
        every = drawn(target.subject.scope, DRAWN, generator)
        members = (tokens for tokens in every if task.group(tokens, task.answers(task.sequence(tokens))) == key)
        inputs = list(islice(members, DRAWN_OF_A_GROUP))
    return next(examples(judge.judged(inputs[: judge.inputs_at_once]), target, 1), None) if inputs else None


def of_pair(key: Group, ranges: Sequence[tuple[int, int]], generator: np.random.Generator) -> list[Tokens]:
    """Random inputs with this query, in the last slot, and this maximum."""
    query, maximum = key
    lows = np.array([first for first, _ in ranges])
    highs = np.minimum([last for _, last in ranges], maximum)
    lows[-1] = highs[-1] = query
    holders = [slot for slot, (low, high) in enumerate(zip(lows, highs, strict=True)) if high == maximum and low <= maximum]
    if (lows > highs).any() or not holders:
        return []
    inputs = generator.integers(lows, highs + 1, size=(DRAWN_OF_A_GROUP, len(ranges)))
    inputs[np.arange(DRAWN_OF_A_GROUP), generator.choice(holders, DRAWN_OF_A_GROUP)] = maximum
    return [tuple(row) for row in inputs.tolist()]
