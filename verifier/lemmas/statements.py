"""What a lemma is: hypotheses and conclusions over real numbers, for all values of the variables in them.

A lemma is a function that builds a `Claim`; its docstring is the sentence.  z3 finds some products hard.  Where it does, the claim
brings *instances*: earlier lemmas with terms put in the place of their variables (`use`), and instances of the two axioms of exp
(`exp_adds`, `exp_above_line`).  An instance is made from the earlier lemma itself, so nothing is assumed that is not proved.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce

import z3

EXP = z3.Function("exp", z3.RealSort(), z3.RealSort())  # uninterpreted: it has the properties that its axioms give it


@dataclass(frozen=True)
class Instance:
    """An earlier lemma with terms in the place of variables: if its hypotheses hold, so does its conclusion."""

    lemma: str
    formula: z3.BoolRef


@dataclass(frozen=True)
class Claim:
    """If all `hypotheses` hold, so do all `conclusions`.  `instances` and `axioms` are true anyway and only help."""

    hypotheses: Sequence[z3.BoolRef]
    conclusions: Sequence[z3.BoolRef]
    instances: Sequence[Instance] = ()
    axioms: Sequence[z3.BoolRef] = ()

    @property
    def given(self) -> list[z3.BoolRef]:
        """All that the conclusions may rest on."""
        return [*self.hypotheses, *(instance.formula for instance in self.instances), *self.axioms]


Builder = Callable[[], Claim]


@dataclass(frozen=True)
class Lemma:
    """A claim with its place: the rule whose scalar core it is (empty: several), the lemmas of docs/mathematics.md it is about."""

    build: Builder
    sizes: str  # at which small sizes it is stated
    rule: str = ""
    cites: tuple[str, ...] = ()
    notes: str = ""

    @property
    def name(self) -> str:
        """The builder's name."""
        return self.build.__name__

    @property
    def sentence(self) -> str:
        """The builder's docstring, on one line."""
        return sentence_of(self.build)

    @property
    def helped_by(self) -> tuple[str, ...]:
        """What the claim brings besides its hypotheses: names of earlier lemmas, `exp` for axioms."""
        claim = self.build()
        names = [instance.lemma for instance in claim.instances] + ["exp"] * bool(claim.axioms)
        return tuple(dict.fromkeys(names))


def sentence_of(function: Callable[..., object]) -> str:
    """A docstring on one line."""
    return " ".join((function.__doc__ or "").split())


def use(lemma: Builder, **terms: z3.ArithRef) -> Instance:
    """The instance of a lemma with these terms in the place of its variables."""
    claim = lemma()
    known = {str(variable): variable for formula in [*claim.hypotheses, *claim.conclusions] for variable in variables(formula)}
    pairs = [(known[name], term if z3.is_expr(term) else z3.RealVal(term)) for name, term in terms.items()]
    formula = z3.Implies(z3.And(*claim.hypotheses), z3.And(*claim.conclusions))
    return Instance(lemma.__name__, z3.substitute(formula, *pairs))


def variables(formula: z3.ExprRef) -> list[z3.ExprRef]:
    """The free constants of a formula, in the order of their first appearance."""
    found: dict[int, z3.ExprRef] = {}
    seen: set[int] = set()
    stack = [formula]
    while stack:
        term = stack.pop()
        if term.get_id() in seen:
            continue
        seen.add(term.get_id())
        if z3.is_const(term) and term.decl().kind() == z3.Z3_OP_UNINTERPRETED:
            found[term.get_id()] = term
        stack += reversed(term.children())
    return list(found.values())


# The two axioms of exp


def exp_adds(x: z3.ArithRef, y: z3.ArithRef, total: z3.ArithRef | int) -> z3.BoolRef:
    """An instance of exp(x + y) = exp(x) exp(y); `total` is x + y as the claim writes it."""
    if not z3.is_true(z3.simplify(x + y == total, som=True)):
        raise ValueError(f"{total} is not {x} + {y}")
    return exp(total) == exp(x) * exp(y)


def exp_above_line(x: z3.ArithRef | int) -> z3.BoolRef:
    """An instance of 1 + x <= exp(x)."""
    return 1 + (x if z3.is_expr(x) else z3.RealVal(x)) <= exp(x)


def exp(x: z3.ArithRef | int) -> z3.ArithRef:
    """The exponential of a term or of an integer."""
    return EXP(x if z3.is_expr(x) else z3.RealVal(x))


# Terms


def least(*terms: z3.ArithRef) -> z3.ArithRef:
    """The minimum."""
    return reduce(lambda a, b: z3.If(a <= b, a, b), terms)


def largest(*terms: z3.ArithRef) -> z3.ArithRef:
    """The maximum."""
    return reduce(lambda a, b: z3.If(a >= b, a, b), terms)


def magnitude(term: z3.ArithRef) -> z3.ArithRef:
    """The absolute value."""
    return z3.If(term >= 0, term, -term)


def spread(terms: Sequence[z3.ArithRef]) -> z3.ArithRef:
    """rng: the largest minus the least."""
    return largest(*terms) - least(*terms)


def dot(left: Sequence[z3.ArithRef], right: Sequence[z3.ArithRef]) -> z3.ArithRef:
    """The sum of products."""
    return z3.Sum([a * b for a, b in zip(left, right, strict=True)])


Matrix = list[list[z3.ArithRef]]


def matrix(name: str, rows: int, columns: int) -> Matrix:
    """Variables name00, name01, ..."""
    return [[z3.Real(f"{name}{row}{column}") for column in range(columns)] for row in range(rows)]


def vector(name: str, size: int) -> list[z3.ArithRef]:
    """Variables name0, name1, ..."""
    return [z3.Real(f"{name}{index}") for index in range(size)]


def times(left: Matrix, right: Matrix) -> Matrix:
    """The matrix product."""
    return [[dot(row, column) for column in zip(*right, strict=True)] for row in left]


def plus(left: Matrix, right: Matrix) -> Matrix:
    """The entrywise sum."""
    return [[a + b for a, b in zip(one, other, strict=True)] for one, other in zip(left, right, strict=True)]


def minus(left: Matrix, right: Matrix) -> Matrix:
    """The entrywise difference."""
    return [[a - b for a, b in zip(one, other, strict=True)] for one, other in zip(left, right, strict=True)]


def transposed(table: Matrix) -> Matrix:
    """Rows become columns."""
    return [list(column) for column in zip(*table, strict=True)]


def trace(table: Matrix) -> z3.ArithRef:
    """The sum of the diagonal."""
    return z3.Sum([table[i][i] for i in range(len(table))])


def equal(left: Matrix, right: Matrix) -> list[z3.BoolRef]:
    """Entry by entry."""
    return [a == b for one, other in zip(left, right, strict=True) for a, b in zip(one, other, strict=True)]


def count(formulas: Sequence[z3.BoolRef]) -> z3.ArithRef:
    """How many of the formulas hold, an integer."""
    return z3.Sum([z3.If(formula, 1, 0) for formula in formulas])
