"""Functions of one variable as enclosures, from exp, + - * / and square roots: docs/numerics.md, section 8, has the proofs.

A monotone function is evaluated at both ends apart, so that a wide enclosure loses nothing; gelu and silu fall to one minimum, for which
a proved bracket is kept.  Everything here is written on tensors and serves both arithmetics.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from verifier.kernel.numbers.tensor import Tensor
from verifier.kernel.numbers.workshop import Workshop

Function = Callable[[Tensor], Tensor]

NORMAL_TERMS = 110  # of the series of the normal distribution
NORMAL_RANGE = 8  # beyond it the distribution is within 2^-50 of 0 or 1
ROOT_TWO_PI = (Fraction(25066282746310005024, 10**19), Fraction(25066282746310005025, 10**19))
ROOT_TWO_OVER_PI = (Fraction(7978845608028653558, 10**19), Fraction(7978845608028653559, 10**19))
# where the function is least, and values below its least one and above it
GELU = (Fraction(-751792, 10**6), Fraction(-751791, 10**6), Fraction(-1699713, 10**7))
SILU = (Fraction(-1278465, 10**6), Fraction(-1278464, 10**6), Fraction(-2784646, 10**7))
GELU_TANH = (Fraction(-752462, 10**6), Fraction(-752461, 10**6), Fraction(-1700409, 10**7))


@dataclass(frozen=True)
class Functions:
    """The functions, with constants of one arithmetic."""

    workshop: Workshop

    def number(self, lower: Fraction | int, upper: Fraction | None = None) -> Tensor:
        """A constant without axes."""
        return self.workshop.constant(Fraction(lower), upper)

    def relu(self, x: Tensor) -> Tensor:
        return x.maximum(self.number(0))

    def square(self, x: Tensor) -> Tensor:
        """Nonnegative, which x times x need not be where x may be 0."""
        return (x * x).maximum(self.number(0))

    def sigmoid(self, x: Tensor) -> Tensor:
        """1 / (1 + exp(-x)); of a large negative x as exp x / (1 + exp x), so that no exponential is large."""
        one = self.number(1)
        small = (-x).minimum(x).exponential()  # exp(-|x|) for a point x; for an enclosure, holds it
        share = one / (one + small)
        return x.certainly_positive().where(share, small * share)

    def normal_cdf(self, x: Tensor) -> Tensor:
        """The distribution function of the standard normal distribution, at points x (ends of enclosures).

        For x >= 0: 1/2 + exp(-x^2/2) / sqrt(2 pi) (x + x^3/3 + x^5/(3 5) + ...); by Horner, from
        a remainder between 1 and 1 / (1 - x^2 / (2 N + 3)).  1 minus that for x < 0.
        """
        one, bound = self.number(1), self.number(NORMAL_RANGE)
        magnitude = x.maximum(-x)
        size = magnitude.minimum(bound)
        squared = size * size
        tail = Fraction(2 * NORMAL_TERMS + 3, 2 * NORMAL_TERMS + 3 - NORMAL_RANGE**2)
        total = self.number(1, tail)
        for n in range(NORMAL_TERMS - 1, -1, -1):
            total = one + squared * total * self.number(Fraction(1, 2 * n + 3))
        density = (squared * self.number(Fraction(-1, 2))).exponential() / self.number(*ROOT_TWO_PI)
        upper = (self.number(Fraction(1, 2)) + density * size * total).minimum(one)
        upper = (bound - magnitude).certainly_positive().where(upper, upper.hull(one))
        return (-x).certainly_positive().where(one - upper, upper)

    def gelu(self, x: Tensor) -> Tensor:
        """X times the normal distribution function of x."""
        return self._with_one_minimum(x, lambda end: end * self.normal_cdf(end), GELU)

    def gelu_tanh(self, x: Tensor) -> Tensor:
        """X (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) / 2, that is x sigmoid(2 sqrt(2/pi) (x + 0.044715 x^3))."""

        def at(end: Tensor) -> Tensor:
            cubic = end * (self.number(1) + self.number(Fraction(44715, 10**6)) * self.square(end))
            return end * self._increasing(self.number(2) * self.number(*ROOT_TWO_OVER_PI) * cubic, self.sigmoid)

        return self._with_one_minimum(x, at, GELU_TANH)

    def silu(self, x: Tensor) -> Tensor:
        """X sigmoid(x)."""
        return self._with_one_minimum(x, lambda end: end * self.sigmoid(end), SILU)

    def _increasing(self, x: Tensor, function: Function) -> Tensor:
        """An increasing function of an enclosure, from its values at points."""
        return function(x.lower_end()).lower_end().hull(function(x.upper_end()).upper_end())

    def _with_one_minimum(self, x: Tensor, function: Function, bracket: tuple[Fraction, Fraction, Fraction]) -> Tensor:
        """A function that falls before a point within the bracket and rises after it; all its values are above the third number."""
        first, last, least = (self.number(number) for number in bracket)
        left, right = function(x.lower_end()), function(x.upper_end())
        whole = left.hull(right)
        rises, falls = (x - last).certainly_positive(), (first - x).certainly_positive()
        return rises.where(whole, falls.where(whole, whole.hull(least)))

    def logarithm_above(self, x: Tensor) -> Tensor:
        """An upper bound of ln x, x >= 1, for any guess g: ln x = g + ln(x exp(-g)) <= g + x exp(-g) - 1."""
        guess = x.logarithm_guess()
        return (guess + x.upper_end() * (-guess).exponential() - self.number(1)).upper_end()
