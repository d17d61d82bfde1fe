"""UNTRUSTED provers: one file per idea.  They search in floats and emit steps and hints; the kernel believes none of it.

`STRATEGIES` lists those about the largest token and networks of the shape `attention-only-1`: the paper's brute force and cubic first,
then ours, then the paper's 100 sub-cubic combinations.  `NETWORK_STRATEGIES` lists those for other networks, tasks and metrics.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from verifier.kernel.errors import Usage
from verifier.kernel.maximum.model import model_of
from verifier.kernel.statement import Subject
from verifier.strategies import bag, cells, every_input, symmetry
from verifier.strategies.absent_present import absent_present
from verifier.strategies.brute_force import brute_force
from verifier.strategies.counting import counting
from verifier.strategies.cubic import cubic
from verifier.strategies.envelope import envelope
from verifier.strategies.exact import exact
from verifier.strategies.float_model import FloatModel
from verifier.strategies.hot_outputs import hot_outputs
from verifier.strategies.low_rank import low_rank
from verifier.strategies.outside import is_outside, outside
from verifier.strategies.published import COMBINATIONS
from verifier.strategies.slots import bottleneck, relaxed
from verifier.strategies.steps import Step
from verifier.strategies.subcubic import subcubic
from verifier.strategies.target import AnyStrategy, NetworkStrategy, Target, maximum_misfit
from verifier.strategies.two_sided import two_sided
from verifier.system.suggestions import did_you_mean


@dataclass(frozen=True)
class Strategy:
    """A way to prove a bound.  cost_class: the leading terms of the proof's length, k tokens, v vocabulary, d width."""

    name: str
    cost_class: str
    summary: str
    steps: Callable[[FloatModel, Subject], list[Step]]
    published: bool = False  # the paper's argument, with its slips repaired

    def misfit(self, target: Target) -> str:
        """Why this strategy is not for the target; empty if it is."""
        return maximum_misfit(target)

    def steps_for(self, target: Target) -> list[Step]:
        """The certificate's steps."""
        model = model_of(target.network, target.subject.task.layout.positions)
        if model is None:
            raise LookupError(maximum_misfit(target))
        return self.steps(FloatModel(model), target.subject)


OURS = (
    Strategy("exact", "exact", "one constraint for most outputs, joint ones for the rest, failures listed; wrong inputs confirmed", exact),
    Strategy("hot-outputs", "v^3 k", "counting, with joint constraints for a few dangerous outputs; for long inputs", hot_outputs),
    Strategy("two-sided", "v^3 k", "right and wrong inputs counted, by the second-largest token: a bound on either side", two_sided),
    Strategy("counting", "v^3 k", "decoupled constraint, a shift per maximum, counted by sums; every length", counting),
    Strategy("subcubic", "v^2 k log v + v^2 d", "decoupled constraint on blocks, one optimised shift, counted by sums", subcubic),
    Strategy("absent-present", "v^2 k^2 + v^2 d", "competitors split by whether they occur; block patterns", absent_present),
    Strategy("envelope", "v^2 k^2 + v^2 d", "the paper's sub-cubic with the exact minimum over outputs", envelope),
    Strategy("low-rank-qk", "low-rank QK", "scores of rank 4, rows of v x d residual (v d^2)", low_rank(score_rank=4, score_rows=2)),
    Strategy("low-rank-eu", "low-rank EU", "skip path as mean query and rank 4", low_rank(skip_rank=4)),
    Strategy("low-rank-qk-eu", "low-rank QK and EU", "both", low_rank(score_rank=4, score_rows=2, skip_rank=4)),
    Strategy("low-rank-quadratic-qk", "quadratic QK", "scores of rank 4, spectral norm of d x d", low_rank(score_rank=4)),
    Strategy("low-rank-quadratic", "quadratic QK and low-rank EU", "both, ranks 4", low_rank(score_rank=4, skip_rank=4)),
)

STRATEGIES: dict[str, Strategy] = {
    strategy.name: strategy
    for strategy in (
        Strategy("brute-force", "v^4 k", "every wrong output by a joint constraint, failures listed; exact", brute_force, published=True),
        Strategy("cubic", "v^3 k", "the paper's: worst pure sequences at worst places", cubic, published=True),
        *OURS,
        *(Strategy(one.name, one.cost_class, "the paper's sub-cubic, repaired", one.steps, published=True) for one in COMBINATIONS),
    )
}


