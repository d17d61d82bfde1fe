"""Tasks and scopes: answers against definitions of their own, every refusal, and what a scope counts against enumeration."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from tests.refusals import LIMIT, MALFORMED, refused
from verifier.kernel.decode.strict_json import Reader
from verifier.kernel.errors import StepRejected, VerifierError
from verifier.kernel.limits import LIMITS
from verifier.kernel.scope import CONDITIONS, InputScope, read_scope
from verifier.kernel.statement import fit_scope, fit_task
from verifier.kernel.tasks import TASKS, read_task
from verifier.kernel.tasks.table import Table, digest_of
from verifier.kernel.tasks.task import Task

Tokens = tuple[int, ...]


def task(**document: Any) -> Task:
    return read_task(Reader(document, "FILE", "2.5"))


S3 = [[0, 1, 2, 3, 4, 5], [1, 2, 0, 4, 5, 3], [2, 0, 1, 5, 3, 4], [3, 5, 4, 0, 2, 1], [4, 3, 5, 1, 0, 2], [5, 4, 3, 2, 1, 0]]
LABELS = [(7 * index + index * index) % 3 for index in range(12)]
ADDER: dict[str, Any] = {"name": "digit_sum", "positions": 9, "base": 3, "a": [1, 0], "b": [4, 3], "sum": [6, 7, 8], "read": [5, 6, 7]}
ADDER |= {"fixed": [[2, 10], [5, 11]], "answer": "whole"}


# Answers


def cycle(function: Tokens) -> int:
    """By following every start until something repeats."""
    best = 0
    for start in range(len(function)):
        path = [start]
        while function[path[-1]] not in path:
            path.append(function[path[-1]])
        best = max(best, len(path) - path.index(function[path[-1]]))
    return best


def sign(number: int) -> int:
    return 2 if number > 0 else 0 if number < 0 else 1


VALUES = [0, 5, -5, 2]
ANSWERS: list[tuple[dict[str, Any], int, Callable[[Tokens], Tokens]]] = [
    ({"name": "max", "positions": 3}, 4, lambda t: (sorted(t)[-1],)),
    ({"name": "max", "positions": 4, "fixed": [[1, 3]]}, 4, lambda t: (sorted(t)[-1],)),
    ({"name": "min", "positions": 3}, 4, lambda t: (sorted(t)[0],)),
    ({"name": "min", "positions": 4, "fixed": [[0, 0], [3, 0]], "read": 2}, 4, lambda t: (sorted(t)[0],)),
    ({"name": "modular_sum", "positions": 3, "modulus": 5, "fixed": [[2, 5]]}, 5, lambda t: ((t[0] + t[1]) % 5,)),
    ({"name": "group_product", "positions": 3, "table": S3}, 6, lambda t: (S3[S3[t[0]][t[1]]][t[2]],)),
    ({"name": "longest_cycle", "positions": 4}, 4, lambda t: (cycle(t) - 1,)),
    ({"name": "longest_cycle", "positions": 2}, 2, lambda t: (cycle(t) - 1,)),
    (
        {"name": "cumulative_sign", "positions": 3, "values": VALUES, "answer": "whole"},
        4,
        lambda t: tuple(sign(sum(VALUES[token] for token in t[: place + 1])) for place in range(3)),
    ),
    ({"name": "cumulative_sign", "positions": 3, "values": VALUES, "answer": 1}, 4, lambda t: (sign(VALUES[t[0]] + VALUES[t[1]]),)),
    # slots of free tokens, ascending: a's second digit (slot 0), its first (1), then b's second (3) and first (4)
    (ADDER, 3, lambda t: digits(3 * (t[0] + t[2]) + t[1] + t[3], 3)),
    (ADDER | {"answer": 6}, 3, lambda t: (digits(3 * (t[0] + t[2]) + t[1] + t[3], 3)[1],)),
]


def digits(number: int, count: int) -> Tokens:
    """Base 3, least first."""
    return tuple(number // 3**place % 3 for place in range(count))


@pytest.mark.parametrize(("document", "tokens", "answers"), ANSWERS)
def test_answers_of_all_inputs(document: dict[str, Any], tokens: int, answers: Callable[[Tokens], Tokens]) -> None:
    one = task(**document)
    assert len(one.layout.reads) == len(answers((0,) * len(one.layout.free)))
    for free in itertools.product(range(tokens), repeat=len(one.layout.free)):
        sequence = one.sequence(free)
        assert len(sequence) == one.layout.positions
        assert tuple(sequence[slot] for slot in one.layout.free) == free
        assert all(sequence[slot] == token for slot, token in one.layout.fixed.items())
        assert one.answers(sequence) == answers(free)
        assert one.layout.outputs is None or all(0 <= answer < one.layout.outputs for answer in one.answers(sequence))


def test_every_task_is_among_them() -> None:
    assert {document["name"] for document, _, _ in ANSWERS} | {"table"} == set(TASKS)


def test_a_table_lists_its_answers_in_lexicographic_order() -> None:
    document = {"name": "table", "positions": 4, "fixed": [[1, 9]], "sizes": [2, 3, 2], "labels": digest_of(LABELS)}
    one = task(**document)
    assert isinstance(one, Table)
    listed = one.with_labels(LABELS)
    inputs = list(itertools.product(range(2), range(3), range(2)))
    assert [listed.answers(listed.sequence(tokens)) for tokens in inputs] == [(label,) for label in LABELS]
    assert one.token_counts(10) == (2, 3, 2)


@pytest.mark.parametrize("labels", [[], LABELS[:-1], [*LABELS, 0], sorted(LABELS), [2, *LABELS[1:]]])
def test_other_labels_are_refused(labels: list[int]) -> None:
    one = task(name="table", positions=2, sizes=[3, 4], labels=digest_of(LABELS))
    assert isinstance(one, Table)
    with pytest.raises(StepRejected) as caught:
        one.with_labels(labels)
    assert caught.value.code == "labels-digest"


def test_as_many_labels_as_inputs() -> None:
    one = task(name="table", positions=2, sizes=[3, 3], labels=digest_of(LABELS))
    assert isinstance(one, Table)
    with pytest.raises(StepRejected):
        one.with_labels(LABELS)


def test_groups_partition_and_end_in_the_class() -> None:
    for document, tokens, _ in ANSWERS:
        one = task(**document)
        for free in itertools.product(range(min(tokens, 3)), repeat=len(one.layout.free)):
            answers = one.answers(one.sequence(free))
            group = one.group(free, answers)
            assert group == () if len(answers) > 1 else group[-1] == answers[0]
    maximum = task(name="max", positions=3)
    assert maximum.group((2, 3, 1), (3,)) == (1, 3)


def test_the_adder_shows_the_network_no_answer() -> None:
    """What is before an answer's position is the same whatever the answer: digits of the sum stand after they are read."""
    one = task(**ADDER)
    assert one.layout.determined
    for free in itertools.product(range(3), repeat=4):
        sequence, answers = one.sequence(free), one.answers(one.sequence(free))
        assert sequence[6:] == answers
        for place, digit in zip(one.layout.reads, range(3), strict=True):
            seen = sequence[: place + 1]
            assert seen[6:] == answers[:digit]


