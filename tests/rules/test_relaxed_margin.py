"""relaxed_margin: never more than enumeration finds, all of it on pieces of one input, and large pieces where margins are clear."""

from __future__ import annotations

import random
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from tests.pieces import cut, floats, hints_for, lost, noisy, whole, wrong_at
from tests.programs import ARITHMETICS, Case, full, normal, step
from tests.rules.test_cells import SIGN, SUM, able, attention, maximum, small
from verifier.kernel.certificate import IntegerArray
from verifier.kernel.errors import StepRejected
from verifier.kernel.pieces.relaxed import Relaxed
from verifier.kernel.pieces.rows import enclosed
from verifier.strategies.slots.multipliers import Solution
from verifier.strategies.slots.relaxed import RelaxedRead
from verifier.strategies.steps import integer_array


def two_heads(name: str, v: int, n: int, task: dict[str, Any], **more: Any) -> Case:
    """Two heads of one layer, added to the stream."""
    one = small(name, v, n, task, **more)
    rng = random.Random(name + "second head")
    nodes = list(one.program["nodes"])
    place = next(index for index, node in enumerate(nodes) if node["node"] == "y0")
    nodes[place : place + 1] = [*attention("b", "x"), nodes[place] | {"of": ["x", "o0", "ob"]}]
    weights = {f"{role}b": normal(rng, 3, 2) for role in "QKV"} | {"Ob": normal(rng, 2, 3)}
    return replace(one, program=one.program | {"nodes": nodes}, weights={**one.weights, **weights})


def normed(one: Case) -> Case:
    """With a norm before the logits."""
    nodes = list(one.program["nodes"])
    last = nodes[-1]
    nodes[-1:] = [{"node": "fn", "op": "layer_norm", "of": last["of"], "epsilon": "1/1000"}, last | {"of": "fn"}]
    return replace(one, program=one.program | {"nodes": nodes})


def normed_between(one: Case, kind: str = "layer_norm") -> Case:
    """With a norm before the MLP, behind the attention, a gain and a bias."""
    nodes = list(one.program["nodes"])
    place = next(index for index, node in enumerate(nodes) if node["op"] == "relu")
    up = next(index for index, node in enumerate(nodes) if node["node"] == nodes[place]["of"])
    rng, width = random.Random(one.name), 3
    norm = [
        {"node": "bn", "op": kind, "of": nodes[up]["of"], "epsilon": "1/1000"},
        {"node": "bg", "op": "scale", "of": "bn", "by": "bg"},
        {"node": "bb", "op": "linear", "of": "bg", "bias": "bb"},
    ]
    nodes[up : up + 1] = [*norm, nodes[up] | {"of": "bb"}]
    return replace(
        one,
        name=f"{kind} between, {one.name}",
        program=one.program | {"nodes": nodes},
        weights={**one.weights, "bg": [rng.uniform(-1, 2) for _ in range(width)], "bb": [rng.uniform(-1, 1) for _ in range(width)]},
    )


CASES = [
    normed_between(small("max", 4, 3, mlp="relu")),
    normed_between(small("signs", 4, 3, SIGN, outputs=3, mlp="relu"), "rms_norm"),
    normed_between(normed(small("a norm at the end", 4, 3, mlp="relu"))),
    normed_between(two_heads("two heads", 4, 3, maximum(3), mlp="relu")),
    small("attention", 5, 3),
    small("no mask", 4, 3, mask="none"),
    small("relu", 4, 3, mlp="relu"),
    small("norms before attention", 4, 3, norm="layer_norm", mlp="relu"),
    normed(small("a norm at the end", 5, 3)),
    normed(small("relu and a norm", 4, 3, mlp="relu")),
    small("a fixed slot", 5, 3, maximum(3, fixed=[[1, 4]])),
    small("a part of the tokens", 6, 3, None, {"tokens": [[1, 4], [0, 5], [2, 3]]}),
    small("conditions", 4, 3, None, full(4, 3, {"less": [0, 2]})),
    small("min", 4, 3, {"name": "min", "positions": 3}),
    small("sum of digits", 3, 7, SUM, {"tokens": [[0, 2]] * 4}, mlp="relu"),
    small("signs", 4, 3, SIGN, outputs=3, mlp="relu"),
    small("modular sum", 4, 2, {"name": "modular_sum", "positions": 2, "modulus": 4}),
    small("scores so far apart that exponentials underflow", 4, 3, sharp=4096.0),
    small("more outputs than tokens", 3, 3, outputs=5),
    two_heads("two heads", 4, 3, maximum(3)),
    two_heads("two heads and relu", 4, 3, maximum(3), mlp="relu"),
    two_heads("two heads, signs", 4, 3, SIGN, outputs=3),
]


