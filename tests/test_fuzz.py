"""A sample of benchmarks/mutation_fuzz.py: none of many mutants proves anything false, and a broken checker is found out."""

from __future__ import annotations

import random
from collections import Counter
from functools import lru_cache

import numpy as np
import pytest

from tests import mutators
from tests.mutators import Case, corpus_cases, mutate, outcome, plan_cases
from verifier import fast
from verifier.kernel.maximum.ranges import Scope

MUTANTS = 3000
SHARE = 0.2  # judged by mpmath, the rest by the fast arithmetic


@lru_cache(maxsize=1)
def cases() -> list[Case]:
    return corpus_cases() + plan_cases(60)


def judged(count: int, seed: str, by: str = "") -> Counter[str]:
    """Outcomes of so many mutants; false ones under their fault."""
    outcomes: Counter[str] = Counter()
    for index in range(count):
        rng = random.Random(f"{seed} {index}")
        mutant = mutate(rng.choice(cases()), rng)
        found = outcome(mutant, by or ("mpmath" if rng.random() < SHARE else "fast"))
        outcomes[f"false: {found.fault}" if found.fault else found.word] += 1
    return outcomes


def false(outcomes: Counter[str]) -> list[str]:
    return [name for name in outcomes if name.startswith("false")]


@pytest.mark.parametrize("part", range(3))
def test_no_mutant_proves_anything_false(part: int) -> None:
    outcomes = judged(MUTANTS // 3, f"sample {part}")
    assert not false(outcomes)
    assert min(outcomes[word] for word in ("PROVED", "INCOMPLETE", "REJECTED", "refused")) > 9


def test_the_cases_hold_before_they_are_mutated() -> None:
    for case in cases():
        papers = mutators.written(case.statement), mutators.written(case.certificate)
        found = outcome(mutators.Mutant(case.name, *papers, case.file, case.model), "fast")
        assert (found.word, found.fault) == ("PROVED", ""), case.name


def test_every_kind_of_edit_is_made() -> None:
    made: Counter[str] = Counter()
    for index in range(1500):
        rng = random.Random(f"kinds {index}")
        made.update(edit.partition(":")[0] for edit in mutate(rng.choice(cases()), rng).edits)
    assert {*mutators.TARGETS, "array", "hint", "premises", "steps", "positions", "claim", "scope", "anything"} <= set(made)


# A checker that is broken on purpose is found out


def test_a_checker_that_counts_what_may_be_positive_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast.EnclosureCells, "positive", lambda self: fast.ArrayCells(self.hi > -1e-3))
    monkeypatch.setattr(fast.EnclosureCells, "floor", lambda self, axis, shifts: fast.ArrayCells(np.ones(self.shape, dtype=np.int64)))
    assert false(judged(150, "broken", "fast"))


def test_a_checker_that_takes_any_model_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("verifier.kernel.verdict.bind", lambda *args, **kwargs: None)
    mutants = (mutate(rng.choice(cases()), rng) for rng in map(random.Random, range(1200)))
    others = [mutant for mutant in mutants if mutant.edits[0] == "model bytes"]  # the forger leaves the digests as they are
    assert any(outcome(mutant, "fast").fault for mutant in others)


def test_a_checker_that_forgets_the_scope_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Scope, "tokens_in", lambda self, slot, start, stop: stop - start)
    assert false(judged(200, "scopeless", "fast"))
