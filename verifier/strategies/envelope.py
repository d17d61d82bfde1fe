"""Envelope: the paper's sub-cubic argument with its sound maximum, the exact joint minimum over outputs as a function of attention.

Instead of mean + difference (L9), min_x (L_x + a R_x) is tabulated at a few attentions; between them its chords are lower bounds
because it is concave (L26).  The skip path keeps its mean query row apart, so that only what differs between queries is slack.
"""

from __future__ import annotations

from verifier.kernel.statement import Subject
from verifier.strategies.float_model import FloatModel
from verifier.strategies.published import attention_steps, score_steps
from verifier.strategies.steps import Step, peel, step


def envelope(model: FloatModel, subject: Subject) -> list[Step]:
    """Exact scores; skip path as mean row and exact range of the rest (L16, L23, L26)."""
    mean = model.queries.mean(0, keepdims=True)
    skip = [
        step("skip.peeled", "peeled_table", table="skip", positions="centred", peels=[peel(0, 0, "row", mean)]),
        step("skip", "row_range", {"table": "skip.peeled"}, bound="exact", mean="none", spread="rows"),
    ]
    return attention_steps(model, subject, skip + score_steps(model, "exact_EQKE+max_diff_exact"), "envelope")
