"""`verifier report`: the page says what the check says, whatever the files are; nothing in them reaches the page unescaped."""

from __future__ import annotations

import json
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tests.models import safetensors
from tests.networks import small_network
from tests.pages import Page, browser, screenshot
from verifier.cli import main
from verifier.fast import FastArithmetic
from verifier.kernel.errors import VerifierError
from verifier.kernel.verdict import check
from verifier.networks.finding import with_network
from verifier.networks.metadata import with_metadata
from verifier.report.page import Files, make_report

ROOT = Path(__file__).parent.parent
CERTIFICATES = ROOT / "certificates"
CASES = sorted(path.parent for path in CERTIFICATES.glob("*/*/expected.json"))
MODEL = CERTIFICATES / "models" / "imperfect.safetensors"
IMPERFECT = CERTIFICATES / "accepted" / "imperfect-cubic"
INCOMPLETE = CERTIFICATES / "rejected" / "claim-a-hair-more"
FALSE = CERTIFICATES / "rejected" / "tables-swapped"


def files_of(case: Path) -> tuple[Path, Path, Path]:
    expected = json.loads((case / "expected.json").read_text())
    return case / "statement.json", case / "certificate.json", case / expected["model"]


def contents(case: Path) -> Files:
    statement, certificate, model = (path.read_bytes() for path in files_of(case))
    return Files(statement, certificate, model)


