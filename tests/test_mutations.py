"""One-field mutations of accepted certificates: each is refused, or what it still proves is true.

A mutated model is another model: what is then proved must be true of that model, by the oracle.
"""

from __future__ import annotations

import base64
import copy
import json
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.checking import ARITHMETICS, arithmetic, bound, certificate, encoded, statement, tables, wrong
from tests.models import TinyModel, copying, from_file, safetensors, with_header
from tests.oracle import Transformer, truth
from tests.plans import PLANS
from verifier.kernel.errors import VerifierError
from verifier.kernel.verdict import Verdict, check

MODEL = copying(random.Random("mutations"), 4, 3, noise=0.15, slope=1.0, copy=4.0)
WORDS = ["raw", "centred", "skip", "score", "copy", "none", "rows", "bound", "", "sha256:" + "0" * 64, "max", "0/1", "1/1"]
NUMBERS = [0, 1, 2, 3, 4, 64, -1, 1 << 20, True, None, 0.5, [], {}]


def accepted(plan: str, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """A statement that claims exactly what its certificate proves, wrong inputs included, and that certificate."""
    steps = PLANS[plan](random.Random(f"{plan} {seed}"), MODEL)
    deep, rows = Transformer(MODEL), []
    for tokens in truth(MODEL).inputs("wrong")[:2]:
        logits = deep.logits(tokens)
        rows.append([*tokens, max((x for x in range(MODEL.v) if x != max(tokens)), key=lambda x: float(logits[x].mid()))])
    renamed = [{**one, "id": f"w.{one['id']}"} for one in tables()]
    listing = wrong(rows)
    listing["premises"] = {role: f"w.{role}" for role in listing["premises"]}
    document = certificate(MODEL, [*steps, *renamed, listing, bound("right", wrong="wrong")])
    verdict = outcome(statement(MODEL), document)
    assert verdict is not None
    assert verdict.bound is not None
    fraction = verdict.bound.proved
    return statement(MODEL, f"{fraction.numerator}/{fraction.denominator}"), document


def outcome(asked: Any, proof: Any, model: bytes = MODEL.data, by: str = "mpmath") -> Verdict | None:
    """The verdict, or None where the files are refused; anything but a refusal is a bug."""
    try:
        return check(encoded(asked), encoded(proof), model, arithmetic(by))
    except VerifierError as error:
        if error.exit_code != 3 or len(str(error).splitlines()) != 1:
            raise
        return None


def is_true(verdict: Verdict, model: TinyModel = MODEL) -> bool:
    """What is proved holds by the oracle, on the scope that the statement asks about."""
    if verdict.bound is None:
        return True
    answers = truth(model, verdict.statement.subject.scope.ranges)
    right, wrong_ones = verdict.bound.certified, verdict.bound.wrong
    return verdict.bound.total == answers.total and right <= answers.right_at_most and wrong_ones <= answers.wrong_at_most


def places(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path to every value inside a JSON document."""
    items = document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    for key, value in items:
        yield (*path, key)
        yield from places(value, (*path, key))


def mutants(document: Any, rng: random.Random) -> Iterator[Any]:
    """Each field removed, doubled, renamed, or replaced by something else of its kind."""
    ids = [one["id"] for one in document.get("steps", [])]
    for path in places(document):
        mutant = copy.deepcopy(document)
        place = mutant
        for key in path[:-1]:
            place = place[key]
        value, last = place[path[-1]], path[-1]
        choices: list[Any] = [rng.choice(NUMBERS), rng.choice(WORDS), ...]
        if isinstance(value, str):
            choices += [rng.choice(ids)] if ids else []
            choices += [other_base64(value, rng)] if last == "base64" else [value + "x"]
        elif isinstance(value, int):
            choices += [value + 1, value - 1]
        elif isinstance(value, list):
            choices += [value[:-1], value[::-1], value + value[-1:]]
        for choice in choices:
            if choice is ...:
                del place[last]
            else:
                place[last] = choice
            yield copy.deepcopy(mutant)
            if choice is ... and isinstance(place, list):
                place.insert(last, value)


def other_base64(text: str, rng: random.Random) -> str:
    """Array data with one byte changed."""
    data = bytearray(base64.b64decode(text))
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return base64.b64encode(bytes(data)).decode()


@pytest.mark.parametrize("plan", PLANS)
def test_mutated_certificates_are_refused_or_true(plan: str) -> None:
    rng, outcomes = random.Random(f"mutate {plan}"), Counter[str]()
    asked, document = accepted(plan)
    for mutant in mutants(document, rng):
        verdict = outcome(asked, mutant)
        outcomes["refused" if verdict is None else verdict.word] += 1
        assert verdict is None or is_true(verdict), mutant
        if verdict is not None and verdict.word == "PROVED":
            assert verdict.bound is not None
            assert verdict.bound.certified <= truth(MODEL).right_at_most
    assert outcomes["refused"] > 50
    assert outcomes["REJECTED"] > 5
    assert outcomes["PROVED"] < sum(outcomes.values()) / 4


@pytest.mark.parametrize("by", ARITHMETICS)
def test_mutated_statements_are_refused_or_true(by: str) -> None:
    asked, document = accepted("exceptions")
    rng, outcomes = random.Random("statement"), Counter[str]()
    for mutant in mutants(asked, rng):
        verdict = outcome(mutant, document, by=by)
        outcomes["refused" if verdict is None else verdict.word] += 1
        assert verdict is None or is_true(verdict), mutant
        if verdict is not None:  # the certificate is tied to the subject: only the claim can differ
            assert mutant["subject"] == asked["subject"]
            assert (verdict.word == "PROVED") == (verdict.statement.claim.bound <= verdict.bound.proved)  # type: ignore[union-attr]
    assert outcomes["refused"] > 30


def test_every_changed_byte_of_a_model_is_noticed_by_the_digest() -> None:
    asked, document = accepted("joint_every")
    rng, accepted_bytes = random.Random("bytes"), 0
    for _ in range(400):
        data = bytearray(safetensors(MODEL.tensors()))  # no metadata, which the kernel never reads
        place = rng.randrange(len(data))
        data[place] ^= 1 << rng.randrange(8)
        verdict = outcome(asked, document, bytes(data))
        if verdict is not None:  # a byte that means nothing: white space, or the sign of a zero
            accepted_bytes += 1
            assert is_true(verdict)
    assert accepted_bytes < 20


def test_a_mutated_model_with_a_statement_of_its_own_gets_true_bounds() -> None:
    """The forger rewrites the digests too; then the certificate speaks of the new model, and must be true of it."""
    rng, proved = random.Random("forger"), 0
    for plan in ("joint_every", "exceptions", "pure", "decoupled_sums"):
        _, document = accepted(plan)
        for _ in range(12):
            name = rng.choice(list(MODEL.weights))
            rows = copy.deepcopy(MODEL.weights[name])
            rows[rng.randrange(len(rows))][rng.randrange(len(rows[0]))] = rng.choice([0.0, 5.0, -5.0, 1e-300, 2.0**40, -(2.0**40)])
            model = TinyModel({**MODEL.weights, name: rows}, "mutated")
            own = certificate(model, document["steps"])
            for by in ARITHMETICS:
                verdict = outcome(statement(model), own, model.data, by)
                assert verdict is not None
                assert is_true(verdict, model)
                proved += verdict.word == "PROVED"
    assert proved > 10


def test_a_model_stored_another_way_is_the_same_model() -> None:
    asked, document = accepted("joint_every")
    size = int.from_bytes(MODEL.data[:8], "little")
    header, body = MODEL.data[8 : 8 + size], MODEL.data[8 + size :]
    padded = with_header(b" " + header + b"\n", body)
    verdict = outcome(asked, document, padded)
    assert verdict is not None
    assert verdict.word == "PROVED"
    assert from_file(padded).digest == MODEL.digest


@pytest.mark.parametrize("order", range(3))
def test_the_order_of_independent_steps_does_not_matter(order: int) -> None:
    asked, document = accepted("joint_every")
    rng = random.Random(order)
    steps = document["steps"]
    shuffled: list[Any] = []
    waiting = list(steps)
    while waiting:
        known = {one["id"] for one in shuffled}
        ready = [one for one in waiting if all(name in known for name in premises_of(one))]
        ready = [one for one in ready if one["id"] != "bound"] or ready
        chosen = rng.choice(ready)
        waiting.remove(chosen)
        shuffled.append(chosen)
    verdict = outcome(asked, {**document, "steps": shuffled})
    assert verdict is not None
    assert verdict.word == "PROVED"


def premises_of(one: dict[str, Any]) -> list[str]:
    values = one.get("premises", {}).values()
    return [name for value in values for name in (value if isinstance(value, list) else [value])]


def test_the_mutator_reaches_every_field() -> None:
    document = {"steps": [{"id": "a", "hints": {"n": 1, "list": [1, 2]}}]}
    texts = {json.dumps(mutant) for mutant in mutants(document, random.Random(0))}
    assert len(list(places(document))) == 8
    assert len(texts) > 15
