"""Whether a functional exceeds a number on whole pieces: one term per slot, one multiplier for the condition (S1, S2, S12).

With one head, constant + sum w V / sum w > bound exactly if sum_i w_i(t_i) (constant + V(i, t_i) - bound) > 0.  With several, numbers
lambda_h that add up to bound - constant leave the sum over heads of (sum_i w_hi (V_h - lambda_h)) / Z_h, whose terms are products with an
enclosure of 1 / Z_h.  Either way a sum of one term per slot is positive only where the functional exceeds the bound.

Where a piece's inputs have A <= sum_i s_i(t_i) <= B, the sum of any terms f_i is at least

    sum_i min over the tokens k of slot i of (f_i(k) - mu s_i(k))  +  (mu A if mu >= 0 else mu B),

whatever the multiplier mu.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from operator import add

from verifier.kernel.errors import StepRejected
from verifier.kernel.network.program import Node
from verifier.kernel.numbers.tensor import Tensor
from verifier.kernel.numbers.workshop import Workshop
from verifier.kernel.pieces.functionals import Form, Functionals
from verifier.kernel.pieces.piece import Piece, Scores, divided


@dataclass(frozen=True)
class Slots:
    """Which tokens stand where on some pieces, and their scores.

    places: those that the attention sees.  free: the positions of the free slots.  scores: per free slot, per token; they are divided.
    """

    workshop: Workshop
    pieces: Sequence[Piece]
    places: Sequence[int]
    free: Sequence[int]
    scores: Scores
    divisor: int

    def allowed(self, tokens: int) -> Tensor:
        """Truth values, axes (piece, key_place, token)."""
        cells = [
            int(piece.slots[place][0] <= token <= piece.slots[place][1])
            for piece in self.pieces
            for place in self.places
            for token in range(tokens)
        ]
        shape = (len(self.pieces), len(self.places), tokens)
        return self.workshop.integers(cells, ("piece", "key_place", "token"), shape).certainly_positive()

    def weighed(self, tokens: int) -> Tensor:
        """The scores as enclosures, axes (key_place, token); 0 at places that are not free, and beyond a slot's tokens."""
        by_place = dict(zip(self.free, self.scores, strict=True))
        lines = [[score // self.divisor for score in by_place.get(place, ())] for place in self.places]
        bounds = [(score, score, 0) for line in lines for score in (*line, *(0,) * (tokens - len(line)))[:tokens]]
        return self.workshop.enclose_between(bounds, ("key_place", "token"), (len(self.places), tokens))

    @cached_property
    def ends(self) -> tuple[Tensor, Tensor]:
        """A and B of every piece, axis (piece,): of the places that are seen."""
        seen = [slot in self.places for slot in self.free]
        pairs = [divided(self.scores, piece, self.divisor, seen) for piece in self.pieces]
        return self._line([low for low, _ in pairs]), self._line([high for _, high in pairs])

    def _line(self, numbers: Sequence[int]) -> Tensor:
        return self.workshop.enclose_between([(number, number, 0) for number in numbers], ("piece",), (len(numbers),))


@dataclass(frozen=True)
class Multipliers:
    """Hints for some functionals of a network with H heads.  None: all are 0.

    mu: axes (piece, column).  shares: lambda of all heads but the last, axes (head, piece, column), H - 1 of them.
    """

    mu: Tensor | None = None
    shares: Tensor | None = None


@dataclass(frozen=True)
class Question:
    """Some pieces with one query, read at one place."""

    functionals: Functionals
    query: int
    slots: Slots

    @cached_property
    def allowed(self) -> Tensor:
        """Which tokens stand where, axes (piece, key_place, token)."""
        return self.slots.allowed(self.functionals.evaluation.operators.network.vocabulary)

    def terms(self, form: Form, bound: Tensor, hints: Multipliers) -> Tensor:
        """Terms whose sum over the places is positive only where the functional exceeds the bound; axes (piece, key_place, token, column).

        bound: axes among (piece, column), as those of the form's functionals.
        """
        left = bound if form.constant is None else bound - form.constant  # what the heads together must exceed
        heads = [node for node in self.functionals.heads if node.name in form.heads]
        if not heads:
            raise StepRejected("wrong-subject", expected="a functional of the attention", got="a constant")
        parts = []
        for node in heads[:-1]:
            index = self.functionals.heads.index(node)
            share = self.functionals.number(0) if hints.shares is None else hints.shares.select("head", index)
            parts.append(self._weights(node, len(heads)) * (form.heads[node.name] - share))
            left = left - share  # a head that exceeds its share leaves the rest to the others
        parts.append(self._weights(heads[-1], len(heads)) * (form.heads[heads[-1].name] - left))
        total = reduce(add, parts)
        sizes = self.allowed.sizes | {"column": 1} | total.sizes
        return total.spread((*self.allowed.axes, "column"), sizes)

    def _weights(self, node: Node, heads: int) -> Tensor:
        """Weights of a head; of several heads each divided by its sum, which is enclosed on each piece."""
        weights = self.functionals.weights(node, self.query)
        if heads == 1:
            return weights
        every = weights.spread(self.allowed.axes, self.allowed.sizes)
        ends = [weights.max("token"), weights.min("token")]  # stand where a token cannot, and do not decide
        greatest, least = (end.spread(("piece", "key_place", "token"), self.allowed.sizes) for end in ends)
        low = self.allowed.where(every, greatest).min("token").sum("key_place")
        high = self.allowed.where(every, least).max("token").sum("key_place")
        return weights * (self.functionals.number(1) / low.hull(high))

    def exceeds(self, form: Form, bound: Tensor, hints: Multipliers) -> Tensor:
        """Truth values, axes (piece, column): a functional is certainly greater than `bound` on all of the piece."""
        return self.positive(self.terms(form, bound, hints), hints.mu)

    def shifted(self, terms: Tensor, mu: Tensor | None) -> tuple[Tensor, Tensor]:
        """Terms and a base: where an input of the piece has a positive sum of these and the base, the sum of `terms` is positive (S12)."""
        if mu is None:
            return terms, self.functionals.number(0)
        low, high = self.slots.ends
        return terms - mu * self.slots.weighed(terms.size("token")), (mu * low).minimum(mu * high)

    def standing(self, terms: Tensor) -> Tensor:
        """Terms with 0 for tokens that cannot stand where they are: theirs may be so great that on one grid with them others vanish."""
        axes = (*self.allowed.axes, "column")
        zero = self.functionals.number(0).spread(axes, terms.sizes)
        return self.allowed.spread(axes, terms.sizes).where(terms.spread(axes, terms.sizes), zero)

    def positive(self, terms: Tensor, mu: Tensor | None) -> Tensor:
        """Truth values, axes (piece, column): the sum of the terms is certainly positive on all of the piece."""
        terms, base = self.shifted(terms, mu)
        axes = (*self.allowed.axes, "column")
        terms = terms.spread(axes, terms.sizes)
        allowed = self.allowed.spread(axes, terms.sizes)
        # a token that cannot stand in a slot is replaced by the greatest term there, which never decides a minimum
        total = allowed.where(terms, terms.max("token").spread(axes, terms.sizes)).min("token").sum("key_place")
        return (total if mu is None else total + base).certainly_positive()
