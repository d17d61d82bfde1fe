"""The page: everything it shows, gathered and rendered.

1. The kernel checks the three files, as `verifier check` does.  Its word is the page's word.
2. Only of a certificate whose steps hold is more shown: the steps once more, groups, baselines, examples.
3. Everything that comes from the files passes through a template that escapes it; the page holds no program and loads nothing.
"""

from __future__ import annotations

import hashlib
import platform
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from verifier.frontier.brute_force import EVERY_INPUT, brute_force
from verifier.kernel.certificate import Certificate, IntegerArray, read_certificate
from verifier.kernel.errors import StepRejected
from verifier.kernel.network.formulas import formulas
from verifier.kernel.network.judging import labelled
from verifier.kernel.numbers.arithmetic import Arithmetic
from verifier.kernel.replay import Progress
from verifier.kernel.rules import RULES
from verifier.kernel.trust import code_lines, trusted_modules
from verifier.kernel.verdict import Verdict, check, text
from verifier.report import numbers, words
from verifier.report.baselines import Length, baselines, weaker_than_constant
from verifier.report.figures import draw_groups
from verifier.report.groups import Parts, parts_of
from verifier.report.sample import Example, Sample, draw_sample, example_of
from verifier.report.walk import Seen, conclusion, idea, slack, walk
from verifier.strategies.target import Target
from verifier.system.version import installed_version
from verifier.vacuity import vacuous

SHOWN_GROUPS = 8
SHOWN_WRONG = 8  # inputs that are proved wrong


@dataclass(frozen=True)
class Files:
    """The contents of the three files, and their names."""

    statement: bytes
    certificate: bytes
    model: bytes
    names: tuple[str, str, str] = ("statement", "certificate", "model")

    def rows(self) -> list[dict[str, str]]:
        """Name, what it is, size and digest of the bytes."""
        kinds = ("statement", "certificate", "weights")
        contents = (self.statement, self.certificate, self.model)
        return [
            {"kind": kind, "name": _plain(name), "bytes": numbers.count(len(content)), "digest": hashlib.sha256(content).hexdigest()}
            for kind, name, content in zip(kinds, self.names, contents, strict=True)
        ]


@dataclass(frozen=True)
class Report:
    """A page, and the verdict of the check that was made for it."""

    html: str
    verdict: Verdict


