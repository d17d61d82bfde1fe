"""Exported certificates: Lean's arithmetic redone in Python, and the same verdicts as the kernel on the shared corpus."""

from __future__ import annotations

import json
from fractions import Fraction
from math import exp, isqrt, sqrt
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.domain import maximum_model
from verifier.kernel.certificate import read_certificate
from verifier.kernel.errors import StepRejected
from verifier.kernel.rules import RULES
from verifier.kernel.statement import read_statement
from verifier.lean.command import PROOF, read
from verifier.lean.export import exported
from verifier.lean.family import NotExportable
from verifier.lean.hints import Enclosures, LeanModel, Precision, count_group, exp_hi, exp_lo, make_plan
from verifier.lean.sources import cheating_words

ROOT = Path(__file__).parents[2]
ACCEPTED = sorted(folder for folder in (ROOT / "certificates" / "accepted").iterdir() if (folder / "certificate.json").exists())


def export(folder: Path) -> tuple[str, Fraction, int, int]:
    expected = json.loads((folder / "expected.json").read_text())
    statement = read_statement((folder / "statement.json").read_bytes(), file="statement")
    data = (folder / expected.get("model", "model.safetensors")).read_bytes()
    try:
        model = maximum_model(statement.subject, data, statement="statement", file="model")
    except StepRejected:
        raise NotExportable("another network") from None
    signatures = {name: rule.signature for name, rule in RULES.items()}
    certificate = read_certificate((folder / "certificate.json").read_bytes(), signatures, file="certificate")
    return *exported(model, statement, certificate.steps), statement.subject.total


@pytest.mark.parametrize("folder", ACCEPTED, ids=lambda folder: folder.name)
def test_lean_agrees_with_the_kernel_on_every_certificate_it_follows(folder: Path) -> None:
    expected = json.loads((folder / "expected.json").read_text())
    try:
        _, bound, certified, total = export(folder)
    except NotExportable:
        return  # another family: BOUNDARY.md, "What the checker does not follow"
    assert (certified >= bound * total) == (expected["verdict"] == "PROVED")
    assert certified <= expected["right"]


def test_some_certificates_are_of_the_family_that_lean_follows() -> None:
    followed = 0
    for folder in ACCEPTED:
        try:
            export(folder)
            followed += 1
        except NotExportable:
            pass
    assert followed >= 5


def test_the_exported_files_pass_the_scan() -> None:
    folder = ROOT / "certificates" / "accepted" / "tiny-subcubic"
    model = folder / json.loads((folder / "expected.json").read_text())["model"]
    export = read(folder / "statement.json", folder / "certificate.json", model, slices=2)
    assert export.certified == 512
    assert len(export.files()) == 3
    for name, text in export.files().items():
        assert cheating_words(text.decode(), evaluation_allowed=name != PROOF) == []


@given(st.integers(-(40 << 64), 0))
def test_the_exponential_encloses(x: int) -> None:
    low, high, true = exp_lo(64, 40, 104, x), exp_hi(64, 40, 104, x), exp(x / 2**64)
    assert low / 2**104 <= true * (1 + 1e-14) + 1e-30
    assert high / 2**104 >= true * (1 - 1e-14)
    assert low <= high


@given(st.integers(-(1 << 60), 0), st.integers(1, 64))
def test_a_weight_is_enclosed(y: int, h: int) -> None:
    model = LeanModel(2, 1, 1, h, 14, {})
    enclosures = Enclosures.of(model, Precision())
    low, high = enclosures.weight(y)
    true = exp(y / 2**56 / sqrt(h))
    assert 0 <= low <= true * 2**104 * (1 + 1e-12) + 1
    assert high >= true * 2**104 * (1 - 1e-12)
    assert enclosures.root_lo <= enclosures.root_hi <= isqrt(4 ** (enclosures.precision.r)) + 1


@given(
    st.lists(st.lists(st.integers(-50, 50), min_size=4, max_size=4), min_size=2, max_size=2),
    st.integers(-60, 60),
    st.integers(0, 3),
    st.integers(1, 64),
)
def test_the_count_of_a_group_never_exceeds_the_truth(terms: list[list[int]], base: int, q: int, bins: int) -> None:
    m, scope = 3, [(0, 4), (0, 4), (0, 4)]
    counted = count_group(make_plan(base, terms, bins), terms, base, scope, q, m, 9)
    true = sum(base + terms[0][a] + terms[1][b] > 0 for a in range(4) for b in range(4) if max(a, b, q) == m)
    assert 0 <= counted <= true


def test_the_count_is_exact_where_every_sum_is_positive() -> None:
    terms = [[3, 4, 5, 6]] * 2
    assert count_group(make_plan(1, terms, 8), terms, 1, [(0, 4)] * 3, 1, 3, 9) == 7
