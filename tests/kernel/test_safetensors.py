"""The strict safetensors reader: every byte belongs to one tensor or to the header, or the file is refused."""

from __future__ import annotations

import dataclasses
import json
import struct
from typing import Any

import pytest

from tests.models import with_header
from tests.refusals import LIMIT, MALFORMED, refused
from verifier.kernel import limits
from verifier.kernel.decode.safetensors import RawTensor, read_safetensors
from verifier.kernel.errors import MalformedInput, VerifierError
from verifier.kernel.limits import LIMITS

Header = dict[str, Any]
BODY = bytes(range(24))
GOOD: Header = {
    "a": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]},
    "b": {"dtype": "F64", "shape": [1], "data_offsets": [16, 24]},
}


def read(data: bytes) -> dict[str, RawTensor]:
    return read_safetensors(data, file="FILE")


def edited(name: str = "a", **changes: Any) -> bytes:
    return with_header(json.dumps({**GOOD, name: {**GOOD["a"], **changes}}).encode(), BODY)


def test_tensors_are_cut_out_of_the_data() -> None:
    tensors = read(with_header(json.dumps(GOOD).encode(), BODY))
    assert tensors == {"a": RawTensor("a", "F32", (2, 2), BODY[:16]), "b": RawTensor("b", "F64", (1,), BODY[16:])}


@pytest.mark.parametrize(
    ("header", "body"),
    [
        ({}, b""),
        ({"__metadata__": {"format": "pt"}, **GOOD}, BODY),
        (dict(reversed(GOOD.items())), BODY),
        ({**GOOD, "empty": {"dtype": "F32", "shape": [0, 3], "data_offsets": [16, 16]}}, BODY),
        ({"scalar": {"dtype": "BOOL", "shape": [], "data_offsets": [0, 1]}}, b"\1"),
    ],
)
def test_any_order_metadata_and_empty_tensors_are_accepted(header: Header, body: bytes) -> None:
    assert set(read(with_header(json.dumps(header).encode(), body))) == set(header) - {"__metadata__"}


def test_white_space_may_pad_the_header() -> None:
    assert len(read(with_header(json.dumps(GOOD).encode() + b"   ", BODY))) == 2


def bomb(shape: list[int]) -> bytes:
    return edited(shape=shape)


