"""Pieces: sets of inputs cut by tokens and by a score.  True claims about small networks, and attacks on the hints."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from certificates.corpus.cases import Case
from certificates.corpus.documents import JSON, changed, drop, on_step, put, written
from certificates.corpus.network_makers import NetworkMaker, base_tensors, head, head_tensors, node, ranges, stream
from verifier.kernel.certificate import CERTIFICATE_FORMAT, IntegerArray
from verifier.kernel.numbers.matrix import Ledger
from verifier.kernel.pieces.piece import LEAF, Cutting, Piece
from verifier.kernel.tasks.task import Box
from verifier.strategies.steps import float_array, integer_array

Rows = list[tuple[int, int]]
SLACK = 1 / 16  # of ranges, beyond what is reached
POSITIONS = 3
ATTENTION = 4  # the number of the node `a`
LISTED = "two-heads-listed"
SIZES = (0.6875, 1.0625)  # of (mean, 1)
COUNTED = 5  # inputs of the two heads that counting finds right


def signs(kill: float = 1.0, activation: str = "relu", norms: int = 0, zero: float = 0.125) -> NetworkMaker:
    """Uniform attention gives the mean of 0, 1, -1; the logits are relu(-mean), zero and relu(mean) + kill relu(mean - 1/4).

    With kill = -8 positive sums are answered wrongly.  norms: 1 for RMSNorm of the mean and 1 before the MLP, 2 for one behind it, too.
    Answers at three positions.
    """
    nodes = [
        node("e", "embed", tables=["E"]),
        *(node(role, "linear", of="e", factors=[role.upper()]) for role in "qkv"),
        node("a", "attention", query="q", key="k", value="v", mask="causal", scale_squared="1/1"),
        *([node("n", "rms_norm", of="a", epsilon="1/1000")] if norms else []),
        node("z", "linear", of="n" if norms else "a", factors=["W"]),
        node("r", activation, of="z"),
        *([node("m", "rms_norm", of="r", epsilon="1/1000")] if norms > 1 else []),
        node("u", "linear", of="m" if norms > 1 else "r", factors=["U"], bias="c"),
    ]
    tensors = {
        "E": [[0, 1], [1, 1], [-1, 1]],
        "Q": [[0], [0]],
        "K": [[0], [1]],
        "V": [[1, 0], [0, 1]],
        "W": [[1, -1, 1], [0, 0, -0.25]],
        "U": [[0, 0, 1], [1, 0, 0], [0, 0, kill]],
        "c": [0, zero, 0],
    }
    task = {"name": "cumulative_sign", "positions": POSITIONS, "values": [0, 1, -1], "answer": "whole"}
    arrays = {name: np.array(rows, dtype="<f4") for name, rows in tensors.items()}
    return NetworkMaker({"name": "signs", "nodes": nodes, "logits": "u"}, task, arrays, ranges(POSITIONS))


def two_heads() -> NetworkMaker:
    """Two heads without MLP, RMSNorm at the end; the largest of three tokens."""
    end = [node("f", "rms_norm", of="y", epsilon="1/1000"), node("u", "linear", of="f", factors=["U"])]
    nodes = [*stream(), *head("a", "x"), *head("b", "x"), node("y", "add", of=["x", "oa", "ob"]), *end]
    tensors = {**base_tensors(), **head_tensors("a"), **head_tensors("b")}
    return NetworkMaker(
        {"name": LISTED, "nodes": nodes, "logits": "u"}, {"name": "max", "positions": POSITIONS}, tensors, ranges(POSITIONS)
    )


def tree(read: int) -> Rows:
    """By the last token seen, then by the sign of the sum."""
    score: Rows = [(POSITIONS, 0), LEAF, (POSITIONS, 1), LEAF, LEAF]
    return [(read, 1), *score, (read, 2), *score, *score]


def known_pieces(maker: NetworkMaker, read: int, rows: Rows) -> list[Piece]:
    """The leaves whose answer is known."""
    cutting = Cutting(maker.subject.task, maker.subject.scope, read, Ledger())
    return [leaf.piece for leaf in cutting.leaves(IntegerArray(tuple(rows))) if leaf.piece is not None]


def relaxed(maker: NetworkMaker, read: int, off: bool = False, sizes: tuple[float, float] | None = None, slope: float = 2.0) -> JSON:
    """Hints about the signs.  off: the third entry before relu said to be negative, as if it did not count.

    sizes: low and high, said of the size of the norm's operand (mean, 1).  slope: of the third logit in a positive mean.
    """
    rows, multipliers = [], []
    for piece in known_pieces(maker, read, tree(read)):
        least, most = piece.low / (read + 1) - SLACK, piece.high / (read + 1) + SLACK
        low, high = [least, -most, least - 0.25], [most, -least, most - 0.25]
        rows.append([*low, *high] if not off else [*low[:2], -2.0, *high[:2], -0.0625])
        margins = {0: [-1.0, -1.0], 1: [0.5, -0.5], 2: [1.0, 1.0] if off else [slope, slope]}[piece.answer]
        ends = [1.0, -1.0, 1.0, -1.0, 1.0, -1.0]
        multipliers.append([*ends, *margins] if sizes is None else [0.0, 0.0, *ends, *margins, *margins])
    hints = {"read": read, "splits": splits(tree(read)), "divisor": 1}
    if sizes is not None:
        hints |= {"sizes": float_array(np.array([sizes] * len(rows))), "centres": float_array(np.array([[0.0, 1.0]] * len(rows)))}
    return hints | {"ranges": float_array(np.array(rows)), "multipliers": float_array(np.array(multipliers))}


def narrow(maker: NetworkMaker, read: int, beside: bool = False) -> JSON:
    """Hints about the attention's two entries, the mean and 1, in a frame.  beside: positive means said to be near 1/5."""
    rows = []
    for piece in known_pieces(maker, read, tree(read)):
        least, most = piece.low / (read + 1) - SLACK, piece.high / (read + 1) + SLACK
        if beside and piece.answer == 2:
            least, most = 0.1875, 0.25
        rows.append([least, 1 - most, most, 1 - least])
    hints = {"read": read, "splits": splits(tree(read)), "divisor": 1, "node": ATTENTION}
    frames = float_array(np.array([[1.0, 1.0, 0.0, 1.0]] * 3))  # coordinates: the mean, and 1 less the mean
    multipliers = float_array(np.array([[1.0, -1.0, -1.0, 1.0]] * len(rows)))
    parts = integer_array(np.array([[2, 1]] * len(rows)))
    return hints | {"frames": frames, "ranges": float_array(np.array(rows)), "multipliers": multipliers, "parts": parts}


