"""Wrong inputs in what a proof leaves open: groups of inputs that no step decided, and a search in each.

The rules about pieces keep the leaves that they give up.  In each a descent looks for an input with a small margin: some slots are drawn
anew, within the leaf's tokens and score, and what is better in float64 is kept.  An input is called wrong where the kernel's enclosures
say so.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from verifier.kernel.numbers.matrix import Ledger
from verifier.kernel.pieces.piece import Cutting, LeftOpen, Scores
from verifier.kernel.tasks.task import Box, Tokens
from verifier.kernel.verdict import Verdict
from verifier.networks.judging import FloatJudge
from verifier.strategies.target import Target

PROPOSALS = 64  # inputs that a round of a descent looks at
REDRAWN = (1, 1, 2, 3)  # slots of a proposal that are drawn anew
PATIENCE = 4  # rounds without a smaller margin that end a descent


@dataclass(frozen=True)
class Found:
    """A wrong input.  tokens: of the whole sequence; answers: what the network says at each read, right: what it should say."""

    tokens: Tokens
    answers: tuple[int, ...]
    right: tuple[int, ...]


@dataclass(frozen=True)
class OpenGroup:
    """Inputs that no step decided.  read: an index of the task's reads.  lost: how many of them may be wrong; tried: inputs looked at."""

    read: int
    box: Box
    low: int
    high: int
    inputs: int
    lost: int
    tried: int = 0
    wrong: tuple[Found, ...] = ()

    @property
    def json(self) -> dict[str, Any]:
        """For `--json`."""
        wrong = [{"tokens": list(one.tokens), "answers": list(one.answers), "right": list(one.right)} for one in self.wrong]
        ends = {"tokens": [list(ends) for ends in self.box], "score": [self.low, self.high]}
        return {"read": self.read, **ends, "inputs": self.inputs, "lost": self.lost, "tried": self.tried, "wrong": wrong}


def open_groups(verdict: Verdict) -> list[OpenGroup]:
    """What the steps about pieces leave open, of each read what its best step leaves, the largest loss first."""
    best: dict[int, list[LeftOpen]] = {}
    for step in verdict.context.kept.get("left open", []):
        for read in {one.read for one in step}:
            some = [one for one in step if one.read == read]
            if read not in best or sum(one.lost for one in some) < sum(one.lost for one in best[read]):
                best[read] = some
    subject = verdict.statement.subject
    groups = []
    for read, leaves in best.items():
        cutting = Cutting(subject.task, subject.scope, read, Ledger())
        for one in leaves:
            if one.lost:
                leaf = one.leaf
                groups.append(OpenGroup(read, leaf.box, leaf.low, leaf.high, cutting.inputs_within(leaf), one.lost))
    return sorted(groups, key=lambda group: (-group.lost, group.read, group.box))


def whole_scope(verdict: Verdict) -> OpenGroup:
    """Everything, where the steps do not say what they leave open."""
    bound, scope = verdict.bound, verdict.statement.subject.scope
    return OpenGroup(0, scope.ranges, 0, 0, scope.box, scope.box - (bound.certified if bound else 0))


def searched(target: Target, group: OpenGroup, *, tries: int, wanted: int, seed: int) -> OpenGroup:
    """The group with wrong inputs found in it, at most `wanted`, by looking at about `tries` inputs."""
    search = _Search(FloatJudge.of(target), target, group, random.Random(f"{seed} {group.read} {group.box} {group.low}"))
    found: dict[Tokens, Found] = {}
    while search.tried < tries and len(found) < wanted:
        for one in search.descent():
            found[one.tokens] = one
    return OpenGroup(
        group.read, group.box, group.low, group.high, group.inputs, group.lost, search.tried, tuple(list(found.values())[:wanted])
    )


class _Search:
    """In one group."""

    def __init__(self, floats: FloatJudge, target: Target, group: OpenGroup, rng: random.Random) -> None:
        self.floats, self.group, self.rng, self.tried = floats, group, rng, 0
        self.scope = target.subject.scope
        self.scores: Scores = Cutting(target.subject.task, self.scope, group.read, Ledger()).scores

    def descent(self) -> Iterator[Found]:
        """One descent from an input drawn at random; wrong inputs that it meets, confirmed."""
        start = self._draw(self.group.box)
        if start is None:
            self.tried += 1
            return
        current, least, idle = start, self._margins([start])[0], 0
        while idle < PATIENCE and least > 0:
            proposals = [one for one in (self._near(current) for _ in range(PROPOSALS)) if one is not None]
            margins = self._margins(proposals)
            best = int(np.argmin(margins)) if len(margins) else 0
            idle += 1
            if len(margins) and margins[best] < least:
                current, least, idle = proposals[best], margins[best], 0
        if least <= 0:
            yield from self._confirmed(current)

    def _margins(self, inputs: Sequence[Tokens]) -> np.ndarray:
        """The margin at the group's read of each input."""
        self.tried += len(inputs)
        return self.floats.judged(inputs).margins[:, self.group.read] if inputs else np.zeros(0)

    def _confirmed(self, tokens: Tokens) -> Iterator[Found]:
        """Where the kernel is certain that some answer is wrong."""
        judge = self.floats.kernel
        batch = judge.batch([tokens])
        if judge.answers(batch)[1][0]:
            said = self.floats.judged([tokens]).logits[0].argmax(axis=1) + judge.network.outputs.start
            yield Found(batch.sequences[0], tuple(map(int, said)), batch.answers[0])

    def _near(self, tokens: Tokens) -> Tokens | None:
        """Some slots drawn anew."""
        free = set(self.rng.sample(range(len(tokens)), min(self.rng.choice(REDRAWN), len(tokens))))
        return self._draw(
            tuple(ends if slot in free else (token,) * 2 for slot, (ends, token) in enumerate(zip(self.group.box, tokens, strict=True)))
        )

    def _draw(self, box: Box) -> Tokens | None:
        """An input within a box and the group's scores, in scope; None if the draw met none."""
        lines = [[(line[token], token) for token in range(first, last + 1)] for line, (first, last) in zip(self.scores, box, strict=True)]
        slots = sorted(range(len(box)), key=lambda slot: min(lines[slot])[0] - max(lines[slot])[0])  # the widest first
        rest_low, rest_high = sum(min(line)[0] for line in lines), sum(max(line)[0] for line in lines)
        low, high = self.group.low, self.group.high
        chosen = [0] * len(box)
        for slot in slots:
            rest_low, rest_high = rest_low - min(lines[slot])[0], rest_high - max(lines[slot])[0]
            fits = [(score, token) for score, token in lines[slot] if score + rest_low <= high and score + rest_high >= low]
            if not fits:
                return None
            score, chosen[slot] = self.rng.choice(fits)
            low, high = low - score, high - score
        tokens = tuple(chosen)
        return tokens if self.scope.holds(tokens) else None
