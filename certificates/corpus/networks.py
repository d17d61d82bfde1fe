"""Networks of every operator, every task and every metric: true claims, and an attack of each kind."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import numpy as np

from certificates.corpus.cases import Case
from certificates.corpus.documents import JSON, changed, put, written
from certificates.corpus.makers import tiny
from certificates.corpus.network_makers import NetworkMaker, bag, node, numbers, plain, ranges, transformer, two_layers
from verifier.kernel.tasks.table import digest_of
from verifier.strategies.steps import integer_array

CONCLUSIONS = {
    "mean_loss": {"id": "bound", "rule": "mean_loss", "premises": {"losses": "every"}},
    "worst_class": {"id": "bound", "rule": "worst_class", "premises": {"counts": "every"}},
}


def answered(output: int) -> JSON:
    """The conclusion about one output."""
    return {"id": "bound", "rule": "answered", "premises": {"outputs": "every"}, "hints": {"output": output}}


def digits() -> JSON:
    """One digit in base 3, then its sum in two: a, b, then what has been answered."""
    return {"name": "digit_sum", "positions": 3, "base": 3, "a": [0], "b": [1], "sum": [2], "read": [1, 2], "answer": "whole"}


def tables() -> tuple[JSON, tuple[int, ...]]:
    """A table of answers to two tokens, and its labels."""
    labels = (2, 0, 1, 1, 2, 0, 0, 1, 2)
    return {"name": "table", "positions": 2, "sizes": [3, 3], "labels": digest_of(labels)}, labels


def signs() -> NetworkMaker:
    """Cumulative signs at every position."""
    return plain({"name": "cumulative_sign", "positions": 3, "values": [0, 1, -1], "answer": "whole"}, ranges(3))


def accepted_networks() -> list[Case]:
    """All true claims."""

    def case(name: str, why: str, maker: NetworkMaker, statement: bytes | None = None, certificate: bytes | None = None) -> Case:
        truth = {"verdict": "PROVED", "exit": 0, "right": maker.right, "total": maker.subject.total, "why": why}
        files = statement or maker.statement(), certificate or maker.certificate()
        return Case(f"network-{name}", *files, maker.model, truth)

    product = {"name": "group_product", "positions": 3, "table": [[0, 1, 2], [1, 2, 0], [2, 0, 1]], "fixed": [[1, 2]], "read": 2}
    table, labels = tables()
    some = {"tokens": [[0, 2]] * 3, "conditions": [{"less": [0, 1]}, {"occurs": [2]}]}
    minimum, listed = plain({"name": "min", "positions": 3}, some), plain(table, ranges(2), labels=labels)
    heads, sums = transformer(), bag()
    wrong = Fraction(heads.right, heads.subject.total)
    return [
        case("two-heads", "Two heads with biases, LayerNorm, a GELU MLP, RMSNorm with a gain.", heads),
        case("two-heads-at-most", "The same accuracy as an upper bound.", heads, heads.statement(wrong, relation="<=")),
        case("two-layers", "Two layers of attention to all positions.", two_layers()),
        case("bag", "A bag of embeddings with a table per position; SiLU, square, tanh-GELU, ReLU, a product of nodes.", sums),
        case("minimum-under-conditions", "The least token where the first is less than the second and 2 occurs.", minimum),
        case("signs", "An answer at every position: all of them must be right.", signs()),
        case("product", "A product in a table, with a fixed slot in the middle.", plain(product, ranges(2))),
        case("digits", "Digits of a sum, answered one by one.", plain(digits(), ranges(2))),
        case("table", "Answers listed in the certificate, their digest in the statement.", listed),
        case(
            "loss",
            "The mean cross entropy of the bag is below 20 nats.",
            sums,
            sums.statement(Fraction(20), "cross_entropy", "<="),
            sums.certificate("loss", CONCLUSIONS["mean_loss"]),
        ),
        case(
            "worst-class",
            "The least accuracy among the inputs of one right answer, claimed to be at least 0.",
            heads,
            heads.statement(Fraction(0), "worst_class"),
            heads.certificate("answers", CONCLUSIONS["worst_class"]),
        ),
        case(
            "answered",
            "Output 1 is the answer to some share of the inputs, at most all of them.",
            heads,
            heads.statement(Fraction(1), "answered", "<=", output=1),
            heads.certificate("outputs", answered(1)),
        ),
    ]


def rejected_networks() -> list[Case]:
    """All attacks."""
    heads, sums = transformer(), bag()

    def case(name: str, attack: str, code: str, clause: str = "", *, exit_code: int = 3, maker: NetworkMaker = heads, **files: Any) -> Case:
        expected: JSON = {"verdict": "REJECTED" if exit_code == 1 else None, "exit": exit_code, "code": code}
        expected |= {"clause": clause} if clause else {}
        statement, certificate = files.get("statement", maker.statement()), files.get("certificate", maker.certificate())
        return Case(f"network-{name}", statement, certificate, files.get("model", maker.model), {**expected, "attack": attack})

    def program(name: str, attack: str, code: str, clause: str, nodes: list[JSON], **more: Any) -> Case:
        """A change to the program of the two heads, whose statement is not written by the kernel."""
        network = {**heads.network, "nodes": nodes, **more}
        return case(name, attack, code, clause, statement=changed(heads.statement(), put("subject", "network", value=network)))

    def with_node(name: str, **members: Any) -> list[JSON]:
        return [{**one, **members} if one["node"] == name else one for one in heads.network["nodes"]]

    nodes: list[JSON] = heads.network["nodes"]
    factors = {"z": ["D"], "m": ["W"]}
    exchanged = [{**one, "factors": factors[one["node"]]} if one["node"] in factors else one for one in nodes]
    silu = {**heads.network, "nodes": with_node("g", op="silu")}
    plus_one = {"name": "max", "positions": 3, "fixed": [[0, 7]]}
    table, labels = tables()
    listed = plain(table, ranges(2), labels=labels)
    ahead = two_layers().changed(task=digits(), scope=ranges(2))
    few = plain({"name": "max", "positions": 3}, ranges(3), outputs=2)
    every: JSON = json.loads(heads.certificate())
    exact = json.loads(tiny.certificate(tiny.brute_force()))
    no_room = heads.statement(Fraction(1, 2), "cross_entropy", "<=")

    def statement(maker: NetworkMaker, *path: str, value: object) -> bytes:
        return changed(maker.statement(Fraction(0)), put(*path, value=value))

    return [
        case(
            "one-operator-off",
            "The certificate is for SiLU where the statement says GELU.",
            "subject-digest",
            "3.2",
            certificate=heads.changed(network=silu).certificate(),
        ),
        case(
            "activation-swapped",
            "Statement and certificate agree on SiLU, whose accuracy is lower: the weights are the same.",
            "wrong-metric",
            exit_code=1,
            statement=heads.changed(network=silu).statement(Fraction(0), "worst_class"),
            certificate=heads.changed(network=silu).certificate(),
        ),
        case("hidden-bias", "A bias in the file that the program does not have.", "unknown-tensor", "5.2", model=_beside(heads, "bias_u")),
        case("hidden-head", "A head of the file that the program leaves out.", "unused-part", "5.2", **_half_a_tensor(sums)),
        case(
            "used-and-unused",
            "A tensor that is in use shown as unused.",
            "used-tensor",
            "5.2",
            statement=statement(heads, "subject", "network", "unused", value=["gain"]),
        ),
        program("unknown-operator", "An operator that nobody has defined.", "unknown-word", "5.1", with_node("g", op="softplus")),
        program("node-before-it-is-defined", "A node that reads a later one.", "unknown-node", "5.1", with_node("n", of="y")),
        program("node-of-no-use", "A node that looks as if it did something.", "idle-node", "5.1", [*nodes, node("w", "relu", of="u")]),
        program("epsilon-zero", "A norm that may divide by zero.", "out-of-range", "5.1", with_node("r", epsilon="0/1")),
        program("name-twice", "Two nodes of one name.", "duplicate-id", "5.1", [*nodes, node("u", "relu", of="u")]),
        program("field-unknown", "A member that this checker would ignore.", "unknown-field", "5.1", with_node("g", approximate="none")),
        program("wrong-shape", "Two factors exchanged: neither fits.", "wrong-shape", "5.3", exchanged),
        program("outputs-backwards", "Outputs in the wrong order.", "bad-range", "5.1", nodes, outputs=[2, 1]),
        program("outputs-missing", "Outputs that the logits do not have.", "wrong-shape", "5.3", nodes, outputs=[0, 3]),
        case(
            "task-too-long",
            "More positions than the tables have.",
            "task-misfit",
            "2.5",
            statement=changed(
                statement(heads, "subject", "task", "positions", value=4), put("subject", "scope", "tokens", value=[[0, 2]] * 4)
            ),
        ),
        case(
            "task-slot-without-token",
            "A fixed token that the network does not have.",
            "task-misfit",
            "2.5",
            statement=changed(
                statement(heads, "subject", "task", value=plus_one), put("subject", "scope", "tokens", value=[[0, 2]] * 2)
            ),
        ),
        case(
            "task-slot-twice",
            "A slot that is both a digit and fixed.",
            "bad-slots",
            "2.5",
            statement=statement(heads, "subject", "task", value={**digits(), "fixed": [[0, 1]]}),
        ),
        case(
            "task-shows-the-answer",
            "A digit that is read where it already stands.",
            "bad-slots",
            "2.5",
            statement=statement(heads, "subject", "task", value={**digits(), "read": [2, 1]}),
        ),
        case(
            "task-looks-ahead",
            "True answers shown to a network that attends to all positions.",
            "task-misfit",
            "2.5",
            statement=ahead.statement(Fraction(0)),
            certificate=ahead.certificate(),
            model=ahead.model,
        ),
        case(
            "metric-of-many-answers",
            "The loss of a task with several answers.",
            "task-misfit",
            "2.9",
            statement=changed(
                signs().statement(Fraction(0)),
                put("claim", value={"metric": "cross_entropy", "relation": "<=", "bound": "1/1"}),
            ),
        ),
        case(
            "scope-contradictory",
            "Conditions that no input meets: every claim would be true.",
            "bad-scope",
            "2.6",
            statement=statement(heads, "subject", "scope", "conditions", value=[{"occurs": [1]}, {"absent": [1]}]),
        ),
        case(
            "scope-slot-with-itself",
            "A condition between a slot and itself.",
            "bad-scope",
            "2.6",
            statement=statement(heads, "subject", "scope", "conditions", value=[{"equal": [1, 1]}]),
        ),
        case(
            "labels-changed",
            "Labels that the network happens to give, in the place of those of the statement.",
            "labels-digest",
            exit_code=1,
            maker=listed,
            certificate=listed.changed(labels=(0, *labels[1:])).certificate(),
        ),
        case(
            "labels-of-another-domain",
            "The first labels of a longer table.",
            "labels-digest",
            exit_code=1,
            maker=listed,
            certificate=listed.changed(labels=labels[:6]).certificate(),
        ),
        case(
            "labels-for-another-task",
            "Labels that look as if they decided what is right.",
            "labels-digest",
            exit_code=1,
            certificate=heads.changed(labels=(0,) * 27).certificate(),
        ),
        case(
            "answer-without-output",
            "A right answer that is no output that competes.",
            "no-such-output",
            exit_code=1,
            statement=few.statement(Fraction(0)),
            certificate=few.certificate(),
            model=few.model,
        ),
        case(
            "output-without-column",
            "An output that does not exist is never the answer.",
            "no-such-output",
            exit_code=1,
            statement=heads.statement(Fraction(0), "answered", "<=", output=9),
            certificate=heads.certificate("outputs", answered(9)),
        ),
        case(
            "output-exchanged",
            "The bound is of output 1, the claim of output 2.",
            "wrong-metric",
            "3.3",
            exit_code=1,
            statement=heads.statement(Fraction(1), "answered", "<=", output=2),
            certificate=heads.certificate("outputs", answered(1)),
        ),
        case(
            "accuracy-for-a-loss",
            "An accuracy passed off as a loss.",
            "wrong-metric",
            "3.3",
            exit_code=1,
            statement=no_room,
        ),
        case(
            "rule-of-another-network",
            "A rule about attention-only-1, which this network is not.",
            "wrong-subject",
            exit_code=1,
            certificate=written({**every, "steps": exact["steps"]}),
        ),
        case(
            "split-off-nothing",
            "A cut that leaves one side empty: its leaf would be about no input.",
            "bad-splits",
            exit_code=1,
            certificate=_with_splits(heads, [[0, 0], [-1, -1], [-1, -1]]),
        ),
        case(
            "split-without-leaves",
            "A tree that ends before all of its boxes are leaves.",
            "bad-splits",
            exit_code=1,
            certificate=_with_splits(heads, [[0, 1], [-1, -1]]),
        ),
        *_without_end(sums),
    ]


def _beside(maker: NetworkMaker, name: str) -> bytes:
    return maker.changed(tensors={**maker.tensors, name: numbers(name, 3)}).model


def _half_a_tensor(maker: NetworkMaker) -> dict[str, Any]:
    """A tensor with a further axis, of which the program takes index 0."""
    first = {"tensor": "U", "select": [[0, 0]], "transpose": True}
    nodes = [{**one, "factors": [first]} if one["node"] == "u" else one for one in maker.network["nodes"]]
    stacked = {**maker.tensors, "U": np.stack([maker.tensors["U"]] * 2)}
    halved = changed(maker.statement(Fraction(0)), put("subject", "network", "nodes", value=nodes))
    return {"statement": halved, "model": maker.changed(tensors=stacked).model}


def _with_splits(maker: NetworkMaker, rows: list[list[int]]) -> bytes:
    """The same conclusion from boxes."""
    document = json.loads(maker.certificate())
    hints = {"splits": json.loads(json.dumps(integer_array(np.array(rows, dtype=np.int64))))}
    document["steps"][0] = {"id": "every", "rule": "cells", "hints": hints}
    return written(document)


def _without_end(maker: NetworkMaker) -> list[Case]:
    """Weights so large that a loss has no bound."""
    large = maker.changed(tensors={**maker.tensors, "U": np.full_like(maker.tensors["U"], 3e38) * np.sign(maker.tensors["U"])})
    claim = large.statement(Fraction(20), "cross_entropy", "<=")
    attack = "Logits of 10^38 and more: the loss has no bound that an exponential gives."
    expected = {"verdict": "REJECTED", "exit": 1, "code": "undecided-exponential", "attack": attack}
    certificate = large.certificate("loss", CONCLUSIONS["mean_loss"])
    return [Case("network-loss-without-end", claim, certificate, large.model, expected)]
