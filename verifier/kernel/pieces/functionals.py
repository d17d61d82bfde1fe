"""Linear functionals of nodes as sums of one term per slot: what follows a node linearly is carried back to the attention.

Read at one place with a known query, a functional of any node behind one mixing layer is

    constant + sum over heads of (sum_i w_i(t_i) V(i, t_i)) / (sum_i w_i(t_i)),

w the softmax weights of the head's query, V a table.  A node that is not linear may be replaced by lines below and above it (`Lines`);
then the functional is at least this (S4 of RULES.md).

A norm divides a vector r by its size sigma(r) > 0.  Behind one, not the functional but sigma times it is carried back: the norm's division
cancels, and what reaches r by another way has the factor sigma (S6').
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, reduce
from operator import add

from verifier.kernel.errors import StepRejected
from verifier.kernel.network.evaluation import Evaluation
from verifier.kernel.network.operators import NORMS
from verifier.kernel.network.program import Node
from verifier.kernel.numbers.tensor import Tensor


@dataclass(frozen=True)
class Form:
    """A lower bound of functionals, one per index of the axes other than `key_place`, `token` and `query`.

    constant: perhaps with the axis `query`, the token at the place; None where it is 0.  heads: by attention node, the table V, axes
    `key_place`, `token` and those of the functionals.  by_size: what the size of a norm's operand is multiplied by, to be added; None
    where no norm is on the way.
    """

    constant: Tensor | None
    heads: Mapping[str, Tensor]
    by_size: Form | None = None

    def at(self, query: int) -> Form:
        """With this query."""
        known = self.constant is not None and "query" in self.constant.axes
        constant = self.constant.select("query", query) if self.constant is not None and known else self.constant
        return Form(constant, self.heads, self.by_size and self.by_size.at(query))

    def of(self, pieces: Sequence[int]) -> Form:
        """Of some pieces, where it depends on them."""

        def taken(table: Tensor) -> Tensor:
            return table.take("piece", pieces) if "piece" in table.axes else table

        constant = None if self.constant is None else taken(self.constant)
        return Form(constant, {name: taken(table) for name, table in self.heads.items()}, self.by_size and self.by_size.of(pieces))

    def joined(self, other: Form) -> Form:
        """The functionals of this, then those of another form, along the axis `column`."""
        heads = {name: table.joined([other.heads[name]], "column") for name, table in self.heads.items()}
        constant = None if self.constant is None or other.constant is None else self.constant.joined([other.constant], "column")
        return Form(constant, heads, self.by_size and other.by_size and self.by_size.joined(other.by_size))

    def negated(self) -> Form:
        """The functionals with the other sign; only of forms in which nothing is relaxed."""
        constant = None if self.constant is None else -self.constant
        return Form(constant, {name: -table for name, table in self.heads.items()}, self.by_size and self.by_size.negated())

    def with_negatives(self) -> Form:
        """The functionals, then each with the other sign; only of forms in which nothing is relaxed."""
        return self.joined(self.negated())

    def sized(self, size: Tensor) -> Form:
        """With this size of the norm's operand, axis (piece,): a point, or an enclosure of what it may be."""
        if self.by_size is None:
            return self
        constants = [self.constant] if self.constant is not None else []
        constants += [size * self.by_size.constant] if self.by_size.constant is not None else []
        heads = dict(self.heads)
        for name, table in self.by_size.heads.items():
            heads[name] = size * table + heads[name] if name in heads else size * table
        return Form(reduce(add, constants) if constants else None, heads)


@dataclass(frozen=True)
class Lines:
    """For each entry of a node: low_slope z + low_start <= f(z) <= high_slope z + high_start; axes (piece, feature)."""

    low_slope: Tensor
    low_start: Tensor
    high_slope: Tensor
    high_start: Tensor

    def of(self, pieces: Iterable[int]) -> Lines:
        """Those of some pieces."""
        chosen = list(pieces)
        return Lines(*(one.take("piece", chosen) for one in (self.low_slope, self.low_start, self.high_slope, self.high_start)))