def test_greedy_decoding_is_right_if_and_only_if_every_answer_is() -> None:
    """A machine that errs now and then, decoded greedily, against its answers given the true earlier ones."""
    one = task(**ADDER)
    rng = random.Random(1)
    for free in itertools.product(range(3), repeat=4):
        true = one.sequence(free)
        answers = one.answers(true)
        errors = {place for place in one.layout.reads if rng.random() < 0.15}

        def machine(seen: Tokens, place: int, errors: set[int] = errors, answers: Tokens = answers) -> int:
            right = answers[one.layout.reads.index(place)]
            return (right + 1) % 3 if place in errors or seen[6:] != answers[: len(seen) - 6][: max(len(seen) - 6, 0)] else right

        forced = all(machine(true[: place + 1], place) == answer for place, answer in zip(one.layout.reads, answers, strict=True))
        line = list(true[:6])
        for place in one.layout.reads:
            line.append(machine(tuple(line[: place + 1]), place))
        assert (tuple(line) == true) == forced


class Counted(tuple[int, ...]):
    """Tokens that count how often one is looked at."""

    looks = 0

    def __getitem__(self, index: Any) -> Any:
        self.looks += 1
        return super().__getitem__(index)


@pytest.mark.parametrize("function", [[*range(1, 64), 0], [*range(1, 64), 63], [0] * 64, list(range(64))])
def test_the_longest_cycle_is_found_in_one_look_at_each_token(function: list[int]) -> None:
    """These steps are in no ledger: 64 looks at each of 64 tokens of 2^24 inputs are an hour."""
    tokens = Counted(function)
    assert task(name="longest_cycle", positions=64).answers(tokens) == (cycle(tuple(function)) - 1,)
    assert tokens.looks <= 64


