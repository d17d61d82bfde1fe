"""Errors by who is at fault.  A bug stays a plain exception and is never a verdict (exit 70).

| family            | at fault                  | exit code |
|-------------------|---------------------------|-----------|
| `MalformedInput`  | the author of a file      | 3         |
| `SubjectMismatch` | files of different origin | 3         |
| `LimitExceeded`   | the size of the request   | 3         |
| `Usage`           | the caller                | 3         |
| `StepRejected`    | the author of a proof     | 1         |

Every error is one line: file, clause of `certificates/FORMAT.md`, expected, got, what to do next.  `code` is a stable
word that the rejected corpus and third-party scripts rely on.
"""

from __future__ import annotations

SHOWN_CHARACTERS = 200  # characters of untrusted text shown in a message


def shown(value: object) -> str:
    """Untrusted text made safe for one terminal line: escaped, and cut to `SHOWN_CHARACTERS`."""
    text = value if isinstance(value, str) else repr(value)
    text = text[:SHOWN_CHARACTERS].encode("unicode_escape").decode("ascii") + "..." * (len(text) > SHOWN_CHARACTERS)
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 3] + "..."


class VerifierError(Exception):
    """A refusal with a reason that a person can act on."""

    exit_code = 3

    def __init__(self, code: str, *, expected: str, got: object, file: str = "", clause: str = "", hint: str = "") -> None:
        self.code = code
        self.file = file
        self.clause = clause
        self.expected = expected
        self.got = shown(got)
        self.hint = hint
        super().__init__(code)

    def __str__(self) -> str:
        file = self.file.encode("unicode_escape").decode("ascii")  # attack: a path with line breaks, or one that is not UTF-8
        place = ": ".join(part for part in (file, self.clause) if part)
        sentence = f"{self.code}: expected {self.expected}, got {self.got}"
        if self.hint:
            sentence += f"; {self.hint}"
        return f"{place}: {sentence}" if place else sentence

    def reason(self) -> dict[str, str]:
        """The `reason` object of `--json`."""
        return {"code": self.code, "file": self.file, "clause": self.clause, "expected": self.expected, "got": self.got}


class MalformedInput(VerifierError):
    """A file breaks the grammar of FORMAT.md."""


class SubjectMismatch(VerifierError):
    """Statement, certificate and model do not belong together."""


class LimitExceeded(VerifierError):
    """Something is larger than a field of `limits.LIMITS` allows."""


class Usage(VerifierError):
    """The caller asked for something that does not exist or must not be done."""


class StepRejected(VerifierError):
    """A step of a well-formed certificate is false, or its side condition cannot be decided."""

    exit_code = 1
