"""The paper's 100 sub-cubic strategies, each a choice of three: how the skip path, the attention average and the scores are bounded.

`subcubic/<skip>/<attention>/<score>` uses the paper's names; the rules repair its slips (docs/mathematics.md): the sign of the
mean+diff step, the choice of one end of the attention's range, the count of tokens, and trusted singular vectors.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from verifier.kernel.statement import Subject
from verifier.strategies.float_model import FloatModel
from verifier.strategies.gap_search import search
from verifier.strategies.kernel_tables import table_facts
from verifier.strategies.steps import ALL_TABLES, Step, float_array, integer_array, peel, step

SKIP = ("global_max_diff_exact", "max_diff_exact", "mean_query+max_diff", "svd_query+max_diff", "max_diff")
ATTENTION = {"mean_query+diff": "mean", "drop_average": "none"}
SCORE: dict[str, tuple[str, str, dict[str, object]]] = {  # name -> (peel, rule, hints)
    "exact_EQKE+max_diff_exact": ("none", "exact_table", {}),
    "max_diff_exact": ("rank-one", "row_range", {"bound": "exact", "mean": "none", "spread": "rows"}),
    "svd": ("rank-one", "row_norm", {"left": 0, "right": 0, "power": 3}),
    "max_diff": ("rank-one", "row_range", {"bound": "split", "mean": "none", "spread": "rows"}),
    "mean+max_diff": ("rank-one", "row_range", {"bound": "split", "mean": "first", "spread": "rows"}),
    "max_diff_subproduct": ("nine-term", "row_range", {"bound": "split", "mean": "none", "spread": "rows"}),
    "mean+max_diff_subproduct": ("nine-term", "row_range", {"bound": "split", "mean": "first", "spread": "rows"}),
    "max_diff_subproduct_recursive": ("nine-term", "row_range", {"bound": "recursive", "mean": "none", "spread": "rows"}),
    "mean+max_diff_subproduct_recursive": ("nine-term", "row_range", {"bound": "recursive", "mean": "first", "spread": "rows"}),
    "mean_recursive+max_diff_subproduct_recursive": ("nine-term", "row_range", {"bound": "recursive", "mean": "every", "spread": "rows"}),
}


@dataclass(frozen=True)
class Combination:
    """One of the 100."""

    skip: str
    attention: str
    score: str

    @property
    def name(self) -> str:
        return f"subcubic/{self.skip}/{self.attention}/{self.score}"

    @property
    def cost_class(self) -> str:
        """The paper's group: which of the two products of v x d by d x v matrices is avoided."""
        low_skip = self.skip.endswith("query+max_diff") or self.skip == "max_diff"
        if self.score.endswith("recursive"):
            return "quadratic QK" + (" and low-rank EU" if low_skip else "")
        if self.score in ("exact_EQKE+max_diff_exact", "max_diff_exact"):
            return "low-rank EU" if low_skip else "sub-cubic"
        return "low-rank QK" + (" and EU" if low_skip else "")

    def steps(self, model: FloatModel, subject: Subject) -> list[Step]:
        """The certificate's steps."""
        return attention_steps(model, subject, skip_steps(model, self.skip) + score_steps(model, self.score), ATTENTION[self.attention])


COMBINATIONS = [Combination(*names) for names in product(SKIP, ATTENTION, SCORE)]


def attention_steps(model: FloatModel, subject: Subject, tables: list[Step], average: str) -> list[Step]:
    """Given steps for the skip path and the scores: the other tables, the attention argument with searched hints, the bound."""
    tables = [
        *tables,
        step("position_score", "exact_table", table="position_score", positions="centred"),
        step("copy", "exact_table", table="copy", positions="raw"),
        step("position_copy", "exact_table", table="position_copy", positions="raw"),
    ]
    hints = search(table_facts(model, subject, tables), model.model.head_width, average)
    margin = step(
        "right", "attention_margin", ALL_TABLES, gaps=integer_array(hints.gaps), average=average, centres=float_array(hints.centres)
    )
    return [*tables, margin, step("bound", "accuracy", {"counts": ["right"]})]


def skip_steps(model: FloatModel, option: str) -> list[Step]:
    """The skip path as a reference row and a row bound."""
    reference = np.zeros((1, model.queries.shape[1]))
    if option.startswith("mean_query"):
        reference = model.queries.mean(0, keepdims=True)
    elif option.startswith("svd_query"):
        reference = svd_query(model)
    exact = option.endswith("exact")
    return [
        step("skip.peeled", "peeled_table", table="skip", positions="centred", peels=[peel(0, 0, "row", reference)]),
        step(
            "skip",
            "row_range",
            {"table": "skip.peeled"},
            bound="exact" if exact else "split",
            mean="none",
            spread="all" if option.startswith("global") else "rows",
        ),
    ]


def svd_query(model: FloatModel) -> np.ndarray:
    """The leading direction of the queries as the paper has it, or scaled to an average: whichever is nearer to them."""
    left = np.linalg.svd(model.keys @ model.weight("W_U"))[0][:, 0]
    left = left if left.sum() >= 0 else -left
    published = (left @ model.keys)[None]
    candidates = [published, published / left.sum()] if left.sum() > 1e-6 else [published]
    spread = np.ptp(model.weight("W_U"), axis=1)
    return min(candidates, key=lambda row: float((np.abs(model.queries - row) @ spread).sum()))


def score_steps(model: FloatModel, option: str) -> list[Step]:
    """The scores, exactly or as a low-rank part with a row bound."""
    peeling, rule, hints = SCORE[option]
    if peeling == "none":
        return [step("score", "exact_table", table="score", positions="centred")]
    peels = rank_one(model) if peeling == "rank-one" else nine_term(model)
    return [
        step("score.peeled", "peeled_table", table="score", positions="centred", peels=peels),
        step("score", rule, {"table": "score.peeled"}, **hints),
    ]


def _leading(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Leading left and right singular vectors, each a column."""
    left, _, right = np.linalg.svd(matrix)
    return left[:, :1], right[:1].T


def rank_one(model: FloatModel) -> list[Step]:
    """Peel the leading singular vectors of the scores off Eq Q K' and off the keys."""
    left, right = _leading(model.score)
    return [peel(0, 2, "left", left), peel(3, 3, "right", right)]


def nine_term(model: FloatModel) -> list[Step]:
    """Peel two directions off each embedding and one off Q and K (L22)."""
    left, right = _leading(model.score)
    queries, keys = model.queries - left @ (left.T @ model.queries), model.keys - right @ (right.T @ model.keys)
    return [
        peel(0, 0, "left", left),
        peel(0, 0, "left", _leading(queries)[0]),
        peel(1, 1, "left", _leading(model.weight("W_Q"))[0]),
        peel(2, 2, "right", _leading(model.weight("W_K"))[0]),
        peel(3, 3, "right", right),
        peel(3, 3, "right", _leading(keys)[0]),
    ]
