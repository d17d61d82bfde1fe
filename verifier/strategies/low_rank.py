"""Low rank: scores, skip path or both as a few directions plus a remainder that certified norms bound.

The scores' remainder is (Eq N_U) (N_U M N_V) (Eb N_V)' with M = Q K' and N = 1 - directions on each side: its rows are bounded by
|Eq_q N_U| sigma |Eb_k N_V - mean| with a certified spectral norm of a d x d matrix (L29, L30), so the product of embeddings is
never formed.  Directions are two small SVDs; the checker assumes nothing about them.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from verifier.kernel.statement import Subject
from verifier.strategies.absent_present import few_patterns, split_steps
from verifier.strategies.float_model import FloatModel
from verifier.strategies.mean_shift import mean_shift
from verifier.strategies.steps import ALL_TABLES, Step, exact_tables, float_array, peel, step

POWER = 3  # doublings in the certified spectral norm: at most 2^(1/16) above the true one for d = 32 (a factor d^(1/16))
SINGLES, BINS = 8, 32  # of the decoupled constraint, where there are too many slots for patterns

LowRank = Callable[[FloatModel, Subject], list[Step]]


def low_rank(*, score_rank: int | None = None, score_rows: int = 1, skip_rank: int | None = None) -> LowRank:
    """A strategy.  Ranks: None leaves the table exact.  score_rows: 1 bounds rows of Eq N_U (no v d^2), 2 rows of Eq N_U N_U M N_V."""

    def steps(model: FloatModel, subject: Subject) -> list[Step]:
        tables = {one["id"]: [one] for one in exact_tables("centred")}
        if score_rank is not None:
            tables["score"] = score_steps(model, score_rank, score_rows)
        if skip_rank is not None:
            tables["skip"] = skip_steps(model, skip_rank)
        return [one for table in tables.values() for one in table] + argument_steps(model)

    return steps


def argument_steps(model: FloatModel) -> list[Step]:
    """Absent/present patterns for few slots, sums of one decoupled constraint for many."""
    if few_patterns(model):
        return split_steps(model)
    shift = float_array(mean_shift(model))
    return [
        step("margins", "decoupled_constraint", ALL_TABLES, shift=shift, singles=SINGLES),
        step("right", "count_sums", {"constraints": "margins"}, bins=BINS),
        step("bound", "accuracy", {"counts": ["right"]}),
    ]


def _half_power(second_moment: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(second_moment)
    return (vectors * np.sqrt(np.maximum(values, 1e-9 * values.max()))) @ vectors.T


def score_steps(model: FloatModel, rank: int, rows: int) -> list[Step]:
    """Peel `rank` directions, chosen for the queries and keys that occur, off both embeddings and off both sides of M."""
    product = model.query_key
    keys = model.keys - model.keys.mean(0)
    left = np.linalg.svd(product @ _half_power(keys.T @ keys))[0][:, :rank]
    right = np.linalg.svd(_half_power(model.queries.T @ model.queries) @ product)[2][:rank].T
    peels = [peel(0, 0, "right", left), peel(1, 2, "left", left), peel(1, 2, "right", right), peel(3, 3, "left", right)]
    return [
        step("score.peeled", "peeled_table", table="score", positions="centred", peels=peels),
        step("score", "row_norm", {"table": "score.peeled"}, left=rows, right=1, power=POWER),
    ]


def skip_steps(model: FloatModel, rank: int) -> list[Step]:
    """The mean query row, and `rank` directions of the rest chosen by what the unembedding makes of them."""
    mean = model.queries.mean(0, keepdims=True)
    peels = [peel(0, 0, "row", mean)]
    if rank:
        metric = _half_power(np.atleast_2d(np.cov(model.weight("W_U"))))
        rest = (model.queries - mean) @ metric
        directions, _ = np.linalg.qr(metric @ np.linalg.svd(rest)[2][:rank].T)
        peels.append(peel(0, 0, "right", directions))
    return [
        step("skip.peeled", "peeled_table", table="skip", positions="centred", peels=peels),
        step("skip", "row_norm", {"table": "skip.peeled"}, left=1, right=1, power=POWER),
    ]
