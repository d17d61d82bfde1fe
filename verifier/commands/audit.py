"""`verifier audit`: reported numbers, each PROVED, REFUTED or UNDECIDED with evidence."""

from __future__ import annotations

import argparse
import fnmatch
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from verifier.audit.investigation import Investigation, Outcome, statement_bytes
from verifier.audit.reported import REPORTED_BYTES, Reported, Scope, read_reported
from verifier.commands.train import at_least
from verifier.commands.weights_file import read_weights_file
from verifier.domain import maximum_subject, whole_domain
from verifier.kernel.decode.inputs import read_bounded
from verifier.kernel.errors import StepRejected, Usage, VerifierError
from verifier.kernel.maximum.model import Model
from verifier.kernel.statement import bind
from verifier.kernel.verdict import text
from verifier.networks.attention_only import read_model
from verifier.prove import prove
from verifier.reproduction import PUBLISHED_DEFAULT, Group, reproduce
from verifier.strategies import STRATEGIES
from verifier.system.files import refuse_to_overwrite, write_atomically, write_together
from verifier.system.progress import stages

EXAMPLES = """\
REPORTED is CSV or JSON with the columns name, metric, reported and, optionally, scope and function:

  name,metric,reported,scope,function
  main table,accuracy,0.9996,,
  as measured in torch,accuracy,0.9996,,float32
  small tokens,accuracy,19/20,0..31,
  fixed query,accuracy,0.99,0..63 0..63 0..63 63..63,

  metric    accuracy: the fraction of the inputs in scope that are answered rightly, a tie being wrong
  reported  a decimal or p/q, read exactly, as the claim "accuracy >= reported"; a number rounded up is a claim too much
  scope     one token range first..last for every position, or one per position; empty: all inputs
  function  real, the default: the formula in exact arithmetic; float32: every machine that evaluates it in binary32

examples:
  verifier audit reported.csv model.safetensors
  verifier audit reported.json model.safetensors --json -o audit
  verifier audit reported.csv model.safetensors --reproduce published
  verifier audit reported.csv model.safetensors --reproduce 'cubic,subcubic/max_diff_exact/*'

Verdicts: PROVED, the certificate proves at least the number. REFUTED, so many inputs are proved wrong that the number is too
large; the certificate lists them. UNDECIDED: how far it got, and what would decide it. A refutation lists (1 - reported) of
all inputs, so where inputs are many, as for 10 tokens and more, a number that is too large usually stays undecided.
With -o, DIR/row-N/ gets statement.json and certificate.json for `verifier check`; a refuted number's statement claims what
is true, and its certificate's `wrong` refutes it.

exit codes: 0 all PROVED, 1 some REFUTED, 2 none REFUTED and some UNDECIDED, 3 bad input
"""
PAPER_ROWS = (  # what `--reproduce published` means: the paper's table, one strategy of each group
    "cubic",
    PUBLISHED_DEFAULT,
    "subcubic/max_diff_exact/drop_average/exact_EQKE+max_diff_exact",
    "subcubic/max_diff_exact/mean_query+diff/max_diff_subproduct",
    "subcubic/max_diff_exact/mean_query+diff/svd",
    "subcubic/mean_query+max_diff/mean_query+diff/exact_EQKE+max_diff_exact",
    "subcubic/mean_query+max_diff/mean_query+diff/max_diff_subproduct",
    "subcubic/max_diff_exact/mean_query+diff/mean_recursive+max_diff_subproduct_recursive",
    "subcubic/mean_query+max_diff/mean_query+diff/mean_recursive+max_diff_subproduct_recursive",
)
SHOWN_GROUPS = 20
IS = {"PROVED": "true", "REFUTED": "false", "UNDECIDED": "not known"}


