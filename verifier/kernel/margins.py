"""The terms of the separable margin (L4), from table facts: what every constraint and margin rule starts from.

For a query q, true maximum m and wrong output x, an input t is answered correctly iff for all x != m

    Phi_x(t) = sum_i rho[q, i] omega[q, t_i] (gap_skip[q, x] + gap_copy[t_i, x] + gap_place[i, x])  >  0,

gap = value at m minus value at x, omega = exp(score / sqrt(h)), rho = exp(position_score / sqrt(h)).  Attention is unchanged by a
constant per query (L2): both scores are lowered so that their largest exponent is 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from verifier.kernel.errors import StepRejected
from verifier.kernel.exponential import divided_by_root, exp_nonpositive
from verifier.kernel.facts import Context, Fact, Table
from verifier.kernel.model import TABLES
from verifier.kernel.tensor import Tensor

TABLE_PREMISES = dict.fromkeys(TABLES, ("Table",))


def table_premises(premises: Mapping[str, list[Fact]]) -> dict[str, Table]:
    """The five tables by name, each in its own role, scores and copies each with one choice of centring."""
    tables: dict[str, Table] = {}
    for role in TABLES:
        fact = premises[role][0]
        if not isinstance(fact, Table) or fact.table != role:  # attack: the copy table in the place of the score table
            raise StepRejected("wrong-premise", expected=f"the table {role}", got=getattr(fact, "table", type(fact).__name__))
        tables[role] = fact
    for token, place in (("score", "position_score"), ("copy", "position_copy")):
        if tables[token].centre != tables[place].centre:  # attack: the mean position counted twice, or never
            raise StepRejected("mixed-centring", expected=f"{token} and {place} with the same positions", got="raw with centred")
    return tables


def softmax_weights(table: Table, context: Context) -> Tensor:
    """exp((S[q, k] - c_q) / sqrt(h)) with c_q the largest entry of row q, one enclosure per entry.  3 flops each, 1 more for c_q."""
    part, slack = table.part, table.slack
    if slack is not None:
        raise NotImplementedError
    context.ledger.count(flops=4 * part.size)
    bounds = []
    for row in part.rows:
        largest = max(row)
        for entry in row:
            lower, upper = divided_by_root(entry - largest, part.exponent, context.model.head_width)
            bounds.append(exp_nonpositive(lower, min(upper, 0)))
    return context.workshop.enclose_between(bounds, part.axes, part.shape)


@dataclass(frozen=True)
class Margins:
    """Enclosures of the five tables.  `slot` runs over all n positions; slot n-1 is the query's own."""

    tables: Mapping[str, Table]
    context: Context

    @cached_property
    def skip(self) -> Tensor:
        """EU, axes (query, output)."""
        return self.context.workshop.enclose(self.tables["skip"].part)

    @cached_property
    def copy(self) -> Tensor:
        """OV, axes (key, output)."""
        return self.context.workshop.enclose(self.tables["copy"].part)

    @cached_property
    def place_copy(self) -> Tensor:
        """PV, axes (slot, output)."""
        return self.context.workshop.enclose(self.tables["position_copy"].part).renamed(position="slot")

    @cached_property
    def omega(self) -> Tensor:
        """Token weights, axes (query, key)."""
        return softmax_weights(self.tables["score"], self.context)

    @cached_property
    def rho(self) -> Tensor:
        """Position weights, axes (query, slot)."""
        return softmax_weights(self.tables["position_score"], self.context).renamed(position="slot")

    @property
    def free(self) -> range:
        return range(self.context.scope.free_slots)

    def gap(self, table: Tensor, maximum: int) -> Tensor:
        """table[., m] - table[., x] for every output x != m, in the order of the outputs."""
        return table.select("output", maximum) - table.without("output", maximum)
