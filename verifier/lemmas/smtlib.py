"""Anybody's inequality: a strict reader of the part of SMT-LIB 2 that can state one, and an exact evaluator.  No z3 in here.

Read are numbers, truth values and uninterpreted functions, without quantifiers: declarations, definitions, assertions, and what a
file ends with (`check-sat`, `get-model`, `exit`).  Everything else is refused: commands that would change what has been asserted
(`push`, `pop`, `reset`), and commands by which a file could reach outside itself (`include`, output channels) never get to a solver.
The solver is given `Script.text`, written anew from what was read here, with a mark before every name: a solver would take a function
that is called `sin` for its own, whatever the file declares.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from math import floor

from verifier.kernel.errors import LimitExceeded, MalformedInput
from verifier.lemmas.limits import LEMMA_LIMITS

SORTS = ("Bool", "Int", "Real")
ARITHMETIC = ("LRA", "NRA", "LIA", "NIA", "LIRA", "NIRA")
MARK = "user "  # before every name that is not SMT-LIB's
LOGICS = ("ALL", "QF_UF", *(f"QF_{functions}{numbers}" for functions in ("", "UF") for numbers in ARITHMETIC))
IGNORED = ("set-info", "set-option")
CLOSING = ("check-sat", "get-model", "get-info", "exit")
NUMBER_OPERATORS = ("+", "-", "*", "/", "div", "mod", "abs", "to_real", "to_int")
OPERATORS = (*NUMBER_OPERATORS, "is_int", "<", "<=", ">", ">=", "=", "distinct", "not", "and", "or", "xor", "=>", "ite")
ONE_ARGUMENT = ("not", "abs", "to_real", "to_int", "is_int")
ANY_NUMBER = ("-", "+", "*", "and", "or")
RESERVED = (*OPERATORS, *SORTS, "true", "false", "let", "!", "_", "as", "forall", "exists", "match", "par")
TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n]+|;[^\n]*) | (?P<bracket>[()]) | (?P<quoted>\|[^|\\]*\|) | (?P<string>"(?:[^"]|"")*")
      | (?P<decimal>[0-9]+\.[0-9]+) | (?P<numeral>[0-9]+) | (?P<keyword>:[\w+\-/*=%?!.$~&^<>@]+)
      | (?P<symbol>[A-Za-z_+\-/*=%?!.$~&^<>@][\w+\-/*=%?!.$~&^<>@]*)""",
    re.VERBOSE | re.ASCII,
)


@dataclass(frozen=True)
class Number:
    """A literal; `text` is how it was written."""

    value: Fraction
    text: str


@dataclass(frozen=True)
class Name:
    """A symbol; quoted and unquoted ones are the same."""

    text: str
    line: int


@dataclass(frozen=True)
class Other:
    """A keyword or a string: of no meaning here."""

    text: str


@dataclass(frozen=True)
class Group:
    """What is between two brackets."""

    items: tuple[Node, ...]
    line: int


Node = Number | Name | Other | Group


@dataclass(frozen=True)
class Definition:
    """A define-fun: parameters with their sorts, and the body."""

    parameters: tuple[tuple[str, str], ...]
    sort: str
    body: Node

    @property
    def sorts(self) -> tuple[str, ...]:
        """Those of the parameters."""
        return tuple(sort for _, sort in self.parameters)


@dataclass
class Script:
    """What a file says."""

    logic: str = ""
    declarations: dict[str, tuple[tuple[str, ...], str]] = field(default_factory=dict)
    definitions: dict[str, Definition] = field(default_factory=dict)
    assertions: list[Node] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)  # declarations and definitions in their order, written anew

    @property
    def constants(self) -> dict[str, str]:
        """Name and sort of everything declared without arguments."""
        return {name: sort for name, (arguments, sort) in self.declarations.items() if not arguments}

    def text(self, assertions: Sequence[Node]) -> str:
        """The declarations, definitions and these assertions for a solver."""
        return "\n".join([*self.lines, *(f"(assert {written(term)})" for term in assertions)])


