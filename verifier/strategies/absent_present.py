"""Absent/present: copying makes token k argue for output k, so competitors that occur in the input are weighed apart from the rest.

No search: the shift is minus the mean skip row, the blocks are single tokens next below the maximum and then powers of two.
"""

from __future__ import annotations

from verifier.kernel.errors import Usage
from verifier.kernel.statement import Subject
from verifier.strategies.float_model import FloatModel
from verifier.strategies.mean_shift import mean_shift
from verifier.strategies.steps import ALL_TABLES, Step, exact_tables, float_array, step

SINGLES = 4  # tokens next below the maximum that have a block of their own, at least
TOKENS_PER_SINGLE = 16  # one more of them for so many tokens of the vocabulary
MOST_PATTERNS = 100_000  # block patterns per pair that are still worth expanding


def absent_present(model: FloatModel, subject: Subject) -> list[Step]:
    """Exact tables.  Raises Usage where the patterns are too many to expand."""
    if not few_patterns(model):
        got = f"{model.n - 1} free slots of {model.v} tokens"
        raise Usage("too-many-patterns", expected=f"at most {MOST_PATTERNS} block patterns", got=got, hint="use counting or subcubic")
    return [*exact_tables("centred"), *split_steps(model)]


def singles_for(model: FloatModel) -> int:
    """Single tokens below the maximum: neighbours are harder to tell apart where there are more of them."""
    return max(SINGLES, model.v // TOKENS_PER_SINGLE)


def split_steps(model: FloatModel) -> list[Step]:
    """The argument from tables to bound."""
    shift = float_array(mean_shift(model))
    split = step("split", "absent_present", ALL_TABLES, shift=shift, singles=singles_for(model))
    return [split, step("right", "count_blocks", {"split": "split"}), step("bound", "accuracy", {"counts": ["right"]})]


def few_patterns(model: FloatModel) -> bool:
    """Whether the block patterns of the free slots are few enough to be expanded: else count sums."""
    blocks = min(model.v, 1 + singles_for(model) + max(model.v, 2).bit_length())
    return bool(blocks ** (model.n - 1) <= MOST_PATTERNS)
