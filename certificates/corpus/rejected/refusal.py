"""What the rejected cases have in common."""

from __future__ import annotations

from typing import Any

from certificates.corpus.cases import Case
from certificates.corpus.documents import JSON
from certificates.corpus.makers import Maker, tiny


def refusal(
    name: str, attack: str, code: str, *, maker: Maker = tiny, exit_code: int = 3, clause: str = "", step: str = "", **files: Any
) -> Case:
    """A case of exit code 3 (or 1): `code` is the stable reason code, `step` the id of the step that must be blamed."""
    expected: JSON = {"verdict": "REJECTED" if exit_code == 1 else None, "exit": exit_code, "code": code}
    if clause:
        expected["clause"] = clause
    if step:
        expected["step"] = step
    statement = files.get("statement", maker.statement())
    certificate = files.get("certificate", maker.certificate(maker.cubic()))
    return Case(name, statement, certificate, files.get("model", maker.model), {**expected, "attack": attack})
