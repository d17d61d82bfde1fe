"""The reference arithmetic refuses what has no meaning; what its operations give is compared with numpy's in tests/test_fast.py."""

from __future__ import annotations

import pytest

from verifier.kernel.numbers.reference import ListCells, ReferenceArithmetic


@pytest.mark.parametrize(("shape", "axes"), [((2, 3), (0, 1)), ((3, 2), (0, 1)), ((2, 2, 3), (2, 0)), ((1, 4, 2), (1, 2))])
def test_a_diagonal_needs_axes_of_one_size(shape: tuple[int, ...], axes: tuple[int, int]) -> None:
    cells = ReferenceArithmetic().integers(range(24), shape)
    with pytest.raises(ValueError, match="one size"):
        cells.diagonal(*axes)


def test_operands_of_different_lengths_are_refused() -> None:
    mask, one, two = ListCells([True, False], (2,)), ListCells([1], (1,)), ListCells([1, 2], (2,))
    for yes, no in ((one, two), (two, one), (one, one)):
        with pytest.raises(ValueError, match="zip"):
            mask.where(yes, no)
    with pytest.raises(ValueError, match="zip"):
        mask.weighted_sum(one)
    with pytest.raises(ValueError, match="zip"):
        ReferenceArithmetic().integers(range(4), (2, 2)).points([[0, 1], [0]])
