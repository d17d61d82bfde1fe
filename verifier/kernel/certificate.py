"""Untrusted bytes become frozen steps before the first rule runs (FORMAT.md section 3).

A step names a rule, its premises (ids of earlier steps, by role) and its hints.  Decoding checks the grammar against each
rule's signature; what the hints mean, and whether the step is true, is for the rule to decide.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from types import MappingProxyType
from typing import Any

from verifier.kernel.decode.floats import decode_floats
from verifier.kernel.decode.strict_json import Reader, parse
from verifier.kernel.limits import LIMITS, check_limit
from verifier.kernel.numbers.matrix import Ledger, Matrix

CERTIFICATE_FORMAT = "verifier-certificate/2"
STEP_ID = re.compile(r"[a-z][a-z0-9_.-]*", re.ASCII)  # ASCII: no look-alike letters
DIGEST = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)
ARRAY_DTYPES = {"f32": "F32", "f64": "F64", "i64": "I64"}


@dataclass(frozen=True)
class FloatArray:
    """A hint array of exact numbers, rank 2, decoded when a rule asks for it: undecoded it takes a twentieth of the memory."""

    data: bytes
    dtype: str
    shape: tuple[int, int]

    @property
    def entries(self) -> tuple[tuple[int, int], ...]:
        """(mantissa, exponent) of each entry."""
        return tuple(decode_floats(self.data, self.dtype, file="", clause="3.4", name="a hint"))

    def matrix(self, rows: str, columns: str, ledger: Ledger) -> Matrix:
        width, entries = self.shape[1], self.entries
        lines = [entries[start : start + width] for start in range(0, len(entries), width)]
        return Matrix.of(lines, (rows, columns), ledger)


@dataclass(frozen=True)
class IntegerArray:
    """A hint array of 64-bit integers, rank 2."""

    rows: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Integers:
    """Hint kind: an integer between two bounds."""

    low: int
    high: int


@dataclass(frozen=True)
class Choice:
    """Hint kind: one of a few words."""

    words: tuple[str, ...]


@dataclass(frozen=True)
class Floats:
    """Hint kind: a rank-2 array of floats."""


@dataclass(frozen=True)
class IntegerTable:
    """Hint kind: a rank-2 array of integers with at least `low` and at most `high`."""

    low: int
    high: int


@dataclass(frozen=True)
class PeelList:
    """Hint kind: a list of peels, at most `limits.peels`."""


@dataclass(frozen=True)
class Peel:
    """Split a factor interval first..last of a chain: `left` F = L (L'F) + rest, `right` F = (F L) L' + rest, `row` F = 1 L + rest.

    directions: L, shape (rows of F, r), (columns of F, r) or (1, columns of F).
    """

    first: int
    last: int
    side: str
    directions: FloatArray


HintKind = Integers | Choice | Floats | IntegerTable | PeelList
Hint = int | str | FloatArray | IntegerArray | tuple[Peel, ...]


@dataclass(frozen=True)
class Signature:
    """What a rule takes.  premises: role -> names of the fact types it accepts; `many` roles take a list of ids."""

    premises: Mapping[str, tuple[str, ...]]
    hints: Mapping[str, HintKind]
    many: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()  # roles and hints that may be absent


@dataclass(frozen=True)
class Step:
    """One application of a rule.  premises: role -> ids of earlier steps."""

    id: str
    rule: str
    premises: Mapping[str, tuple[str, ...]]
    hints: Mapping[str, Hint]


@dataclass(frozen=True)
class Certificate:
    """A decoded certificate.  subject: the digest of the subject it speaks about; size: bytes of the file."""

    subject: str
    steps: tuple[Step, ...]
    size: int


def read_certificate(data: bytes, signatures: Mapping[str, Signature], *, file: str) -> Certificate:
    """Decode a certificate file strictly, against the rules' signatures."""
    document = Reader(parse(data, file=file, limit="certificate_bytes"), file, "3")
    parts = document.members({"format": "3.1", "subject": "3.2", "steps": "3.3"})
    parts["format"].choice(CERTIFICATE_FORMAT)
    subject = parts["subject"].text()
    if not DIGEST.fullmatch(subject):
        raise parts["subject"].refuse("not-a-digest", '"sha256:" and 64 lower-case hexadecimal digits', subject)
    items = parts["steps"].items()
    check_limit("steps", len(items), file=file, clause="3.3")
    steps: list[Step] = []
    known: set[str] = set()
    for number, item in enumerate(items):
        step = _read_step(item, number, known, signatures)
        known.add(step.id)
        steps.append(step)
    return Certificate(subject, tuple(steps), len(data))


def _read_step(item: Reader, number: int, known: set[str], signatures: Mapping[str, Signature]) -> Step:
    item.clause = f"3.4, step {number}"
    parts = item.members({"id": item.clause, "rule": item.clause}, {"premises": item.clause, "hints": item.clause})
    name = parts["id"].text()
    if len(name) > LIMITS.name_characters or not STEP_ID.fullmatch(name):
        raise parts["id"].refuse("bad-id", f"a lower-case ASCII name of at most {LIMITS.name_characters} characters", name)
    if name in known:
        raise parts["id"].refuse("duplicate-id", "a new id", name)
    rule = parts["rule"].choice(*signatures)
    signature = signatures[rule]
    clause = f"3.4, step {name}"
    for part in parts.values():
        part.clause = clause
    absent = Reader({}, item.file, clause)
    return Step(
        name,
        rule,
        MappingProxyType(_read_premises(parts.get("premises", absent), clause, known, signature)),
        MappingProxyType(_read_hints(parts.get("hints", absent), clause, signature)),
    )


def _split(keys: Mapping[str, Any], signature: Signature, clause: str) -> tuple[dict[str, str], dict[str, str]]:
    required = {key: clause for key in keys if key not in signature.optional}
    return required, {key: clause for key in keys if key in signature.optional}


def _read_premises(reader: Reader, clause: str, known: set[str], signature: Signature) -> dict[str, tuple[str, ...]]:
    premises = {}
    for role, value in reader.members(*_split(signature.premises, signature, clause)).items():
        ids = tuple(one.text() for one in (value.items() if role in signature.many else [value]))
        if not ids or len(set(ids)) != len(ids):
            raise value.refuse("bad-premises", "a list of different step ids", ids)
        for name in ids:
            if name not in known:  # a premise is an earlier step: no cycles, no forward references
                raise value.refuse("unknown-premise", f"the id of an earlier step for {role}", name)
        premises[role] = ids
    return premises


def _read_hints(reader: Reader, clause: str, signature: Signature) -> dict[str, Hint]:
    hints: dict[str, Hint] = {}
    for name, value in reader.members(*_split(signature.hints, signature, clause)).items():
        kind = signature.hints[name]
        if isinstance(kind, Integers):
            hints[name] = value.integer(kind.low, kind.high)
        elif isinstance(kind, Choice):
            hints[name] = value.choice(*kind.words)
        elif isinstance(kind, PeelList):
            hints[name] = _read_peels(value)
        else:
            hints[name] = _read_array(value, kind, name)
    return hints


def _read_peels(reader: Reader) -> tuple[Peel, ...]:
    items = reader.items()
    check_limit("peels", len(items), file=reader.file, clause=reader.clause)
    peels = []
    for item in items:
        parts = item.members(dict.fromkeys(("first", "last", "side", "directions"), item.clause))
        first, last = parts["first"].integer(0, LIMITS.peels), parts["last"].integer(0, LIMITS.peels)
        directions = _read_array(parts["directions"], Floats(), "directions")
        if isinstance(directions, FloatArray):
            peels.append(Peel(first, last, parts["side"].choice("left", "right", "row"), directions))
    return tuple(peels)


def _read_array(reader: Reader, kind: Floats | IntegerTable, name: str) -> FloatArray | IntegerArray:
    parts = reader.members({"array": reader.clause, "shape": reader.clause, "base64": reader.clause})
    words = ("f32", "f64") if isinstance(kind, Floats) else ("i64",)
    dtype = ARRAY_DTYPES[parts["array"].choice(*words)]
    shape = tuple(size.integer(1, LIMITS.array_entries) for size in parts["shape"].items())
    if len(shape) != 2:
        raise reader.refuse("wrong-shape", "rank 2", list(shape))
    check_limit("float_entries" if isinstance(kind, Floats) else "array_entries", prod(shape), file=reader.file, clause=reader.clause)
    text = parts["base64"].text()
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (ValueError, binascii.Error):
        raise reader.refuse("not-base64", "standard base64 with padding", text[:40]) from None
    if base64.b64encode(data).decode("ascii") != text:
        raise reader.refuse("not-base64", "canonical base64", text[:40])
    size = 4 if dtype == "F32" else 8
    if len(data) != size * prod(shape):
        raise reader.refuse("wrong-shape", f"{size * prod(shape)} bytes for shape {list(shape)}", len(data))
    if isinstance(kind, Floats):
        for _ in decode_floats(data, dtype, file=reader.file, clause=reader.clause, name=name):
            pass  # refuses NaN and infinities
        return FloatArray(data, dtype, (shape[0], shape[1]))
    numbers = [int.from_bytes(data[start : start + 8], "little", signed=True) for start in range(0, len(data), 8)]
    for number in numbers:
        if not kind.low <= number <= kind.high:
            raise reader.refuse("out-of-range", f"integers from {kind.low} to {kind.high} in {name}", number)
    width = shape[1]
    return IntegerArray(tuple(tuple(numbers[start : start + width]) for start in range(0, len(numbers), width)))
