"""Small networks whose weights are given by a formula, statements and certificates about them, and the truth in float64."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from certificates.corpus.documents import JSON, written
from certificates.corpus.model_files import safetensors
from verifier.kernel.certificate import CERTIFICATE_FORMAT
from verifier.kernel.decode.strict_json import Reader
from verifier.kernel.metrics import Claim
from verifier.kernel.network.operators import Network, read_network
from verifier.kernel.network.program import read_program
from verifier.kernel.scope import read_scope
from verifier.kernel.statement import Statement, Subject
from verifier.kernel.tasks import read_task
from verifier.kernel.tasks.table import Table
from verifier.networks.floats import FloatNetwork

WIDTH, TOKENS, POSITIONS = 4, 3, 3


def numbers(name: str, *shape: int) -> np.ndarray:
    """Multiples of 1/64 between -1 and 1 that depend on the name and nothing else."""
    seed = sum((index + 1) * ord(letter) for index, letter in enumerate(name))
    index = np.arange(np.prod(shape, dtype=int), dtype=np.int64)
    return ((((index + seed) * 7919 + seed * 104729) % 129 - 64) / 64).astype("<f4").reshape(shape)


@dataclass(frozen=True)
class NetworkMaker:
    """A network, a task and a scope."""

    network: JSON
    task: JSON
    tensors: dict[str, np.ndarray]
    scope: JSON
    labels: tuple[int, ...] = ()
    metadata: JSON | None = field(default=None)

    @property
    def model(self) -> bytes:
        return safetensors(self.tensors, metadata=self.metadata)

    @cached_property
    def bound(self) -> Network:
        program = read_program(Reader(self.network, "network", "5.1"))
        return read_network(program, self.model, file="model")

    @cached_property
    def subject(self) -> Subject:
        task, scope = read_task(Reader(self.task, "task", "2.5")), read_scope(Reader(self.scope, "scope", "2.6"))
        return Subject(self.bound.weights.digest, self.bound.program, task, scope, "real")

    @cached_property
    def right(self) -> int:
        """How many inputs in scope float64 answers correctly.  Raises ValueError if one of them is a near-tie."""
        task = self.subject.task
        if isinstance(task, Table):
            task = task.with_labels(self.labels)
        sequences = [task.sequence(tokens) for tokens in self.subject.scope.inputs()]
        logits = FloatNetwork(self.bound).logits(np.array(sequences), task.layout.reads)
        count = 0
        for sequence, lines in zip(sequences, logits, strict=True):
            margins = []
            for answer, line in zip(task.answers(sequence), lines, strict=True):
                own = line[answer - self.bound.outputs.start]
                margins.append(own - np.delete(line, answer - self.bound.outputs.start).max())
            if abs(min(margins)) < 1e-6:
                raise ValueError(f"a near-tie at {sequence}: change the weights")
            count += int(min(margins) > 0)
        return count

    def statement(self, bound: Fraction | None = None, metric: str = "accuracy", relation: str = ">=", **more: Any) -> bytes:
        """A claim; None: the exact accuracy."""
        value = Fraction(self.right, self.subject.total) if bound is None else bound
        return written(Statement(self.subject, Claim(metric, relation, value, **more)).json)

    def certificate(self, measure: str = "answers", conclusion: JSON | None = None) -> bytes:
        """Every input evaluated, then a bound."""
        hints: JSON = {"measure": measure}
        if self.labels:
            data = np.array([self.labels], "<i8")
            hints["labels"] = {"array": "i64", "shape": list(data.shape), "base64": _base64(data.tobytes())}
        last = conclusion or {"id": "bound", "rule": "accuracy", "premises": {"counts": ["every"]}}
        steps = [{"id": "every", "rule": "every_input", "hints": hints}, last]
        return written({"format": CERTIFICATE_FORMAT, "subject": self.subject.digest, "steps": steps})

    def changed(self, **fields: Any) -> NetworkMaker:
        return replace(self, **fields)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def node(name: str, op: str, **members: Any) -> JSON:
    """One node."""
    return {"node": name, "op": op, **members}


def ranges(slots: int, tokens: int = TOKENS) -> JSON:
    """The scope of every token in every free slot."""
    return {"tokens": [[0, tokens - 1]] * slots}


def head(letter: str, operand: str, mask: str = "causal") -> list[JSON]:
    """One attention head with its own tensors; its output is the node `o<letter>`."""
    q, k, v, a = (role + letter for role in "qkva")
    attention = {"query": q, "key": k, "value": v, "mask": mask, "scale_squared": "1/2"}
    linear = [node(role + letter, "linear", of=operand, factors=[role.upper() + letter], bias=f"b{role}{letter}") for role in "qkv"]
    return [*linear, node(a, "attention", **attention), node(f"o{letter}", "linear", of=a, factors=["O" + letter])]


def head_tensors(letter: str) -> dict[str, np.ndarray]:
    """Weights of a head of width 2."""
    wide = {f"{role}{letter}": 2 * numbers(role + letter, WIDTH, 2) for role in "QKV"}
    biases = {f"b{role}{letter}": numbers(f"b{role}{letter}", 2) for role in "qkv"}
    return {**wide, **biases, f"O{letter}": 2 * numbers("O" + letter, 2, WIDTH)}


def stream() -> list[JSON]:
    """Token and position."""
    return [node("e", "embed", tables=["E"]), node("p", "position", table="P"), node("x", "add", of=["e", "p"])]


def base_tensors(outputs: int = TOKENS) -> dict[str, np.ndarray]:
    """Embeddings and the unembedding."""
    return {"E": 2 * numbers("embed", TOKENS, WIDTH), "P": numbers("place", POSITIONS, WIDTH), "U": 2 * numbers("unembed", WIDTH, outputs)}


def transformer() -> NetworkMaker:
    """Two heads with biases, LayerNorm, a GELU MLP, RMSNorm at the end."""
    nodes = [
        *stream(),
        node("n", "layer_norm", of="x", epsilon="1/100000"),
        *head("a", "n"),
        *head("b", "n"),
        node("y", "add", of=["x", "oa", "ob"]),
        node("z", "linear", of="y", factors=["W"], bias="c"),
        node("g", "gelu", of="z"),
        node("m", "linear", of="g", factors=["D"]),
        node("f", "add", of=["y", "m"]),
        node("r", "rms_norm", of="f", epsilon="1/100000000"),
        node("s", "scale", of="r", by="gain"),
        node("u", "linear", of="s", factors=["U"]),
    ]
    tensors = {**base_tensors(), **head_tensors("a"), **head_tensors("b")}
    tensors |= {"W": numbers("in", WIDTH, 6), "c": numbers("bias", 6), "D": numbers("out", 6, WIDTH)}
    tensors["gain"] = 1 + numbers("gain", WIDTH) / 4
    network = {"name": "two-heads", "nodes": nodes, "logits": "u"}
    return NetworkMaker(network, {"name": "max", "positions": POSITIONS}, tensors, ranges(POSITIONS))


def two_layers() -> NetworkMaker:
    """Two layers of unmasked attention."""
    second = [{**one, **({"of": "y"} if one.get("of") == "x" else {})} for one in head("b", "y", "none")]
    nodes = [*stream(), *head("a", "x", "none"), node("y", "add", of=["x", "oa"]), *second, node("f", "add", of=["y", "ob"])]
    network = {"name": "two-layers", "nodes": [*nodes, node("u", "linear", of="f", factors=["U"])], "logits": "u"}
    tensors = {**base_tensors(), **head_tensors("a"), **head_tensors("b")}
    return NetworkMaker(network, {"name": "longest_cycle", "positions": POSITIONS}, tensors, ranges(POSITIONS))


def bag() -> NetworkMaker:
    """An untied bag of embeddings with a gated MLP behind it."""
    nodes = [
        node("e", "embed", tables=["A", "B"]),
        node("s", "sum_positions", of="e"),
        node("t", "silu", of="s"),
        node("q", "square", of="s"),
        node("g", "multiply", of=["t", "q"]),
        node("r", "relu", of="s"),
        node("h", "gelu_tanh", of="s"),
        node("f", "add", of=["g", "r", "h"]),
        node("u", "linear", of="f", factors=[{"tensor": "U", "transpose": True}]),
    ]
    tensors = {"A": 2 * numbers("left", TOKENS, WIDTH), "B": 2 * numbers("right", TOKENS, WIDTH), "U": numbers("turned", TOKENS, WIDTH)}
    task = {"name": "modular_sum", "positions": 2, "modulus": TOKENS}
    return NetworkMaker({"name": "bag", "nodes": nodes, "logits": "u"}, task, tensors, ranges(2))


def plain(task: JSON, scope: JSON, outputs: int = TOKENS, **more: Any) -> NetworkMaker:
    """One head and a ReLU MLP, for any task."""
    nodes = [
        *stream(),
        *head("a", "x"),
        node("y", "add", of=["x", "oa"]),
        node("z", "linear", of="y", factors=["W"], bias="c"),
        node("r", "relu", of="z"),
        node("m", "linear", of="r", factors=["D"]),
        node("f", "add", of=["y", "m"]),
        node("u", "linear", of="f", factors=["U"]),
    ]
    tensors = {**base_tensors(outputs), **head_tensors("a")}
    tensors |= {"W": numbers("in", WIDTH, 6), "c": numbers("bias", 6), "D": numbers("out", 6, WIDTH)}
    return NetworkMaker({"name": "one-head", "nodes": nodes, "logits": "u"}, task, tensors, scope, **more)
