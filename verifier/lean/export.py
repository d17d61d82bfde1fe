"""A certificate written as Lean data, with the theorem that closes it or the evaluation that runs it.

Certificates of one family are exported: exact tables, `decoupled_constraint`, `count_sums`, `accuracy`.  The claim in the
Lean file is the statement's own; whether it holds is for Lean's checker to say.

* `proof_file`: imports the library, ends in a theorem closed by kernel computation (small models);
* `evaluation_file`: the checker in one file, then the model, then `#eval` (large models, packaged toolchain too).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

from verifier.kernel.certificate import FloatArray, Step
from verifier.kernel.model import Model
from verifier.kernel.statement import Statement

from .errors import LeanError
from .hints import Enclosures, Hints, LeanModel, Precision, Row, Table, base_bits, lean_model, make_hints
from .sources import import_order, module_file

MATRICES = ("E", "P", "Q", "K", "V", "O", "U")
TABLES = [
    "Ut",
    "Qt",
    "Kt",
    "Vt",
    "Ot",
    "X",
    "XQ",
    "EK",
    "PK",
    "EV",
    "PV",
    "EVO",
    "PVO",
    "skipRaw",
    "skip",
    "score",
    "pscore",
    "copy",
    "pcopy",
    "omegaLo",
    "omegaHi",
    "rhoLo",
    "rhoHi",
    "shift",
    "G",
]


class NotExportable(LeanError):
    """The certificate uses a rule that Lean's checker does not follow (see lean/BOUNDARY.md)."""


def number(value: int) -> str:
    """An integer literal; negative ones in brackets."""
    return str(value) if value >= 0 else f"({value})"


def row(values: Sequence[int]) -> str:
    """A list literal."""
    return "[" + ", ".join(map(number, values)) + "]"


def definitions(name: str, table: Table) -> Iterator[str]:
    """One definition per row, since long list literals are slow, then the table."""
    for index, values in enumerate(table):
        yield f"@[expose] def {name}_{index} : List Int := {row(values)}"
    yield f"@[expose] def {name} : List (List Int) := [{', '.join(f'{name}_{index}' for index in range(len(table)))}]"


def nested(name: str, tables: Sequence[Table]) -> Iterator[str]:
    """A list of tables."""
    for index, table in enumerate(tables):
        yield from definitions(f"{name}_{index}", table)
    yield f"@[expose] def {name} : List (List (List Int)) := [{', '.join(f'{name}_{index}' for index in range(len(tables)))}]"


def model_data(model: LeanModel) -> Iterator[str]:
    """The weights."""
    for name in MATRICES:
        yield from definitions(f"W{name}", model.matrices[name])
    yield f"@[expose] def model : Model := ⟨{model.v}, {model.n}, {model.d}, {model.h}, {model.e}, {', '.join(f'W{m}' for m in MATRICES)}⟩"


def scope_data(scope: Sequence[tuple[int, int]]) -> str:
    """The token ranges."""
    return f"@[expose] def scope : List (Nat × Nat) := [{', '.join(f'({lo}, {hi})' for lo, hi in scope)}]"


def data(model: LeanModel, hints: Hints, scope: Sequence[tuple[int, int]]) -> Iterator[str]:
    """The model, the certificate and the scope as Lean definitions."""
    yield from model_data(model)
    for name in TABLES:
        yield from definitions(f"C{name}", hints.tables[name])
    yield from nested("Cworst", hints.worst)
    yield from nested("Cplan", hints.plan)
    yield f"@[expose] def Ctop : List Int := {row(hints.top)}"
    yield f"@[expose] def Cptop : List Int := {row(hints.ptop)}"
    P, roots = hints.enclosures.precision, (hints.enclosures.root_lo, hints.enclosures.root_hi)
    yield f"@[expose] def precision : Precision := ⟨{P.p}, {P.k}, {P.w}, {P.r}, {roots[0]}, {roots[1]}⟩"
    yield (
        "@[expose] def certificate : Certificate where\n"
        + "".join(f"  {name} := C{name}\n" for name in TABLES)
        + "  top := Ctop\n  ptop := Cptop\n  worst := Cworst\n  plan := Cplan\n  precision := precision\n"
        + f"  baseBits := {hints.base_bits}"
    )
    yield scope_data(scope)


def shift_rows(model: LeanModel, shift: FloatArray) -> Table:
    """A shift hint as integers over 2^(4e), one row per maximum; rounding it down is sound, any shift is."""

    def scaled(mantissa: int, exponent: int) -> int:
        places = exponent + 4 * model.e
        return mantissa << places if places >= 0 else mantissa >> -places

    width = shift.shape[1]
    rows: list[Row] = [[scaled(*entry) for entry in shift.entries[start : start + width]] for start in range(0, len(shift.entries), width)]
    return rows if shift.shape[0] == model.v else rows * model.v


