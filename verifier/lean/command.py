"""What `verifier lean export` and `verifier lean check` do, free of argument parsing and printing.

read(statement, certificate, model)   what the three files say in Lean: an `Export`, the same one every time
write(export, folder)                 Exported.lean, Evaluated_1.lean, ... as one event
compare(export, folder)               a stranger's folder, byte for byte
check_library()                       builds the library
prove(export)                         builds the library and the exported proof
evaluate(export)                      runs the checker by evaluation: verdict and count

Lean is given what `read` returned, in a private folder, and nothing else: a folder that somebody wrote is only compared.
"""

from __future__ import annotations

import os
import re
import stat
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from verifier.domain import maximum_model
from verifier.kernel.certificate import Certificate, read_certificate
from verifier.kernel.decode.inputs import STATEMENT_CERTIFICATE_MODEL, read_bounded
from verifier.kernel.errors import StepRejected, SubjectMismatch
from verifier.kernel.maximum.model import Model
from verifier.kernel.rules import RULES
from verifier.kernel.statement import Statement, read_statement
from verifier.system.files import write_folder_atomically

from .build import BuildReport, build
from .errors import BuildFailed, ForeignExport
from .export import exported, proof_file
from .family import NotExportable
from .slices import Range, Slices, count_in, slices_of

SHIPPED, CHECKOUT = Path(__file__).parent / "library", Path(__file__).parents[2] / "lean"
LIBRARY = SHIPPED if SHIPPED.is_dir() else CHECKOUT  # in a wheel the one, in the repository the other
PROOF, EVALUATION, TOTAL = "Exported.lean", "Evaluated_{}.lean", "Total.lean"
OURS = re.compile(r"Exported\.lean|Evaluated_\d+\.lean")  # the files of an export

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Export:
    """What a statement, a certificate and a model say in Lean, and the files that say it."""

    statement: Statement
    certificate: Certificate
    model: Model
    slices: Slices

    @cached_property
    def data(self) -> tuple[str, int]:
        """The proof, and the number of inputs that Lean should certify.  Slow: every hint is computed."""
        text, bound, certified = exported(self.model, self.statement, self.certificate.steps)
        return proof_file(text, bound), certified

    @property
    def proof(self) -> str:
        return self.data[0]

    @property
    def certified(self) -> int:
        return self.data[1]

    def files(self) -> dict[str, bytes]:
        """Every file of the export by name."""
        evaluations = {EVALUATION.format(i): self.slices.file(queries) for i, queries in enumerate(self.slices.ranges, 1)}
        return {name: text.encode() for name, text in {PROOF: self.proof, **evaluations}.items()}


@dataclass(frozen=True)
class Evaluation:
    """Lean's answer by evaluation: whether the checker says yes, and how many inputs it certifies."""

    accepted: bool
    certified: int
    report: BuildReport


def read(statement_path: Path, certificate_path: Path, model_path: Path, slices: int = 1) -> Export:
    """Decode the three files as the kernel does; NotExportable if Lean's checker does not follow the certificate."""
    paths = (statement_path, certificate_path, model_path)
    contents = [read_bounded(path, limit) for path, limit in zip(paths, STATEMENT_CERTIFICATE_MODEL, strict=True)]
    statement = read_statement(contents[0], file=str(statement_path))
    try:
        model = maximum_model(statement.subject, contents[2], statement=str(statement_path), file=str(model_path))
    except StepRejected as error:  # another network or task
        raise NotExportable(f"Lean's theorem is about {error.expected}, the statement about {error.got}") from None
    signatures = {name: rule.signature for name, rule in RULES.items()}
    certificate = read_certificate(contents[1], signatures, file=str(certificate_path))
    if certificate.subject != statement.subject.digest:
        raise SubjectMismatch(
            "subject-digest", expected=statement.subject.digest, got=certificate.subject, file=str(certificate_path), clause="3.2"
        )
    return Export(statement, certificate, model, slices_of(LIBRARY, model, statement, certificate.steps, slices))


def write(export: Export, folder: Path, *, force: bool = False) -> None:
    """Write the files of an export into a folder of their own, all of them or none."""
    write_folder_atomically(folder, export.files(), ours=OURS, force=force)


def compare(export: Export, folder: Path) -> None:
    """Raise ForeignExport unless the folder holds the files of the export, byte for byte, and nothing else."""
    files = export.files()
    found = sorted(os.listdir(folder))
    if missing := sorted(files.keys() - set(found)):
        raise ForeignExport(f"no {missing[0]}, {len(found)} files where {len(files)} are exported")
    for name in found:
        if name not in files:
            raise ForeignExport(f"another file, {name}")
        if not same_bytes(folder / name, files[name]):
            raise ForeignExport(f"another {name}")


def same_bytes(path: Path, expected: bytes) -> bool:
    """Whether a path is a plain file, no link, with these bytes."""
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode) or status.st_size != len(expected):
        return False
    with path.open("rb") as stream:
        return stream.read(len(expected) + 1) == expected


def check_library(progress: Progress = lambda _: None) -> BuildReport:
    """Build the library; BuildFailed if Lean refuses anything."""
    return build(LIBRARY, [], progress)


def prove(export: Export, progress: Progress = lambda _: None) -> BuildReport:
    """Build the library and the exported theorem; BuildFailed if Lean refuses anything."""
    return built({PROOF: export.proof}, progress, library_too=True)


def evaluate(export: Export, progress: Progress = lambda _: None) -> Evaluation:
    """Run the checker on an exported certificate by evaluation.  No proof results: it rests on Lean's evaluator.

    In slices, `check_slices_sound` is why the counts add up.
    """
    slices = export.slices
    names = {EVALUATION.format(i): queries for i, queries in enumerate(slices.ranges, 1)}
    report = built({name: slices.file(queries) for name, queries in names.items()}, progress)
    printed = {name: number_in(report, name) for name in names}
    for name, number in printed.items():
        if number == 0:
            raise BuildFailed(f"Lean's checker refuses a hint of the slice of {words(names[name])}")
    counts = [count_in(number)[0] for number in printed.values()]
    if len(counts) == 1:
        return Evaluation(count_in(printed[EVALUATION.format(1)])[1], counts[0], report)
    total = built({TOTAL: slices.total_file(counts)}, progress)
    for module, seconds in total.seconds.items():
        report.seconds[module] = seconds
    return Evaluation(number_in(total, TOTAL) == 1, sum(counts), report)


def words(queries: Range) -> str:
    """A range for a person."""
    return f"queries {queries.first}..{queries.first + queries.size - 1}"


def built(texts: dict[str, str], progress: Progress, *, library_too: bool = False) -> BuildReport:
    """What Lean says of these texts, in a folder that nobody else writes to."""
    with tempfile.TemporaryDirectory(prefix="verifier-lean-") as name:
        folder = Path(name)
        for file, text in texts.items():
            (folder / file).write_bytes(text.encode())
        return build(LIBRARY, [folder / file for file in texts], progress, library_too=library_too)


def number_in(report: BuildReport, name: str) -> int:
    """The one number that Lean printed for one of our own files."""
    text = report.output.get(Path(name).stem, report.output.get(name, ""))
    numbers = re.findall(r"^(\d+)$", text, re.MULTILINE)
    if len(numbers) != 1:
        raise BuildFailed(f"{name}: expected one number, got {text!r}")
    return int(numbers[0])