# Refusals


SINGLE = {"name": "max", "positions": 3}
CYCLE = {"name": "longest_cycle", "positions": 3}
SUM = {"name": "modular_sum", "positions": 3, "modulus": 5}
GROUP = {"name": "group_product", "positions": 2, "table": [[0, 1], [1, 0]]}
SIGN = {"name": "cumulative_sign", "positions": 2, "values": [1, -1], "answer": "whole"}
TABLE = {"name": "table", "positions": 2, "sizes": [2, 2], "labels": digest_of([0])}
REFUSED: list[tuple[Any, str]] = [
    (None, "missing-field"),
    ([], "missing-field"),
    ({"positions": 3}, "missing-field"),
    (SINGLE | {"name": "maximum"}, "unknown-word"),
    (SINGLE | {"name": "mаx"}, "unknown-word"),  # a Cyrillic а
    (SINGLE | {"name": ["max"]}, "wrong-type"),
    (SINGLE | {"note": 1}, "unknown-field"),
    (SINGLE | {"modulus": 2}, "unknown-field"),
    ({"name": "max"}, "missing-field"),
    (SINGLE | {"positions": 0}, "out-of-range"),
    (SINGLE | {"positions": LIMITS.positions + 1}, "out-of-range"),
    (SINGLE | {"positions": True}, "wrong-type"),
    (SINGLE | {"fixed": [[0, 0], [1, 0], [2, 0]]}, "bad-slots"),
    (SINGLE | {"fixed": [[1, 0], [0, 0]]}, "bad-slots"),
    (SINGLE | {"fixed": [[1, 0], [1, 2]]}, "bad-slots"),
    (SINGLE | {"fixed": [[3, 0]]}, "bad-slots"),
    (SINGLE | {"fixed": [[0]]}, "bad-slots"),
    (SINGLE | {"fixed": [[0, -1]]}, "out-of-range"),
    (SINGLE | {"fixed": {"0": 1}}, "wrong-type"),
    (SINGLE | {"read": 3}, "out-of-range"),
    (SINGLE | {"read": -1}, "out-of-range"),
    (SINGLE | {"read": "last"}, "wrong-type"),
    (CYCLE | {"fixed": [[0, 0]]}, "bad-slots"),
    (SUM | {"modulus": 0}, "out-of-range"),
    (SUM | {"modulus": LIMITS.vocabulary + 1}, "out-of-range"),
    (SUM | {"modulus": "5"}, "wrong-type"),
    ({"name": "modular_sum", "positions": 3}, "missing-field"),
    (GROUP | {"table": []}, "wrong-shape"),
    (GROUP | {"table": [[0, 0]]}, "wrong-shape"),
    (GROUP | {"table": [[0, 1], [1]]}, "wrong-shape"),
    (GROUP | {"table": [[0, 1], [1, 2]]}, "out-of-range"),
    (GROUP | {"table": [[0, 1], [1, -1]]}, "out-of-range"),
    (GROUP | {"table": [0, 1]}, "wrong-type"),
    (SIGN | {"values": []}, "wrong-shape"),
    (SIGN | {"values": [1 << 32]}, "out-of-range"),
    (SIGN | {"answer": "all"}, "unknown-word"),
    (SIGN | {"answer": 2}, "out-of-range"),
    (SIGN | {"answer": -1}, "out-of-range"),
    (SIGN | {"answer": None}, "wrong-type"),
    (SIGN | {"fixed": [[0, 0]]}, "unknown-field"),
    (TABLE | {"sizes": [2]}, "wrong-shape"),
    (TABLE | {"sizes": [2, 2, 2]}, "wrong-shape"),
    (TABLE | {"sizes": [2, 0]}, "out-of-range"),
    (TABLE | {"labels": "sha256:" + "0" * 63}, "not-a-digest"),
    (TABLE | {"labels": "sha256:" + "A" * 64}, "not-a-digest"),
    (TABLE | {"labels": [0, 1, 1, 0]}, "wrong-type"),
    (ADDER | {"base": 1}, "out-of-range"),
    (ADDER | {"a": []}, "wrong-shape"),
    (ADDER | {"b": [4]}, "wrong-shape"),
    (ADDER | {"read": [5, 6]}, "wrong-shape"),
    (ADDER | {"sum": [6]}, "wrong-shape"),
    (ADDER | {"sum": [6, 7, 9]}, "out-of-range"),
    (ADDER | {"a": [1, 3]}, "bad-slots"),  # a slot of both numbers
    (ADDER | {"fixed": [[2, 10]]}, "bad-slots"),  # a slot without a meaning
    (ADDER | {"fixed": [[2, 10], [5, 11], [6, 0]]}, "bad-slots"),  # a digit of the sum said to be fixed
    (ADDER | {"read": [5, 6, 6]}, "bad-slots"),
    (ADDER | {"answer": 4}, "out-of-range"),
    # attack: an answer that the network can see
    (ADDER | {"read": [6, 5, 7]}, "bad-slots"),  # the first digit is read where it stands
    (ADDER | {"read": [5, 7, 6]}, "bad-slots"),
    (ADDER | {"read": [8, 6, 7]}, "bad-slots"),
    (ADDER | {"sum": [8, 7, 6]}, "bad-slots"),  # the last digit stands before the first is read
    (ADDER | {"sum": [7, 6, 8], "read": [5, 6, 7]}, "bad-slots"),
]


