"""Sub-cubic: one decoupled constraint per query and maximum, counted by sums of integers.

Skip and copy path are pessimised apart, with an optimised shift between them, so the work per (query, maximum) does not grow with
the number of outputs; tokens far below the maximum share a block, so it grows only with the logarithm of the vocabulary.
"""

from __future__ import annotations

from verifier.kernel.statement import Subject
from verifier.strategies.float_model import FloatModel
from verifier.strategies.steps import ALL_TABLES, Step, exact_tables, float_array, step

SINGLES = 8  # tokens next below the maximum that have a block of their own
BINS = 64  # resolution of the sums


def subcubic(model: FloatModel, subject: Subject) -> list[Step]:
    """One shift for all maxima."""
    from verifier.strategies.shift import optimised_shift  # torch alone takes seconds to import

    shift = float_array(optimised_shift(model).numpy())
    return [
        *exact_tables("centred"),
        step("margins", "decoupled_constraint", ALL_TABLES, shift=shift, singles=SINGLES),
        step("right", "count_sums", {"constraints": "margins"}, bins=BINS),
        step("bound", "accuracy", {"counts": ["right"]}),
    ]
