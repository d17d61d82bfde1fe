"""`verifier audit`: reported numbers, each PROVED, REFUTED or UNDECIDED with evidence."""

from __future__ import annotations

import argparse
import fnmatch
import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

from verifier.auditing.audit import Audit, Settings
from verifier.auditing.investigation import Outcome
from verifier.auditing.reported import REPORTED_BYTES, Reported, read_reported
from verifier.auditing.reproducing import Reproducing
from verifier.commands.arguments import at_least
from verifier.commands.question import HELP, add_question, read_question
from verifier.experiments.estimate import Estimate
from verifier.kernel.decode.inputs import read_bounded
from verifier.kernel.errors import Usage
from verifier.kernel.limits import LIMITS
from verifier.kernel.verdict import text
from verifier.reproduction import PUBLISHED_DEFAULT
from verifier.strategies import STRATEGIES
from verifier.strategies.target import METRIC_WORDS
from verifier.system.files import refuse_to_overwrite, write_atomically, write_together
from verifier.system.progress import stages

EXAMPLES = f"""\
REPORTED is CSV or JSON with the columns name, metric, reported and, optionally, scope and function:

  name,metric,reported,scope,function
  main table,accuracy,0.9996,,
  as measured in torch,accuracy,0.9996,,float32
  small tokens,accuracy,19/20,0..31,
  fixed query,accuracy,0.99,0..63 0..63 0..63 63..63,
  test loss,cross_entropy,0.013,,

  metric    {", ".join(METRIC_WORDS)}: over the inputs in scope; an input is answered rightly if all its answers are, a tie being wrong
  reported  a decimal or p/q, read exactly, as the claim "metric >= reported" ("<=" of losses, accuracy-upper, answered=K and never=K);
            a number rounded to the better side is a claim too much
  scope     one token range first..last for every free slot, or one per free slot; empty: --scope or --scope-file, else all inputs
  function  real, the default: the formula in exact arithmetic; float32: every machine that evaluates it in binary32

examples:
  verifier audit reported.csv model.safetensors
  verifier audit reported.json model.safetensors --json -o audit
  verifier audit reported.csv weights.safetensors --network mine.json --task sum -o audit
  verifier audit reported.csv model.safetensors --reproduce published
  verifier audit reported.csv model.safetensors --reproduce 'cubic,subcubic/max_diff_exact/*'

{HELP}
Verdicts: PROVED, one certificate proves at least the number. REFUTED, one certificate proves the opposite: so many inputs are proved
wrong (of accuracy-upper: right) that the number is not true. UNDECIDED: how far it got, and what would decide it. Only accuracies can be
refuted, for a statement says of the other metrics one side alone. Each row also has the number as floats reproduce it, by sampling or,
where inputs are few, on all of them; that decides nothing. A refutation needs (1 - reported) of all inputs, so where inputs are many, as
for 10 tokens and more, a number that is too large usually stays undecided.

With -o, DIR/row-N/ gets statement.json and certificate.json for `verifier check`; a refuted number's statement says the opposite.

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
IS = {"PROVED": "true", "REFUTED": "false", "UNDECIDED": "not known"}


def add_parser(subparsers: Any) -> None:
    """Declare the arguments."""
    parser = subparsers.add_parser("audit", description="Decide whether reported numbers are true.", epilog=EXAMPLES)
    parser.add_argument("reported", type=Path, metavar="REPORTED", help="the reported numbers (CSV or JSON)")
    parser.add_argument("model", type=Path, metavar="WEIGHTS", help="the weights (safetensors)")
    add_question(parser, without=("metric", "function"))
    parser.add_argument(
        "--reproduce", metavar="NAMES", help="also run published rules as they were published; `published`: the paper's table"
    )
    parser.add_argument("-o", "--output", type=Path, metavar="DIR", help="the folder for certificates and audit.json")
    parser.add_argument("--seconds", type=at_least(1), default=600, help="for each attempt on each scope (default %(default)s)")
    parser.add_argument("--samples", type=at_least(1), default=10_000, metavar="N", help="inputs evaluated in floats (default %(default)s)")
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
    weights = read_bounded(args.model, LIMITS.model_bytes)
    with stages("auditing") as report:
        settings = Settings(str(args.reported), str(args.model), args.seconds, args.samples, args.counterexamples)
        audit = Audit(read_question(args, weights, file=str(args.model)), weights, reported, settings, lambda name: report(name, 0, 0))
        reproducing = Reproducing(audit) if names else None
        audit.outcomes()
        reproduced = [reproducing.row(name) for name in names] if reproducing else []
        outcomes = audit.outcomes()  # again: each row with all that is known by now
        estimates = [audit.estimate(row) for row in reported]
    rows = []
    for (row, outcome), guess in zip(outcomes, estimates, strict=True):
        files = write_evidence(outcome, paths[row.row], force=args.force) if paths else None
        rows.append(row_json(row, outcome, guess, args.counterexamples, files))
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


def write_evidence(outcome: Outcome, paths: tuple[Path, Path], *, force: bool) -> dict[str, str] | None:
    """Statement and certificate of an outcome, if there is one."""
    if outcome.evidence is None or outcome.statement is None:
        return None
    write_together(dict(zip(paths, (outcome.statement, outcome.evidence.certificate), strict=True)), force=force)
    return {"statement": str(paths[0]), "certificate": str(paths[1])}


def row_json(row: Reported, outcome: Outcome, guess: Estimate, shown: int, files: dict[str, str] | None) -> dict[str, Any]:
    """A row of the report."""
    evidence = outcome.evidence
    return {
        "name": row.name,
        "metric": row.metric,
        "relation": row.claim.relation,
        "reported": text(row.value),
        "reported_as": row.text,
        "function": row.function,
        "verdict": outcome.word,
        "certified_lower": None if outcome.lower is None else text(outcome.lower),
        "certified_upper": None if outcome.upper is None else text(outcome.upper),
        "counterexamples": [
            {"input": list(one.tokens), "position": one.place, "right": one.right, "answer": one.answer} for one in outcome.examples[:shown]
        ],
        "wrong": outcome.wrong,
        "total": outcome.total,
        "reason": outcome.reason,
        "method": evidence.method if evidence else None,
        "checked_with": list(evidence.checked_with) if evidence else [],
        "estimate": guess.json,
        "statement": files["statement"] if files else None,
        "certificate": files["certificate"] if files else None,
    }


def _down(fraction: str | None, *, up: bool = False) -> str:
    """A decimal that is not above the fraction, or not below it; small numbers get digits of their own."""
    if fraction is None:
        return "no bound"
    value, places = Fraction(fraction), 6
    while 0 < value * 10**places < 1000 and places < 18:
        places += 3
    digits, rest = divmod(value.numerator * 10**places, value.denominator)
    digits += bool(up and rest)
    return f"{digits // 10**places}.{digits % 10**places:0{places}d}" + ("..." if rest else "")


def row_lines(rows: list[dict[str, Any]]) -> Iterator[str]:
    """The report for a person: a line for each row, then why."""
    for row in rows:
        lower, upper = row["certified_lower"], row["certified_upper"]
        yield (
            f"{row['verdict']} {row['name']}: {row['metric']} {row['relation']} {row['reported_as']} reported, "
            f"{_down(lower)} to {_down(upper, up=True)} certified" + (" for every float32 machine" if row["function"] == "float32" else "")
        )
        yield f"  {row['reason']}" + (f" ({row['method']}; checked with {' and '.join(row['checked_with'])})" if row["method"] else "")
        yield f"  floats give {_guess(row['estimate'])}"
        for one in row["counterexamples"] if row["verdict"] == "REFUTED" and row["relation"] == ">=" else []:
            where = f"right is {one['right']} at position {one['position']}, output {one['answer']} is not lower"
            yield f"  wrong: {' '.join(map(str, one['input']))}: {where}"
        if row["certificate"]:
            yield f"  wrote {row['statement']} and {row['certificate']}"


def _guess(guess: dict[str, Any]) -> str:
    value = "no finite number" if guess["value"] is None else f"{guess['value']:.6g}"
    if guess["enumerated"]:
        return f"{value} on all {guess['total']} inputs, which proves nothing"
    interval, error = "", ""
    if guess["lower"] is not None:
        interval = f", between {guess['lower']:.6g} and {guess['upper']:.6g} with confidence {guess['confidence']}"
    if guess["standard_error"] is not None:
        error = f", standard error {guess['standard_error']:.1g}"
    return f"{value} on {guess['samples']} random inputs{interval}{error}, which proves nothing"


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
