"""Counting: one decoupled constraint per query and maximum, with a shift optimised for each maximum; works for every length.

An input is certified by the sum of its tokens' terms, not token by token, and the certified inputs are counted exactly by an
integer dynamic program, so a few poor tokens are forgiven if the others make up for them.
"""

from __future__ import annotations

from verifier.kernel.statement import Subject
from verifier.strategies.float_model import FloatModel
from verifier.strategies.steps import ALL_TABLES, Step, exact_tables, float_array, step

BINS = 64  # resolution of the sums


def counting(model: FloatModel, subject: Subject) -> list[Step]:
    """Every token below the maximum in a block of its own."""
    from verifier.strategies.shift import shifts_per_maximum  # torch alone takes seconds to import

    shift = float_array(shifts_per_maximum(model))
    return [
        *exact_tables("centred"),
        step("margins", "decoupled_constraint", ALL_TABLES, shift=shift, singles=model.v),
        step("right", "count_sums", {"constraints": "margins"}, bins=BINS),
        step("bound", "accuracy", {"counts": ["right"]}),
    ]
