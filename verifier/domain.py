"""The widest subject there is about a model: what a prover asks for when its user names no scope."""

from __future__ import annotations

from verifier.kernel.model import Model
from verifier.kernel.scope import InputScope
from verifier.kernel.statement import Subject
from verifier.kernel.strict_json import Reader
from verifier.kernel.tasks import read_task


def whole_domain(model: Model, function: str = "real") -> Subject:
    """Max over every sequence of the model's vocabulary."""
    return maximum_subject(model, ((0, model.vocabulary - 1),) * model.positions, function)


def maximum_subject(model: Model, ranges: tuple[tuple[int, int], ...], function: str = "real") -> Subject:
    """Max over the sequences within token ranges, one per position."""
    task = read_task(Reader({"name": "max", "positions": len(ranges)}, "task", "2.5"))
    return Subject(model.digest, model.network.program, task, InputScope(ranges), function)
