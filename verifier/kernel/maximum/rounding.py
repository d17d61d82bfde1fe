"""What any float32 evaluation of the model can change, as errors of two tables (L31; the proof is docs/float32.md).

For a statement about `float32` (FORMAT.md 2.7) the logits that a machine computes for an input t are those of the real formula with

    each slot's position score off by at most `score[q]`    and then    each logit off by at most `logit`,

so every rule that is right for all tables within an enclosure is right for the machine.  The score's error is the slot's and not the
token's: a machine may round the scores of one token at two slots in two ways.

Notation: an operation returns exact * (1 + delta) + epsilon, |delta| <= u (1 + 2^-12), u = 2^-24, |epsilon| <= 2^-126.  A relative
error that k such factors build up is at most gamma_k = 1025 k 2^-34 (k u <= 2^-11).  All bounds are kept in units of 2^-100, rounded
up, plus one unit for what underflows.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from verifier.kernel.errors import StepRejected
from verifier.kernel.maximum.model import Paths
from verifier.kernel.numbers.matrix import Matrix

UNIT = -100  # exponent of the unit that bounds are rounded up to
FINITE = 100  # an error bound below 2^FINITE: every partial sum it was made of is below 2^126
SCALE_ROUNDINGS = 24  # of the division by sqrt(h), the subtraction of the largest score and a product with log2 e, wherever they are put
EXP_ERROR = -16  # exponent: |log(computed exp / exact exp)| <= 2^-16, that is exp within 64 units in the last place
MIX_ROUNDINGS = 8  # beyond 2 n: 6 of a quotient, 1 of its product with a weight, 1 for weights that underflow, less 1 (n - 1 additions)


@dataclass(frozen=True)
class Rounding:
    """Error bounds for every query token and every input.  Operations: about 12 v d h + 2 d v."""

    paths: Paths

    @cached_property
    def score(self) -> Matrix:
        """Of a score before it is divided by sqrt(h), axes (query, slack), shape (v, 1): between slots of one input.

        Raises StepRejected where it exceeds sqrt(h): an exponential may then overflow, or all of them vanish.
        """
        query, query_error = self._product("queries", "W_Q")
        key, key_error = (side.column_max() for side in self._product("keys", "W_K"))
        key = key + self._places("W_K")
        roundings = self.paths.model.head_width + SCALE_ROUNDINGS
        largest = query + query_error
        total = largest @ key_error.transposed + query_error @ key.transposed + _gamma(largest @ (key + key_error).transposed, roundings)
        head_width = Matrix(((self.paths.model.head_width,),), 0, total.axes, total.ledger)
        error = _rounded(total + head_width.root_above().scaled(1, EXP_ERROR))
        return _small(error, self.paths.model.head_width).named("query", "slack")

    @cached_property
    def logit(self) -> Matrix:
        """Of a logit, given the attention that was paid, shape (1, 1)."""
        _ = self.score  # what follows holds where no exponential overflows and not all of them vanish
        model = self.paths.model
        value, value_error = (side.column_max() for side in self._product("keys", "W_V"))
        value = value + self._places("W_V")
        mixed = _rounded(value_error + _gamma(value + value_error, 2 * model.positions + MIX_ROUNDINGS))
        unembed = self.paths.weight("W_U", "model", "output").absolute()
        output = self.paths.weight("W_O", "head", "model").absolute()
        error = _through(value, mixed, output) + self._error("queries").column_max()
        residual = value @ output + self._magnitude("queries").column_max()
        # attack: a library may start the sum of the product at the residual, which then passes through all of its additions
        error = error + _rounded(_gamma(residual + error, model.head_width + 1))
        return _rounded(_through(residual, error, unembed).transposed.column_max()).named("query", "slack")

    def _magnitude(self, side: str) -> Matrix:
        """|x| for the query's residual, or for a key token at any position; shape (v, d)."""
        if side == "queries":
            return self.paths.queries.named("key", "model").absolute()
        return self.paths.tokens.absolute() + self.paths.places.absolute().column_max().named("key", "model")

    def _error(self, side: str) -> Matrix:
        """Of x = E + P as computed."""
        return _rounded(_gamma(self._magnitude(side), 1))

    def _product(self, side: str, name: str) -> tuple[Matrix, Matrix]:
        """|x W| without the position for keys, and the error of x W at any position; shape (v, h) both."""
        weight = self.paths.weight(name, "model", "head")
        exact = self.paths.queries.named("key", "model") if side == "queries" else self.paths.tokens
        return (exact @ weight).absolute(), _through(self._magnitude(side), self._error(side), weight.absolute())

    def _places(self, name: str) -> Matrix:
        """The largest |P W| by column, shape (1, h)."""
        return (self.paths.places @ self.paths.weight(name, "model", "head")).absolute().column_max().named("key", "head")


def _gamma(magnitude: Matrix, roundings: int) -> Matrix:
    """gamma_k times a magnitude."""
    return magnitude.scaled(1025 * roundings, -34)


def _through(magnitude: Matrix, error: Matrix, weight: Matrix) -> Matrix:
    """The error of a product in floats, summed in any order, fused or not, of inputs with that error; weight: |W|."""
    return _rounded((_gamma(magnitude + error, weight.shape[0]) + error) @ weight)


def _rounded(bound: Matrix) -> Matrix:
    """Rounded up by one unit at least, for what underflows.  Raises StepRejected where the machine may overflow."""
    above = bound.rounded_up(UNIT)
    if above.largest() >= 1 << FINITE - UNIT:
        raise StepRejected("float-overflow", expected=f"rounding errors below 2^{FINITE}", got="logits that may overflow in float32")
    return above


def _small(score_error: Matrix, head_width: int) -> Matrix:
    """The same bound.  Raises StepRejected where it exceeds sqrt(h), in units of 2^UNIT.

    attack: a compiler contracts s c - max(s c) into one multiply-add; the largest exponent is then a rounding error of the score's
    size instead of 0, and exp of it is infinite.
    """
    if score_error.largest() ** 2 > head_width << -2 * UNIT:
        expected = "scores that rounding moves by at most sqrt(h), that is exponents by at most 1"
        raise StepRejected("score-rounding", expected=expected, got="scores so large that softmax may overflow in float32")
    return score_error