def add_parser(subparsers: Any) -> None:
    """Declare the arguments."""
    parser = subparsers.add_parser("audit", description="Decide whether reported accuracies are true.", epilog=EXAMPLES)
    parser.add_argument("reported", type=Path, metavar="REPORTED", help="the reported numbers (CSV or JSON)")
    parser.add_argument("model", type=Path, metavar="MODEL", help="the weights (safetensors)")
    parser.add_argument(
        "--reproduce", metavar="NAMES", help="also run published rules as they were published; `published`: the paper's table"
    )
    parser.add_argument("-o", "--output", type=Path, metavar="DIR", help="the folder for certificates and audit.json")
    parser.add_argument("--seconds", type=at_least(1), default=600, help="for each attempt on each scope (default %(default)s)")
    parser.add_argument("--counterexamples", type=at_least(0), default=10, metavar="N", help="wrong inputs to show (default %(default)s)")
    parser.add_argument("--force", action="store_true", help="replace existing files")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Audit, write, print."""
    reported = read_reported(read_bounded(args.reported, REPORTED_BYTES), file=str(args.reported))
    names = published_names(args.reproduce) if args.reproduce else []
    paths = {row.row: _paths(args.output, row) for row in reported} if args.output else {}
    for path in [*(path for pair in paths.values() for path in pair), *([args.output / "audit.json"] if args.output else [])]:
        refuse_to_overwrite(path, force=args.force)
    data = read_weights_file(args.model)
    audit = Audit(read_model(data, file=str(args.model)), data, args, reported)
    with stages("auditing") as report:
        audit.report = report
        for row in reported:
            audit.decide(row)
        reproduced = [audit.reproduced(name) for name in names]
        outcomes = [(row, audit.decide(row)) for row in reported]  # again: each row with all that is known by now
    rows = []
    for row, outcome in outcomes:
        files = write_evidence(row, outcome, paths[row.row], audit, force=args.force) if paths else None
        rows.append(row_json(row, outcome, args.counterexamples, files))
    document: dict[str, Any] = {"rows": rows} | ({"reproduced": reproduced} if names else {})
    if args.output:
        write_atomically(args.output / "audit.json", (json.dumps(document, indent=1) + "\n").encode(), force=args.force)
    print(json.dumps(document) if args.json else "\n".join([*row_lines(rows), *reproduced_lines(reproduced)]))
    words = {outcome.word for _, outcome in outcomes}
    return 1 if "REFUTED" in words else 2 if "UNDECIDED" in words else 0


def published_names(words: str) -> list[str]:
    """Published strategies from a comma-separated list of names, patterns and `published`."""
    published = [name for name, strategy in STRATEGIES.items() if strategy.published]
    chosen: list[str] = []
    for word in (part.strip() for part in words.split(",")):
        found = list(PAPER_ROWS) if word == "published" else fnmatch.filter(published, word)
        if not found:
            expected = "`published`, or names of published strategies such as subcubic/max_diff_exact/*"
            raise Usage("unknown-strategy", expected=expected, got=word, hint="see `verifier strategies`")
        chosen += found
    return list(dict.fromkeys(chosen))


def _paths(folder: Path, row: Reported) -> tuple[Path, Path]:
    return folder / f"row-{row.row}" / "statement.json", folder / f"row-{row.row}" / "certificate.json"


@dataclass
class Audit:
    """One model, and an investigation for each scope that is asked about."""

    model: Model
    data: bytes
    args: argparse.Namespace
    rows: Sequence[Reported]
    report: Any = None

    def __post_init__(self) -> None:
        self._scopes = [row.scope_in(self.model, file=str(self.args.reported)) for row in self.rows]
        self._known: dict[tuple[Scope, str], Investigation] = {}

    def of_row(self, row: Reported) -> Investigation:
        """What is known about a row's scope and function."""
        return self.investigation(row.scope_in(self.model, file=str(self.args.reported)), row.function)

    def investigation(self, scope: Scope, function: str, *more: Fraction) -> Investigation:
        """What is known about a function on a scope."""
        if (scope, function) not in self._known:
            rows = zip(self.rows, self._scopes, strict=True)
            claims = [row.value for row, other in rows if (other, row.function) == (scope, function)]
            subject = maximum_subject(self.model, scope, function)
            bind(subject, self.model.network, file=str(self.args.model))
            on_stage = lambda name: self.report(name, 0, 0) if self.report else None  # noqa: E731
            self._known[scope, function] = Investigation(self.model, self.data, subject, [*claims, *more], self.args.seconds, on_stage)
        return self._known[scope, function]

    def decide(self, row: Reported) -> Outcome:
        """The verdict on a row."""
        return self.of_row(row).decide(row.value)

    def reproduced(self, name: str) -> dict[str, Any]:
        """A published rule as published, next to what is certified."""
        published = reproduce(self.model, name)
        subject = whole_domain(self.model)
        investigation = self.investigation(subject.scope.ranges, subject.function, published.bound)
        outcome = investigation.decide(published.bound)
        certified, failure = None, None
        try:
            certified = text(prove(self.data, STRATEGIES[name], file=str(self.args.model), reference=False).proved)
        except (StepRejected, VerifierError) as error:
            failure = str(error)
        unjustified = published.unjustified
        return {
            "strategy": name,
            "trust": "UNTRUSTED reproduction in float64, slips included",
            "published": text(published.bound),
            "published_count": published.count,
            "total": published.total,
            "verdict": outcome.word,
            "sound": outcome.word != "REFUTED" and not unjustified,
            "certified": certified,
            "certified_failure": failure,
            "certified_lower": text(outcome.lower),
            "certified_upper": text(outcome.upper),
            "groups": len(published.groups),
            "groups_without_justification": len(unjustified),
            "inputs_without_justification": sum(group.inputs for group in unjustified),
            "wrong_inputs_certified": sum(1 for tokens, _ in outcome.counterexamples if any(holds(g, tokens) for g in unjustified)),
            "unjustified": [group_json(group) for group in unjustified[:SHOWN_GROUPS]],
        }


