"""Anybody's inequality: a strict reader of the part of SMT-LIB 2 that can state one, with every term's sort checked.  No z3 in here.

Read are numbers, truth values and uninterpreted functions, without quantifiers: declarations, definitions, assertions, and what a
file ends with (`check-sat`, `get-model`, `exit`).  Everything else is refused: commands that would change what has been asserted
(`push`, `pop`, `reset`), and commands by which a file could reach outside itself (`include`, output channels) never get to a solver.
The solver is given `Script.text`, written anew from what was read here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from verifier.lemmas.syntax import (
    MARK,
    NUMBER_OPERATORS,
    OPERATORS,
    RESERVED,
    SORTS,
    Group,
    Name,
    Node,
    Number,
    Other,
    Source,
    shortened,
    written,
)

ARITHMETIC = ("LRA", "NRA", "LIA", "NIA", "LIRA", "NIRA")
LOGICS = ("ALL", "QF_UF", *(f"QF_{functions}{numbers}" for functions in ("", "UF") for numbers in ARITHMETIC))
IGNORED = ("set-info", "set-option")
CLOSING = ("check-sat", "get-model", "get-info", "exit")
ONE_ARGUMENT = ("not", "abs", "to_real", "to_int", "is_int")
ANY_NUMBER = ("-", "+", "*", "and", "or")


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
    return _Reader(Source(content, file)).script()


class _Reader:
    """The commands of one file."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.fault = source.fault
        self.result = Script()
        self.closed = ""  # the closing command that was met

    # Commands

    def script(self) -> Script:
        for group in self.source.groups():
            head = group.items[0] if group.items else None
            if not isinstance(head, Name):
                raise self.fault(group.line, "not-a-command", "a command", shortened(group))
            self.command(head.text, group)
        if not self.result.assertions:
            raise self.fault(self.source.text.count("\n") + 1, "no-assertions", "hypotheses and the negated claim as assertions", "none")
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
