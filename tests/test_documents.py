"""The documents say what the code does: rules, clauses, reason codes, limits, schemas."""

from __future__ import annotations

import ast
import importlib.util
import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import fields
from math import comb
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from certificates import build_schema
from verifier.kernel.limits import LIMITS, Limits
from verifier.kernel.numbers.reference import ReferenceArithmetic
from verifier.kernel.rules import RULES
from verifier.kernel.verdict import EXIT_CODES, check

ROOT = Path(__file__).parent.parent
CERTIFICATES = ROOT / "certificates"
FORMAT = (CERTIFICATES / "FORMAT.md").read_text(encoding="utf-8")
RULES_TEXT = (CERTIFICATES / "RULES.md").read_text(encoding="utf-8")
KERNEL = sorted((ROOT / "verifier" / "kernel").rglob("*.py"))
REFUSALS = {"MalformedInput", "SubjectMismatch", "StepRejected", "Usage", "refuse"}  # the first argument is a code
CLAUSE = re.compile(r"\d(\.\d+)?(?=$|,)")


def rows(heading: str) -> list[list[str]]:
    """The cells of the table under a heading of FORMAT.md, without the two head lines."""
    section = re.search(rf"^## \d+\. {heading}$(.*?)(?=^## |\Z)", FORMAT, re.MULTILINE | re.DOTALL)
    assert section, heading
    lines = [line for line in section[1].splitlines() if line.startswith("|")]
    return [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in lines[2:]]


# Rules


def test_every_rule_has_a_section_and_every_section_a_rule() -> None:
    assert re.findall(r"^## `(\w+)`$", RULES_TEXT, re.MULTILINE) == list(RULES)


PARTS = ["Premises", "Hints", "Conclusion", "Sound because", "Operations", "Unexplained dimension"]


@pytest.mark.parametrize("rule", RULES)
def test_a_rules_section_has_its_parts_and_names_its_roles_and_hints(rule: str) -> None:
    section = RULES_TEXT.partition(f"## `{rule}`\n")[2].partition("\n## ")[0]
    assert [part for part in re.findall(r"^\*\*([\w ]+)\.\*\*", section, re.MULTILINE) if part in PARTS] == PARTS
    signature = RULES[rule].signature
    premises = section.partition("**Premises.**")[2].partition("**Hints.**")[0]
    hints = section.partition("**Hints.**")[2].partition("**Conclusion.**")[0]
    assert "the five tables" in premises.lower() or all(f"`{role}`" in premises for role in signature.premises)
    assert all(f"`{hint}`" in hints for hint in signature.hints)


# Clauses and codes, read from the source


def strings(node: ast.AST) -> set[str]:
    """The words that an expression can be: a literal, or one of two."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return {node.value}
    if isinstance(node, ast.IfExp):
        return strings(node.body) | strings(node.orelse)
    return set()


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            function = node.func
            yield (function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")), node


def raised_codes(path: Path) -> set[str]:
    found: set[str] = set()
    for name, call in calls(path):
        if name in REFUSALS and call.args:
            found |= strings(call.args[0])
        elif name == "rejected" and len(call.args) > 3:
            found |= strings(call.args[3])
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Assign) and any(isinstance(target, ast.Name) and target.id == "code" for target in node.targets):
            found |= strings(node.value)
    return found


def checked_limits(path: Path) -> set[str]:
    return {word for name, call in calls(path) if name == "check_limit" and call.args for word in strings(call.args[0])}


def cited_clauses(path: Path) -> set[str]:
    """Every string of the shape of a clause number, alone or before a comma, that is an argument, a default or a value."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and (match := CLAUSE.match(node.value)):
            found.add(match[0])
    return found


def defined_clauses() -> set[str]:
    sections = set(re.findall(r"^## (\d)\. ", FORMAT, re.MULTILINE))
    return sections | set(re.findall(r"^\*\*(\d\.\d+) ", FORMAT, re.MULTILINE))