@dataclass
class _Carried:
    """Matrices on their way back, by node, and what has arrived."""

    matrices: dict[str, list[Tensor]] = field(default_factory=dict)
    constants: list[Tensor] = field(default_factory=list)
    heads: dict[str, Tensor] = field(default_factory=dict)

    def add(self, name: str, matrix: Tensor) -> None:
        self.matrices.setdefault(name, []).append(matrix)

    def taken(self, name: str) -> Tensor:
        return reduce(add, self.matrices.pop(name))

    def form(self) -> Form:
        return Form(reduce(add, self.constants) if self.constants else None, self.heads)


@dataclass(frozen=True)
class Functionals:
    """Of a network read at one place.  made: softmax weights by attention and query; norms: those before a node; each found once."""

    evaluation: Evaluation
    place: int
    made: dict[tuple[str, int], Tensor] = field(default_factory=dict, repr=False)
    norms: dict[str, Node | None] = field(default_factory=dict, repr=False)

    @property
    def heads(self) -> list[Node]:
        """All attentions, in the order of the program."""
        return [node for node in self.evaluation.operators.network.program.nodes if node.operator == "attention"]

    @cached_property
    def places(self) -> list[int]:
        """The places that the attention sees.  Raises StepRejected where heads differ in them."""
        seen = {tuple(self.seen(node)) for node in self.heads}
        if len(seen) != 1:
            raise StepRejected("wrong-subject", expected="heads that see the same places", got=f"{len(seen)} kinds of them")
        return list(seen.pop())

    def number(self, number: int) -> Tensor:
        """A constant without axes."""
        return self.evaluation.operators.functions.number(number)

    def norm_before(self, name: str) -> Node | None:
        """The norm of mixed values through which a node is reached, None if there is none.  Raises StepRejected for several."""
        if name not in self.norms:
            network, waiting, seen = self.evaluation.operators.network, [name], set(self.evaluation.operators.network.local)
            found = []
            while waiting:
                node = network.program.node(waiting.pop())
                if node.name not in seen:
                    seen.add(node.name)
                    found += [node] if node.operator in NORMS else []
                    waiting += node.inputs
            if len(found) > 1:  # attack: two sizes, one of which is taken for the other
                raise StepRejected("wrong-subject", expected="one norm behind the attention", got=", ".join(node.name for node in found))
            self.norms[name] = found[0] if found else None
        return self.norms[name]

    def of(self, name: str, matrix: Tensor, lines: Mapping[str, Lines], query: int | None = None) -> Form:
        """A node's value times a matrix with the axis `feature` and others; behind a norm, the size of its operand times that.

        lines: of the nodes that may be relaxed; behind a norm, of the size times the node.  Matrices are carried back from node to node,
        those that meet added, so that every node is visited once, or twice.
        Raises StepRejected where the value is not of this form.
        """
        norm = self.norm_before(name)
        parts = _Carried(), _Carried()  # what is there once, and what is multiplied by the size
        parts[0 if norm is None else 1].add(name, matrix)
        for node in reversed(self.evaluation.operators.network.program.nodes):
            for part in parts:
                if node.name in part.matrices:
                    self._back(node, part, parts[0], lines, query)
        once, by_size = (part.form() for part in parts)
        return once if norm is None else Form(once.constant, once.heads, by_size)

    def _back(self, node: Node, part: _Carried, once: _Carried, lines: Mapping[str, Lines], query: int | None) -> None:
        """Carry a matrix from a node to its operands."""
        operators, matrix = self.evaluation.operators, part.taken(node.name)
        if node.name in operators.network.local:
            part.constants.append(self._at_place(node, query).contract(matrix, "feature"))
        elif node.operator == "add":
            for operand in node.inputs:
                part.add(operand, matrix)
        elif node.operator == "scale":
            part.add(node.inputs[0], matrix * operators.weight(node.weights["by"][0], "row", "feature"))
        elif node.operator == "linear":
            part.constants += [
                operators.weight(bias, "row", "feature").contract(matrix, "feature") for bias in node.weights.get("bias", ())
            ]
            part.add(node.inputs[0], operators.before_factors(node, matrix))
        elif node.operator == "attention":
            part.heads[node.name] = self._values(node, matrix)
        elif node.operator in NORMS and part is not once:
            once.add(node.inputs[0], operators.centred(matrix) if node.operator == "layer_norm" else matrix)
        elif node.name in lines:
            start, slope = self._relaxed(lines[node.name], matrix)
            # lines around the size times a node have it in them already
            (part if self.norm_before(node.name) is None else once).constants.append(start)
            part.add(node.inputs[0], slope)
        else:
            expected = "nodes that are linear after one layer of attention"
            raise StepRejected("wrong-subject", expected=expected, got=f"{node.name} ({node.operator})")

    def _at_place(self, node: Node, query: int | None) -> Tensor:
        """A local node at the place, for one token there or for all, axes (query, feature) or (feature,)."""
        table = self.evaluation.table(node.name)
        table = table.select("place", self.place) if "place" in table.axes else table
        if "token" not in table.axes:
            return table
        return table.renamed(token="query") if query is None else table.select("token", query)

    def _values(self, node: Node, matrix: Tensor) -> Tensor:
        """The table V of an attention whose values are local, over the places it sees."""
        network, value = self.evaluation.operators.network, node.operands["value"][0]
        if value not in network.local:
            raise StepRejected("wrong-subject", expected="one layer of attention", got=f"{node.name}, whose values are mixed already")
        table = self._seen_part(self.evaluation.table(value), node).contract(matrix, "feature")
        others = tuple(axis for axis in table.axes if axis not in ("key_place", "token"))
        sizes = {"key_place": len(self.seen(node)), "token": network.vocabulary} | table.sizes
        return table.spread(("key_place", "token", *others), sizes)

    def _seen_part(self, table: Tensor, node: Node) -> Tensor:
        return table.take("place", self.seen(node)).renamed(place="key_place") if "place" in table.axes else table

    def _relaxed(self, lines: Lines, matrix: Tensor) -> tuple[Tensor, Tensor]:
        """Where the coefficient of an entry is positive the line below it counts, where it is negative the line above."""
        positive, negative = matrix.maximum(self.number(0)), matrix.minimum(self.number(0))
        start = (positive * lines.low_start + negative * lines.high_start).sum("feature")
        return start, positive * lines.low_slope + negative * lines.high_slope

    def seen(self, node: Node) -> range:
        """The places that an attention sees from here."""
        return range(self.place + 1 if node.words["mask"] == "causal" else self.evaluation.positions)

    def weights(self, node: Node, query: int) -> Tensor:
        """Softmax weights of an attention, up to one positive factor (L2); axes (key_place, token)."""
        network, functions = self.evaluation.operators.network, self.evaluation.operators.functions
        if any(operand not in network.local for role in ("query", "key") for operand in node.operands[role]):
            raise StepRejected("wrong-subject", expected="one layer of attention", got=f"{node.name}, whose scores are mixed already")
        if (node.name, query) not in self.made:
            table = self.evaluation.score_table(node)
            table = table.select("place", self.place) if "place" in table.axes else table
            table = table.select("token", query) if "token" in table.axes else table
            table = table.take("key_place", self.seen(node)) if "key_place" in table.axes else table
            sizes = {"key_place": len(self.seen(node)), "key_token": network.vocabulary} | table.sizes
            scores = table.spread(("key_place", "key_token"), sizes).renamed(key_token="token")
            scores = scores * functions.number(node.numbers["scale_squared"]).root()
            self.made[node.name, query] = (scores - scores.max("key_place").max("token").upper_end()).exponential()
        return self.made[node.name, query]
