"""The rule symmetry against enumeration: true and false hints about symmetric, nearly symmetric and random networks."""

from __future__ import annotations

import base64
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tests.groups import GROUPS, LOOP, cyclic, loss, margins, symmetric_network, two_tokens
from tests.programs import ARITHMETICS, Case, counted, step
from verifier.kernel.certificate import FloatArray, IntegerArray
from verifier.kernel.errors import LimitExceeded, StepRejected
from verifier.kernel.facts import Count, LossSum
from verifier.kernel.limits import LIMITS
from verifier.kernel.network.judging import LOSS_BITS
from verifier.strategies.groups import FiniteGroup
from verifier.strategies.symmetry import Layer, hints

MODULE = sys.modules["verifier.kernel.rules.evaluation.symmetry"]
INTEGERS = ("units", "first_classes", "second_classes", "first_moves", "second_moves", "output_moves", "unit_moves")


def found(case: Case) -> dict[str, Any]:
    """The search's hints, as a certificate holds them."""
    first, second, matrix = (np.array(case.weights[name]) for name in ("L", "R", "U"))
    layer = Layer(first, second, matrix - matrix.mean(1, keepdims=True))
    return hints(layer, FiniteGroup(np.array(case.task["table"])))


def array(hint: dict[str, Any]) -> np.ndarray:
    dtype = {"f64": "<f8", "i64": "<i8"}[hint["array"]]
    return np.frombuffer(base64.b64decode(hint["base64"]), dtype).reshape(hint["shape"])


