"""benchmarks/decoder_fuzz.py without its engine: the corpus keeps every promise, random bytes too, and a broken decoder is noticed."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from benchmarks.decoder_fuzz import TARGETS, Broken, judge, seeds
from verifier.kernel import certificate, statement
from verifier.kernel.decode import safetensors, strict_json
from verifier.kernel.errors import MalformedInput
from verifier.kernel.maximum import model


@pytest.mark.parametrize("name", TARGETS)
def test_the_seeds_are_accepted_or_refused_for_many_reasons(name: str) -> None:
    found = [judge(TARGETS[name].run, data) for data in seeds(TARGETS[name])]
    assert found.count("accepted") >= 20
    assert len(set(found)) >= 4


@pytest.mark.parametrize("name", TARGETS)
def test_edited_seeds_are_accepted_or_refused(name: str) -> None:
    rng, files = random.Random(name), [data for data in seeds(TARGETS[name]) if len(data) > 99]
    found = set()
    for _ in range(900):
        data = bytearray(rng.choice(files))
        for _ in range(rng.randint(1, 3)):
            place = rng.randrange(len(data))
            data[place : place + rng.randint(0, 2)] = rng.choice([b"", b'"', b"0", b"[", b"\xff", bytes([rng.randrange(256)])])
        found.add(judge(TARGETS[name].run, bytes(data)))
    assert len(found) > 3


# A broken decoder is noticed

READ = strict_json.parse


def crash(*_: Any, **__: Any) -> Any:
    raise RecursionError


def unprintable(*_: Any, **__: Any) -> Any:
    raise MalformedInput("not-json", expected="one JSON value\n", got="")


def wrong_family(*_: Any, **__: Any) -> Any:
    error = MalformedInput("not-json", expected="one JSON value", got="")
    error.exit_code = 1
    raise error


def accepted(name: str, inside: bytes = b"") -> bytes:
    return next(
        data for data in seeds(TARGETS[name]) if len(data) > 200 and inside in data and judge(TARGETS[name].run, data) == "accepted"
    )


@pytest.mark.parametrize(("fault", "noticed"), [(crash, RecursionError), (unprintable, Broken), (wrong_family, Broken)])
@pytest.mark.parametrize("name", ["statement", "certificate", "model"])
def test_anything_but_a_refusal_is_noticed(name: str, fault: Any, noticed: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    data = accepted(name)
    for module in (statement, certificate, safetensors):
        monkeypatch.setattr(module, "parse", fault)
    with pytest.raises(noticed):
        judge(TARGETS[name].run, data)


def forgetful(change: Callable[[Any], None]) -> Callable[..., Any]:
    """A reader of JSON that answers differently the second time."""
    calls = []

    def read(data: bytes, **place: Any) -> Any:
        value = READ(data, **place)
        if calls:
            change(value)
        calls.append(len(data))
        return value

    return read


@pytest.mark.parametrize(
    ("name", "module", "change"),
    [
        ("json", strict_json, lambda value: value.update(format=1)),
        ("statement", statement, lambda value: value["claim"].update(bound="0/1")),
        ("statement", statement, lambda value: value["subject"].update(model="another")),
        ("certificate", certificate, lambda value: value["steps"].pop()),
        ("certificate", certificate, lambda value: value["steps"][0].update(id="another")),
        ("model", safetensors, lambda value: [one.update(dtype="BF16") for one in value.values() if one["dtype"] == "F16"]),
    ],
)
def test_a_value_that_does_not_come_back_is_noticed(name: str, module: Any, change: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    data = accepted(name, b'"F16"' if name == "model" else b'"format"')
    monkeypatch.setattr(module, "parse", forgetful(change))
    with pytest.raises(Broken, match="change"):
        judge(TARGETS[name].run, data)


def test_an_empty_scope_and_a_digest_of_the_file_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statement.Subject, "total", property(lambda self: 0))
    with pytest.raises(Broken, match="out of bounds"):
        judge(TARGETS["statement"].run, accepted("statement"))
    data = accepted("model", b"W_pos")  # of the shape whose weights are stored anew
    numbers = count()  # not `id`: a second object may lie where the first one was
    monkeypatch.setattr(model.Model, "digest", property(lambda self: next(numbers)))
    with pytest.raises(Broken, match="digest changes"):
        judge(TARGETS["model"].run, data)