@pytest.mark.parametrize(("document", "code"), REFUSED)
def test_other_tasks_are_refused(document: Any, code: str) -> None:
    assert refused(lambda: read_task(Reader(document, "FILE", "2.5"))) == (code, "2.5")


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (TABLE | {"sizes": [1024] * 3, "positions": 3}, "limit-array-entries"),
        (SIGN | {"values": [0] * (LIMITS.vocabulary + 1)}, "limit-vocabulary"),
        (GROUP | {"table": [[]] * (LIMITS.vocabulary + 1)}, "limit-vocabulary"),
    ],
)
def test_large_tasks_are_refused(document: Any, code: str) -> None:
    assert refused(lambda: read_task(Reader(document, "FILE", "2.5")), LIMIT) == (code, "2.5")


def test_any_layout_of_an_adder_hides_the_answers_or_is_refused() -> None:
    """All orders of the slots of two numbers of one digit: what is accepted shows no digit at or before its reading."""
    accepted = 0
    for slots in itertools.permutations(range(5)):
        for read in itertools.permutations(range(5), 2):
            a, b, fixed, *total = slots
            document = {"name": "digit_sum", "positions": 5, "base": 2, "a": [a], "b": [b], "sum": total, "read": list(read)}
            document |= {"fixed": [[fixed, 2]], "answer": "whole"}
            if read[0] >= min(total) or read[1] >= total[1]:
                assert refused(lambda document=document: task(**document)) == ("bad-slots", "2.5")
                continue
            one = task(**document)
            accepted += 1
            for tokens in itertools.product(range(2), repeat=2):
                sequence = one.sequence(tokens)
                for digit in (0, 1):
                    changed = list(sequence)
                    for later in total[digit:]:
                        changed[later] = 1 - changed[later]
                    assert changed[: read[digit] + 1] == list(sequence[: read[digit] + 1])
    assert accepted > 20


# Tasks and networks


def network(positions: int | None = 9, vocabulary: int = 12, outputs: range = range(12), nodes: tuple[Any, ...] = ()) -> Any:
    """As much of a network as the fit asks for."""
    return SimpleNamespace(positions=positions, vocabulary=vocabulary, outputs=outputs, program=SimpleNamespace(nodes=nodes))


