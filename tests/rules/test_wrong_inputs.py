"""wrong_inputs: distinct inputs in scope that are certainly answered wrongly, or the step is rejected."""

from __future__ import annotations

import random

import pytest

from tests.checking import ARITHMETICS, bound, refusal, run, tables, wrong
from tests.models import TinyModel, copying, random_models, twins
from tests.oracle import Transformer, truth
from tests.peels import loosened_tables
from verifier.kernel.errors import MalformedInput

RNG = random.Random("wrong inputs")
MODEL = copying(RNG, 3, 3, noise=0.3, slope=0.5, copy=2.0)
STEP = "step wrong (wrong_inputs)"


def culprit(model: TinyModel, tokens: tuple[int, ...]) -> int:
    """The highest output other than the maximum."""
    logits = Transformer(model).logits(tokens)
    return max((x for x in range(model.v) if x != max(tokens)), key=lambda x: float(logits[x].mid()))


def listed(model: TinyModel, word: str) -> list[list[int]]:
    return [[*tokens, culprit(model, tokens)] for tokens in truth(model).inputs(word)]


WRONG, RIGHT = listed(MODEL, "wrong"), listed(MODEL, "right")


def test_the_model_is_fit_for_these_tests() -> None:
    assert len(WRONG) > 2
    assert len(RIGHT) > 2
    assert len(WRONG) + len(RIGHT) == 27


@pytest.mark.parametrize("by", ARITHMETICS)
def test_all_wrong_inputs_are_accepted(by: str) -> None:
    for model in [MODEL, *random_models(14)]:
        rows = listed(model, "wrong")
        if not rows or model.label.startswith("twins") or model.label in ("wild", "huge", "integers"):
            continue  # near ties, in which 53 bits or even 128 decide nothing
        verdict = run(model, [*tables(), wrong(rows), bound(wrong="wrong")], by=by)
        assert verdict.bound is not None, (model, verdict.reason)
        assert verdict.bound.wrong == len(rows)


@pytest.mark.parametrize("by", ARITHMETICS)
def test_no_right_input_is_accepted(by: str) -> None:
    for model in [MODEL, *random_models(16)]:
        for tokens in truth(model).inputs("right")[:4]:
            for output in range(model.v):
                if output != max(tokens):
                    assert refusal(model, [*tables(), wrong([[*tokens, output]])], by=by) == ("not-wrong", STEP)


def test_one_right_input_among_wrong_ones_is_noticed() -> None:
    for place in range(len(WRONG) + 1):
        rows = [*WRONG[:place], RIGHT[place % len(RIGHT)], *WRONG[place:]]
        assert refusal(MODEL, [*tables(), wrong(rows)]) == ("not-wrong", STEP)


def test_a_certain_tie_is_wrong() -> None:
    model = twins(RNG, copying(RNG, 3, 2, noise=0.0, slope=2.0, copy=4.0))
    columns = list(zip(*model.weights["W_U"], strict=True))
    first, second = next((a, b) for a in range(3) for b in range(a) if columns[a] == columns[b])
    verdict = run(model, [*tables(), wrong([[first, first, second]]), bound(wrong="wrong")])
    assert verdict.bound is not None
    assert verdict.bound.wrong == 1


REJECTED: dict[str, tuple[list[list[int]], str]] = {
    "an input twice": ([WRONG[0], WRONG[1], WRONG[0]], "duplicate-input"),
    "an input twice with two outputs": ([WRONG[0], [*WRONG[0][:3], 3 - WRONG[0][3] - max(WRONG[0][:3])]], "duplicate-input"),
    "the maximum as the wrong output": ([[*WRONG[0][:3], max(WRONG[0][:3])]], "not-a-wrong-output"),
    "an output beyond the vocabulary": ([[*WRONG[0][:3], 3]], "not-a-wrong-output"),
    "a token beyond the vocabulary": ([[3, 0, 0, 1]], "outside-scope"),
    "too few columns": ([[0, 1, 2]], "wrong-shape"),
    "too many columns": ([[0, 1, 2, 0, 0]], "wrong-shape"),
    "no output": ([[0, 1, 2]], "wrong-shape"),
}


@pytest.mark.parametrize("case", REJECTED)
@pytest.mark.parametrize("by", ARITHMETICS)
def test_other_lists_are_rejected(case: str, by: str) -> None:
    rows, code = REJECTED[case]
    assert refusal(MODEL, [*tables(), wrong(rows)], by=by) == (code, STEP)


def test_inputs_outside_the_scope_are_rejected() -> None:
    tokens = WRONG[0][:3]
    for position in range(3):
        for token in range(3):
            if token != tokens[position]:
                scope = [[0, 2]] * position + [[token, token]] + [[0, 2]] * (2 - position)
                assert refusal(MODEL, [*tables(), wrong(WRONG[:1])], scope=scope) == ("outside-scope", STEP)


@pytest.mark.parametrize("row", [[-1, 0, 0, 1], [0, 0, 0, -1], [1 << 40, 0, 0, 1]])
def test_numbers_that_are_no_tokens_are_malformed(row: list[int]) -> None:
    with pytest.raises(MalformedInput, match="out-of-range"):
        run(MODEL, [*tables(), wrong([row])])


def test_loose_tables_never_make_a_right_input_wrong() -> None:
    rng, accepted = random.Random("loose"), 0
    for model in random_models(24):
        answers = truth(model)
        for word in ("right", "wrong"):
            for tokens in answers.inputs(word)[:4]:
                steps = [*loosened_tables(rng, model), wrong([[*tokens, culprit(model, tokens)]]), bound(wrong="wrong")]
                verdict = run(model, steps, by="fast")
                assert verdict.bound is None or word == "wrong"
                accepted += verdict.bound is not None
    assert accepted > 5
