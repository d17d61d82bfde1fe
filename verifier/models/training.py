"""Training max-of-k: sequences of k uniform tokens, labelled with their maximum, read at the last position.

The recipe is the one of Gross et al. (arXiv 2406.11779): AdamW with learning rate 1e-3 and torch's default weight
decay, batches of 128 fresh sequences, mean cross-entropy, weights drawn from N(0, 0.8 / sqrt(d)), float32, on the CPU.
Their random streams depend on the version of TransformerLens; ours depend on the seed and on torch alone, so the models
agree statistically, not bit for bit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import softplus

from verifier.models.architecture import last_position_logits, tensor_shapes

LEARNING_RATE = 1e-3
BATCH = 128  # sequences per step
INITIAL_SCALE = 0.8  # initial standard deviation times sqrt(d): the "gpt2" default of TransformerLens
ACCURACY_SAMPLES = 65_536  # sequences in the sampled accuracy


@dataclass(frozen=True)
class Recipe:
    """What determines a trained model."""

    k: int  # tokens per sequence
    vocabulary: int
    width: int  # residual width; the single head is as wide
    seed: int
    steps: int  # optimiser steps of `BATCH` sequences


@dataclass(frozen=True)
class Trained:
    """A trained model, with what was seen on the way.  The accuracy is a sample, never a certified number."""

    weights: dict[str, Tensor]
    final_loss: float | None  # nats, mean over the last batch; None if no step was made
    sampled_accuracy: float
    samples: int


def train(recipe: Recipe, on_step: Callable[[], None] = lambda: None) -> Trained:
    """Train one model; the same recipe gives the same bits on the same machine.

    Args:
        recipe: sizes, seed and steps.
        on_step: called after every step.
    """
    with _deterministic_torch():
        weights = _initial_weights(recipe)
        batches = _generator(recipe.seed, "train")
        optimiser = torch.optim.AdamW(weights.values(), lr=LEARNING_RATE)
        loss = None
        for _ in range(recipe.steps):
            tokens = _uniform_tokens(recipe, BATCH, batches)
            loss = cross_entropy(last_position_logits(weights, tokens), tokens.amax(dim=-1))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            on_step()
        detached = {name: tensor.detach() for name, tensor in weights.items()}
        accuracy = _sampled_accuracy(recipe, detached)
    final_loss = None if loss is None else loss.item()
    return Trained(detached, final_loss, sampled_accuracy=accuracy, samples=ACCURACY_SAMPLES)


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy in nats, accurate where it is tiny.

    Args:
        logits: shape (batch, v).
        labels: the right outputs, shape (batch,).

    -log softmax at the label is log1p of the sum of exp(logit - label's logit) over the *other* outputs.  Through log1p
    a loss of 1e-20 is still a number with a gradient, where a float32 log_softmax has long returned zero.
    """
    logits = logits.double()
    label_column = labels.unsqueeze(-1)
    gaps = logits - logits.gather(-1, label_column)
    others = gaps.scatter(-1, label_column, float("-inf"))
    return softplus(others.logsumexp(dim=-1)).mean()


def _initial_weights(recipe: Recipe) -> dict[str, Tensor]:
    """Independent normal entries, standard deviation 0.8 / sqrt(d), drawn tensor by tensor in the kernel's order."""
    shapes = tensor_shapes(
        vocabulary=recipe.vocabulary, positions=recipe.k, width=recipe.width, head_width=recipe.width
    )
    generator = _generator(recipe.seed, "model")
    scale = INITIAL_SCALE / recipe.width**0.5
    return {name: (scale * torch.randn(shape, generator=generator)).requires_grad_() for name, shape in shapes.items()}


def _uniform_tokens(recipe: Recipe, count: int, generator: torch.Generator) -> Tensor:
    """Uniform sequences, shape (count, k)."""
    return torch.randint(recipe.vocabulary, (count, recipe.k), generator=generator)


@torch.no_grad()
def _sampled_accuracy(recipe: Recipe, weights: dict[str, Tensor]) -> float:
    """The fraction of `ACCURACY_SAMPLES` random sequences answered right; a tie is wrong."""
    tokens = _uniform_tokens(recipe, ACCURACY_SAMPLES, _generator(recipe.seed, "test"))
    labels = tokens.amax(dim=-1, keepdim=True)  # (batch, 1)
    logits = last_position_logits(weights, tokens)
    best_other = logits.scatter(-1, labels, float("-inf")).amax(dim=-1, keepdim=True)
    return (logits.gather(-1, labels) > best_other).double().mean().item()


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
