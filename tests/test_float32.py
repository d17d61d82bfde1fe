"""Statements about float32: no machine leaves the bounds, and no machine breaks what is certified."""

from __future__ import annotations

import json
import random
from fractions import Fraction
from pathlib import Path

import pytest
import torch

from tests.checking import ARITHMETICS, arithmetic
from tests.machines import (
    MACHINES,
    Weights,
    contracted,
    decided_by_the_unlucky,
    inputs,
    large_scores,
    nearly_twins,
    plain,
    residual_first,
    rounded,
    unlucky_logits,
)
from tests.models import TinyModel, copying, from_file, random_model
from tests.refusals import refused
from verifier.cli import main
from verifier.domain import whole_domain
from verifier.execution import logit_errors
from verifier.fast import FastArithmetic
from verifier.kernel.errors import StepRejected, SubjectMismatch
from verifier.kernel.facts import Context
from verifier.kernel.maximum import rounding
from verifier.kernel.replay import new_context
from verifier.kernel.statement import bind
from verifier.kernel.verdict import Verdict, check
from verifier.networks.attention_only import read_model
from verifier.proving import prove
from verifier.strategies import STRATEGIES

MAIN = Path(__file__).parent.parent / "certificates" / "models" / "max-of-4.safetensors"
SHORT = ("exact", "brute-force", "cubic", "subcubic", "counting", "hot-outputs", "absent-present", "envelope", "low-rank-quadratic")


def context(data: bytes) -> Context:
    model = read_model(data, file="model")
    return new_context(model.network, whole_domain(model, "float32"), FastArithmetic())


@pytest.mark.parametrize("machine", MACHINES)
def test_no_machine_is_off_by_more_than_eta(machine: str) -> None:
    model, data = from_file(MAIN.read_bytes()), MAIN.read_bytes()
    errors = torch.tensor([float(error) for error in logit_errors(context(data))], dtype=torch.float64)
    tokens = torch.randint(64, (400, 4), generator=torch.Generator().manual_seed(1))
    exact = plain(Weights.of(model, torch.float64), tokens)
    got = MACHINES[machine](Weights.of(model, torch.float32), tokens)
    assert got.dtype == torch.float32
    off = (got.double() - exact).abs().max(1).values
    assert (off <= errors[tokens[:, -1]]).all()
    assert off.max() > 0


def test_a_sum_that_starts_at_the_residual_is_covered() -> None:
    """Once not: the residual then passes through as many roundings as the product has terms.  torch's compiler does this."""
    h, small = 64, 2.0**-25
    zero = [[0.0] * h] * 2
    weights = {"W_E": [[1.0, 0.0], [1.0 + h * small / 2, 1.0]], "W_pos": [[0.0, 0.0]], "W_Q": zero, "W_K": zero}
    weights |= {"W_V": [[0.0] * h, [small] * h], "W_O": [[0.0, 1.0]] * h, "W_U": [[1.0, 0.0], [0.0, 1.0]]}
    model = TinyModel(weights)
    logits = residual_first(Weights.of(model, torch.float32), torch.tensor([[0], [1]]))
    assert logits[0].argmax() == 0
    assert logits[1].argmax() == 0  # wrong, though right in real numbers
    bound = verdict_of(model, "exact", "fast").bound
    assert bound is not None
    assert (bound.certified, bound.wrong) == (1, 0)


