"""`verifier.audit`: is a reported number true?"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from verifier.api.proofs import Model, Ranges, load_model
from verifier.api.sources import Source, content_of
from verifier.auditing.audit import Audit, Settings
from verifier.auditing.investigation import Outcome
from verifier.auditing.reported import REPORTED_BYTES, Reported, read_reported
from verifier.experiments.estimate import Estimate

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Audited:
    """A row of the table, what the kernel has accepted about it, and the number as floats give it, which proves nothing.

    outcome.word: PROVED, REFUTED or UNDECIDED; outcome.evidence: the certificate; outcome.examples: inputs that are wrong.
    """

    reported: Reported
    outcome: Outcome
    estimate: Estimate


def audit(
    table: Source | Rows,
    model: Model | Source,
    *,
    task: str | None = None,
    scope: str | Ranges | None = None,
    seconds: float | None = 600,
    samples: int = 10_000,
    counterexamples: int = 10,
    on_stage: Callable[[str], None] = lambda name: None,
) -> tuple[Audited, ...]:
    """Each reported number PROVED, REFUTED or UNDECIDED, as `verifier audit` does.

    Arguments:
        table: a CSV or JSON file, or rows such as `{"name": "main table", "metric": "accuracy", "reported": "0.9996"}`; a number is
            given as text, so that no float stands between what was reported and what is audited.
        model: as in `prove`.
        task: as in `prove`.
        scope: as in `prove`; a row may have a scope of its own.
        seconds: for each attempt on each scope.
        samples: inputs evaluated in floats.
        counterexamples: wrong inputs to find.
        on_stage: is told what is tried.

    Raises:
        MalformedInput for a table that is not one; Usage, SubjectMismatch, LimitExceeded as in `prove`.
    """
    loaded = model if isinstance(model, Model) else load_model(model)
    if isinstance(table, bytes | str) or hasattr(table, "__fspath__"):
        content, file = content_of(table, REPORTED_BYTES, "table")
    else:
        content, file = json.dumps([dict(row) for row in table]).encode("ascii"), "table"
    rows = read_reported(content, file=file)
    settings = Settings(file, loaded.file, seconds, samples, counterexamples)
    work = Audit(loaded.question(task, scope), loaded.weights, rows, settings, on_stage)
    return tuple(Audited(row, outcome, work.estimate(row)) for row, outcome in work.outcomes())