def listed(maker: NetworkMaker) -> JSON:
    """Boxes with one answer and one last token, without any hint; what is open is listed."""
    task = maker.subject.task

    def cut(box: Box) -> Rows:
        if task.answers_on(box) is not None and box[-1][0] == box[-1][1]:
            return [LEAF]
        axis = max(range(len(box)), key=lambda slot: (slot == POSITIONS - 1 and box[slot][0] < box[slot][1], box[slot][1] - box[slot][0]))
        first, last = box[axis]
        parts = ((first, last - 1), (last, last))
        return [(axis, last), *(row for part in parts for row in cut((*box[:axis], part, *box[axis + 1 :])))]

    rows = cut(maker.subject.scope.ranges)
    return {"read": 0, "splits": splits(rows), "divisor": 1, "failures": "listed"}


def splits(rows: Sequence[Sequence[int]]) -> JSON:
    """A tree as a hint."""
    return dict(integer_array(np.array(rows, dtype=np.int64)))


def papers(maker: NetworkMaker, rule: str, hints: Sequence[JSON]) -> bytes:
    """A step for each of these hints, and the number."""
    steps: list[JSON] = [{"id": f"read-{number}", "rule": rule, "hints": one} for number, one in enumerate(hints)]
    last = {"id": "bound", "rule": "every_read", "premises": {"right": [step["id"] for step in steps]}}
    document = {"format": CERTIFICATE_FORMAT, "subject": maker.subject.digest, "steps": [*steps, last]}
    return written(json.loads(json.dumps(document)))


