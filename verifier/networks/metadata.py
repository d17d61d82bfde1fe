"""The metadata of a safetensors file: free text that the kernel never reads, and where a weights file can carry its network program."""

from __future__ import annotations

import json
from collections.abc import Mapping

from verifier.kernel.decode.safetensors import read_safetensors
from verifier.kernel.decode.strict_json import Reader, parse

FIELD = "__metadata__"
ALIGNMENT = 8  # bytes: the data begin at a multiple, as the format's own library writes them


def metadata(data: bytes, *, file: str) -> dict[str, str]:
    """The texts by key, none if there is no such section.  Raises MalformedInput unless the kernel reads the file."""
    read_safetensors(data, file=file)
    value = _header(data, file).get(FIELD, {})
    return {key: reader.text() for key, reader in Reader(value, file, "4.2").entries()}


def with_metadata(data: bytes, texts: Mapping[str, str], *, file: str = "") -> bytes:
    """The same file with these texts added, or put in place of the ones there were; tensors and their bytes are unchanged."""
    kept = metadata(data, file=file) | dict(texts)
    header = {FIELD: dict(sorted(kept.items()))} | {key: value for key, value in _header(data, file).items() if key != FIELD}
    encoded = json.dumps(header, separators=(",", ":")).encode("ascii")
    encoded += b" " * (-len(encoded) % ALIGNMENT)
    result = len(encoded).to_bytes(8, "little") + encoded + data[8 + int.from_bytes(data[:8], "little") :]
    read_safetensors(result, file=file)  # the longer header is within the limits too
    return result


def _header(data: bytes, file: str) -> dict[str, object]:
    header = parse(data[8 : 8 + int.from_bytes(data[:8], "little")], file=file, limit="header_bytes")
    return dict(header)
