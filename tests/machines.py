"""Machines that evaluate the model in float32: real ones in many orders, and one that rounds as unluckily as docs/float32.md allows."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import product

import numpy as np
import torch
from torch import Tensor

from tests.models import TinyModel, copying, from_file
from verifier.kernel.maximum.rounding import SCALE_ROUNDINGS

U = 2.0**-24 * (1 - 1e-9)  # float64 does the rest, so stay a little inside
EXP = 2.0**-17 * (1 - 1e-9)
QUOTIENT_ROUNDINGS = 7  # a reciprocal within 6 u, and a product


@dataclass(frozen=True)
class Weights:
    """The seven matrices in one precision."""

    embed: Tensor
    place: Tensor
    query: Tensor
    key: Tensor
    value: Tensor
    output: Tensor
    unembed: Tensor

    @staticmethod
    def of(model: TinyModel, dtype: torch.dtype) -> Weights:
        names = ("W_E", "W_pos", "W_Q", "W_K", "W_V", "W_O", "W_U")
        return Weights(*(torch.tensor(model.weights[name], dtype=torch.float64).to(dtype) for name in names))

    def shuffled(self, seed: int) -> Weights:
        """The same function: width and head width in another order, so that every sum is taken in another order."""
        generator = torch.Generator().manual_seed(seed)
        d, h = (torch.randperm(size, generator=generator) for size in (len(self.unembed), len(self.output)))
        inner = (side[d][:, h] for side in (self.query, self.key, self.value))
        return Weights(self.embed[:, d], self.place[:, d], *inner, self.output[h][:, d], self.unembed[d])

    @property
    def root(self) -> float:
        return float(np.sqrt(len(self.output)))


def plain(w: Weights, tokens: Tensor) -> Tensor:
    """Logits at the last position, batched products; tokens: shape (batch, n)."""
    x = w.embed[tokens] + w.place
    scores = (x[:, -1:] @ w.query) @ (x @ w.key).transpose(1, 2) / w.root
    mix = scores.softmax(-1) @ (x @ w.value)
    return ((x[:, -1:] + mix @ w.output) @ w.unembed)[:, 0]


def all_positions(w: Weights, tokens: Tensor) -> Tensor:
    """As TransformerLens does: every position, masked scores, einsum."""
    x = w.embed[tokens] + w.place
    q, k, v = (torch.einsum("bpd,dh->bph", x, side) for side in (w.query, w.key, w.value))
    scores = torch.einsum("bqh,bkh->bqk", q, k) / torch.tensor(w.root, dtype=x.dtype)
    hidden = torch.ones(scores.shape[1:], dtype=torch.bool).triu(1)
    pattern = scores.masked_fill(hidden, -torch.inf).softmax(-1)
    out = torch.einsum("bqh,hd->bqd", torch.einsum("bqk,bkh->bqh", pattern, v), w.output)
    return ((x + out) @ w.unembed)[:, -1]


def fused_attention(w: Weights, tokens: Tensor) -> Tensor:
    """The library's own attention."""
    x = w.embed[tokens] + w.place
    q, k, v = (x @ side for side in (w.query, w.key, w.value))
    mix = torch.nn.functional.scaled_dot_product_attention(q[:, None], k[:, None], v[:, None], is_causal=True)[:, 0]
    return (x[:, -1] + mix[:, -1] @ w.output) @ w.unembed


def residual_first(w: Weights, tokens: Tensor) -> Tensor:
    """The sums of the output product start at the residual, as a compiler may arrange it."""
    x = w.embed[tokens] + w.place
    scores = (x[:, -1:] @ w.query) @ (x @ w.key).transpose(1, 2) / w.root
    mix = (scores.softmax(-1) @ (x @ w.value))[:, 0]
    return torch.addmm(x[:, -1], mix, w.output) @ w.unembed


def one_by_one(w: Weights, tokens: Tensor) -> Tensor:
    """A sum for every input apart: products of vectors, other loops in the library."""
    return torch.stack([plain(w, row[None])[0] for row in tokens])


def scaled_before(w: Weights, tokens: Tensor) -> Tensor:
    """Query and key each times the fourth root of 1/h; normalised after mixing."""
    x = w.embed[tokens] + w.place
    scale = torch.tensor(w.root, dtype=x.dtype).rsqrt()
    scores = ((x[:, -1:] @ w.query) * scale) @ ((x @ w.key) * scale).transpose(1, 2)
    weights = (scores - scores.max(-1, keepdim=True).values).exp()
    mix = (weights @ (x @ w.value)) / weights.sum(-1, keepdim=True)
    return ((x[:, -1:] + mix @ w.output) @ w.unembed)[:, 0]