def by_lines(maker: NetworkMaker, **options: Any) -> bytes:
    """The signs by relaxed_margin."""
    return papers(maker, "relaxed_margin", [relaxed(maker, read, **options) for read in range(POSITIONS)])


def by_cells(maker: NetworkMaker, **options: Any) -> bytes:
    """The signs by bottleneck_margin."""
    return papers(maker, "bottleneck_margin", [narrow(maker, read, **options) for read in range(POSITIONS)])


def accepted_pieces() -> list[Case]:
    """All true claims."""

    def case(name: str, why: str, maker: NetworkMaker, certificate: bytes, **claim: Any) -> Case:
        truth = {"verdict": "PROVED", "exit": 0, "right": maker.right, "total": maker.subject.total, "why": why}
        return Case(name, maker.statement(**claim), certificate, maker.model, truth)

    sums, pair, normed = signs(), two_heads(), signs(norms=1)
    two = papers(pair, "relaxed_margin", [listed(pair)])
    return [
        case(
            "slots-signs",
            "Signs of sums, all positions: relu between lines on pieces by the last token and the sign.",
            sums,
            by_lines(sums),
        ),
        case("slots-listed", "Two heads and a norm: what the margins leave open is listed and evaluated; exact.", pair, two),
        case("slots-listed-at-most", "The same as an upper bound, by the wrong inputs among those listed.", pair, two, relation="<="),
        case(
            "slots-signs-behind-a-norm",
            "The same signs with a norm before the MLP, whose size is bounded on each piece.",
            normed,
            by_lines(normed, sizes=SIZES),
        ),
        case(
            "slots-counted",
            "Two heads again: what the margins leave open is counted, margin by margin.",
            pair,
            papers(pair, "relaxed_margin", [listed(pair) | {"failures": "counted", "bins": 64}]),
            bound=Fraction(COUNTED, pair.subject.total),
        ),
        case("bottleneck-signs", "The same signs by cells of the attention's value, in a frame.", sums, by_cells(sums)),
    ]


