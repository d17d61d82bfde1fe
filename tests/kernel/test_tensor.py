"""No operation makes a tensor with more cells than the limit allows."""

from __future__ import annotations

import pytest

from tests.checking import ARITHMETICS, arithmetic
from verifier.kernel import limits
from verifier.kernel.errors import LimitExceeded
from verifier.kernel.limits import LIMITS, Limits
from verifier.kernel.numbers.matrix import Ledger
from verifier.kernel.numbers.workshop import Workshop


@pytest.mark.parametrize("by", ARITHMETICS)
def test_a_product_of_axes_beyond_the_limit_is_refused(by: str, monkeypatch: pytest.MonkeyPatch) -> None:
    workshop = Workshop(arithmetic(by), Ledger())
    row, column = workshop.integers(range(5), ("a",), (5,)), workshop.integers(range(4), ("b",), (4,))
    monkeypatch.setattr(limits, "LIMITS", Limits(**{**vars(LIMITS), "tensor_cells": 20}))
    assert (row + column).shape == (5, 4)
    monkeypatch.setattr(limits, "LIMITS", Limits(**{**vars(LIMITS), "tensor_cells": 19}))
    with pytest.raises(LimitExceeded, match="limit-tensor-cells"):
        row + column
