"""Evaluation and judging: both arithmetics against an evaluator of balls that shares no code with the kernel."""

from __future__ import annotations

import contextlib
import copy
import itertools
from fractions import Fraction
from typing import Any

import flint
import numpy as np
import pytest
from flint import arb

from tests.cells import ends
from tests.network_check import ARITHMETICS, BITS, Tally, check, inside, judge_of, labelled, network_of, task_of
from tests.network_oracle import Net, Weight, evaluate, random_net
from tests.numbers import outside
from verifier.kernel.errors import StepRejected
from verifier.kernel.facts import Count
from verifier.kernel.network.judging import LOSS_BITS
from verifier.kernel.numbers.arithmetic import Arithmetic
from verifier.kernel.rules.conclusions.worst_class import worst_class

BOTH = pytest.mark.parametrize("arithmetic", ARITHMETICS, ids=lambda one: one.name)
NETWORKS, BUNDLES = 320, 8


@pytest.mark.parametrize("bundle", range(BUNDLES))
def test_random_networks(bundle: int) -> None:
    tally = Tally()
    for number in range(NETWORKS // BUNDLES):
        check(random_net(f"test {bundle} {number}"), number, tally)
    assert tally.failures == []
    assert (tally.networks, tally.unknown) == (NETWORKS // BUNDLES, 0)
    assert tally.logits > 1000
    assert tally.right > tally.open
    assert tally.wrong > tally.open
    assert tally.losses > tally.networks
    assert tally.undecided < 2 * tally.networks


@pytest.mark.parametrize("scale", [2.0**-300, 2.0**-40, 2.0**10, 2.0**40, 2.0**300])
def test_random_networks_of_extreme_weights(scale: float) -> None:
    tally = Tally()
    for number in range(12):
        check(random_net(f"extreme {number}", scale), number, tally)
    assert tally.failures == []
    assert tally.logits > 0


# One network per operator


def small(nodes: list[dict[str, Any]], weights: dict[str, Weight] | None = None, **more: Any) -> Net:
    """Embedding and positions of width 3, 3 tokens, 2 positions, then some nodes; the last one's columns are the outputs."""
    known = {"E": Weight((3, 3), [0.5, -1.25, 2.0, 0.0, -3.5, 0.1, 7.0, 1.0, -0.75]), "P": Weight((2, 3), [0.3, 0.0, -0.2, 1.0, 2.0, -4.0])}
    front = [
        {"node": "e", "op": "embed", "tables": ["E"]},
        {"node": "p", "op": "position", "table": "P"},
        {"node": "x", "op": "add", "of": ["e", "p"]},
    ]
    program = {"name": "small", "nodes": [*front, *nodes], "logits": nodes[-1]["node"] if nodes else "x", **more}
    return Net(program, known | (weights or {}), 2, 3)


SQUARE = Weight((3, 3), [1.0, 2.0, -1.0, 0.5, 0.25, 3.0, -2.0, 1.0, 0.125])
ROW = Weight((3,), [0.1, -2.0, 4.0])
W: dict[str, Weight] = {"W": SQUARE, "b": ROW}
EACH: dict[str, Net] = {
    "embed, position, add": small([]),
    "multiply": small([{"node": "y", "op": "multiply", "of": ["x", "x", "e"]}]),
    "scale": small([{"node": "y", "op": "scale", "of": "x", "by": "b"}], {"b": ROW}),
    "linear": small([{"node": "y", "op": "linear", "of": "x", "factors": ["W"], "bias": "b"}], W),
    "linear, a bias alone": small([{"node": "y", "op": "linear", "of": "x", "bias": "b"}], {"b": ROW}),
    "linear, two factors": small(
        [{"node": "y", "op": "linear", "of": "x", "factors": ["W", {"tensor": "W", "transpose": True}]}], {"W": SQUARE}
    ),
    **{name: small([{"node": "y", "op": name, "of": "x"}]) for name in ("relu", "gelu", "gelu_tanh", "silu", "square", "sum_positions")},
    **{name: small([{"node": "y", "op": name, "of": "x", "epsilon": "1/1000"}]) for name in ("layer_norm", "rms_norm")},
    **{
        f"attention {mask}": small(
            [{"node": "a", "op": "attention", "query": "x", "key": "x", "value": "x", "mask": mask, "scale_squared": "1/3"}]
        )
        for mask in ("causal", "none")
    },
    "attention of sums": small(
        [
            {"node": "s", "op": "sum_positions", "of": "x"},
            {"node": "a", "op": "attention", "query": "s", "key": "x", "value": "s", "mask": "none", "scale_squared": "1/50"},
            {"node": "c", "op": "attention", "query": "p", "key": "p", "value": "p", "mask": "none", "scale_squared": "1/1"},
            {"node": "d", "op": "attention", "query": "p", "key": "s", "value": "e", "mask": "causal", "scale_squared": "1/90"},
            {"node": "y", "op": "add", "of": ["a", "c", "d"]},
        ]
    ),
    "sums of positions alone": small([{"node": "s", "op": "sum_positions", "of": "p"}, {"node": "y", "op": "add", "of": ["s", "x"]}]),
}
EACH["position-wise embedding"] = Net(
    {"name": "own", "nodes": [{"node": "e", "op": "embed", "tables": ["A", "B"]}], "logits": "e", "outputs": [1, 2]},
    {"A": Weight((3, 3), [float(i) for i in range(9)]), "B": Weight((3, 3), [10.0 * i for i in range(9)])},
    2,
    3,
)


@BOTH
@pytest.mark.parametrize("name", EACH)
def test_each_operator(name: str, arithmetic: Arithmetic) -> None:
    net = EACH[name]
    inputs = list(itertools.product(range(3), repeat=2))
    found = judge_of(net, task_of(name="min", positions=2), arithmetic).evaluation.logits(inputs, (0, 1))
    lows, highs = ends(found.cells)
    first, last = net.program.get("outputs", [0, 2])
    lines = [evaluate(net, tokens)[net.program["logits"]][place][first : last + 1] for tokens in inputs for place in (0, 1)]
    points = [value for line in lines for value in line]
    assert len(points) == len(lows)
    with flint.ctx.workprec(BITS):
        for low, high, value in zip(lows, highs, points, strict=True):
            assert inside(low, high, value)
            assert low is not None
            assert high is not None
            assert high - low < Fraction(1, 10**14 if arithmetic.name == "mpmath" else 10**9)


def test_the_operators_differ() -> None:
    """A network that says another word computes another function: the test above would notice an exchange of any two."""
    inputs = list(itertools.product(range(3), repeat=2))
    tables = {
        name: tuple(x.mid().str(30) for tokens in inputs for line in evaluate(net, tokens)[net.program["logits"]] for x in line)
        for name, net in EACH.items()
    }
    assert len(set(tables.values())) == len(tables)


@BOTH
def test_tables_of_different_lengths(arithmetic: Arithmetic) -> None:
    """Each row is one of its own table: rows were once looked up in the tables end to end."""
    sizes = [("A", 4), ("B", 2), ("C", 3)]
    weights = {name: Weight((rows, 2), [100.0 * at + i for i in range(2 * rows)]) for at, (name, rows) in enumerate(sizes)}
    net = Net({"name": "own", "nodes": [{"node": "e", "op": "embed", "tables": ["A", "B", "C"]}], "logits": "e"}, weights, 3, 2)
    assert network_of(net).vocabulary == 2
    _holds(net, arithmetic)
    nodes = [{"node": "e", "op": "embed", "tables": ["A"]}, {"node": "f", "op": "embed", "tables": ["B"]}]
    program = {"name": "own", "nodes": [*nodes, {"node": "y", "op": "add", "of": ["e", "f"]}], "logits": "y"}
    _holds(Net(program, {name: weights[name] for name in "AB"}, 3, 2), arithmetic)


def _holds(net: Net, arithmetic: Arithmetic) -> None:
    inputs, places = list(itertools.product(range(net.vocabulary), repeat=net.positions)), tuple(range(net.positions))
    lows, highs = ends(judge_of(net, task_of(name="min", positions=net.positions), arithmetic).evaluation.logits(inputs, places).cells)
    points = [value for tokens in inputs for line in evaluate(net, tokens)[net.program["logits"]] for value in line]
    assert all(inside(low, high, value) for low, high, value in zip(lows, highs, points, strict=True))


# Judging


def twins(gap: float) -> Net:
    """Two outputs, the second one greater by a constant, whatever the token."""
    program = {"name": "twins", "nodes": [{"node": "e", "op": "embed", "tables": ["E"]}], "logits": "e"}
    return Net(program, {"E": Weight((2, 2), [1.0, 1.0 + gap] * 2)}, 1, 2)


@BOTH
@pytest.mark.parametrize("gap", [0.0, 2.0**-52, -(2.0**-52), 3.0, -3.0])
def test_a_tie_is_wrong_and_never_right(gap: float, arithmetic: Arithmetic) -> None:
    net = twins(gap)
    judge = judge_of(net, labelled(net, [1, 0], 0), arithmetic)
    right, wrong = judge.answers(judge.batch([(0,), (1,)]))
    assert right == [gap > 0, gap < 0]
    exact = arithmetic.name == "mpmath" or gap != 0  # an exact cancellation is undecided in floats
    assert wrong == [gap <= 0 and exact, gap >= 0 and exact]


@BOTH
def test_a_tie_after_attention_is_never_right(arithmetic: Arithmetic) -> None:
    nodes = [
        {"node": "a", "op": "attention", "query": "x", "key": "x", "value": "x", "mask": "causal", "scale_squared": "1/3"},
        {"node": "u", "op": "linear", "of": "a", "factors": ["U"]},
    ]
    net = small(nodes, {"U": Weight((3, 2), [0.7, 0.7, -1.5, -1.5, 2.0, 2.0])})
    for label in (0, 1):
        judge = judge_of(net, labelled(net, [label] * 9, 1), arithmetic)
        batch = judge.batch(list(itertools.product(range(3), repeat=2)))
        assert judge.answers(batch)[0] == [False] * 9
        assert set(judge.possible_outputs(batch).values()) == {9}


@BOTH
@pytest.mark.parametrize("gap", [0.0, 2.0**-30, 0.5, -0.5, 5.0, -5.0, 40.0, -40.0, 800.0, -600.0, -1000.0, -(2.0**20) + 1])
def test_the_loss_is_bounded_closely(gap: float, arithmetic: Arithmetic) -> None:
    net = twins(gap)
    judge = judge_of(net, labelled(net, [1, 1], 0), arithmetic)
    batch = judge.batch([(0,)])
    if gap < -(2**15) or (gap < -700 and arithmetic.name == "fast"):
        with pytest.raises(StepRejected) as caught:
            judge.losses(batch)
        assert caught.value.code == "undecided-exponential"
        return
    units = judge.losses(batch)
    with flint.ctx.workprec(BITS):
        true = (1 + (-arb(gap)).exp()).log()
        assert arb((units, -LOSS_BITS)) >= true
        assert arb((units - 2 - (1 << 20), -LOSS_BITS)) <= true


@BOTH
@pytest.mark.parametrize("gap", [2.0**20, 2.0**20 + 2.0**19, 2.0**21, 2.0**900])
def test_a_loss_too_great_for_exp_is_refused(gap: float, arithmetic: Arithmetic) -> None:
    """Between 2^20 and 2^21 the reference once divided by zero."""
    net = twins(-gap)
    judge = judge_of(net, labelled(net, [1, 1], 0), arithmetic)
    with pytest.raises(StepRejected) as caught:
        judge.losses(judge.batch([(0,)]))
    assert caught.value.code == "undecided-exponential"


@BOTH
def test_an_answer_that_does_not_compete_is_refused(arithmetic: Arithmetic) -> None:
    net = copy.deepcopy(EACH["position-wise embedding"])
    judge = judge_of(net, labelled(net, [0] * 9, 1), arithmetic)
    with pytest.raises(StepRejected) as caught:
        judge.batch([(0, 0)])
    assert caught.value.code == "no-such-output"
    judge = judge_of(net, labelled(net, [2] * 9, 1), arithmetic)
    assert judge.batch([(0, 0)]).labels == (1,)
    assert judge.answers(judge.batch([(0, 1)])) == ([True], [False])
    assert judge.possible_outputs(judge.batch([(0, 1), (2, 2)])) == {1: 0, 2: 2}


@BOTH
def test_several_answers_must_all_be_right(arithmetic: Arithmetic) -> None:
    """Cumulative sign of the tokens themselves, -1, 0 and 1; the network knows the sign of each token alone."""
    table = Weight((3, 3), [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0])
    net = Net({"name": "signs", "nodes": [{"node": "e", "op": "embed", "tables": ["E"]}], "logits": "e"}, {"E": table}, 2, 3)
    task = task_of(name="cumulative_sign", positions=2, values=[-1, 0, 1], answer="whole")
    judge = judge_of(net, task, arithmetic)
    inputs = list(itertools.product(range(3), repeat=2))
    right, wrong = judge.answers(judge.batch(inputs))
    sign = [(a > 1) - (a < 1) for a, _ in inputs], [(a + b > 2) - (a + b < 2) for a, b in inputs]
    true = [a - 1 == s and b - 1 == t for (a, b), s, t in zip(inputs, *sign, strict=True)]
    assert (right, wrong) == (true, [not one for one in true])
    for act in (judge.losses, judge.possible_outputs):  # which know of one answer alone
        with pytest.raises(StepRejected) as caught:
            act(judge.batch(inputs))
        assert caught.value.code == "task-misfit"


def test_a_task_of_several_answers_has_no_classes() -> None:
    counts = Count({(): 1}, {(): 1}, {(): 2})
    with pytest.raises(StepRejected) as caught:
        worst_class({"counts": [counts]}, {}, None)  # type: ignore[arg-type]
    assert caught.value.code == "task-misfit"


@BOTH
@pytest.mark.parametrize("ending", ["linear", "rms_norm", "layer_norm", "attention", "gelu", "gelu_tanh", "silu"])
def test_towers_of_squares(ending: str, arithmetic: Arithmetic) -> None:
    """Numbers of 2^(2^100) and 2^-(2^100) side by side: decided rightly or refused, and quickly."""
    tower = [{"node": f"s{n}", "op": "square", "of": f"s{n - 1}" if n else "x"} for n in range(100)]
    last: dict[str, Any] = {"node": "y", "op": ending, "of": "s99"}
    last |= {"factors": ["W"]} if ending == "linear" else {"epsilon": "1/1000"} if ending.endswith("norm") else {}
    if ending == "attention":
        last = {"node": "y", "op": ending, "query": "x", "key": "s99", "value": "s99", "mask": "causal", "scale_squared": "1/3"}
    net = small([*tower, last], {"W": Weight((3, 2), [1.0, 2.0, -3.0, 4.0, 0.0, 0.5])} if ending == "linear" else {})
    inputs = [(0, 1), (2, 2)]
    evaluation = judge_of(net, task_of(name="min", positions=2), arithmetic).evaluation
    if ending == "attention":  # a score of that size has no exponential
        with pytest.raises(StepRejected, match="undecided-"):
            evaluation.logits(inputs, (0, 1))
    elif arithmetic.name == "fast":
        with contextlib.suppress(StepRejected):
            cells = evaluation.logits(inputs, (0, 1)).cells
            assert not (np.isfinite(cells.lo) & np.isfinite(cells.hi)).all()
    else:
        cells = evaluation.logits(inputs, (0, 1)).cells.cells
        points = [x for tokens in inputs for line in evaluate(net, tokens)["y"] for x in line]
        assert len(cells) == len(points)
        for cell, x in zip(cells, points, strict=True):
            assert not outside(cell, x)