def test_a_largest_exponent_that_is_not_zero_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once PROVED: 37 of 64, where a machine that contracts the subtraction of the largest score answers NaN to everything."""
    model = large_scores(1e4)
    data, tokens = model.stored("F32"), inputs(model)
    right = plain(Weights.of(model, torch.float64), tokens).argmax(1) == tokens.max(1).values
    assert int(right.sum()) == 37
    assert contracted(Weights.of(model, torch.float32), tokens).isnan().any(1).all()
    with monkeypatch.context() as patched:
        patched.setattr(rounding, "_small", lambda bound, head_width: bound)
        proof = prove(data, STRATEGIES["subcubic"], file="model", function="float32", reference=False)
        believed = check(proof.statement, proof.certificate, data, arithmetic("mpmath")).bound
    assert believed is not None
    assert believed.certified == 37
    for name in ARITHMETICS:
        verdict = check(proof.statement, proof.certificate, data, arithmetic(name))
        assert (verdict.word, verdict.reason and verdict.reason.code) == ("REJECTED", "score-rounding")


def test_no_exponent_is_far_from_zero_where_nothing_is_refused() -> None:
    """Just inside the limit every machine does what is proved."""
    model = large_scores(64.0)
    found = context(model.stored("F32")).rounding
    assert found is not None
    assert 0.98 < found.score.largest() * 2.0**-100 / 6**0.5 <= 1
    bound, tokens = verdict_of(model, "brute-force", "mpmath").bound, inputs(model)
    assert bound is not None
    assert (bound.certified, bound.wrong) == (37, 27)
    for machine in MACHINES.values():
        got = machine(Weights.of(model, torch.float32), tokens)
        assert int((got.argmax(1) == tokens.max(1).values).sum()) == 37


@pytest.mark.parametrize("seed", range(8))
def test_the_unluckiest_machine_is_not_off_by_more_than_eta(seed: int) -> None:
    model = rounded(copying(random.Random(seed), 4, 2 + seed % 2, noise=0.3, slope=float(seed % 4), copy=2.0 ** (seed % 5)))
    assert 1 / 30 < worst_share(model) <= 1  # far from vacuous


def cancelling() -> TinyModel:
    """Embedding and position nearly cancel in the second slot, so that the rounding of their sum is nearly all there is."""
    one, zero = [[1.0]], [[0.0]]
    places = [[-1 + 2.0**-10], [-0.5 + 2.0**-9]]
    others = {"W_Q": zero, "W_K": zero, "W_V": one, "W_O": zero, "W_U": [[1.0, 3.0]]}
    return TinyModel({"W_E": [[1.0], [0.5]], "W_pos": places, **others}, "cancelling")


def worst_share(model: TinyModel) -> float:
    """The largest error of an unlucky machine, as a share of eta."""
    errors, weights = logit_errors(context(model.stored("F32"))), Weights.of(model, torch.float64)
    shares = []
    for tokens in inputs(model):
        exact = plain(weights, tokens[None])[0]
        for output in range(model.v):
            off = (unlucky_logits(weights, tokens, output, None) - exact).abs().max()
            shares.append(float(off) / float(errors[tokens[-1]]))
    return max(shares)


def test_a_bound_that_is_nearly_reached() -> None:
    assert 0.7 < worst_share(cancelling()) <= 1


def test_the_unluckiest_machine_finds_out_a_bound_that_forgets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounding, "_gamma", lambda magnitude, roundings: magnitude.scaled(0, 0))
    assert worst_share(cancelling()) > 1


def verdict_of(model: TinyModel, strategy: str, name: str) -> Verdict:
    data = model.stored("F32")
    proof = prove(data, STRATEGIES[strategy], file="model", function="float32", reference=False)
    return check(proof.statement, proof.certificate, data, arithmetic(name))


@pytest.mark.parametrize("seed", [2, 6, 10, 11, 12, 14])
def test_what_is_certified_holds_on_the_unluckiest_machine(seed: int) -> None:
    model = nearly_twins(seed)
    right, wrong = decided_by_the_unlucky(model)
    for strategy in SHORT:
        for name in ARITHMETICS if seed == 6 else ("fast",):
            bound = verdict_of(model, strategy, name).bound
            assert bound is not None
            assert bound.certified <= right, strategy
            assert bound.wrong <= wrong, strategy


def test_near_ties_are_what_the_unlucky_machine_turns() -> None:
    """The test above can fail: its models have inputs that are right in real numbers and not on every machine."""
    for seed in (6, 12):
        model = nearly_twins(seed)
        real = prove(model.stored("F32"), STRATEGIES["exact"], file="model", reference=False).verdicts[0].bound
        assert real is not None
        right, wrong = decided_by_the_unlucky(model)
        assert real.certified > right
        assert real.wrong > wrong


@pytest.mark.parametrize("strategy", ["exact", "subcubic", "cubic", "envelope", "low-rank-qk-eu"])
@pytest.mark.parametrize("seed", range(0, 40, 3))
def test_float32_proves_at_most_what_real_numbers_do(strategy: str, seed: int) -> None:
    """The same certificate, for both functions: widening tables never helps."""
    model = rounded(random_model(seed))
    data = model.stored("F32")
    decoded = read_model(data, file="model")
    try:
        bind(whole_domain(decoded, "float32"), decoded.network, file="FILE")
        machine = prove(data, STRATEGIES[strategy], file="model", function="float32", reference=False)
    except (StepRejected, SubjectMismatch):
        return  # weights out of float32's range
    real = whole_domain(decoded)
    certificate = machine.certificate.replace(whole_domain(decoded, "float32").digest.encode(), real.digest.encode())
    statement = machine.statement.replace(b'"float32"', b'"real"')
    both = check(statement, certificate, data, FastArithmetic()).bound, machine.verdicts[0].bound
    assert both[0] is not None
    assert both[1] is not None
    assert both[0].certified >= both[1].certified
    assert both[0].wrong >= both[1].wrong


def test_a_proof_about_real_numbers_is_no_proof_about_machines() -> None:
    data = MAIN.read_bytes()
    proof = prove(data, STRATEGIES["cubic"], file="model", reference=False)
    statement = proof.statement.replace(b'"real"', b'"float32"')
    code, _ = refused(lambda: check(statement, proof.certificate, data, FastArithmetic(), files=("FILE",) * 3), SubjectMismatch)
    assert code == "subject-digest"


@pytest.mark.parametrize(("entry", "fits"), [(0.1, False), (2.0**-126, True), (2.0**-127, False), (-(2.0**127), True), (2.0**128, False)])
def test_weights_must_be_normal_float32_numbers(entry: float, fits: bool) -> None:
    model = random_model(0)
    weights = {name: [[float(round(x)) for x in row] for row in rows] for name, rows in model.weights.items()}
    weights["W_U"][0][0] = entry
    decoded = read_model(TinyModel(weights).data, file="model")
    asked = whole_domain(decoded, "float32")
    if fits:
        bind(asked, decoded.network, file="FILE")
    else:
        assert refused(lambda: bind(asked, decoded.network, file="FILE"), SubjectMismatch) == ("not-binary32", "2.7")


def test_large_scores_are_a_row_and_not_a_crash(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Once exit 70 where scores may be off by sqrt(h) / 2 or more (50); beyond sqrt(h) nothing is proved about machines (1e4)."""
    for size, word, code in ((50.0, "PROVED", 0), (1e4, "REJECTED", 1)):
        model, output = tmp_path / f"{size}.safetensors", tmp_path / f"proofs {size}"
        model.write_bytes(large_scores(size).stored("F32"))
        assert main(["float32", str(model), "--strategy", "subcubic", "--json", "-o", str(output)]) == code
        printed = json.loads(capsys.readouterr().out)
        (row,) = printed["rows"]
        assert (row["real"]["verdict"], row["float32"]["verdict"]) == ("PROVED", word)
        assert (printed["eta"] is None) == (word == "REJECTED")
        written = sorted(path.name for path in output.glob("float32/subcubic/*"))
        assert written == ([] if word == "REJECTED" else ["certificate.json", "statement.json"])
        assert len(list(output.glob("real/subcubic/*"))) == 2
    assert row["float32"]["proved"] is None
    assert row["float32"]["reason"]["code"] == "score-rounding"
    assert main(["float32", str(model), "--strategy", "subcubic"]) == 1
    shown = capsys.readouterr().out
    assert "subcubic, float32: step margins (decoupled_constraint): score-rounding: expected" in shown
    assert "eta, L31" not in shown


