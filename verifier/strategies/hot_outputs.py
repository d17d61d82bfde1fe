"""Hot outputs: for some maxima a handful of wrong outputs cause most losses; each gets its own joint constraint.

The union bound over outputs is the wrong tool when a wrong input loses to several at once, so only outputs whose separation lowers
the estimated loss join the hot set, chosen greedily on sampled inputs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from verifier.kernel.statement import Subject
from verifier.strategies.counting import BINS
from verifier.strategies.float_model import FloatModel
from verifier.strategies.steps import ALL_TABLES, Step, exact_tables, float_array, integer_array, step

SAMPLES = 20_000  # inputs with a given maximum
CANDIDATES = 5  # most losing outputs tried in each round
MOST_HOT = 5  # outputs per maximum
WORTHWHILE = 0.02  # relative fall of the estimated loss that pays for another constraint


def hot_outputs(model: FloatModel, subject: Subject) -> list[Step]:
    """The counting strategy, the hot outputs of each maximum standing alone."""
    from verifier.strategies.shift import shifts_per_maximum  # torch alone takes seconds to import

    shifts = shifts_per_maximum(model)
    generator = np.random.default_rng(0)
    hot = [(m, x) for m in range(1, model.v) for x in _Sample.draw(model, m, shifts[m], generator).hot_set()]
    alone = {"alone": integer_array(np.array(hot))} if hot else {}
    return [
        *exact_tables("centred"),
        step("margins", "decoupled_constraint", ALL_TABLES, shift=float_array(shifts), singles=model.v, **alone),
        step("right", "count_sums", {"constraints": "margins"}, bins=BINS),
        step("bound", "accuracy", {"counts": ["right"]}),
    ]


@dataclass(frozen=True)
class _Sample:
    """Random inputs of one maximum.  joint: margins, shape (inputs, v), infinite at m; skip (m + 1, v) and copy (n, m + 1, v) gaps
    with the shift moved from one to the other.
    """

    joint: np.ndarray
    skip: np.ndarray
    copy: np.ndarray
    inputs: np.ndarray
    attention: np.ndarray
    maximum: int

    @staticmethod
    def draw(model: FloatModel, maximum: int, shift: np.ndarray, generator: np.random.Generator) -> _Sample:
        inputs = generator.integers(0, maximum + 1, (SAMPLES, model.n))
        inputs[np.arange(SAMPLES), generator.integers(0, model.n, SAMPLES)] = maximum
        score = model.score[inputs[:, -1][:, None], inputs] + model.place_score[inputs[:, -1]]
        weight = np.exp(score - score.max(1, keepdims=True))
        attention = weight / weight.sum(1, keepdims=True)
        skip = model.skip[: maximum + 1, [maximum]] - model.skip[: maximum + 1] - shift
        token = model.copy[: maximum + 1, [maximum]] - model.copy[: maximum + 1]
        copy = token + (model.place_copy[:, [maximum]] - model.place_copy)[:, None] + shift
        joint = skip[inputs[:, -1]] + sum(attention[:, [i]] * copy[i, inputs[:, i]] for i in range(model.n))
        joint[:, maximum] = np.inf
        return _Sample(joint, skip, copy, inputs, attention, maximum)

    def loss(self, hot: list[int]) -> float:
        """Estimated number of inputs that the constraints do not certify, by the union bound."""
        shared = [x for x in range(self.joint.shape[1]) if x != self.maximum and x not in hot]
        lost = sum(int((self.joint[:, x] <= 0).sum()) for x in hot)
        if shared:
            worst_copy = self.copy[:, :, shared].min(2)
            slots = np.arange(len(worst_copy))
            margin = self.skip[:, shared].min(1)[self.inputs[:, -1]] + (self.attention * worst_copy[slots, self.inputs]).sum(1)
            lost += int((margin <= 0).sum())
        return lost

    def hot_set(self) -> list[int]:
        """Greedy: the output whose separation helps most, while it helps."""
        hot: list[int] = []
        least = self.loss(hot)
        losing = np.argsort(-(self.joint <= 0).sum(0))[: CANDIDATES + MOST_HOT]
        while least and len(hot) < MOST_HOT:
            candidates = [int(x) for x in losing if x not in hot and x != self.maximum][:CANDIDATES]
            if not candidates:
                break
            losses = [self.loss([*hot, x]) for x in candidates]
            if min(losses) > (1 - WORTHWHILE) * least:
                break
            hot.append(candidates[int(np.argmin(losses))])
            least = min(losses)
        return hot
