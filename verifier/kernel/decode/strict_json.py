"""JSON without its ambiguities: one meaning per text, or a refusal (FORMAT.md section 1).

Refused: bytes that are not UTF-8, a byte order mark, duplicate keys, floats and exponents, NaN and Infinity, integers of too
many digits, deep nesting.  The accessors below name the clause they enforce and say what they expected and got.
"""

from __future__ import annotations

import hashlib
import json
import re
from fractions import Fraction
from typing import Any

from verifier.kernel.errors import MalformedInput
from verifier.kernel.limits import check_limit

MARKS = re.compile(r'[\[\]{}",\\]')  # all that the scan before parsing must look at
SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")  # half of a pair, or perhaps only the text of one
FRACTION = re.compile(r"(0|[1-9][0-9]*)/([1-9][0-9]*)", re.ASCII)


def parse(data: bytes, *, file: str, limit: str) -> Any:
    """The JSON value in `data`.  `limit` names the field of `limits.py` that bounds its size in bytes."""
    check_limit(limit, len(data), file=file, clause="1.1")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedInput(
            "not-utf8", expected="UTF-8 text", got=f"a bad byte at offset {error.start}", file=file, clause="1.1"
        ) from None
    _refuse_bombs(text, file)

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key, value in pairs:
            if key in result:  # attack: two values for one key, read differently by two programs
                raise MalformedInput("duplicate-key", expected="each key once", got=key, file=file, clause="1.3")
            result[key] = value
        return result

    def refuse_float(literal: str) -> Any:
        raise MalformedInput("float", expected="an integer or a fraction string", got=literal, file=file, clause="1.4")

    def integer(literal: str) -> int:
        check_limit("json_integer_digits", len(literal.lstrip("-")), file=file, clause="1.4")
        return int(literal)

    try:
        value = json.loads(text, object_pairs_hook=unique, parse_float=refuse_float, parse_constant=refuse_float, parse_int=integer)
        if SURROGATE.search(text):  # attack: a name with half a character, of which there is no digest
            json.dumps(value, ensure_ascii=False).encode("utf-8")
        return value
    except UnicodeEncodeError:
        raise MalformedInput(
            "not-utf8", expected="whole characters", got="an escape for half a character", file=file, clause="1.1"
        ) from None
    except json.JSONDecodeError as error:
        raise MalformedInput(
            "not-json", expected="one JSON value", got=f"{error.msg} at line {error.lineno}", file=file, clause="1.2"
        ) from None


def _refuse_bombs(text: str, file: str) -> None:
    """Bound nesting and size before the parser recurses (attacks: a megabyte of opening brackets, a hundred million empty objects)."""
    depth, quoted, escaped = 0, False, -1  # escaped: the place of a character that a backslash takes the meaning from
    for count, mark in enumerate(MARKS.finditer(text), 1):
        check_limit("json_tokens", count, file=file, clause="1.6")
        character = mark[0]
        if quoted:
            if mark.start() == escaped:
                continue
            if character == "\\":
                escaped = mark.start() + 1
            elif character == '"':
                quoted = False
        elif character == '"':
            quoted = True
        elif character in "[{":
            depth += 1
            check_limit("json_depth", depth, file=file, clause="1.5")
        elif character in "]}":
            depth -= 1


class Reader:
    """One untrusted JSON value together with the file and clause that an error message must name."""

    def __init__(self, value: Any, file: str, clause: str) -> None:
        self.value, self.file, self.clause = value, file, clause

    def refuse(self, code: str, expected: str, got: object) -> MalformedInput:
        return MalformedInput(code, expected=expected, got=got, file=self.file, clause=self.clause)

    def members(self, required: dict[str, str], optional: dict[str, str] | None = None) -> dict[str, Reader]:
        """The members of an object whose keys are exactly `required` plus some of `optional` (key -> clause)."""
        known = required | (optional or {})
        if not isinstance(self.value, dict):
            raise self.refuse("wrong-type", "an object", self.value)
        for key in self.value:
            if key not in known:  # attack: a field that this checker ignores and another one believes
                raise self.refuse("unknown-field", "one of " + ", ".join(sorted(known)), key)
        for key in required:
            if key not in self.value:
                raise self.refuse("missing-field", f"the field {key}", "no such field")
        return {key: Reader(value, self.file, known[key]) for key, value in self.value.items()}

    def entries(self) -> list[tuple[str, Reader]]:
        """All members of an object whose keys are names chosen by the author."""
        if not isinstance(self.value, dict):
            raise self.refuse("wrong-type", "an object", self.value)
        return [(key, Reader(value, self.file, self.clause)) for key, value in self.value.items()]

    def items(self) -> list[Reader]:
        if not isinstance(self.value, list):
            raise self.refuse("wrong-type", "a list", self.value)
        return [Reader(value, self.file, self.clause) for value in self.value]

    def text(self) -> str:
        if not isinstance(self.value, str):
            raise self.refuse("wrong-type", "a string", self.value)
        return self.value

    def choice(self, *words: str) -> str:
        text = self.text()
        if text not in words:
            raise self.refuse("unknown-word", "one of " + ", ".join(words), text)
        return text

    def integer(self, low: int, high: int) -> int:
        # bool is a subclass of int in Python: `true` must not pass as 1
        if not isinstance(self.value, int) or isinstance(self.value, bool):
            raise self.refuse("wrong-type", "an integer", self.value)
        if not low <= self.value <= high:
            raise self.refuse("out-of-range", f"an integer from {low} to {high}", self.value)
        return self.value

    def fraction(self) -> Fraction:
        """An exact fraction "p/q" in lowest terms, p >= 0, q > 0."""
        text = self.text()
        match = FRACTION.fullmatch(text)
        if match is None:
            raise self.refuse("not-a-fraction", 'a fraction "p/q" of plain decimal integers', text)
        check_limit("fraction_digits", max(map(len, match.groups())), file=self.file, clause=self.clause)
        value = Fraction(int(match[1]), int(match[2]))
        if f"{value.numerator}/{value.denominator}" != text:
            raise self.refuse("not-lowest-terms", f'"{value.numerator}/{value.denominator}"', text)
        return value


def canonical_digest(value: Any) -> str:
    """sha256 of the canonical text of a JSON value: sorted keys, no spaces, ASCII (FORMAT.md section 1)."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return "sha256:" + hashlib.sha256(text.encode("ascii")).hexdigest()