def read_script(content: bytes, file: str) -> Script:
    """Read a file, or raise `MalformedInput` or `LimitExceeded`, naming the line."""
    if len(content) > LEMMA_LIMITS.file_bytes:
        raise LimitExceeded("limit-file-bytes", expected=f"at most {LEMMA_LIMITS.file_bytes} bytes", got="more", file=file)
    try:
        text = content.decode("ascii")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise MalformedInput("not-ascii", expected="ASCII text", got=hex(content[error.start]), file=file, clause=f"line {line}") from None
    return _Reader(file).script(text)


def written(node: Node) -> str:
    """A term in SMT-LIB, without attributes."""
    if isinstance(node, Group):
        if len(node.items) > 1 and isinstance(node.items[0], Name) and node.items[0].text == "!":
            return written(node.items[1])
        return f"({' '.join(map(written, node.items))})"
    return f"|{MARK}{node.text}|" if isinstance(node, Name) and node.text not in RESERVED else node.text


class _Reader:
    """The commands of one file."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.result = Script()
        self.closed = ""  # the closing command that was met

    def fault(self, line: int, code: str, expected: str, got: object) -> MalformedInput:
        return MalformedInput(code, expected=expected, got=got, file=self.file, clause=f"line {line}")

    def limit(self, line: int, name: str, value: int) -> None:
        allowed = getattr(LEMMA_LIMITS, name)
        if value > allowed:
            code = "limit-" + name.replace("_", "-")
            raise LimitExceeded(code, expected=f"at most {allowed}", got=value, file=self.file, clause=f"line {line}")

    # Brackets

    def nodes(self, text: str) -> Iterator[Group]:
        """The groups on the outermost level."""
        open_groups: list[tuple[int, list[Node]]] = []
        place, line = 0, 1
        while place < len(text):
            match = TOKEN.match(text, place)
            if match is None:
                raise self.fault(line, "bad-character", "SMT-LIB 2", text[place : place + 20])
            place, word, kind = match.end(), match[0], match.lastgroup
            if word == "(":
                self.limit(line, "nesting", len(open_groups) + 1)
                open_groups.append((line, []))
            elif word == ")":
                if not open_groups:
                    raise self.fault(line, "brackets", "an open bracket before a closing one", ")")
                start, items = open_groups.pop()
                group = Group(tuple(items), start)
                if not open_groups:
                    yield group
                else:
                    open_groups[-1][1].append(group)
            elif kind != "space":
                if not open_groups:
                    raise self.fault(line, "brackets", "a command in brackets", word)
                open_groups[-1][1].append(self.atom(kind, word, line))
            line += word.count("\n")
        if open_groups:
            raise self.fault(open_groups[-1][0], "brackets", "a closing bracket", "the end of the file")

    def atom(self, kind: str | None, word: str, line: int) -> Node:
        if kind in ("numeral", "decimal"):
            self.limit(line, "numeral_digits", len(word))
            return Number(Fraction(word), word)
        if kind in ("keyword", "string"):
            return Other(word)
        name = word[1:-1] if kind == "quoted" else word
        self.limit(line, "symbol_characters", len(name))
        if kind == "quoted" and (not name.isprintable() or name in RESERVED):
            raise self.fault(line, "bad-name", "a printable name that is no word of SMT-LIB", word)
        return Name(name, line)

    # Commands

    def script(self, text: str) -> Script:
        for group in self.nodes(text):
            head = group.items[0] if group.items else None
            if not isinstance(head, Name):
                raise self.fault(group.line, "not-a-command", "a command", shortened(group))
            self.command(head.text, group)
        if not self.result.assertions:
            raise self.fault(text.count("\n") + 1, "no-assertions", "hypotheses and the negated claim as assertions", "none")
        return self.result

    def command(self, name: str, group: Group) -> None:
        if self.closed and name not in CLOSING:
            raise self.fault(group.line, "after-the-question", f"nothing but {', '.join(CLOSING)} after {self.closed}", name)
        if self.closed == "exit" or (name == self.closed == "check-sat"):
            raise self.fault(group.line, "after-the-question", f"the end of the file after {self.closed}", name)
        if name in CLOSING:
            if name == "check-sat" or name == "exit":
                self.closed = name
        elif name == "set-logic":
            self.set_logic(group)
        elif name in ("declare-const", "declare-fun"):
            self.declare(name, group)
        elif name == "define-fun":
            self.define(group)
        elif name == "assert":
            self.shape(group, 2)
            self.fits(self.term(group.items[1], {}, group.line), "Bool", group.line)
            self.result.assertions.append(group.items[1])
        elif name not in IGNORED:
            known = "set-logic, declare-const, declare-fun, define-fun, assert, check-sat"
            raise self.fault(group.line, "unsupported-command", known, name)

    def shape(self, group: Group, size: int) -> None:
        if len(group.items) != size:
            raise self.fault(group.line, "wrong-shape", f"{size - 1} arguments of {shortened(group.items[0])}", len(group.items) - 1)

    def set_logic(self, group: Group) -> None:
        self.shape(group, 2)
        logic = shortened(group.items[1])
        if logic not in LOGICS or self.result.logic:
            raise self.fault(group.line, "unknown-logic", f"once one of {', '.join(LOGICS)}", logic)
        self.result.logic = logic

    def declare(self, name: str, group: Group) -> None:
        self.shape(group, 3 if name == "declare-const" else 4)
        arguments: tuple[str, ...] = ()
        if name == "declare-fun":
            arguments = tuple(self.sort(item, group.line) for item in self.group(group.items[2], group.line))
        new, sort = self.new_name(group.items[1], group.line), self.sort(group.items[-1], group.line)
        self.result.declarations[new] = (arguments, sort)
        self.result.lines.append(f"(declare-fun |{MARK}{new}| ({' '.join(arguments)}) {sort})")

    def define(self, group: Group) -> None:
        self.shape(group, 5)
        parameters = []
        for item in self.group(group.items[2], group.line):
            pair = self.group(item, group.line)
            if len(pair) != 2:
                raise self.fault(group.line, "wrong-shape", "a name and a sort", shortened(item))
            parameters.append((self.bound_name(pair[0], group.line), self.sort(pair[1], group.line)))
        if len({name for name, _ in parameters}) < len(parameters):
            raise self.fault(group.line, "declared-twice", "different parameters", shortened(group.items[2]))
        new, sort = self.new_name(group.items[1], group.line), self.sort(group.items[3], group.line)
        self.fits(self.term(group.items[4], dict(parameters), group.line), sort, group.line)
        self.result.definitions[new] = Definition(tuple(parameters), sort, group.items[4])
        head = " ".join(f"(|{MARK}{name}| {kind})" for name, kind in parameters)
        self.result.lines.append(f"(define-fun |{MARK}{new}| ({head}) {sort} {written(group.items[4])})")

    def group(self, node: Node, line: int) -> tuple[Node, ...]:
        if not isinstance(node, Group):
            raise self.fault(line, "wrong-shape", "a list in brackets", shortened(node))
        return node.items

    def sort(self, node: Node, line: int) -> str:
        if not isinstance(node, Name) or node.text not in SORTS:
            raise self.fault(line, "unknown-sort", "Real, Int or Bool", shortened(node))
        return node.text

    def bound_name(self, node: Node, line: int) -> str:
        if not isinstance(node, Name) or node.text in RESERVED:
            raise self.fault(line, "bad-name", "a name that is no word of SMT-LIB", shortened(node))
        return node.text

    def new_name(self, node: Node, line: int) -> str:
        name = self.bound_name(node, line)
        if name in self.result.declarations or name in self.result.definitions:
            raise self.fault(line, "declared-twice", "a new name", name)
        return name

    def fits(self, sort: str, wanted: str, line: int) -> None:
        """An integer may stand for a real number."""
        if sort != wanted and (sort, wanted) != ("Int", "Real"):
            raise self.fault(line, "wrong-sort", wanted, sort)

    # Terms

    def term(self, node: Node, bound: Mapping[str, str], line: int) -> str:
        """The sort of a term; refuse one with anything in it that is not declared, bound or an operator."""
        if isinstance(node, Number):
            return "Real" if "." in node.text else "Int"
        if isinstance(node, Name):
            return self.name(node, bound)
        if isinstance(node, Other) or not node.items or not isinstance(node.items[0], Name):
            raise self.fault(getattr(node, "line", line), "not-a-term", "a term", shortened(node))
        head, arguments = node.items[0].text, node.items[1:]
        if head == "let":
            return self.let(node, bound)
        if head == "!":
            if not arguments:
                raise self.fault(node.line, "not-a-term", "a term", "(!)")
            return self.term(arguments[0], bound, node.line)  # attributes, a name for instance, mean nothing here
        return self.applied(head, [self.term(argument, bound, node.line) for argument in arguments], node.line)

    def name(self, node: Name, bound: Mapping[str, str]) -> str:
        if node.text in ("true", "false"):
            return "Bool"
        if node.text in bound:
            return bound[node.text]
        if node.text in self.result.constants:
            return self.result.constants[node.text]
        definition = self.result.definitions.get(node.text)
        if definition is None or definition.parameters:
            raise self.fault(node.line, "undeclared", "a declared name", node.text)
        return definition.sort

    def let(self, node: Group, bound: Mapping[str, str]) -> str:
        self.shape(node, 3)
        new: dict[str, str] = {}
        for item in self.group(node.items[1], node.line):
            pair = self.group(item, node.line)
            if len(pair) != 2:
                raise self.fault(node.line, "wrong-shape", "a name and a term", shortened(item))
            name = self.bound_name(pair[0], node.line)
            if name in new:
                raise self.fault(node.line, "declared-twice", "different names", name)
            new[name] = self.term(pair[1], bound, node.line)
        return self.term(node.items[2], {**bound, **new}, node.line)

    def applied(self, head: str, sorts: list[str], line: int) -> str:
        """The sort of a function's or an operator's value."""
        if head in OPERATORS:
            return self.operator(head, sorts, line)
        if head in self.result.declarations:
            wanted, value = self.result.declarations[head]
        elif head in self.result.definitions:
            wanted, value = self.result.definitions[head].sorts, self.result.definitions[head].sort
        else:
            raise self.fault(line, "unsupported-term", "a declared function or an operator on numbers and truth values", head)
        if len(sorts) != len(wanted) or not wanted:
            raise self.fault(line, "wrong-shape", f"{len(wanted)} arguments of {head}", len(sorts))
        for sort, needed in zip(sorts, wanted, strict=True):
            self.fits(sort, needed, line)
        return value

    def operator(self, head: str, sorts: list[str], line: int) -> str:
        least = 3 if head == "ite" else 1 if head in ONE_ARGUMENT + ANY_NUMBER else 2
        most = 3 if head == "ite" else 1 if head in ONE_ARGUMENT else 2 if head == "mod" else len(sorts)
        if not least <= len(sorts) <= most:
            raise self.fault(line, "wrong-shape", f"another number of arguments of {head}", len(sorts))
        if head == "ite":
            self.fits(sorts[0], "Bool", line)
            sorts = sorts[1:]
        if head in ("not", "and", "or", "xor", "=>"):
            needed = "Bool"
        elif head in ("div", "mod"):
            needed = "Int"
        else:  # `ite`, `=` and `distinct` take truth values or numbers, but not both
            needed = "Bool" if head in ("ite", "=", "distinct") and sorts[0] == "Bool" else "Real"
        for sort in sorts:
            self.fits(sort, needed, line)
        if head in ("/", "to_real"):
            return "Real"
        if head == "to_int":
            return "Int"
        if head in NUMBER_OPERATORS or head == "ite":
            return sorts[0] if len(set(sorts)) == 1 else "Real"
        return "Bool"


def shortened(node: Node) -> str:
    """A term for a message."""
    return written(node).replace(f"|{MARK}", "").replace("|", "")


# Evaluation

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