def looking(operator: str, **words: str) -> Any:
    return SimpleNamespace(name="n", operator=operator, words=words)


MISFITS: list[tuple[Any, dict[str, Any]]] = [
    (network(positions=2), SINGLE),
    (network(vocabulary=4), SUM),
    (network(vocabulary=5), SUM | {"fixed": [[2, 5]]}),
    (network(outputs=range(4)), SUM),
    (network(outputs=range(1, 12)), SUM),
    (network(outputs=range(2)), SIGN),
    (network(vocabulary=1), TABLE),
    (network(nodes=(looking("attention", mask="none"),)), ADDER),
    (network(nodes=(looking("attention", mask="causal"), looking("sum_positions"))), ADDER),
]


@pytest.mark.parametrize(("one", "document"), MISFITS)
def test_a_task_that_does_not_fit(one: Any, document: dict[str, Any]) -> None:
    assert refused(lambda: fit_task(one, task(**document), file="FILE")) == ("task-misfit", "2.5")


def test_tasks_that_fit() -> None:
    for document in (SINGLE, SUM, GROUP, SIGN, TABLE, ADDER):
        fit_task(network(nodes=(looking("attention", mask="causal"),)), task(**document), file="FILE")
        fit_task(network(positions=None), task(**document), file="FILE")
    fit_task(network(nodes=(looking("sum_positions"),)), task(**SIGN), file="FILE")


# Scopes


def scope(ranges: list[list[int]], *conditions: dict[str, list[int]]) -> InputScope:
    document: dict[str, Any] = {"tokens": ranges} | ({"conditions": list(conditions)} if conditions else {})
    one = read_scope(Reader(document, "FILE", "2.6"))
    assert one.json == document
    return one


MEANING: dict[str, Callable[..., bool]] = {
    "equal": lambda t, i, j: t[i] - t[j] == 0,
    "less": lambda t, i, j: t[j] - t[i] > 0,
    "gap": lambda t, g: max(t) - sorted(t, reverse=True)[1] >= g,
    "occurs": lambda t, k: any(x == k for x in t),
    "absent": lambda t, k: all(x != k for x in t),
}


def test_scopes_count_what_enumeration_counts() -> None:
    assert MEANING.keys() == CONDITIONS.keys()
    rng = random.Random(2)
    seen = 0
    for _ in range(300):
        slots = rng.randint(2, 4)
        ranges = [sorted(rng.sample(range(5), 2)) if rng.random() < 0.8 else [3, 3] for _ in range(slots)]
        conditions = []
        for _ in range(rng.randint(0, 3)):
            word = rng.choice(list(MEANING))
            conditions.append({word: rng.sample(range(slots), 2) if word in ("equal", "less") else [rng.randint(0, 4)]})
        everything = itertools.product(range(5), repeat=slots)
        inside = [t for t in everything if all(a <= x <= b for x, (a, b) in zip(t, ranges, strict=True))]
        box = len(inside)
        inside = [t for t in inside if all(MEANING[w](t, *args) for one in conditions for w, args in one.items())]
        if not inside:
            assert refused(lambda r=ranges, c=conditions: scope(r, *c)) == ("bad-scope", "2.6")
            continue
        one = scope(ranges, *conditions)
        assert (one.total, one.box, list(one.inputs())) == (len(inside), box, inside)
        assert all((t in one) == (t in inside) for t in itertools.product(range(5), repeat=slots))
        assert one.sentence().isprintable()
        seen += 1
    assert 100 < seen < 300


EMPTY: list[list[dict[str, list[int]]]] = [
    [{"less": [0, 1]}, {"less": [1, 0]}],
    [{"equal": [0, 1]}, {"less": [0, 1]}],
    [{"occurs": [2]}, {"absent": [2]}],
    [{"occurs": [9]}],
    [{"gap": [3]}],
    [{"absent": [0]}, {"absent": [1]}, {"absent": [2]}],
    [{"occurs": [0]}, {"occurs": [1]}, {"occurs": [2]}],
    [{"gap": [1]}, {"equal": [0, 1]}],
]


