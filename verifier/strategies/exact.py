"""Exact: list the inputs at which some constraint fails, few of them false alarms, and confirm each of the wrong ones.

One decoupled constraint for most outputs is positive whatever the input is; outputs that it cannot carry stand alone, with a joint
constraint each.  The inputs are never walked, only the wrong ones are written down; certified + wrong = total unless some input is a
near-tie.
"""

from __future__ import annotations

import numpy as np

from verifier.kernel.statement import Subject
from verifier.strategies.brute_force import listing_steps
from verifier.strategies.float_model import Errors, FloatModel
from verifier.strategies.kernel_tables import execution_errors
from verifier.strategies.mean_shift import mean_shift
from verifier.strategies.steps import Step, exact_tables, float_array, integer_array
from verifier.strategies.wrong_inputs import wrong_steps

TOLERANCE = 1e-9  # relative to the largest term: a sum below it counts as not positive


def exact(model: FloatModel, subject: Subject) -> list[Step]:
    """One shift, the outputs that stand alone, and the list of wrong inputs."""
    return [*exact_tables("centred"), *exact_count(model, subject), *wrong_steps(model, subject)]


def exact_count(model: FloatModel, subject: Subject) -> list[Step]:
    """The steps that count the right inputs, on tables that are there."""
    shift, errors = mean_shift(model), execution_errors(model, subject)
    first, last = subject.scope.ranges[-1]
    alone = [
        (m, x) for m in range(model.v) for x in _outputs_alone(model, m, np.arange(first, min(last, m) + 1), shift, errors) if first <= m
    ]
    hints = {"alone": integer_array(np.array(alone))} if alone else {}
    return listing_steps(shift=float_array(shift[None]), **hints)


@np.errstate(all="ignore")  # weights beyond the floats: what is not certainly positive then stands alone
def _outputs_alone(model: FloatModel, maximum: int, queries: np.ndarray, shift: np.ndarray, errors: Errors) -> list[int]:
    """Outputs without which the decoupled constraint of all others is positive for every input; greedy, the most blamed first."""
    keys, slots = np.arange(maximum + 1), np.arange(model.n - 1)
    skip = model.skip[queries][:, [maximum]] - model.skip[queries] - shift - 2 * errors.logit
    copy = model.copy[keys][:, [maximum]] - model.copy[keys] + (model.place_copy[:, [maximum]] - model.place_copy)[:, None] + shift
    omega = np.exp(model.score[queries][:, keys] - model.score[queries][:, [maximum]])
    weight = np.exp(model.place_score[queries])[:, :, None] * omega[:, None]
    spread = 2 * errors.score[queries][:, None, None] if len(errors.score) else 0.0
    shared = [x for x in range(model.v) if x != maximum]
    alone: list[int] = []
    while shared:
        gap_skip, gap_copy = skip[:, shared], copy[:, :, shared]
        gaps = gap_skip.min(1)[:, None, None] + gap_copy.min(2)
        terms = weight * gaps * np.exp(-spread * np.sign(gaps))
        own, free = terms[np.arange(len(queries)), -1, queries], terms[:, :-1]
        least = free.min(2)
        total = own + least.sum(1)
        if len(slots):
            total += np.where(queries < maximum, (free[:, :, maximum] - least).min(1), 0.0)
        bad = np.flatnonzero(total <= TOLERANCE * np.abs(terms).max((1, 2)))
        if not len(bad):
            break
        blame = np.bincount(gap_skip[bad].argmin(1), minlength=len(shared))
        if len(slots):
            worst = least[bad].argmin(1)
            blame += np.bincount(gap_copy[worst, free[bad, worst].argmin(1)].argmin(1), minlength=len(shared))
        chosen = [x for x, count in zip(shared, blame, strict=True) if count >= blame.max()]
        alone += chosen
        shared = [x for x in shared if x not in chosen]
    return alone
