"""The cubic proof of the compact-proofs paper, its section 4.2: pure sequences are the worst mixtures (L10), extreme slots the worst
places (L11).  No hints: the whole argument is the rule `pure_margin`.
"""

from __future__ import annotations

from verifier.kernel.statement import Subject
from verifier.strategies.float_model import FloatModel
from verifier.strategies.steps import ALL_TABLES, Step, exact_tables, step


def cubic(model: FloatModel, subject: Subject) -> list[Step]:
    """Tables as in the paper: positions are not centred."""
    return [
        *exact_tables("raw"),
        step("right", "pure_margin", ALL_TABLES),
        step("bound", "accuracy", {"counts": ["right"]}),
    ]
