"""An exact evaluator: the terms of a script as fractions and truth values, without z3."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from math import floor

from verifier.lemmas.smtlib import Script
from verifier.lemmas.syntax import NUMBER_OPERATORS, Group, Name, Node, Number, written

Value = Fraction | bool
Function = Callable[[Sequence[Value]], Value]


class UndefinedValueError(Exception):
    """Division by zero: SMT-LIB lets it be any number."""


@dataclass(frozen=True)
class Evaluator:
    """Terms of a script as fractions and truth values, given those of its constants and functions."""

    script: Script
    constants: Mapping[str, Value]
    functions: Mapping[str, Function]
    known: dict[str, Value] = field(default_factory=dict)  # of definitions without parameters

    def value(self, node: Node, bound: Mapping[str, Value]) -> Value:
        """The value of a term."""
        if isinstance(node, Number):
            return node.value
        if isinstance(node, Name):
            if node.text in ("true", "false"):
                return node.text == "true"
            if node.text in bound:
                return bound[node.text]
            if node.text in self.constants:
                return self.constants[node.text]
            if node.text not in self.known:
                self.known[node.text] = self.value(self.script.definitions[node.text].body, {})
            return self.known[node.text]
        if not isinstance(node, Group) or not isinstance(node.items[0], Name):
            raise TypeError(written(node))
        head, arguments = node.items[0].text, node.items[1:]
        if head == "let":
            bindings = arguments[0].items if isinstance(arguments[0], Group) else ()
            inner = dict(bound)
            for item in bindings:
                if isinstance(item, Group) and isinstance(item.items[0], Name):
                    inner[item.items[0].text] = self.value(item.items[1], bound)
            return self.value(arguments[1], inner)
        if head == "!":
            return self.value(arguments[0], bound)
        if head == "ite":
            return self.value(arguments[1 if self.value(arguments[0], bound) else 2], bound)
        values = [self.value(argument, bound) for argument in arguments]
        if head in self.functions:
            return self.functions[head](values)
        if head in self.script.definitions:
            definition = self.script.definitions[head]
            return self.value(definition.body, {name: value for (name, _), value in zip(definition.parameters, values, strict=True)})
        return _numbers(head, [Fraction(value) for value in values]) if head in NUMBER_OPERATORS else _truth(head, values)


def _numbers(head: str, values: list[Fraction]) -> Fraction:
    """An operator whose value is a number."""
    first, rest = values[0], values[1:]
    if head == "-" and not rest:
        return -first
    if head in ("to_real", "to_int", "abs"):
        return {"to_real": first, "to_int": Fraction(floor(first)), "abs": abs(first)}[head]
    for value in rest:
        if head in ("/", "div", "mod") and value == 0:
            raise UndefinedValueError
        if head == "+":
            first += value
        elif head == "-":
            first -= value
        elif head == "*":
            first *= value
        elif head == "/":
            first /= value
        else:  # the remainder is never negative
            quotient = Fraction(floor(first / value) if value > 0 else -floor(first / -value))
            first = quotient if head == "div" else first - value * quotient
    return first


def _truth(head: str, values: list[Value]) -> bool:
    """An operator whose value is a truth value."""
    if head in ("not", "is_int"):
        return not values[0] if head == "not" else Fraction(values[0]).denominator == 1
    if head in ("and", "or"):
        return all(values) if head == "and" else any(values)
    if head == "=>":
        return bool(values[-1]) or not all(values[:-1])
    if head == "xor":
        return sum(map(bool, values)) % 2 == 1
    if head == "distinct":
        return len(set(values)) == len(values)
    order = {
        "=": lambda a, b: a == b,
        "<": lambda a, b: a < b,
        "<=": lambda a, b: a <= b,
        ">": lambda a, b: a > b,
        ">=": lambda a, b: a >= b,
    }[head]
    return all(order(a, b) for a, b in pairwise(values))
