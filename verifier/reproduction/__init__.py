"""UNTRUSTED reproductions of the strategies of the compact-proofs paper, in floats, with their slips.

What is here computes the numbers that the published rules report, so that they can be compared with what is certified.  No bound
of it is a proof, and nothing else in the package relies on it.  Signs are the paper's: Delta_x = logit[x] - logit[m], an input is
right iff Delta_x < 0 for every x != m, and every argument bounds Delta from above.  Formulas: docs/published-strategies.md.

    parts.py           the tables, and the options for the skip path and for the scores
    subcubic.py        the 100 sub-cubic combinations: attention, margin, search of gaps, count
    cubic.py           the cubic argument, and brute force in floats
    counterexample.py  a model on which the published default certifies wrong inputs
"""

from __future__ import annotations

import numpy as np

from verifier.kernel.errors import Usage
from verifier.kernel.maximum.model import Model
from verifier.reproduction.cubic import brute_force, cubic
from verifier.reproduction.parts import Weights
from verifier.reproduction.results import REPAIRED, Group, Repairs, Reproduction
from verifier.reproduction.subcubic import ATTENTION, subcubic

__all__ = ["PUBLISHED_DEFAULT", "REPAIRED", "Group", "Repairs", "Reproduction", "reproduce"]
PUBLISHED_DEFAULT = "subcubic/max_diff_exact/mean_query+diff/exact_EQKE+max_diff_exact"


def reproduce(model: Model, name: str, *, repairs: Repairs | None = None, dtype: type[np.floating] = np.float64) -> Reproduction:
    """The published strategy of that name (as `verifier strategies` calls it) on a model.

    repairs: the slips to mend, none by default.  dtype: np.float64 or np.float32, what everything is computed in.
    """
    weights = Weights.of(model, dtype)
    if name == "brute-force":
        return brute_force(weights)
    if name == "cubic":
        return cubic(weights)
    parts = name.split("/")
    if len(parts) != 4 or parts[0] != "subcubic" or parts[2] not in ATTENTION:
        raise Usage("unknown-strategy", expected="brute-force, cubic or subcubic/<skip>/<attention>/<score>", got=name)
    return subcubic(weights, skip=parts[1], attention=parts[2], score=parts[3], repairs=repairs or Repairs())
