"""One corpus, three checkers: the kernel with mpmath, the kernel with the fast arithmetic, and Lean's `check`.

`section()` is the part of lean/DIVERGENCES.md that is computed; `python -m tests.lean.differential` writes it.  `lean_file` writes one
Lean file in which `check` runs on many certificates, as they are and with one hint changed.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.checking import ARITHMETICS, arithmetic
from verifier.domain import maximum_model
from verifier.kernel.certificate import Step, read_certificate
from verifier.kernel.errors import StepRejected, SubjectMismatch, VerifierError
from verifier.kernel.maximum.model import Model
from verifier.kernel.rules import RULES
from verifier.kernel.statement import Statement, read_statement
from verifier.kernel.verdict import check
from verifier.lean.export import checker_source, exported, one_file, unfilled
from verifier.lean.family import NotExportable
from verifier.lean.slices import ranges

ROOT = Path(__file__).parents[2]
CASES = sorted(path.parent for path in (ROOT / "certificates").glob("*/*/expected.json"))
BEGIN, END = "<!-- computed by tests/lean/differential.py -->", "<!-- end of the computed part -->"
STAGES = {  # how far a certificate comes on its way to Lean, in the words of the document
    "decoding": "refused while it is decoded: JSON, FORMAT.md's clauses, weights, limits",
    "subject": "about another subject than the statement: the model's digest or the scope",
    "no steps to follow": "decoded, refused by the exporter: no count that Lean's checker follows",
    "another function": "decoded, refused by the exporter: a statement about float32, where Lean's theorem is about the reals",
    "another network": "decoded, refused by the exporter: a network, task or metric that Lean's theorem is not about",
    "followed": "given to Lean's `check`",
}


@dataclass(frozen=True)
class Case:
    """A decoded case of the corpus."""

    name: str
    model: Model
    statement: Statement
    steps: Sequence[Step]

    @property
    def wanted(self) -> int:
        """The least number of inputs that reaches the claim."""
        return -(-self.statement.claim.bound.numerator * self.statement.subject.total // self.statement.claim.bound.denominator)


def expectation(folder: Path) -> dict[str, Any]:
    expected: dict[str, Any] = json.loads((folder / "expected.json").read_text(encoding="ascii"))
    return expected


def contents(folder: Path) -> tuple[bytes, bytes, bytes]:
    model = folder / expectation(folder)["model"]
    return (folder / "statement.json").read_bytes(), (folder / "certificate.json").read_bytes(), model.read_bytes()


def decoded(folder: Path) -> Case:
    """What the exporter reads; VerifierError as `verifier lean export` would raise it."""
    statement_bytes, certificate_bytes, model_bytes = contents(folder)
    statement = read_statement(statement_bytes, file="statement")
    model = maximum_model(statement.subject, model_bytes, statement="statement", file="model")
    certificate = read_certificate(certificate_bytes, {name: rule.signature for name, rule in RULES.items()}, file="certificate")
    if certificate.subject != statement.subject.digest:
        raise SubjectMismatch("subject-digest", expected=statement.subject.digest, got=certificate.subject, file="", clause="3.2")
    return Case(f"{folder.parent.name}/{folder.name}", model, statement, certificate.steps)


@cache
def stage(folder: Path) -> tuple[str, int]:
    """How far a case comes, and the number of inputs that Lean's arithmetic, redone in Python, certifies (0 unless followed)."""
    try:
        case = decoded(folder)
    except SubjectMismatch:
        return "subject", 0
    except StepRejected:
        return "another network", 0
    except VerifierError:
        return "decoding", 0
    try:
        return "followed", exported(case.model, case.statement, case.steps)[2]
    except NotExportable:
        if case.statement.claim.relation != ">=" or case.statement.claim.metric != "accuracy":
            return "another network", 0
        return ("no steps to follow" if case.statement.subject.function == "real" else "another function"), 0


FOLLOWED = [folder for folder in CASES if stage(folder)[0] == "followed"]


@cache
def certified(folder: Path, name: str) -> int | None:
    """The number of inputs that the kernel certifies, whatever is claimed; None if it rejects a step."""
    try:
        bound = check(*contents(folder), arithmetic(name)).bound
    except StepRejected:
        return None
    return bound.certified if bound else None


