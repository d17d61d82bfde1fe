"""Rule bag_loss: the losses of a bag of tokens, by one product of exponentiated tables instead of an exponential per input and output."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import reduce
from itertools import repeat
from operator import add, mul

from verifier.kernel.arithmetic import NEVER
from verifier.kernel.certificate import Hint, IntegerTable, Signature
from verifier.kernel.errors import StepRejected
from verifier.kernel.facts import Context, Fact, LossSum
from verifier.kernel.limits import LIMITS
from verifier.kernel.network.bag import Bag, Met
from verifier.kernel.network.judging import LOSS_BITS, Judge, labelled
from verifier.kernel.tensor import Tensor

SIGNATURE = Signature(premises={}, hints={"labels": IntegerTable(0, LIMITS.vocabulary)}, optional=("labels",))
PAIRS_AT_ONCE = 1 << 20  # heads times last tokens


def bag_loss(premises: Mapping[str, list[Fact]], hints: Mapping[str, Hint], context: Context) -> LossSum:
    """Premises: none.  Hints: labels, shape (1, inputs), of a task that is a table.

    With M_i the table of slot i and c_i[t] its largest entry of row t, rounded up,

        loss = ln(sum over j of the product over i of exp(M_i[t_i, j] - c_i[t_i])) + sum over i of (c_i[t_i] - M_i[t_i, y]).

    Conclusion: an upper bound of the sum of all losses.  Operations: v exponentials per slot and output, 2 v^n per output, one logarithm
    per input.  Soundness: `bag_loss_sound`.
    """
    bag = Bag.of(Judge.of(context, labelled(context.subject.task, hints)), context)
    losses = _Losses(bag)
    return LossSum(sum(losses.of(met) for met in bag.met(PAIRS_AT_ONCE)), context.subject.total)


class _Losses:
    """The tables of exponentials, and the losses that follow from them."""

    def __init__(self, bag: Bag) -> None:
        self.bag = bag
        peaks = bag.table.max("output").upper_end()
        self.shares = (bag.table - peaks).exp()  # at most 1
        self.deficits = peaks - bag.table  # c_i[t] - M_i[t, j]

    def of(self, met: Met) -> int:
        """The sum of the losses of all inputs that the inputs met stand for, rounded up, in units of 2^-LOSS_BITS nats."""
        bag, heads, tokens = self.bag, len(met.heads), len(met.last)
        factors = [*bag.of_heads(self.shares, met.heads), *bag.fixed(self.shares)]
        last = bag.of_last(self.shares, met.last)
        if factors:
            sums = reduce(mul, factors)
            sums = sums.spread(("head", "output"), {"head": heads} | sums.sizes).contract(last, "output")
        else:
            sums = last.sum("output").spread(("head", "token"), {"head": 1, "token": tokens})
        sums = sums.merged("head", "token", name="input").take("input", [index for index, _, _ in met.inputs])
        loss = bag.judge.functions.logarithm_above(sums) + reduce(add, self._deficits(met))
        floors = (-loss).floor("input", LOSS_BITS).to_list()
        if min(floors) <= NEVER:
            raise StepRejected("undecided-loss", expected="logits whose loss is finite", got="an enclosure without end")
        orders = map(bag.orders, (tokens for _, tokens, _ in met.inputs)) if bag.symmetric else repeat(1)
        return -int(sum(map(mul, floors, orders)))

    def _deficits(self, met: Met) -> Iterator[Tensor]:
        """c_i[t_i] - M_i[t_i, y] of each slot, axis input."""
        chosen = [index for index, _, _ in met.inputs]
        labels = [label for _, _, label in met.inputs]
        for slot, column in self.bag.columns(met):
            yield self.bag.of_slot(self.deficits, slot).at("input", token=[column[index] for index in chosen], output=labels)
