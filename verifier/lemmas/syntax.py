"""The words and brackets of SMT-LIB 2: a file as nested groups, each fault with its line; and groups as text again.

A term is written with a mark before every name: a solver would take a function that is called `sin` for its own, whatever the file
declares.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from verifier.kernel.errors import LimitExceeded, MalformedInput
from verifier.lemmas.limits import LEMMA_LIMITS

SORTS = ("Bool", "Int", "Real")
MARK = "user "  # before every name that is not SMT-LIB's
NUMBER_OPERATORS = ("+", "-", "*", "/", "div", "mod", "abs", "to_real", "to_int")
OPERATORS = (*NUMBER_OPERATORS, "is_int", "<", "<=", ">", ">=", "=", "distinct", "not", "and", "or", "xor", "=>", "ite")
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


def written(node: Node) -> str:
    """A term in SMT-LIB, without attributes."""
    if isinstance(node, Group):
        if len(node.items) > 1 and isinstance(node.items[0], Name) and node.items[0].text == "!":
            return written(node.items[1])
        return f"({' '.join(map(written, node.items))})"
    return f"|{MARK}{node.text}|" if isinstance(node, Name) and node.text not in RESERVED else node.text


def shortened(node: Node) -> str:
    """A term for a message."""
    return written(node).replace(f"|{MARK}", "").replace("|", "")


class Source:
    """The text of one file."""

    def __init__(self, content: bytes, file: str) -> None:
        self.file = file
        if len(content) > LEMMA_LIMITS.file_bytes:
            raise LimitExceeded("limit-file-bytes", expected=f"at most {LEMMA_LIMITS.file_bytes} bytes", got="more", file=file)
        try:
            self.text = content.decode("ascii")
        except UnicodeDecodeError as error:
            line = content[: error.start].count(b"\n") + 1
            raise self.fault(line, "not-ascii", "ASCII text", hex(content[error.start])) from None

    def fault(self, line: int, code: str, expected: str, got: object) -> MalformedInput:
        return MalformedInput(code, expected=expected, got=got, file=self.file, clause=f"line {line}")

    def _limit(self, line: int, name: str, value: int) -> None:
        allowed = getattr(LEMMA_LIMITS, name)
        if value > allowed:
            code = "limit-" + name.replace("_", "-")
            raise LimitExceeded(code, expected=f"at most {allowed}", got=value, file=self.file, clause=f"line {line}")

    def groups(self) -> Iterator[Group]:
        """The groups on the outermost level."""
        text = self.text
        open_groups: list[tuple[int, list[Node]]] = []
        place, line = 0, 1
        while place < len(text):
            match = TOKEN.match(text, place)
            if match is None:
                raise self.fault(line, "bad-character", "SMT-LIB 2", text[place : place + 20])
            place, word, kind = match.end(), match[0], match.lastgroup
            if word == "(":
                self._limit(line, "nesting", len(open_groups) + 1)
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
                open_groups[-1][1].append(self._atom(kind, word, line))
            line += word.count("\n")
        if open_groups:
            raise self.fault(open_groups[-1][0], "brackets", "a closing bracket", "the end of the file")

    def _atom(self, kind: str | None, word: str, line: int) -> Node:
        if kind in ("numeral", "decimal"):
            self._limit(line, "numeral_digits", len(word))
            return Number(Fraction(word), word)
        if kind in ("keyword", "string"):
            return Other(word)
        name = word[1:-1] if kind == "quoted" else word
        self._limit(line, "symbol_characters", len(name))
        if kind == "quoted" and (not name.isprintable() or name in RESERVED):
            raise self.fault(line, "bad-name", "a printable name that is no word of SMT-LIB", word)
        return Name(name, line)
