"""Bounds that hold for every network, and so say nothing about any."""

from __future__ import annotations

from fractions import Fraction

from verifier.kernel.metrics import Claim


def vacuous(claim: Claim, bound: Fraction) -> str:
    """Why a bound of the claim's metric says nothing whatever the network is; empty if it says something.

    A share is never below 0 or above 1.  A loss has no upper limit, so every bound of one says something.
    """
    of = "" if claim.output is None else f" of output {claim.output}"
    if claim.relation == ">=" and bound == 0:
        return f"{claim.metric}{of} of at least 0 holds for every network: this bound says nothing."
    if claim.relation == "<=" and claim.metric != "cross_entropy" and bound == 1:
        return f"{claim.metric}{of} of at most 1 holds for every network: this bound says nothing."
    return ""
