"""The bounds on float32 rounding, computed a second time from the formulas of docs/float32.md, in fractions."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from math import isqrt
from pathlib import Path

import pytest

from tests.machines import large_scores
from tests.models import TinyModel, copying, from_file, safetensors
from verifier.domain import whole_domain
from verifier.fast import FastArithmetic
from verifier.kernel.errors import StepRejected
from verifier.kernel.facts import Slack, Table
from verifier.kernel.maximum import rounding as module
from verifier.kernel.maximum.margins import widened, with_rounding
from verifier.kernel.maximum.model import TABLES
from verifier.kernel.maximum.rounding import Rounding
from verifier.kernel.numbers.matrix import Ledger, Matrix
from verifier.kernel.replay import new_context
from verifier.networks.attention_only import read_model

Rows = list[list[Fraction]]


def gamma(k: int) -> Fraction:
    return Fraction(1025 * k, 2**34)


def product(a: Rows, b: Rows) -> Rows:
    return [[sum((x * y for x, y in zip(row, column, strict=True)), Fraction(0)) for column in zip(*b, strict=True)] for row in a]


def entrywise(act: Callable[..., Fraction], *tables: Rows) -> Rows:
    return [[act(*entries) for entries in zip(*rows, strict=True)] for rows in zip(*tables, strict=True)]


def absolute(a: Rows) -> Rows:
    return entrywise(abs, a)


def largest(a: Rows) -> list[Fraction]:
    return [max(column) for column in zip(*a, strict=True)]


def through(size: Rows, error: Rows, weight: Rows) -> Rows:
    d = len(weight)
    return product(entrywise(lambda a, e: gamma(d) * (a + e) + e, size, error), absolute(weight))


def bounds(model: TinyModel) -> tuple[list[Fraction], Fraction]:
    """sigma_q of every query, and eta."""
    w = {name: [[Fraction(x) for x in row] for row in rows] for name, rows in model.weights.items()}
    h, n = model.h, model.n
    query = [[x + p for x, p in zip(row, w["W_pos"][-1], strict=True)] for row in w["W_E"]]
    farthest = largest(absolute(w["W_pos"]))
    sizes = {"query": absolute(query), "key": [[abs(x) + p for x, p in zip(row, farthest, strict=True)] for row in w["W_E"]]}
    errors = {side: entrywise(lambda x: gamma(1) * x, size) for side, size in sizes.items()}

    def at_keys(name: str) -> tuple[list[Fraction], list[Fraction]]:
        tokens, places = (largest(absolute(product(w[side], w[name]))) for side in ("W_E", "W_pos"))
        size = [token + place for token, place in zip(tokens, places, strict=True)]
        return size, largest(through(sizes["key"], errors["key"], w[name]))

    key, key_error = at_keys("W_K")
    value, value_error = at_keys("W_V")
    root = Fraction(isqrt(h << 200) + 1, 2**100)
    scores = []
    for size, error in zip(absolute(product(query, w["W_Q"])), through(sizes["query"], errors["query"], w["W_Q"]), strict=True):
        lines = list(zip(size, error, key, key_error, strict=True))
        products = sum((q + e) * f + e * k for q, e, k, f in lines)
        scores.append(products + gamma(h + 24) * sum((q + e) * (k + f) for q, e, k, f in lines) + root / 2**16)
    mixed = [e + gamma(2 * n + 8) * (v + e) for v, e in zip(value, value_error, strict=True)]
    residual = [x + o for x, o in zip(largest(sizes["query"]), product([value], absolute(w["W_O"]))[0], strict=True)]
    error = [x + o for x, o in zip(largest(errors["query"]), through([value], [mixed], w["W_O"])[0], strict=True)]
    error = [e + gamma(h + 1) * (x + e) for x, e in zip(residual, error, strict=True)]
    return scores, max(through([residual], [error], w["W_U"])[0])


def rounding(model: TinyModel) -> Rounding:
    decoded = read_model(model.stored("F32"), file="model")
    found = new_context(decoded.network, whole_domain(decoded, "float32"), FastArithmetic()).rounding
    assert found is not None
    return found


def value(matrix: Matrix) -> list[Fraction]:
    return [row[0] * Fraction(2) ** matrix.exponent for row in matrix.rows]


@pytest.mark.parametrize("seed", range(8))
def test_the_bounds_are_those_of_the_document(seed: int) -> None:
    rng = random.Random(seed)
    model = copying(rng, 3, 1 + seed % 3, noise=1.0, slope=2.0, copy=4.0, place=3.0)
    model = from_file(model.stored("F32"))
    found, (scores, logit) = rounding(model), bounds(model)
    slight = Fraction(1, 2**80)  # units of 2^-100, multiplied by weights; a square root to 32 bits
    for bound, formula in zip(value(found.score), scores, strict=True):
        assert formula < bound < formula + Fraction(1, 2**46)
    assert logit < value(found.logit)[0] < logit + slight


def test_bounds_keep_a_unit_for_what_underflows() -> None:
    """All weights zero: nothing but the root of h and the units is left."""
    zero = {
        name: [[0.0] * len(row) for row in rows] for name, rows in copying(random.Random(0), 3, 2, noise=0, slope=1, copy=1).weights.items()
    }
    found = rounding(TinyModel(zero))
    unit = Fraction(1, 2**100)
    assert value(found.logit)[0] >= unit
    assert all(bound >= Fraction(isqrt(3 << 200), 2**100) / 2**16 + unit for bound in value(found.score))


@pytest.mark.parametrize(("size", "fits"), [(2.0**60, True), (2.0**63, False)])
def test_what_may_overflow_is_refused(size: float, fits: bool) -> None:
    """Logits of about size^2, off by about 2^-22 of that; 2^100 is the limit."""
    weights = {
        "W_E": [[size], [-size]],
        "W_pos": [[0.0]],
        "W_Q": [[0.0]],
        "W_K": [[0.0]],
        "W_V": [[0.0]],
        "W_O": [[0.0]],
        "W_U": [[size, 1.0]],
    }
    found = rounding(TinyModel(weights))
    if fits:
        assert value(found.logit)[0] < 2**101
    else:
        with pytest.raises(StepRejected) as caught:
            _ = found.logit
        assert caught.value.code == "float-overflow"


@pytest.mark.parametrize(("entry", "exponent"), [(5, 0), (-5, 0), (5, 1), (5, 3), (5, -1), (5, -3), (-5, -3), (0, -200), (8, -3)])
def test_rounding_up_leaves_a_unit(entry: int, exponent: int) -> None:
    matrix = Matrix(((entry,),), exponent, ("a", "b"), Ledger()).rounded_up(0)
    exact = entry * Fraction(2) ** exponent
    assert exact + 1 <= matrix.rows[0][0] <= exact + 2


def test_the_tables_are_widened_by_exactly_these_bounds() -> None:
    """The skip path by eta_0 on every entry, position scores by sigma_q, in addition to a slack that is there already; nothing else."""
    model = from_file(safetensors(copying(random.Random(5), 3, 2, noise=1.0, slope=2.0, copy=4.0).tensors("F32")))
    decoded = read_model(model.stored("F32"), file="model")
    scores, (logit,) = value(rounding(model).score), value(rounding(model).logit)
    for function in ("real", "float32"):
        context = new_context(decoded.network, whole_domain(decoded, function), FastArithmetic())
        tables = {name: Table(name, False, context.paths.product(name, False)) for name in TABLES}
        rows = Matrix(((3,), (4,), (5,)), -2, ("query", "slack"), context.ledger)
        columns = Matrix(((7,), (8,), (9,)), -1, ("output", "slack"), context.ledger)
        tables["skip"] = replace(tables["skip"], slack=Slack(rows, columns))
        widths = {"skip": [Fraction(x * y, 8) for x in (3, 4, 5) for y in (7, 8, 9)]}
        if function == "float32":
            widths = {"skip": [known + logit for known in widths["skip"]], "position_score": [score for score in scores for _ in range(2)]}
        found = with_rounding(tables, context)
        for name, table in found.items():
            entries = [entry for row in widened(table) for entry in row]
            assert [(high - low) * Fraction(2) ** e / 2 for low, high, e in entries] == widths.get(name, [0] * len(entries)), name
        assert found["skip"].slack is not None
        assert value(found["skip"].slack.spread()) == [2 * largest for largest in widths["skip"][2::3]]


@pytest.mark.parametrize(("size", "fits"), [(64.0, True), (65.0, False)])
def test_scores_that_rounding_moves_too_far_are_refused(size: float, fits: bool) -> None:
    """The limit is sqrt(h), whatever is asked first: a bound on logits is worth nothing where exponentials overflow."""
    model = large_scores(size)
    found, (scores, _) = rounding(model), bounds(model)
    assert (max(scores) <= Fraction(isqrt(model.h << 200), 2**100)) == fits
    for ask in (lambda: found.logit, lambda: found.score, lambda: found.logit):
        if fits:
            assert value(ask())[0] > 0
        else:
            with pytest.raises(StepRejected) as caught:
                ask()
            assert caught.value.code == "score-rounding"


@pytest.mark.parametrize(
    ("head_width", "units", "fits"), [(4, 2 << 100, True), (4, (2 << 100) + 1, False), (6, 2 << 100, True), (6, 3 << 100, False)]
)
def test_the_limit_of_a_score_is_the_root_of_the_head_width(head_width: int, units: int, fits: bool) -> None:
    bound = Matrix(((1,), (units,), (1,)), -100, ("query", "slack"), Ledger())
    if fits:
        assert module._small(bound, head_width) is bound
    else:
        with pytest.raises(StepRejected):
            module._small(bound, head_width)


def test_the_constants_are_those_of_the_document() -> None:
    document = " ".join((Path(__file__).parents[2] / "docs" / "float32.md").read_text(encoding="utf-8").split())
    for words in (
        f"integers in units of 2^{module.UNIT},",
        f"all bounds are below 2^{module.FINITE} ",
        f"number at most {module.SCALE_ROUNDINGS},",
        f"gamma_{{h + {module.SCALE_ROUNDINGS}}}",
        f"sqrt(h) 2^{module.EXP_ERROR}.",
        f"gamma_{{2n + {module.MIX_ROUNDINGS}}}",
        "gamma_k = 1025 k 2^-34",
    ):
        assert words in document, words


def test_the_largest_entry() -> None:
    assert Matrix(((1, 7), (5, 3)), 0, ("a", "b"), Ledger()).largest() == 7
    assert Matrix(((1, 2), (9, 3)), 0, ("a", "b"), Ledger()).largest() == 9


@pytest.mark.parametrize(("units", "fits"), [((1 << 200) - 3, True), ((1 << 200) - 2, False)])
def test_the_limit_itself_is_beyond_it(units: int, fits: bool) -> None:
    bound = Matrix(((units,),), -100, ("a", "b"), Ledger())  # is raised by two units
    if fits:
        assert module._rounded(bound).largest() == units + 2
    else:
        with pytest.raises(StepRejected):
            module._rounded(bound)
