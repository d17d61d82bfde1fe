"""A recipe: everything that determines a trained model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from verifier.kernel.decode.strict_json import Reader
from verifier.kernel.tasks import read_task
from verifier.kernel.tasks.task import Task
from verifier.zoo.architectures import Bag, LinearBag, Transformer


@dataclass(frozen=True)
class Optimiser:
    """How weights are improved.

    name: `adam` (decay is L2) or `adamw` (decay of the weights).  rate: the learning rate.  betas: of both.
    cooldown: the last share of the steps, in which the rate falls on a line to a hundredth of itself; 0 for none.
    late_decay: the decay after half of the steps, if another one.
    """

    name: str = "adamw"
    rate: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    decay: float = 0.01
    late_decay: float | None = None
    cooldown: float = 0.0


@dataclass(frozen=True)
class Recipe:
    """A task, a network, and how it is trained.

    tasks: by the word that `--task` takes; the first is trained.  batch: uniform inputs of a step; None: each input once.
    scale: of initial matrices; entries are normal with deviation scale / sqrt(rows), of tables scale / sqrt(columns).
    stop: steps after which training ends early, rates being those of `steps`; None: at the end.
    network_name: in the program, if not the recipe's.
    hunted: inputs that every batch has beside the uniform ones, and that are changed from step to step in search of a larger loss.
    discarded: networks that are drawn before the one that is trained; the tutorial's `LinearBag` alone, whose scale is torch's own.
    """

    name: str
    tasks: Mapping[str, Mapping[str, Any]]
    network: Transformer | Bag | LinearBag
    steps: int
    batch: int | None
    seed: int
    optimiser: Optimiser = Optimiser()
    scale: float = 0.8
    stop: int | None = None
    network_name: str = ""
    discarded: int = 0
    hunted: int = 0

    @property
    def json(self) -> dict[str, Any]:
        """The recipe as a JSON object; of a network its kind and sizes, of the tasks their words."""
        return asdict(self) | {"tasks": list(self.tasks), "network": {"kind": type(self.network).__name__.lower()} | asdict(self.network)}

    @property
    def made(self) -> int:
        """How many steps are made."""
        return self.steps if self.stop is None else self.stop

    @property
    def task(self) -> Task:
        """The task that is trained."""
        return read_task(Reader(dict(next(iter(self.tasks.values()))), f"recipe {self.name}", "task"))
