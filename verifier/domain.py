"""The widest subject there is about a model: what a prover asks for when its user names no scope."""

from __future__ import annotations

from verifier.fast import FastArithmetic
from verifier.kernel.decode.strict_json import Reader
from verifier.kernel.maximum.model import Model
from verifier.kernel.network.operators import read_network
from verifier.kernel.replay import new_context
from verifier.kernel.scope import InputScope
from verifier.kernel.statement import Subject, bind
from verifier.kernel.tasks import read_task


def whole_domain(model: Model, function: str = "real") -> Subject:
    """Max over every sequence of the model's vocabulary."""
    return maximum_subject(model, ((0, model.vocabulary - 1),) * model.positions, function)


def maximum_subject(model: Model, ranges: tuple[tuple[int, int], ...], function: str = "real") -> Subject:
    """Max over the sequences within token ranges, one per position."""
    task = read_task(Reader({"name": "max", "positions": len(ranges)}, "task", "2.5"))
    return Subject(model.digest, model.network.program, task, InputScope(ranges), function)


def maximum_model(subject: Subject, data: bytes, *, statement: str, file: str) -> Model:
    """The model that a subject speaks of, if that is the largest token and a network of the shape `attention-only-1`.

    The network is the statement's, never guessed from the tensors.  Raises what the kernel raises for files that do not belong together,
    StepRejected for another network or task.
    """
    network = read_network(subject.network, data, file=file)
    bind(subject, network, file=statement)
    return new_context(network, subject, FastArithmetic()).model