def contracted(w: Weights, tokens: Tensor) -> Tensor:
    """The scale times a score, less the largest scaled score, in one multiply-add, as jax.jit does on a processor."""
    x = w.embed[tokens] + w.place
    scores = (x[:, -1:] @ w.query) @ (x @ w.key).transpose(1, 2)
    scale = torch.tensor(1 / w.root, dtype=x.dtype)
    largest = (scores * scale).max(-1, keepdim=True).values
    exponents = (scores.double() * scale.double() - largest.double()).to(x.dtype)  # a product of binary32 numbers is exact in float64
    weights = exponents.exp()
    mix = (weights / weights.sum(-1, keepdim=True)) @ (x @ w.value)
    return ((x[:, -1:] + mix @ w.output) @ w.unembed)[:, 0]


def wide_sums(w: Weights, tokens: Tensor) -> Tensor:
    """Sums kept in float64 and rounded once."""
    kind = w.embed.dtype

    def product(a: Tensor, b: Tensor) -> Tensor:
        return (a.double() @ b.double()).to(kind)

    x = w.embed[tokens] + w.place
    scores = product(product(x[:, -1:], w.query), product(x, w.key).transpose(1, 2)) / w.root
    mix = product(scores.softmax(-1), product(x, w.value))
    return product(x[:, -1:] + product(mix, w.output), w.unembed)[:, 0]


def in_sequence(w: Weights, tokens: Tensor) -> Tensor:
    """Every sum from left to right, one addition after the other (numpy's cumulative sum)."""

    def product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.cumsum(a[..., :, None] * b, axis=-2, dtype=a.dtype)[..., -1, :]

    names = ("embed", "place", "query", "key", "value", "output", "unembed")
    embed, place, query, key, value, output, unembed = (getattr(w, name).numpy() for name in names)
    x = embed[tokens.numpy()] + place
    q, k, v = product(x[:, -1], query), product(x, key), product(x, value)
    scores = np.cumsum(q[:, None] * k, axis=-1, dtype=x.dtype)[..., -1] / x.dtype.type(w.root)
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    pattern = weights / np.cumsum(weights, axis=-1, dtype=x.dtype)[:, -1:]
    mix = np.cumsum(pattern[..., None] * v, axis=1, dtype=x.dtype)[:, -1]
    return torch.tensor(product(x[:, -1] + product(mix, output), unembed))


def shuffled(seed: int) -> Callable[[Weights, Tensor], Tensor]:
    return lambda w, tokens: plain(w.shuffled(seed), tokens)


MACHINES: dict[str, Callable[[Weights, Tensor], Tensor]] = {
    "plain": plain,
    "all positions": all_positions,
    "fused attention": fused_attention,
    "residual first": residual_first,
    "one by one": one_by_one,
    "scaled before": scaled_before,
    "contracted": contracted,
    "wide sums": wide_sums,
    "in sequence": in_sequence,
    **{f"shuffled {seed}": shuffled(seed) for seed in range(3)},
}


@dataclass
class Unlucky:
    """A machine whose every operation is off by as much as it may be, in the direction that moves one number most, to first order.

    The first run, without errors, records what each operation's error would do to the number; the second makes those errors.
    """

    weights: Weights
    residual_first: bool
    signs: list[Tensor] | None = None
    errors: list[Tensor] = field(default_factory=list)

    def off(self, exact: Tensor, size: float = U) -> Tensor:
        """An operation's result."""
        if self.signs is None:
            self.errors.append(torch.zeros_like(exact, requires_grad=True))
            return exact * (1 + self.errors[-1])
        self.errors.append(self.signs[len(self.errors)] * size)
        return exact * (1 + self.errors[-1])

    def summed(self, terms: Tensor) -> Tensor:
        """From left to right along the last axis."""
        total = terms[..., 0]
        for column in terms[..., 1:].unbind(-1):
            total = self.off(total + column)
        return total

    def product(self, a: Tensor, b: Tensor, start: Tensor | None = None) -> Tensor:
        """Of matrices; `start` is the first term of every sum."""
        terms = self.off(a[:, None, :] * b.T[None])
        return self.summed(terms if start is None else torch.cat([start[..., None], terms], -1))

    def logits(self, tokens: Tensor) -> Tensor:
        w = self.weights
        x = self.off(w.embed[tokens] + w.place)
        q, k, v = self.product(x[-1:], w.query), self.product(x, w.key), self.product(x, w.value)
        scores = self.product(q, k.T)[0] / w.root
        for _ in range(SCALE_ROUNDINGS - 2):  # the subtraction counts twice
            scores = self.off(scores)
        weights = self.off(self.off(scores - scores.max()).exp(), EXP)
        pattern = weights / self.summed(weights)
        for _ in range(QUOTIENT_ROUNDINGS):
            pattern = self.off(pattern)
        mix = self.summed(self.off(pattern * v.T))
        if self.residual_first:
            residual = self.product(mix[None], w.output, x[-1:])
        else:
            residual = self.off(x[-1:] + self.product(mix[None], w.output))
        return self.product(residual, w.unembed)[0]


