"""Exact: dismiss nearly all competitors by cheap bounds, list the few inputs that are left, and confirm each of them wrong.

The inputs are never walked, only the wrong ones are written down; certified + wrong = total unless some input is a near-tie.
"""

from __future__ import annotations

from verifier.kernel.statement import Subject
from verifier.strategies.brute_force import wrong_steps
from verifier.strategies.float_model import FloatModel
from verifier.strategies.steps import ALL_TABLES, Step, exact_tables, step


def exact(model: FloatModel, subject: Subject) -> list[Step]:
    """No hints but the list of wrong inputs."""
    return [*exact_tables("centred"), step("right", "list_exceptions", ALL_TABLES), *wrong_steps(model, subject)]
