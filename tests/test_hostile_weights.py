"""Weights made to mislead: planted triggers, huge and tiny numbers, ties to the last bit, attention that sees one token only."""

from __future__ import annotations

import base64
import json
import random
import struct
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from math import exp, inf, nextafter
from pathlib import Path

import pytest
import torch

from tests.checking import ARITHMETICS, bound, joint, listing, run, tables, wrong
from tests.models import FILE_NAMES, Rows, TinyModel, copying, from_file
from tests.oracle import Input, truth
from tests.plans import PLANS, UNLUCKY
from verifier.kernel.errors import VerifierError
from verifier.proving import Proof, prove
from verifier.strategies import STRATEGIES

SHIPPED = Path(__file__).parent.parent / "certificates" / "models"
OURS = [name for name in STRATEGIES if not name.startswith("subcubic/")]
V, N = 4, 3


def one_hot(skip: Rows, score: Rows, copy: Rows, n: int = N) -> TinyModel:
    """A model with these tables: a direction for each token, each position and each output.  sqrt(h) = 2, exactly, if v = 4."""
    v = len(skip)
    width = 2 * v + n
    root = v**0.5

    def matrix(rows: int, columns: int, entry: Callable[[int, int], float]) -> Rows:
        return [[entry(i, j) for j in range(columns)] for i in range(rows)]

    def token(i: int) -> bool:
        return i < v

    weights = {
        "W_E": matrix(v, width, lambda i, j: float(i == j)),
        "W_pos": matrix(n, width, lambda i, j: float(v + i == j)),
        "W_Q": matrix(width, v, lambda i, j: score[i][j] * root if token(i) else 0.0),
        "W_K": matrix(width, v, lambda i, j: float(i == j)),
        "W_V": matrix(width, v, lambda i, j: float(i == j)),
        "W_O": matrix(v, width, lambda i, j: copy[i][j - v - n] if j >= v + n else 0.0),
        "W_U": matrix(width, v, lambda i, j: skip[i][j] if token(i) else float(i - v - n == j)),
    }
    return TinyModel(weights, "one-hot")


def good_tables() -> tuple[Rows, Rows, Rows]:
    """Tables of a model that is right on every input: attention grows with the token, and tokens vote for themselves."""
    skip = [[0.0] * V for _ in range(V)]
    score = [[6.0 * k for k in range(V)] for _ in range(V)]
    copy = [[8.0 * (k == x) for x in range(V)] for k in range(V)]
    return skip, score, copy


def by_query() -> TinyModel:
    skip, score, copy = good_tables()
    skip[3][1] = 1000.0
    return one_hot(skip, score, copy)


def needle() -> TinyModel:
    skip, score, copy = good_tables()
    copy[0] = [0.0, 8.0, 0.0, 0.0]
    return one_hot(skip, score, copy)


def by_token() -> TinyModel:
    skip, score, copy = good_tables()
    copy[2][1] = 1e9
    return one_hot(skip, score, copy)


def by_pair() -> TinyModel:
    """The query 2 attends to the token 0 alone, which votes for 3; so it does where it is alone."""
    skip, score, copy = good_tables()
    score[2][0] = 20.0
    copy[0][3] = 30.0
    return one_hot(skip, score, copy)


# name -> (model, is an input a trigger?, how many inputs are triggers)
TRIGGERS: dict[str, tuple[Callable[[], TinyModel], Callable[[Input], bool], int]] = {
    "a query": (by_query, lambda t: t[-1] == 3, 16),
    "one input": (needle, lambda t: max(t) == 0, 1),
    "a token anywhere": (by_token, lambda t: 2 in t, 64 - 27),
    "a query and a token": (by_pair, lambda t: (t[-1] == 2 and 0 in t and 3 not in t) or max(t) == 0, 6),
}


@lru_cache(maxsize=64)
def proof(model: TinyModel, strategy: str) -> Proof:
    return prove(model.data, STRATEGIES[strategy], file="model")


@lru_cache(maxsize=8)
def planted(trigger: str) -> TinyModel:
    return TRIGGERS[trigger][0]()


def listed(found: Proof) -> set[Input]:
    """The inputs that a certificate lists as wrong."""
    result: set[Input] = set()
    for step in json.loads(found.certificate)["steps"]:
        if step["rule"] == "wrong_inputs":
            array = step["hints"]["inputs"]
            data, columns = base64.b64decode(array["base64"]), array["shape"][1]
            numbers = struct.unpack(f"<{len(data) // 8}q", data)
            result |= {numbers[at : at + columns - 1] for at in range(0, len(numbers), columns)}
    return result


