"""`verifier audit`: verdicts with evidence, files refused in one line, and models that are made to deceive."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.models import Rows, TinyModel, copying, from_file, pack, random_model, safetensors
from tests.oracle import truth
from verifier.auditing import maximum as auditing
from verifier.auditing.maximum import worst_outputs
from verifier.cli import main
from verifier.commands.audit import PAPER_ROWS
from verifier.models.weights import with_its_network
from verifier.networks.attention_only import read_model
from verifier.networks.finding import with_network
from verifier.reproduction import PUBLISHED_DEFAULT, reproduce
from verifier.strategies import STRATEGIES
from verifier.strategies.float_model import FloatModel

MODELS = Path(__file__).parent.parent / "certificates" / "models"
IMPERFECT, TINY, SLIP = (MODELS / f"{name}.safetensors" for name in ("imperfect", "tiny", "published-slip"))
RIGHT = Fraction(8763, 10_000)  # of the imperfect model
KEYS = {"name", "metric", "reported", "verdict", "certified_lower", "certified_upper", "counterexamples"}


@dataclass(frozen=True)
class Report:
    exit_code: int
    document: dict[str, Any]
    message: str

    @property
    def rows(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.document["rows"]
        return rows

    @property
    def verdicts(self) -> list[str]:
        return [row["verdict"] for row in self.rows]


@pytest.fixture
def audit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Report]:
    """Audits a text, or numbers, against a model."""

    def act(reported: str | list[str], model: Path | TinyModel, *options: str) -> Report:
        if isinstance(reported, list):
            reported = "\n".join(["name,metric,reported", *(f"row {i},accuracy,{number}" for i, number in enumerate(reported))])
        if isinstance(model, TinyModel):
            (tmp_path / "made.safetensors").write_bytes(model.data)
            model = tmp_path / "made.safetensors"
        path = tmp_path / "reported"
        path.write_text(reported, encoding="utf-8")
        code = main(["audit", str(path), str(model), "--json", *options])
        shown = capsys.readouterr()
        return Report(code, json.loads(shown.out) if shown.out else {}, shown.err)

    return act


Audit = Callable[..., Report]


# Verdicts


def test_a_true_number_is_proved_with_a_certificate_that_checks(audit: Audit, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = audit(["0.87", "8763/10000", "0"], IMPERFECT, "-o", str(tmp_path / "out"))
    assert (report.exit_code, report.verdicts) == (0, ["PROVED", "PROVED", "PROVED"])
    for row in report.rows:
        assert row.keys() >= KEYS
        assert Fraction(row["certified_lower"]) >= Fraction(row["reported"])
        assert main(["check", row["statement"], row["certificate"], str(IMPERFECT), "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["claimed"] == row["reported"]
    assert json.loads((tmp_path / "out" / "audit.json").read_text()) == report.document


def test_a_number_above_the_truth_is_refuted_with_wrong_inputs(audit: Audit, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = audit(["0.9"], IMPERFECT, "-o", str(tmp_path / "out"), "--counterexamples", "2000")
    (row,) = report.rows
    assert (report.exit_code, row["verdict"]) == (1, "REFUTED")
    assert Fraction(row["certified_upper"]) == RIGHT < Fraction(row["reported"])
    assert row["wrong"] == len(row["counterexamples"]) == 1237
    assert len({tuple(one["input"]) for one in row["counterexamples"]}) == 1237
    assert all(one["right"] == max(one["input"]) != one["answer"] for one in row["counterexamples"])
    answers = truth(from_file(IMPERFECT.read_bytes()))
    assert all(answers.answers[tuple(one["input"])] == "wrong" for one in row["counterexamples"])
    assert main(["check", row["statement"], row["certificate"], str(IMPERFECT), "--json"]) == 0
    verdict = json.loads(capsys.readouterr().out)
    assert (verdict["wrong"], verdict["relation"], verdict["proved"]) == (1237, "<=", "8763/10000")  # the opposite, and PROVED


def test_the_machine_and_the_formula_are_told_apart(audit: Audit, tmp_path: Path) -> None:
    """With near-ties the formula's accuracy is known and the machine's is not."""
    alone = Path(__file__).parent.parent / "certificates" / "accepted" / "near-tie" / "model.safetensors"
    near_tie = tmp_path / "near-tie.safetensors"
    near_tie.write_bytes(with_its_network(alone.read_bytes(), file="near-tie"))
    lines = ["name,metric,reported,function", "a,accuracy,0.5,", "b,accuracy,1/2,real", "c,accuracy,0.5,float32", "d,accuracy,0.51,float32"]
    report = audit("\n".join(lines), near_tie)
    assert report.verdicts == ["PROVED", "PROVED", "UNDECIDED", "UNDECIDED"]
    assert [row["function"] for row in report.rows] == ["real", "real", "float32", "float32"]
    report = audit("name,metric,reported,function\na,accuracy,0.99,float32", IMPERFECT)
    assert report.verdicts == ["REFUTED"]
    assert RIGHT <= Fraction(report.rows[0]["certified_upper"]) < Fraction(99, 100)


def test_one_input_decides(audit: Audit) -> None:
    report = audit(["8763/10000", "8764/10000", "0.87630000000000000000000001", "0.876300", "0", "1"], IMPERFECT)
    assert report.verdicts == ["PROVED", "REFUTED", "REFUTED", "PROVED", "PROVED", "REFUTED"]
    assert report.exit_code == 1


def test_a_number_between_the_bounds_is_undecided(audit: Audit, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with ten tokens: too many inputs to search."""
    monkeypatch.setattr(auditing, "ENUMERABLE", 0)
    monkeypatch.setattr(auditing, "SEARCHABLE", 0)
    monkeypatch.setattr(auditing, "SAMPLES", 500)
    report = audit(["0.6", "0.87"], IMPERFECT)
    assert (report.exit_code, report.verdicts) == (2, ["PROVED", "UNDECIDED"])
    row = report.rows[1]
    assert Fraction(row["certified_lower"]) < Fraction("0.87") <= Fraction(row["certified_upper"]) < 1
    assert "would refute it" in row["reason"]
    assert "too many inputs" in row["reason"]
    assert row["counterexamples"]


