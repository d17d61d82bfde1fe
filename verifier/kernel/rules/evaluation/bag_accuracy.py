"""Rule bag_accuracy: which inputs a bag of tokens answers rightly, by sums of integers; ties are decided exactly."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from operator import add

from verifier.kernel.certificate import Hint, IntegerTable, Signature
from verifier.kernel.facts import Context, Count, Fact, Group
from verifier.kernel.limits import LIMITS
from verifier.kernel.network.bag import Bag, Met
from verifier.kernel.network.judging import Judge, labelled
from verifier.kernel.numbers.tensor import Tensor
from verifier.kernel.numbers.workshop import on_grid
from verifier.kernel.tasks.task import Tokens

SIGNATURE = Signature(premises={}, hints={"labels": IntegerTable(0, LIMITS.vocabulary)}, optional=("labels",))
CELLS_AT_ONCE = 1 << 18  # logits: sums of two megabytes stay in a processor's cache
EXACT_INPUTS = 1 << 12  # inputs that integers leave open and exact numbers decide; a thousandth of a second each


def bag_accuracy(premises: Mapping[str, list[Fact]], hints: Mapping[str, Hint], context: Context) -> Count:
    """Premises: none.  Hints: labels, shape (1, inputs), of a task that is a table.

    The tables' entries are enclosed by integers of one unit, floor <= M / unit <= ceiling.  An input is right if the sum of the floors at
    the right output exceeds the sums of the ceilings at all others, wrong if some sum of floors is at least the sum of the ceilings at the
    right one; the first 4,096 inputs that are neither are evaluated exactly, if the table is a product of weights.
    Conclusion: per group the inputs answered rightly, and those answered wrongly.
    Operations: integer, 4 per input and output.  Soundness: `bag_accuracy_sound`.
    """
    bag = Bag.of(Judge.of(context, labelled(context.subject.task, hints)), context)
    signs = _Signs(bag)
    tally: dict[tuple[Group, int], int] = defaultdict(int)
    for met in bag.met(max(CELLS_AT_ONCE // len(bag.judge.network.outputs), 1)):
        for (_, tokens, label), sign in zip(met.inputs, signs.of(met), strict=True):
            for group, orders in bag.groups(tokens, label):
                tally[group, sign] += orders
    groups = {group for group, _ in tally}
    right, open_, wrong = ({group: tally.get((group, sign), 0) for group in groups} for sign in (1, 0, -1))
    return Count(right, wrong, {group: right[group] + open_[group] + wrong[group] for group in groups})


class _Signs:
    """The tables on a grid.  floors, ceilings: integers in one unit, axes as the bag's table."""

    def __init__(self, bag: Bag) -> None:
        self.bag, self.exact_left = bag, EXACT_INPUTS
        whole = [one.spread(("grid", *one.axes), {"grid": 1} | one.sizes) for one in (bag.table, -bag.table)]
        floors, below = (grid.select("grid", 0) for grid in on_grid("grid", *whole))
        self.floors, self.ceilings = floors, -below

    def of(self, met: Met) -> list[int]:
        """For each input met 1, -1 or 0: right, wrong, open."""
        bag, others = self.bag, len(self.bag.judge.network.outputs) - 1
        labels = [0] * (len(met.heads) * len(met.last))  # what is found of pairs that are not met is not looked at
        for index, _, label in met.inputs:
            labels[index] = label
        own = self._at_labels(self.floors, bag.columns(met), labels).split("input", head=len(met.heads), token=len(met.last))
        ceilings = bag.of_last(self.ceilings, met.last)
        for part in [*bag.fixed(self.ceilings), *bag.of_heads(self.ceilings, met.heads)]:
            ceilings = ceilings + part
        # no floor exceeds its ceiling: the right output is not among those that it beats
        beaten = (own - ceilings.spread(("head", "token", "output"), {"head": 1} | ceilings.sizes)).certainly_positive().trues("output")
        counts = beaten.merged("head", "token", name="input").take("input", [index for index, _, _ in met.inputs]).to_list()
        signs = [int(count == others) for count in counts]
        rest = [place for place, sign in enumerate(signs) if not sign]
        if rest:
            inputs = [met.inputs[place][1:] for place in rest]
            for place, one, lost in zip(rest, inputs, self._lost(inputs), strict=True):
                signs[place] = -1 if lost else self._exactly(*one)
        return signs

    def _lost(self, inputs: Sequence[tuple[Tokens, int]]) -> list[bool]:
        """Whether some other output is certainly not less than the right one."""
        bag, labels = self.bag, [label for _, label in inputs]
        columns = list(enumerate(zip(*(bag.judge.task.sequence(tokens) for tokens, _ in inputs), strict=True)))
        floors = reduce(add, [bag.of_slot(self.floors, slot).take("token", column) for slot, column in columns]).renamed(token="input")
        lows, highs = (self._at_labels(table, columns, labels).to_list() for table in (self.floors, self.ceilings))
        tops = floors.max("output").to_list()  # a top above the right output's own floor is another output's
        return [top >= high and top > low for top, high, low in zip(tops, highs, lows, strict=True)]

    def _at_labels(self, table: Tensor, columns: Iterable[tuple[int, Sequence[int]]], labels: Sequence[int]) -> Tensor:
        """Sums over the slots of a table at the right outputs, axis input; columns: the tokens of each slot."""
        return reduce(add, [self.bag.of_slot(table, slot).at("input", token=column, output=labels) for slot, column in columns])

    def _exactly(self, tokens: Tokens, label: int) -> int:
        if not self.exact_left:
            return 0
        self.exact_left -= 1
        margin = self.bag.exact_margin(tokens, label)
        return 0 if margin is None else 1 if margin > 0 else -1
