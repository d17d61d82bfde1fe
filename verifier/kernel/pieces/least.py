"""Whether a functional exceeds a number on whole pieces: one term per slot, one multiplier for the condition (S1, S2', S12).

With one head, constant + sum w V / sum w > bound exactly if sum_i w_i(t_i) (constant + V(i, t_i) - bound) > 0.  With several, numbers
lambda_h that add up to bound - constant leave the sum over heads of (sum_i w_hi (V_h - lambda_h)) / Z_h.  It is linear in each 1 / Z_h, so
that it is positive if it is at all corners of their ranges.  Either way sums of one term per slot are positive only where the functional
exceeds the bound.

Where a piece's inputs have A <= sum_i s_i(t_i) <= B, the sum of any terms f_i is at least

    sum_i min over the tokens k of slot i of (f_i(k) - mu s_i(k))  +  (mu A if mu >= 0 else mu B),

whatever the multiplier mu.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, reduce
from itertools import product
from operator import add, and_

from verifier.kernel.errors import StepRejected
from verifier.kernel.network.program import Node
from verifier.kernel.numbers.tensor import Tensor
from verifier.kernel.numbers.workshop import Workshop
from verifier.kernel.pieces.functionals import Form, Functionals
from verifier.kernel.pieces.piece import Piece, Scores, divided

Corner = Mapping[str, Tensor]  # by attention one value of 1 / Z for each piece, axis (piece,)


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
    inverses: dict[str, tuple[Tensor, Tensor]] = field(default_factory=dict, repr=False)

    @cached_property
    def allowed(self) -> Tensor:
        """Which tokens stand where, axes (piece, key_place, token)."""
        return self.slots.allowed(self.functionals.evaluation.operators.network.vocabulary)

    def terms(self, form: Form, bound: Tensor, hints: Multipliers, corner: Corner | None = None) -> Tensor:
        """Terms whose sum over the places is positive only where the functional exceeds the bound; axes (piece, key_place, token, column).

        bound: axes among (piece, column), as those of the form's functionals.  corner: with one value of 1 / Z for each of several heads
        instead of enclosures of it; the sum is then to be positive at all corners.
        """
        left = bound if form.constant is None else bound - form.constant  # what the heads together must exceed
        heads = self._heads(form)
        parts = []
        for node in heads[:-1]:
            index = self.functionals.heads.index(node)
            share = self.functionals.number(0) if hints.shares is None else hints.shares.select("head", index)
            parts.append(self._weights(node, len(heads), corner) * (form.heads[node.name] - share))
            left = left - share  # a head that exceeds its share leaves the rest to the others
        parts.append(self._weights(heads[-1], len(heads), corner) * (form.heads[heads[-1].name] - left))
        total = reduce(add, parts)
        sizes = self.allowed.sizes | {"column": 1} | total.sizes
        return total.spread((*self.allowed.axes, "column"), sizes)

    def _heads(self, form: Form) -> list[Node]:
        heads = [node for node in self.functionals.heads if node.name in form.heads]
        if not heads:
            raise StepRejected("wrong-subject", expected="a functional of the attention", got="a constant")
        return heads

    def _weights(self, node: Node, heads: int, corner: Corner | None) -> Tensor:
        """Weights of a head; of several heads each divided by its sum, which is enclosed on each piece, or taken at a corner."""
        weights = self.functionals.weights(node, self.query)
        if heads == 1:
            return weights
        least, greatest = self._inverse(node)
        return weights * (least.hull(greatest) if corner is None else corner[node.name])

    def _inverse(self, node: Node) -> tuple[Tensor, Tensor]:
        """The least and the greatest 1 / Z of a head on each piece, both points, axis (piece,)."""
        if node.name not in self.inverses:
            weights = self.functionals.weights(node, self.query)
            every = weights.spread(self.allowed.axes, self.allowed.sizes)
            ends = [weights.max("token"), weights.min("token")]  # stand where a token cannot, and do not decide
            greatest, least = (end.spread(("piece", "key_place", "token"), self.allowed.sizes) for end in ends)
            low = self.allowed.where(every, greatest).min("token").sum("key_place")
            high = self.allowed.where(every, least).max("token").sum("key_place")
            one = self.functionals.number(1)
            self.inverses[node.name] = (one / high).lower_end(), (one / low).upper_end()
        return self.inverses[node.name]

    def corners(self, form: Form) -> Iterator[Corner | None]:
        """All choices of an end of 1 / Z for each head; for one head Z plays no part."""
        heads = self._heads(form)
        if len(heads) == 1:
            return iter((None,))
        return (dict(zip((node.name for node in heads), ends, strict=True)) for ends in product(*(self._inverse(node) for node in heads)))

    def exceeds(self, form: Form, bound: Tensor, hints: Multipliers) -> Tensor:
        """Truth values, axes (piece, column): a functional is certainly greater than `bound` on all of the piece.

        With several heads the difference is linear in each 1 / Z, so that it is positive if it is at all corners (S2').
        """
        corners = (self._positive(self.terms(form, bound, hints, corner), hints.mu) for corner in self.corners(form))
        return reduce(and_, corners)

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

    def _positive(self, terms: Tensor, mu: Tensor | None) -> Tensor:
        """Truth values, axes (piece, column): the sum of the terms is certainly positive on all of the piece."""
        terms, base = self.shifted(terms, mu)
        axes = (*self.allowed.axes, "column")
        terms = terms.spread(axes, terms.sizes)
        allowed = self.allowed.spread(axes, terms.sizes)
        # a token that cannot stand in a slot is replaced by the greatest term there, which never decides a minimum
        total = allowed.where(terms, terms.max("token").spread(axes, terms.sizes)).min("token").sum("key_place")
        return (total if mu is None else total + base).certainly_positive()
