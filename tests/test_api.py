"""The Python interface: small to import, the same answers as the command line, and no yes to empty, foreign or doctored files."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

import verifier
from verifier.strategies.steps import Step, step
from verifier.strategies.target import Target

ROOT = Path(__file__).parent.parent
CERTIFICATES = ROOT / "certificates"
TINY, IMPERFECT = (CERTIFICATES / "models" / f"{name}.safetensors" for name in ("tiny", "imperfect"))
CASE = CERTIFICATES / "accepted" / "imperfect-cubic"
FILES = (CASE / "statement.json", CASE / "certificate.json", IMPERFECT)


def python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=120)
    return done.stdout.strip()


def test_importing_the_package_imports_nothing_else() -> None:
    assert python("import sys; before = set(sys.modules); import verifier; print(sorted(set(sys.modules) - before))") == "['verifier']"


def test_check_needs_mpmath_alone() -> None:
    missing = "sys.modules.update(dict.fromkeys(('numpy', 'torch', 'rich', 'matplotlib', 'jinja2', 'safetensors')))"
    paths = [str(path) for path in FILES]
    assert python(f"import sys; {missing}\nimport verifier\nprint(verifier.check(*{paths!r}).word)") == "PROVED"


def test_every_name_exists_and_no_other() -> None:
    for name in verifier.__all__:
        assert getattr(verifier, name) is not None
    assert set(verifier.__all__) <= set(dir(verifier))
    with pytest.raises(AttributeError, match="no_such_name"):
        verifier.no_such_name  # noqa: B018


def test_names_stay_functions_whatever_is_imported() -> None:
    """A submodule of the same name would take a function's place as soon as somebody imports it."""
    modules = {path.stem for path in (ROOT / "verifier").iterdir() if path.suffix in ("", ".py")}
    assert not modules & set(verifier.__all__)


def test_paths_contents_and_statements_are_the_same_to_check() -> None:
    by_path = verifier.check(*FILES)
    by_content = verifier.check(*(path.read_bytes() for path in FILES), arithmetic="fast")
    by_statement = verifier.check(verifier.load_statement(FILES[0]), *map(str, FILES[1:]))
    assert by_path.word == by_content.word == by_statement.word == "PROVED"
    assert by_path.proved == by_statement.proved


@pytest.mark.parametrize("emptied", range(3))
def test_an_empty_file_raises(emptied: int) -> None:
    contents = [path.read_bytes() for path in FILES]
    contents[emptied] = b""
    with pytest.raises(verifier.VerifierError):
        verifier.check(*contents)


@pytest.mark.parametrize("order", [(1, 0, 2), (0, 2, 1), (2, 1, 0)], ids=str)
def test_files_in_another_order_raise(order: tuple[int, ...]) -> None:
    with pytest.raises(verifier.VerifierError):
        verifier.check(*(FILES[index] for index in order))


def test_a_foreign_model_raises() -> None:
    with pytest.raises(verifier.VerifierError, match="model-digest"):
        verifier.check(*FILES[:2], TINY)


def test_a_statement_made_stronger_is_not_proved() -> None:
    statement = verifier.load_statement(FILES[0])
    stronger = replace(statement, claim=replace(statement.claim, bound=Fraction(1)))
    assert verifier.check(stronger, *FILES[1:]).word == "INCOMPLETE"


def test_prove_saves_what_check_proves(tmp_path: Path) -> None:
    model = verifier.load_model(IMPERFECT)
    proof = verifier.prove(model, strategy="cubic", scope="0..4", reference=False)
    assert proof.proved == verifier.prove(model, strategy="cubic", scope=[(0, 4)] * 4, reference=False).proved
    verdict = verifier.check(*proof.save(tmp_path), IMPERFECT)
    assert (verdict.word, verdict.proved) == ("PROVED", proof.proved)
    with pytest.raises(verifier.VerifierError, match="file-exists"):
        proof.save(tmp_path)


def test_prove_a_statement() -> None:
    statement = verifier.load_statement(FILES[0])
    proof = verifier.prove(IMPERFECT, statement=statement, strategy="cubic", reference=False)
    assert proof.verdicts[0].word == "PROVED"
    with pytest.raises(verifier.VerifierError, match="usage"):
        verifier.prove(IMPERFECT, statement=statement, scope="0..4")


def test_the_next_usual_strategy_is_tried_where_the_first_is_refused() -> None:
    """Every input of this model is a tie: `exact` takes them for wrong, which no enclosure can confirm."""
    case = CERTIFICATES / "accepted" / "all-ties"
    with pytest.raises(verifier.VerifierError, match="not-wrong"):
        verifier.prove(case / "model.safetensors", statement=nothing(case), strategy="exact", reference=False)
    assert verifier.prove(case / "model.safetensors", statement=nothing(case), reference=False).strategy != "exact"


def nothing(case: Path) -> verifier.Statement:
    """The claim of a case, made empty."""
    statement = verifier.load_statement(case / "statement.json")
    return replace(statement, claim=replace(statement.claim, bound=Fraction(0)))


def every(target: Target) -> list[Step]:
    return [step("every", "every_input", measure="answers"), step("bound", "accuracy", {"counts": ["every"]})]


def test_a_function_is_a_strategy() -> None:
    assert verifier.prove(TINY, strategy=every, reference=False).proved == 1


def lie(target: Target) -> list[Step]:
    return [step("bound", "accuracy")]


def test_a_function_that_lies_proves_nothing() -> None:
    with pytest.raises(verifier.VerifierError):
        verifier.prove(TINY, strategy=lie, reference=False)


def test_audit_says_what_the_command_says() -> None:
    rows = [{"name": "true", "metric": "accuracy", "reported": "0.8763"}, {"name": "false", "metric": "accuracy", "reported": "0.877"}]
    found = verifier.audit(rows, IMPERFECT, samples=100)
    assert [row.outcome.word for row in found] == ["PROVED", "REFUTED"]
    again = verifier.audit(json.dumps(rows).encode(), verifier.load_model(IMPERFECT), samples=100)
    assert [row.outcome.word for row in again] == ["PROVED", "REFUTED"]


@pytest.mark.parametrize("table", [b"", [], [{"name": "x"}], [{"name": "x", "metric": "accuracy", "reported": "nan"}]])
def test_audit_refuses_what_is_no_table(table: object) -> None:
    with pytest.raises(verifier.VerifierError):
        verifier.audit(table, IMPERFECT)  # type: ignore[arg-type]
