"""Read interval test vectors in the language of the IEEE 1788 suites (files `*.itl`) and report where containment fails.

    python -m tests.itl FOLDER

Judged are add, sub, mul, div, sqrt and exp on bare intervals, by both arithmetics.  A vector's result is the tightest interval of
binary64 numbers, so an enclosure of the true result, rounded outward to binary64, contains it; one that does not has lost a number.
(A wider result is no failure.)  Vectors that the kernel has no operation for are counted as not applicable: empty and decorated
intervals, division by an interval that is not positive, roots of negative numbers, exp of positive ones, infinite ends in the reference.
"""

from __future__ import annotations

import math
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from tests.numbers import fraction
from verifier.fast import EnclosureCells, FastArithmetic
from verifier.kernel.numbers.exponential import ARGUMENT_BITS, exp_nonpositive
from verifier.kernel.numbers.interval import Interval

OPERATIONS = {"add": "add", "sub": "subtract", "mul": "multiply", "div": "divide", "sqrt": "", "exp": ""}
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*|#[^\n]*", re.DOTALL)
VECTOR = re.compile(r"(\w+)\s+((?:\[[^\]]*\](?:_\w+)?\s*)+)=\s*(\[[^\]]*\](?:_\w+)?)\s*;")
INTERVAL = re.compile(r"\[([^\]]*)\](_\w+)?")
Ends = tuple[float, float]


@dataclass(frozen=True)
class Vector:
    """One line: operation, arguments, tightest result.  None: an interval that we have not."""

    file: str
    line: int
    operation: str
    arguments: tuple[Ends | None, ...]
    result: Ends | None


@dataclass
class Report:
    """How many vectors were judged, per arithmetic, and those that fail."""

    judged: Counter[str] = field(default_factory=Counter)
    not_applicable: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        counts = [f"{name}: {self.judged[name]} judged, {self.not_applicable[name]} not applicable" for name in ("mpmath", "fast")]
        return [*counts, f"{len(self.failures)} containment failures", *self.failures]


def number(text: str) -> float:
    word = text.strip().lower()
    if word.lstrip("+-") in {"infinity", "inf"}:
        return -math.inf if word.startswith("-") else math.inf
    return float.fromhex(word) if "0x" in word else float(word)


def interval(text: str) -> Ends | None:
    match = INTERVAL.fullmatch(text.strip())
    if match is None or match[2]:
        return None
    inside = match[1].strip().lower()
    if inside == "entire":
        return -math.inf, math.inf
    parts = inside.split(",")
    if inside in {"", "empty", "nai"} or len(parts) > 2:
        return None
    return number(parts[0]), number(parts[-1])


def vectors(path: Path) -> Iterator[Vector]:
    """The vectors of one file whose operation we know."""
    text = COMMENT.sub(lambda match: "\n" * match[0].count("\n"), path.read_text(encoding="utf-8"))
    for match in VECTOR.finditer(text):
        if match[1] in OPERATIONS:
            arguments = tuple(interval(one[0]) for one in INTERVAL.finditer(match[2]))
            yield Vector(path.name, text.count("\n", 0, match.start()) + 1, match[1], arguments, interval(match[3]))


class NotApplicable(Exception):
    """The kernel has no such operation."""


def by_reference(operation: str, arguments: list[Ends]) -> tuple[Fraction | None, Fraction | None]:
    """Ends of the kernel's own interval."""
    if not all(math.isfinite(end) for ends in arguments for end in ends):
        raise NotApplicable
    if operation == "exp":
        return by_exp(arguments[0])
    intervals = []
    for ends in arguments:
        low, high = (Fraction(end) for end in ends)
        exponent = -max(low.denominator, high.denominator).bit_length() + 1
        intervals.append(Interval.of(int(low / Fraction(2) ** exponent), int(high / Fraction(2) ** exponent), exponent))
    x = intervals[0]
    try:
        if operation == "sqrt":
            found = x.sqrt()
        elif operation == "add":
            found = x + intervals[1]
        elif operation == "sub":
            found = x - intervals[1]
        elif operation == "mul":
            found = x * intervals[1]
        else:
            found = x / intervals[1]
    except (ValueError, ZeroDivisionError):
        raise NotApplicable from None
    return fraction(found.lo), fraction(found.hi)


