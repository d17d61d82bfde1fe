"""What every rule certifies about fixed small models, cell by cell: `python -m tests.certified` writes tests/vectors/certified.json.

A change of these numbers is no fault by itself: a sharper rule certifies more.  But nobody changes a rule without meaning to, and
tests/test_certified.py says so.  (That nothing false is certified is for tests/rules/test_soundness.py.)
"""

from __future__ import annotations

import hashlib
import json
import random
from pathlib import Path
from typing import Any

from tests.checking import facts
from tests.models import TinyModel, copying, random_model
from tests.plans import PLANS, random_scope
from verifier.kernel.errors import StepRejected
from verifier.kernel.facts import Count

PLACE = Path(__file__).parent / "vectors" / "certified.json"
CASES = {"mpmath": range(24), "fast": range(200, 260)}


def draw(plan: str, case: int) -> tuple[TinyModel, list[list[int]] | None, list[dict[str, Any]]]:
    """A model, a scope (None: everything) and the steps of a plan; two of three models attend to and copy the maximum, with noise."""
    rng = random.Random(f"certified {plan} {case}")
    v, n = rng.choice([3, 4, 5, 6]), rng.choice([1, 2, 3, 3, 4] if plan != "attention" else [2, 3, 3])
    noise, slope, copy = rng.choice([0.05, 0.15, 0.3]), rng.choice([-0.5, 0.5, 1.0, 2.0]), rng.choice([1.0, 3.0, 6.0])
    model = random_model(case, v=v, n=n) if case % 3 == 0 else copying(rng, v, n, noise=noise, slope=slope, copy=copy)
    scope = random_scope(rng, model) if rng.random() < 0.3 else None
    return model, scope, PLANS[plan](rng, model)


def certified(plan: str, case: int, by: str) -> list[int | str]:
    """How many inputs in all, and a digest of the number per query and maximum; or the code of a refusal."""
    model, scope, steps = draw(plan, case)
    try:
        found = facts(model, steps, scope=scope, by=by)[0]["right"]
    except StepRejected as error:
        return [error.code]
    assert isinstance(found, Count)
    cells = sorted((query, maximum, count) for (query, maximum), count in found.counts.items())
    return [sum(count for _, _, count in cells), hashlib.sha256(json.dumps(cells).encode()).hexdigest()[:12]]


def everything() -> dict[str, dict[str, dict[str, list[int | str]]]]:
    return {plan: {by: {str(case): certified(plan, case, by) for case in cases} for by, cases in CASES.items()} for plan in PLANS}


if __name__ == "__main__":
    PLACE.write_text(json.dumps(everything(), indent=0) + "\n", encoding="utf-8")
