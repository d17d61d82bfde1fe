"""`verifier frontier`: every strategy becomes a row, finished work is not done twice, and the figures show it."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from matplotlib.text import Text

from tests.models import network, random_model
from verifier.cli import main
from verifier.frontier import rows as frontier_rows
from verifier.frontier import runs as frontier
from verifier.frontier.brute_force import by_formula
from verifier.frontier.figures import MEASURES, draw
from verifier.frontier.rows import (
    COLUMNS,
    Row,
    best_per_class,
    pareto,
    proof_paths,
    question_of,
    rounded,
    row_path,
    stored_row,
)
from verifier.frontier.runs import make_rows, select
from verifier.networks.attention_only import read_model
from verifier.networks.finding import find_network, find_task, with_network
from verifier.networks.subjects import make_subject
from verifier.plotting.labels import place_labels
from verifier.strategies import STRATEGIES, Strategy
from verifier.strategies.target import Target
from verifier.system.budget import OutOfTime, memory_limited, peak_mebibytes, reset_peak, seconds_limited

MODELS = Path(__file__).parent.parent / "certificates" / "models"
TINY = MODELS / "tiny.safetensors"
COLUMNS_OF_THE_CONTRACT = [
    "strategy",
    "published",
    "cost_class",
    "metric",
    "relation",
    "verdict",
    "proved",
    "certified",
    "wrong",
    "undecided",
    "total",
    "bound",
    "flops",
    "integer_operations",
    "operations",
    "log2_operations",
    "unexplained_dimension",
    "certificate_bytes",
    "prove_seconds",
    "check_seconds",
    "brute_force_ratio",
    "peak_memory_mib",
    "reason",
]


@pytest.fixture(autouse=True)
def known_strategies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two strategies that are quick on a tiny model, whatever else the table has."""
    chosen = {name: STRATEGIES[name] for name in ("brute-force", "cubic")}
    monkeypatch.setattr(frontier, "STRATEGIES", chosen)


def add_strategy(monkeypatch: pytest.MonkeyPatch, name: str, steps: Callable[..., Any], *, published: bool = False) -> None:
    strategy = Strategy(name=name, cost_class="v", summary="a test", steps=steps, published=published)
    monkeypatch.setattr(frontier, "STRATEGIES", {**frontier.STRATEGIES, name: strategy})


def target_of(model: Path) -> Target:
    """The accuracy over all inputs of the only task in a weights file."""
    found = find_network(None, model.read_bytes(), file=str(model))
    return Target(found.network, make_subject(found.network, find_task(None, found).task))


def rows_of(model: Path, folder: Path, names: list[str], **options: Any) -> list[Row]:
    return make_rows(names, target_of(model), model.read_bytes(), folder, file=str(model), **options)


