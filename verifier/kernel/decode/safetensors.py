"""A strict reader of the safetensors format, standard library only (FORMAT.md section 4).

Layout: u64 little-endian header length, a JSON header name -> {dtype, shape, data_offsets}, then the data.  Stricter than the
reference implementation: the tensors must tile the data exactly, in any order, without gaps or overlaps, so that no byte of
the file is outside the digest or the header.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from verifier.kernel.decode.strict_json import Reader, parse
from verifier.kernel.errors import MalformedInput
from verifier.kernel.limits import check_limit

BYTES_PER_ENTRY = {"F16": 2, "BF16": 2, "F32": 4, "F64": 8, "BOOL": 1, "I64": 8}


@dataclass(frozen=True)
class RawTensor:
    """Undecoded data of one tensor."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    data: bytes


def read_safetensors(data: bytes, *, file: str) -> dict[str, RawTensor]:
    """All tensors of a safetensors file, by name.  Raises MalformedInput."""

    def refuse(code: str, expected: str, got: object, clause: str = "4.1") -> MalformedInput:
        return MalformedInput(code, expected=expected, got=got, file=file, clause=clause)

    check_limit("model_bytes", len(data), file=file, clause="4.1")
    if len(data) < 8:
        raise refuse("truncated", "at least 8 bytes", len(data))
    header_size = int.from_bytes(data[:8], "little")
    check_limit("header_bytes", header_size, file=file, clause="4.1")
    if 8 + header_size > len(data):
        raise refuse("truncated", f"a header of {header_size} bytes", f"{len(data) - 8} bytes")
    header = Reader(parse(data[8 : 8 + header_size], file=file, limit="header_bytes"), file, "4.2")
    body = data[8 + header_size :]
    tensors: dict[str, RawTensor] = {}
    spans: list[tuple[int, int]] = []
    for name, entry in header.entries():
        if name == "__metadata__":  # free text, never read
            continue
        parts = entry.members({"dtype": "4.3", "shape": "4.3", "data_offsets": "4.4"})
        dtype = parts["dtype"].choice(*BYTES_PER_ENTRY)
        shape = tuple(item.integer(0, 1 << 32) for item in parts["shape"].items())
        check_limit("tensor_rank", len(shape), file=file, clause="4.3")  # attack: a product of sizes too long to print
        offsets = [item.integer(0, len(body)) for item in parts["data_offsets"].items()]
        if len(offsets) != 2 or offsets[1] - offsets[0] != prod(shape) * BYTES_PER_ENTRY[dtype]:
            raise refuse("wrong-extent", f"{prod(shape) * BYTES_PER_ENTRY[dtype]} bytes", f"offsets {offsets} of {name}", "4.4")
        tensors[name] = RawTensor(name, dtype, shape, body[offsets[0] : offsets[1]])
        spans.append((offsets[0], offsets[1]))
        check_limit("tensors", len(tensors), file=file, clause="4.2")
    end = 0
    for start, stop in sorted(spans):
        if start != end:  # attack: two names for the same bytes, or bytes that no name covers
            raise refuse("gap-or-overlap", f"a tensor that starts at byte {end}", start, "4.4")
        end = stop
    if end != len(body):
        raise refuse("truncated" if end > len(body) else "trailing-bytes", f"{end} bytes of data", len(body), "4.4")
    return tensors