def accepts(number: int | None, folder: Path) -> bool:
    """The verdict on the claim as it stands."""
    return number is not None and number >= decoded(folder).wanted


def section() -> str:
    """Counts by stage, then each certificate that Lean follows with the three numbers."""
    verdicts = [("PROVED", "PROVED"), ("INCOMPLETE", "INCOMPLETE"), ("REJECTED", "REJECTED"), ("refused unread", None)]
    counted = Counter((stage(folder)[0], expectation(folder)["verdict"]) for folder in CASES)
    lines = [f"| how far | {' | '.join(words for words, _ in verdicts)} |", "|---" * 5 + "|"]
    for key, words in STAGES.items():
        lines.append(f"| {words} | {' | '.join(str(counted[key, verdict]) for _, verdict in verdicts)} |")
    lines += ["", "| case | claimed | mpmath | fast | Lean | verdict of all three |", "|---|---|---|---|---|---|"]
    for folder in FOLLOWED:
        numbers = [*(certified(folder, name) for name in ARITHMETICS), stage(folder)[1]]
        said = {accepts(number, folder) for number in numbers}
        word = {frozenset({True}): "yes", frozenset({False}): "no"}.get(frozenset(said), "THEY DIFFER")
        case = decoded(folder)
        claim = f"{case.wanted} of {case.statement.subject.total}"
        lines.append(f"| {case.name} | {claim} | {' | '.join(map(str, numbers))} | {word} |")
    return "\n".join(lines)


# One Lean file

SPLIT_CHANGES: Mapping[str, str] = {  # what is changed -> the changed certificate; `c` is the untouched one
    "a skip entry": "{ c with skip := bump c.skip 1 0 1 }",
    "a score": "{ c with score := bump c.score 1 1 (-1) }",
    "a copy entry": "{ c with copy := bump c.copy 0 1 1 }",
    "a position's copy entry": "{ c with pcopy := bump c.pcopy 0 1 1 }",
    "a column of the unembedding": "{ c with Ut := bump c.Ut 0 0 1 }",
    "a product": "{ c with EVO := bump c.EVO 1 0 1 }",
    "a lower weight raised by one": "{ c with omegaLo := bump c.omegaLo 1 1 1 }",
    "an upper weight lowered by one": "{ c with omegaHi := bump c.omegaHi 1 1 (-1) }",
    "a position's lower weight raised by one": "{ c with rhoLo := bump c.rhoLo 1 0 1 }",
    "the upper weights left out": "{ c with omegaHi := [] }",
    "the inverse root raised": "{ c with precision := { c.precision with rootLo := c.precision.rootHi + 1 } }",
    "least skip gaps raised by one": "changed c fun p => { p with G := bumpRow p.G 1 1 }",
    "least copy gaps raised by one": "changed c fun p => { p with worst := bump p.worst 0 1 1 }",
    "thresholds lowered by one": "changed c fun p => { p with plan := mapRows (fun r => bumpRow r 1 (-1)) p.plan }",
    "bins without width": "changed c fun p => { p with plan := mapRows (fun r => bumpRow r 0 (0 - at1 r 0)) p.plan }",
    "an output in no part": "changedSplit c fun s => { s with label := bumpRow s.label 0 99 }",
    "the parts left out": "changedSplit c fun s => { s with parts := [] }",
    "no splits at all": "{ c with splits := [] }",
    "fields too narrow for the counts": "{ c with baseBits := 1 }",
}
ABSENT_CHANGES: Mapping[str, str] = {
    "least skip gaps raised by one, absent outputs": "changedAbsent c fun p => { p with G := bumpRow p.G 1 1 }",
    "least copy gaps raised by one, absent outputs": "changedAbsent c fun p => { p with worst := bump p.worst 0 1 1 }",
    "thresholds lowered by one, absent outputs": "changedAbsent c fun p => { p with plan := mapRows (fun r => bumpRow r 1 (-1)) p.plan }",
    "an absent/present split taken for one of parts": "{ c with splits := c.absent, absent := [] }",
    "no splits at all": "{ c with absent := [] }",
}
CHANGES: Mapping[Path, Mapping[str, str]] = {  # case -> its changes
    ROOT / "certificates" / "accepted" / "imperfect-subcubic": SPLIT_CHANGES,
    ROOT / "certificates" / "accepted" / "imperfect-absent-present": ABSENT_CHANGES,
}
TOOLS = """
/-- A row with `d` added at index `i`. -/
def bumpRow : List Int → Nat → Int → List Int
  | [], _, _ => []
  | a :: l, 0, d => (a + d) :: l
  | a :: l, i + 1, d => a :: bumpRow l i d
/-- A table with `d` added at row `i`, column `j`. -/
def bump : List (List Int) → Nat → Nat → Int → List (List Int)
  | [], _, _, _ => []
  | r :: l, 0, j, d => bumpRow r j d :: l
  | r :: l, i + 1, j, d => r :: bump l i j d
/-- `f` of each part. -/
@[specialize] def eachPart (f : Part → Part) : List Part → List Part
  | [] => []
  | p :: l => f p :: eachPart f l
/-- `f` of each split of a maximum. -/
@[specialize] def eachSplit (f : Split → Split) : List Split → List Split
  | [] => []
  | s :: l => f s :: eachSplit f l
/-- `f` of each split of each maximum. -/
@[specialize] def eachMaximum (f : Split → Split) : List (List Split) → List (List Split)
  | [] => []
  | a :: l => eachSplit f a :: eachMaximum f l
/-- A certificate with all splits changed. -/
@[specialize] def changedSplit (c : Certificate) (f : Split → Split) : Certificate := { c with splits := eachMaximum f c.splits }
/-- A certificate with all parts changed. -/
@[specialize] def changed (c : Certificate) (f : Part → Part) : Certificate :=
  changedSplit c fun s => { s with parts := eachPart f s.parts }
/-- A certificate with all parts for absent outputs changed. -/
@[specialize] def changedAbsent (c : Certificate) (f : Part → Part) : Certificate :=
  { c with absent := eachMaximum (fun s => { s with parts := eachPart f s.parts }) c.absent }
"""