# The command


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A frontier of the tiny model."""
    place = tmp_path_factory.mktemp("frontier")
    assert main(["frontier", str(TINY), "--strategies", "brute-force,cubic", "-o", str(place), "--workers", "1"]) == 0
    return place


def test_the_csv_has_the_promised_columns_and_a_row_for_each_strategy(folder: Path) -> None:
    with (folder / "frontier.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == COLUMNS_OF_THE_CONTRACT == list(COLUMNS)
    assert [row["strategy"] for row in rows] == ["brute-force", "cubic"]
    exact = rows[0]
    assert (exact["verdict"], exact["proved"], exact["bound"], exact["published"]) == ("PROVED", "1/1", "1.000000000", "true")
    assert (exact["certified"], exact["wrong"], exact["undecided"], exact["total"]) == ("512", "0", "0", "512")
    longer = by_formula(read_model(TINY.read_bytes(), file="tiny")) / int(exact["operations"])
    assert float(exact["brute_force_ratio"]) == float(f"{longer:.4g}")
    assert exact["reason"] == ""


def test_the_json_has_the_same_rows(folder: Path) -> None:
    document = json.loads((folder / "frontier.json").read_bytes())
    with (folder / "frontier.csv").open(newline="") as stream:
        for row, cells in zip(document["rows"], csv.DictReader(stream), strict=True):
            assert list(row) == list(cells)
            assert str(row["operations"]) == cells["operations"]
    operations = by_formula(read_model(TINY.read_bytes(), file="tiny"))
    assert document["brute_force"] == {"strategy": "brute-force", "operations": operations, "measured": False}
    assert "never a bound" in document["sampled"]["note"]


def test_every_row_has_its_certificate_and_the_kernel_accepts_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("brute-force", "cubic"):
        statement, certificate = proof_paths(folder, name)
        assert main(["check", str(statement), str(certificate), str(TINY), "--json"]) == 0
        verdict = json.loads(capsys.readouterr().out)
        row = stored_row(folder, name, question_of(target_of(TINY)))
        assert row is not None
        assert verdict["proved"] == row.proved
        assert verdict["operations"] == row.operations
        assert verdict["certificate_bytes"] == row.certificate_bytes


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.column)
def test_each_measure_has_a_png_and_an_svg(measure: Any, folder: Path) -> None:
    png, svg = (folder / f"{measure.name}.{suffix}" for suffix in ("png", "svg"))
    assert png.read_bytes().startswith(b"\x89PNG")
    assert png.stat().st_size > 20_000
    text = svg.read_text()
    assert all(word in text for word in ("brute-force", "cubic", "Pareto frontier", "logarithmic"))


def test_a_second_run_does_no_work(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("proved again")

    before = {path: path.stat().st_mtime_ns for path in (folder / "rows").iterdir()}
    table = (folder / "frontier.csv").read_bytes()
    monkeypatch.setattr(frontier, "prove", refuse)
    assert main(["frontier", str(TINY), "--strategies", "brute-force,cubic", "-o", str(folder), "--workers", "2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads((folder / "frontier.json").read_bytes())
    assert {path: path.stat().st_mtime_ns for path in (folder / "rows").iterdir()} == before
    assert (folder / "frontier.csv").read_bytes() == table


def test_the_folder_of_another_model_is_not_overwritten(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = MODELS / "imperfect.safetensors"
    assert main(["frontier", str(other), "--strategies", "cubic", "-o", str(folder)]) == 3
    assert "--force" in capsys.readouterr().err


def test_two_processes_make_the_same_rows(tmp_path: Path) -> None:
    alone = rows_of(TINY, tmp_path / "one", ["brute-force", "cubic"])
    together = rows_of(TINY, tmp_path / "two", ["brute-force", "cubic"], workers=2)
    for one, two in zip(alone, together, strict=True):
        measured = ("prove_seconds", "check_seconds", "peak_memory_mib")
        assert all(getattr(one, name) == getattr(two, name) for name in COLUMNS if name not in measured)


def test_a_killed_process_becomes_a_row_and_the_others_go_on(tmp_path: Path) -> None:
    """In a process of its own, because the strategy that dies must be in the table of the workers too."""
    script = tmp_path / "deadly.py"
    script.write_text(
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from verifier.frontier import runs as frontier\n"
        "from tests.test_frontier import target_of\n"
        "from verifier.strategies import STRATEGIES, Strategy\n"
        "def die(model, subject):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "frontier.STRATEGIES = {'deadly': Strategy('deadly', 'v', '', die), 'cubic': STRATEGIES['cubic']}\n"
        "if __name__ == '__main__':\n"
        "    data, target = Path(sys.argv[1]).read_bytes(), target_of(Path(sys.argv[1]))\n"
        "    for row in frontier.make_rows(['deadly', 'cubic'], target, data, Path(sys.argv[2]), file='m', workers=2):\n"
        "        print(row.strategy, row.verdict, row.reason)\n"
    )
    environment = os.environ | {"PYTHONPATH": str(MODELS.parent.parent)}
    done = subprocess.run(
        [sys.executable, str(script), str(TINY), str(tmp_path / "out")], capture_output=True, text=True, env=environment, check=True
    )
    assert done.stdout.splitlines() == ["deadly None internal error: its process was killed", "cubic PROVED None"]


# Failures are rows


def test_a_bug_in_a_strategy_is_a_row_and_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def fail(*_: Any) -> None:
        calls.append(1)
        raise ZeroDivisionError("by\nzero")

    add_strategy(monkeypatch, "buggy", fail)
    for _ in range(2):
        row, other = rows_of(TINY, tmp_path, ["buggy", "cubic"])
        assert (row.verdict, row.reason) == (None, "internal error: ZeroDivisionError: by zero")
        assert other.is_proved
    assert len(calls) == 2


def test_a_refused_certificate_is_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_strategy(monkeypatch, "wrong", lambda model, subject: [])
    (row,) = rows_of(TINY, tmp_path, ["wrong"])
    assert row.verdict == "REJECTED"
    assert row.reason is not None
    assert "no-bound" in row.reason


def test_running_out_of_time_is_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(*_: Any) -> None:
        while True:
            pass

    add_strategy(monkeypatch, "endless", endless)
    (row,) = rows_of(TINY, tmp_path, ["endless"], seconds=0.2)
    assert row.reason == "out-of-time: not finished after 0.2 seconds"


def test_brute_force_is_not_begun_where_it_cannot_end(tmp_path: Path) -> None:
    large = tmp_path / "large.safetensors"
    model = random_model(0, v=30, n=8)
    large.write_bytes(with_network(model.data, network(model.h), {"max": {"name": "max", "positions": 8}}))
    (row,) = rows_of(large, tmp_path / "out", ["brute-force"])
    assert row.verdict is None
    assert row.reason is not None
    assert "too-many-wrong-inputs" in row.reason


def test_a_failed_strategy_makes_the_exit_code_2_and_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    add_strategy(monkeypatch, "wrong", lambda model, subject: [])
    assert main(["frontier", str(TINY), "--strategies", "all", "-o", str(tmp_path / "out"), "--workers", "1"]) == 2
    assert "no proof by wrong: REJECTED" in capsys.readouterr().out


# What makes a stored row stale


def stale(folder: Path, name: str = "cubic") -> bool:
    return stored_row(folder, name, question_of(target_of(TINY))) is None


@pytest.fixture
def one_row(tmp_path: Path) -> Path:
    rows_of(TINY, tmp_path, ["cubic"])
    assert not stale(tmp_path)
    return tmp_path


def test_other_code_makes_a_row_stale(one_row: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frontier_rows, "code_digest", lambda: "sha256:other")
    assert stale(one_row)


def test_another_model_makes_a_row_stale(one_row: Path) -> None:
    assert stored_row(one_row, "cubic", "sha256:other") is None


def test_a_lost_certificate_makes_a_row_stale(one_row: Path) -> None:
    proof_paths(one_row, "cubic")[1].unlink()
    assert stale(one_row)


def test_half_a_row_is_stale(one_row: Path) -> None:
    path = row_path(one_row, "cubic")
    path.write_bytes(path.read_bytes()[:50])
    assert stale(one_row)


def test_force_makes_rows_again(one_row: Path) -> None:
    before = row_path(one_row, "cubic").stat().st_mtime_ns
    rows_of(TINY, one_row, ["cubic"], force=True)
    assert row_path(one_row, "cubic").stat().st_mtime_ns > before


# Words, numbers and conclusions


def test_words_stand_for_strategies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, published in (("subcubic/a/b/c", True), ("counting", False)):
        add_strategy(monkeypatch, name, lambda model, subject: [], published=published)
    about = target_of(TINY)
    assert select("all", about) == ["brute-force", "cubic", "subcubic/a/b/c", "counting"]
    assert select("published", about) == ["brute-force", "cubic", "subcubic/a/b/c"]
    assert select("ours, cubic", about) == ["cubic", "counting"]
    assert select("subcubic/*", about) == ["subcubic/a/b/c"]


def test_an_unknown_word_is_misuse(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["frontier", str(TINY), "--strategies", "cubic,nonsense", "-o", str(tmp_path)]) == 3
    assert "nonsense" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("fraction", "text"), [("1/3", "0.333333333"), ("2/3", "0.666666666"), ("1/1", "1.000000000"), ("0/1", "0.0" + "0" * 8)]
)
def test_a_bound_is_rounded_to_the_side_of_its_relation(fraction: str, text: str) -> None:
    assert rounded(Fraction(fraction)) == text
    assert rounded(1 - Fraction(fraction), "<=") == rounded(1 - Fraction(text))


def test_brute_force_is_as_long_as_all_sums_of_all_inputs() -> None:
    """Three positions: for each input and wrong output two additions of terms, and the two comparisons; first sums are shared."""
    model = read_model((MODELS / "tiny.safetensors").read_bytes(), file="tiny")
    v, inputs = model.vocabulary, model.vocabulary**3
    assert 2 * inputs * (v - 1) < by_formula(model) < 3 * inputs * (v - 1)


def proved(name: str, certified: int, operations: int, *, published: bool = False, undecided: int = 1, cost_class: str = "v") -> Row:
    values = {"proved": f"{certified}/1000", "certified": certified, "wrong": 0, "undecided": undecided, "total": 1000}
    measures = {"operations": operations, "unexplained_dimension": operations // 3, "certificate_bytes": operations // 2}
    return Row(name, published, cost_class, verdict="PROVED", **values, **measures)


def test_the_frontier_keeps_what_no_other_beats() -> None:
    rows = [proved("a", 500, 10), proved("b", 400, 20), proved("c", 900, 20), proved("d", 900, 30), proved("e", 950, 40)]
    assert [row.strategy for row in pareto([*rows, Row("f", True, "v")], "operations")] == ["a", "c", "e"]


def test_the_best_of_a_class_is_published_or_ours() -> None:
    rows = [proved("a", 500, 10), proved("b", 600, 20), proved("c", 600, 15), proved("d", 700, 9, published=True), Row("e", False, "w")]
    assert {key: row.strategy for key, row in best_per_class(rows).items()} == {("v", False): "c", ("v", True): "d"}


# Figures


def crowd() -> list[Row]:
    """As many rows as a full run has, many of them in one place."""
    name = "subcubic/skip{}/mean_query+diff/error{}"
    published = [proved(name.format(i % 5, i), 300 + 4 * i, 2**21 + 5000 * i, published=True) for i in range(100)]
    ours = [proved(f"strategy-{i}", 980 + i, 2**22 + 90_000 * i) for i in range(12)]
    return [*published, *ours, proved("exact", 1000, 2**23, undecided=0), proved("brute-force", 1000, 2**31, published=True, undecided=0)]


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.column)
def test_labels_of_a_crowd_overlap_neither_each_other_nor_leave_the_axes(measure: Any) -> None:
    figure = draw(crowd(), measure, title="a crowd", reference=("brute force", 2**31))
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    for axes in figure.axes[:2]:
        boxes = [Text.get_window_extent(text, renderer) for text in axes.texts if hasattr(text, "arrowprops")]
        assert len(boxes) >= 5
        for index, box in enumerate(boxes):
            assert not any(box.overlaps(other) for other in boxes[index + 1 :])
            assert axes.get_window_extent().padded(1).count_contains(box.corners()) == 4


def test_a_label_that_finds_no_place_is_reported() -> None:
    figure = draw([proved("a", 900, 2**21)], MEASURES[0], title="narrow")
    axes = figure.axes[0]
    point = (float(2**21), 0.9)
    assert place_labels(axes, [(point, "w" * 500)], [point]) == ["w" * 500]


def words_of(figure: Any) -> str:
    return " ".join([figure.get_suptitle(), *(text.get_text() for axes in figure.axes for text in axes.texts)])


def test_figures_with_nothing_to_compare_say_so() -> None:
    assert "one proof" in words_of(draw([proved("a", 900, 2**21)], MEASURES[0], title="x"))
    assert "nothing to see" in words_of(draw([], MEASURES[0], title="x"))
    assert "one proof" not in words_of(draw([proved("a", 900, 2**21), proved("b", 901, 2**22)], MEASURES[0], title="x"))


@pytest.mark.parametrize(("cost", "arrow"), [(2**3, "←"), (2**60, "→")])
def test_a_reference_that_is_out_of_sight_is_pointed_at(cost: int, arrow: str) -> None:
    rows = [proved("a", 900, 2**21), proved("b", 901, 2**22)]
    assert arrow in words_of(draw(rows, MEASURES[0], title="x", reference=("brute force", cost)))


def test_the_legend_names_what_is_shown_alone() -> None:
    named = [text.get_text() for text in draw([proved("a", 900, 2**21)], MEASURES[0], title="x").legends[0].get_texts()]
    assert "this project's strategies" in named
    assert not any("published" in name for name in named)


def test_a_figure_without_any_proof_can_be_drawn() -> None:
    assert draw([Row("a", False, "v", reason="none")], MEASURES[0], title="empty", reference=("brute force", 2**40)).axes


# Budgets


def test_the_clock_is_stopped_in_time() -> None:
    with seconds_limited(60):
        pass
    with pytest.raises(OutOfTime), seconds_limited(0.05):
        time.sleep(10)


def test_an_allocation_beyond_the_limit_fails_here() -> None:
    with memory_limited(64), pytest.raises(MemoryError):
        bytearray(1 << 30)
    assert len(bytearray(1 << 27)) == 1 << 27


def test_the_peak_is_that_of_the_work_alone() -> None:
    bytearray(b"x" * (1 << 28))
    reset_peak()
    before = peak_mebibytes()
    if before is None:
        pytest.skip("no /proc here")
    kept = bytearray(b"x" * (1 << 26))
    after = peak_mebibytes()
    assert after is not None
    assert 60 <= after - before <= 200
    assert kept
