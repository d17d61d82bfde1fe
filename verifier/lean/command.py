"""What `verifier lean export` and `verifier lean check` do, free of argument parsing and printing.

export_certificate(statement, certificate, model, folder)   writes Exported.lean and Evaluated.lean
check(folder)                                               builds the library and, if given, the exported proofs
evaluate(folder)                                            runs the checker by evaluation: verdict and count
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from verifier.kernel.certificate import read_certificate
from verifier.kernel.errors import SubjectMismatch
from verifier.kernel.model import read_model
from verifier.kernel.rules import RULES
from verifier.kernel.statement import bind, read_statement

from .build import BuildReport, build
from .errors import BuildFailed
from .export import NotExportable, evaluated, exported, proof_file

LIBRARY = Path(__file__).parents[2] / "lean"
PROOF, EVALUATION = "Exported.lean", "Evaluated.lean"


@dataclass(frozen=True)
class Evaluation:
    """Lean's answer by evaluation: whether the checker says yes, and how many inputs it certifies."""

    accepted: bool
    certified: int
    seconds: float


def export_certificate(statement_path: Path, certificate_path: Path, model_path: Path, folder: Path) -> int:
    """Write both Lean files for a certificate; returns the number of inputs that Lean should certify."""
    model = read_model(model_path.read_bytes(), file=str(model_path))
    statement = read_statement(statement_path.read_bytes(), file=str(statement_path))
    bind(statement, model, file=str(statement_path))
    signatures = {name: rule.signature for name, rule in RULES.items()}
    certificate = read_certificate(certificate_path.read_bytes(), signatures, file=str(certificate_path))
    if certificate.subject != statement.subject.digest:
        raise SubjectMismatch(
            "subject-digest", expected=statement.subject.digest, got=certificate.subject, file=str(certificate_path), clause="3.2"
        )
    text, bound, certified = exported(model, statement, certificate.steps)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / PROOF).write_text(proof_file(text, bound))
    with contextlib.suppress(NotExportable):  # a shift row per maximum: the proof file alone
        (folder / EVALUATION).write_text(evaluated(LIBRARY, model, statement, certificate.steps))
    return certified


def check(folder: Path | None = None, progress: Callable[[str], None] = lambda _: None) -> BuildReport:
    """Build the library and the exported proof of a folder; BuildFailed if Lean refuses anything."""
    return build(LIBRARY, [folder / PROOF] if folder else [], progress)


def evaluate(folder: Path, progress: Callable[[str], None] = lambda _: None) -> Evaluation:
    """Run the checker on an exported certificate by evaluation.  No proof results: it rests on Lean's evaluator."""
    path = folder / EVALUATION
    report = build(LIBRARY, [path], progress, library_too=False)
    numbers = re.findall(r"^(\d+)$", "\n".join(report.output.values()), re.MULTILINE)
    if len(numbers) != 1:
        raise BuildFailed(f"{path}: expected one number, got {report.output}")
    certified, accepted = divmod(int(numbers[0]), 10)
    return Evaluation(accepted == 1, certified, sum(report.seconds.values()))
