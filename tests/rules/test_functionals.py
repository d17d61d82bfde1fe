"""Functionals of the attention against plain floats, input by input: norms in between, lines, sizes, corners of several heads."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest

from tests.programs import Case
from tests.rules.test_cells import SIGN, small
from tests.rules.test_relaxed_margin import maximum, normed, normed_between, two_heads
from verifier.kernel.numbers.tensor import Tensor
from verifier.kernel.pieces.functionals import Form
from verifier.kernel.pieces.least import Multipliers, Question
from verifier.kernel.pieces.piece import Leaf
from verifier.kernel.pieces.relaxed import Relaxed
from verifier.kernel.pieces.rows import enclosed
from verifier.networks.floats import FloatNetwork
from verifier.strategies.slots.multipliers import middle
from verifier.strategies.slots.relaxed import RelaxedRead
from verifier.strategies.slots.sizes import size_ranges

NEAR = 1e-7
NORMED = [
    normed_between(small("max", 4, 3, mlp="relu")),
    normed_between(small("signs", 4, 3, SIGN, outputs=3, mlp="relu"), "rms_norm"),
    normed_between(normed(small("a norm at the end", 4, 3, mlp="relu"))),
    normed_between(two_heads("two heads", 4, 3, maximum(3), mlp="relu")),
]


class Single:
    """Every input of a small network as a piece of its own, with the values of its nodes in float64."""

    def __init__(self, one: Case) -> None:
        context = one.context()
        self.read = len(context.subject.task.layout.reads) - 1
        search = RelaxedRead(self.read, context)
        inputs = list(product(*(range(first, last + 1) for first, last in context.subject.scope.ranges)))
        scores = search.cutting.scores
        leaves: list[Leaf] = []
        for tokens in inputs:
            total = sum(line[token] for line, token in zip(scores, tokens, strict=True))
            leaves.append(search.cutting.leaf((*((token, token) for token in tokens), (total, total))))
        self.pieces = [leaf.piece for leaf in leaves if leaf.piece is not None]
        assert len(self.pieces) == len(inputs)
        self.relaxed = Relaxed(search.judge, search.cutting, self.pieces, 1)
        self.place = context.subject.task.layout.reads[self.read]
        self.floats, self.inputs = FloatNetwork(context.network), np.array(inputs)

    def node(self, name: str) -> np.ndarray:
        """A node's value at the read for each input, shape (inputs, width)."""
        program = self.floats.network.program
        cut = FloatNetwork(
            type(self.floats.network)(**vars(self.floats.network) | {"program": type(program)(**vars(program) | {"logits": name})})
        )
        return cut.logits(self.inputs, (self.place,), all_columns=True)[:, 0]

    def sizes(self) -> np.ndarray:
        """The size of the norm's operand for each input."""
        assert self.relaxed.sizes is not None
        norm = self.relaxed.sizes.norm
        value = self.node(norm.inputs[0])
        inner = value - value.mean(axis=1, keepdims=True) if norm.operator == "layer_norm" else value
        return np.sqrt((inner**2).mean(axis=1) + float(norm.numbers["epsilon"]))

    def points(self, numbers: np.ndarray) -> Tensor:
        """Floats as exact enclosures, axis (piece,)."""
        rows = [[Fraction(float(number))] for number in numbers]
        return enclosed(self.relaxed.judge.workshop, rows, "piece", "one").select("one", 0)


def value_of(form: Form, question: Question, index: int) -> np.ndarray:
    """The functionals of one piece, which is one input, in floats."""
    piece = question.slots.pieces[index]
    tokens = [piece.slots[place][0] for place in question.functionals.places]

    def part(tensor: Tensor) -> np.ndarray:
        array = middle(tensor.take("piece", [index]).select("piece", 0) if "piece" in tensor.axes else tensor)
        return np.asarray(array)

    total: Any = 0.0 if form.constant is None else part(form.constant)
    for node in question.functionals.heads:
        if node.name in form.heads:
            weights = middle(question.functionals.weights(node, question.query))
            table = form.heads[node.name]
            table = table.spread(("piece", "key_place", "token", "column"), {"piece": 1} | table.sizes)
            values = middle(table)[index if table.size("piece") > 1 else 0]
            chosen = [weights[slot, token] for slot, token in enumerate(tokens)]
            total = total + sum(w * values[slot, token] for slot, (w, token) in enumerate(zip(chosen, tokens, strict=True))) / sum(chosen)
    return np.asarray(total)