def make_report(files: Files, arithmetic: Arithmetic, progress: Progress | None = None) -> Report:
    """Check the files and write the page.  Raises what the check raises: files that cannot be read are no page."""
    verdict = check(files.statement, files.certificate, files.model, arithmetic, files=files.names, progress=progress)
    page = _every_page(verdict, files, arithmetic.name) | (_refused(verdict) if verdict.bound is None else _shown(verdict, files))
    environment = Environment(loader=PackageLoader("verifier.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    return Report(environment.get_template("page.html").render(page), verdict)


def _every_page(verdict: Verdict, files: Files, arithmetic: str) -> dict[str, Any]:
    """What is on every page, whatever the verdict."""
    subject, claim = verdict.statement.subject, verdict.statement.claim
    of = "" if claim.output is None else f" of output {claim.output}"
    names = [shlex.quote(_plain(name)) for name in files.names]
    modules = _modules(verdict)
    return {
        "word": verdict.word,
        "proved": verdict.word == "PROVED",
        "verdict_line": verdict.lines()[0],
        "claim": words.bounded(claim, claim.bound, subject),
        "metric": f"{claim.metric}{of} {claim.relation} {numbers.both(claim.bound, up=claim.relation == '<=')}",
        "exactly": f"{claim.metric}{of} {claim.relation} {text(claim.bound)}",
        "network": subject.network.name,
        "formulas": [line.strip() for line in formulas(subject.network)],
        "right": words.right_answer(subject),
        "scope": words.scope_sentences(verdict),
        "not_claimed": list(words.not_claimed(verdict)),
        "modules": modules,
        "lines": numbers.count(verdict.trusted_lines),
        "library": verdict.context.workshop.arithmetic.library,
        "backend": verdict.context.workshop.arithmetic.backend,
        "python": platform.python_version(),
        "version": installed_version(),
        "seconds": numbers.seconds(verdict.seconds),
        "files": files.rows(),
        "subject_digest": subject.digest,
        "model_digest": subject.model,
        "command": " ".join(["verifier check", *names, *(["--arithmetic", arithmetic] if arithmetic != "mpmath" else [])]),
        "kernel_command": " ".join(["python -I -m verifier.kernel", *names]),
    }


def _modules(verdict: Verdict) -> list[dict[str, str]]:
    """The files that the verdict rests on, as `Verdict.trusted_lines` counts them."""
    task, arithmetic = type(verdict.statement.subject.task).__module__, type(verdict.context.workshop.arithmetic).__module__
    used = trusted_modules([*(RULES[rule].apply.__module__ for rule in verdict.rules), task, arithmetic])
    return [{"name": name, "lines": str(code_lines(name))} for name in sorted(used)]


def _refused(verdict: Verdict) -> dict[str, Any]:
    """Of a certificate with a false step: why it is refused, and nothing else."""
    return {"reason": str(verdict.reason), "shown": False}


def _shown(verdict: Verdict, files: Files) -> dict[str, Any]:
    """What is shown of a certificate whose steps hold."""
    subject, claim, bound, proved = verdict.statement.subject, verdict.statement.claim, verdict.bound, verdict.proved
    certificate = read_certificate(files.certificate, {name: rule.signature for name, rule in RULES.items()}, file=files.names[1])
    target = target_of(verdict, certificate)
    seen = walk(certificate, target.network, subject)
    sample = draw_sample(target)
    length = length_of(verdict, target, files.model)
    parts = _parts(seen, target, certificate)
    outputs = len(target.network.outputs)
    undecided = subject.total - bound.certified - bound.wrong if bound else subject.total
    remarks = [] if proved is None else [vacuous(claim, proved), weaker_than_constant(claim, proved, sample, outputs)]
    if proved is not None and not remarks[0] and vacuous(claim, claim.bound):
        more = words.bounded(claim, proved, subject)
        remarks.append(f"The claim says nothing, whatever the network is. What was found says more: {more}.")
    return {
        "reason": "",
        "shown": True,
        "finding": "nothing in the direction of the claim" if proved is None else words.bounded(claim, proved, subject),
        "found": "nothing" if proved is None else numbers.both(proved, up=claim.relation == "<="),
        "coverage": _coverage(verdict, undecided) if claim.metric == "accuracy" else None,
        "steps": _rows(seen, subject.total),
        "remarks": [remark for remark in remarks if remark],
        "length": length.sentence(),
        "operations": numbers.count(length.operations),
        "dimension": numbers.count(verdict.context.ledger.unexplained_dimension),
        "certificate_bytes": numbers.count(verdict.certificate_bytes),
        "baselines": baselines(claim, sample, length, outputs),
        "groups": _groups(parts, target, bound.certified if bound else 0),
        "examples": _examples(sample),
        "wrong": proved_wrong(certificate),
        "citation": words.citation(verdict, installed_version(), length.sentence()) if verdict.word == "PROVED" else "",
    }


def target_of(verdict: Verdict, certificate: Certificate) -> Target:
    """What was proved, as a question; with the labels that the certificate brings, of a task that is a table."""
    claim = verdict.statement.claim
    arrays = (step.hints.get("labels") for step in certificate.steps)
    labels = next((array.rows[0] for array in arrays if isinstance(array, IntegerArray)), None)
    return Target(verdict.context.network, verdict.statement.subject, claim.metric, claim.relation, claim.output, claim.bound, labels)


def length_of(verdict: Verdict, target: Target, model: bytes) -> Length:
    """The proof beside one that tries every input."""
    enumerates = EVERY_INPUT.replace("-", "_") in verdict.rules
    every = None if enumerates else brute_force((), target, model).operations
    return Length(verdict.context.ledger.operations, every, enumerates, target.subject.total)


def _parts(seen: Sequence[Seen], target: Target, certificate: Certificate) -> Parts | None:
    """The groups; None also where the walk was cut short."""
    if seen[-1].fact is None:
        return None
    hints = {} if target.labels is None else {"labels": IntegerArray((target.labels,))}
    try:
        return parts_of(tuple(seen), target.subject, labelled(target.subject.task, hints))
    except StepRejected:  # a table whose labels no step brings
        return None


def _coverage(verdict: Verdict, undecided: int) -> dict[str, Any]:
    """Certified, proved wrong, undecided: numbers, and widths in percent of a bar."""
    bound = verdict.bound
    amounts = {"certified": bound.certified, "wrong": bound.wrong, "undecided": undecided} if bound else {}
    total = verdict.statement.subject.total
    left, rows = 0.0, []
    for name, amount in amounts.items():
        width = 100 * amount / total
        percent = numbers.measured(Fraction(100 * amount, total), up=name == "undecided") + " %"  # never 100 where an input is missing
        rows.append({"name": name, "amount": numbers.count(amount), "left": f"{left:.4f}", "width": f"{width:.4f}", "percent": percent})
        left += width
    return {"rows": rows, "total": numbers.count(total), "exact": not undecided}


def _rows(seen: Sequence[Seen], total: int) -> list[dict[str, str]]:
    """The table of steps; what a rule does is said where it first occurs."""
    rows = [_row(number, one, total) for number, one in enumerate(seen, start=1)]
    met: set[str] = set()
    for row in rows:
        row["idea"] = "" if row["rule"] in met else row["idea"]
        met.add(row["rule"])
    return rows


def _row(number: int, one: Seen, total: int) -> dict[str, str]:
    return {
        "number": str(number),
        "id": one.step.id,
        "rule": one.step.rule,
        "idea": idea(one.step.rule),
        "rests": ", ".join(name for ids in one.step.premises.values() for name in ids) or "the weights",
        "conclusion": conclusion(one.fact),
        "slack": slack(one.fact, total),
        "operations": numbers.count(one.operations),
    }


def _groups(parts: Parts | None, target: Target, certified: int) -> dict[str, Any] | None:
    """The picture, or a sentence where there is nothing to see, and the worst groups."""
    if parts is None:
        return None
    differs = (
        ""
        if target.metric != "accuracy" or parts.certified in (None, certified)
        else f"This walk certifies {numbers.count(parts.certified or 0)} inputs in all."
    )
    worst = [
        {
            "key": _key(parts.kind, part.key),
            "share": numbers.share(part.share),
            "certified": numbers.count(part.certified),
            "wrong": numbers.count(part.wrong),
            "total": numbers.count(part.total),
            "example": _example(example_of(part.key, target)) if parts.kind in ("pair", "class") else None,
        }
        for part in (parts.worst[:SHOWN_GROUPS] if parts.kind != "output" else ())
    ]
    return {"kind": parts.kind, "figure": draw_groups(parts), "number": len(parts.parts), "worst": worst, "differs": differs}


def _key(kind: str, key: tuple[int, ...]) -> str:
    if kind == "pair":
        return f"query {key[0]}, largest {key[1]}"
    return {"class": "right answer", "read": "answer at position", "output": "output"}[kind] + f" {key[-1]}"


def _example(example: Example | None) -> dict[str, str] | None:
    if example is None:
        return None
    return {
        "tokens": " ".join(map(str, example.tokens)),
        "place": str(example.place),
        "right": str(example.right),
        "given": str(example.given),
        "margin": f"{example.margin:.4g}",
    }


def _examples(sample: Sample | None) -> dict[str, Any] | None:
    if sample is None:
        return None
    return {"rows": [_example(one) for one in sample.closest], "inputs": numbers.count(sample.inputs), "whole": sample.whole}


def proved_wrong(certificate: Certificate) -> list[str]:
    """Some of the inputs that the certificate lists as wrong, which the kernel has confirmed."""
    arrays = [step.hints.get("inputs") for step in certificate.steps if step.rule == "wrong_inputs"]
    rows = [row for array in arrays if isinstance(array, IntegerArray) for row in array.rows[:SHOWN_WRONG]]
    return [" ".join(map(str, row[:-1])) + f": output {row[-1]} is at least as high" for row in rows[:SHOWN_WRONG]]


def _plain(name: str) -> str:
    """A name of a file, with what could mislead a reader written out: line breaks, letters that turn the direction of writing."""
    return name if name.isascii() and name.isprintable() else name.encode("unicode_escape").decode("ascii")
