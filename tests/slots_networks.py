"""Random networks with one layer of attention, tasks and scopes, often right: their last weights are fitted to the task.

What is right is said here once more, and what the network computes by `network_oracle.py`: none of it is the kernel's.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np

from tests.network_oracle import Builder, Net, Weight, evaluate
from tests.programs import Case, arithmetic
from verifier.kernel.certificate import IntegerArray
from verifier.kernel.decode.strict_json import Reader
from verifier.kernel.facts import Context
from verifier.kernel.network.judging import labelled
from verifier.kernel.network.operators import Network, read_network
from verifier.kernel.network.program import read_program
from verifier.kernel.replay import new_context
from verifier.kernel.statement import Subject, read_statement
from verifier.kernel.tasks.table import digest_of

Tokens = tuple[int, ...]
SINGLE = ("max", "min", "modular_sum", "group_product", "table", "longest_cycle")  # tasks with one answer
MULTIPLE = ("cumulative_sign", "digit_sum")
LAYOUTS = (  # of digit_sum, numbers of two digits
    {"a": [1, 0], "b": [3, 2], "sum": [5, 6], "read": [4, 5, 6], "fixed": [[4, 1]]},
    {"a": [1, 0], "b": [3, 2], "sum": [5, 6], "read": [2, 5, 6], "fixed": [[4, 0]]},
    {"a": [0, 2], "b": [1, 3], "sum": [4, 6], "read": [1, 5, 3], "fixed": [[5, 1]]},
)


@dataclass(frozen=True)
class Slots(Case):
    """A network, a task and a scope, with what is true of them.  tables: of the network."""

    labels: tuple[int, ...] | None = None
    truth: tuple[tuple[bool, ...], ...] = ()  # per input in scope, per read: whether the right answer certainly wins

    @cached_property
    def network(self) -> Network:
        return read_network(read_program(Reader(self.program, "program", "5.1")), self.data, file="model")

    @cached_property
    def read(self) -> Subject:
        return read_statement(self.statement(), file="statement").subject

    def context(self, by: str = "fast") -> Context:
        """Of a task that is a table, with its labels."""
        subject, hints = self.read, {} if self.labels is None else {"labels": IntegerArray((self.labels,))}
        task = labelled(subject.task, hints)
        return new_context(self.network, Subject(subject.model, subject.network, task, subject.scope, subject.function), arithmetic(by))


@dataclass(frozen=True)
class Job:
    """What is to be answered.  answers: of a whole sequence, one for each of `reads`; sequence: of the free slots' tokens."""

    task: dict[str, Any]
    vocabulary: int
    outputs: int
    positions: int
    free: tuple[int, ...]
    reads: tuple[int, ...]
    causal: bool
    sequence: Callable[[Tokens], Tokens]
    answers: Callable[[Tokens], tuple[int, ...]]


def job_of(rng: random.Random) -> Job:
    """A random task."""
    name = rng.choice((*SINGLE, *MULTIPLE, *MULTIPLE))
    return signs(rng) if name == "cumulative_sign" else digits(rng) if name == "digit_sum" else single(rng, name)


def signs(rng: random.Random) -> Job:
    n, v = rng.randint(2, 4), rng.choice([2, 2, 3])
    values = [rng.choice([-7, -3, -2, -1, 0, 1, 2, 5]) for _ in range(v)]
    whole = rng.random() < 0.5
    reads = tuple(range(n)) if whole else (rng.randrange(n),)

    def answers(tokens: Tokens) -> tuple[int, ...]:
        sums = [sum(values[token] for token in tokens[: place + 1]) for place in reads]
        return tuple(2 if total > 0 else 1 if total == 0 else 0 for total in sums)

    task = {"name": "cumulative_sign", "positions": n, "values": values, "answer": "whole" if whole else reads[0]}
    return Job(task, v, 3, n, tuple(range(n)), reads, rng.random() < 0.7, lambda tokens: tokens, answers)


