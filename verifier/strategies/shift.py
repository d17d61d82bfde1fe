"""Choosing the shift of `decoupled_constraint`: how much of the skip path to count with the copy path.

Attention sums to one, so any vector s may be moved from the skip path to the copy path (L33).  The decoupled margin of an input,
G(q) + sum_i a_i R_i(t_i), is concave in s; we maximise a smooth count of positive margins over sampled inputs by Adam.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from verifier.strategies.float_model import FloatModel
from verifier.strategies.mean_shift import mean_shift

SAMPLES = 40_000  # inputs drawn for one shift; the hardest tenth is kept
SAMPLES_PER_MAXIMUM = 12_000  # inputs drawn with a given maximum; the hardest quarter is kept
STEPS = 150
LEARNING_RATE = 0.05
TEMPERATURE = 0.3  # logits: width of the smooth step

Margins = Callable[[torch.Tensor], torch.Tensor]  # shift (v,) -> decoupled margin of each sampled input


def optimised_shift(model: FloatModel, seed: int = 0) -> torch.Tensor:
    """One shift for all maxima, shape (v,)."""
    inputs = torch.randint(model.v, (SAMPLES, model.n), generator=torch.Generator().manual_seed(seed))
    start = torch.from_numpy(mean_shift(model))
    hardest = _margins(model, inputs, start).argsort()[: SAMPLES // 10]
    return _maximise(lambda shift: _margins(model, inputs[hardest], shift), start)


def shifts_per_maximum(model: FloatModel, seed: int = 0) -> np.ndarray:
    """A shift for each maximum, shape (v, v)."""
    generator = torch.Generator().manual_seed(seed)
    rows = []
    for maximum in range(model.v):
        inputs = torch.randint(maximum + 1, (SAMPLES_PER_MAXIMUM, model.n), generator=generator)
        places = torch.randint(model.n, (SAMPLES_PER_MAXIMUM,), generator=generator)
        inputs[torch.arange(SAMPLES_PER_MAXIMUM), places] = maximum
        gaps = _Gaps.of(model, maximum)
        start = torch.from_numpy(mean_shift(model))
        hardest = gaps.margins(inputs, start).argsort()[: SAMPLES_PER_MAXIMUM // 4]
        chosen = gaps.prepared(inputs[hardest])
        rows.append(_maximise(lambda shift, gaps=gaps, chosen=chosen: gaps.margins_of(*chosen, shift), start).numpy())
    return np.array(rows)


def _maximise(margins: Margins, start: torch.Tensor) -> torch.Tensor:
    """The best shift that Adam meets on its way from `start`."""
    torch.set_num_threads(1)  # the arrays are small: more threads only wait for each other
    shift = start.clone().requires_grad_(True)
    optimiser = torch.optim.Adam([shift], lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda done: 1 - done / STEPS)
    best, best_loss = shift.detach().clone(), torch.inf
    for _ in range(STEPS):
        loss = torch.sigmoid(-margins(shift) / TEMPERATURE).mean()
        if loss.item() < best_loss:
            best, best_loss = shift.detach().clone(), loss.item()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return best


def _attention(model: FloatModel, inputs: torch.Tensor) -> torch.Tensor:
    """Attention of each input's last position, shape (inputs, n)."""
    query = inputs[:, -1]
    return (torch.from_numpy(model.score)[query[:, None], inputs] + torch.from_numpy(model.place_score)[query]).softmax(dim=1)


def _margins(model: FloatModel, inputs: torch.Tensor, shift: torch.Tensor) -> torch.Tensor:
    """Decoupled margin of inputs of any maximum, shape (inputs,)."""
    skip, copy = torch.from_numpy(model.skip), torch.from_numpy(model.copy)
    place_copy = torch.from_numpy(model.place_copy)
    query, maximum = inputs[:, -1], inputs.max(dim=1).values
    attention = _attention(model, inputs)
    is_maximum = torch.nn.functional.one_hot(maximum, model.v).bool()
    infinite = torch.tensor(torch.inf, dtype=skip.dtype)
    g = skip[query, maximum][:, None] - skip[query] - shift
    worst = torch.where(is_maximum, infinite, g).min(dim=1).values
    for slot in range(model.n):
        path = copy[inputs[:, slot]] + place_copy[slot]
        gap = path.gather(1, maximum[:, None]) - path + shift
        worst = worst + attention[:, slot] * torch.where(is_maximum, infinite, gap).min(dim=1).values
    return worst


@dataclass(frozen=True)
class _Gaps:
    """Gap tables of one maximum, wrong outputs only: cheaper than gaps per input, for there are few tokens and many inputs."""

    model: FloatModel
    wrong: torch.Tensor  # the outputs x != m, shape (v - 1,)
    skip: torch.Tensor  # g, shape (m + 1, v - 1)
    copy: torch.Tensor  # D + p, shape (n, m + 1, v - 1)

    @staticmethod
    def of(model: FloatModel, maximum: int) -> _Gaps:
        wrong = np.arange(model.v) != maximum
        skip = model.skip[: maximum + 1, [maximum]] - model.skip[: maximum + 1][:, wrong]
        copy = model.copy[: maximum + 1, [maximum]] - model.copy[: maximum + 1][:, wrong]
        place = model.place_copy[:, [maximum]] - model.place_copy[:, wrong]
        gaps = torch.from_numpy(copy + place[:, None])
        return _Gaps(model, torch.from_numpy(np.flatnonzero(wrong)), torch.from_numpy(skip), gaps)

    def prepared(self, inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Inputs with their attention."""
        return inputs, _attention(self.model, inputs)

    def margins(self, inputs: torch.Tensor, shift: torch.Tensor) -> torch.Tensor:
        """Decoupled margins, shape (inputs,)."""
        return self.margins_of(*self.prepared(inputs), shift)

    def margins_of(self, inputs: torch.Tensor, attention: torch.Tensor, shift: torch.Tensor) -> torch.Tensor:
        """Decoupled margins of inputs whose attention is known."""
        moved = shift[self.wrong]
        worst_skip = (self.skip - moved).min(dim=1).values
        worst_copy = (self.copy + moved).min(dim=2).values
        slots = torch.arange(self.model.n)
        return worst_skip[inputs[:, -1]] + (attention * worst_copy[slots, inputs]).sum(dim=1)
