"""A certificate written as Lean data, with the theorem that closes it or the evaluation that runs it.

`family.py` says which certificates are exported.  The claim in the Lean file is the statement's own; whether it holds is for
Lean's checker to say.

* `proof_file`: imports the library, ends in a theorem closed by kernel computation (small models);
* `checker_source`, `unfilled`: the checker in one text, then the model, for evaluations (`slices.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

from verifier.kernel.certificate import Step
from verifier.kernel.maximum.model import Model
from verifier.kernel.statement import Statement
from verifier.networks.attention_only import all_weight_rows

from .family import Followed, NotExportable, Table, followed
from .hints import Enclosures, Hints, LeanModel, Precision, Split, base_bits, lean_model, make_hints
from .sources import import_order, imports_of, module_file

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
]


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


def splits_data(splits: Sequence[Sequence[Split]], letter: str) -> Iterator[str]:
    """The splits of each maximum, a definition per row; shifts that several maxima share are written once."""
    names: dict[tuple[int, ...], str] = {}
    for m, choices in enumerate(splits):
        for i, split in enumerate(choices):
            if (key := tuple(split.sorting.shift)) not in names:
                names[key] = f"{letter}shift_{len(names)}"
                yield f"@[expose] def {names[key]} : List Int := {row(key)}"
            parts = []
            for j, part in enumerate(split.parts):
                name = f"{letter}part_{m}_{i}_{j}"
                yield from definitions(f"{name}_worst", part.worst)
                yield from definitions(f"{name}_plan", part.plan)
                yield f"@[expose] def {name} : Part := ⟨{row(part.G)}, {name}_worst, {name}_plan⟩"
                parts.append(name)
            yield f"@[expose] def {letter}split_{m}_{i} : Split := ⟨{names[key]}, {row(split.sorting.label)}, [{', '.join(parts)}]⟩"
        yield f"@[expose] def {letter}splits_{m} : List Split := [{', '.join(f'{letter}split_{m}_{i}' for i in range(len(choices)))}]"
    yield f"@[expose] def {letter}splits : List (List Split) := [{', '.join(f'{letter}splits_{m}' for m in range(len(splits)))}]"


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
    yield from splits_data(hints.splits, "C")
    yield from splits_data(hints.absent, "A")
    yield f"@[expose] def Ctop : List Int := {row(hints.top)}"
    yield f"@[expose] def Cptop : List Int := {row(hints.ptop)}"
    P, roots = hints.enclosures.precision, (hints.enclosures.root_lo, hints.enclosures.root_hi)
    yield f"@[expose] def precision : Precision := ⟨{P.p}, {P.k}, {P.w}, {P.r}, {roots[0]}, {roots[1]}⟩"
    yield (
        "@[expose] def certificate : Certificate where\n"
        + "".join(f"  {name} := C{name}\n" for name in TABLES)
        + "  top := Ctop\n  ptop := Cptop\n  splits := Csplits\n  absent := Asplits\n  precision := precision\n"
        + f"  bins := {hints.bins}\n  baseBits := {hints.base_bits}"
    )
    yield scope_data(scope)


def half_open(statement: Statement) -> list[tuple[int, int]]:
    """The scope as Lean writes it."""
    return [(first, last + 1) for first, last in statement.subject.scope.ranges]


def told(model: LeanModel, statement: Statement, steps: Sequence[Step]) -> Followed:
    """What Lean is told of the steps; its theorem is a lower bound of the accuracy in real arithmetic, so other statements are refused."""
    claim = statement.claim
    if (claim.metric, claim.relation) != ("accuracy", ">="):  # attack: an upper bound, or a loss, read as a lower bound of the accuracy
        raise NotExportable(f"Lean's theorem is about accuracy >=, the statement about {claim.metric} {claim.relation}")
    if statement.subject.function != "real":
        raise NotExportable(f"Lean's theorem is about real arithmetic, the statement about {statement.subject.function}")
    return followed(steps, model.v, model.e)


def exported(model: Model, statement: Statement, steps: Sequence[Step], precision: Precision | None = None) -> tuple[str, Fraction, int]:
    """The Lean data of decoded kernel inputs, the claimed bound, and the number of inputs that Lean should certify."""
    lean, scope = lean_model(all_weight_rows(model)), half_open(statement)
    family = told(lean, statement, steps)
    hints = make_hints(lean, family, scope, precision or Precision())
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


def checker_source(library: Path) -> str:
    """The definitions of the checker and of `fill`, in one text: what they import, without its theorems.

    Theorems are left out since they do not run and take minutes to check; the library's own build checks them.
    """
    wanted, order = ["Verifier.Fill"], import_order(library)
    needed: set[str] = set()
    while wanted:
        module = wanted.pop()
        if module not in needed:
            needed.add(module)
            wanted += [other for other in imports_of((library / module_file(module)).read_text()) if other in order]
    return "".join(f"public section\n{definitions_of((library / module_file(m)).read_text())}\nend\n" for m in order if m in needed)


def definitions_of(source: str) -> str:
    """A file of the library without its header and its theorems: blocks are parted by blank lines, a theorem is one block."""
    body = re.sub(r"^(module|public section|(public )?import .*)$", "", source, flags=re.MULTILINE)
    blocks = re.split(r"\n{2,}", body)
    return "\n\n".join(block for block in blocks if not re.match(r"\s*(/--(.|\n)*?-/\s*)?(@\[.*\]\s*)?theorem ", block))


def unfilled(model: Model, statement: Statement, steps: Sequence[Step]) -> tuple[str, str]:
    """The model, the scope and what `fill` needs as definitions; the call of `fill` that a range of queries completes."""
    lean, scope = lean_model(all_weight_rows(model)), half_open(statement)
    family = told(lean, statement, steps)
    enclosures = Enclosures.of(lean, Precision())
    P = enclosures.precision
    text = [
        *model_data(lean),
        f"@[expose] def precision : Precision := ⟨{P.p}, {P.k}, {P.w}, {P.r}, {enclosures.root_lo}, {enclosures.root_hi}⟩",
        *splits_data([[Split(sorting, []) for sorting in choices] for choices in family.sortings], "C"),
        *splits_data([[Split(sorting, []) for sorting in choices] for choices in family.absent], "A"),
        scope_data(scope),
    ]
    return "\n".join(text), f"fill model precision Csplits Asplits {family.bins} {base_bits(scope)}"


def one_file(source: str, text: str) -> str:
    """The checker, then data and an evaluation."""
    return f"module\n{source}public section\nnamespace Verifier.Exported\n{text}\nend Verifier.Exported\n"