def unlucky_logits(weights: Weights, tokens: Tensor, plus: int, minus: int | None) -> Tensor:
    """Logits of the machine that makes logit `plus` (less logit `minus`) as large as it can; weights in float64."""

    def goal(logits: Tensor) -> Tensor:
        return logits[plus] - logits[minus] if minus is not None else logits[plus]

    found = []
    for residual_first in (False, True):
        trial = Unlucky(weights, residual_first)
        signs = torch.autograd.grad(goal(trial.logits(tokens)), trial.errors)
        with torch.no_grad():
            found.append(Unlucky(weights, residual_first, [sign.sign() for sign in signs]).logits(tokens))
    return max(found, key=lambda logits: float(goal(logits)))


def decided_by_the_unlucky(model: TinyModel) -> tuple[int, int]:
    """How many inputs no unlucky machine gets wrong, and how many none gets right."""
    weights, right, wrong = Weights.of(model, torch.float64), 0, 0
    for tokens in inputs(model):
        top = int(tokens.max())
        others = [x for x in range(model.v) if x != top]
        against = [unlucky_logits(weights, tokens, x, top) for x in others]
        right += all(bool(logits[top] > logits[x]) for logits in against for x in others)
        favoured = [unlucky_logits(weights, tokens, top, x) for x in others]
        wrong += any(bool(all(logits[top] <= logits[x] for logits in favoured)) for x in others)
    return right, wrong


# Models whose scores are large, and models whose inputs are nearly ties


def large_scores(size: float) -> TinyModel:
    """Every score is about 90 size^2, and v = 4, n = 3, h = 6.  Every machine that does not overflow answers 3: 37 of 64 are right."""
    rng = random.Random("large scores")

    def drawn(rows: int, columns: int, scale: float) -> list[list[float]]:
        return [[rng.gauss(0, scale) for _ in range(columns)] for _ in range(rows)]

    def of_the_constant(scale: float) -> list[list[float]]:
        return [[scale * (1 + rng.random()) for _ in range(6)], *([0.0] * 6 for _ in range(4))]

    weights = {"W_E": [[4.0, *row] for row in drawn(4, 4, 1)], "W_pos": [[0.0, *row] for row in drawn(3, 4, 0.1)]}
    weights |= {"W_Q": of_the_constant(size), "W_K": of_the_constant(size), "W_V": drawn(5, 6, 0.01), "W_O": drawn(6, 5, 0.01)}
    return rounded(TinyModel(weights | {"W_U": [[0.0, 0.0, 0.0, 1.0], *drawn(4, 4, 0.01)]}, f"scores of 90 {size}^2"))


def rounded(model: TinyModel) -> TinyModel:
    """The model with its weights rounded to float32."""
    return from_file(model.stored("F32"), model.label)


def nearly_twins(seed: int) -> TinyModel:
    """A copying model; one output nearly ties with another, by less than rounding errors or a little more."""
    rng = random.Random(f"twins {seed}")
    model = copying(rng, 4, 2 + seed % 2, noise=0.1, slope=rng.choice([0.5, 2.0, 5.0]), copy=rng.choice([1.0, 8.0]))
    first, second = rng.sample(range(4), 2)
    size = 2.0 ** -rng.randint(16, 23)
    unembed = [[row[second] + rng.gauss(0, size) if x == first else entry for x, entry in enumerate(row)] for row in model.weights["W_U"]]
    return rounded(TinyModel({**model.weights, "W_U": unembed}, f"nearly twins {seed}"))


def inputs(model: TinyModel) -> torch.Tensor:
    return torch.tensor(list(product(range(model.v), repeat=model.n)))
