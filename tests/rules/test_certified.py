"""Every rule certifies about fixed models what it certified when tests/vectors/certified.json was written (tests/certified.py)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.certified import CASES, PLACE, certified
from tests.checking import ARITHMETICS
from tests.plans import PLANS
from verifier.kernel.numbers.tensor import Tensor

KNOWN: dict[str, Any] = json.loads(PLACE.read_text(encoding="utf-8"))


@pytest.mark.parametrize("by", ARITHMETICS)
@pytest.mark.parametrize("plan", PLANS)
def test_what_is_certified_has_not_changed(plan: str, by: str) -> None:
    assert {str(case): certified(plan, case, by) for case in CASES[by]} == KNOWN[plan][by]


@pytest.mark.parametrize("plan", PLANS)
def test_the_cases_certify_different_numbers(plan: str) -> None:
    totals = [found[0] for found in KNOWN[plan]["fast"].values()]
    assert len(set(totals)) > 10
    assert totals.count(0) < len(totals) // 2


def test_a_weaker_rule_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Tensor, "max", Tensor.min)
    assert any(certified("blocks", case, "fast") != KNOWN["blocks"]["fast"][str(case)] for case in CASES["fast"])