# inputs that the conditions leave out may be lost as well; weights are relative to the largest of all tokens, not of those of a piece; the
# size of a mixture may be far below the mean of the sizes that are mixed
LOSSY = ("conditions", "scores so far apart that exponentials underflow", "layer_norm between, max", "rms_norm between, signs")


def reads(one: Case) -> range:
    return range(len(one.context().subject.task.layout.reads))


@pytest.mark.parametrize("one", CASES, ids=repr)
def test_pieces_of_one_input_are_decided_as_enumeration_does(one: Case) -> None:
    for read in reads(one):
        splits = cut(whole(one, read), random.Random(0), 0)
        found = lost(one, "relaxed_margin", "fast", hints_for(one, RelaxedRead, read, splits))
        if repr(one) in LOSSY:
            assert found >= wrong_at(one, read)
        else:
            assert found == wrong_at(one, read)


@pytest.mark.parametrize("one", CASES, ids=repr)
def test_no_tree_and_no_hints_find_more_than_enumeration(one: Case) -> None:
    rng = random.Random(repr(one))
    for read in reads(one):
        wrong = wrong_at(one, read)
        for stop in (0.02, 0.1, 0.2, 1.0):
            splits = cut(whole(one, read), rng, stop)
            hints = hints_for(one, RelaxedRead, read, splits)
            for changed in (
                hints,
                noisy(hints, rng, lambda number: number + abs(rng.gauss(0, 0.1))),
                noisy(hints, rng, lambda number: number * rng.uniform(0.5, 1.5)),
            ):
                assert lost_or_refused(one, changed) >= wrong


def lost_or_refused(one: Case, hints: dict[str, Any]) -> int:
    """All inputs where a changed range has its ends in the wrong order."""
    try:
        return lost(one, "relaxed_margin", "fast", hints)
    except StepRejected as error:
        if error.code != "bad-range":
            raise
        return one.context().subject.total


def test_both_arithmetics_agree() -> None:
    one = small("relu", 4, 3, mlp="relu")
    splits = cut(whole(one, 0), random.Random(5), 0.1)
    hints = hints_for(one, RelaxedRead, 0, splits)
    assert lost(one, "relaxed_margin", "mpmath", hints) == lost(one, "relaxed_margin", "fast", hints)


@pytest.mark.parametrize("by", ARITHMETICS)
def test_clear_margins_are_proved_on_large_pieces(by: str) -> None:
    one = able(5, 4)
    search = RelaxedRead(0, one.context())
    cuts, leaves = search.tree()
    assert len(leaves) < 80  # of 625 inputs
    assert lost(one, "relaxed_margin", by, hints_for(one, RelaxedRead, 0, cuts)) == 0


def pieces_of(one: Case) -> tuple[dict[str, Any], int]:
    """Hints of a tree of several pieces, and how many there are."""
    splits = cut(whole(one, 0), random.Random(3), 0.1)
    hints = hints_for(one, RelaxedRead, 0, splits)
    return hints, hints["ranges"].shape[0]


def test_a_range_that_does_not_hold_loses_its_piece() -> None:
    """Attack: all neurons said to be off, or on, so that the network becomes another, linear one."""
    one = small("relu", 4, 3, mlp="relu")
    hints, _ = pieces_of(one)
    total = one.context().subject.total
    for low, high in ((-2.0, -1.0), (1.0, 2.0)):
        rows = np.zeros(hints["ranges"].shape)
        rows[:, : rows.shape[1] // 2], rows[:, rows.shape[1] // 2 :] = low, high
        assert lost(one, "relaxed_margin", "fast", hints | {"ranges": floats(rows)}) == total


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"read": 1}, "missing-read"),
        ({"splits": IntegerArray(((0, 0),))}, "bad-splits"),
        ({"splits": IntegerArray(((0, 1), (-1, -1)))}, "bad-splits"),
        ({"splits": IntegerArray(((0, 1, 2),))}, "wrong-shape"),
        ({"ranges": floats(np.zeros((1, 8)))}, "wrong-shape"),
        ({"multipliers": floats(np.zeros((1, 2)))}, "wrong-shape"),
        ({"ranges": None}, "wrong-shape"),
    ],
    ids=str,
)
def test_hints_that_make_no_sense_are_refused(change: dict[str, Any], code: str) -> None:
    one = small("relu", 4, 3, mlp="relu")
    hints = {name: hint for name, hint in (pieces_of(one)[0] | change).items() if hint is not None}
    with pytest.raises(StepRejected) as caught:
        one.fact("relaxed_margin", **hints)
    assert caught.value.code == code