def decoded(arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    """Arrays as rules are given them."""
    return {
        name: IntegerArray(tuple(map(tuple, one.tolist())))
        if name in INTEGERS
        else FloatArray(one.astype("<f8").tobytes(), "F64", (one.shape[0], one.shape[1]))
        for name, one in arrays.items()
    }


def arrays_of(case: Case) -> dict[str, np.ndarray]:
    return {name: array(hint) for name, hint in found(case).items()}


@pytest.fixture
def nothing_evaluated(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the sketch does not decide counts for nothing, so that a wrong bound is not repaired."""

    def none(self: Any, places: Any) -> Iterator[Any]:
        return iter(())

    monkeypatch.setattr(MODULE._Bounds, "_left", none)


def networks(count: int) -> Iterator[Case]:
    """Symmetric ones with more and more noise, small and large."""
    rng = np.random.default_rng(0)
    for number in range(count):
        for table in GROUPS.values():
            noise, scale = (1e-4, 0.03, 0.0, 0.3, 1.0)[number % 5], (1.0, 30.0, 0.1)[number % 3]
            yield symmetric_network(table, rng, noise * scale, families=1 + number % 2, scale=scale)


def checked(case: Case, arrays: dict[str, np.ndarray], by: str = "fast") -> int:
    """How many inputs the hints show to be right; asserts that no more are, class by class."""
    fact = case.fact("symmetry", by, measure="answers", **decoded(arrays))
    assert isinstance(fact, Count)
    table, right = np.array(case.task["table"]), margins(case) > -1e-9
    for (label,), number in fact.counts.items():
        assert number <= right[table == label].sum()
    for (label,), number in fact.wrong.items():
        assert number <= (margins(case) <= 1e-9)[table == label].sum()
    assert fact.totals == {(label,): int((table == label).sum()) for label in range(len(table))}
    return sum(fact.counts.values())


def test_what_the_sketch_decides_is_right(nothing_evaluated: None) -> None:
    shown = right = 0
    for case in networks(5):
        shown, right = shown + checked(case, arrays_of(case)), right + int((margins(case) > 0).sum())
    assert shown > 0.1 * right > 0


def test_both_arithmetics_decide_the_same(nothing_evaluated: None) -> None:
    for case in list(networks(3))[:8]:
        arrays = arrays_of(case)
        assert checked(case, arrays, "fast") == checked(case, arrays, "mpmath")


def test_what_is_left_is_evaluated() -> None:
    for case in networks(5):
        fact = case.fact("symmetry", measure="answers", **decoded(arrays_of(case)))
        assert isinstance(fact, Count)
        assert sum(fact.counts.values()) == (margins(case) > 0).sum()
        assert sum(fact.counts.values()) + sum(fact.wrong.values()) == margins(case).size


@pytest.mark.parametrize("by", ARITHMETICS)
def test_losses_are_bounds(by: str) -> None:
    for case in list(networks(5))[:: 1 if by == "fast" else 4]:
        try:
            fact = case.fact("symmetry", by, measure="loss", **decoded(arrays_of(case)))
        except StepRejected:  # a loss of a thousand nats, which float64 has no exponential of
            assert np.abs(margins(case)).max() > 500
            continue
        assert isinstance(fact, LossSum)
        assert fact.units >= (loss(case) - 1e-6) * 2**LOSS_BITS
        assert fact.inputs == margins(case).size


def test_a_symmetric_network_costs_no_more_than_its_loss() -> None:
    case = symmetric_network(GROUPS["S3"], np.random.default_rng(3), families=2)
    fact = case.fact("symmetry", measure="loss", **decoded(arrays_of(case)))
    assert isinstance(fact, LossSum)
    assert fact.units * 2.0**-LOSS_BITS == pytest.approx(loss(case), rel=1e-6)


# Hints that are false


def test_hints_changed_anywhere_prove_nothing_false(nothing_evaluated: None) -> None:
    rng, refused, shown = np.random.default_rng(5), 0, 0
    for case in networks(3):
        true = arrays_of(case)
        for name in true:
            one = true[name].copy()
            flat = one.reshape(-1)
            if name in INTEGERS:
                flat[rng.integers(flat.size)] = rng.integers(one.max() + 1)
            elif rng.random() < 0.5:
                flat[rng.integers(flat.size)] *= rng.choice([-1.0, 0.0, 2.0, 1e6])
            else:
                flat *= rng.choice([0.5, -1.0, 1e-3, 1e3])
            try:
                shown += checked(case, true | {name: one}) > 0
            except StepRejected:
                refused += 1
    assert refused > 5
    assert shown > 5


def test_hints_of_another_network_prove_nothing_false(nothing_evaluated: None) -> None:
    for table in GROUPS.values():
        rng = np.random.default_rng(11)
        one = symmetric_network(table, rng, 0.01)
        width = len(one.weights["U"])
        first, second, matrix = (3 * rng.normal(size=shape) for shape in ((len(table), width), (len(table), width), (width, len(table))))
        other = two_tokens(table, first, second, matrix, rng.normal(size=len(table)))
        checked(other, arrays_of(one))


def test_neurons_in_the_wrong_unit_prove_nothing_false(nothing_evaluated: None) -> None:
    rng = np.random.default_rng(13)
    for case in networks(5):
        true = arrays_of(case)
        checked(case, true | {"units": rng.permuted(true["units"], axis=1)})
        checked(case, true | {"units": np.zeros_like(true["units"])})


def refusal(case: Case, arrays: dict[str, np.ndarray]) -> str:
    with pytest.raises(StepRejected) as caught:
        case.fact("symmetry", measure="answers", **decoded(arrays))
    return caught.value.code


def test_a_table_that_is_no_groups_has_no_such_symmetries() -> None:
    """A Latin square with an identity that is not associative: its rows are permutations, and products do not move with them."""
    group = two_tokens(cyclic(5), *(np.eye(5) for _ in range(3)), np.zeros(5))
    loop = two_tokens(LOOP, *(np.eye(5) for _ in range(3)), np.zeros(5))
    true = arrays_of(group)
    assert margins(group).size == 25
    table, same = np.array(LOOP), np.arange(5)
    rows = {"first_moves": [table[1], same], "second_moves": [same, table[:, 1]], "output_moves": [table[1], table[:, 1]]}
    moves = {name: np.array(one) for name, one in rows.items()}
    assert refusal(loop, true | moves) == "no-symmetry"
    assert refusal(loop, true) == "no-symmetry"


def test_false_symmetries_are_refused() -> None:
    case = symmetric_network(GROUPS["S3"], np.random.default_rng(17))
    true = arrays_of(case)
    twice = true["first_moves"].copy()
    twice[0, 0] = twice[0, 1]  # not a permutation
    assert refusal(case, true | {"first_moves": twice}) == "no-symmetry"
    moved = true["output_moves"][:, [1, 0, 2, 3, 4, 5]]
    assert refusal(case, true | {"output_moves": moved}) == "no-symmetry"
    still = np.tile(np.arange(true["unit_moves"].shape[1]), (len(true["unit_moves"]), 1))
    assert refusal(case, true | {"unit_moves": still}) == "no-symmetry"
    outputs = true["unit_outputs"].copy()
    outputs[0, 0] = np.nextafter(outputs[0, 0], 9)  # one bit of the ideal
    assert refusal(case, true | {"unit_outputs": outputs}) == "no-symmetry"
    classes = true["first_classes"].copy()
    classes[0, 0] = (classes[0, 0] + 1) % (classes.max() + 1)
    assert refusal(case, true | {"first_classes": classes}) == "no-symmetry"


def test_shapes_that_do_not_fit_are_refused() -> None:
    case = symmetric_network(GROUPS["Z5"], np.random.default_rng(19))
    true = arrays_of(case)
    for name, one in true.items():
        for wrong in (one[:, 1:], one[1:] if len(one) > 1 else np.vstack([one, one])):
            if wrong.size:
                assert refusal(case, true | {name: wrong}) in ("wrong-shape", "no-symmetry")
    high = true["units"] + true["unit_moves"].shape[1]
    assert refusal(case, true | {"units": high}) == "wrong-shape"
    assert refusal(case, true | {"first_classes": true["first_classes"] + 99}) == "wrong-shape"


def test_scales_that_are_not_positive_are_refused() -> None:
    case = symmetric_network(GROUPS["Z5"], np.random.default_rng(23))
    true = arrays_of(case)
    assert refusal(case, true | {"scales": 0 * true["scales"]}) == "undecided-divisor"


def test_networks_of_another_shape_are_refused() -> None:
    case = symmetric_network(GROUPS["S3"], np.random.default_rng(29))
    true, nodes = arrays_of(case), case.program["nodes"]
    bent = [*nodes[:2], nodes[2] | {"op": "gelu"}, nodes[3]]
    late = [*nodes, {"node": "v", "op": "relu", "of": "u"}]
    more = [*nodes, {"node": "v", "op": "add", "of": ["u", "u"]}]
    for changed, logits in ((bent, "u"), (late, "v"), (more, "v")):
        other = Case(case.program | {"nodes": changed, "logits": logits}, case.weights, case.task, case.scope)
        assert refusal(other, true) == "wrong-subject"
    longer = [nodes[0] | {"tables": ["L", "R", "L"]}, *nodes[1:]]
    three = Case(case.program | {"nodes": longer}, case.weights, case.task | {"positions": 3}, {"tokens": [[0, 5]] * 3})
    assert refusal(three, true) == "wrong-subject"


def test_a_smaller_scope_is_counted_alone() -> None:
    case = symmetric_network(GROUPS["Q8"], np.random.default_rng(31), 1e-3, families=2)
    few = Case(case.program, case.weights, case.task, {"tokens": [[1, 3], [0, 7]], "conditions": [{"less": [0, 1]}]})
    fact = few.fact("symmetry", measure="answers", **decoded(arrays_of(case)))
    assert isinstance(fact, Count)
    inside = np.array([[1 <= x <= 3 and x < y for y in range(8)] for x in range(8)])
    assert sum(fact.counts.values()) == ((margins(case) > 0) & inside).sum()
    assert sum((fact.totals or {}).values()) == inside.sum()


def test_orbits_of_too_many_points_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    case = symmetric_network(GROUPS["S3"], np.random.default_rng(37))
    true = arrays_of(case)
    monkeypatch.setitem(vars(LIMITS), "orbit_points", 35)
    with pytest.raises(LimitExceeded) as caught:
        case.fact("symmetry", measure="answers", **decoded(true))
    assert caught.value.code == "limit-orbit-points"


def test_verdicts() -> None:
    case = symmetric_network(GROUPS["S3"], np.random.default_rng(41), 1e-3)
    given = found(case)
    exact = f"{int((margins(case) > 0).sum())}/36"
    truth = ("accuracy", ">=", exact if exact != "36/36" else "1/1")
    assert case.verdict(*counted("symmetry", measure="answers", **given)).word == "PROVED"
    foreign = symmetric_network(GROUPS["S3"], np.random.default_rng(43), 1e-3)
    assert foreign.subject["model"] != case.subject["model"]
    losses = [step("losses", "symmetry", measure="loss", **given), step("bound", "mean_loss", {"losses": "losses"})]
    assert case.verdict(*losses, claim=("cross_entropy", "<=", "0/1")).word == "INCOMPLETE"
    assert truth[2]
