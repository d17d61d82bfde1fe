"""One meaning per text, or a refusal."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest

from tests.refusals import LIMIT, MALFORMED, refused
from verifier.kernel import limits
from verifier.kernel.decode.strict_json import Reader, canonical_digest, parse
from verifier.kernel.errors import VerifierError
from verifier.kernel.limits import LIMITS


def read(text: str | bytes) -> Any:
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    return parse(data, file="FILE", limit="statement_bytes")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{}", {}),
        (' [1, -2, "x"]\n', [1, -2, "x"]),
        ('"\\u00e9é"', "éé"),
        (r'"\ud83d\ude00"', "\U0001f600"),
        (r'"\\ud800"', r"\ud800"),
        ("true", True),
        ("null", None),
        ("-0", 0),
        ('"[[[[[[[[[[[[[["', "[" * 14),
    ],
)
def test_plain_json_is_read(text: str, value: Any) -> None:
    assert read(text) == value


DEEP = "[" * (LIMITS.json_depth + 1) + "]" * (LIMITS.json_depth + 1)


@pytest.mark.parametrize(
    ("text", "family", "code", "clause"),
    [
        (b"\xff{}", MALFORMED, "not-utf8", "1.1"),
        ('"\ud800"', MALFORMED, "not-utf8", "1.1"),
        (r'"\ud800"', MALFORMED, "not-utf8", "1.1"),
        (r'{"\uDFFF": 0}', MALFORMED, "not-utf8", "1.1"),
        (b'"\xc0\x80"', MALFORMED, "not-utf8", "1.1"),
        (b" " * (LIMITS.statement_bytes + 1), LIMIT, "limit-statement-bytes", "1.1"),
        ("", MALFORMED, "not-json", "1.2"),
        ("\ufeff{}", MALFORMED, "not-json", "1.2"),
        ("{} {}", MALFORMED, "not-json", "1.2"),
        ("[1,]", MALFORMED, "not-json", "1.2"),
        ("{'a': 1}", MALFORMED, "not-json", "1.2"),
        ("[01]", MALFORMED, "not-json", "1.2"),
        ("[0x10]", MALFORMED, "not-json", "1.2"),
        ("[+1]", MALFORMED, "not-json", "1.2"),
        ("[1_000]", MALFORMED, "not-json", "1.2"),
        ("[١]", MALFORMED, "not-json", "1.2"),
        ('"a\nb"', MALFORMED, "not-json", "1.2"),
        ("[1] // x", MALFORMED, "not-json", "1.2"),
        ("]" * 50, MALFORMED, "not-json", "1.2"),
        ('{"a": 1, "a": 1}', MALFORMED, "duplicate-key", "1.3"),
        ('{"a": 1, "\\u0061": 2}', MALFORMED, "duplicate-key", "1.3"),
        ('[{"b": {"x\\n": 1, "x\\n": 2}}]', MALFORMED, "duplicate-key", "1.3"),
        ("[1.0]", MALFORMED, "float", "1.4"),
        ("[1e2]", MALFORMED, "float", "1.4"),
        ("[-0.0]", MALFORMED, "float", "1.4"),
        ("[NaN]", MALFORMED, "float", "1.4"),
        ("[-Infinity]", MALFORMED, "float", "1.4"),
        ("1" * 31, LIMIT, "limit-json-integer-digits", "1.4"),
        ("-" + "1" * 31, LIMIT, "limit-json-integer-digits", "1.4"),
        ("1" * 5000, LIMIT, "limit-json-integer-digits", "1.4"),
        (DEEP, LIMIT, "limit-json-depth", "1.5"),
        ('{"a":' * 13 + "1" + "}" * 13, LIMIT, "limit-json-depth", "1.5"),
        ("[" * 60_000, LIMIT, "limit-json-depth", "1.5"),
        ('["\\"",' + DEEP, LIMIT, "limit-json-depth", "1.5"),
        ('["\\\\",' + DEEP, LIMIT, "limit-json-depth", "1.5"),
    ],
    ids=repr,
)
def test_ambiguous_json_is_refused(text: str | bytes, family: type[VerifierError], code: str, clause: str) -> None:
    assert refused(lambda: read(text), family) == (code, clause)


def test_brackets_behind_an_escaped_quotation_mark_are_text() -> None:
    many = "[" * (LIMITS.json_depth + 1)
    assert read('["\\"' + many + '", "\\\\", 1]') == ['"' + many, "\\", 1]
    assert refused(lambda: read('["\\\\", ' + many), LIMIT)[0] == "limit-json-depth"


def test_nesting_up_to_the_limit_is_read() -> None:
    assert read("[" * LIMITS.json_depth + "]" * LIMITS.json_depth)


def test_integers_up_to_the_limit_are_exact() -> None:
    assert read("9" * 30) == 10**30 - 1


# Accessors


def at(value: Any) -> Reader:
    return Reader(value, "FILE", "7.7")


@pytest.mark.parametrize(
    ("act", "code"),
    [
        (lambda: at([]).members({"a": "1"}), "wrong-type"),
        (lambda: at({"a": 1, "b\n\x1b[31m": 2}).members({"a": "1"}), "unknown-field"),
        (lambda: at({"а": 1}).members({"a": "1"}), "unknown-field"),  # a Cyrillic а
        (lambda: at({}).members({"a": "1"}), "missing-field"),
        (lambda: at("x" * 100_000).members({}), "wrong-type"),
        (lambda: at({}).items(), "wrong-type"),
        (lambda: at(1).text(), "wrong-type"),
        (lambda: at(None).text(), "wrong-type"),
        (lambda: at(["max"]).choice("max"), "wrong-type"),
        (lambda: at("Max").choice("max"), "unknown-word"),
        (lambda: at("max\u200b").choice("max"), "unknown-word"),
        (lambda: at(True).integer(0, 1), "wrong-type"),
        (lambda: at("1").integer(0, 1), "wrong-type"),
        (lambda: at(2).integer(0, 1), "out-of-range"),
        (lambda: at(-1).integer(0, 1), "out-of-range"),
        (lambda: at([]).entries(), "wrong-type"),
        (lambda: at(1).fraction(), "wrong-type"),
    ],
)
def test_values_of_another_kind_are_refused(act: Callable[[], Any], code: str) -> None:
    assert refused(act)[0] == code


@pytest.mark.parametrize("text", ["0/1", "1/1", "19/20", "7/" + "9" * 400, "9" * 400 + "/7"])
def test_fractions_in_lowest_terms_are_exact(text: str) -> None:
    over, under = text.split("/")
    assert at(text).fraction() == Fraction(int(over), int(under))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("1", "not-a-fraction"),
        ("1/0", "not-a-fraction"),
        ("-1/2", "not-a-fraction"),
        ("+1/2", "not-a-fraction"),
        (" 1/2", "not-a-fraction"),
        ("1/2\n", "not-a-fraction"),
        ("1 / 2", "not-a-fraction"),
        ("01/2", "not-a-fraction"),
        ("1/02", "not-a-fraction"),
        ("0.5", "not-a-fraction"),
        ("1_0/11", "not-a-fraction"),
        ("１/２", "not-a-fraction"),
        ("1/2/3", "not-a-fraction"),
        ("", "not-a-fraction"),
        ("2/4", "not-lowest-terms"),
        ("0/2", "not-lowest-terms"),
        ("5/5", "not-lowest-terms"),
    ],
)
def test_other_spellings_of_fractions_are_refused(text: str, code: str) -> None:
    assert refused(lambda: at(text).fraction()) == (code, "7.7")


@pytest.mark.parametrize("text", ["1/" + "7" * 401, "1" * 401 + "/7", "3" * 20_000 + "/1"])
def test_each_side_of_a_fraction_is_limited(text: str) -> None:
    assert refused(lambda: at(text).fraction(), LIMIT) == ("limit-fraction-digits", "7.7")


def test_the_digest_depends_on_the_value_alone() -> None:
    assert canonical_digest({"b": [1], "a": "é"}) == canonical_digest(read('{"a": "\\u00e9", "b":[1 ]}'))
    assert canonical_digest({"a": 1}) != canonical_digest({"a": "1"})
    assert canonical_digest([]) == "sha256:4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945"


# Limits


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(LIMITS)])
def test_every_limit_is_inclusive_and_has_a_code_of_its_name(field: str) -> None:
    allowed = getattr(LIMITS, field)
    limits.check_limit(field, allowed)
    code, clause = refused(lambda: limits.check_limit(field, allowed + 1, file="FILE", clause="7.7"), LIMIT)
    assert (code, clause) == ("limit-" + field.replace("_", "-"), "7.7")


def test_a_limit_that_does_not_exist_is_a_bug() -> None:
    with pytest.raises(KeyError):
        limits.check_limit("patience", 1)
