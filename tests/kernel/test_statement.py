"""Statements: exactly the fields of the format, about exactly the model that is checked."""

from __future__ import annotations

import copy
import dataclasses
import json
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest

from tests.checking import digest, encoded, statement
from tests.models import TinyModel, random_model
from tests.refusals import LIMIT, MALFORMED, MISMATCH, refused
from verifier.domain import whole_domain
from verifier.kernel import limits
from verifier.kernel.errors import VerifierError
from verifier.kernel.limits import LIMITS
from verifier.kernel.statement import Statement, bind, read_statement
from verifier.networks.attention_only import read_model

TINY = random_model(1, v=3, n=2)
Document = dict[str, Any]


def read(document: Any) -> Statement:
    return read_statement(encoded(document), file="FILE")


def changed(path: str, value: Any) -> Document:
    """The good statement with one field set, or removed if the value is `...`."""
    document: Any = copy.deepcopy(statement(TINY, "1/2"))
    *parents, last = path.split(".")
    place = document
    for name in parents:
        place = place[name]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return document


def bound_to(document: Document, model: TinyModel = TINY) -> None:
    bind(read(document).subject, read_model(model.data, file="model").network, file="FILE")


def test_a_statement_is_read() -> None:
    read_back = read(statement(TINY, "19/20", [[0, 2], [1, 1]]))
    assert read_back.claim.bound == Fraction(19, 20)
    assert read_back.subject.scope.ranges == ((0, 2), (1, 1))
    assert read_back.subject.total == 3
    assert read_back.json == statement(TINY, "19/20", [[0, 2], [1, 1]])


def test_what_is_written_is_read_back() -> None:
    original = read(statement(TINY, "3/7"))
    assert read(original.json) == original


def test_the_subject_digest_is_the_one_of_the_format() -> None:
    for scope in ([[0, 2], [0, 2]], [[1, 1], [0, 0]]):
        document = statement(TINY, "1/2", scope)
        assert read(document).subject.digest == digest(document["subject"])


def test_the_claim_is_no_part_of_the_subject() -> None:
    assert read(statement(TINY, "0/1")).subject.digest == read(statement(TINY, "1/1")).subject.digest


def test_the_whole_domain_is_every_token_everywhere() -> None:
    model = read_model(TINY.data, file="model")
    assert whole_domain(model).json == statement(TINY)["subject"]
    assert whole_domain(model).total == 9


def test_the_lines_say_what_is_claimed() -> None:
    lines = read(statement(TINY)).subject.lines()
    assert lines[0] == f"network: attention-only-1, weights {TINY.digest}"
    assert lines[1:4] == ["  e = row of the token of embed.W_E", "  p = row of the position of pos_embed.W_pos", "  x = e + p"]
    assert lines[-2] == "task: right is the largest of 2 tokens; 2 positions, read at 1; a tie of the right answer is wrong"
    assert lines[-1] == "inputs: all 9 with tokens 0..2; logits in real arithmetic"
    assert "tokens 0..1, 0..2 in the free slots" in read(statement(TINY, scope=[[0, 1], [0, 2]])).subject.lines()[-1]


REFUSED: list[tuple[str, Any, str, str]] = [
    ("format", "verifier-statement/1", "unknown-word", "2.1"),
    ("format", ..., "missing-field", "2"),
    ("note", "trust me", "unknown-field", "2"),
    ("assume", [], "unknown-field", "2"),
    ("subject", [], "wrong-type", "2.2"),
    ("subject.note", "x", "unknown-field", "2.2"),
    ("subject.scope", ..., "missing-field", "2.2"),
    ("subject.model", 5, "wrong-type", "2.3"),
    ("subject.architecture", "attention-only-1", "unknown-field", "2.2"),
    ("subject.network", "attention-only-1", "wrong-type", "2.4"),
    ("subject.network.name", "attention‑only‑1", "bad-id", "5.1"),  # non-breaking hyphens
    ("subject.task", "max", "missing-field", "2.5"),
    ("subject.task.name", "argmax", "unknown-word", "2.5"),
    ("subject.task.name", "mаx", "unknown-word", "2.5"),  # a Cyrillic а
    ("subject.task.positions", 3, "bad-scope", "2.6"),
    ("subject.scope", {}, "missing-field", "2.6"),
    ("subject.scope", [[0, 2], [0, 2]], "wrong-type", "2.6"),
    ("subject.scope.note", "x", "unknown-field", "2.6"),
    ("subject.scope.tokens", [], "bad-scope", "2.6"),
    ("subject.scope.tokens", [[0, 2], [2, 1]], "bad-scope", "2.6"),
    ("subject.scope.tokens", [[0, 2], [0]], "bad-scope", "2.6"),
    ("subject.scope.tokens", [[0, 2], [0, 1, 2]], "bad-scope", "2.6"),
    ("subject.scope.tokens", [[0, 2], []], "bad-scope", "2.6"),
    ("subject.scope.tokens", [[0, 2], 2], "wrong-type", "2.6"),
    ("subject.scope.tokens", [[0, 2], [-1, 2]], "out-of-range", "2.6"),
    ("subject.scope.tokens", [[0, 2], [0, 1 << 40]], "out-of-range", "2.6"),
    ("subject.scope.tokens", [[0, 2], [False, 2]], "wrong-type", "2.6"),
    ("subject.scope.tokens", [[0, 2], ["0", 2]], "wrong-type", "2.6"),
    ("subject.function", "float16", "unknown-word", "2.7"),
    ("claim", None, "wrong-type", "2.8"),
    ("claim.certified", 9, "unknown-field", "2.8"),
    ("claim.metric", "loss", "unknown-word", "2.9"),
    ("claim.relation", ">", "unknown-word", "2.10"),
    ("claim.relation", "≥", "unknown-word", "2.10"),
    ("claim.bound", 1, "wrong-type", "2.11"),
    ("claim.bound", "2/4", "not-lowest-terms", "2.11"),
    ("claim.bound", "0.5", "not-a-fraction", "2.11"),
    ("claim.bound", "-1/2", "not-a-fraction", "2.11"),
    ("claim.bound", "1/0", "not-a-fraction", "2.11"),
    ("claim.bound", "3/2", "out-of-range", "2.11"),
]


