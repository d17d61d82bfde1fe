"""bag_loss and bag_accuracy against enumeration in exact fractions; every shape, task and scope that they take, and what they refuse."""

from __future__ import annotations

import math
import random
import sys
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from tests.programs import ARITHMETICS, Case, bag, bag_logits, counted, full, normal, step
from verifier.kernel.certificate import IntegerArray
from verifier.kernel.errors import LimitExceeded, StepRejected
from verifier.kernel.facts import Count, LossSum
from verifier.kernel.limits import LIMITS
from verifier.kernel.network.judging import LOSS_BITS
from verifier.kernel.rules import RULES
from verifier.kernel.statement import read_statement
from verifier.kernel.tasks.table import digest_of


def maximum(n: int, **more: Any) -> dict[str, Any]:
    return {"name": "max", "positions": n, **more}


def case(seed: str, v: int, n: int, task: dict[str, Any], scope: dict[str, Any] | None = None, **more: Any) -> Case:
    program, weights = bag(random.Random(seed), v, **more)
    return Case(program, weights, task, scope or full(v, n - len(task.get("fixed", []))), name=seed)


TABLE = random.Random("labels").choices(range(4), k=16)
CAYLEY = [[(a * b + a) % 4 for b in range(4)] for a in range(4)]
CASES = [
    case("max of 1", 5, 1, maximum(1)),
    case("max of 2", 6, 2, maximum(2)),
    case("max of 3", 4, 3, maximum(3)),
    case("max of 4", 3, 4, maximum(4), scale=2.0),
    case("a table for each position", 5, 3, maximum(3), tables=3),
    case("ranges that differ", 6, 2, maximum(2), {"tokens": [[0, 4], [2, 5]]}),
    case("a range that does not begin at 0", 6, 3, maximum(3), {"tokens": [[2, 4]] * 3}),
    case("min", 4, 3, {"name": "min", "positions": 3}),
    case("modular sum", 5, 2, {"name": "modular_sum", "positions": 2, "modulus": 5}),
    case("a product that does not commute", 4, 2, {"name": "group_product", "positions": 2, "table": CAYLEY}),
    case("a fixed slot", 5, 3, maximum(3, fixed=[[1, 4]])),
    case("a fixed slot at the end", 5, 3, maximum(3, fixed=[[2, 0]], read=0)),
    case("a condition", 5, 3, maximum(3), full(5, 3, {"less": [0, 2]}, {"gap": [1]})),
    case("two outputs", 2, 3, maximum(3)),
    case("more outputs than tokens", 3, 2, maximum(2), outputs=5),
]


def truth(one: Case) -> tuple[dict[tuple[int, ...], list[int]], float]:
    """Per group [right, wrong], and the sum of the losses."""
    subject = read_statement(one.statement(), file="statement").subject
    groups: dict[tuple[int, ...], list[int]] = {}
    losses = 0.0
    first, last = one.program.get("outputs", [0, 10**9])
    for tokens in subject.scope.inputs():
        sequence = subject.task.sequence(tokens)
        answers = subject.task.answers(sequence)
        logits = dict(list(enumerate(bag_logits(one, sequence)))[first : last + 1])
        own = logits.pop(answers[0])
        right = all(own > other for other in logits.values())
        groups.setdefault(subject.task.group(tokens, answers), [0, 0])[not right] += 1
        losses += math.log1p(math.fsum(math.exp(other - own) for other in logits.values()))
    return groups, losses


@pytest.mark.parametrize("by", ARITHMETICS)
@pytest.mark.parametrize("one", CASES, ids=repr)
def test_every_input_is_counted_in_its_group(one: Case, by: str) -> None:
    fact = one.fact("bag_accuracy", by)
    expected, _ = truth(one)
    assert isinstance(fact, Count)
    assert fact.counts == {group: right for group, (right, _) in expected.items()}
    assert fact.wrong == {group: wrong for group, (_, wrong) in expected.items()}
    assert fact.totals == {group: sum(both) for group, both in expected.items()}