def by_exp(ends: Ends) -> tuple[Fraction, Fraction]:
    """The kernel's exponential, which both arithmetics share."""
    unit = Fraction(1, 1 << ARGUMENT_BITS)
    if ends[1] > 0 or not math.isfinite(ends[0]):
        raise NotApplicable
    low, high, exponent = exp_nonpositive(math.floor(Fraction(ends[0]) / unit), math.ceil(Fraction(ends[1]) / unit))
    return low * Fraction(2) ** exponent, high * Fraction(2) ** exponent


def by_fast(operation: str, arguments: list[Ends]) -> tuple[Fraction | None, Fraction | None]:
    """Ends of the array arithmetic's enclosure; None: infinite."""
    if operation == "exp":
        low, high = by_exp(arguments[0])
        exponent = -max(low.denominator, high.denominator).bit_length() + 1
        scaled = int(low / Fraction(2) ** exponent), int(high / Fraction(2) ** exponent), exponent
        found = FastArithmetic().enclosures([scaled], (1,))
    else:
        cells = [EnclosureCells(np.array([low]), np.array([high])) for low, high in arguments]
        if operation == "sqrt":
            if arguments[0][0] < 0:
                raise NotApplicable
            found = cells[0].root()
        else:
            try:
                found = cells[0].combine(OPERATIONS[operation], cells[1])
            except ZeroDivisionError:
                raise NotApplicable from None
    return _end(found.lo[0], -math.inf), _end(found.hi[0], math.inf)


def _end(end: Any, unbounded: float) -> Fraction | None:
    if math.isnan(end) or end == unbounded:
        return None
    return Fraction(float(end))


def rounded_down(end: Fraction | None) -> float:
    """The largest binary64 number that is not above, -infinity if there is none."""
    if end is None:
        return -math.inf
    try:
        near = float(end)
    except OverflowError:
        return sys.float_info.max if end > 0 else -math.inf
    if math.isinf(near) or Fraction(near) > end:
        near = math.nextafter(near, -math.inf)
    return near


def contains(found: tuple[Fraction | None, Fraction | None], tightest: Ends) -> bool:
    low = rounded_down(found[0])
    high = -rounded_down(None if found[1] is None else -found[1])
    return low <= tightest[0] and tightest[1] <= high


ENGINES = {"mpmath": by_reference, "fast": by_fast}


def judge(paths: list[Path]) -> Report:
    """Both arithmetics on every vector."""
    report = Report()
    for path in paths:
        for vector in vectors(path):
            arguments = [ends for ends in vector.arguments if ends is not None]
            for name, engine in ENGINES.items():
                try:
                    if len(arguments) < len(vector.arguments) or vector.result is None:
                        raise NotApplicable
                    found = engine(vector.operation, arguments)
                except NotApplicable:
                    report.not_applicable[name] += 1
                    continue
                report.judged[name] += 1
                if not contains(found, vector.result):
                    shown = [float(end) if end is not None and abs(end) < 10**300 else end for end in found]
                    report.failures.append(
                        f"{vector.file}:{vector.line}: {vector.operation} {arguments}: {name} found {shown}, not around {vector.result}"
                    )
    return report


def main(arguments: list[str]) -> int:
    """Judge every `*.itl` file below the folders (or files) named."""
    paths = [path for name in arguments for path in ([Path(name)] if Path(name).is_file() else sorted(Path(name).rglob("*.itl")))]
    if not paths:
        print("usage: python -m tests.itl FOLDER   (a folder with *.itl files)", file=sys.stderr)
        return 3
    report = judge(paths)
    print(f"{len(paths)} files", *report.lines(), sep="\n")
    return 1 if report.failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