@pytest.mark.parametrize("content", [b"", b"{}", random_model(0).data])
def test_what_is_no_float32_model_is_refused_in_one_line(content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Empty, foreign, and a model whose weights are no binary32 numbers."""
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    assert main(["float32", str(path), "-o", str(tmp_path / "proofs")]) == 3
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert not (tmp_path / "proofs").exists()


def test_a_doctored_statement_about_large_scores_is_rejected(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The proof about real numbers, relabelled as one about machines, digest and all."""
    data = large_scores(1e4).stored("F32")
    model = read_model(data, file="model")
    proof = prove(data, STRATEGIES["subcubic"], file="model", reference=False)
    digests = [whole_domain(model, function).digest.encode() for function in ("real", "float32")]
    contents = {"s.json": proof.statement.replace(b'"real"', b'"float32"'), "c.json": proof.certificate.replace(*digests), "m": data}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    assert main(["check", *(str(tmp_path / name) for name in contents), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["reason"]["code"] == "score-rounding"


def test_eta_says_something_however_far_scores_may_be_off() -> None:
    """Where attention may go anywhere, a logit is off by at most twice what is copied."""
    model = large_scores(60.0)
    bounds = logit_errors(context(model.stored("F32")))
    tokens = inputs(model)
    exact = plain(Weights.of(model, torch.float64), tokens)
    for machine in MACHINES.values():
        off = (machine(Weights.of(model, torch.float32), tokens).double() - exact).abs().max()
        assert off <= float(min(bounds)) < 1


def test_both_verdicts_side_by_side(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tiny = MAIN.with_name("tiny.safetensors")
    assert main(["float32", str(tiny), "--strategy", "subcubic", "--json", "-o", str(tmp_path)]) == 0
    printed = json.loads(capsys.readouterr().out)
    (row,) = printed["rows"]
    assert Fraction(printed["eta"]) == max(logit_errors(context(tiny.read_bytes())))
    for function in ("real", "float32"):
        files = [str(tmp_path / function / "subcubic" / name) for name in ("statement.json", "certificate.json")]
        assert main(["check", *files, str(tiny), "--json"]) == 0
        checked = json.loads(capsys.readouterr().out)
        assert (checked["function"], checked["proved"]) == (function, row[function]["proved"])
    assert main(["float32", str(tiny), "--strategy", "subcubic", "-o", str(tmp_path)]) == 3  # nothing is overwritten
    assert main(["float32", str(tiny), "--strategy", "cubic"]) == 0
    assert "eta, L31" in capsys.readouterr().out
