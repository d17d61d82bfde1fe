"""One network in both arithmetics against the oracle: enclosures of logits, and what is concluded from them."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import flint
from flint import arb

from tests.cells import ends
from tests.network_oracle import BITS, Net, Vector, evaluate
from verifier.fast import FastArithmetic
from verifier.kernel.decode.strict_json import Reader
from verifier.kernel.errors import StepRejected
from verifier.kernel.network.evaluation import Evaluation
from verifier.kernel.network.functions import Functions
from verifier.kernel.network.judging import LOSS_BITS, Judge
from verifier.kernel.network.operators import Network, Operators, read_network
from verifier.kernel.network.program import read_program
from verifier.kernel.numbers.arithmetic import Arithmetic
from verifier.kernel.numbers.matrix import Ledger
from verifier.kernel.numbers.reference import ReferenceArithmetic
from verifier.kernel.numbers.workshop import Workshop
from verifier.kernel.tasks import read_task
from verifier.kernel.tasks.table import Table, digest_of
from verifier.kernel.tasks.task import Task, Tokens

ARITHMETICS: tuple[Arithmetic, ...] = (ReferenceArithmetic(), FastArithmetic())
UNDECIDED = {"undecided-divisor", "undecided-root", "undecided-exponential"}
INPUTS = 4  # of one network


@dataclass
class Tally:
    """What was seen."""

    networks: int = 0
    unknown: int = 0  # of them, those that the oracle cannot judge
    logits: int = 0
    unbounded: int = 0  # logits enclosed by a half-line or all reals
    undecided: int = 0  # evaluations refused
    right: int = 0
    wrong: int = 0
    open: int = 0  # inputs neither certainly right nor certainly wrong
    losses: int = 0
    failures: list[str] = field(default_factory=list)

    def expect(self, condition: bool, what: str) -> None:
        if not condition:
            self.failures.append(what)


def network_of(net: Net) -> Network:
    """As the kernel reads it."""
    program = read_program(Reader(net.program, "FILE", "2.4"))
    return read_network(program, net.data, file="FILE")


def judge_of(net: Net, task: Task, arithmetic: Arithmetic) -> Judge:
    workshop = Workshop(arithmetic, Ledger())
    operators = Operators(network_of(net), Functions(workshop))
    return Judge(Evaluation(operators, net.positions), task, workshop)


def task_of(**document: Any) -> Task:
    return read_task(Reader(document, "FILE", "2.5"))


def labelled(net: Net, labels: Sequence[int], read: int) -> Task:
    """The task with these right answers, inputs in lexicographic order."""
    sizes = [net.vocabulary] * net.positions
    task = task_of(name="table", positions=net.positions, sizes=sizes, labels=digest_of(labels), read=read)
    return task.with_labels(labels) if isinstance(task, Table) else task


def inside(low: Any, high: Any, value: arb) -> bool:
    """Not certainly outside; None is an open end."""
    return not (low is not None and exact(low) > value) and not (high is not None and exact(high) < value)


def exact(fraction: Any) -> arb:
    return arb(fraction.numerator) / arb(fraction.denominator)


def refused(tally: Tally, act: Callable[[], Any]) -> Any:
    """The value of `act`, None where it leaves the matter undecided."""
    try:
        return act()
    except StepRejected as error:
        tally.undecided += 1
        tally.expect(error.code in UNDECIDED, f"refused with {error}")
        return None


def check(net: Net, seed: object, tally: Tally) -> None:
    """Logits at every position, and judgements of some inputs, in both arithmetics."""
    rng = random.Random(str(seed))
    tally.networks += 1
    inputs = list(itertools.product(range(net.vocabulary), repeat=net.positions))
    chosen = rng.sample(inputs, min(INPUTS, len(inputs)))
    first, last = net.program.get("outputs", [0, None])
    width = slice(first, None if last is None else last + 1)
    places = tuple(rng.sample(range(net.positions), rng.randint(1, net.positions)))
    with flint.ctx.workprec(BITS):
        try:
            truth = {tokens: evaluate(net, tokens)[net.program["logits"]] for tokens in chosen}
        except ArithmeticError:
            tally.unknown += 1
            return
        truth = {tokens: [line[width] for line in lines] for tokens, lines in truth.items()}
        _logits(net, chosen, places, truth, tally, seed)
        _judgements(net, chosen, inputs, first, truth, tally, f"{seed}", rng)


def _logits(
    net: Net, chosen: Sequence[Tokens], places: tuple[int, ...], truth: dict[Tokens, list[Vector]], tally: Tally, seed: object
) -> None:
    found = []
    for arithmetic in ARITHMETICS:
        evaluation = judge_of(net, task_of(name="min", positions=net.positions), arithmetic).evaluation
        tensor = refused(tally, lambda evaluation=evaluation: evaluation.logits(chosen, places))
        if tensor is None:
            continue
        points = [value for tokens in chosen for place in places for value in truth[tokens][place]]
        tally.expect(tensor.axes == ("input", "place", "output"), f"{seed}: axes {tensor.axes}")
        tally.expect(tensor.shape == (len(chosen), len(places), len(points) // len(chosen) // len(places)), f"{seed}: {tensor.shape}")
        lows, highs = ends(tensor.cells)
        found.append((lows, highs))
        for index, (low, high, value) in enumerate(zip(lows, highs, points, strict=True)):
            tally.logits += 1
            tally.expect(inside(low, high, value), f"{seed}: {arithmetic.name} logit {index} outside")
            if low is None or high is None:
                tally.unbounded += 1
    if len(found) == 2:
        (lows, highs), (others_low, others_high) = found
        for a, b, c, d in zip(lows, highs, others_low, others_high, strict=True):
            tally.expect((d is None or a <= d) and (c is None or c <= b), f"{seed}: the enclosures do not overlap")


def _judgements(
    net: Net,
    chosen: Sequence[Tokens],
    inputs: list[Tokens],
    first: int,
    truth: dict[Tokens, list[Vector]],
    tally: Tally,
    seed: str,
    rng: random.Random,
) -> None:
    read, outputs = rng.randrange(net.positions), len(truth[chosen[0]][0])
    labels = [first + rng.randrange(outputs) for _ in inputs]
    for tokens in chosen:
        if rng.random() < 0.5:  # the network's own answer
            line = truth[tokens][read]
            labels[inputs.index(tokens)] = first + max(range(outputs), key=lambda x: line[x].mid())
    task = labelled(net, labels, read)
    own = [labels[inputs.index(tokens)] - first for tokens in chosen]
    lines = [truth[tokens][read] for tokens in chosen]
    right = [all(bool(line[label] > x) for other, x in enumerate(line) if other != label) for line, label in zip(lines, own, strict=True)]
    loss = sum((sum(((x - line[label]).exp() for x in line), arb(0)).log() for line, label in zip(lines, own, strict=True)), arb(0))
    best = [sum(not any(bool(x > line[output]) for x in line) for line in lines) for output in range(outputs)]
    for arithmetic in ARITHMETICS:
        judge = judge_of(net, task, arithmetic)
        batch = judge.batch(chosen)
        answers = refused(tally, lambda judge=judge, batch=batch: judge.answers(batch))
        for true, is_right, is_wrong in zip(right, *(answers or ([], [])), strict=False):
            tally.right += is_right
            tally.wrong += is_wrong
            tally.open += not is_right and not is_wrong
            tally.expect(true or not is_right, f"{seed}: {arithmetic.name} false right")
            tally.expect(not true or not is_wrong, f"{seed}: {arithmetic.name} false wrong")
        units = refused(tally, lambda judge=judge, batch=batch: judge.losses(batch))
        if units is not None:
            tally.losses += 1
            tally.expect(not bool(arb((units, -LOSS_BITS)) < loss), f"{seed}: {arithmetic.name} loss too small")
        possible = refused(tally, lambda judge=judge, batch=batch: judge.possible_outputs(batch))
        for output, count in (possible or {}).items():
            tally.expect(best[output - first] <= count <= len(chosen), f"{seed}: {arithmetic.name} output {output}: {count} of {best}")
