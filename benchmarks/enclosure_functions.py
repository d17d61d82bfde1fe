"""Functions of one variable for benchmarks/enclosures.py: their exact ranges by Arb, and arguments that suit them.

Arguments: half of them of benchmarks/enclosure_arguments.py, half of moderate size or near the places where something changes: 0, the
minima, the end of the series of the normal distribution, the ends of exp.  `sigmoid` and `normal_cdf` are functions of points.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import flint
import numpy as np
from flint import arb

from benchmarks.enclosure_arguments import dyadic, float_ends, floats, interval
from tests.network_oracle import activation, sigmoid
from verifier.fast import EnclosureCells, FastArithmetic
from verifier.kernel.network.functions import Functions
from verifier.kernel.numbers.interval import Interval
from verifier.kernel.numbers.matrix import Ledger
from verifier.kernel.numbers.reference import ListCells, ReferenceArithmetic
from verifier.kernel.numbers.tensor import Tensor
from verifier.kernel.numbers.workshop import Workshop

BITS, NUMBER_BITS = 800, 2400  # of Arb, for the two arithmetics
LEAST_EXPONENT = -900  # so that Arb can tell 1 + x from 1
Ends = tuple[arb, arb]
NEAR = (0.0, -0.7517915, -0.7524614, -1.2784645, 8.0, -8.0, 1.0, -1.0, 37.5, -38.6, 700.0, -700.0, 745.0, -745.2)
POINTS = ("sigmoid", "normal_cdf")
CEILING = 1 << 20  # the reference refuses exponentials of larger numbers


def _minimum(name: str, low: float, high: float) -> arb:
    """Where a function that falls and then rises is least, by thirds, to far more digits than any end has."""
    with flint.ctx.workprec(2 * BITS):
        left, right = arb(low), arb(high)
        for _ in range(1200):
            first, second = ((2 * left + right) / 3).mid(), ((left + 2 * right) / 3).mid()
            if activation(name, first) > activation(name, second):
                left = first
            else:
                right = second
        return left


MINIMA = {"square": arb(0)} | {name: _minimum(name, -1.5, -0.5) for name in ("gelu", "gelu_tanh", "silu")}


def between(low: arb, value: arb, high: arb) -> arb:
    """A value that is known to be between two others: the far end of its ball where Arb cannot tell it from one of them."""
    value = value if value > low else value.upper()
    return value if value < high else value.lower()


def gate(name: str, x: arb) -> arb:
    """X times a number between 0 and 1."""
    value = activation(name, x)
    return between(arb(0), value, x) if x > 0 else between(x, value, arb(0)) if x < 0 else value


VALUES: dict[str, Callable[[arb], arb]] = {
    "exp": lambda x: between(arb(0), x.exp(), arb.pos_inf()),
    "sigmoid": lambda x: between(arb(0), sigmoid(x), arb(1)),
    "normal_cdf": lambda x: between(arb(0), (-x / arb(2).sqrt()).erfc() / 2, arb(1)),
    **{name: (lambda x, name=name: activation(name, x)) for name in ("relu", "square")},
    **{name: (lambda x, name=name: gate(name, x)) for name in ("gelu", "gelu_tanh", "silu")},
    "logarithm_above": lambda x: x.log(),
}


def exact_range(name: str, x: Ends) -> Ends:
    """The least and the greatest value; of `logarithm_above` the value at the upper end."""
    value = VALUES[name]
    if name == "logarithm_above":
        return value(x[1]), value(x[1])
    low, high = value(x[0]), value(x[1])
    if name not in MINIMA:
        return low, high
    where = MINIMA[name]
    inside = bool(x[0] <= where) and bool(where <= x[1])
    return (value(where) if inside else low.min(high)), low.max(high)


def float_arguments(name: str, rng: np.random.Generator, size: int) -> EnclosureCells:
    """For the fast arithmetic."""
    moderate = rng.standard_normal(size) * np.ldexp(1.0, rng.integers(-6, 9, size))
    near = rng.choice(NEAR, size) + rng.choice([0.0, 1e-15, -1e-15, 1e-6, -1e-6], size)
    point = np.choose(rng.integers(0, 4, size), [floats(rng, size), floats(rng, size), moderate, near])
    low, high = float_ends(rng, point)
    if name == "logarithm_above":
        low, high = np.where(np.abs(low) > 1, np.abs(low), 1.0), np.abs(high) + 1.0
        low = np.minimum(low, high)
    return EnclosureCells(low, low if name in POINTS else high)


def number_arguments(name: str, rng: random.Random, size: int) -> list[Interval]:
    """For the reference."""
    found = []
    for _ in range(size):
        point = dyadic(rng)
        if rng.random() < 0.5:
            about = rng.choice(NEAR) if rng.random() < 0.5 else rng.gauss(0, 1) * 2.0 ** rng.randint(-6, 8)
            point = int(about * 2**53) + rng.choice([0, 1, -1, rng.getrandbits(33)]), -53
        x = interval(rng, point)
        if name == "logarithm_above":
            one = Interval.of(1, 1, 0)
            x = one.hull(x.maximum(-x) + one) if rng.random() < 0.3 else x.maximum(-x).maximum(one)
        if name == "exp":
            top = Interval.of(CEILING - 1, CEILING - 1, 0)
            x = x.minimum(top)
        if any(number[1] and number[2] + number[3] < LEAST_EXPONENT for number in (x.lo, x.hi)):
            x = Interval.of(0, 1, 0)
        found.append(Interval(x.lo, x.lo) if name in POINTS else x)
    return found


def run(name: str, x: EnclosureCells | list[Interval]) -> Tensor:
    """The function of these."""
    fast = isinstance(x, EnclosureCells)
    cells = x if fast else ListCells(list(x), (len(x),))
    tensor = Tensor(("cell",), cells, "enclosure", Ledger())
    functions = Functions(Workshop(FastArithmetic() if fast else ReferenceArithmetic(), tensor.ledger))
    found: Tensor = tensor.exponential() if name == "exp" else getattr(functions, name)(tensor)
    return found