def rejected_pieces() -> list[Case]:
    """All attacks."""
    sums, killed, gelu = signs(), signs(kill=-8.0), signs(activation="gelu")
    normed, twice, late = signs(norms=1), signs(norms=2), signs(norms=1, kill=0.0, zero=15 / 32)
    lines, cells = by_lines(sums), by_cells(sums)

    def case(name: str, attack: str, code: str | None, certificate: bytes, maker: NetworkMaker = sums, **more: Any) -> Case:
        """A claim of everything; code None: less is proved than that."""
        exit_code = more.get("exit_code", 2 if code is None else 1)
        expected: JSON = {"verdict": {1: "REJECTED", 2: "INCOMPLETE"}.get(exit_code), "exit": exit_code, "code": code}
        expected |= {"right": maker.right, "total": maker.subject.total} if code is None else {}
        statement = maker.statement(more.get("bound", Fraction(1)))
        return Case(name, statement, certificate, maker.model, {**expected, "attack": attack})

    def hint(certificate: bytes, name: str, value: object, step: str = "read-1") -> bytes:
        return changed(certificate, on_step(step, put("hints", name, value=value)))

    seen = "The digit that attention sees is held to a score that counts another digit, too."
    return [
        case(
            "slots-range-that-does-not-hold",
            "An entry before relu said to be off, which makes a wrong network right.",
            None,
            by_lines(killed, off=True),
            killed,
        ),
        case(
            "bottleneck-range-that-does-not-hold", "A box beside the one where the values are.", None, by_cells(killed, beside=True), killed
        ),
        case(
            "slots-multipliers-of-nothing",
            "Multipliers 0: nothing ties the slots to their sum.",
            None,
            changed(lines, on_step("read-1", drop("hints", "multipliers"))),
        ),
        case("slots-multipliers-doctored", "Multipliers of the wrong sign.", None, _scaled(lines, "multipliers", -1.0)),
        case(
            "slots-multipliers-beyond-numbers",
            "Multipliers so large that what is left is lost.",
            None,
            _scaled(lines, "multipliers", 1e300),
        ),
        case(
            "slots-multipliers-of-another-network",
            "The proof of a right network for a wrong one of the same shape.",
            None,
            by_lines(killed),
            killed,
        ),
        case(
            "slots-read-left-out",
            "The first position twice, the last one never.",
            "missing-read",
            changed(lines, put("steps", 2, "hints", value=relaxed(sums, 0))),
        ),
        case("slots-read-that-does-not-exist", "A fourth position.", "missing-read", hint(lines, "read", 3)),
        case(
            "slots-tree-without-leaves",
            "A tree that ends before all of its boxes are leaves.",
            "bad-splits",
            hint(lines, "splits", splits([(0, 1), LEAF])),
        ),
        case(
            "slots-cut-beyond-the-score",
            "A cut of the score at a sum that no input reaches.",
            "bad-splits",
            hint(lines, "splits", splits([(3, 9), LEAF, LEAF])),
        ),
        case("slots-two-trees", "Rows after the end of the tree.", "bad-splits", hint(lines, "splits", splits([LEAF, LEAF]))),
        case(
            "slots-ends-exchanged", "Lower ends above upper ends: no number is between them.", "bad-range", _scaled(lines, "ranges", -1.0)
        ),
        case(
            "slots-another-operator", "The proof speaks of relu where the statement says gelu.", "subject-digest", lines, gelu, exit_code=3
        ),
        case("slots-lines-around-gelu", "Lines that enclose relu, for gelu.", "wrong-subject", by_lines(gelu), gelu),
        case(
            "slots-listed-answers",
            "Suspects listed where several answers are read.",
            "wrong-subject",
            hint(lines, "failures", "listed", "read-0"),
        ),
        case(
            "slots-size-that-does-not-hold",
            "A norm's operand said to be small.",
            None,
            by_lines(normed, sizes=(0.25, 0.5)),
            normed,
        ),
        case(
            "slots-size-below-what-it-is",
            "An upper end that the size exceeds, below which wrong answers would be right.",
            None,
            by_lines(late, sizes=(0.6875, 0.703125), slope=1.0),
            late,
        ),
        case("slots-size-too-large", "A norm's operand said to be large.", None, by_lines(normed, sizes=(1.5, 2.0)), normed),
        case(
            "slots-one-end-of-a-size",
            "Margins that are positive at the lower end of a size and negative where the size is.",
            None,
            by_lines(late, sizes=SIZES, slope=1.0),
            late,
        ),
        case(
            "slots-size-below-0", "A negative factor, which turns all margins.", "bad-range", by_lines(normed, sizes=(-1.0, -0.5)), normed
        ),
        case("slots-two-norms", "Two sizes, of which one is bounded.", "wrong-subject", by_lines(twice, sizes=SIZES), twice),
        case("slots-sizes-left-out", "A norm whose size nothing is said of.", "wrong-shape", by_lines(normed), normed),
        case("slots-counted-without-bins", "Failures counted by no bins.", "missing-hint", hint(lines, "failures", "counted")),
        case(
            "slots-counted-digits",
            "Fillings of slots that the task determines, counted as if they were inputs.",
            "wrong-subject",
            hint(hint(_unseen("relaxed_margin"), "failures", "counted", "read-0"), "bins", 64, "read-0"),
            blind(),
        ),
        case("slots-unseen-digit", seen, None, _unseen("relaxed_margin"), blind(), bound=Fraction(2, 3)),
        case("bottleneck-unseen-digit", seen, None, _unseen("bottleneck_margin"), blind(), bound=Fraction(2, 3)),
        case(
            "bottleneck-local-node",
            "A node that attention does not reach, so that its box says nothing.",
            "wrong-node",
            hint(cells, "node", 0),
        ),
        case("bottleneck-behind-relu", "A node that does not follow the attention linearly.", "wrong-subject", _at_node(sums, 6)),
        case(
            "bottleneck-flat-frame", "A frame whose rows lie on a line.", "bad-frame", hint(cells, "frames", float_array(np.ones((3, 4))))
        ),
        case(
            "bottleneck-mirrored-frame",
            "A frame of negative determinant: its coordinates change their sign.",
            "bad-frame",
            _scaled(cells, "frames", 1.0, [-1, 1, 1, 1]),
        ),
        case("bottleneck-cells-without-end", "A million cells for each piece.", "limit-bottleneck-cells", _cut_finely(cells), exit_code=3),
    ]


