"""Texts with no meaning, or with two: JSON that two readers may read differently."""

from __future__ import annotations

from certificates.corpus.cases import Case
from certificates.corpus.documents import replaced
from certificates.corpus.makers import tiny
from certificates.corpus.rejected.refusal import refusal


def bad_json() -> list[Case]:
    """Texts with no meaning, or with two."""
    statement, certificate = tiny.statement(), tiny.certificate(tiny.cubic())
    by_sums = tiny.certificate(tiny.subcubic())
    deep = replaced(certificate, '"raw"', "[" * 2000 + "]" * 2000)
    huge = "9" * 31
    return [
        refusal(
            "json-not-utf8",
            "A byte that is not UTF-8, read differently by lenient decoders.",
            "not-utf8",
            clause="1.1",
            certificate=certificate.replace(b"raw", b"r\xffw", 1),
        ),
        refusal(
            "json-utf16",
            "The statement in another encoding.",
            "not-utf8",
            clause="1.1",
            statement=statement.decode("ascii").encode("utf-16"),
        ),
        refusal(
            "json-oversized-statement",
            "A statement padded beyond its limit.",
            "limit-statement-bytes",
            clause="1.1",
            statement=statement + b" " * (1 << 16),
        ),
        refusal(
            "json-byte-order-mark", "An invisible mark before the text.", "not-json", clause="1.2", statement=b"\xef\xbb\xbf" + statement
        ),
        refusal("json-truncated", "Half a certificate.", "not-json", clause="1.2", certificate=certificate[: len(certificate) // 2]),
        refusal("json-empty", "An empty file.", "not-json", clause="1.2", certificate=b""),
        refusal("json-two-values", "A second statement after the first.", "not-json", clause="1.2", statement=statement + statement),
        refusal(
            "json-comment",
            "A comment, which some readers skip.",
            "not-json",
            clause="1.2",
            statement=replaced(statement, "{", "{ // true\n"),
        ),
        refusal(
            "json-trailing-comma",
            "A trailing comma, which some readers skip.",
            "not-json",
            clause="1.2",
            statement=replaced(statement, '"1/1"', '"1/1",'),
        ),
        refusal(
            "json-control-character",
            "A raw newline inside a string.",
            "not-json",
            clause="1.2",
            statement=replaced(statement, "accuracy", "accu\nracy"),
        ),
        refusal(
            "json-duplicate-key",
            "Two bounds: one for the reader, one for the checker.",
            "duplicate-key",
            clause="1.3",
            statement=replaced(statement, '"bound"', '"bound": "0/1", "bound"'),
        ),
        refusal(
            "json-duplicate-key-escaped",
            "The second key is spelt with an escape.",
            "duplicate-key",
            clause="1.3",
            statement=replaced(statement, '"bound"', '"b\\u006fund": "0/1", "bound"'),
        ),
        refusal(
            "json-duplicate-steps",
            "Two lists of steps.",
            "duplicate-key",
            clause="1.3",
            certificate=replaced(certificate, '"steps"', '"steps": [], "steps"'),
        ),
        refusal(
            "json-float",
            "A float where an integer is due.",
            "float",
            clause="1.4",
            certificate=replaced(by_sums, '"bins": 32', '"bins": 32.0'),
        ),
        refusal(
            "json-exponent",
            "An integer in exponent notation.",
            "float",
            clause="1.4",
            certificate=replaced(by_sums, '"bins": 32', '"bins": 32e0'),
        ),
        refusal(
            "json-float-bound",
            "A rounded bound instead of a fraction.",
            "float",
            clause="1.4",
            statement=replaced(statement, '"1/1"', "0.999999999999999999"),
        ),
        refusal(
            "json-nan",
            "NaN, with which every comparison is false.",
            "float",
            clause="1.4",
            certificate=replaced(by_sums, '"bins": 32', '"bins": NaN'),
        ),
        refusal(
            "json-infinity",
            "An infinite resolution.",
            "float",
            clause="1.4",
            certificate=replaced(by_sums, '"bins": 32', '"bins": -Infinity'),
        ),
        refusal(
            "json-huge-integer",
            "An integer of 31 digits.",
            "limit-json-integer-digits",
            clause="1.4",
            certificate=replaced(by_sums, '"bins": 32', f'"bins": {huge}'),
        ),
        refusal(
            "json-deep-nesting",
            "Two thousand nested lists, to exhaust the stack of the reader.",
            "limit-json-depth",
            clause="1.5",
            certificate=deep,
        ),
    ]