def test_lower_ends_above_upper_ends_are_refused() -> None:
    one = small("relu", 4, 3, mlp="relu")
    hints, count = pieces_of(one)
    rows = np.zeros((count, 8))
    rows[:, :4] = 1.0
    with pytest.raises(StepRejected, match="bad-range"):
        one.fact("relaxed_margin", **hints | {"ranges": floats(rows)})


@pytest.mark.parametrize("one", [small("two layers", 3, 3, layers=2), small("gelu", 4, 2, mlp="gelu")], ids=repr)
def test_networks_that_are_not_of_this_form_are_refused(one: Case) -> None:
    hints = {"read": 0, "splits": IntegerArray(tuple(cut(whole(one, 0), random.Random(1), 0))), "divisor": 1}
    with pytest.raises(StepRejected, match="wrong-subject"):
        one.fact("relaxed_margin", **hints)


def test_every_read_must_be_spoken_of() -> None:
    """Attack: the first position, which is easy, three times."""
    one = small("signs", 4, 3, SIGN, outputs=3)
    steps = [step(f"r{index}", "relaxed_margin", read=index, splits=_array([(-1, -1)]), divisor=1) for index in range(3)]
    again = step("r3", "relaxed_margin", read=0, splits=_array([(-1, -1)]), divisor=1)
    verdict = one.verdict(*steps[:2], again, step("bound", "every_read", {"right": ["r0", "r1", "r3"]}))
    assert verdict.word == "REJECTED"
    assert verdict.reason is not None
    assert verdict.reason.code == "missing-read"
    verdict = one.verdict(*steps, step("bound", "every_read", {"right": ["r0", "r1", "r2"]}))
    assert verdict.bound is not None
    assert verdict.bound.certified == 0


def _array(rows: list[tuple[int, int]]) -> dict[str, Any]:
    return integer_array(np.array(rows))


def test_bounds_that_are_not_finite_are_no_hints() -> None:
    """Weights that underflow leave quotients of 0 and 0; a certificate cannot hold them, and the search goes on."""
    rows = np.array([[np.nan, 1.0, -np.inf]])
    found = Solution(rows.copy(), rows.copy(), rows.reshape(1, 3, 1).copy())
    assert found.bounds.tolist() == found.mu.tolist() == [[0.0, 1.0, 0.0]]
    assert found.shares.ravel().tolist() == [0.0, 1.0, 0.0]


def test_what_a_bias_adds_behind_a_norm_is_known_for_every_size_in_its_range() -> None:
    """Attack: a range tested at the lower end of the size alone, where a negative bias weighs least."""
    one = normed_between(small("max", 4, 3, mlp="relu"))
    search = RelaxedRead(0, one.context())
    pieces = [leaf.piece for _, leaf in search.tree()[1] if leaf.piece is not None]
    relaxed = Relaxed(search.judge, search.cutting, pieces, 1)
    (node,) = relaxed.bent
    for query, members in relaxed.alike(relaxed.functionals):
        low, high = (enclosed(search.judge.workshop, [[Fraction(end)]] * len(members), "piece", "one") for end in (1, 2))
        ends = low.select("one", 0), high.select("one", 0)
        between = relaxed.ranged(node, {}, query, ends).constant
        for end in ends:
            single = relaxed.ranged(node, {}, query, (end, end)).constant
            assert between is not None
            assert single is not None
            assert (between.cells.lo <= single.cells.hi).all()
            assert (between.cells.hi >= single.cells.lo).all()
            assert (between.cells.lo < between.cells.hi - 0.1).any()
