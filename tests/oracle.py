"""Which inputs a model answers rightly: the forward pass on every input, in Arb at 300 bits.

Nothing of `verifier` is imported.  Every number is a ball that contains the real one (python-flint), and the formula is the
transformer's own, residual stream by residual stream, not the separable form that the rules use.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce

import flint
from flint import arb, arb_mat

from tests.models import TinyModel

PRECISION = 300  # bits
Input = tuple[int, ...]
Ranges = Sequence[Sequence[int]]  # [first, last] per position


class Transformer:
    """Logits of a model, as balls."""

    def __init__(self, model: TinyModel) -> None:
        self.model = model
        with flint.ctx.workprec(PRECISION):
            weight = {name: arb_mat(rows) for name, rows in model.weights.items()}
            self.output, self.unembed = weight["W_O"], weight["W_U"]
            residual = [
                [[arb(e) + arb(p) for e, p in zip(token, place, strict=True)] for token in model.weights["W_E"]]
                for place in model.weights["W_pos"]
            ]
            self.stream = [[arb_mat([line]) for line in lines] for lines in residual]
            self.queries = [x * weight["W_Q"] for x in self.stream[-1]]
            self.keys = [[x * weight["W_K"] for x in lines] for lines in self.stream]
            self.values = [[x * weight["W_V"] for x in lines] for lines in self.stream]
            self.root = arb(model.h).sqrt()
        self.columns = list(zip(*model.weights["W_U"], strict=True))

    def logits(self, tokens: Input) -> list[arb]:
        with flint.ctx.workprec(PRECISION):
            last = tokens[-1]
            query = self.queries[last]
            scores = [
                (query * keys[token].transpose())[0, 0] / self.root for keys, token in zip(self.keys, tokens, strict=True)
            ]
            largest = reduce(arb.max, scores).mid()  # scales all weights alike: any centre will do
            weights = [(score - largest).exp() for score in scores]
            mixed = sum((v[t] * w for v, t, w in zip(self.values, tokens, weights, strict=True)), start=self.values[0][0] * 0)
            attended = mixed * (1 / sum(weights, start=arb(0)))
            return (self.stream[-1][last] * self.unembed + attended * self.output * self.unembed).entries()

    def answer(self, tokens: Input) -> str:
        """`right`, `wrong` (a tie is wrong) or `unclear` at this precision."""
        best = max(tokens)
        if self.columns.count(self.columns[best]) > 1:  # two outputs with the same logit always
            return "wrong"
        logits = self.logits(tokens)
        with flint.ctx.workprec(PRECISION):
            gaps = [logits[best] - logit for x, logit in enumerate(logits) if x != best]
            if all(gap > 0 for gap in gaps):
                return "right"
            return "wrong" if any(gap <= 0 for gap in gaps) else "unclear"


@dataclass(frozen=True)
class Truth:
    """answers: per input in scope `right`, `wrong` or `unclear`."""

    answers: dict[Input, str]

    @property
    def total(self) -> int:
        return len(self.answers)

    def count(self, *words: str) -> int:
        return sum(answer in words for answer in self.answers.values())

    @property
    def right_at_most(self) -> int:
        return self.count("right", "unclear")

    @property
    def right_at_least(self) -> int:
        return self.count("right")

    @property
    def wrong_at_most(self) -> int:
        return self.count("wrong", "unclear")

    def cells(self, *words: str) -> Counter[tuple[int, int]]:
        """Inputs with such an answer by (query, maximum)."""
        return Counter((t[-1], max(t)) for t, answer in self.answers.items() if answer in words)

    def inputs(self, word: str) -> list[Input]:
        return [tokens for tokens, answer in self.answers.items() if answer == word]


def inputs_in(scope: Ranges) -> Iterable[Input]:
    return itertools.product(*(range(first, last + 1) for first, last in scope))


def truth(model: TinyModel, scope: Ranges | None = None) -> Truth:
    """Every input of a scope, by default of the whole domain."""
    ranges = tuple((first, last) for first, last in scope) if scope else ((0, model.v - 1),) * model.n
    key = (model.data, ranges)
    if key not in _known:
        transformer = Transformer(model)
        _known[key] = Truth({tokens: transformer.answer(tokens) for tokens in inputs_in(ranges)})
    return _known[key]


_known: dict[tuple[bytes, tuple[tuple[int, int], ...]], Truth] = {}