def test_every_clause_that_the_kernel_cites_is_defined_and_every_clause_is_cited() -> None:
    cited = set().union(*map(cited_clauses, KERNEL)) - {"0", "1"}  # the digits of a fraction, the size of the head axis
    assert cited <= defined_clauses()
    assert {clause for clause in defined_clauses() if "." in clause} <= cited


def test_every_reason_code_of_the_kernel_is_listed_and_every_listed_one_is_raised() -> None:
    raised = set().union(*map(raised_codes, KERNEL))
    assert {row[0] for row in rows("Reason codes")} == raised | {"limit-..."}


def test_every_limit_is_listed_with_its_value() -> None:
    listed = {row[0]: row[1] for row in rows("Limits")}
    values = {name: 2 ** int(text[2:]) if text.startswith("2^") else int(text) for name, text in listed.items()}
    assert values == {field.name: getattr(LIMITS, field.name) for field in fields(Limits)}


def test_every_limit_that_is_checked_exists() -> None:
    assert set().union(*map(checked_limits, KERNEL)) <= {field.name for field in fields(Limits)}


def test_exit_codes_are_those_of_the_verdicts() -> None:
    listed = {row[1]: int(row[0]) for row in rows("Verdicts and exit codes") if row[1] != "none"}
    assert listed == EXIT_CODES


def test_the_corpus_expects_codes_and_clauses_that_exist() -> None:
    codes = {row[0] for row in rows("Reason codes")}
    for path in CERTIFICATES.glob("rejected/*/expected.json"):
        expected = json.loads(path.read_text(encoding="ascii"))
        code = expected["code"]
        assert code is None or code in codes or code.removeprefix("limit-").replace("-", "_") in {field.name for field in fields(Limits)}
        assert "clause" not in expected or expected["clause"] in defined_clauses()


def test_the_corpus_shows_nearly_every_reason_code() -> None:
    shown = {json.loads(path.read_text(encoding="ascii"))["code"] for path in CERTIFICATES.glob("rejected/*/expected.json")}
    elsewhere = {"limit-...", "unreadable", "cannot-write", "usage", "mpmath-backend", "undecided-root"}
    missing = {row[0] for row in rows("Reason codes")} - shown - elsewhere
    assert not missing


# Schemas