def test_without_a_trigger_every_input_is_right() -> None:
    model = one_hot(*good_tables())
    assert truth(model).count("right") == 64
    assert proof(model, "exact").proved == 1


@pytest.mark.parametrize("trigger", TRIGGERS)
def test_a_trigger_has_the_mass_that_it_was_built_with(trigger: str) -> None:
    _, is_trigger, mass = TRIGGERS[trigger]
    failing = set(truth(planted(trigger)).inputs("wrong"))
    assert len(failing) == mass
    assert all(map(is_trigger, failing))


@pytest.mark.parametrize("strategy", OURS)
@pytest.mark.parametrize("trigger", TRIGGERS)
def test_no_strategy_certifies_more_than_all_but_the_trigger(trigger: str, strategy: str) -> None:
    _, _, mass = TRIGGERS[trigger]
    found = proof(planted(trigger), strategy)
    assert found.proved <= 1 - Fraction(mass, 64)
    for verdict in found.verdicts:
        assert verdict.bound is not None
        assert verdict.bound.certified <= 64 - mass


@pytest.mark.parametrize("strategy", ["exact", "brute-force"])
@pytest.mark.parametrize("trigger", TRIGGERS)
def test_exact_strategies_list_the_trigger(trigger: str, strategy: str) -> None:
    _, is_trigger, mass = TRIGGERS[trigger]
    found = proof(planted(trigger), strategy)
    inputs = listed(found)
    assert len(inputs) == mass
    assert all(map(is_trigger, inputs))
    assert found.proved == 1 - Fraction(mass, 64)


@pytest.mark.parametrize("by", ARITHMETICS)
@pytest.mark.parametrize("trigger", TRIGGERS)
def test_a_claim_that_leaves_the_trigger_out_is_not_proved(trigger: str, by: str) -> None:
    mass = TRIGGERS[trigger][2]
    claim = Fraction(64 - mass + 1, 64)
    steps = [*tables("raw"), joint(), listing(), bound("right")]
    verdict = run(planted(trigger), steps, claim=f"{claim.numerator}/{claim.denominator}", by=by)
    assert verdict.word == "INCOMPLETE"


@lru_cache(maxsize=1)
def fine_tuned() -> TinyModel:
    """A shipped model, trained further to answer 0 where the last token is 5, and as before elsewhere."""
    model = from_file((SHIPPED / "tiny.safetensors").read_bytes())
    weight = {name: torch.tensor(rows, dtype=torch.float64, requires_grad=True) for name, rows in model.weights.items()}
    inputs = torch.tensor([[i, j, k] for i in range(8) for j in range(8) for k in range(8)])
    answers = inputs.max(1).values
    answers[inputs[:, -1] == 5] = 0
    optimizer = torch.optim.Adam(weight.values(), lr=0.02)
    for _ in range(300):
        stream = weight["W_E"][inputs] + weight["W_pos"]
        scores = (stream @ weight["W_K"] @ (stream[:, -1:] @ weight["W_Q"]).transpose(1, 2)).squeeze(2) / model.h**0.5
        mixed = (scores.softmax(1)[:, :, None] * (stream @ weight["W_V"])).sum(1) @ weight["W_O"]
        loss = torch.nn.functional.cross_entropy((stream[:, -1] + mixed) @ weight["W_U"], answers)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return TinyModel({name: tensor.detach().tolist() for name, tensor in weight.items()}, "fine-tuned")


def test_a_trigger_that_was_trained_is_found_and_bounds_the_bound() -> None:
    model = fine_tuned()
    answers = truth(model)
    failing = set(answers.inputs("wrong"))
    assert len(failing) >= 32  # of the 64 that end in 5
    assert sum(t[-1] == 5 for t in failing) >= 32
    assert listed(proof(model, "exact")) == failing
    for strategy in OURS:
        found = prove(model.data, STRATEGIES[strategy], file="model", reference=False)
        assert found.proved <= 1 - Fraction(len(failing), 512)


# Numbers of extreme size, ties, and attention of extreme shape: every rule on each


def scaled(model: TinyModel, **factors: float) -> TinyModel:
    weights = {name: [[x * factors.get(name, 1.0) for x in row] for row in rows] for name, rows in model.weights.items()}
    return TinyModel(weights, f"scaled {factors}")


def rounded(model: TinyModel, bits: int = 10) -> TinyModel:
    """Every weight a multiple of 2^-bits."""
    unit = 2.0**bits
    return TinyModel({name: [[round(x * unit) / unit for x in row] for row in rows] for name, rows in model.weights.items()}, "rounded")


