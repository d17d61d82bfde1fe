"""What a step can conclude: facts about tables, then about sets of inputs, then one number.

Notation (docs/mathematics.md): n positions, the last one holds the query q; m the true maximum; x a wrong output; k a
key token; w_i(k) > 0 a weight proportional to the attention that slot i pays to token k.  Phi_x(t) = sum_i w_i(t_i) * gap_i > 0 for
all x != m iff the input t is answered correctly (L4); gaps are positive when right.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any

from verifier.kernel.errors import StepRejected
from verifier.kernel.maximum.model import Model, Paths, model_of
from verifier.kernel.maximum.ranges import Scope
from verifier.kernel.maximum.rounding import Rounding
from verifier.kernel.network.attention_only import NAME
from verifier.kernel.network.operators import Network
from verifier.kernel.numbers.matrix import Ledger, Matrix
from verifier.kernel.numbers.tensor import Tensor
from verifier.kernel.numbers.workshop import Workshop
from verifier.kernel.statement import Subject

Group = tuple[int, ...]  # the key of a group of inputs, as tasks make it


@dataclass(frozen=True)
class Slack:
    """|error[r, k] - error[r, l]| <= rows[r] . (columns[k] + columns[l]) for all k != l.

    Both of shape (size, sources of error), entries >= 0.
    """

    rows: Matrix
    columns: Matrix

    def beside(self, other: Slack) -> Slack:
        """The slack of two errors that add up."""

        def both(first: Matrix, second: Matrix) -> Matrix:
            return first.transposed.joined(second.transposed.named(*first.transposed.axes)).transposed

        return Slack(both(self.rows, other.rows), both(self.columns, other.columns))

    def spread(self) -> Matrix:
        """A bound on |error[r, k] - error[r, l]| for every row, shape (rows, 1)."""
        return (self.rows @ self.columns.column_max().transposed).scaled(2, 0)


@dataclass(frozen=True)
class Table:
    """A table of the model: true = part + error + a constant per row.  No slack: the error is 0.

    table: one of model.TABLES.  centre: the mean position is counted with the tokens.  part: the shape of the table, or one
    row that stands for every row.
    """

    table: str
    centre: bool
    part: Matrix
    slack: Slack | None = None


@dataclass(frozen=True)
class Peeled:
    """A table as left @ right + the product of the residual chain, exactly.  left None: a column of ones.

    left: shape (rows, r); right: (r, columns).  Of no use in a margin until a rule bounds the residual.
    """

    table: str
    centre: bool
    left: Matrix | None
    right: Matrix
    residual: tuple[Matrix, ...]

    @property
    def part(self) -> Matrix:
        return self.right if self.left is None else self.left @ self.right


@dataclass(frozen=True)
class Block:
    """The tokens start <= k < stop, treated alike."""

    start: int
    stop: int


@dataclass(frozen=True)
class AtMaximum:
    """What is said of one true maximum m.  queries: tokens q <= m.  blocks: a partition of 0..m, ascending, whose last block is {m}."""

    maximum: int
    queries: range
    blocks: tuple[Block, ...]

    def __post_init__(self) -> None:
        starts, stops = [block.start for block in self.blocks], [block.stop for block in self.blocks]
        if starts != [0, *stops[:-1]] or self.blocks[-1] != Block(self.maximum, self.maximum + 1) or self.queries[-1] > self.maximum:
            raise ValueError(f"queries {self.queries} and blocks {self.blocks} at maximum {self.maximum}")


@dataclass(frozen=True)
class Family(AtMaximum):
    """Separable constraints for one true maximum m and every query q <= m in scope (slot n-1 holds q).

    An input t with maximum m and query q is answered correctly if, for every output index x of the last axis,
    base[q, x] + sum over free slots i of terms[q, i, block of t_i, x] > 0.  Integers in a unit per q.

    base: axes (query, output).  terms: axes (query, slot, block, output).
    slack: axes (query, output), of the first outputs, those that stand alone; None where it was not asked for, or there are none, or
    blocks have several tokens.  The margin of such an output is <= 0 where base + terms + slack is.
    """

    base: Tensor
    terms: Tensor
    slack: Tensor | None = None


@dataclass(frozen=True)
class Constraints:
    """A family for each true maximum, computed when a counting rule asks for it; `between`: with slack."""

    at: Callable[[int], Family]
    between: Callable[[int], Family]


@dataclass(frozen=True)
class Split(AtMaximum):
    """Lower bounds of the margin's terms for one true maximum m, by what the competitor x is (rule absent_present).

    Integers in a unit per query q; the blocks below m index the axis `block` of the present terms.
    For an input t with maximum m and query q:
    * x absent from t:         own_absent[q] + sum_i absent[q, i, block of t_i]                        <= unit * Phi_x(t)
    * x = q < m:               own_query[q] + sum_i e_i, e_i = query_maximum[q, i] if t_i = m, query_itself[q, i] if t_i = q,
                               absent[q, i, block of t_i] otherwise                                     <= unit * Phi_x(t)
    * x = t_i < m in block b:  own_present[q, b] + sum_j e_j, e_j = present_maximum[q, j, b] if t_j = m, present_itself[q, j, b] if
                               t_j = t_i, absent[q, j, block of t_j] otherwise                          <= unit * Phi_x(t)
    The last three are absent if m = 0.
    """

    own_absent: Tensor
    absent: Tensor
    own_query: Tensor
    query_itself: Tensor
    query_maximum: Tensor
    own_present: Tensor | None = None
    present_itself: Tensor | None = None
    present_maximum: Tensor | None = None


@dataclass(frozen=True)
class AbsentPresent:
    """A split for each true maximum, computed when `count_blocks` asks for it."""

    at: Callable[[int], Split]


@dataclass(frozen=True)
class Count:
    """At least counts[group] inputs of a group are answered correctly, and at least wrong[group] wrongly.

    Groups are the task's, such as (query, maximum); their last entry is the right answer.  totals: how many inputs each group has, of a
    rule that has met all of them.
    """

    counts: Mapping[Group, int]
    wrong: Mapping[Group, int] = field(default_factory=dict)
    totals: Mapping[Group, int] | None = None


@dataclass(frozen=True)
class RightAt:
    """All inputs in scope but at most `lost` are answered rightly at one read, an index of the task's reads; at least `wrong` are not."""

    read: int
    lost: int
    wrong: int = 0


