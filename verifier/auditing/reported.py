"""Reading what somebody reported: rows of (name, metric, reported, scope, function), from CSV or JSON, each number exactly.

| column     | meaning                                                                                 |
|------------|-----------------------------------------------------------------------------------------|
| `name`     | any words; they only come back in the report                                            |
| `metric`   | `accuracy` and the other words of `--metric`                                            |
| `reported` | a decimal or a fraction p/q, taken as the claim "accuracy >= reported", a loss as "<="  |
| `scope`    | optional: `0..63` for every free slot, or one such range per free slot, spaces between  |
| `function` | optional: `real`, the default, or `float32`, every machine of docs/float32.md           |

JSON: a list of objects, or {"rows": [...]}; a scope may also be a list of [first, last] pairs.  Nothing is guessed: an unknown column,
a missing cell or a number that is not one refuses the whole file, naming the row.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NoReturn

from verifier.kernel.errors import MalformedInput, Usage
from verifier.kernel.limits import LIMITS
from verifier.kernel.metrics import SHARES, Claim
from verifier.kernel.scope import InputScope
from verifier.kernel.statement import FUNCTIONS
from verifier.kernel.tasks.task import Task
from verifier.strategies.target import read_metric

REPORTED_BYTES = 1 << 20  # bytes of a file of reported numbers
MOST_ROWS = 10_000
REQUIRED, OPTIONAL = ("name", "metric", "reported"), ("scope", "function")
DECIMAL = re.compile(r"[0-9]{1,400}(\.[0-9]{1,400})?([eE][+-]?[0-9]{1,3})?", re.ASCII)
FRACTION = re.compile(r"([0-9]{1,400})/([0-9]{1,400})", re.ASCII)
RANGE = re.compile(r"([0-9]{1,9})\.\.([0-9]{1,9})", re.ASCII)
Ranges = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Reported:
    """One row.  text: the number as it was written.  ranges: one for all free slots, one per free slot, or None for all inputs."""

    row: int
    name: str
    metric: str
    text: str
    value: Fraction
    ranges: Ranges | None
    function: str

    @property
    def claim(self) -> Claim:
        """What was reported, as a claim."""
        metric, relation, output, _ = read_metric(self.metric)
        return Claim(metric, relation, self.value, output)

    def scope_of(self, task: Task, vocabulary: int, *, file: str) -> InputScope | None:
        """The row's own scope, None if it has none."""
        if self.ranges is None:
            return None
        counts = [min(count, vocabulary) for count in task.token_counts(vocabulary)]
        ranges = self.ranges * len(counts) if len(self.ranges) == 1 else self.ranges
        place = _Place(file, self.row, "scope")
        if len(ranges) != len(counts):
            place.refuse("bad-scope", f"one token range, or {len(counts)}, one per free slot", len(ranges))
        for (_, last), count in zip(ranges, counts, strict=True):
            if last >= count:
                place.refuse("bad-scope", f"tokens below {count}", ranges)
        return InputScope(ranges)


@dataclass(frozen=True)
class _Place:
    """Where in the file; row 0 is the file as a whole."""

    file: str
    row: int = 0
    column: str = ""

    def refuse(self, code: str, expected: str, got: object) -> NoReturn:
        clause = ", ".join(part for part in (f"row {self.row}" if self.row else "", self.column) if part)
        hint = "see `verifier audit --help`"
        raise MalformedInput(code, expected=expected, got=got, file=self.file, clause=clause, hint=hint)


def read_reported(data: bytes, *, file: str) -> list[Reported]:
    """The rows of a CSV or JSON file; which of the two, its first character tells."""
    place = _Place(file)
    if len(data) > REPORTED_BYTES:
        place.refuse("limit-reported-bytes", f"at most {REPORTED_BYTES} bytes", "more")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place.refuse("not-utf8", "UTF-8 text", f"a bad byte at offset {error.start}")
    rows = _json_rows(text, place) if text.lstrip()[:1] in ("[", "{") else _csv_rows(text, place)
    if not rows:
        place.refuse("no-rows", "at least one row", "none")
    if len(rows) > MOST_ROWS:
        place.refuse("limit-rows", f"at most {MOST_ROWS} rows", len(rows))
    return [_row(cells, number, file) for number, cells in enumerate(rows, start=1)]


