"""What decides claims about any network: every input evaluated, by the cheapest rule that is for it, or boxes of inputs."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import islice

import numpy as np

from verifier.auditing.investigation import Example, Investigation, Stage
from verifier.experiments.estimate import drawn
from verifier.fast import FastArithmetic
from verifier.kernel.tasks.task import Tokens
from verifier.networks.enclosures import enclosed_logits
from verifier.networks.judging import FloatJudge
from verifier.strategies import NETWORK_STRATEGIES
from verifier.strategies.bag import shorter

SMALL = 1 << 16  # inputs of a scope that are evaluated one by one before boxes are tried
SEARCHED = 1 << 18  # inputs looked at for examples of wrong ones
EVERY = ("bag", "every-input")  # strategies that decide each input that can be decided
BOXES = ("cells-1024", "cells", "cells-32768")


class OfNetwork(Investigation):
    """Any network, task and metric."""

    def stages(self) -> list[Stage]:
        first, *more = BOXES
        every = EVERY if shorter(self.target) else EVERY[::-1]
        order = [*every, *BOXES] if self.total <= SMALL else [first, *every, *more]
        misfits = {name: NETWORK_STRATEGIES[name].misfit(self.target) for name in order}
        fitting = [name for name in order if not misfits[name]]
        if not fitting:
            self.failures += dict.fromkeys(misfits.values())
        return [(name, partial(self._prove_with, name)) for name in fitting]

    def _prove_with(self, name: str) -> None:
        self.add(name, NETWORK_STRATEGIES[name].steps_for(self.target))
        if name in EVERY:
            self.nothing_more()

    def examples(self, most: int) -> tuple[Example, ...]:
        judge, found = FloatJudge.of(self.target), list[Example]()
        candidates = self._candidates()
        while len(found) < most and (inputs := list(islice(candidates, judge.inputs_at_once))):
            judged = judge.judged(inputs)
            wrong = [inputs[index] for index in np.flatnonzero(~judged.right)][: most - len(found)]
            found += filter(None, map(partial(self._confirmed, judge), wrong))
        return tuple(found)

    def _candidates(self) -> Iterator[Tokens]:
        scope = self.target.subject.scope
        return scope.inputs() if self.total <= SEARCHED else drawn(scope, SEARCHED, np.random.default_rng(0))

    def _confirmed(self, judge: FloatJudge, tokens: Tokens) -> Example | None:
        """Where an enclosure of some logit is at or above that of the right one; None where none is certainly so."""
        one, network, reads = judge.kernel.batch([tokens]), self.target.network, self.target.subject.task.layout.reads
        lower, upper = (ends[0] for ends in enclosed_logits(network, one.sequences, reads, FastArithmetic()))
        for index, (place, label) in enumerate(zip(reads, one.labels, strict=True)):
            others = np.where(np.arange(len(network.outputs)) == label, -np.inf, lower[index])
            best = int(others.argmax())
            if others[best] >= upper[index, label]:
                return Example(tokens, place, network.outputs[label], network.outputs[best])
        return None