@dataclass(frozen=True)
class WrongInputs:
    """At least `wrong` different inputs in scope are answered wrongly."""

    wrong: int


@dataclass(frozen=True)
class LossSum:
    """The cross entropies of all inputs in scope sum to at most units * 2^-LOSS_BITS nats."""

    units: int
    inputs: int


@dataclass(frozen=True)
class Answered:
    """Each output is the answer to at most so many of the inputs in scope."""

    at_most: Mapping[int, int]
    inputs: int


@dataclass(frozen=True)
class Bound:
    """What a certificate concludes: below <= the metric's value <= above; None: no such bound.

    certified, wrong: inputs proved right and proved wrong, of the metric accuracy alone.  total: inputs in scope.
    output: of the metric `answered` alone.
    """

    metric: str
    total: int
    below: Fraction | None = None
    above: Fraction | None = None
    certified: int = 0
    wrong: int = 0
    output: int | None = None

    @property
    def proved(self) -> Fraction:
        """The bound that a certificate is made for: below if there is one."""
        return self.above or Fraction(0) if self.below is None else self.below


Fact = Table | Peeled | Constraints | AbsentPresent | Count | RightAt | WrongInputs | LossSum | Answered | Bound


@dataclass(frozen=True)
class Context:
    """What every rule may read: the network, the subject, the arithmetic and the ledger.  Nothing here comes from the prover."""

    network: Network
    subject: Subject
    workshop: Workshop
    ledger: Ledger
    kept: dict[str, Any] = field(default_factory=dict, repr=False)  # what several steps share, by name
    _made: dict[tuple[str, int], tuple[Table, Tensor, int]] = field(default_factory=dict, repr=False)

    def once(self, what: str, fact: Table, make: Callable[[], Tensor]) -> Tensor:
        """What `make` makes of a table fact, made once in a check, however many steps read it.

        Each of these steps is charged the same flops, so the length of a proof does not depend on what the checker remembers.
        """
        # attack: hundreds of steps, each of which computes the same million exponentials
        key, before = (what, id(fact)), self.ledger.flops
        if key not in self._made:
            self._made[key] = fact, make(), self.ledger.flops - before  # with the fact, whose id is no other's while it is kept
        _, tensor, flops = self._made[key]
        self.ledger.count(before + flops - self.ledger.flops)  # nothing more for the step that made it
        return tensor

    @cached_property
    def model(self) -> Model:
        """For the rules that are theorems about the largest token and networks of the shape `attention-only-1`, read at the end."""
        task = self.subject.task
        if not task.whole_maximum or self.subject.scope.conditions:
            raise StepRejected("wrong-subject", expected="the task max at the last position, no conditions", got=task.name)
        model = model_of(self.network, task.layout.positions)
        if model is None:  # attack: a network that differs in one operator
            raise StepRejected("wrong-subject", expected=f"a network of the shape {NAME}", got=self.network.program.name)
        return model

    @cached_property
    def paths(self) -> Paths:
        return Paths(self.model, self.ledger)

    @cached_property
    def scope(self) -> Scope:
        """Token ranges of `model`'s positions."""
        return Scope(self.subject.scope.ranges[: self.model.positions])

    @property
    def vocabulary(self) -> int:
        return self.model.vocabulary

    @cached_property
    def rounding(self) -> Rounding | None:
        """None where the statement is about real arithmetic."""
        return Rounding(self.paths) if self.subject.function == "float32" else None
