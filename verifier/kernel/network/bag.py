"""Bags of tokens: networks whose logits are a sum over the positions of a table of (position, token), nothing following.

The logits of an input are then the sum of one row per slot, and a statement about v^n inputs is one about n tables.  Inputs are met as
heads, the tokens of all free slots but the last, times the tokens of the last slot.  Where one table serves all slots and the task
does not look at their order, only ascending inputs are met, each standing for all its orders.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from itertools import combinations_with_replacement, groupby, islice, product
from math import factorial
from operator import add

from verifier.kernel.errors import StepRejected
from verifier.kernel.facts import Context, Group
from verifier.kernel.limits import check_limit
from verifier.kernel.network.exact import ExactRows
from verifier.kernel.network.judging import Judge
from verifier.kernel.numbers.tensor import Tensor
from verifier.kernel.tasks.task import Tokens

INPUT_OPERATIONS = 64  # charged for naming an input, its right answer and its group


@dataclass(frozen=True)
class Met:
    """Heads and last tokens that are worked on at once.  inputs: those of head x last that are met, as (index, tokens, label).

    index: of the pair in row-major order.  label: the right output, counted from the first that competes.
    """

    heads: tuple[Tokens, ...]
    last: range
    inputs: tuple[tuple[int, Tokens, int], ...]


@dataclass(frozen=True)
class Bag:
    """A network of this shape and a task that reads one answer."""

    judge: Judge
    context: Context

    @staticmethod
    def of(judge: Judge, context: Context) -> Bag:
        """Raises StepRejected for networks of another shape."""
        network, task = judge.network, judge.task
        top = network.program.node(network.program.logits)
        if top.operator != "sum_positions" or top.operands["of"][0] not in network.local:  # attack: an activation after the sum
            expected = "logits that are a sum over the positions of a node before which no positions mix"
            raise StepRejected("wrong-subject", expected=expected, got=f"node {top.name} ({top.operator})")
        if len(task.layout.reads) != 1:
            raise StepRejected("wrong-subject", expected="a task that reads one answer", got=f"{len(task.layout.reads)} answers")
        if task.layout.determined:  # the statement is refused before; here every slot must be free or fixed
            raise StepRejected("wrong-subject", expected="a task without determined slots", got=task.name)
        check_limit("enumerated_inputs", context.subject.scope.box)
        return Bag(judge, context)

    @cached_property
    def summed(self) -> str:
        """The node that is summed."""
        network = self.judge.network
        return network.program.node(network.program.logits).operands["of"][0]

    @cached_property
    def table(self) -> Tensor:
        """Of the node that is summed: axes (place, token, output), or (token, output) if no place differs from another."""
        network = self.judge.network
        table = self.judge.evaluation.table(self.summed).take("feature", network.outputs).renamed(feature="output")
        axes = (*(("place",) if "place" in table.axes else ()), "token", "output")
        return table.spread(axes, {"token": network.vocabulary} | table.sizes)

    @cached_property
    def _exact(self) -> ExactRows:
        return ExactRows(self.judge.network, self.context.ledger)

    @cached_property
    def symmetric(self) -> bool:
        """Whether the order of the tokens changes nothing: neither the logits nor the right answer nor being in scope."""
        scope = self.context.subject.scope
        return self.judge.task.symmetric and "place" not in self.table.axes and len(set(scope.ranges)) == 1 and not scope.conditions

    def of_slot(self, table: Tensor, slot: int) -> Tensor:
        """Rows of a table of `table`'s axes at a position, axes (token, output)."""
        return table.select("place", slot) if "place" in table.axes else table

    def fixed(self, table: Tensor) -> list[Tensor]:
        """The rows of the fixed slots, axis output."""
        return [self.of_slot(table, slot).select("token", token) for slot, token in sorted(self.judge.task.layout.fixed.items())]

    def of_heads(self, table: Tensor, heads: Sequence[Tokens]) -> list[Tensor]:
        """One tensor per free slot but the last: its rows at the heads' tokens, axes (head, output)."""
        slots = self.judge.task.layout.free[:-1]
        columns = zip(*heads, strict=True)
        return [self.of_slot(table, slot).take("token", tokens).renamed(token="head") for slot, tokens in zip(slots, columns, strict=False)]

    def of_last(self, table: Tensor, last: range) -> Tensor:
        """Rows of the last free slot, axes (token, output)."""
        return self.of_slot(table, self.judge.task.layout.free[-1]).take("token", last)

    def columns(self, met: Met) -> Iterator[tuple[int, list[int]]]:
        """Of each slot the tokens at all pairs of a head and a last token."""
        layout, last = self.judge.task.layout, list(met.last)
        for slot, token in layout.fixed.items():
            yield slot, [token] * (len(met.heads) * len(last))
        for index, slot in enumerate(layout.free[:-1]):
            yield slot, [head[index] for head in met.heads for _ in last]
        yield layout.free[-1], last * len(met.heads)

    def met(self, pairs: int) -> Iterator[Met]:
        """All inputs in scope, about so many at once."""
        *others, (first, final) = self.context.subject.scope.ranges
        heads: Iterator[Tokens]
        if self.symmetric:
            heads = iter(combinations_with_replacement(range(first, final + 1), len(others)))
        else:
            heads = product(*(range(low, high + 1) for low, high in others))
        size = max(pairs // (final + 1 - first), 1)
        while batch := tuple(islice(heads, size)):
            for start in range(first, final + 1, pairs):
                last = range(start, min(start + pairs, final + 1))
                inputs = tuple(self._inputs(batch, last))
                self.context.ledger.count(integer_ops=INPUT_OPERATIONS * len(inputs))
                if inputs:
                    yield Met(batch, last, inputs)

    def _inputs(self, heads: Sequence[Tokens], last: range) -> Iterator[tuple[int, Tokens, int]]:
        task, scope = self.judge.task, self.context.subject.scope
        for row, head in enumerate(heads):
            start = row * len(last) - last.start
            least = max(last.start, head[-1]) if self.symmetric and head else last.start
            for token in range(least, last.stop):
                tokens = (*head, token)
                if scope.holds(tokens):
                    (answer,) = task.answers(task.sequence(tokens))
                    yield start + token, tokens, self.judge.label(answer)

    def orders(self, tokens: Tokens) -> int:
        """How many inputs an input stands for."""
        return _orders(tokens) if self.symmetric else 1

    def groups(self, tokens: Tokens, label: int) -> Iterator[tuple[Group, int]]:
        """The groups of the inputs that an input stands for, each with how many of them lie in it."""
        task, answers = self.judge.task, (label + self.judge.network.outputs.start,)
        if not self.symmetric:
            yield task.group(tokens, answers), 1
            return
        if tokens[0] == tokens[-1]:
            yield task.group(tokens, answers), 1
            return
        for index, token in enumerate(tokens):  # each different token in the last slot, which is all of the order that a group can see
            if not index or token != tokens[index - 1]:
                rest = (*tokens[:index], *tokens[index + 1 :])
                yield task.group((*rest, token), answers), _orders(rest)

    def exact_margin(self, tokens: Tokens, label: int) -> int | None:
        """A number of the sign of the least gap, None where the table is not a product of weights."""
        rows = [self._exact.row(self.summed, slot, token) for slot, token in enumerate(self.judge.task.sequence(tokens))]
        known = [row for row in rows if row is not None]
        if len(known) < len(rows):
            return None
        (logits,) = reduce(add, known).rows
        outputs = self.judge.network.outputs
        competing = logits[outputs.start : outputs.stop]
        return min(competing[label] - other for index, other in enumerate(competing) if index != label)


def _orders(tokens: Tokens) -> int:
    """In how many orders ascending tokens can be put."""
    if len(tokens) <= 2:
        return 1 if tokens[0] == tokens[-1] else 2
    ways = factorial(len(tokens))
    for _, alike in groupby(tokens):
        ways //= factorial(len(tuple(alike)))
    return ways
