"""How large a vector is that a norm between attention and logits divides by its size: an interval for each piece, tested (S6').

The size of r is sigma(r) = sqrt(mean of (C r)^2 + epsilon), C r = r less its mean for LayerNorm, r for RMSNorm.  For any vector r0,

    sigma(r) sigma(r0) >= mean of (C r) (C r0) + epsilon                  (Cauchy-Schwarz),

and with r = b + sum over H heads of sum_i a_hi u_h(i, t_i), the numbers a_hi >= 0 of each head adding up to 1,

    sigma(r) <= sum over heads of sum_i a_hi sigma(b + H u_h(i, t_i)) / H     (sigma is convex).

Both sides are functionals of the attention, so both ends are decided by sums of one term per slot.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from verifier.kernel.network.program import Node
from verifier.kernel.numbers.tensor import Tensor
from verifier.kernel.pieces.functionals import Form, Functionals


@dataclass(frozen=True)
class Sizes:
    """Of the operand of a norm, at one place.  identity: axes (feature, column)."""

    carried: Functionals
    norm: Node
    identity: Tensor

    @property
    def epsilon(self) -> Fraction:
        return self.norm.numbers["epsilon"]

    def above(self, centres: Tensor, query: int) -> tuple[Form, Tensor, Tensor]:
        """A functional that exceeds low * scale + offset only where the size exceeds low: the functional, scale and offset.

        centres: r0 of each piece, axes (piece, feature).
        """
        operators = self.carried.evaluation.operators
        inner = operators.centred(centres) if self.norm.operator == "layer_norm" else centres
        matrix = inner * operators.functions.number(Fraction(1, inner.size("feature")))
        form = self.carried.of(self.norm.inputs[0], matrix.spread(("feature", "piece", "column"), {"column": 1} | matrix.sizes), {}, query)
        return form, operators.size(inner, self.epsilon), -operators.functions.number(self.epsilon)

    def below(self, query: int) -> Form:
        """A functional that is the negative of an upper bound of the size."""
        operators = self.carried.evaluation.operators
        exact = self.carried.of(self.norm.inputs[0], self.identity, {}, query)
        heads, number = {}, operators.functions.number
        for name, table in exact.heads.items():
            vectors = table * number(len(exact.heads))
            vectors = (vectors if exact.constant is None else vectors + exact.constant).renamed(column="feature")
            inner = operators.centred(vectors) if self.norm.operator == "layer_norm" else vectors
            share = -operators.size(inner, self.epsilon) * number(Fraction(1, len(exact.heads)))
            heads[name] = share.spread((*share.axes, "column"), {"column": 1} | share.sizes)
        return Form(None, heads)