@pytest.mark.parametrize("by", ARITHMETICS)
@pytest.mark.parametrize("one", CASES, ids=repr)
def test_the_sum_of_losses_is_bounded_tightly(one: Case, by: str) -> None:
    fact = one.fact("bag_loss", by)
    _, expected = truth(one)
    assert isinstance(fact, LossSum)
    assert fact.inputs == sum(1 for _ in read_statement(one.statement(), file="s").subject.scope.inputs())
    excess = fact.units / 2**LOSS_BITS - expected
    assert -1e-9 * expected < excess < 1e-9 * expected + fact.inputs * 2.0 ** (1 - LOSS_BITS)


@pytest.mark.parametrize("rule", ["bag_loss", "bag_accuracy"])
def test_both_agree_with_every_input(rule: str) -> None:
    for one in CASES:
        loss = rule == "bag_loss"
        mine, theirs = one.fact(rule), one.fact("every_input", measure="loss" if loss else "answers")
        if loss:
            assert abs(mine.units - theirs.units) <= 1e-9 * theirs.units + 2 * mine.inputs  # type: ignore[union-attr]
        else:
            assert mine == theirs


@pytest.mark.parametrize("pieces", [1, 7])
def test_pieces_of_any_size_count_the_same(pieces: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = [(one.fact("bag_accuracy"), one.fact("bag_loss")) for one in CASES]
    monkeypatch.setattr(sys.modules["verifier.kernel.rules.evaluation.bag_accuracy"], "CELLS_AT_ONCE", 6 * pieces)
    monkeypatch.setattr(sys.modules["verifier.kernel.rules.evaluation.bag_loss"], "PAIRS_AT_ONCE", pieces)
    for one, (count, losses) in zip(CASES, whole, strict=True):
        assert one.fact("bag_accuracy") == count
        assert abs(one.fact("bag_loss").units - losses.units) <= losses.inputs  # type: ignore[union-attr]


def test_outputs_that_do_not_compete_do_not_count() -> None:
    one = CASES[-1]
    few = replace(one, program=one.program | {"outputs": [0, 2]})
    expected, losses = truth(few)
    assert losses < 0.95 * truth(one)[1]
    fact = few.fact("bag_accuracy")
    assert isinstance(fact, Count)
    assert fact.counts == {group: right for group, (right, _) in expected.items()}
    assert few.fact("bag_loss").units / 2**LOSS_BITS == pytest.approx(losses, rel=1e-9)  # type: ignore[union-attr]


def test_a_right_answer_that_does_not_compete_is_refused() -> None:
    one = CASES[-1]
    task = {"name": "table", "positions": 2, "sizes": [3, 3], "labels": digest_of([0] * 9)}
    few = replace(one, program=one.program | {"outputs": [1, 4]}, task=task)
    with pytest.raises(StepRejected) as caught:
        few.fact("bag_accuracy", labels=_labels([0] * 9))
    assert caught.value.code == "no-such-output"


def _labels(labels: list[int]) -> Any:
    return IntegerArray((tuple(labels),))


def test_a_task_that_is_a_table_needs_its_labels() -> None:
    task = {"name": "table", "positions": 2, "sizes": [4, 4], "labels": digest_of(TABLE)}
    one = case("table", 4, 2, task, tables=2)
    for rule in ("bag_accuracy", "bag_loss"):
        with pytest.raises(StepRejected, match="labels"):
            one.fact(rule)
        with pytest.raises(StepRejected, match="labels"):
            one.fact(rule, labels=_labels(TABLE[::-1]))
        with pytest.raises(StepRejected, match="labels"):
            CASES[1].fact(rule, labels=_labels(TABLE))
        assert one.fact(rule, labels=_labels(TABLE))
    assert one.fact("bag_accuracy", labels=_labels(TABLE)) == one.fact("every_input", measure="answers", labels=_labels(TABLE))


def far_apart() -> Case:
    """Rows that peak far apart: a product of their exponentials loses what is between."""
    rows = [[-40.0 * abs(i - j) for j in range(5)] for i in range(5)]
    one = case("far", 5, 2, maximum(2), hidden=5)
    return replace(one, weights={"E0": [[float(i == j) for j in range(5)] for i in range(5)], "U": rows})


@pytest.mark.parametrize("by", ARITHMETICS)
def test_sums_that_a_product_loses_are_evaluated(by: str, monkeypatch: pytest.MonkeyPatch) -> None:
    one, module = far_apart(), sys.modules["verifier.kernel.rules.evaluation.bag_loss"]
    _, losses = truth(one)
    units = one.fact("bag_loss", by).units / 2**LOSS_BITS  # type: ignore[union-attr]
    assert losses * (1 - 1e-9) <= units <= losses * (1 + 1e-9)
    monkeypatch.setattr(module, "DIRECT_CELLS", 0)
    loose = one.fact("bag_loss", by).units / 2**LOSS_BITS  # type: ignore[union-attr]
    assert loose >= losses * (1 - 1e-9)
    assert loose > 1.05 * losses


@pytest.mark.parametrize("block", [1, 2, 3])
def test_blocks_of_outputs_of_any_size_sum_to_the_same(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    module = sys.modules["verifier.kernel.rules.evaluation.bag_loss"]
    monkeypatch.setattr(module, "BLOCK", block)
    for one in CASES:
        monkeypatch.setattr(module, "DIRECT_CELLS", 0)
        losses = truth(one)[1]
        assert one.fact("bag_loss").units / 2**LOSS_BITS == pytest.approx(losses, rel=1e-6)  # type: ignore[union-attr]


# Ties


def able(v: int, n: int) -> Case:
    """A network that is right everywhere: a token speaks against smaller outputs, and a little against larger ones."""
    program, _ = bag(random.Random(0), v)
    rows = [[-5.0 if j < t else (t - j) / 3 for j in range(v)] for t in range(v)]
    unit = [[float(i == j) for j in range(v)] for i in range(v)]
    return Case(program, {"E0": rows, "U": unit}, maximum(n), full(v, n), name="able")


def twins(v: int, n: int) -> Case:
    """The same with the last two outputs equal: inputs whose right output is one of the two are ties."""
    one = able(v, n)
    mixed = [[x * (1 + i / 7) for x in row] for i, row in enumerate(one.weights["E0"])]
    unembed = [[*row[:-1], row[-2]] for row in normal(random.Random("twins"), v, v, 0.01)]
    unembed = [[x / 3 + (i == min(j, v - 2)) for j, x in enumerate(row)] for i, row in enumerate(unembed)]
    return replace(one, weights={"E0": mixed, "U": unembed}, name="twins")


@pytest.mark.parametrize("by", ARITHMETICS)
def test_ties_are_wrong_and_no_input_stays_open(by: str) -> None:
    one = twins(4, 3)
    expected, _ = truth(one)
    fact = one.fact("bag_accuracy", by)
    assert isinstance(fact, Count)
    assert fact.wrong == {group: wrong for group, (_, wrong) in expected.items()}
    assert all((expected[group][1] == sum(expected[group])) == (group[1] in (2, 3)) for group in expected)


@pytest.mark.parametrize("by", ARITHMETICS)
def test_a_gap_below_the_grid_is_decided_exactly(by: str) -> None:
    """The right output's integers are exact, and the other one's ceiling is the same."""
    program, _ = bag(random.Random(0), 2)
    one = Case(program, {"E0": [[1.0, 1 - 2.0**-53], [0.0, 1.0]], "U": [[1.0, 0.0], [0.0, 1.0]]}, maximum(1), full(2, 1))
    assert one.fact("bag_accuracy", by).counts == {(0, 0): 1, (1, 1): 1}  # type: ignore[union-attr]


def test_beyond_the_limit_ties_stay_open(monkeypatch: pytest.MonkeyPatch) -> None:
    one, module = twins(4, 3), sys.modules["verifier.kernel.rules.evaluation.bag_accuracy"]
    whole = sum(one.fact("bag_accuracy").wrong.values())  # type: ignore[union-attr]
    monkeypatch.setattr(module, "EXACT_INPUTS", 3)
    few = one.fact("bag_accuracy")
    assert isinstance(few, Count)
    assert sum(few.wrong.values()) < whole
    assert sum(few.counts.values()) == sum(one.fact("bag_accuracy").counts.values())  # type: ignore[union-attr]


def test_tables_that_are_no_products_of_weights_leave_ties_open() -> None:
    one = twins(4, 2)
    nodes = [*one.program["nodes"][:2], {"node": "r", "op": "gelu", "of": "m"}, {"node": "s", "op": "sum_positions", "of": "r"}]
    bent = replace(one, program=one.program | {"nodes": nodes})
    fact, other = bent.fact("bag_accuracy"), bent.fact("every_input", measure="answers")
    assert isinstance(fact, Count)
    assert isinstance(other, Count)
    assert 0 < sum(fact.counts.values()) == sum(other.counts.values()) < 16
    assert sum(fact.counts.values()) + sum(fact.wrong.values()) < 16


# What is refused


def refusal(one: Case, rule: str) -> str:
    with pytest.raises(StepRejected) as caught:
        one.fact(rule)
    return caught.value.code


@pytest.mark.parametrize("rule", ["bag_loss", "bag_accuracy"])
def test_networks_of_another_shape_are_refused(rule: str) -> None:
    one = CASES[1]
    embed, linear, total = one.program["nodes"]
    after = [embed, linear, total, {"node": "r", "op": "relu", "of": "s"}]
    assert refusal(replace(one, program=one.program | {"nodes": after, "logits": "r"}), rule) == "wrong-subject"
    twice = [embed, linear, total, {"node": "t", "op": "sum_positions", "of": "s"}]
    assert refusal(replace(one, program=one.program | {"nodes": twice, "logits": "t"}), rule) == "wrong-subject"
    assert refusal(replace(one, program=one.program | {"nodes": [embed, linear], "logits": "m"}), rule) == "wrong-subject"


@pytest.mark.parametrize("rule", ["bag_loss", "bag_accuracy", "every_input"])
def test_statements_about_float32_are_refused(rule: str) -> None:
    program, weights = bag(random.Random("f32"), 3)
    one = Case(program, weights, maximum(2), full(3, 2), function="float32")
    steps = counted(rule, **({"measure": "answers"} if rule == "every_input" else {}))
    steps = steps if rule != "bag_loss" else [step("losses", rule), step("bound", "mean_loss", {"losses": "losses"})]
    claim = ("cross_entropy", "<=", "1000/1") if rule == "bag_loss" else ("accuracy", ">=", "0/1")
    verdict = one.verdict(*steps, claim=claim)
    assert verdict.word == "REJECTED"
    assert verdict.reason is not None
    assert verdict.reason.code == "wrong-subject"
    assert replace(one, function="real").verdict(*steps, claim=claim).word == "PROVED"


def test_several_answers_are_refused() -> None:
    task = {"name": "cumulative_sign", "positions": 2, "values": [-1, 0, 1], "answer": "whole"}
    assert refusal(case("two answers", 3, 2, task), "bag_accuracy") == "wrong-subject"


def test_determined_slots_are_refused() -> None:
    digits = {"positions": 4, "base": 3, "a": [0], "b": [1], "sum": [3], "read": [2, 3], "fixed": [[2, 2]]}
    one = case("determined", 3, 4, {"name": "digit_sum", **digits, "answer": 2}, {"tokens": [[0, 2]] * 2})
    assert refusal(one, "bag_accuracy") == "wrong-subject"


def test_losses_without_end_are_refused_and_earn_no_credit() -> None:
    program, weights = bag(random.Random("huge"), 3)
    one = Case(program, {name: [[x * 2.0**600 for x in row] for row in rows] for name, rows in weights.items()}, maximum(2), full(3, 2))
    assert refusal(one, "bag_loss") == "undecided-exponential"
    fact = one.fact("bag_accuracy")
    assert isinstance(fact, Count)
    expected, _ = truth_of_answers(one)
    assert fact.counts == expected  # by exact numbers: the enclosures have no ends


def truth_of_answers(one: Case) -> tuple[dict[tuple[int, ...], int], int]:
    subject = read_statement(one.statement(), file="statement").subject
    right: dict[tuple[int, ...], int] = {}
    for tokens in subject.scope.inputs():
        logits = bag_logits(one, tokens)
        own = logits[max(tokens)]
        group = tokens[-1], max(tokens)
        right[group] = right.get(group, 0) + all(own > other for index, other in enumerate(logits) if index != max(tokens))
    return right, sum(right.values())


def test_a_box_too_large_to_walk_is_refused() -> None:
    with pytest.raises(LimitExceeded, match="limit-enumerated-inputs"):
        case("too many", 2, 25, maximum(25)).fact("bag_accuracy")


# Verdicts


def test_a_claim_just_above_the_truth_is_not_proved() -> None:
    one = CASES[2]
    expected, losses = truth(one)
    right, total = sum(right for right, _ in expected.values()), 64
    assert 0 < right < total
    steps = counted("bag_accuracy")
    assert one.verdict(*steps, claim=("accuracy", ">=", _text(Fraction(right, total)))).word == "PROVED"
    assert one.verdict(*steps, claim=("accuracy", ">=", _text(Fraction(right + 1, total)))).word == "INCOMPLETE"
    assert one.verdict(*steps, claim=("accuracy", "<=", _text(Fraction(right, total)))).word == "PROVED"
    assert one.verdict(*steps, claim=("accuracy", "<=", _text(Fraction(right - 1, total)))).word == "INCOMPLETE"
    steps = [step("losses", "bag_loss"), step("bound", "mean_loss", {"losses": "losses"})]
    mean = Fraction(losses / total).limit_denominator(10**12)
    assert one.verdict(*steps, claim=("cross_entropy", "<=", _text(mean * Fraction(10001, 10000)))).word == "PROVED"
    assert one.verdict(*steps, claim=("cross_entropy", "<=", _text(mean * Fraction(9999, 10000)))).word == "INCOMPLETE"


def _text(number: Fraction) -> str:
    return f"{number.numerator}/{number.denominator}"


def test_exponentials_of_arrays_have_a_limit_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    one = CASES[2]
    for by, field in (("mpmath", "exponentials"), ("fast", "array_exponentials")):
        context = one.context(by)
        RULES["bag_loss"].apply({}, {}, context)
        used = context.ledger.exponentials
        assert set(used) == {field}
        old = getattr(LIMITS, field)
        object.__setattr__(LIMITS, field, used[field] - 1)
        try:
            with pytest.raises(LimitExceeded) as caught:
                one.fact("bag_loss", by)
        finally:
            object.__setattr__(LIMITS, field, old)
        assert caught.value.code == "limit-" + field.replace("_", "-")


@pytest.mark.parametrize("by", ARITHMETICS)
@pytest.mark.parametrize("rule", ["bag_accuracy", "every_input"])
def test_tables_of_different_lengths_give_each_position_its_own_rows(rule: str, by: str) -> None:
    one, rng = case("lengths", 3, 3, maximum(3), tables=3), random.Random("lengths")
    longer = replace(one, weights=one.weights | {"E1": [*one.weights["E1"], *normal(rng, 2, 3)]})
    hints = {"measure": "answers"} if rule == "every_input" else {}
    assert longer.fact(rule, by, **hints) == one.fact(rule, by, **hints)
    nodes = [*one.program["nodes"][:2], {"node": "f", "op": "embed", "tables": ["F"]}]
    nodes += [{"node": "g", "op": "linear", "of": "f", "factors": ["U"]}]
    nodes += [{"node": "y", "op": "add", "of": ["m", "g"]}, {"node": "s", "op": "sum_positions", "of": "y"}]
    extra = normal(rng, 3, 3)
    tables = (extra, [*extra, [0.5] * 3])
    both = [replace(one, program=one.program | {"nodes": nodes}, weights=one.weights | {"F": table}) for table in tables]
    assert both[0].fact(rule, by, **hints) == both[1].fact(rule, by, **hints)


@pytest.mark.parametrize("by", ARITHMETICS)
def test_tensors_of_different_sizes_are_not_joined(by: str) -> None:
    workshop = CASES[0].context(by).workshop
    first, second = (workshop.integers(range(2 * size), ("a", "b"), (2, size)) for size in (2, 3))
    with pytest.raises(ValueError, match="joined"):
        first.joined([second], "a")
    assert first.joined([second], "b").shape == (2, 5)


def test_random_bags_against_enumeration() -> None:
    rng = random.Random("random bags")
    for number in range(40):
        v, n = rng.choice([(2, 3), (3, 3), (5, 2), (4, 2), (7, 1)])
        program, weights = bag(rng, v, tables=rng.choice([1, n]), scale=rng.choice([0.5, 3.0]))
        if rng.random() < 0.5:  # ties
            weights["U"] = [[round(x) for x in row] for row in weights["U"]]
            weights |= {name: [[round(x) for x in row] for row in normal(rng, v, 3)] for name in weights if name != "U"}
        ranges = [sorted((rng.randrange(v), rng.randrange(v))) for _ in range(n)] if rng.random() < 0.5 else [[0, v - 1]] * n
        one = Case(program, weights, rng.choice([maximum(n), {"name": "min", "positions": n}]), {"tokens": ranges}, name=str(number))
        expected, losses = truth(one)
        fact = one.fact("bag_accuracy")
        assert isinstance(fact, Count)
        assert fact.counts == {group: right for group, (right, _) in expected.items()}
        assert fact.wrong == {group: wrong for group, (_, wrong) in expected.items()}
        excess = one.fact("bag_loss").units / 2**LOSS_BITS - losses  # type: ignore[union-attr]
        assert -1e-9 * losses <= excess <= 1e-4 * losses + 1e-9  # a sum is known to one part in 8192, or evaluated


def test_products_below_every_exponential_are_refused_not_a_crash() -> None:
    far = -float(1 << 21)
    weights = {f"E{i}": [[0.0 if j == i else far for j in range(3)]] * 3 for i in range(3)}  # each slot is for an output of its own
    nodes = [{"node": "e", "op": "embed", "tables": list(weights)}, {"node": "s", "op": "sum_positions", "of": "e"}]
    one = Case({"name": "apart", "nodes": nodes, "logits": "s"}, weights, maximum(3), full(3, 3))
    with pytest.raises(StepRejected) as error:  # every product of three is below exp(-2^20)
        one.fact("bag_loss", "mpmath")
    assert error.value.code == "undecided-exponential"
    assert isinstance(one.fact("bag_loss", "fast"), LossSum)


@pytest.mark.parametrize("by", ARITHMETICS)
def test_a_loss_of_2_to_the_2_to_the_71_is_refused_before_it_is_written_in_binary(by: str) -> None:
    nodes: list[dict[str, Any]] = [{"node": "q0", "op": "embed", "tables": ["E"]}]
    nodes += [{"node": f"q{i}", "op": "square", "of": f"q{i - 1}"} for i in range(1, 71)]
    nodes.append({"node": "s", "op": "sum_positions", "of": "q70"})
    one = Case({"name": "squares", "nodes": nodes, "logits": "s"}, {"E": [[4.0, 1.0]] * 2}, maximum(2), full(2, 2))
    with pytest.raises(StepRejected) as error:
        one.fact("bag_loss", by)
    assert error.value.code == "undecided-exponential"
    fact = one.fact("bag_accuracy", "mpmath")
    assert isinstance(fact, Count)
    assert (sum(fact.counts.values()), sum(fact.wrong.values())) == (1, 3)