def lean_file(folders: Sequence[Path], library: Path) -> str:
    """`check` on each case, each followed by its changes if it has any.  Lean prints one number per line.

    A case: 4 times the certified count, plus 2 if `check` accepts that count as the claim, plus 1 if it accepts one input more.  Then,
    where there are changes: the sum of the counts of two slices, and per change 1 if `check` still accepts the untouched count.
    """
    text = [TOOLS]
    for folder in folders:
        case = decoded(folder)
        given, filled = unfilled(case.model, case.statement, case.steps)
        said = [f"(check model c scope {more} {case.statement.subject.total}).toNat" for more in ("n", "(n + 1)")]
        call = "match sliceCount model c scope 0 model.v with | none => 0 | some n => " + f"4 * n + 2 * {said[0]} + {said[1]}"
        text.append(f"namespace {named(folder)}\n{given}\ndef c : Certificate := {filled} 0 model.v\n#eval {call}")
        if folder in CHANGES:
            n, total = stage(folder)[1], case.statement.subject.total
            halves = ranges(case.model.vocabulary, 2)
            parts = [f"sliceCount model ({filled} {one.first} {one.size}) scope {one.first} {one.size}" for one in halves]
            text.append(f"#eval match {', '.join(parts)} with | some a, some b => a + b | _, _ => 0")
            text += [f"/- {what} -/\n#eval (check model ({new}) scope {n} {total}).toNat" for what, new in CHANGES[folder].items()]
        text.append(f"end {named(folder)}")
    return one_file(checker_source(library), "\n".join(text))


def named(folder: Path) -> str:
    """A case as a name of Lean's."""
    return "".join(word.capitalize() for word in folder.name.split("-"))


if __name__ == "__main__":
    document = ROOT / "lean" / "DIVERGENCES.md"
    before, _, rest = document.read_text().partition(f"{BEGIN}\n")
    document.write_text(f"{before}{BEGIN}\n{section()}\n{END}{rest.partition(END)[2]}")
