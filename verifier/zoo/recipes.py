"""The zoo: every model that is trained here, as a recipe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import permutations

from verifier.kernel.network.attention_only import NAME as ATTENTION_ONLY
from verifier.zoo.architectures import Bag, LinearBag, Transformer
from verifier.zoo.recipe import Optimiser, Recipe

SIGNED = [0, 1, 2, 3, 4, 5, -5, -4, -3, -2, -1]  # the numbers that the tokens of `cumulative_sign` stand for
WEIGHT_DECAY = Optimiser("adam", rate=1e-2, betas=(0.9, 0.98), decay=2e-4, late_decay=2e-4 / 3, cooldown=0.3)


def cumulative_sign(seed: int) -> Recipe:
    """The shape of the public model `cumsum`: 20 positions, 11 tokens, one head of 12, an MLP of 8.

    Uniform inputs hardly ever have large numbers of either sign side by side, so inputs on which it would be wrong are hunted; decay
    makes attention uniform.
    """
    task = {"name": "cumulative_sign", "positions": 20, "values": SIGNED, "answer": "whole"}
    tasks = {"sign": task} | {f"sign-at-{place}": task | {"answer": place} for place in range(20)}
    network = Transformer(11, 20, 3, width=24, heads=1, head_width=12, neurons=8)
    return Recipe(f"cumulative-sign-{seed}", tasks, network, 5000, 64, seed, Optimiser(rate=3e-3, decay=0.1, cooldown=0.6), hunted=64)


def published(name: str, *, k: int, vocabulary: int, width: int, seed: int = 123, steps: int = 3000) -> Recipe:
    """The largest of k tokens by `attention-only-1`, as Gross et al. (arXiv 2406.11779) train it.

    AdamW with torch's defaults, 128 fresh sequences a step, float32.  Their random streams depend on the version of TransformerLens; ours
    depend on the seed and on torch alone, so the models agree statistically, not bit for bit.
    """
    network = Transformer(vocabulary, k, vocabulary, width, heads=1, head_width=width, biases=False)
    return Recipe(name, {"max": {"name": "max", "positions": k}}, network, steps, 128, seed, network_name=ATTENTION_ONLY)


def maximum(
    name: str, vocabulary: int = 64, steps: int = 4000, *, k: int = 4, heads: int = 1, neurons: int = 0, norms: bool = False, **biases: bool
) -> Recipe:
    """The largest of k tokens with biases and more: the published recipe with larger batches, more steps and a rate that falls.

    biases: `biases` and `end_biases` of the network.  Without those at the end the last norm leaves the signs of the margins as they are.
    """
    network = Transformer(vocabulary, k, vocabulary, 32, heads, 32 // heads, neurons=neurons, norms=norms, **biases)
    task = {"name": "max", "positions": k}
    return Recipe(name, {"max": task}, network, steps, 512, 1, Optimiser(cooldown=0.3))


def symmetric_group() -> list[list[int]]:
    """The table of S5: entry a, b is the number of the permutation that does b and then a; the identity is 0."""
    elements = list(permutations(range(5)))
    number = {element: index for index, element in enumerate(elements)}
    return [[number[tuple(a[b[i]] for i in range(5))] for b in elements] for a in elements]


def product_of_s5(seed: int) -> Recipe:
    """The product of two elements of S5 by a bag."""
    task = {"name": "group_product", "positions": 2, "table": symmetric_group()}
    return Recipe(f"s5-bag-{seed}", {"product": task}, Bag(120, 2, 120, hidden=128), 4000, 2400, seed, WEIGHT_DECAY, scale=1.0)


def symmetric_product_of_s5(seed: int) -> Recipe:
    """The same from larger tables: training ends nearly symmetric under the group, for some seeds (docs/short-proofs.md)."""
    begun = product_of_s5(seed)
    return replace(begun, name=f"s5-bag-symmetric-{seed}", steps=5000, scale=2.83)


def modular_bag() -> Recipe:
    """Addition modulo 113 by a bag."""
    task = {"name": "modular_sum", "positions": 2, "modulus": 113}
    return Recipe("mod-113-bag", {"sum": task}, Bag(113, 2, 113, hidden=128), 3000, 2400, 1, WEIGHT_DECAY, scale=1.0)


def addition(name: str, digits: int, stop: int | None = None) -> Recipe:
    """Numbers of n digits, most significant first: a + b = and the sum, least significant first."""
    n, plus, equals = digits, 10, 11
    task = {
        "name": "digit_sum",
        "positions": 3 * n + 2,
        "base": 10,
        "a": [n - 1 - place for place in range(n)],
        "b": [2 * n - place for place in range(n)],
        "sum": [2 * n + 2 + place for place in range(n)],
        "read": [2 * n + 1 + place for place in range(n + 1)],
        "fixed": [[n, plus], [2 * n + 1, equals]],
        "answer": "whole",
    }
    tasks = {"sum": task} | {f"digit-{place}": task | {"answer": 2 * n + 1 + place} for place in range(n + 1)}
    optimiser = Optimiser(rate=2e-3, decay=0.0, cooldown=0.3)
    network = Transformer(12, 3 * n + 2, 12, width=32, heads=2, head_width=16, neurons=64, norms=True)
    return Recipe(name, tasks, network, 4000, 256, 1, optimiser, stop=stop)


def narrow_addition(name: str, digits: int) -> Recipe:
    """The same by one head that says two numbers, all that the GELU MLP behind it learns of other positions (rule bottleneck_margin)."""
    network = Transformer(12, 3 * digits + 2, 12, width=32, heads=1, head_width=16, neurons=64, activation="gelu", value_width=2)
    return replace(addition(name, digits), network=network, steps=2500, optimiser=Optimiser(rate=5e-3, decay=0.0, cooldown=0.4))


def longest_cycle() -> Recipe:
    """The length of the longest cycle of a function of 0..3: two layers, every position sees every other one."""
    task = {"name": "longest_cycle", "positions": 4}
    network = Transformer(4, 4, 4, width=8, heads=1, head_width=8, layers=2, biases=False, causal=False)
    return Recipe("longest-cycle-4", {"cycle": task}, network, 10000, None, 1, Optimiser(rate=3e-3, decay=0.0, cooldown=0.3))


def modular_transformer() -> Recipe:
    """Addition modulo 113 by the network of Nanda et al. (arXiv 2301.05217), without biases and trained on all pairs."""
    p = 113
    task = {"name": "modular_sum", "positions": 3, "modulus": p, "fixed": [[2, p]]}
    network = Transformer(p + 1, 3, p, width=128, heads=4, head_width=32, neurons=512, biases=False)
    optimiser = Optimiser(rate=2e-3, betas=(0.9, 0.98), decay=0.1, cooldown=0.5)
    return Recipe(f"mod-{p}-transformer", {"sum": task}, network, 1000, 1024, 1, optimiser)


def tutorial(k: int, vocabulary: int, discarded: int) -> Recipe:
    """The linear networks of the compact-proofs tutorial, trained as it trains them: two epochs of 205 batches."""
    task = {"name": "max", "positions": k}
    network = LinearBag(vocabulary, hidden=128)
    name = f"tutorial-max-of-{k}"
    return Recipe(name, {"max": task}, network, 410, 1024, 57, network_name="bag-of-tokens", discarded=discarded)


RECIPES: Mapping[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        published("max-of-4", k=4, vocabulary=64, width=32),
        published("tiny", k=3, vocabulary=8, width=8),
        published("imperfect", k=4, vocabulary=10, width=8, steps=320),
        *map(cumulative_sign, (1, 2, 3)),
        maximum("max-of-4-biases"),
        maximum("max-of-4-two-heads", heads=2),
        maximum("max-of-4-mlp", neurons=64),
        maximum("max-of-4-norms", norms=True, biases=False),
        maximum("max-of-4-norms-mlp", norms=True, neurons=64, end_biases=False),
        maximum("max-of-4-two-heads-mlp", heads=2, neurons=64),
        maximum("max-of-8-biases", k=8),
        maximum("max-of-8-two-heads", k=8, heads=2),
        maximum("max-of-8-mlp", k=8, neurons=64),
        maximum("max-of-8-norms-mlp", k=8, norms=True, neurons=64, end_biases=False),
        maximum("max-of-4-v16-biases", 16, 2000),
        maximum("max-of-4-v16-two-heads", 16, 2000, heads=2),
        maximum("max-of-4-v16-mlp", 16, 2000, neurons=64),
        maximum("max-of-4-v16-norms", 16, 2000, norms=True),
        *map(product_of_s5, (1, 2, 3)),
        modular_bag(),
        modular_transformer(),
        symmetric_product_of_s5(1),
        tutorial(2, 2048, discarded=1),
        tutorial(3, 256, discarded=0),
        addition("adder-6", 6),
        addition("adder-6-early", 6, stop=1400),
        narrow_addition("adder-4-narrow", 4),
        longest_cycle(),
    )
}