def exportable(steps: Sequence[Step]) -> tuple[FloatArray, int]:
    """The shift and the number of bins of a certificate of the exported family."""
    if any(step.rule in ("peeled_table", "row_range", "row_norm") for step in steps):
        raise NotExportable("Lean's checker follows exact tables only")
    constraints = [step for step in steps if step.rule == "decoupled_constraint"]
    counts = [step for step in steps if step.rule == "count_sums"]
    if len(constraints) != 1 or len(counts) != 1:
        raise NotExportable("Lean's checker follows certificates with one decoupled_constraint and one count_sums")
    shift, bins = constraints[0].hints["shift"], counts[0].hints["bins"]
    if not isinstance(shift, FloatArray) or not isinstance(bins, int):
        raise NotExportable("a shift of floats and a number of bins are needed")
    return shift, bins


def exported(model: Model, statement: Statement, steps: Sequence[Step], precision: Precision | None = None) -> tuple[str, Fraction, int]:
    """The Lean data of decoded kernel inputs, the claimed bound, and the number of inputs that Lean should certify."""
    shift, bins = exportable(steps)
    lean = lean_model(model.weights)
    scope = [(first, last + 1) for first, last in statement.subject.scope]
    hints = make_hints(lean, shift_rows(lean, shift), scope, bins, precision or Precision())
    return "\n".join(data(lean, hints, scope)), statement.claim.bound, hints.certified


def proof_file(text: str, bound: Fraction) -> str:
    """Data and a theorem that Lean's kernel closes by computation."""
    p, q = bound.numerator, bound.denominator
    return (
        "module\npublic import Verifier\npublic section\nnamespace Verifier.Exported\n"
        f"{text}\n"
        "set_option maxRecDepth 100000\n"
        "/-- The checker accepts the certificate. -/\n"
        f"theorem accepted : check model certificate scope {p} {q} = true := by decide +kernel\n"
        f"/-- The bound of the statement holds. -/\ntheorem bound : BoundHolds model scope {p} {q} := check_sound accepted\n"
        "end Verifier.Exported\n"
    )


def evaluation_file(library: Path, lean: LeanModel, shift: Row, scope: Sequence[tuple[int, int]], bins: int, bound: Fraction) -> str:
    """The checker's part of the library, a model and one evaluation in one file: ten times the certified count, plus 1 for yes.

    The hints are computed by Lean (`fill`): literals of that many tables would exhaust the packaged build's memory.
    """
    wanted = ["Verifier.Fill"]
    order = import_order(library)
    needed: set[str] = set()
    while wanted:
        module = wanted.pop()
        if module not in needed:
            needed.add(module)
            source = (library / module_file(module)).read_text()
            wanted += [other for other in order if re.search(rf"^public import {re.escape(other)}$", source, re.MULTILINE)]
    parts = []
    for module in (module for module in order if module in needed):
        source = (library / module_file(module)).read_text()
        body = re.sub(r"^(module|public section|(public )?import .*)$", "", source, flags=re.MULTILINE)
        parts.append(f"public section\n{body}\nend\n")
    enclosures = Enclosures.of(lean, Precision())
    P = enclosures.precision
    text = "\n".join(
        [
            *model_data(lean),
            f"@[expose] def precision : Precision := ⟨{P.p}, {P.k}, {P.w}, {P.r}, {enclosures.root_lo}, {enclosures.root_hi}⟩",
            f"@[expose] def shift : List Int := {row(shift)}",
            scope_data(scope),
        ]
    )
    filled = f"fill model precision shift {bins} {base_bits(scope)}"
    verdict = f"(check model c scope {bound.numerator} {bound.denominator}).toNat"
    evaluation = f"#eval let c := {filled}; 10 * certified model c scope + {verdict}\n"
    return "module\n" + "".join(parts) + f"public section\nnamespace Verifier.Exported\n{text}\n{evaluation}end Verifier.Exported\n"


def evaluated(library: Path, model: Model, statement: Statement, steps: Sequence[Step]) -> str:
    """The evaluation file of decoded kernel inputs."""
    shift, bins = exportable(steps)
    if shift.shape[0] != 1:
        raise NotExportable("an evaluation takes one shift row for all maxima")
    lean = lean_model(model.weights)
    scope = [(first, last + 1) for first, last in statement.subject.scope]
    return evaluation_file(library, lean, shift_rows(lean, shift)[0], scope, bins, statement.claim.bound)
