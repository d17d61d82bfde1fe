"""The rows of `verifier frontier`: what one holds, how it is kept in a folder, and what follows from all of them.

1. A row carries the digest of the question and of the code that made it: it is true as long as both are unchanged.
2. From the rows: the Pareto frontiers, the best strategy of each cost class, and each proof's length against brute force.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from fractions import Fraction
from functools import cache
from pathlib import Path

import verifier
from verifier.kernel.decode.strict_json import canonical_digest
from verifier.kernel.errors import VerifierError
from verifier.kernel.metrics import Claim
from verifier.kernel.statement import Subject, read_statement
from verifier.strategies.target import Target
from verifier.system.files import write_atomically

BOUND_PLACES = 9  # decimals of the column `bound`
IRRELEVANT = {  # code of the package that no row depends on; all other code is part of a row's identity
    *("__init__.py", "api", "auditing", "cli.py", "commands", "experiments", "lean", "lemmas", "models", "plotting", "report"),
    *("reproduction", "system"),
}


@dataclass(frozen=True)
class Row:
    """One strategy's result; the fields are the columns of frontier.csv.

    verdict: PROVED, REJECTED, or None if the strategy did not come to a verdict; then, as after REJECTED, `reason` says why and
    the fields of the proof are None.  bound: `proved` as a decimal, rounded to the side of the relation.  check_seconds: with the fast
    arithmetic.  brute_force_ratio: how many times longer brute force is.  peak_memory_mib: of the whole process, proving and
    checking, libraries and what it still holds of earlier strategies included.
    """

    strategy: str
    published: bool
    cost_class: str
    metric: str = "accuracy"
    relation: str = ">="
    verdict: str | None = None
    proved: str | None = None
    certified: int | None = None
    wrong: int | None = None
    undecided: int | None = None
    total: int | None = None
    bound: str | None = None
    flops: int | None = None
    integer_operations: int | None = None
    operations: int | None = None
    log2_operations: float | None = None
    unexplained_dimension: int | None = None
    certificate_bytes: int | None = None
    prove_seconds: float | None = None
    check_seconds: float | None = None
    brute_force_ratio: float | None = None
    peak_memory_mib: int | None = None
    reason: str | None = None

    @property
    def is_proved(self) -> bool:
        return self.verdict == "PROVED"

    @property
    def error(self) -> Fraction:
        """How far the bound is from the best there could be: 1 for what is at least the bound, 0 for what is at most the bound."""
        if self.relation == "<=":
            return Fraction(self.proved) if self.proved else Fraction(1)
        return 1 - Fraction(self.proved or "0/1")

    @property
    def is_exact(self) -> bool:
        return self.is_proved and self.undecided == 0


COLUMNS = tuple(field.name for field in fields(Row))


def rounded(fraction: Fraction, relation: str = ">=", places: int = BOUND_PLACES) -> str:
    """A decimal of so many places that is not above the fraction, or not below it where the relation is <=."""
    scaled, rest = divmod(fraction.numerator * 10**places, fraction.denominator)
    scaled += bool(rest and relation == "<=")
    return f"{scaled // 10**places}.{scaled % 10**places:0{places}d}"


# -- the folder --------------------------------------------------------------------------------------------------------


def row_path(folder: Path, name: str) -> Path:
    """Where a strategy's row is."""
    return folder / "rows" / f"{_flat(name)}.json"


def proof_paths(folder: Path, name: str) -> tuple[Path, Path]:
    """Where a strategy's statement and certificate are."""
    place = folder / "certificates" / _flat(name)
    return place / "statement.json", place / "certificate.json"


def _flat(name: str) -> str:
    return name.replace("/", "__")


def question_digest(subject: Subject, claim: Claim) -> str:
    """What a folder is about: a subject and a metric.  Of the claim everything but the number."""
    question = {"subject": subject.digest, "metric": claim.metric, "relation": claim.relation, "output": claim.output}
    return canonical_digest(question)


def question_of(target: Target) -> str:
    """The digest of what a target asks."""
    return question_digest(target.subject, target.claim(Fraction(0)))


def store_row(folder: Path, row: Row, question: str, *, lasting: bool) -> None:
    """Write a row and what it depends on; one that is not lasting is made again by a later run."""
    stored = {"key": _key(row.strategy, question), "lasting": lasting, "row": asdict(row)}
    write_atomically(row_path(folder, row.strategy), (json.dumps(stored, indent=1) + "\n").encode(), force=True)


def stored_row(folder: Path, name: str, question: str) -> Row | None:
    """The row in the folder if it answers this question, made by this code, final, and its proof is there."""
    with suppress(OSError, ValueError, TypeError, KeyError, VerifierError):
        stored = json.loads(row_path(folder, name).read_bytes())
        row = Row(**stored["row"])
        if stored["key"] == _key(name, question) and stored["lasting"] and (not row.is_proved or _has_proof(folder, row, question)):
            return row
    return None


def _has_proof(folder: Path, row: Row, question: str) -> bool:
    """Whether the statement beside it claims what the row says, with a certificate of the row's size."""
    statement_path, certificate_path = proof_paths(folder, row.strategy)
    statement = read_statement(statement_path.read_bytes(), file=str(statement_path))
    same = question_digest(statement.subject, statement.claim) == question and statement.claim.bound == Fraction(row.proved or 0)
    return same and certificate_path.stat().st_size == row.certificate_bytes


def _key(name: str, question: str) -> dict[str, str]:
    return {"strategy": name, "question": question, "code": code_digest()}


@cache
def code_digest() -> str:
    """sha256 over the package's files that a row depends on."""
    root = Path(verifier.__file__).parent
    state = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        name = path.relative_to(root)
        if name.parts[0] not in IRRELEVANT:
            state.update(f"{name.as_posix()}\0{path.stat().st_size}\0".encode())
            state.update(path.read_bytes())
    return "sha256:" + state.hexdigest()


# -- from rows to conclusions ------------------------------------------------------------------------------------------


def with_ratio(rows: Iterable[Row], brute_force: int | None) -> list[Row]:
    """The rows with `brute_force_ratio`; brute_force: its operations, None where they are not known."""
    return [replace(row, brute_force_ratio=_ratio(brute_force, row.operations)) for row in rows]


def _ratio(brute_force: int | None, operations: int | None) -> float | None:
    return float(f"{brute_force / operations:.4g}") if brute_force and operations else None


def pareto(rows: Iterable[Row], cost: str) -> list[Row]:
    """The proved rows that no other beats in both cost and bound, by rising cost."""
    best: list[Row] = []
    for row in sorted((row for row in rows if row.is_proved), key=lambda row: (getattr(row, cost), row.error)):
        if not best or row.error < best[-1].error:
            best.append(row)
    return best


def best_per_class(rows: Iterable[Row]) -> dict[tuple[str, bool], Row]:
    """The best proved row for each cost class, published and ours apart, in the order of the rows."""
    best: dict[tuple[str, bool], Row] = {}
    for row in rows:
        key = row.cost_class, row.published
        if row.is_proved and (key not in best or (row.error, row.operations) < (best[key].error, best[key].operations)):
            best[key] = row
    return best
