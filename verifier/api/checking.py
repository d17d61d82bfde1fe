"""`verifier.check`: believe a bound because it was proved again from the weights."""

from __future__ import annotations

import json

from verifier.api.sources import Source, content_of
from verifier.kernel.decode.inputs import STATEMENT_CERTIFICATE_MODEL
from verifier.kernel.replay import Progress
from verifier.kernel.statement import Statement, read_statement
from verifier.kernel.verdict import Verdict
from verifier.kernel.verdict import check as checked
from verifier.system.arithmetics import make_arithmetic


def check(
    statement: Source | Statement,
    certificate: Source,
    model: Source,
    *,
    arithmetic: str = "mpmath",
    progress: Progress | None = None,
) -> Verdict:
    """Check a certificate against a statement, from the weights, as `verifier check` does.

    Arguments:
        statement: what is claimed; a file or a `Statement`.
        certificate: the proof, a file.
        model: the weights, a safetensors file.
        arithmetic: `mpmath`, small and slow, or `fast`, which needs numpy.
        progress: is told the id of the step at work, its number, and the number of steps.

    Returns:
        The verdict.  `verdict.word` is PROVED, REJECTED (a step is false) or INCOMPLETE (every step holds, less than the claim
        follows); `verdict.proved` is the bound that was proved, an exact fraction, None if rejected.
        Look at the word: a verdict is no truth value.

    Raises:
        MalformedInput, SubjectMismatch, LimitExceeded, Usage: files that cannot be read, do not belong together, or ask for too
        much.  All are `VerifierError`.
    """
    limits = STATEMENT_CERTIFICATE_MODEL
    if isinstance(statement, Statement):
        claim, claim_name = json.dumps(statement.json).encode("ascii"), "statement"
    else:
        claim, claim_name = content_of(statement, limits[0], "statement")
    proof, proof_name = content_of(certificate, limits[1], "certificate")
    weights, weights_name = content_of(model, limits[2], "model")
    names = (claim_name, proof_name, weights_name)
    return checked(claim, proof, weights, make_arithmetic(arithmetic), files=names, progress=progress)


def load_statement(statement: Source) -> Statement:
    """A statement from its file, decoded strictly.  Raises MalformedInput, LimitExceeded, Usage."""
    content, name = content_of(statement, STATEMENT_CERTIFICATE_MODEL[0], "statement")
    return read_statement(content, file=name)