def report(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = main(["report", *map(str, arguments)])
    shown = capsys.readouterr()
    return code, shown.out, shown.err


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # numpy reports an overflow; an infinite end is a true one
@pytest.mark.parametrize("case", CASES[::4], ids=lambda case: f"{case.parent.name}/{case.name}")
def test_the_page_of_a_case_says_what_the_check_says(case: Path) -> None:
    files = contents(case)
    try:
        verdict = check(files.statement, files.certificate, files.model, FastArithmetic())
    except VerifierError as refusal:
        with pytest.raises(type(refusal), match=refusal.code):
            make_report(files, FastArithmetic())
        return
    made = make_report(files, FastArithmetic())
    assert made.verdict.word == verdict.word
    require_page(made.html, proved=verdict.word == "PROVED")
    if verdict.bound is not None and verdict.bound.metric == "accuracy":
        assert f"{verdict.bound.certified:,}" in made.html


def require_page(html: str, *, proved: bool) -> Page:
    """A page is one file that runs nothing and loads nothing, and says one of two things."""
    page = Page(html)
    assert not {"script", "iframe", "object", "embed", "link", "form"} & set(page.tags)
    for tag, name, value in page.attributes:
        assert not name.startswith("on"), (tag, name)
        if name in ("href", "src", "xlink:href"):
            assert value.startswith(("#", "data:image/png;base64,")), value
    assert "url(http" not in html
    ids = [value for _, name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    anchors = {value[1:] for tag, name, value in page.attributes if tag == "a" and name == "href"}
    assert anchors <= set(ids)
    assert page.text.count("NOT PROVED") == (0 if proved else 2)  # the title and the verdict
    assert ("PROVED" in page.text.replace("NOT PROVED", "")) == proved
    assert ("For a paper" in page.headings) == proved
    return page


def test_the_page_has_what_a_reviewer_needs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    statement, certificate, model = files_of(IMPERFECT)
    code, out, err = report(capsys, statement, certificate, model, "-o", tmp_path / "page.html")
    assert (code, err) == (0, "")
    assert out.startswith("PROVED ")
    text = require_page((tmp_path / "page.html").read_text(), proved=True).text
    assert f"verifier check {statement} {certificate} {model}" in text
    subject = json.loads(statement.read_text())["subject"]
    assert subject["model"] in text
    assert json.loads(certificate.read_text())["subject"] in text
    for words in ("What is not claimed", "What has to be believed", "Close calls", "By group", "lines of code", "a tie is wrong"):
        assert words in text
    assert f"accuracy >= {json.loads(statement.read_text())['claim']['bound']}" in text
    claimed = Fraction(json.loads(statement.read_text())["claim"]["bound"])
    total = int(re.search(r"In scope are ([\d,]+) inputs", text)[1].replace(",", ""))  # type: ignore[index]
    assert f"{-(-claimed.numerator * total // claimed.denominator):,} inputs" in text


@pytest.mark.parametrize(("case", "code", "word"), [(INCOMPLETE, 2, "INCOMPLETE"), (FALSE, 1, "REJECTED")])
def test_what_is_not_proved_gets_a_page_that_says_so(
    case: Path, code: int, word: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    got, out, _ = report(capsys, *files_of(case), "-o", tmp_path / "page.html", "--json")
    assert got == code
    assert json.loads(out)["verdict"] == word
    require_page((tmp_path / "page.html").read_text(), proved=False)


@pytest.mark.parametrize("emptied", range(3))
def test_an_empty_file_makes_no_page(emptied: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = list(files_of(IMPERFECT))
    paths[emptied] = tmp_path / "empty"
    paths[emptied].write_bytes(b"")
    code, out, err = report(capsys, *paths, "-o", tmp_path / "page.html")
    assert (code, out) == (3, "")
    assert err.count("\n") == 1
    assert not (tmp_path / "page.html").exists()


@pytest.mark.parametrize("order", [(1, 0, 2), (2, 1, 0), (0, 2, 1), (0, 0, 2)], ids=str)
def test_foreign_files_make_no_page(order: tuple[int, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = files_of(IMPERFECT)
    code, _, _ = report(capsys, *(paths[index] for index in order), "-o", tmp_path / "page.html")
    assert code == 3
    assert not (tmp_path / "page.html").exists()


def test_another_models_certificate_makes_no_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    statement, certificate, _ = files_of(IMPERFECT)
    for foreign in (CERTIFICATES / "models" / "tiny.safetensors", CERTIFICATES / "models" / "max-of-4.safetensors"):
        assert report(capsys, statement, certificate, foreign, "-o", tmp_path / "page.html")[0] == 3
    other = CERTIFICATES / "accepted" / "tiny-cubic" / "certificate.json"
    assert report(capsys, statement, other, MODEL, "-o", tmp_path / "page.html")[0] == 3
    assert not (tmp_path / "page.html").exists()


def test_a_claim_doctored_after_the_proof_is_not_proved(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Attack: the statement's bound raised; the certificate is tied to the subject alone and still fits."""
    statement, certificate, model = files_of(IMPERFECT)
    doctored = json.loads(statement.read_text())
    doctored["claim"]["bound"] = "1/1"
    (tmp_path / "statement.json").write_text(json.dumps(doctored))
    code, _, _ = report(capsys, tmp_path / "statement.json", certificate, model, "-o", tmp_path / "page.html")
    assert code == 2
    require_page((tmp_path / "page.html").read_text(), proved=False)


def test_the_words_of_a_file_are_not_believed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Attack: a page, or metadata, that says PROVED."""
    statement, certificate, model = files_of(INCOMPLETE)
    (tmp_path / "model").write_bytes(with_metadata(model.read_bytes(), {"verdict": "PROVED accuracy >= 1"}))
    (tmp_path / "page.html").write_text("PROVED")
    code, _, err = report(capsys, statement, certificate, tmp_path / "model", "-o", tmp_path / "page.html")
    assert code == 3
    assert "--force" in err
    assert report(capsys, statement, certificate, tmp_path / "model", "-o", tmp_path / "page.html", "--force")[0] == 2
    assert "accuracy >= 1" not in require_page((tmp_path / "page.html").read_text(), proved=False).text


SCRIPT = "</pre><script>alert(1)</script><img src=x onerror=alert(2)>"


def test_names_of_strangers_are_escaped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Attacks: markup as the name of a tensor, of the network, of a file; metadata."""
    program, data = small_network()
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    body = data[8 + int.from_bytes(data[:8], "little") :]
    renamed = {SCRIPT if name == "U" else name: entry for name, entry in header.items()}
    tensors: dict[str, Any] = {
        name: (entry["dtype"], entry["shape"], body[slice(*entry["data_offsets"])]) for name, entry in renamed.items()
    }
    program = json.loads(json.dumps(program).replace('"U"', json.dumps(SCRIPT)))
    weights = with_network(safetensors(tensors), program, {"max": {"name": "max", "positions": 2}})
    folder = tmp_path / "<img src=x onerror=alert(3)>\u202e"
    folder.mkdir()
    model = folder / "<script>alert(4)<!--"
    model.write_bytes(with_metadata(weights, {"title": SCRIPT}))
    assert main(["prove", str(model), "-o", str(folder / "p"), "--report", str(folder / "page.html")]) == 0
    html = (folder / "page.html").read_text()
    page = require_page(html, proved=True)
    assert "alert(1)" in page.text  # shown, as text
    assert "img" not in page.tags
    assert "\u202e" not in html  # attack: a letter that turns the direction of what follows
    capsys.readouterr()


def test_prove_writes_a_page_about_what_it_wrote(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.html"
    arguments = ["prove", str(MODEL), "--strategy", "cubic", "-o", str(tmp_path / "p"), "--report", str(page), "--json"]
    assert main(arguments) == 0
    assert json.loads(capsys.readouterr().out)["report"] == str(page)
    assert "verifier check" in require_page(page.read_text(), proved=True).text
    assert main([*arguments[:-3], "--report", str(page)]) == 3  # refused before any work


@pytest.mark.parametrize("place", range(3))
def test_the_page_never_takes_the_place_of_what_it_is_about(place: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copies = tuple(tmp_path / path.name for path in files_of(IMPERFECT))
    for copy, path in zip(copies, files_of(IMPERFECT), strict=True):
        copy.write_bytes(path.read_bytes())
    code, _, err = report(capsys, *copies, "-o", tmp_path / "." / copies[place].name, "--force")
    assert code == 3
    assert "same-file" in err
    assert copies[place].read_bytes() == files_of(IMPERFECT)[place].read_bytes()


def test_prove_does_not_replace_its_own_files_by_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["prove", str(MODEL), "--strategy", "cubic", "-o", str(tmp_path), "--force", "--report", str(tmp_path / "statement.json")]
    assert main(arguments) == 3
    assert "same-file" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_claim_of_nothing_is_called_that() -> None:
    made = make_report(contents(CERTIFICATES / "accepted" / "claim-nothing"), FastArithmetic())
    assert "says nothing" in require_page(made.html, proved=True).text


@pytest.mark.parametrize("case", ["network-loss", "network-digits", "network-signs", "network-bag", "slots-listed"])
def test_other_tasks_have_no_empty_panel(case: str) -> None:
    made = make_report(contents(CERTIFICATES / "accepted" / case), FastArithmetic())
    page = require_page(made.html, proved=True)
    assert page.tags.count("figure") == made.html.count('<g id="figure_1">')
    assert "query" not in page.text or "attention of" in page.text


def test_long_and_short_are_said_plainly() -> None:
    brute = make_report(contents(CERTIFICATES / "accepted" / "network-bag"), FastArithmetic()).html
    assert "shorter by a factor" in brute or "not shorter" in brute or "brute force" in brute


@pytest.mark.skipif(browser() is None, reason="no Chromium here")
def test_a_browser_shows_it(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    page, picture = tmp_path / "page.html", tmp_path / "page.png"
    page.write_text(make_report(contents(IMPERFECT), FastArithmetic()).html)
    screenshot(str(browser()), page, picture, width=800, height=1200)
    grey = image.open(picture).convert("L")
    assert grey.size == (800, 1200)
    counts = grey.histogram()
    assert sum(counts[:120]) > 2000  # ink
    assert sum(counts[230:]) > 400_000  # paper