def _csv_rows(text: str, place: _Place) -> list[Mapping[str, Any]]:
    try:
        lines = [line for line in csv.reader(io.StringIO(text, newline=""), strict=True) if line]
    except csv.Error as error:
        place.refuse("not-csv", "comma-separated values", error)
    if not lines:
        return []
    header = [word.strip() for word in lines[0]]
    if len(set(header)) != len(header):
        place.refuse("duplicate-column", "each column once", header)
    for number, line in enumerate(lines[1:], start=1):
        if len(line) != len(header):
            _Place(place.file, number).refuse("wrong-cells", f"{len(header)} cells", len(line))
    return [dict(zip(header, line, strict=True)) for line in lines[1:]]


def _json_rows(text: str, place: _Place) -> list[Any]:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({key for key, _ in pairs}) != len(pairs):
            place.refuse("duplicate-key", "each key once", [key for key, _ in pairs])
        return dict(pairs)

    def constant(word: str) -> NoReturn:
        place.refuse("not-a-number", "a decimal or a fraction", word)

    try:  # numbers stay text: no float stands between what was reported and what is audited
        document = json.loads(text, parse_float=str, parse_int=str, parse_constant=constant, object_pairs_hook=unique)
    except (json.JSONDecodeError, RecursionError) as error:
        place.refuse("not-json", "one JSON value", error)
    if isinstance(document, dict):
        if set(document) != {"rows"}:
            place.refuse("unknown-field", 'a list of rows, or {"rows": [...]}', sorted(document))
        document = document["rows"]
    if not isinstance(document, list):
        place.refuse("wrong-type", "a list of rows", type(document).__name__)
    return document


def _row(cells: Any, number: int, file: str) -> Reported:
    if not isinstance(cells, Mapping):
        _Place(file, number).refuse("wrong-type", "an object", type(cells).__name__)
    for column in cells:
        if column not in REQUIRED + OPTIONAL:  # attack: a misspelt scope, silently the whole domain
            _Place(file, number).refuse("unknown-column", "the columns " + ", ".join(REQUIRED + OPTIONAL), column)
    words = {}
    for column in REQUIRED:
        word = cells.get(column)
        if not isinstance(word, str) or not word.strip():
            _Place(file, number, column).refuse("missing-cell", f"a {column}", word)
        words[column] = word.strip()
    value = _number(words["reported"], words["metric"], file, number)
    scope = _scope(cells.get("scope"), _Place(file, number, "scope"))
    function = cells.get("function") or "real"
    if function not in FUNCTIONS:
        _Place(file, number, "function").refuse("unknown-word", " or ".join(FUNCTIONS), function)
    return Reported(number, words["name"], words["metric"], words["reported"], value, scope, function)


def _number(word: str, metric: str, file: str, number: int) -> Fraction:
    """The number of a row, within what its metric can be."""
    place = _Place(file, number, "reported")
    try:
        name, _, _, goal = read_metric(metric)
    except Usage as error:
        _Place(file, number, "metric").refuse(error.code, error.expected, metric)
    fraction = FRACTION.fullmatch(word)
    if fraction and int(fraction[2]):
        value = Fraction(int(fraction[1]), int(fraction[2]))
    elif DECIMAL.fullmatch(word):
        value = Fraction(word)
    else:
        place.refuse("not-a-number", "a decimal such as 0.95 or a fraction such as 19/20", word)
    if max(value.numerator, value.denominator) >= 10**LIMITS.fraction_digits:  # no statement could say it
        place.refuse("limit-fraction-digits", f"a fraction of at most {LIMITS.fraction_digits} digits", word)
    if goal is not None and value != goal:
        place.refuse("out-of-range", f"{goal}, which is what {metric} says", word)
    if name in SHARES and value > 1:
        place.refuse("out-of-range", "a number from 0 to 1", word)
    return value


def _scope(cell: Any, place: _Place) -> Ranges | None:
    expected = "a range such as 0..63, or one per free slot"
    if cell is None or cell == "":
        return None
    if isinstance(cell, list):
        if not all(isinstance(pair, list) and len(pair) == 2 and all(isinstance(end, str) for end in pair) for pair in cell):
            place.refuse("bad-scope", expected, cell)
        cell = " ".join(f"{first}..{last}" for first, last in cell)
    ranges = [RANGE.fullmatch(word) for word in cell.split()] if isinstance(cell, str) else []
    if not ranges or not all(ranges):
        place.refuse("bad-scope", expected, cell)
    scope = tuple((int(found[1]), int(found[2])) for found in ranges if found)
    if any(first > last for first, last in scope):  # an empty scope would make every claim true
        place.refuse("bad-scope", "ranges first..last with first <= last", cell)
    return scope