def holds(group: Group, tokens: tuple[int, ...]) -> bool:
    """Is the input in the group?"""
    others = [token for token in tokens if token < group.maximum]
    return (
        max(tokens) == group.maximum
        and tokens[-1] == group.query
        and len(others) == group.others
        and max(others, default=-1) <= group.maximum - group.gap
    )


def group_json(group: Group) -> dict[str, Any]:
    """A group certified without justification; bounds of max_x logit[x] - logit[m] in the paper's sign."""
    return {
        "maximum": group.maximum,
        "query": group.query,
        "others": group.others,
        "gap": group.gap,
        "inputs": group.inputs,
        "claimed_below": round(group.claimed, 6),
        "true_relaxed_maximum": None if group.relaxed is None else round(group.relaxed, 6),
    }


def write_evidence(row: Reported, outcome: Outcome, paths: tuple[Path, Path], audit: Audit, *, force: bool) -> dict[str, str] | None:
    """Statement and certificate; the statement claims the reported number if it is proved, else what is."""
    if outcome.evidence is None:
        return None
    subject = audit.of_row(row).subject
    claim = row.value if outcome.word == "PROVED" else outcome.evidence.bound.proved
    write_together(dict(zip(paths, (statement_bytes(subject, claim), outcome.evidence.certificate), strict=True)), force=force)
    return {"statement": str(paths[0]), "certificate": str(paths[1])}


def row_json(row: Reported, outcome: Outcome, shown: int, files: dict[str, str] | None) -> dict[str, Any]:
    """A row of the report."""
    evidence = outcome.evidence
    return {
        "name": row.name,
        "metric": row.metric,
        "reported": text(row.value),
        "reported_as": row.text,
        "function": row.function,
        "verdict": outcome.word,
        "certified_lower": text(outcome.lower),
        "certified_upper": text(outcome.upper),
        "counterexamples": [{"input": list(tokens), "maximum": max(tokens), "answer": x} for tokens, x in outcome.counterexamples[:shown]],
        "wrong": outcome.wrong,
        "total": outcome.total,
        "reason": outcome.reason,
        "method": evidence.method if evidence else None,
        "checked_with": list(evidence.checked_with) if evidence else [],
        "statement": files["statement"] if files else None,
        "certificate": files["certificate"] if files else None,
    }


def _down(fraction: str) -> str:
    value = Fraction(fraction)
    digits = value.numerator * 10**6 // value.denominator
    return f"{digits / 10**6:.6f}" + ("" if value * 10**6 == digits else "...")


def row_lines(rows: list[dict[str, Any]]) -> Iterator[str]:
    """The report for a person: a line for each row, then why."""
    for row in rows:
        yield (
            f"{row['verdict']} {row['name']}: {row['metric']} {row['reported_as']} reported, "
            f"{_down(row['certified_lower'])} to {_down(row['certified_upper'])} certified"
            + (" for every float32 machine" if row["function"] == "float32" else "")
        )
        yield f"  {row['reason']}" + (f" ({row['method']}; checked with {' and '.join(row['checked_with'])})" if row["method"] else "")
        for one in row["counterexamples"] if row["verdict"] == "REFUTED" else []:
            yield f"  wrong: {' '.join(map(str, one['input']))} has maximum {one['maximum']}, output {one['answer']} is not lower"
        if row["certificate"]:
            yield f"  wrote {row['statement']} and {row['certificate']}"


def reproduced_lines(rows: list[dict[str, Any]]) -> Iterator[str]:
    """The table of reproductions."""
    if rows:
        yield ""
        yield "Published rules as published, reproduced in float64 with their slips. UNTRUSTED: these numbers prove nothing."
        yield f"{'published':<13}{'that is':<11}{'sound':<7}{'certified by ours':<19}{'groups without justification':<36}strategy"
    for row in rows:
        certified, sound = _down(row["certified"]) if row["certified"] else "none", "yes" if row["sound"] else "no"
        groups = f"{row['groups_without_justification']} of {row['groups']}"
        wrong = f" ({row['wrong_inputs_certified']} wrong inputs in them)" if row["wrong_inputs_certified"] else ""
        yield f"{_down(row['published']):<13}{IS[row['verdict']]:<11}{sound:<7}{certified:<19}{groups + wrong:<36}{row['strategy']}"
