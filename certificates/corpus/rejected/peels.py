"""Low-rank parts that are false."""

from __future__ import annotations

import json

import numpy as np

from certificates.corpus.arguments import peel, peeled, size_direction
from certificates.corpus.cases import Case
from certificates.corpus.documents import Change, changed, on_step, put, the_step
from certificates.corpus.makers import tiny
from certificates.corpus.rejected.refusal import refusal
from verifier.strategies.steps import float_array, step


def bad_peels() -> list[Case]:
    """Parts of low rank that are not there, overlap, or leave something out."""
    by_norm = step("score", "row_norm", {"table": "peeled"}, left=1, right=1, power=2)
    good = peeled("score", [peel(0, 0, "left", size_direction(8))], by_norm)

    def low_rank(name: str, attack: str, code: str, *changes: Change) -> Case:
        certificate = tiny.certificate([*good, *tiny.cubic()[5:]])
        for change in changes:
            certificate = changed(certificate, change)
        return refusal(f"peel-{name}", attack, code, exit_code=1, certificate=certificate)

    first = the_step(json.loads(tiny.certificate(good)), "peeled")["hints"]["peels"][0]
    huge = float_array(np.full((8, 1), 1e200))
    return [
        low_rank(
            "overlapping",
            "Two peels of overlapping factors.",
            "bad-intervals",
            on_step("peeled", put("hints", "peels", value=[first, {**first, "last": 1}])),
        ),
        low_rank(
            "beyond-chain",
            "A peel of a factor that is not there.",
            "bad-intervals",
            on_step("peeled", put("hints", "peels", value=[{**first, "last": 9}])),
        ),
        low_rank(
            "backwards",
            "A peel of factors 2 to 1.",
            "bad-intervals",
            on_step("peeled", put("hints", "peels", value=[{**first, "first": 2, "last": 1}])),
        ),
        low_rank("nothing", "No peels: a part of rank zero.", "no-peels", on_step("peeled", put("hints", "peels", value=[]))),
        low_rank(
            "other-side",
            "Directions for the rows where those for columns are due.",
            "wrong-shape",
            on_step("peeled", put("hints", "peels", value=[{**first, "first": 3, "last": 3, "side": "row"}])),
        ),
        low_rank(
            "slack-forgotten",
            "A low-rank part used as the table, its residual dropped.",
            "wrong-premise",
            on_step("right", put("premises", "score", value="peeled")),
        ),
        low_rank(
            "other-table",
            "A bound on the skip path's residual in the role of the scores.",
            "wrong-premise",
            on_step("peeled", put("hints", "table", value="skip")),
        ),
        low_rank(
            "mixed-centring",
            "A peeled table that leaves the mean position out.",
            "mixed-centring",
            on_step("peeled", put("hints", "positions", value="raw")),
        ),
        low_rank("too-many-factors", "More factors than the chain has.", "bad-intervals", on_step("score", put("hints", "left", value=4))),
        low_rank(
            "huge-direction",
            "A slack so wide that a weight may be zero.",
            "undecided-divisor",
            on_step("peeled", put("hints", "peels", 0, "directions", value=huge)),
        ),
    ]
