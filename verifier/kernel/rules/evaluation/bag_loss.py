"""Rule bag_loss: the losses of a bag of tokens, by one product of exponentiated tables instead of an exponential per input and output."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from functools import reduce
from itertools import repeat
from operator import add, mul

from verifier.kernel.certificate import Hint, IntegerTable, Signature
from verifier.kernel.errors import StepRejected
from verifier.kernel.facts import Context, Fact, LossSum
from verifier.kernel.limits import LIMITS
from verifier.kernel.network.bag import Bag, Met
from verifier.kernel.network.judging import LOSS_BITS, Judge, labelled
from verifier.kernel.numbers.arithmetic import NEVER
from verifier.kernel.numbers.tensor import Tensor

SIGNATURE = Signature(premises={}, hints={"labels": IntegerTable(0, LIMITS.vocabulary)}, optional=("labels",))
PAIRS_AT_ONCE = 1 << 20  # heads times last tokens
BLOCK = 64  # outputs: a product loses what is far below its rows' peaks, and in a block the peaks are not far
CLEAR = Fraction(8193, 8192)  # how far apart the ends of a sum may be
DIRECT_CELLS = 1 << 26  # logits of the inputs whose sums are not clear, and which are evaluated one by one: two microseconds each


def bag_loss(premises: Mapping[str, list[Fact]], hints: Mapping[str, Hint], context: Context) -> LossSum:
    """Premises: none.  Hints: labels, shape (1, inputs), of a task that is a table.

    With M_i the table of slot i and c_i[t] the largest entry of its row t, rounded up,

        loss = ln(sum over j of the product over i of exp(M_i[t_i, j] - c_i[t_i])) + sum over i of (c_i[t_i] - M_i[t_i, y]).

    The outputs are taken in blocks of 64.  Inputs whose sum a product does not give to four digits are evaluated one by one, as long as
    that is 2^26 logits.  Conclusion: an upper bound of the sum of all losses.
    Operations: one exponential per entry of a table, 2 per input and output, one logarithm per input.  Soundness: `bag_loss_sound`.
    """
    bag = Bag.of(Judge.of(context, labelled(context.subject.task, hints)), context)
    losses = _Losses(bag)
    return LossSum(sum(losses.of(met) for met in bag.met(PAIRS_AT_ONCE)), context.subject.total)


class _Losses:
    """The tables of exponentials, outputs in blocks that have peaks of their own, and the losses that follow from them."""

    def __init__(self, bag: Bag) -> None:
        self.bag, self.direct_left = bag, DIRECT_CELLS // bag.table.size("output")
        peaks = bag.table.max("output").upper_end()
        self.deficits = peaks - bag.table  # c_i[t] - M_i[t, j]
        self.blocks: list[tuple[Tensor, Tensor]] = []
        for start in range(0, bag.table.size("output"), BLOCK):
            part = bag.table.take("output", range(start, min(start + BLOCK, bag.table.size("output"))))
            tops = part.max("output").upper_end()
            self.blocks.append(((tops - peaks).exponential(), (part - tops).exponential()))  # both at most 1, but for rounding

    def of(self, met: Met) -> int:
        """The sum of the losses of all inputs that the inputs met stand for, rounded up, in units of 2^-LOSS_BITS nats."""
        bag = self.bag
        sums = reduce(add, [self._block(met, *block) for block in self.blocks])
        sums = sums.merged("head", "token", name="input").take("input", [index for index, _, _ in met.inputs])
        loss = bag.judge.functions.logarithm_above(sums) + reduce(add, self._deficits(met))
        units = [-floor for floor in (-loss).floor("input", LOSS_BITS).to_list()]
        clear = (sums.lower_end() * bag.judge.functions.number(CLEAR) - sums.upper_end()).certainly_positive().to_list()
        self._directly(met, [place for place, is_clear in enumerate(clear) if not is_clear], units)
        if max(units) >= -NEVER:
            raise StepRejected("undecided-exponential", expected="logits whose loss is finite", got="an enclosure without end")
        orders = map(bag.orders, (tokens for _, tokens, _ in met.inputs)) if bag.symmetric else repeat(1)
        return int(sum(map(mul, units, orders)))

    def _block(self, met: Met, tops: Tensor, shares: Tensor) -> Tensor:
        """The sum over the outputs of a block of the products of exponentials, axes (head, token)."""
        bag, sizes = self.bag, {"head": len(met.heads), "token": len(met.last)}
        factors = [*bag.of_heads(shares, met.heads), *bag.fixed(shares)]
        last = bag.of_last(shares, met.last)
        if factors:
            left = reduce(mul, factors)
            sums = left.spread(("head", "output"), sizes | left.sizes).contract(last, "output")
        else:
            sums = last.sum("output").spread(("head", "token"), sizes)
        return reduce(mul, [*bag.of_heads(tops, met.heads), *bag.fixed(tops), bag.of_last(tops, met.last)], sums)

    def _directly(self, met: Met, places: Sequence[int], units: list[int]) -> None:
        """Evaluate inputs one by one, as `every_input` does, as long as there is time, and lower their bounds."""
        judge = self.bag.judge
        places = places[: self.direct_left]
        self.direct_left -= len(places)
        size = judge.inputs_at_once
        for start in range(0, len(places), size):
            some = places[start : start + size]
            for place, loss in zip(some, judge.loss_units(judge.batch([met.inputs[place][1] for place in some])), strict=True):
                units[place] = min(units[place], loss)

    def _deficits(self, met: Met) -> Iterator[Tensor]:
        """c_i[t_i] - M_i[t_i, y] of each slot, axis input."""
        chosen = [index for index, _, _ in met.inputs]
        labels = [label for _, _, label in met.inputs]
        for slot, column in self.bag.columns(met):
            yield self.bag.of_slot(self.deficits, slot).at("input", token=[column[index] for index in chosen], output=labels)