def _scaled(certificate: bytes, name: str, factor: float, signs_of: Sequence[int] = ()) -> bytes:
    """An array of floats of the last read, its entries times a number."""

    def change(document: JSON) -> None:
        found = document["hints"][name]
        array = _floats(found) * factor
        document["hints"][name] = float_array(array * np.array(signs_of) if signs_of else array)

    return changed(certificate, on_step("read-2", change))


def _floats(hint: JSON) -> np.ndarray:
    dtype = {"f32": "<f4", "f64": "<f8"}[hint["array"]]
    return np.frombuffer(base64.b64decode(hint["base64"]), dtype=dtype).reshape(hint["shape"]).astype(np.float64)


def _cut_finely(certificate: bytes) -> bytes:
    def change(document: JSON) -> None:
        count = document["hints"]["parts"]["shape"][0]
        document["hints"]["parts"] = integer_array(np.full((count, 2), 1024))

    return changed(certificate, on_step("read-0", change))


def _at_node(maker: NetworkMaker, number: int) -> bytes:
    """The same boxes, said to be of a node of width 3."""

    def change(document: JSON) -> None:
        hints = document["hints"]
        del hints["frames"]  # which are for a width of 2
        count = hints["parts"]["shape"][0]
        hints |= {"node": number, "parts": integer_array(np.ones((count, 3), dtype=int))}
        hints |= {"ranges": float_array(np.zeros((count, 6))), "multipliers": float_array(np.zeros((count, 6)))}

    return changed(by_cells(maker), on_step("read-0", change))


def blind() -> NetworkMaker:
    """Digits a_0 a_1 b_0 b_1 of two numbers in base 3; attention to the first alone, and the answer is it: right if b_0 is 0."""
    attention = node("a", "attention", query="q", key="k", value="v", mask="causal", scale_squared="1/1")
    linear = [node(role, "linear", of="x", factors=[role.upper()]) for role in "qkv"]
    nodes = [*stream(), *linear, attention, node("u", "linear", of="a", factors=["U"], bias="c")]
    tensors = {
        "E": [[token, 0, 0] for token in range(3)],
        "P": [[0, 1, 40 * (place == 1)] for place in range(7)],
        "Q": [[0], [1], [0]],
        "K": [[0], [0], [1]],
        "V": [[1], [0], [0]],
        "U": [[0, 2, 4]],
        "c": [0, -1, -4],
    }
    task = {"name": "digit_sum", "positions": 7, "base": 3, "a": [1, 0], "b": [3, 2], "sum": [5, 6]}
    task |= {"fixed": [[4, 2]], "read": [2, 5, 6], "answer": 2}
    arrays = {name: np.array(rows, dtype="<f4") for name, rows in tensors.items()}
    return NetworkMaker({"name": "blind", "nodes": nodes, "logits": "u"}, task, arrays, ranges(4))


def _unseen(rule: str) -> bytes:
    """Multipliers that would prove the answer if the digit that is not seen were 0."""
    by_token: Rows = [(2, 1), LEAF, (2, 2), LEAF, LEAF]
    rows: Rows = [(4, 1), *by_token, (4, 2), *by_token, (4, 3), *by_token, LEAF]
    answers = [answer for answer in range(3) for _ in range(3)]
    hints: JSON = {"read": 0, "splits": splits(rows), "divisor": 1}
    if rule == "relaxed_margin":
        margins = [[2.0 * (answer - other) for other in range(3) if other != answer] for answer in answers]
        hints["multipliers"] = float_array(np.array(margins))
    else:
        hints |= {"node": 6, "ranges": float_array(np.array([[answer - 0.25, answer + 0.25] for answer in answers]))}
        hints |= {"multipliers": float_array(np.array([[1.0, -1.0]] * len(answers)))}
        hints |= {"parts": integer_array(np.ones((len(answers), 1), dtype=int))}
    return papers(blind(), rule, [hints])
