"""A file is read to one byte beyond its limit, no further: what is too long is seen to be too long."""

from __future__ import annotations

from pathlib import Path

import pytest

from verifier.kernel.decode.inputs import STATEMENT_CERTIFICATE_MODEL, read_bounded
from verifier.kernel.errors import LimitExceeded, MalformedInput
from verifier.kernel.limits import LIMITS
from verifier.kernel.statement import read_statement


@pytest.mark.parametrize(("size", "read"), [(0, 0), (9, 9), (10, 10), (11, 11), (12, 11), (5000, 11)])
def test_at_most_one_byte_more_than_the_limit_is_read(size: int, read: int, tmp_path: Path) -> None:
    content = bytes(i % 251 for i in range(size))
    (tmp_path / "file").write_bytes(content)
    assert read_bounded(tmp_path / "file", 10) == content[:read]


def test_a_file_whose_beginning_would_do_is_refused(tmp_path: Path) -> None:
    """White space up to the limit, then another statement: no part of the file goes unread."""
    (tmp_path / "file").write_bytes(b"{}" + b" " * LIMITS.statement_bytes)
    with pytest.raises(LimitExceeded, match="limit-statement-bytes"):
        read_statement(read_bounded(tmp_path / "file", LIMITS.statement_bytes), file="file")


def test_limits_in_the_order_of_the_arguments() -> None:
    assert (LIMITS.statement_bytes, LIMITS.certificate_bytes, LIMITS.model_bytes) == STATEMENT_CERTIFICATE_MODEL


def test_what_cannot_be_read_is_refused_with_the_reason(tmp_path: Path) -> None:
    for path in (tmp_path / "nothing", tmp_path):
        with pytest.raises(MalformedInput) as caught:
            read_bounded(path, 10)
        assert (caught.value.code, caught.value.file) == ("unreadable", str(path))
        assert caught.value.got in ("No such file or directory", "Is a directory")