HUGE = 1 << 32
REFUSED: dict[str, tuple[bytes, type[VerifierError], str, str]] = {
    "no bytes": (b"", MALFORMED, "truncated", "4.1"),
    "half a length": (b"\0" * 7, MALFORMED, "truncated", "4.1"),
    "a header beyond the end": (struct.pack("<Q", 100) + b"{}", MALFORMED, "truncated", "4.1"),
    "a header length of 2^63": (struct.pack("<Q", 1 << 63) + b"{}", LIMIT, "limit-header-bytes", "4.1"),
    "a header length of 2^64 - 1": (b"\xff" * 8 + b"{}", LIMIT, "limit-header-bytes", "4.1"),
    "an empty header": (with_header(b"", b""), MALFORMED, "not-json", "1.2"),
    "a list for a header": (with_header(b"[]", b""), MALFORMED, "wrong-type", "4.2"),
    "a header that is not JSON": (with_header(b"{x}", b""), MALFORMED, "not-json", "1.2"),
    "a tensor twice": (with_header(b'{"a":{},"a":{}}', b""), MALFORMED, "duplicate-key", "1.3"),
    "a header of brackets": (with_header(b"[" * 100_000, b""), LIMIT, "limit-json-depth", "1.5"),
    "a float in a shape": (edited(shape=[2.0, 2]), MALFORMED, "float", "1.4"),
    "a truth value in a shape": (edited(shape=[True, 4]), MALFORMED, "wrong-type", "4.3"),
    "a negative size": (edited(shape=[-2, -2]), MALFORMED, "out-of-range", "4.3"),
    "a size of 10^29": (edited(shape=[10**29]), MALFORMED, "out-of-range", "4.3"),
    "sizes whose product overflows 64 bits to the right one": (bomb([HUGE, HUGE, 0, 4]), MALFORMED, "wrong-extent", "4.4"),
    "sizes whose product is 2^256": (bomb([HUGE] * 8), MALFORMED, "wrong-extent", "4.4"),
    "sizes whose product has thousands of digits": (bomb([HUGE] * 600), LIMIT, "limit-tensor-rank", "4.3"),
    "an unknown type": (edited(dtype="F8_E4M3"), MALFORMED, "unknown-word", "4.3"),
    "a type in lower case": (edited(dtype="f32"), MALFORMED, "unknown-word", "4.3"),
    "one offset": (edited(data_offsets=[16]), MALFORMED, "wrong-extent", "4.4"),
    "three offsets": (edited(data_offsets=[0, 16, 16]), MALFORMED, "wrong-extent", "4.4"),
    "exchanged offsets": (edited(data_offsets=[16, 0]), MALFORMED, "wrong-extent", "4.4"),
    "an offset beyond the data": (edited(data_offsets=[0, 25]), MALFORMED, "out-of-range", "4.4"),
    "a negative offset": (edited(data_offsets=[-16, 0]), MALFORMED, "out-of-range", "4.4"),
    "too few bytes for the shape": (edited(data_offsets=[0, 12]), MALFORMED, "wrong-extent", "4.4"),
    "two names for the same bytes": (edited("c"), MALFORMED, "gap-or-overlap", "4.4"),
    "a gap": (with_header(json.dumps({"b": GOOD["b"]}).encode(), BODY), MALFORMED, "gap-or-overlap", "4.4"),
    "trailing bytes": (with_header(json.dumps(GOOD).encode(), BODY + b"\0"), MALFORMED, "trailing-bytes", "4.4"),
    "missing bytes": (with_header(json.dumps(GOOD).encode(), BODY[:-1]), MALFORMED, "out-of-range", "4.4"),
    "an unknown field": (edited(note="x"), MALFORMED, "unknown-field", "4.2"),
    "a missing field": (with_header(b'{"a":{"dtype":"F32","shape":[]}}', b""), MALFORMED, "missing-field", "4.2"),
    "a tensor that is no object": (with_header(b'{"a":[]}', b""), MALFORMED, "wrong-type", "4.2"),
    "a name that breaks the line": (edited("\n\x1b[2Jall is well\r", shape=[3]), MALFORMED, "wrong-extent", "4.4"),
    "a name of a megabyte": (edited("x" * 900_000, shape=[3]), MALFORMED, "wrong-extent", "4.4"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_other_files_are_refused(case: str) -> None:
    data, family, code, clause = REFUSED[case]
    assert refused(lambda: read(data), family) == (code, clause)


def test_cutting_a_file_anywhere_is_noticed() -> None:
    data = with_header(json.dumps(GOOD).encode(), BODY)
    for size in range(len(data)):
        refused(lambda size=size: read(data[:size]))


def test_more_tensors_than_the_limit_are_refused() -> None:
    header = {f"t{i}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for i in range(LIMITS.tensors + 1)}
    assert refused(lambda: read(with_header(json.dumps(header).encode(), b"")), LIMIT) == ("limit-tensors", "4.2")


@pytest.mark.parametrize("field", ["model_bytes", "header_bytes"])
def test_oversized_files_are_refused(field: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LIMITS", dataclasses.replace(LIMITS, **{field: 30}))
    data = with_header(json.dumps(GOOD).encode(), BODY)
    assert refused(lambda: read(data), LIMIT) == ("limit-" + field.replace("_", "-"), "4.1")


@pytest.mark.parametrize("missing", [1, 2, 1000])
def test_a_header_that_is_said_to_be_longer_than_the_file_is_refused(missing: int) -> None:
    """Even if what is there would be a header: its length is part of what two readers must agree on."""
    header = b"{}"
    with pytest.raises(MalformedInput) as caught:
        read_safetensors((len(header) + missing).to_bytes(8, "little") + header, file="FILE")
    assert (caught.value.code, caught.value.clause) == ("truncated", "4.1")
    assert read_safetensors(len(header).to_bytes(8, "little") + header, file="FILE") == {}
