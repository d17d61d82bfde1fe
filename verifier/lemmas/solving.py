"""Asking z3 about one of our claims, and its answers as exact numbers.

A claim is proved conclusion by conclusion: z3 finds no values for which what is given holds and the conclusion does not.  Then it is
asked for values for which what is given holds at all, since contradictory hypotheses prove anything.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

import z3

from verifier.lemmas.gallery import Belief, Replay
from verifier.lemmas.limits import LEMMA_LIMITS
from verifier.lemmas.statements import Claim, variables


@dataclass(frozen=True)
class Algebraic:
    """An irrational number: a root of a polynomial with integer coefficients, alone in a rational interval."""

    coefficients: tuple[str, ...]  # of x^0, x^1, ...
    lower: Fraction
    upper: Fraction

    def __str__(self) -> str:
        return f"the root of {self.polynomial} between {self.lower} and {self.upper}"

    @property
    def polynomial(self) -> str:
        """In x, highest power first."""
        words = ""
        for power, text in reversed(list(enumerate(self.coefficients))):
            number = int(text)
            if number:
                size = "" if abs(number) == 1 and power else str(abs(number))
                factor = f"x^{power}" if power > 1 else "x" if power else ""
                sign = (" - " if number < 0 else " + ") if words else ("-" if number < 0 else "")
                words += sign + size + (" " if size and factor else "") + factor
        return words

    @property
    def json(self) -> dict[str, object]:
        """For `--json`."""
        return {"polynomial": self.polynomial, "lower": str(self.lower), "upper": str(self.upper)}


Value = Fraction | Algebraic


@dataclass(frozen=True)
class Answer:
    """What z3 says of a claim.  `status`: proved, false, vacuous (the hypotheses contradict each other) or unknown."""

    status: str
    seconds: float
    counterexample: Mapping[str, Value] = field(default_factory=dict)
    functions: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""


def ask(claim: Claim, seconds: float = LEMMA_LIMITS.lemma_seconds) -> Answer:
    """Prove a claim, or find values for which it fails."""
    start = time.perf_counter()

    def answer(status: str, *details: object) -> Answer:
        return Answer(status, time.perf_counter() - start, *details)

    for conclusion in claim.conclusions:
        solver = _solver(claim, start + seconds)
        solver.add(z3.Not(conclusion))
        verdict = solver.check()
        if verdict == z3.sat:
            return answer("false", values_of(solver.model(), [*claim.given, conclusion]), functions_of(solver.model()))
        if verdict == z3.unknown:
            return answer("unknown", {}, {}, solver.reason_unknown())
    solver = _solver(claim, start + seconds)
    possible = solver.check()
    if possible == z3.unsat:
        return answer("vacuous", {}, {}, "the hypotheses contradict each other")
    if possible == z3.unknown:
        return answer("unknown", {}, {}, f"no values found for which the hypotheses hold ({solver.reason_unknown()})")
    return answer("proved")


def _solver(claim: Claim, deadline: float) -> z3.Solver:
    solver = z3.Solver()
    solver.set("timeout", max(int(1000 * (deadline - time.perf_counter())), 1))
    solver.add(*claim.given)
    return solver


def replayed(belief: Belief, answer: Answer) -> Replay:
    """The counterexample to a believed claim, computed anew without z3; one that is not confirmed is a bug of ours."""
    values = {name: value for name, value in answer.counterexample.items() if isinstance(value, Fraction)}
    if len(values) < len(answer.counterexample):
        raise RuntimeError(f"{belief.name}: a counterexample that is not rational")
    replay = belief.replay(values)
    if not replay.confirmed:
        raise RuntimeError(f"{belief.name}: z3's counterexample is none: {replay.story}")
    return replay


# Values


def values_of(model: z3.ModelRef, formulas: list[z3.ExprRef]) -> dict[str, Value]:
    """The value of every constant in the formulas; one that z3 left open gets any."""
    constants = {str(constant): constant for formula in formulas for constant in variables(formula)}
    return {name: number(model.eval(constants[name], model_completion=True)) for name in sorted(constants)}


def number(value: z3.ExprRef) -> Value:
    """A z3 value as an exact number; truth values are 0 and 1."""
    if z3.is_true(value) or z3.is_false(value):
        return Fraction(int(z3.is_true(value)))
    if z3.is_int_value(value):
        return Fraction(value.as_long())
    if z3.is_rational_value(value):
        return Fraction(value.numerator_as_long(), value.denominator_as_long())
    if not z3.is_algebraic_value(value):
        raise ValueError(f"not a number: {value}")
    bounds = (z3.Z3_get_algebraic_number_lower, z3.Z3_get_algebraic_number_upper)
    ends = [z3.RatNumRef(bound(value.ctx_ref(), value.as_ast(), LEMMA_LIMITS.algebraic_digits), value.ctx) for bound in bounds]
    lower, upper = (Fraction(end.numerator_as_long(), end.denominator_as_long()) for end in ends)
    return Algebraic(tuple(str(c) for c in value.poly()), lower, upper)


def functions_of(model: z3.ModelRef) -> dict[str, str]:
    """The uninterpreted functions of a model, in z3's words."""
    return {declaration.name(): " ".join(str(model[declaration]).split()) for declaration in model.decls() if declaration.arity()}