def schema(name: str) -> jsonschema.protocols.Validator:
    document = json.loads((CERTIFICATES / "schema" / f"{name}.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(document)
    return jsonschema.Draft202012Validator(document)


def loaded(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


# the grammar's faults that a schema can see; the others are about texts, digests, earlier steps and data
SEEN_BY_A_SCHEMA = {"unknown-field", "missing-field", "wrong-type", "unknown-word", "not-a-fraction", "bad-id", "not-a-digest"}


def test_every_accepted_file_and_every_well_formed_rejected_one_fits_the_schemas() -> None:
    statement, certificate = schema("statement"), schema("certificate")
    for path in sorted(CERTIFICATES.glob("*/*/expected.json")):
        if loaded(path)["exit"] in (0, 1, 2):
            statement.validate(loaded(path.parent / "statement.json"))
            certificate.validate(loaded(path.parent / "certificate.json"))


def test_the_schemas_refuse_what_a_schema_can_see() -> None:
    statement, certificate = schema("statement"), schema("certificate")
    seen = 0
    for path in sorted(CERTIFICATES.glob("rejected/*/expected.json")):
        expected = loaded(path)
        if expected["exit"] == 3 and expected["code"] in SEEN_BY_A_SCHEMA and expected.get("clause", "2")[0] in "23":
            seen += 1
            fits = statement.is_valid(loaded(path.parent / "statement.json"))
            assert not (fits and certificate.is_valid(loaded(path.parent / "certificate.json"))), path.parent.name
    assert seen > 30


def test_the_certificate_schema_is_the_one_that_the_rules_signatures_give() -> None:
    kept = (CERTIFICATES / "schema" / "certificate.json").read_text(encoding="ascii")
    assert kept == build_schema.text(), "run python certificates/build_schema.py"


@pytest.mark.parametrize("case", ["accepted/tiny-cubic", "rejected/claim-ties", "rejected/tables-swapped"])
def test_verdicts_fit_their_schema(case: str) -> None:
    folder = CERTIFICATES / case
    model = folder / loaded(folder / "expected.json")["model"]
    contents = [(folder / name).read_bytes() for name in ("statement.json", "certificate.json")]
    verdict = check(contents[0], contents[1], model.read_bytes(), ReferenceArithmetic())
    schema("verdict").validate(json.loads(json.dumps(verdict.json())))


def test_a_refusal_fits_the_schema_of_verdicts() -> None:
    reason = {"code": "not-json", "file": "statement.json", "clause": "1.2", "expected": "one JSON value", "got": "nothing"}
    schema("verdict").validate({"verdict": None, "reason": reason})
    assert not schema("verdict").is_valid({"verdict": "PROVED", "reason": None})


# The counterexamples of docs/mathematics.md


def test_pitfall_1_mean_and_difference_with_the_wrong_sign() -> None:
    a, centre, fixed, slopes = 0, 1, (0, -9), (1, 10)
    truth = min(f + a * s for f, s in zip(fixed, slopes, strict=True))
    mean = min(f + centre * s for f, s in zip(fixed, slopes, strict=True))
    assert (truth, mean + (a - centre) * min(slopes)) == (-9, 0)
    assert mean + min((a - centre) * min(slopes), (a - centre) * max(slopes)) <= truth


def test_pitfall_2_one_end_of_the_range() -> None:
    margins = [[fixed + a * slope for fixed, slope in ((10, -1), (-5, 10))] for a in (0, 1)]
    assert margins == [[10, -5], [9, 5]]


def test_pitfall_3_the_cap_of_the_published_count() -> None:
    positions, tokens = 4, 64
    caps = [
        (comb(positions - 1, c) * max(m - 1, 0) ** c) if c else 1
        for m in range(tokens)
        for q in range(m + 1)
        for c in range(positions if q == m else positions - 1)
    ]
    assert sum(caps) == 16_003_009


def test_pitfall_4_everything_in_the_cross_terms() -> None:
    table = ((0, 1), (1, 0))
    along, across = (1, 0), (0, 1)

    def between(left: tuple[int, int], right: tuple[int, int]) -> int:
        return sum(left[i] * table[i][j] * right[j] for i in range(2) for j in range(2))

    assert (between(along, along), between(across, across)) == (0, 0)
    assert (between(along, across), between(across, along)) == (1, 1)


# TRUST.md


def test_trust_md_quotes_the_line_counts_of_the_code() -> None:
    path = ROOT / "benchmarks" / "trusted_lines.py"
    spec = importlib.util.spec_from_file_location("trusted_lines", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    numbers = re.compile(r"^ +(\d+)  (.+)$", re.MULTILINE)
    _, _, quoted = (ROOT / "TRUST.md").read_text(encoding="utf-8").partition(module.START)
    listed = {heading: int(number) for number, heading in numbers.findall(quoted.partition(module.END)[0])}
    truth = {heading: int(number) for number, heading in numbers.findall(module.report())}
    assert listed == truth, "run python benchmarks/trusted_lines.py --write"


# All documents


def test_every_image_is_shown_by_a_document() -> None:
    images = [path for kind in ("png", "svg") for path in (ROOT / "benchmarks" / "results").glob(f"*.{kind}")]
    kept = subprocess.run(["git", "ls-files", *map(str, images)], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md"))]
    shown = {Path(name).name for text in texts for name in re.findall(r"!\[[^]]*\]\(([^)]+)\)", text)}
    assert {Path(name).name for name in kept} <= shown


def test_documents_name_only_files_that_exist() -> None:
    documents = [*CERTIFICATES.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "TRUST.md"]
    pattern = re.compile(r"`((?:verifier|certificates|benchmarks|docs|tests)/[\w./-]+)`")
    for document in documents:
        for name in pattern.findall(document.read_text(encoding="utf-8")):
            assert (ROOT / name).exists(), f"{document.name} names {name}"