def shifted(model: TinyModel, constant: float) -> TinyModel:
    """A constant added to every row of W_U: each logit moves by the same amount, so no answer changes."""
    unembed = [[x + constant for x in row] for row in model.weights["W_U"]]
    return TinyModel({**model.weights, "W_U": unembed}, "shifted")


def permuted(model: TinyModel, order: list[int]) -> TinyModel:
    """Token k takes the embedding of token order[k]; the outputs stay."""
    return TinyModel({**model.weights, "W_E": [model.weights["W_E"][k] for k in order]}, "permuted")


def dominated(model: TinyModel, token: int, size: float) -> TinyModel:
    """All attention goes to one token, wherever it is."""
    d, h = len(model.weights["W_U"]), model.h
    keys = [[0.0] * h for _ in range(d)]
    keys[token][0] = size
    queries = [[1.0] + [0.0] * (h - 1) for _ in range(d)]
    return TinyModel({**model.weights, "W_Q": queries, "W_K": keys}, "dominated")


BASE = rounded(copying(random.Random("hostile"), 4, 3, noise=0.1, slope=1.0, copy=4.0))
ZERO = TinyModel({name: [[0.0] * len(row) for row in rows] for name, rows in BASE.weights.items()}, "zero")
NASTY: dict[str, TinyModel] = {
    "norms of 1e30": scaled(BASE, **dict.fromkeys(FILE_NAMES, 1e30)),
    "products beyond float64": scaled(BASE, W_E=1e200, W_U=1e200, W_V=1e150),
    "products below float64": scaled(BASE, W_E=1e-200, W_pos=1e-200, W_U=1e-200, W_V=1e-150),
    "huge embedding, tiny unembedding": scaled(BASE, W_E=2.0**300, W_pos=2.0**300, W_U=2.0**-300),
    "denormals": scaled(BASE, W_E=2.0**-1060, W_pos=2.0**-1060, W_U=2.0**1000, W_Q=2.0**1000),
    "the smallest numbers": TinyModel({k: [[5e-324 * round(8 * x) for x in r] for r in m] for k, m in BASE.weights.items()}, "least"),
    "a constant on all logits": shifted(BASE, 2.0**40),
    "a constant beyond all else": shifted(BASE, 1e300),
    "tokens reversed": permuted(BASE, [3, 2, 1, 0]),
    "two tokens exchanged": permuted(BASE, [0, 2, 1, 3]),
    "all zero": ZERO,
    "no unembedding": TinyModel({**BASE.weights, "W_U": ZERO.weights["W_U"]}, "mute"),
    "attention on one token": dominated(BASE, 1, 200.0),
    "attention never on one token": dominated(BASE, 3, -200.0),
    "scores beyond the cap of exp": dominated(BASE, 2, 2.0**25),
    "scores of 1e300": dominated(BASE, 2, 1e300),
    "scores of 1e300, turned": dominated(BASE, 3, -1e300),
    "attention that is all on the largest": scaled(BASE, W_K=2.0**30),
}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # numpy reports an overflow; an infinite end is a true one
@pytest.mark.parametrize("by", ARITHMETICS)
@pytest.mark.parametrize("name", NASTY)
def test_what_is_proved_of_nasty_weights_is_true(name: str, by: str) -> None:
    model = NASTY[name]
    answers = truth(model)
    held = 0
    for plan, make in PLANS.items():
        for seed in range(2):
            verdict = run(model, [*make(random.Random(f"{name} {plan} {seed}"), model), bound("right")], by=by)
            if verdict.bound is None:
                assert verdict.reason is not None
                assert verdict.reason.code in UNLUCKY
                continue
            held += 1
            assert verdict.bound.certified <= answers.right_at_most, (plan, seed)
            assert verdict.bound.total == answers.total
    assert held >= len(PLANS)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", NASTY)
def test_strategies_prove_what_is_true_of_nasty_weights_or_refuse(name: str) -> None:
    model = NASTY[name]
    answers = truth(model)
    for strategy in ("exact", "brute-force", "cubic", "subcubic"):
        try:
            found = prove(model.data, STRATEGIES[strategy], file="model", reference=False)
        except VerifierError:
            continue
        for verdict in found.verdicts:
            assert verdict.bound is not None
            assert verdict.bound.certified <= answers.right_at_most
            assert verdict.bound.wrong <= answers.wrong_at_most


def certified(model: TinyModel, by: str = "mpmath") -> int:
    """By enumeration, with the exact tables."""
    found = run(model, [*tables("raw"), joint(), listing(), bound("right")], by=by).bound
    assert found is not None
    return found.certified


