"""What `verifier lean export` and `verifier lean check` do, free of argument parsing and printing.

export_certificate(statement, certificate, model, folder)   writes Exported.lean, Evaluated_1.lean, ...
check(folder)                                               builds the library and, if given, the exported proofs
evaluate(folder)                                            runs the checker by evaluation: verdict and count
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from verifier.kernel.certificate import read_certificate
from verifier.kernel.errors import SubjectMismatch
from verifier.kernel.rules import RULES
from verifier.kernel.statement import bind, read_statement
from verifier.networks.attention_only import read_model

from .build import BuildReport, build
from .errors import BuildFailed
from .export import evaluation_files, exported, proof_file, total_file

LIBRARY = Path(__file__).parents[2] / "lean"
PROOF, EVALUATION, TOTAL = "Exported.lean", "Evaluated_{}.lean", "Total.lean"


@dataclass(frozen=True)
class Evaluation:
    """Lean's answer by evaluation: whether the checker says yes, and how many inputs it certifies."""

    accepted: bool
    certified: int
    seconds: float


def export_certificate(statement_path: Path, certificate_path: Path, model_path: Path, folder: Path, slices: int = 1) -> int:
    """Write the Lean files of a certificate, one evaluation per slice; returns the number of inputs that Lean should certify."""
    model = read_model(model_path.read_bytes(), file=str(model_path))
    statement = read_statement(statement_path.read_bytes(), file=str(statement_path))
    bind(statement.subject, model.network, file=str(statement_path))
    signatures = {name: rule.signature for name, rule in RULES.items()}
    certificate = read_certificate(certificate_path.read_bytes(), signatures, file=str(certificate_path))
    if certificate.subject != statement.subject.digest:
        raise SubjectMismatch(
            "subject-digest", expected=statement.subject.digest, got=certificate.subject, file=str(certificate_path), clause="3.2"
        )
    text, bound, certified = exported(model, statement, certificate.steps)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / PROOF).write_text(proof_file(text, bound))
    for path in evaluations(folder):
        path.unlink()
    for index, evaluation in enumerate(evaluation_files(LIBRARY, model, statement, certificate.steps, slices), 1):
        (folder / EVALUATION.format(index)).write_text(evaluation)
    return certified


def check(folder: Path | None = None, progress: Callable[[str], None] = lambda _: None) -> BuildReport:
    """Build the library and the exported proof of a folder; BuildFailed if Lean refuses anything."""
    return build(LIBRARY, [folder / PROOF] if folder else [], progress)


def evaluations(folder: Path) -> list[Path]:
    """The evaluation files of a folder, in order."""
    numbered = {int(path.stem.partition("_")[2]): path for path in folder.glob(EVALUATION.format("[0-9]*"))}
    return [numbered[index] for index in sorted(numbered)]


def evaluate(folder: Path, progress: Callable[[str], None] = lambda _: None) -> Evaluation:
    """Run the checker on an exported certificate by evaluation.  No proof results: it rests on Lean's evaluator.

    In slices, `check_slices_sound` is why the counts add up.
    """
    paths = evaluations(folder)
    if not paths:
        raise BuildFailed(f"{folder}: no {EVALUATION.format(1)}")
    report = build(LIBRARY, paths, progress, library_too=False)
    printed = [number_in(report, path) for path in paths]
    seconds = sum(report.seconds.values())
    if 0 in printed:
        return Evaluation(accepted=False, certified=0, seconds=seconds)
    counts = [number // 10 - 1 for number in printed]
    if len(paths) == 1:
        return Evaluation(printed[0] % 10 == 1, counts[0], seconds)
    total = folder / TOTAL
    total.write_text(total_file(paths[0].read_text(), counts))
    report = build(LIBRARY, [total], progress, library_too=False)
    return Evaluation(number_in(report, total) == 1, sum(counts), seconds + sum(report.seconds.values()))


def number_in(report: BuildReport, path: Path) -> int:
    """The one number that Lean printed for a file."""
    text = report.output.get(path.stem, report.output.get(path.name, ""))
    numbers = re.findall(r"^(\d+)$", text, re.MULTILINE)
    if len(numbers) != 1:
        raise BuildFailed(f"{path}: expected one number, got {text!r}")
    return int(numbers[0])
