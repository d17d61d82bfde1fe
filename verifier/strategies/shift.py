"""Choosing the shift of `decoupled_constraint`: how much of the skip path to count with the copy path.

Attention sums to one, so any vector s may be moved from the skip path to the copy path (L33).  The decoupled margin of an input,
G(q) + sum_i a_i R_i(t_i), is concave in s; we maximise a smooth count of positive margins over sampled inputs by Adam.
"""

from __future__ import annotations

import torch

from verifier.strategies.float_model import FloatModel

SAMPLES = 40_000  # inputs drawn; the hardest tenth is kept
STEPS = 150
LEARNING_RATE = 0.05
TEMPERATURE = 0.3  # logits: width of the smooth step


def mean_shift(model: FloatModel) -> torch.Tensor:
    """S = - mean over queries of the skip path, shape (v,): what is left of the skip path is small for every query."""
    return -torch.from_numpy(model.skip.mean(0))


def optimised_shift(model: FloatModel, seed: int = 0) -> torch.Tensor:
    """One shift for all maxima, shape (v,)."""
    torch.set_num_threads(1)  # the arrays are small: more threads only wait for each other
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randint(model.v, (SAMPLES, model.n), generator=generator)
    shift = mean_shift(model).requires_grad_(True)
    hardest = _margins(model, inputs, shift.detach()).argsort()[: SAMPLES // 10]
    inputs = inputs[hardest]
    optimiser = torch.optim.Adam([shift], lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda done: 1 - done / STEPS)
    best, best_loss = shift.detach().clone(), torch.inf
    for _ in range(STEPS):
        loss = torch.sigmoid(-_margins(model, inputs, shift) / TEMPERATURE).mean()
        if loss.item() < best_loss:
            best, best_loss = shift.detach().clone(), loss.item()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return best


def _margins(model: FloatModel, inputs: torch.Tensor, shift: torch.Tensor) -> torch.Tensor:
    """Decoupled margin of each input, shape (inputs,)."""
    skip, copy = torch.from_numpy(model.skip), torch.from_numpy(model.copy)
    place_copy = torch.from_numpy(model.place_copy)
    query, maximum = inputs[:, -1], inputs.max(dim=1).values
    score = torch.from_numpy(model.score)[query[:, None], inputs] + torch.from_numpy(model.place_score)[query]
    attention = score.softmax(dim=1)
    is_maximum = torch.nn.functional.one_hot(maximum, model.v).bool()
    infinite = torch.tensor(torch.inf, dtype=skip.dtype)
    g = skip[query, maximum][:, None] - skip[query] - shift
    worst = torch.where(is_maximum, infinite, g).min(dim=1).values
    for slot in range(model.n):
        path = copy[inputs[:, slot]] + place_copy[slot]
        gap = path.gather(1, maximum[:, None]) - path + shift
        worst = worst + attention[:, slot] * torch.where(is_maximum, infinite, gap).min(dim=1).values
    return worst
