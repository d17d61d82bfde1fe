"""UNTRUSTED provers: one file per idea.  They search in floats and emit steps and hints; the kernel believes none of it.

`STRATEGIES` lists them from the longest proof to the shortest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from verifier.kernel.errors import Usage
from verifier.kernel.statement import Subject
from verifier.strategies.brute_force import brute_force
from verifier.strategies.cubic import cubic
from verifier.strategies.float_model import FloatModel
from verifier.strategies.steps import Step
from verifier.strategies.subcubic import subcubic


@dataclass(frozen=True)
class Strategy:
    """A way to prove a bound.  cost_class: the leading terms of the proof's length, k tokens, v vocabulary, d width."""

    name: str
    cost_class: str
    summary: str
    steps: Callable[[FloatModel, Subject], list[Step]]


STRATEGIES: dict[str, Strategy] = {
    strategy.name: strategy
    for strategy in (
        Strategy("brute-force", "v^(k+1) k", "every input evaluated; wrong inputs listed; exact", brute_force),
        Strategy("cubic", "v^3 k", "the paper's: worst pure sequences at worst places", cubic),
        Strategy("subcubic", "v^2 k log v + v^2 d", "decoupled constraint, optimised shift, counted by sums", subcubic),
    )
}


def find_strategy(name: str) -> Strategy:
    """The strategy of that name.  Raises Usage."""
    if name not in STRATEGIES:
        raise Usage("unknown-strategy", expected="one of " + ", ".join(STRATEGIES), got=name, hint="see `verifier strategies`")
    return STRATEGIES[name]