@pytest.mark.parametrize("conditions", EMPTY)
def test_contradictory_conditions_are_refused(conditions: list[dict[str, list[int]]]) -> None:
    assert refused(lambda: scope([[0, 2], [0, 2]], *conditions)) == ("bad-scope", "2.6")


BAD_SCOPES: list[tuple[Any, str]] = [
    (None, "wrong-type"),
    ({}, "missing-field"),
    ({"tokens": []}, "bad-scope"),
    ({"tokens": [[2, 1]]}, "bad-scope"),
    ({"tokens": [[0]]}, "bad-scope"),
    ({"tokens": [[0, -1]]}, "out-of-range"),
    ({"tokens": [[0, 1]], "conditions": []}, "bad-scope"),
    ({"tokens": [[0, 1]], "conditions": [{}]}, "bad-scope"),
    ({"tokens": [[0, 1]], "conditions": [{"occurs": [0], "absent": [1]}]}, "bad-scope"),
    ({"tokens": [[0, 1]], "conditions": [{"odd": [0]}]}, "unknown-word"),
    ({"tokens": [[0, 1]], "conditions": ["occurs"]}, "wrong-type"),
    ({"tokens": [[0, 1]], "conditions": [{"occurs": 0}]}, "wrong-type"),
    ({"tokens": [[0, 1]], "conditions": [{"occurs": []}]}, "bad-scope"),
    ({"tokens": [[0, 1]], "conditions": [{"occurs": [0, 1]}]}, "bad-scope"),
    ({"tokens": [[0, 1]], "conditions": [{"gap": [0]}]}, "bad-scope"),  # one slot has no second largest
    ({"tokens": [[0, 1]] * 2, "conditions": [{"equal": [0, 0]}]}, "bad-scope"),
    ({"tokens": [[0, 1]] * 2, "conditions": [{"equal": [0]}]}, "bad-scope"),
    ({"tokens": [[0, 1]] * 2, "conditions": [{"less": [0, 2]}]}, "out-of-range"),
    ({"tokens": [[0, 1]] * 2, "conditions": [{"gap": [-1]}]}, "out-of-range"),
    ({"tokens": [[0, 1]], "note": 1}, "unknown-field"),
]


@pytest.mark.parametrize(("document", "code"), BAD_SCOPES)
def test_other_scopes_are_refused(document: Any, code: str) -> None:
    assert refused(lambda: read_scope(Reader(document, "FILE", "2.6"))) == (code, "2.6")


def test_scopes_too_large_to_count_are_refused() -> None:
    family: type[VerifierError] = LIMIT
    with pytest.raises(family) as caught:
        scope([[0, 255]] * 4, {"occurs": [1]})
    assert caught.value.code == "limit-conditioned-inputs"
    assert scope([[0, 255]] * 4).total == 256**4


@pytest.mark.parametrize(
    ("document", "ranges", "fits"),
    [
        (SINGLE, [[0, 11]] * 3, True),
        (SINGLE, [[0, 11], [0, 12], [0, 1]], False),
        (SUM, [[0, 4]] * 3, True),
        (SUM, [[0, 4], [0, 4], [4, 5]], False),  # a token that is no residue
        (TABLE | {"sizes": [2, 3]}, [[0, 1], [0, 2]], True),
        (TABLE | {"sizes": [2, 3]}, [[0, 2], [0, 2]], False),  # once read the label of another input
        (TABLE | {"sizes": [3, 2]}, [[0, 2], [2, 2]], False),
        (TABLE | {"sizes": [13, 13]}, [[0, 12], [0, 1]], False),
    ],
)
def test_scopes_hold_tokens_of_the_network_and_the_task(document: dict[str, Any], ranges: list[list[int]], fits: bool) -> None:
    one, inputs = task(**document), scope(ranges)
    if fits:
        fit_scope(network(), one, inputs, file="FILE")
    else:
        assert refused(lambda: fit_scope(network(), one, inputs, file="FILE"), MALFORMED) == ("bad-scope", "2.6")


def test_sentences_are_one_line() -> None:
    for document, _, _ in ANSWERS:
        assert task(**document).sentence().isprintable()
