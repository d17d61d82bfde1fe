"""What decides claims about the largest token, for networks of the shape `attention-only-1`: rules that are theorems about them.

1. cheap arguments bound the accuracy from below;
2. wrong inputs are searched in floats and confirmed by the kernel;
3. `exact` decides every input, where the inputs that need a look of their own can be listed;
4. `two-sided` counts right and wrong inputs, where they cannot: a number is then refuted without a list of inputs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property, partial

import numpy as np

from verifier.auditing.investigation import Example, Investigation, Stage
from verifier.fast import FastArithmetic
from verifier.kernel.certificate import IntegerArray
from verifier.kernel.errors import StepRejected
from verifier.kernel.facts import Fact
from verifier.kernel.limits import LIMITS
from verifier.kernel.maximum.model import model_of
from verifier.kernel.replay import new_context
from verifier.kernel.rules import RULES
from verifier.strategies import STRATEGIES
from verifier.strategies.absent_present import few_patterns
from verifier.strategies.exact import exact_count
from verifier.strategies.float_model import FloatModel
from verifier.strategies.kernel_tables import draft_facts
from verifier.strategies.steps import ALL_TABLES, Step, exact_tables, integer_array, step
from verifier.strategies.target import maximum_misfit
from verifier.strategies.wrong_inputs import wrong_inputs

ENUMERABLE = 1 << 20  # inputs of a scope that are evaluated one by one
SEARCHABLE = 1 << 36  # inputs of a whole domain whose wrong ones are found slot by slot, and which `exact` is tried on
SAMPLES = 1 << 17  # random inputs evaluated where there are more
LISTED = 1 << 16  # wrong inputs that are listed even if fewer would refute a claim
BATCH = 1 << 14  # inputs evaluated at once
REJECTIONS = 1000  # times that the kernel may disagree with the floats about a batch before the rest is left alone


class OfMaximum(Investigation):
    """The accuracy of a network of that shape.  wrong: confirmed, one row t_0 ... t_{n-1}, x each."""

    wrong: np.ndarray | None = None

    @cached_property
    def floats(self) -> FloatModel:
        model = model_of(self.target.network, self.target.subject.task.layout.positions)
        if model is None:
            raise LookupError(maximum_misfit(self.target))
        return FloatModel(model)

    def stages(self) -> list[Stage]:
        names = ["absent-present"] if few_patterns(self.floats) else ["subcubic", "counting"]
        found: list[Stage] = [(name, partial(self._prove_with, name)) for name in names]
        found.append(("wrong inputs", self._search_wrong))
        last = ("exact", self._exact) if self.total <= SEARCHABLE else ("two-sided", partial(self._prove_with, "two-sided"))
        return [*found, last]

    def examples(self, most: int) -> tuple[Example, ...]:
        rows = [] if self.wrong is None else self.wrong[:most].tolist()
        return tuple(Example(tuple(row[:-1]), len(row) - 2, max(row[:-1]), row[-1]) for row in rows)

    def hindrance(self, wrong: int) -> str:
        if wrong > LIMITS.listed_inputs:
            return f"; a certificate lists at most {LIMITS.listed_inputs}, so a refutation by listing is out of reach here"
        return "; there are too many inputs to search all of them for wrong ones" if self.total > SEARCHABLE else ""

    def _prove_with(self, name: str) -> None:
        self.add(name, STRATEGIES[name].steps(self.floats, self.target.subject))

    def _search_wrong(self) -> None:
        rows = self._confirmed(self._candidates())
        self.wrong = rows
        if len(rows):
            base = max(self.found, key=lambda one: one.bound.certified, default=None)
            steps = base.steps[:-1] if base else exact_tables("centred")
            self.add("wrong inputs" + (f" and {base.method}" if base else ""), self._with_wrong(steps, counted=base is not None))

    def _exact(self) -> None:
        self.add("exact", self._with_wrong([*exact_tables("centred"), *exact_count(self.floats, self.target.subject)], counted=True))

    def _with_wrong(self, steps: Sequence[Step], *, counted: bool) -> list[Step]:
        """The steps, the confirmed wrong inputs if there are any, and the bound."""
        premises: dict[str, object] = {"counts": ["right"]} if counted else {}
        if self.wrong is None or not len(self.wrong):
            return [*steps, step("bound", "accuracy", premises)]
        listed = step("wrong", "wrong_inputs", ALL_TABLES, inputs=integer_array(self.wrong))
        return [*steps, listed, step("bound", "accuracy", {**premises, "wrong": "wrong"})]

    @property
    def _wanted(self) -> int:
        """How many wrong inputs to list: enough to refute any of the claims."""
        needed = [int((1 - claim.bound) * self.total) + 1 for claim in self.claims]
        return max([LISTED, *(count for count in needed if count <= LIMITS.listed_inputs)])

    def _candidates(self) -> Iterator[np.ndarray]:
        """Inputs in scope that may be wrong, as arrays of tokens."""
        ranges = [range(first, last + 1) for first, last in self.target.subject.scope.ranges]
        if self.total <= ENUMERABLE:
            shape = [len(tokens) for tokens in ranges]
            for start in range(0, self.total, BATCH):
                places = np.unravel_index(np.arange(start, min(start + BATCH, self.total)), shape)
                yield np.column_stack([place + tokens[0] for place, tokens in zip(places, ranges, strict=True)])
        elif self.floats.v**self.floats.n <= SEARCHABLE:
            yield wrong_inputs(self.floats, self.target.subject)[:, :-1]
        else:
            generator = np.random.default_rng(0)
            yield np.unique(np.column_stack([generator.integers(tokens.start, tokens.stop, SAMPLES) for tokens in ranges]), axis=0)

    def _confirmed(self, candidates: Iterator[np.ndarray]) -> np.ndarray:
        """Different inputs that the kernel finds wrong, each with the output that wins most clearly."""
        tables = draft_facts(self.floats, self.target.subject, exact_tables("centred"))
        premises: dict[str, list[Fact]] = {name: [tables[name]] for name in ALL_TABLES}
        context = new_context(self.target.network, self.target.subject, FastArithmetic())
        confirmed, count, rejections = [np.empty((0, self.floats.n + 1), dtype=np.int64)], 0, 0
        for tokens in candidates:
            rows = worst_outputs(self.floats, tokens)
            parts = [rows[start : start + BATCH] for start in range(0, len(rows), BATCH)]
            while parts and rejections < REJECTIONS and count < self._wanted:
                part = parts.pop(0)
                try:
                    RULES["wrong_inputs"].apply(premises, {"inputs": IntegerArray(tuple(map(tuple, part.tolist())))}, context)
                except StepRejected:  # a near-tie among them, or floats that were wrong: halve until it is alone
                    rejections += 1
                    if len(part) > 1:
                        parts = [part[: len(part) // 2], part[len(part) // 2 :], *parts]
                    continue
                confirmed.append(part)
                count += len(part)
        return np.concatenate(confirmed)[: self._wanted]


def worst_outputs(model: FloatModel, tokens: np.ndarray) -> np.ndarray:
    """The inputs that floats call wrong, each with the wrong output of largest logit in a last column."""
    found = [np.empty((0, model.n + 1), dtype=np.int64)]
    for start in range(0, len(tokens), BATCH):
        batch = tokens[start : start + BATCH]
        query, maximum, lines = batch[:, -1], batch.max(1), np.arange(len(batch))
        scores = model.score[query[:, None], batch] + model.place_score[query]
        attention = np.exp(scores - scores.max(1, keepdims=True))
        attention /= attention.sum(1, keepdims=True)
        logits = model.skip[query] + attention @ model.place_copy
        for slot in range(model.n):
            logits += attention[:, slot, None] * model.copy[batch[:, slot]]
        right = logits[lines, maximum].copy()
        logits[lines, maximum] = -np.inf
        worst = logits.argmax(1)
        wrong = logits[lines, worst] >= right
        found.append(np.column_stack([batch, worst])[wrong])
    return np.concatenate(found)