NETWORK_STRATEGIES: dict[str, NetworkStrategy] = {
    strategy.name: strategy
    for strategy in (
        NetworkStrategy(
            "every-input",
            "inputs",
            "every input evaluated: any network, task and metric; exact",
            every_input.every_input,
            every_input.misfit,
        ),
        NetworkStrategy(
            "bag",
            "inputs outputs",
            "logits that are a sum over tokens: products of tables instead of logits one by one; exact",
            bag.bag,
            bag.misfit,
        ),
        NetworkStrategy(
            "symmetry",
            "inputs",
            "two tokens of a group behind one ReLU: the margins of a symmetric sketch at one input, and how far the network is from it",
            symmetry.symmetry,
            symmetry.misfit,
        ),
        NetworkStrategy(
            "slots",
            "pieces slots tokens",
            "one mixing layer: affine functionals of the attention on sets of inputs too large to walk",
            relaxed.slots,
            relaxed.misfit,
        ),
        NetworkStrategy(
            "bottleneck",
            "pieces slots tokens",
            "one mixing layer and a narrow node: its coordinates bounded on sets of inputs, the rest by intervals",
            bottleneck.bottleneck,
            bottleneck.misfit,
        ),
        NetworkStrategy(
            "cells",
            "leaves",
            "the inputs cut into boxes, each decided by intervals: any network and task; for scopes too large to walk",
            cells.cells,
            cells.misfit,
        ),
        *(
            NetworkStrategy(f"cells-{leaves}", "leaves", f"the same with {leaves} boxes", partial(cells.cells, leaves=leaves), cells.misfit)
            for leaves in cells.BUDGETS
        ),
    )
}
FEW_INPUTS = 1 << 16  # of the largest token: for so many the exact answer takes a moment


LISTED_INPUTS = 1 << 24  # beyond, the wrong ones are too many to list


def _soon_exact(target: Target) -> bool:
    """Few inputs, or an upper bound, for which the wrong ones are listed."""
    return target.subject.total <= (FEW_INPUTS if target.relation == ">=" else LISTED_INPUTS)


# the first that fits, and that is worth it, is chosen for who names none: those about one shape, then those that meet every input,
# then those for scopes that nobody can walk through
DEFAULTS: dict[str, Callable[[Target], bool]] = {
    "exact": _soon_exact,
    "two-sided": lambda target: target.relation == "<=",
    "subcubic": lambda _: True,
    "bag": bag.shorter,
    "every-input": lambda _: True,
    "slots": lambda _: True,
    "bottleneck": lambda _: True,
    "cells": lambda _: True,
}


def find_strategy(name: str) -> Strategy | NetworkStrategy:
    """The strategy of that name, or the function FILE.py:FUNCTION.  Raises Usage."""
    if is_outside(name):
        return outside(name)
    if name in NETWORK_STRATEGIES:
        return NETWORK_STRATEGIES[name]
    if name not in STRATEGIES:
        short = [known for known, strategy in STRATEGIES.items() if not known.startswith("subcubic/")]
        expected = "one of " + ", ".join([*NETWORK_STRATEGIES, *short]) + ", subcubic/..."
        hint = did_you_mean(name, [*NETWORK_STRATEGIES, *STRATEGIES], "see `verifier strategies`")
        raise Usage("unknown-strategy", expected=expected, got=name, hint=hint)
    return STRATEGIES[name]


def usual_strategies(target: Target) -> list[AnyStrategy]:
    """The usual strategies that are for the target, the best first.  Raises Usage with the last one's reason where none is."""
    usual: list[AnyStrategy] = []
    misfit = ""
    for name, worthwhile in DEFAULTS.items():
        strategy = find_strategy(name)
        misfit = strategy.misfit(target)
        if not misfit and worthwhile(target):
            usual.append(strategy)
    if not usual:
        expected = "a statement that one of our strategies is for"
        raise Usage("strategy-misfit", expected=expected, got=misfit, hint="see `verifier strategies`")
    return usual


def choose_strategy(target: Target) -> AnyStrategy:
    """The first of them."""
    return usual_strategies(target)[0]
