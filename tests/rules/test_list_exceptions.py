"""list_exceptions: exactly the right answers wherever no near tie is left."""

from __future__ import annotations

import random

import pytest

from tests.checking import ARITHMETICS, SAME, bound, facts, joint, refusal, run, step, tables
from tests.models import copying, random_model
from tests.oracle import truth
from tests.plans import random_scope
from tests.rules.shared import counts
from verifier.kernel import limits
from verifier.kernel.errors import LimitExceeded, MalformedInput
from verifier.kernel.limits import LIMITS, Limits

LIST = step("right", "list_exceptions", SAME)
SIZES = [(2, 1), (2, 2), (5, 1), (2, 5), (4, 3), (6, 2), (3, 4)]  # tokens, positions


@pytest.mark.parametrize("by", ARITHMETICS)
@pytest.mark.parametrize(("v", "n"), SIZES)
def test_the_count_is_exact(v: int, n: int, by: str) -> None:
    rng = random.Random(f"{v} {n}")
    for noise in (0.02, 0.1, 0.4):
        model = copying(rng, v, n, noise=noise, slope=rng.choice([-0.5, 1.0]), copy=rng.choice([1.0, 3.0]))
        for scope in (None, random_scope(rng, model)):
            found = counts(model, [*tables(), LIST], scope=scope, by=by)
            right = truth(model, scope).cells("right")
            assert {cell: count for cell, count in found.items() if count} == {cell: count for cell, count in right.items() if count}


def test_it_finds_what_brute_force_finds() -> None:
    rng = random.Random("same")
    model = copying(rng, 5, 3, noise=0.2, slope=0.7, copy=2.0)
    every = step("right", "count_every", {"constraints": "margins"})
    assert counts(model, [*tables(), LIST]) == counts(model, [*tables(), joint(), every])


@pytest.mark.parametrize("field", ["listed_inputs", "listing_steps"])
def test_more_exceptions_than_the_limit_are_refused(field: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = random_model(1, v=4, n=3)
    wrong = truth(model).count("wrong")
    assert wrong > 5
    for allowed in (5, wrong - 1):
        monkeypatch.setattr(limits, "LIMITS", Limits(**{**vars(LIMITS), field: allowed}))
        with pytest.raises(LimitExceeded, match=f"limit-{field.replace('_', '-')}"):
            facts(model, [*tables(), LIST])
    monkeypatch.setattr(limits, "LIMITS", Limits(**{**vars(LIMITS), "listed_inputs": wrong}))
    assert facts(model, [*tables(), LIST])


def test_it_takes_no_hints_and_concludes_a_count() -> None:
    model = random_model(2, v=3, n=2)
    assert refusal(model, [*tables(), LIST]) == ("no-bound", "3.3")
    assert run(model, [*tables(), LIST, bound("right")]).word == "PROVED"
    with pytest.raises(MalformedInput, match="unknown-field"):
        run(model, [*tables(), step("right", "list_exceptions", SAME, bins=1)])