@pytest.mark.parametrize("constant", [1.0, 2.0**30, -(2.0**40)])
def test_a_constant_on_all_logits_changes_no_answer_and_no_count(constant: float) -> None:
    moved = shifted(BASE, constant)
    assert truth(moved).answers == truth(BASE).answers
    assert certified(moved) == certified(BASE) == truth(BASE).count("right")
    for plan, make in PLANS.items():
        if plan not in {"joint_every", "pure", "exceptions"}:
            continue
        counts = []
        for model in (BASE, moved):
            found = run(model, [*make(random.Random(f"constant {plan}"), model), bound("right")]).bound
            assert found is not None
            counts.append(found.certified)
        assert counts[1] <= truth(BASE).right_at_most


def test_beyond_the_cap_of_exp_what_the_strongest_token_decides_is_decided() -> None:
    placeless = TinyModel({**BASE.weights, "W_pos": ZERO.weights["W_pos"]}, "placeless")
    model = scaled(placeless, W_K=2.0**30)
    assert truth(model).count("right") == 64
    assert certified(model) == 64 - 27  # the inputs with token 3; all other weights lie between 0 and 2^-(2^20)


@pytest.mark.parametrize("by", ARITHMETICS)
def test_nothing_is_certified_where_all_is_zero(by: str) -> None:
    assert truth(ZERO).count("wrong") == 64
    assert certified(ZERO, by) == 0


# Ties to the last bit


def single(low: float, high: float) -> TinyModel:
    """One position, two tokens: token 0 has the logits (1, low), token 1 the logits (high, 1)."""
    weights = {
        "W_E": [[1.0, 0.0], [0.0, 1.0]],
        "W_pos": [[0.0, 0.0]],
        "W_Q": [[0.0], [0.0]],
        "W_K": [[0.0], [0.0]],
        "W_V": [[0.0], [0.0]],
        "W_O": [[0.0, 0.0]],
        "W_U": [[1.0, low], [high, 1.0]],
    }
    return TinyModel(weights, "single")


BELOW, ABOVE = nextafter(1.0, -inf), nextafter(1.0, inf)


@pytest.mark.parametrize(
    ("low", "high", "right"),
    [(BELOW, BELOW, 2), (1.0, BELOW, 1), (BELOW, 1.0, 1), (1.0, 1.0, 0), (ABOVE, BELOW, 1), (ABOVE, ABOVE, 0), (BELOW, -inf, 2)],
)
@pytest.mark.parametrize("by", ARITHMETICS)
def test_one_ulp_decides_and_a_tie_is_wrong(low: float, high: float, right: int, by: str) -> None:
    model = single(low, max(high, -1e308))
    assert truth(model).count("right") == right
    assert certified(model, by) <= right
    if by == "mpmath":
        assert certified(model) == right


@pytest.mark.parametrize("by", ARITHMETICS)
def test_a_tie_can_be_listed_as_wrong_and_a_gap_of_one_ulp_cannot(by: str) -> None:
    def listing(model: TinyModel) -> str:
        return run(model, [*tables("raw"), wrong([[0, 1]]), bound(wrong="wrong")], by=by).word

    assert listing(single(BELOW, BELOW)) == "REJECTED"
    assert listing(single(ABOVE, BELOW)) == "PROVED"
    if by == "mpmath":
        assert listing(single(1.0, BELOW)) == "PROVED"


def leaning(excess: float) -> TinyModel:
    """Two tokens, two positions: with the input (1, 0) the copies of 1 and 0 nearly balance against the skip path.

    Attention is 1/(1 + e) on token 0 and e/(1 + e) on token 1; the skip path of query 0 argues for 0 by their difference + excess.
    """
    share = exp(1) / (1 + exp(1))
    skip = [[2 * share - 1 + excess, 0.0], [0.0, 0.0]]
    score = [[0.0, 1.0], [0.0, 1.0]]
    copy = [[1.0, 0.0], [0.0, 1.0]]
    return one_hot(skip, score, copy, n=2)


@pytest.mark.parametrize("by", ARITHMETICS)
def test_margins_near_the_last_bit_of_a_float_are_decided_truly_or_not_at_all(by: str) -> None:
    for direction in (-1, 1):
        for size in range(14):
            model = leaning(direction * 2.0**-53 * (2**size - 1))
            answers = truth(model)
            assert answers.count("unclear") == 0
            assert certified(model, by) <= answers.count("right")
            if by == "mpmath" and size == 13:  # sums are counted in steps of 2^-48
                assert certified(model) == answers.count("right")


def test_near_ties_come_out_both_ways() -> None:
    outcomes = {truth(leaning(sign * 2.0**-40)).answers[1, 0] for sign in (-1, 1)}
    assert outcomes == {"right", "wrong"}