@pytest.mark.parametrize("one", NORMED, ids=repr)
def test_the_ranges_of_a_size_hold_it(one: Case) -> None:
    single = Single(one)
    sizes, relaxed = single.sizes(), single.relaxed
    assert relaxed.sizes is not None
    for query, members in relaxed.alike(relaxed.functionals):
        _, found, _ = size_ranges(relaxed.sizes, relaxed.question(query, members))
        low, high = found["sizes"].T
        assert (low <= sizes[members] * (1 + NEAR)).all()
        assert (sizes[members] <= high * (1 + NEAR)).all()
        assert (low > sizes[members] * (1 - 1e-3) - 1e-6).all()  # of a single input the nearest point is the operand itself


@pytest.mark.parametrize("width", [0.0, 0.5], ids=["exact", "relaxed"])
@pytest.mark.parametrize("one", NORMED, ids=repr)
def test_margins_behind_a_norm_are_those_of_the_network_or_less(one: Case, width: float) -> None:
    """The size times the margin before the last norm; equal where no sign before relu is in doubt."""
    single = Single(one)
    sizes, relaxed = single.sizes(), single.relaxed
    (node,) = relaxed.bent
    scaled = sizes[:, None] * single.node(node.inputs[0])
    tail, _ = relaxed.judge.margins(relaxed.pieces[0].answer)
    before = single.node(tail)
    for query, members in relaxed.alike(relaxed.functionals):
        ends = [([Fraction(float(x)) for x in row - width], [Fraction(float(x)) for x in row + width]) for row in scaled[members]]
        lines, points = relaxed.lines(ends), single.points(sizes[members])
        for answer, chosen in relaxed.by_answer(members):
            within = points.take("piece", chosen), points.take("piece", chosen)
            form = relaxed.margin_form(query, answer, {node.name: lines.of(chosen)}, within)
            question = relaxed.question(query, [members[place] for place in chosen])
            matrix = middle(relaxed.judge.margins(answer)[1])
            for index, place in enumerate(chosen):
                true = sizes[members[place]] * (before[members[place]] @ matrix)
                found = value_of(form, question, index)
                assert (found <= np.tile(true, 2) + NEAR * (1 + np.abs(np.tile(true, 2)))).all()
                if not width:
                    assert np.allclose(found, np.tile(true, 2), atol=1e-6, rtol=1e-6)


def test_no_shares_of_several_heads_exceed_what_an_input_has() -> None:
    """Attack: sums of weights taken at one end, though what they divide may be negative."""
    one = two_heads("corners", 4, 3, maximum(3))
    single, draw = Single(one), np.random.default_rng(1)
    search = RelaxedRead(0, one.context())
    (whole,) = [leaf for leaf in [search.cutting.leaf(((0, 3), (0, 3), (3, 3), (0, 0)))] if leaf.piece is not None]
    assert whole.piece is not None
    relaxed = Relaxed(search.judge, search.cutting, [whole.piece], 1)
    question = relaxed.question(3, [0])
    form = relaxed.margin_form(3, 3, {}, None)
    inside = [index for index, tokens in enumerate(single.inputs) if tokens[2] == 3]
    alone = single.relaxed.question(3, inside)
    values = np.array([value_of(single.relaxed.margin_form(3, 3, {}, None), alone, index) for index in range(len(inside))])
    least = values.min(axis=0)
    proved = 0
    for _ in range(400):
        above = draw.random() < 0.5
        bound = least + (1e-3 if above else -draw.random())
        tensors = [
            enclosed(relaxed.judge.workshop, [[Fraction(float(x)) for x in row]], "piece", "column")
            for row in (bound, draw.normal(0, 2, len(bound)))
        ]
        shares = tensors[1].spread(("head", "piece", "column"), {"head": 1} | tensors[1].sizes)
        (found,) = question.exceeds(form, tensors[0], Multipliers(None, shares)).to_list()
        assert not (above and any(found))
        proved += sum(found)
    assert proved > 0
