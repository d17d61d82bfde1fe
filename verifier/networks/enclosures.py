"""The kernel's enclosures of logits as numbers for people, each end rounded outward to float64."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, nextafter

import numpy as np
from mpmath.libmp import to_float
from numpy.typing import NDArray

from verifier.kernel.limits import LIMITS
from verifier.kernel.network.evaluation import Evaluation
from verifier.kernel.network.functions import Functions
from verifier.kernel.network.operators import Network, Operators
from verifier.kernel.numbers.arithmetic import Arithmetic
from verifier.kernel.numbers.interval import Number
from verifier.kernel.numbers.matrix import Ledger
from verifier.kernel.numbers.tensor import Tensor
from verifier.kernel.numbers.workshop import Workshop

Array = NDArray[np.float64]


def enclosed_logits(
    network: Network, inputs: Sequence[Sequence[int]], places: Sequence[int], arithmetic: Arithmetic
) -> tuple[Array, Array]:
    """Lower and upper ends of the competing outputs, shape (inputs, places, outputs).  Limited as a check is."""
    limit_name = "reference_operations" if arithmetic.name == "mpmath" else "fast_operations"
    ledger = Ledger(limit=getattr(LIMITS, limit_name), limit_name=limit_name)
    evaluation = Evaluation(Operators(network, Functions(Workshop(arithmetic, ledger))), len(inputs[0]))
    return ends(evaluation.logits(inputs, tuple(places)))


def ends(tensor: Tensor) -> tuple[Array, Array]:
    """The ends of a tensor of enclosures, of either arithmetic, in the tensor's shape."""
    if hasattr(tensor.cells, "lo"):
        return np.array(tensor.cells.lo), np.array(tensor.cells.hi)
    lows = [_beyond(cell.lo, -inf) for cell in tensor.cells.cells]
    highs = [_beyond(cell.hi, inf) for cell in tensor.cells.cells]
    return np.array(lows).reshape(tensor.shape), np.array(highs).reshape(tensor.shape)


def _beyond(number: Number, side: float) -> float:
    """A float64 on the given side of one of mpmath's raw numbers: the conversion cuts digits off, the next float is beyond it."""
    return nextafter(to_float(number), side)
