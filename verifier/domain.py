"""The widest subject there is about a model: what a prover asks for when its user names no scope."""

from __future__ import annotations

from verifier.kernel.model import ARCHITECTURE, Model
from verifier.kernel.statement import Subject


def whole_domain(model: Model, function: str = "real") -> Subject:
    """Max over every sequence of the model's vocabulary."""
    scope = ((0, model.vocabulary - 1),) * model.positions
    return Subject(model.digest, ARCHITECTURE, "max", scope, function)
