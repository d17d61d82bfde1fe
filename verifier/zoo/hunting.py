"""Hard inputs: training keeps some and changes them from step to step, towards larger losses."""

from __future__ import annotations

import torch
from torch import Tensor

from verifier.zoo.inputs import Inputs

LIFE = 200  # steps after which a uniform input takes a hunted one's place, on average


class Hunt:
    """Inputs under the hunt, by the tokens of their free slots: those that are kept, and each of them with a change."""

    def __init__(self, inputs: Inputs, count: int, generator: torch.Generator) -> None:
        self._inputs, self._count, self._generator = inputs, count, generator
        self._kept = inputs.sample(count, generator)
        self._new = self._changed(self._kept)

    @property
    def tokens(self) -> Tensor:
        """What to train on: shape (2 count, free), the kept ones first."""
        return torch.cat([self._kept, self._new])

    def advance(self, losses: Tensor) -> None:
        """Keep the input with the larger loss of each pair, and change it anew.  losses: of `tokens`, shape (2 count,)."""
        worse = losses[self._count :] >= losses[: self._count]
        kept = torch.where(worse[:, None], self._new, self._kept)
        ended = self._chance() < 1 / LIFE
        self._kept = torch.where(ended[:, None], self._inputs.sample(self._count, self._generator), kept)
        self._new = self._changed(self._kept)

    def _changed(self, kept: Tensor) -> Tensor:
        """Each input with two slots drawn anew, or with two slots exchanged that may hold the same tokens."""
        lines, counts = torch.arange(self._count), torch.tensor(self._inputs.counts)
        first, second = torch.randint(kept.shape[1], (2, self._count), generator=self._generator)
        drawn = self._inputs.sample(self._count, self._generator)
        exchanged = (self._chance() < 1 / 2) & (counts[first] == counts[second])
        changed = kept.clone()
        for slot, other in ((first, second), (second, first)):
            changed[lines, slot] = torch.where(exchanged, kept[lines, other], drawn[lines, slot])
        return changed

    def _chance(self) -> Tensor:
        return torch.rand(self._count, generator=self._generator)