def test_a_number_is_refuted_by_counting(
    audit: Audit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where neither the wrong inputs nor those that need a look can be listed."""
    monkeypatch.setattr(auditing, "ENUMERABLE", 0)
    monkeypatch.setattr(auditing, "SEARCHABLE", 0)
    monkeypatch.setattr(auditing, "SAMPLES", 50)
    report = audit(["0.95", "0.86"], IMPERFECT, "-o", str(tmp_path / "out"))
    assert (report.exit_code, report.verdicts) == (1, ["REFUTED", "PROVED"])
    row = report.rows[0]
    assert RIGHT <= Fraction(row["certified_upper"]) < Fraction(9, 10)
    assert main(["check", row["statement"], row["certificate"], str(IMPERFECT), "--json"]) == 0
    verdict = json.loads(capsys.readouterr().out)
    assert (verdict["relation"], verdict["wrong"]) == ("<=", round(10_000 * (1 - Fraction(row["certified_upper"]))))


def test_a_refuted_row_outweighs_an_undecided_one(audit: Audit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auditing, "SEARCHABLE", 0)
    monkeypatch.setattr(auditing, "LISTED", 10)
    report = audit(["0.87", "1"], IMPERFECT)
    assert (report.exit_code, report.verdicts) == (1, ["UNDECIDED", "REFUTED"])


def test_a_refutation_out_of_reach_is_said_to_be(audit: Audit, monkeypatch: pytest.MonkeyPatch) -> None:
    model = copying(random.Random("many"), 8, 10, noise=0.05, slope=4.0, copy=16.0)
    monkeypatch.setattr(auditing, "SAMPLES", 200)
    monkeypatch.setattr(auditing, "SEARCHABLE", 1 << 20)
    uncounted = STRATEGIES["two-sided"].__class__("two-sided", "v", "", lambda *_: [])
    monkeypatch.setattr(auditing, "STRATEGIES", {**STRATEGIES, "two-sided": uncounted})
    report = audit(["0.99"], model)
    assert (report.exit_code, report.verdicts) == (2, ["UNDECIDED"])
    assert "a refutation by listing is out of reach" in report.rows[0]["reason"]


def test_a_stage_that_fails_is_a_remark(audit: Audit, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> list[Any]:
        return []

    names = ("absent-present", "subcubic", "counting")
    monkeypatch.setattr(auditing, "STRATEGIES", {name: STRATEGIES[name].__class__(name, "v", "", broken) for name in names})
    assert audit(["0.87"], IMPERFECT).verdicts == ["PROVED"]  # by exact


def test_a_perfect_model_cannot_be_refuted(audit: Audit) -> None:
    report = audit(["1", "1.0", "512/512"], TINY)
    assert (report.exit_code, set(report.verdicts)) == (0, {"PROVED"})
    assert all(row["certified_lower"] == "1/1" for row in report.rows)


@pytest.mark.parametrize("seed", range(12))
def test_every_verdict_agrees_with_the_oracle(seed: int, audit: Audit) -> None:
    model = random_model(seed)
    answers = truth(model)
    right = answers.count("right")
    claims = [right, min(right + 1, answers.total), 0, answers.total]
    report = audit([f"{count}/{answers.total}" for count in claims], model)
    for row, count in zip(report.rows, claims, strict=True):
        assert Fraction(row["certified_lower"]) <= Fraction(answers.right_at_most, answers.total)
        assert Fraction(row["certified_upper"]) >= Fraction(right, answers.total)
        assert row["verdict"] != ("REFUTED" if count <= right else "PROVED")
    decided = {"PROVED" if count <= right else "REFUTED" for count in claims}
    assert {row["verdict"] for row in report.rows} <= decided | {"UNDECIDED"}  # near-ties stay undecided


# Scopes


def test_scopes_are_ranges_for_all_positions_or_for_each(audit: Audit) -> None:
    model = random_model(2, v=4, n=3)
    scopes = {"1..3": [(1, 3)] * 3, "0..3 2..2 1..2": [(0, 3), (2, 2), (1, 2)], "": None}
    lines = ["name,metric,reported,scope"]
    lines += [f"{i},accuracy,{truth(model, s).count('right')}/{truth(model, s).total},{text}" for i, (text, s) in enumerate(scopes.items())]
    report = audit("\n".join(lines), model)
    assert (report.exit_code, report.verdicts) == (0, ["PROVED"] * 3)
    assert [row["total"] for row in report.rows] == [27, 8, 64]
    rows = [{"name": "a", "metric": "accuracy", "reported": "0.5", "scope": [[1, 3], [1, 3], [0, 3]]}]
    assert audit(json.dumps(rows), model).rows[0]["total"] == 36


def test_the_number_of_another_scope_is_refuted(audit: Audit) -> None:
    text = f"name,metric,reported,scope\nall,accuracy,{RIGHT},\nsmall,accuracy,{RIGHT},0..4"
    assert audit(text, IMPERFECT).verdicts == ["PROVED", "REFUTED"]


# Files


def test_json_numbers_are_read_exactly(audit: Audit) -> None:
    for text in (
        '[{"name": "a", "metric": "accuracy", "reported": %s}]',
        '{"rows": [{"name": "a", "metric": "accuracy", "reported": %s}]}',
    ):
        assert audit(text % "0.250", SLIP).rows[0]["reported"] == "1/4"
        assert audit(text % "2.5e-1", SLIP).verdicts == ["PROVED"]
        assert audit(text % '"0.2500000000000000000001"', SLIP).verdicts == ["REFUTED"]


HEAD = "name,metric,reported\n"
REFUSED = {
    "nothing": ("", "no-rows", ""),
    "a header alone": (HEAD, "no-rows", ""),
    "a word": (HEAD + "a,accuracy,0.5\nb,accuracy,high", "not-a-number", "row 2, reported"),
    "a percentage": (HEAD + "a,accuracy,95%", "not-a-number", "row 1, reported"),
    "more than one": (HEAD + "a,accuracy,1.01", "out-of-range", "row 1, reported"),
    "a negative number": (HEAD + "a,accuracy,-0.5", "not-a-number", "row 1, reported"),
    "NaN": (HEAD + "a,accuracy,NaN", "not-a-number", "row 1, reported"),
    "a fraction of nothing": (HEAD + "a,accuracy,1/0", "not-a-number", "row 1, reported"),
    "other digits": (HEAD + "a,accuracy,0.\u0665", "not-a-number", "row 1, reported"),
    "a huge exponent": (HEAD + "a,accuracy,1e-99999", "not-a-number", "row 1, reported"),
    "another metric": (HEAD + "a,loss,0.5", "unknown-metric", "row 1, metric"),
    "an answer that is never given, sometimes": (HEAD + "a,never=0,0.5", "out-of-range", "row 1, reported"),
    "a number of 900 digits": (HEAD + "a,accuracy,0.5e-900", "limit-fraction-digits", "row 1, reported"),
    "a missing cell": (HEAD + "a,accuracy", "wrong-cells", "row 1"),
    "an empty cell": (HEAD + "a,,0.5", "missing-cell", "row 1, metric"),
    "an unknown function": ("name,metric,reported,function\na,accuracy,0.5,float16", "unknown-word", "row 1, function"),
    "a misspelt scope": ("name,metric,reported,scpoe\na,accuracy,0.5,0..1", "unknown-column", "row 1"),
    "no column of numbers": ("name,metric\na,accuracy", "missing-cell", "row 1, reported"),
    "a column twice": ("name,metric,reported,reported\na,accuracy,0.5,0.6", "duplicate-column", ""),
    "a scope in words": ("name,metric,reported,scope\na,accuracy,0.5,all", "bad-scope", "row 1, scope"),
    "an empty scope": ("name,metric,reported,scope\na,accuracy,0.5,3..2", "bad-scope", "row 1, scope"),
    "a scope of two positions": ("name,metric,reported,scope\na,accuracy,0.5,0..1 0..1", "bad-scope", "row 1, scope"),
    "a scope outside the vocabulary": ("name,metric,reported,scope\na,accuracy,0.5,0..10", "bad-scope", "row 1, scope"),
    "half of a JSON file": ('[{"name": "a"', "not-json", ""),
    "JSON NaN": ('[{"name": "a", "metric": "accuracy", "reported": NaN}]', "not-a-number", ""),
    "a JSON key twice": ('[{"name": "a", "metric": "accuracy", "reported": 0.1, "reported": 0.2}]', "duplicate-key", ""),
    "a JSON list of words": ('["a"]', "wrong-type", "row 1"),
    "a JSON object of something else": ('{"columns": []}', "unknown-field", ""),
    "a JSON boolean": ('[{"name": "a", "metric": "accuracy", "reported": true}]', "missing-cell", "row 1, reported"),
    "deep nesting": ("[" * 100_000, "not-json", ""),
}


@pytest.mark.parametrize("case", REFUSED)
def test_malformed_files_are_refused_in_one_line_with_the_place(case: str, audit: Audit) -> None:
    text, code, clause = REFUSED[case]
    report = audit(text, IMPERFECT)
    assert report.exit_code == 3
    assert report.document["verdict"] is None
    assert (report.document["reason"]["code"], report.document["reason"]["clause"]) == (code, clause)
    assert report.message.count("\n") == 1


def test_existing_files_are_kept_without_force(audit: Audit, tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    assert audit(["0.5"], TINY, "-o", out).exit_code == 0
    assert audit(["0.5"], TINY, "-o", out).document["reason"]["code"] == "file-exists"
    assert audit(["0.5"], TINY, "-o", out, "--force").exit_code == 0


def test_the_report_for_people_says_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "reported.csv"
    path.write_text(HEAD + "table 1,accuracy,0.9\ntable 2,accuracy,0.5\n")
    assert main(["audit", str(path), str(IMPERFECT), "--counterexamples", "1", "--reproduce", "cubic"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("REFUTED table 1: accuracy >= 0.9 reported, ")
    assert lines[0].endswith(" to 0.876300 certified")
    assert any(line.startswith("PROVED table 2: accuracy >= 0.5 reported") for line in lines)
    assert any("UNTRUSTED" in line for line in lines)


# What the published rule reports


def test_what_the_published_rule_reports_on_the_crafted_model_is_refuted(audit: Audit) -> None:
    published = reproduce(read_model(SLIP.read_bytes(), file="slip"), PUBLISHED_DEFAULT)
    right = truth(from_file(SLIP.read_bytes())).count("right")
    assert (published.count, right) == (18, 16)
    report = audit([str(published.bound), f"{right}/64"], SLIP, "--reproduce", "published")
    assert (report.exit_code, report.verdicts) == (1, ["REFUTED", "PROVED"])
    assert report.rows[0]["certified_upper"] == "1/4"
    reproduced = {row["strategy"]: row for row in report.document["reproduced"]}
    assert tuple(reproduced) == PAPER_ROWS
    default = reproduced[PUBLISHED_DEFAULT]
    assert (default["published"], default["verdict"], default["sound"], default["certified"]) == ("9/32", "REFUTED", False, "1/4")
    assert (default["groups_without_justification"], default["wrong_inputs_certified"]) == (4, 4)
    assert {(group["maximum"], group["query"]) for group in default["unjustified"]} == {(7, 0), (7, 1), (7, 2), (7, 3)}
    assert all("UNTRUSTED" in row["trust"] for row in reproduced.values())
    assert reproduced["cubic"]["sound"]


def test_without_reproductions_the_report_is_rows_alone(audit: Audit) -> None:
    assert set(audit(["0.5"], TINY).document) == {"rows"}


def test_unknown_strategies_are_misuse(audit: Audit) -> None:
    assert audit(["0.5"], TINY, "--reproduce", "cubic,exact").document["reason"]["code"] == "unknown-strategy"


# Models that deceive


def floats(rows: int, columns: int, value: float) -> tuple[str, list[int], bytes]:
    return "F32", [rows, columns], pack([value] * (rows * columns), "F32")


FOREIGN = {
    "an MLP": ("blocks.0.mlp.W_in", lambda m: floats(8, 8, 3.0), "unknown-tensor"),
    "a zero MLP": ("blocks.0.mlp.W_in", lambda m: floats(8, 8, 0.0), "unknown-tensor"),
    "a LayerNorm": ("blocks.0.ln1.w", lambda m: floats(1, 8, 1.0), "unknown-tensor"),
    "a query bias": ("blocks.0.attn.b_Q", lambda m: floats(1, m.h, 1e-30), "unknown-tensor"),
    "an unembedding bias": ("unembed.b_U", lambda m: floats(1, m.v, 5.0), "unknown-tensor"),
    "a second layer": ("blocks.1.attn.W_Q", lambda m: floats(8, 8, 0.0), "unknown-tensor"),
}


@pytest.mark.parametrize("case", FOREIGN)
def test_what_the_architecture_has_not_is_refused_and_never_ignored(case: str, audit: Audit, tmp_path: Path) -> None:
    """The published code drops these in silence and reports a bound for another model."""
    model = from_file(TINY.read_bytes())
    name, tensor, code = FOREIGN[case]
    path = tmp_path / "foreign.safetensors"
    path.write_bytes(safetensors({**model.tensors(), name: tensor(model)}, model.metadata))
    report = audit(["0.5"], path, "--reproduce", "published")
    assert report.exit_code == 3
    assert report.document["reason"]["code"] == code
    assert name in report.message


def test_a_mask_that_hides_a_position_is_refused(audit: Audit, tmp_path: Path) -> None:
    model = from_file(TINY.read_bytes())
    path = tmp_path / "masked.safetensors"
    mask = ("BOOL", [model.n, model.n], bytes(model.n * model.n))
    path.write_bytes(safetensors({**model.tensors(), "blocks.0.attn.mask": mask}))
    assert audit(["0.5"], path).exit_code == 3


FLOAT_RUNS = ("brute-force", "cubic", PUBLISHED_DEFAULT)


def raised(model: TinyModel, constant: float, step: float) -> TinyModel:
    """A constant added to every row of W_U, whose entries are first rounded so that the sum is exact in float32: the same function."""
    unembed: Rows = [[round(x / step) * step + constant for x in row] for row in model.weights["W_U"]]
    return TinyModel({**model.weights, "W_U": unembed}, f"raised by {constant}")


def test_a_constant_on_every_row_of_the_unembedding_fools_float32_and_not_the_certificate(audit: Audit) -> None:
    tiny = from_file(TINY.read_bytes())
    plain, fool = raised(tiny, 0.0, 0.5), raised(tiny, 2.0**22, 0.5)
    for model in (plain, fool):
        assert from_file(model.stored("F32")).weights == model.weights  # float32 holds them exactly
    right = truth(plain).count("right")
    assert right == truth(fool).count("right") == 512  # the same function
    runs = [[reproduce(read_model(model.data, file="x"), name, dtype=np.float32).count for model in (plain, fool)] for name in FLOAT_RUNS]
    assert all(before != after for before, after in runs)  # another number, for the same function
    report = audit(["512/512", str(Fraction(runs[0][1], 512))], fool)
    assert report.verdicts == ["PROVED", "PROVED"]
    assert report.rows[0]["certified_lower"] == "1/1"


def test_a_constant_too_large_even_for_float64_is_survived(audit: Audit) -> None:
    """The search for wrong inputs runs in float64 and is misled; the kernel drops what it cannot confirm."""
    for seed in (4, 10):
        fool = raised(random_model(seed, v=4, n=3), 2.0**50, 2.0**-2)
        right = truth(fool).count("right")
        report = audit([f"{right}/64", f"{right + 1}/64"], fool)
        assert report.verdicts[0] != "REFUTED"
        assert report.verdicts[1] != "PROVED"
        assert all(Fraction(row["certified_lower"]) <= Fraction(right, 64) <= Fraction(row["certified_upper"]) for row in report.rows)


def test_the_winning_output_is_the_largest_wrong_one() -> None:
    model = FloatModel(read_model(SLIP.read_bytes(), file="slip"))
    rows = worst_outputs(model, np.array([[0, 0], [7, 0], [7, 6], [2, 1]]))
    assert rows.tolist() == [[0, 0, 2], [7, 0, 2]]


ANOTHER_TASK = {
    "the least": {"name": "min", "positions": 3},
    "fewer positions": {"name": "max", "positions": 2},
    "a fixed token": {"name": "max", "positions": 3, "fixed": [[1, 0]]},
    "read elsewhere": {"name": "max", "positions": 3, "read": 0},
}


@pytest.mark.parametrize("task", ANOTHER_TASK.values(), ids=ANOTHER_TASK)
@pytest.mark.parametrize("command", ["float32", "noise"])
def test_a_model_of_another_task_is_refused(command: str, task: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is proved about the largest token is no accuracy of a model whose file says that it answers with another one."""
    model = copying(random.Random("another task"), 4, 3, noise=0.1, slope=1.0, copy=4.0)
    path = tmp_path / "made.safetensors"
    program = read_model(model.data, file="model").network.program.json
    path.write_bytes(with_network(model.data, program, {"task": task}))
    assert main([command, str(path)]) == 3
    assert "task-misfit" in capsys.readouterr().err
    path.write_bytes(with_network(model.data, program, {"task": task, "max": {"name": "max", "positions": 3}}))
    assert read_model(path.read_bytes(), file="model").positions == 3


@pytest.mark.parametrize("task", ANOTHER_TASK.values(), ids=ANOTHER_TASK)
def test_commands_for_all_tasks_are_about_the_task_of_the_file(
    task: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("verifier.commands.frontier.draw_all", lambda *arguments, **more: [])
    model = copying(random.Random("another task"), 4, 3, noise=0.1, slope=1.0, copy=4.0)
    path, rows, out = tmp_path / "made.safetensors", tmp_path / "reported.csv", tmp_path / "out"
    rows.write_text("name,metric,reported\nmain,accuracy,1/64\n")
    path.write_bytes(with_network(model.data, read_model(model.data, file="model").network.program.json, {"task": task}))
    assert main(["estimate", str(path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["task"] == task
    assert main(["audit", str(rows), str(path), "-o", str(out), "--json"]) == 0
    audited = json.loads(capsys.readouterr().out)["rows"][0]
    assert json.loads(Path(audited["statement"]).read_text())["subject"]["task"] == task
    assert main(["frontier", str(path), "--strategies", "every-input", "-o", str(out), "--workers", "1", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["task"] == task
    assert float(Fraction(document["rows"][0]["proved"])) == found["value"] == audited["estimate"]["value"]
