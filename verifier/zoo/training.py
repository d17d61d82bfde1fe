"""The one trainer: it reads a recipe, and gives the weights file with its program and tasks.

One thread, on the CPU, float32; the seed decides weights and data.  The same recipe gives the same bits on the same machine and torch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from math import sqrt

import torch
from torch import Tensor
from torch.nn.functional import softplus

from verifier.models.weights import encode_weights
from verifier.networks.finding import with_network
from verifier.zoo.architectures import Architecture, LinearBag
from verifier.zoo.forward import Forward
from verifier.zoo.hunting import Hunt
from verifier.zoo.inputs import Inputs
from verifier.zoo.recipe import Optimiser, Recipe
from verifier.zoo.tutorial import train_as_the_tutorial

SAMPLES, AT_ONCE = 65_536, 4096  # inputs of the sampled accuracy, and of one batch of them
LAST_RATE = 0.01  # a share of the first one


@dataclass(frozen=True)
class Trained:
    """A trained model, with what was seen on the way.  The accuracy is a sample, never a certified number.

    data: the weights file.  final_loss: nats, mean over the last batch and the positions read; None if no step was made.
    """

    data: bytes
    final_loss: float | None
    sampled_accuracy: float
    samples: int


def train(recipe: Recipe, on_step: Callable[[Tensor], None] = lambda loss: None, samples: int = SAMPLES) -> Trained:
    """Train one model.

    Args:
        recipe: what determines it.
        on_step: called after every step with the batch's loss.
        samples: uniform inputs on which the accuracy is looked at.
    """
    net = recipe.network.build()
    seen: list[Tensor] = []

    def step_made(loss: Tensor) -> None:
        seen[:] = [loss]
        on_step(loss)

    with _deterministic_torch():
        inputs = Inputs(recipe.task, recipe.network.vocabulary)
        forward = Forward(net.nodes, recipe.task.layout.reads)
        if isinstance(recipe.network, LinearBag):
            weights = train_as_the_tutorial(recipe, recipe.network, step_made)
        else:
            weights = _trained(recipe, net, forward, inputs, step_made)
        tokens = inputs.sample(samples, _generator(recipe.seed, "test"))
        accuracy = sampled_accuracy(forward, weights, inputs.labelled, tokens)
    data = with_network(encode_weights(weights), net.program(recipe.network_name or recipe.name), dict(recipe.tasks), file=recipe.name)
    return Trained(data, seen[0].item() if seen else None, accuracy, samples)


def _trained(recipe: Recipe, net: Architecture, forward: Forward, inputs: Inputs, on_step: Callable[[Tensor], None]) -> dict[str, Tensor]:
    """The weights after all steps."""
    parts = _initial_weights(net, recipe)
    batches = _generator(recipe.seed, "train")
    optimiser = _optimiser(recipe.optimiser, [one for factors in parts.values() for one in factors])
    every = inputs.labelled(inputs.all()) if recipe.batch is None else None
    hunt = Hunt(inputs, recipe.hunted, _generator(recipe.seed, "hunt"))
    for step in range(recipe.made):
        _adjust(optimiser, recipe.optimiser, step / recipe.steps)
        tokens, labels = every or inputs.labelled(torch.cat([hunt.tokens, inputs.sample(recipe.batch or 0, batches)]))
        each = losses(forward(_whole(parts), tokens), labels)
        hunt.advance(each.detach().amax(1)[: 2 * recipe.hunted])
        loss = each.mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        on_step(loss.detach())
    return {name: tensor.detach() for name, tensor in _whole(parts).items()}


def losses(logits: Tensor, labels: Tensor) -> Tensor:
    """The cross-entropy of each answer in nats, accurate where it is tiny: the shape of the labels.

    Args:
        logits: shape (..., outputs).
        labels: the right outputs, shape (...).

    -log softmax at the label is log1p of the sum of exp(logit - label's logit) over the *other* outputs.  Through log1p
    a loss of 1e-20 is still a number with a gradient, where a float32 log_softmax has long returned zero.
    """
    logits = logits.double()
    label_column = labels.unsqueeze(-1)
    gaps = logits - logits.gather(-1, label_column)
    others = gaps.scatter(-1, label_column, float("-inf"))
    return softplus(others.logsumexp(dim=-1))


@torch.no_grad()
def sampled_accuracy(
    forward: Forward, weights: Mapping[str, Tensor], labelled: Callable[[Tensor], tuple[Tensor, Tensor]], tokens: Tensor
) -> float:
    """The share of inputs on which every answer is right; a tie is wrong.  labelled: sequences and labels of tokens."""
    right = 0
    for some in tokens.split(AT_ONCE):
        sequences, labels = labelled(some)
        right += int(answered(forward(weights, sequences), labels).sum())
    return right / len(tokens)


def answered(logits: Tensor, labels: Tensor) -> Tensor:
    """Whether every answer is the strict maximum, shape (batch,).  logits: (batch, reads, outputs); labels: (batch, reads)."""
    label_column = labels.unsqueeze(-1)
    best_other = logits.scatter(-1, label_column, float("-inf")).amax(dim=-1, keepdim=True)
    return (logits.gather(-1, label_column) > best_other).all((-1, -2))


def _initial_weights(net: Architecture, recipe: Recipe) -> dict[str, list[Tensor]]:
    """The factors of each tensor, drawn tensor by tensor; most have one, themselves."""
    generator, tables = _generator(recipe.seed, "model"), net.tables()
    begun: dict[str, list[Tensor]] = {}
    for name, shape in net.shapes.items():
        if name in net.constants:
            begun[name] = [torch.full(shape, net.constants[name])]
            continue
        shapes = net.factors.get(name, (shape,))
        rows = [sqrt(one[-1] if name in tables and place == 0 else one[-2]) for place, one in enumerate(shapes)]
        begun[name] = [recipe.scale / root * torch.randn(one, generator=generator) for one, root in zip(shapes, rows, strict=True)]
    for factors in begun.values():
        for one in factors:
            one.requires_grad_()
    return begun


def _whole(parts: Mapping[str, list[Tensor]]) -> dict[str, Tensor]:
    """Each tensor as the product of its factors."""
    whole = {}
    for name, (first, *rest) in parts.items():
        for factor in rest:
            first = first @ factor
        whole[name] = first
    return whole


def _optimiser(settings: Optimiser, parameters: list[Tensor]) -> torch.optim.Optimizer:
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[settings.name]
    return kind(parameters, lr=settings.rate, betas=settings.betas, weight_decay=settings.decay)


def _adjust(optimiser: torch.optim.Optimizer, settings: Optimiser, done: float) -> None:
    """Set rate and decay; done: the share of the steps that are behind."""
    for group in optimiser.param_groups:
        if settings.cooldown:
            group["lr"] = settings.rate * min(1.0, max(LAST_RATE, (1 - done) / settings.cooldown))
        if settings.late_decay is not None and done >= 0.5:
            group["weight_decay"] = settings.late_decay


def _generator(seed: int, label: str) -> torch.Generator:
    """An independent random stream per (seed, label), so that a change to one leaves the others as they were."""
    digest = hashlib.sha256(f"{seed}/{label}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "little") >> 1)  # torch takes 63 bits


@contextmanager
def _deterministic_torch() -> Iterator[None]:
    """One thread and deterministic kernels: a parallel sum adds in an order that depends on the number of cores."""
    threads = torch.get_num_threads()
    deterministic = torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(deterministic)
        torch.set_num_threads(threads)
