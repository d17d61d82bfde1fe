"""True statements and certificates about a model, and the truth they are compared with."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import product

import numpy as np

from certificates.corpus.documents import JSON, written
from certificates.corpus.model_files import shipped
from certificates.corpus.models import misled_model, zero_model
from verifier.domain import maximum_subject, whole_domain
from verifier.kernel.metrics import Claim
from verifier.kernel.statement import Statement, Subject
from verifier.networks.attention_only import read_model
from verifier.strategies.brute_force import listing_steps
from verifier.strategies.cubic import cubic
from verifier.strategies.float_model import FloatModel
from verifier.strategies.shift import mean_shift
from verifier.strategies.steps import ALL_TABLES, Step, certificate_bytes, exact_tables, float_array, integer_array, step


@dataclass(frozen=True)
class Maker:
    """Statements and certificates about one model and scope."""

    model: str | bytes
    scope: tuple[tuple[int, int], ...] | None = None
    function: str = "real"

    @property
    def file(self) -> bytes:
        return shipped(self.model) if isinstance(self.model, str) else self.model

    @cached_property
    def floats(self) -> FloatModel:
        return FloatModel(read_model(self.file, file="model"))

    @property
    def subject(self) -> Subject:
        whole = whole_domain(self.floats.model, self.function)
        return whole if self.scope is None else maximum_subject(self.floats.model, self.scope, self.function)

    def losing(self, tokens: tuple[int, ...]) -> dict[int, float]:
        """The wrong outputs that reach the maximum's logit, and by how much, in float64."""
        model, keys = self.floats, list(tokens)
        scores = model.score[keys[-1], keys] + model.place_score[keys[-1]]
        weights = np.exp(scores - scores.max())
        logits = model.skip[keys[-1]] + weights / weights.sum() @ (model.copy[keys] + model.place_copy)
        lead = logits - logits[max(keys)]
        return {x: float(lead[x]) for x in range(model.v) if x != max(keys) and lead[x] >= 0}

    @cached_property
    def wrong(self) -> dict[tuple[int, ...], dict[int, float]]:
        """Every wrong input in scope, with what beats it."""
        inputs = product(*(range(first, last + 1) for first, last in self.subject.scope.ranges))
        return {tokens: outputs for tokens in inputs if (outputs := self.losing(tokens))}

    @property
    def listed(self) -> np.ndarray:
        """The clearly wrong inputs, each with the output that beats the maximum by most: rows (t_0 ... t_{n-1}, x)."""
        clear = 1e-9 if self.function == "real" else 1 / 16  # beyond what rounding may change
        best = {tokens: max(outputs, key=lambda x, outputs=outputs: outputs[x]) for tokens, outputs in self.wrong.items()}
        return np.array([[*tokens, x] for tokens, x in best.items() if self.wrong[tokens][x] > clear], dtype=np.int64)

    @property
    def right(self) -> int:
        """How many inputs in scope are right, a tie being wrong."""
        return self.subject.total - len(self.wrong)

    def statement(self, bound: Fraction | None = None) -> bytes:
        """A claim; None: the exact accuracy."""
        bound = Fraction(self.right, self.subject.total) if bound is None else bound
        return written(Statement(self.subject, Claim("accuracy", ">=", bound)).json)

    def certificate(self, steps: list[Step]) -> bytes:
        return certificate_bytes(self.subject, steps)

    def shift(self) -> np.ndarray:
        """Minus the mean of the skip path, in steps of 1/64: nothing depends on how a processor rounds."""
        return np.round(mean_shift(self.floats) * 64)[np.newaxis] / 64

    def count_right(self) -> list[Step]:
        """A constraint for every wrong output; the wrong inputs are not confirmed."""
        return [*exact_tables("centred"), *listing_steps(), step("bound", "accuracy", {"counts": ["right"]})]

    def brute_force(self) -> list[Step]:
        """As the strategy of that name; exact unless there are ties."""
        if not len(self.listed):
            return self.count_right()
        wrong = step("wrong", "wrong_inputs", ALL_TABLES, inputs=integer_array(self.listed))
        return [*self.count_right()[:-1], wrong, step("bound", "accuracy", {"counts": ["right"], "wrong": "wrong"})]

    def cubic(self) -> list[Step]:
        return cubic(self.floats, self.subject)

    def subcubic(self, shift: np.ndarray | None = None, singles: int = 4, bins: int = 32) -> list[Step]:
        hint = float_array(self.shift() if shift is None else shift)
        return [*exact_tables("centred"), *decoupled_and_counted(hint, singles, bins), step("bound", "accuracy", {"counts": ["right"]})]

    def listing(self, inputs: np.ndarray) -> list[Step]:
        """Nothing but wrong inputs."""
        wrong = step("wrong", "wrong_inputs", ALL_TABLES, inputs=integer_array(inputs))
        return [*exact_tables("centred"), wrong, step("bound", "accuracy", {"wrong": "wrong"})]


def decoupled_and_counted(shift: JSON, singles: int, bins: int) -> list[Step]:
    """The two steps of the sub-cubic argument."""
    margins = step("margins", "decoupled_constraint", ALL_TABLES, shift=shift, singles=singles)
    return [margins, step("right", "count_sums", {"constraints": "margins"}, bins=bins)]


tiny, imperfect = Maker("tiny"), Maker("imperfect")
zero, misled = Maker(zero_model()), Maker(misled_model())
