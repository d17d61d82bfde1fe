"""The claim in words, what is not claimed, and a sentence for a paper.  All of it follows from the statement and the verdict."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import ceil, floor

from verifier.kernel.metrics import Claim
from verifier.kernel.statement import FUNCTIONS, Subject
from verifier.kernel.tasks.table import Table
from verifier.kernel.verdict import Verdict
from verifier.report.numbers import both, count, share


def bounded(claim: Claim, value: Fraction, subject: Subject) -> str:
    """A bound in words; value: the one claimed, or the one proved."""
    total = subject.total
    inputs = f"the {count(total)} inputs in scope"
    number = both(value, up=claim.relation == "<=")
    if claim.metric == "cross_entropy":
        return f"the network's mean cross entropy over {inputs} is at most {number} nats"
    if claim.metric == "worst_class":
        return f"for each right answer that occurs, the network is right on at least a fraction {number} of the inputs that have it"
    if claim.metric == "answered":
        if value == 0:
            return f"output {claim.output} is the answer to none of {inputs}"
        return f"output {claim.output} is the answer to at most a fraction {number} of {inputs}, {_inputs(floor(value * total))}"
    if claim.relation == "<=":
        return f"the network is right on at most a fraction {number} of {inputs}, {_inputs(floor(value * total))}"
    if value == 1:
        return f"the network is right on every one of {inputs}"
    return f"the network is right on at least a fraction {number} of {inputs}, {_inputs(ceil(value * total))}"


def _inputs(number: int) -> str:
    return f"that is {count(number)} input" + ("s" if number != 1 else "")


def right_answer(subject: Subject) -> list[str]:
    """What counts as right, a sentence each."""
    layout = subject.task.layout
    several = len(layout.reads) > 1
    sentences = [f"The right answer is {subject.task.sentence()}.", f"An input has {layout.sentence()}."]
    if several:
        sentences.append("An input counts as right if every one of its answers is right.")
    sentences.append("An answer is right if the logit of the right output is greater than that of every other output; a tie is wrong.")
    return sentences


def scope_sentences(verdict: Verdict) -> list[str]:
    """Which inputs, and in which arithmetic."""
    subject = verdict.statement.subject
    mass = verdict.scope_mass
    part = "all inputs that the task has" if mass == 1 else f"{share(mass)} of all inputs that the task has"
    return [
        f"In scope are {count(subject.total)} inputs: {subject.scope.sentence()}.",
        f"That is {part}; each weighs the same.",
        f"Logits are taken {FUNCTIONS[subject.function]}.",
    ]


def not_claimed(verdict: Verdict) -> Iterator[str]:
    """What a reader might think is claimed, and is not."""
    subject, claim, bound = verdict.statement.subject, verdict.statement.claim, verdict.bound
    if subject.function == "real":
        yield "That a program in floating point gives these answers: the statement is about the formula in real arithmetic."
    else:
        yield "That other machines than those of docs/float32.md compute it: bfloat16, TF32 and processed weights are outside."
    yield (
        "That somebody's model computes this program: the file's tensors do not say what is done with them. "
        "The command verifier evaluate, with --expect, compares it with a model's own logits."
    )
    if verdict.scope_mass != 1:
        yield "Anything about inputs outside the scope."
    yield "Anything about how often inputs occur in use: every input in scope weighs the same."
    undecided = bound.total - bound.certified - bound.wrong if bound and bound.metric == "accuracy" else 0
    if claim.metric == "accuracy" and undecided:
        yield f"Anything about the {count(undecided)} undecided inputs: the network may well be right on them, or wrong."
    if isinstance(subject.task, Table):
        yield "That the labels are the true ones: the statement holds their digest, the certificate the list."
    yield "That an explanation of the network is true: a proof shows that the structure it uses is enough for the bound."
    yield "Where the weights come from, or that they are the ones in use: the digest names values."


def citation(verdict: Verdict, version: str, length: str) -> str:
    """A sentence for a paper; of a verdict PROVED alone."""
    subject, claim = verdict.statement.subject, verdict.statement.claim
    scope = "" if verdict.scope_mass == 1 else f" (a share {share(verdict.scope_mass)} of all inputs)"
    return (
        f"A machine-checked certificate shows that {bounded(claim, claim.bound, subject)}{scope}, {FUNCTIONS[subject.function]}, "
        f"for the network program with subject digest {subject.digest} and weights {subject.model}. {length} "
        f"The certificate has {count(verdict.certificate_bytes)} bytes; its check (verifier {version}, "
        f"{verdict.context.workshop.arithmetic.backend}) rests on {count(verdict.trusted_lines)} lines of code "
        f"beside Python and {verdict.context.workshop.arithmetic.library}."
    )
