"""Two tokens behind one ReLU: networks whose logits are relu(first[x] + second[y]) U + b, x and y being the tokens of the free slots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from operator import add

from verifier.kernel.errors import StepRejected
from verifier.kernel.facts import Context
from verifier.kernel.limits import check_limit
from verifier.kernel.network.judging import Judge
from verifier.kernel.numbers.tensor import Tensor
from verifier.kernel.tasks.task import Tokens

INPUT_OPERATIONS = 8  # charged for naming an input, its right answer and its group


@dataclass(frozen=True)
class Hidden:
    """A network of this shape and a task that reads one answer from two free slots.

    summed: the local node that is summed over the positions.  linear: the nodes behind the ReLU, in order.
    """

    judge: Judge
    context: Context
    summed: str
    linear: tuple[str, ...]

    @staticmethod
    def of(judge: Judge, context: Context) -> Hidden:
        """Raises StepRejected for networks and tasks of another shape."""
        network, layout = judge.network, judge.task.layout
        linear: list[str] = []
        node = network.program.node(network.program.logits)
        while node.operator == "linear":
            linear.insert(0, node.name)
            node = network.program.node(node.inputs[0])
        chain = [node]
        for operator in ("relu", "sum_positions"):
            if chain[-1].operator == operator:
                chain.append(network.program.node(chain[-1].inputs[0]))
        # attack: another activation, or something added behind it
        if not linear or len(chain) < 3 or chain[2].name not in network.local:
            expected = "logits that are linear in the relu of a sum over the positions of a node before which no positions mix"
            raise StepRejected("wrong-subject", expected=expected, got=f"node {chain[-1].name} ({chain[-1].operator})")
        if len(layout.reads) != 1 or layout.determined or len(layout.free) != 2:
            got = f"{len(layout.free)} free slots and {len(layout.reads)} answers"
            raise StepRejected("wrong-subject", expected="a task that reads one answer from two free slots", got=got)
        return Hidden(judge, context, chain[2].name, tuple(linear))

    @cached_property
    def sizes(self) -> tuple[int, int]:
        """How many tokens each free slot may hold."""
        vocabulary = self.judge.network.vocabulary
        first, second = (min(count, vocabulary) for count in self.judge.task.token_counts(vocabulary))
        check_limit("enumerated_inputs", first * second)
        return first, second

    @cached_property
    def sides(self) -> tuple[Tensor, Tensor]:
        """What the tokens of the free slots add up to before the ReLU, axes (token, neuron); fixed slots are counted with the first."""
        table = self.judge.evaluation.table(self.summed).renamed(feature="neuron")
        layout, axes = self.judge.task.layout, ("token", "neuron")
        sizes = {"token": self.judge.network.vocabulary}

        def of_slot(slot: int) -> Tensor:
            rows = table.select("place", slot) if "place" in table.axes else table
            return rows.spread(axes, sizes | rows.sizes)

        first, second = (of_slot(slot).take("token", range(size)) for slot, size in zip(layout.free, self.sizes, strict=True))
        return reduce(add, [of_slot(slot).select("token", token) for slot, token in sorted(layout.fixed.items())], first), second

    @cached_property
    def output(self) -> tuple[Tensor, Tensor]:
        """The matrix behind the ReLU, its factors multiplied, axes (neuron, output), and the bias, axis output: of what competes."""
        operators, network = self.judge.evaluation.operators, self.judge.network
        matrix: Tensor | None = None
        bias = self.judge.functions.number(0)
        for name in self.linear:
            node = network.program.node(name)
            for factor in node.weights.get("factors", ()):
                weight = operators.weight(factor, "feature", "column")
                matrix = weight if matrix is None else matrix.contract(weight, "feature")
                matrix = matrix.renamed(feature="neuron").renamed(column="feature")
                if bias.axes:
                    bias = bias.contract(weight, "feature").renamed(column="feature")
            for one in node.weights.get("bias", ()):
                bias = bias + operators.weight(one, "row", "feature")
        if matrix is None:  # a bias alone: the neurons themselves are the outputs
            raise StepRejected("wrong-subject", expected="a matrix behind the relu", got="a bias alone")
        bias = bias.spread(("feature",), {"feature": matrix.size("feature")} | bias.sizes)
        chosen = network.outputs
        return matrix.take("feature", chosen).renamed(feature="output"), bias.take("feature", chosen).renamed(feature="output")

    @cached_property
    def labels(self) -> tuple[tuple[int, ...], ...]:
        """The right output of each pair of tokens, counted from the first that competes, whether or not the pair is in scope."""
        task, (first, second) = self.judge.task, self.sizes
        self.context.ledger.count(integer_ops=first * second)
        answers = ([task.answers(task.sequence((x, y)))[0] for y in range(second)] for x in range(first))
        return tuple(tuple(map(self.judge.label, row)) for row in answers)

    @cached_property
    def inputs(self) -> tuple[Tokens, ...]:
        """All inputs in scope."""
        inputs = tuple(self.context.subject.scope.inputs())
        self.context.ledger.count(integer_ops=INPUT_OPERATIONS * len(inputs))
        return inputs

    def columns(self) -> tuple[Sequence[int], Sequence[int], Sequence[int]]:
        """The first tokens, the second tokens and the right outputs of all inputs in scope."""
        first, second = zip(*self.inputs, strict=True)
        return first, second, [self.labels[x][y] for x, y in self.inputs]