def digits(rng: random.Random) -> Job:
    base = rng.choice([2, 2, 2, 3])
    layout: dict[str, Any] = rng.choice(LAYOUTS)
    places = layout["read"]
    chosen = tuple(range(3)) if rng.random() < 0.5 else (rng.randrange(3),)
    free = tuple(sorted(layout["a"] + layout["b"]))

    def total(slots: dict[int, int]) -> int:
        first, second = (slots[layout[role][0]] + base * slots[layout[role][1]] for role in "ab")
        return first + second

    def sequence(tokens: Tokens) -> Tokens:
        slots = dict(zip(free, tokens, strict=True)) | dict(map(tuple, layout["fixed"]))
        slots |= {place: total(slots) // base**digit % base for digit, place in enumerate(layout["sum"])}
        return tuple(slots[place] for place in range(7))

    def answers(line: Tokens) -> tuple[int, ...]:
        return tuple(total(dict(enumerate(line))) // base**digit % base for digit in chosen)

    task = {"name": "digit_sum", "positions": 7, "base": base, **layout, "answer": "whole" if len(chosen) > 1 else places[chosen[0]]}
    return Job(task, max(base, 2), base, 7, free, tuple(places[digit] for digit in chosen), True, sequence, answers)


def single(rng: random.Random, name: str) -> Job:
    v = 3 if name == "longest_cycle" else rng.choice([2, 2, 3, 3, 4])
    n = 3 if name == "longest_cycle" else rng.randint(2, 4 if v < 4 else 3)
    fixed = {rng.randrange(n): rng.randrange(v)} if name != "longest_cycle" and rng.random() < 0.3 else {}
    free = tuple(slot for slot in range(n) if slot not in fixed)
    task: dict[str, Any] = {"name": name, "positions": n}
    if fixed:
        task["fixed"] = [list(pair) for pair in fixed.items()]
    read = n - 1
    if rng.random() < 0.3:
        read = task["read"] = rng.randrange(n)
    if name == "modular_sum":
        task["modulus"] = v
    table = [[rng.randrange(v) for _ in range(v)] for _ in range(v)]
    if name == "group_product":
        task["table"] = table

    def answer(line: Tokens) -> int:
        chosen = [line[slot] for slot in free]
        if name in ("max", "min"):
            return max(chosen) if name == "max" else min(chosen)
        if name == "modular_sum":
            return sum(chosen) % v
        if name == "longest_cycle":
            return max(_cycle(line, start) for start in range(n)) - 1
        result = chosen[0]
        for token in chosen[1:]:
            result = table[result][token] if name == "group_product" else max(result, token)  # a table: the largest, or another
        return result

    def sequence(tokens: Tokens) -> Tokens:
        slots = dict(zip(free, tokens, strict=True)) | fixed
        return tuple(slots[place] for place in range(n))

    return Job(task, v, v, n, free, (read,), rng.random() < 0.6, sequence, lambda line: (answer(line),))


def _cycle(function: Tokens, start: int) -> int:
    """The length of the cycle through an element, 0 if there is none."""
    element = start
    for length in range(1, len(function) + 1):
        element = function[element]
        if element == start:
            return length
    return 0


class Plain(Builder):
    """Matrices that are whole tensors, some of them transposed."""

    def matrix(self, rows: int, columns: int) -> Any:
        if self.rng.random() < 0.2:
            return {"tensor": self.numbers(columns, rows), "transpose": True}
        return self.numbers(rows, columns)


def features(b: Plain, job: Job, narrow: bool) -> tuple[str, int]:
    """A node behind one layer of attention, and its width."""
    rng, d = b.rng, rng_width(b.rng)
    x = b.add("embed", tables=[b.matrix(job.vocabulary, d)])
    x = b.add("add", of=[x, b.add("position", table=b.matrix(job.positions, d))])
    if rng.random() < 0.3:
        x = mlp(b, x, d, rng.choice(["relu", "gelu", "square"]))
    inside = b.normed(x, d)
    mask, heads = "causal" if job.causal else "none", []
    for _ in range(rng.randint(1, 2)):
        h = rng.randint(1, 2)
        query = b.linear(inside, d, h)
        key = query if rng.random() < 0.1 else b.linear(inside, d, h)
        value, width = (key, h) if rng.random() < 0.1 else (b.linear(inside, d, 2), 2)
        squared = rng.choice(["1/100", "1/2", "1/1", "9/1"])
        head = b.add("attention", query=query, key=key, value=value, mask=mask, scale_squared=squared)
        heads.append(b.linear(head, width, d))
    stream = b.add("add", of=[*heads, *[x] * rng.choice([0, 1, 1, 2])]) if len(heads) > 1 else b.add("add", of=[*heads, x])
    if narrow:
        return behind(b, stream, x, d)
    for _ in range(rng.choice([0, 1, 1, 2])):
        stream = mlp(b, stream, d, "relu", normed=rng.random() < 0.5)
    return b.normed(stream, d) if rng.random() < 0.3 else stream, d


def rng_width(rng: random.Random) -> int:
    return rng.randint(2, 4)


def mlp(b: Plain, x: str, d: int, activation: str, *, normed: bool = False) -> str:
    """With a residual path or without, perhaps with a norm before it."""
    hidden = b.rng.randint(2, 5)
    down = b.linear(b.add(activation, of=b.linear(b.normed(x, d) if normed else x, d, hidden)), hidden, d)
    return b.add("add", of=[x, down]) if b.rng.random() < 0.7 else down


def behind(b: Plain, stream: str, local: str, d: int) -> tuple[str, int]:
    """A narrow node, and a network behind it."""
    rng, width = b.rng, b.rng.choice([1, 2, 2, 2])
    x = b.linear(stream, d, width)
    x = b.linear(x, width, 3)
    if rng.random() < 0.4:
        x = b.add("add", of=[x, b.linear(local, d, 3)])
    x = b.normed(x, 3)
    if rng.random() < 0.3:
        up = b.add(rng.choice(["gelu", "relu", "silu", "square", "gelu_tanh"]), of=b.linear(x, 3, 3))
        x = b.add("add", of=[x, b.linear(up, 3, 3)]) if rng.random() < 0.5 else b.linear(up, 3, 3)
    up = b.add(rng.choice(["gelu", "gelu", "relu", "relu", "silu", "square", "gelu_tanh"]), of=b.linear(x, 3, 5))
    if rng.random() < 0.2:
        up = b.add("multiply", of=[up, b.linear(x, 3, 5)])
    return (b.normed(up, 5) if rng.random() < 0.3 else up), 5


def scope_of(rng: random.Random, job: Job, sizes: Sequence[int]) -> dict[str, Any]:
    """Most often all inputs; else a part of the tokens, or with conditions."""
    kind = rng.random()
    ranges = [[0, size - 1] for size in sizes]
    if kind < 0.2:
        ranges = [sorted((rng.randrange(size), rng.randrange(size))) for size in sizes]
    scope: dict[str, Any] = {"tokens": ranges}
    if kind > 0.85 and len(sizes) > 1:
        pair = sorted(rng.sample(range(len(sizes)), 2))
        scope["conditions"] = [rng.choice([{"less": pair}, {"equal": pair}, {"occurs": [0]}, {"absent": [1]}])]
    return scope


def holds(condition: dict[str, list[int]], tokens: Tokens) -> bool:
    ((word, numbers),) = condition.items()
    if word in ("less", "equal"):
        first, second = (tokens[number] for number in numbers)
        return first < second if word == "less" else first == second
    return (numbers[0] in tokens) == (word == "occurs")


def random_case(seed: object, *, narrow: bool) -> Slots:
    """A network whose read-out is fitted to the task by least squares, so that it is often right."""
    for number in range(100):
        rng = random.Random(f"{seed} {number}")
        made = _case(rng, f"{seed} {number}", narrow)
        if made is not None:
            return made
    raise LookupError(f"no network for {seed}")


def _case(rng: random.Random, name: str, narrow: bool) -> Slots | None:
    job = job_of(rng)
    free = len(job.free)
    scope = scope_of(rng, job, [job.task.get("base", job.vocabulary)] * free)
    inside = list(product(*(range(first, last + 1) for first, last in scope["tokens"])))
    inputs = [tokens for tokens in inside if all(holds(condition, tokens) for condition in scope.get("conditions", []))]
    if len(inputs) < 4:
        return None
    b = Plain(rng, rng.choice([0.5, 1.0, 1.0, 2.0]))
    node, width = features(b, job, narrow)
    net = Net({"nodes": b.nodes}, b.weights, job.positions, job.vocabulary)
    lines = [job.sequence(tokens) for tokens in inputs]
    try:
        found = [evaluate(net, line)[node] for line in lines]
    except ArithmeticError:
        return None
    rows = np.array([[float(x.mid()) for x in found[index][place]] + [1.0] for index in range(len(lines)) for place in job.reads])
    if not np.isfinite(rows).all() or np.abs(rows).max() > 1e6:
        return None
    bias = narrow or rng.random() < 0.6
    right = [job.answers(line) for line in lines]
    labels, task = None, dict(job.task)
    outputs = max(job.outputs, 3) if narrow else job.outputs  # the strategy takes two logits for the narrow node
    wanted = np.eye(outputs)[[answer for line in right for answer in line]]
    fitted = np.linalg.lstsq(rows if bias else rows[:, :-1], wanted, rcond=1e-6)[0]
    if task["name"] == "table":
        if rng.random() < 0.5:  # what the network answers, or nearly
            won = (rows[:, : len(fitted)] @ fitted).argmax(axis=1)
            right = [(int(answer) if rng.random() < 0.95 else rng.randrange(job.outputs),) for answer in won]
        sizes = [job.vocabulary] * free
        listed = dict(zip(inputs, right, strict=True))
        labels = tuple(listed[tokens][0] if tokens in listed else 0 for tokens in product(*(range(size) for size in sizes)))
        task |= {"sizes": sizes, "labels": digest_of(labels)}
    b.weights["read_out"] = Weight((width, outputs), [float(x) for x in fitted[:width].ravel()])
    last: dict[str, Any] = {"node": "logits", "op": "linear", "of": node, "factors": ["read_out"]}
    if bias:
        b.weights["read_out_bias"] = Weight((outputs,), [float(x) for x in fitted[width]])
        last["bias"] = "read_out_bias"
    b.nodes.append(last)
    truth = []
    for line, answers in zip(lines, right, strict=True):
        logits = evaluate(net, line)["logits"]
        truth.append(tuple(_wins(logits[place], answer) for place, answer in zip(job.reads, answers, strict=True)))
    program = {"name": "slots", "nodes": b.nodes, "logits": "logits"}
    weights = {key: _rows(weight) for key, weight in b.weights.items()}
    return Slots(program, weights, task, scope, name=name, labels=labels, truth=tuple(truth))


def _wins(logits: Sequence[Any], answer: int) -> bool:
    return all(bool(logits[answer] > logit) for other, logit in enumerate(logits) if other != answer)


def _rows(weight: Weight) -> Any:
    if len(weight.shape) == 1:
        return weight.data
    columns = weight.shape[1]
    return [weight.data[start : start + columns] for start in range(0, len(weight.data), columns)]
