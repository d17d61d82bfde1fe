"""What a reproduction reports."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Repairs:
    """The slips that can be mended one by one.

    sign (G1): mean+diff takes (a - abar) min R where a < abar.  ends (G2): both ends of the attention's range are tested.
    count (G3): tokens at most m - g are m - g + 1 tokens.
    """

    sign: bool = False
    ends: bool = False
    count: bool = False


REPAIRED = Repairs(sign=True, ends=True, count=True)


@dataclass(frozen=True)
class Group:
    """Inputs that the rule certifies: true maximum, query, `others` slots not holding the maximum, all tokens there <= maximum - gap.

    others: as the paper counts them, in the sub-cubic family the query included if it is below the maximum.  inputs: how many the
    rule counts.  claimed: its upper bound of max_x Delta_x (cubic: times a positive number), negative.  relaxed: the same
    relaxation maximised truthfully, over every output and both ends of the attention's range; None where the rule is right by
    construction.  Where it is not negative, the group is certified without justification: its inputs may be right, but not by
    this argument.
    """

    maximum: int
    query: int
    others: int
    gap: int
    inputs: int
    claimed: float
    relaxed: float | None = None

    @property
    def justified(self) -> bool:
        return self.relaxed is None or self.relaxed < 0


@dataclass(frozen=True)
class Reproduction:
    """UNTRUSTED: what a published rule reports.  understated: (q, m, c) whose claimed bound lies below the true relaxed maximum."""

    name: str
    groups: tuple[Group, ...]
    total: int
    understated: int = 0

    @property
    def count(self) -> int:
        return sum(group.inputs for group in self.groups)

    @property
    def bound(self) -> Fraction:
        return Fraction(self.count, self.total)

    @property
    def unjustified(self) -> tuple[Group, ...]:
        return tuple(group for group in self.groups if not group.justified)