@pytest.mark.parametrize(("path", "value", "code", "clause"), REFUSED)
def test_other_statements_are_refused(path: str, value: Any, code: str, clause: str) -> None:
    assert refused(lambda: read(changed(path, value))) == (code, clause)


@pytest.mark.parametrize("last", [0, 99_999_999])
def test_no_condition_is_looked_at_in_more_slots_than_there_are(last: int) -> None:
    """Sixteen conditions on thousands of slots take hours; the number of inputs in these ranges is too long to print."""
    scope = {"tokens": [[0, 1]] * 2 + [[0, last]] * 3000, "conditions": [{"gap": [0]}] * 16}
    assert refused(lambda: read(changed("subject.scope", scope)), LIMIT) == ("limit-positions", "2.6")


BYTES: list[tuple[Callable[[bytes], bytes], type[VerifierError], str, str]] = [
    (lambda text: text[:-1], MALFORMED, "not-json", "1.2"),
    (lambda text: text.replace(b'"1/2"', b"0.5"), MALFORMED, "float", "1.4"),
    (lambda text: text.replace(b"[[0, 2]", b"[[0, 2.0]"), MALFORMED, "float", "1.4"),
    (lambda text: text.replace(b'"claim": {', b'"claim": {"bound": "0/1", '), MALFORMED, "duplicate-key", "1.3"),
    (lambda text: text.replace(b"[[0, 2]", b"[[0, 1e0]"), MALFORMED, "float", "1.4"),
    (lambda text: text + b" " * LIMITS.statement_bytes, LIMIT, "limit-statement-bytes", "1.1"),
]


@pytest.mark.parametrize(("edit", "family", "code", "clause"), BYTES)
def test_other_texts_are_refused(edit: Callable[[bytes], bytes], family: type[VerifierError], code: str, clause: str) -> None:
    text = edit(json.dumps(statement(TINY, "1/2")).encode())
    assert refused(lambda: read_statement(text, file="FILE"), family) == (code, clause)


def test_cutting_a_statement_anywhere_is_noticed() -> None:
    text = encoded(statement(TINY, "1/2"))
    for size in range(len(text)):
        refused(lambda size=size: read_statement(text[:size], file="FILE"))


# About this model


def test_a_statement_about_this_model_is_accepted() -> None:
    bound_to(statement(TINY, "1/2", [[2, 2], [0, 2]]))


@pytest.mark.parametrize(
    ("document", "code", "clause"),
    [
        (statement(random_model(3, v=3, n=2)), "model-digest", "2.3"),
        (changed("subject.model", "sha256:" + "0" * 64), "model-digest", "2.3"),
        (changed("subject.model", TINY.digest.upper()), "model-digest", "2.3"),
        (changed("subject.model", "\n\x1b[2J" + "x" * 5000), "model-digest", "2.3"),
    ],
)
def test_a_statement_about_another_model_is_refused(document: Document, code: str, clause: str) -> None:
    assert refused(lambda: bound_to(document), MISMATCH) == (code, clause)


@pytest.mark.parametrize("ranges", [[[0, 2]], [[0, 2]] * 3, [[0, 2], [0, 3]], [[3, 3], [0, 2]]])
def test_a_scope_that_does_not_fit_the_model_is_refused(ranges: list[list[int]]) -> None:
    assert refused(lambda: bound_to(changed("subject.scope.tokens", ranges))) == ("bad-scope", "2.6")


def test_more_positions_than_the_model_has_are_refused() -> None:
    assert refused(lambda: bound_to(statement(TINY, "1/2", [[0, 2]] * 3))) == ("task-misfit", "2.5")


def test_limits_apply(monkeypatch: pytest.MonkeyPatch) -> None:
    text = encoded(statement(TINY))
    monkeypatch.setattr(limits, "LIMITS", dataclasses.replace(LIMITS, statement_bytes=len(text) - 1))
    assert refused(lambda: read_statement(text, file="FILE"), LIMIT) == ("limit-statement-bytes", "1.1")
