"""The checker alone: `python -I -m verifier.kernel STATEMENT CERTIFICATE MODEL [--json]`.

Standard library and mpmath only, reference arithmetic only.  Exit codes: 0 PROVED, 1 REJECTED, 2 INCOMPLETE, 3 bad input, 70 bug.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import NoReturn

from verifier.kernel.decode.inputs import STATEMENT_CERTIFICATE_MODEL, read_bounded
from verifier.kernel.errors import Usage, VerifierError
from verifier.kernel.numbers.reference import ReferenceArithmetic
from verifier.kernel.verdict import Verdict, check

USAGE = "python -I -m verifier.kernel STATEMENT CERTIFICATE MODEL [--json]"


def check_files(statement: str, certificate: str, model: str) -> Verdict:
    """Check three files with the reference arithmetic."""
    files = (statement, certificate, model)
    contents = [read_bounded(Path(path), limit) for path, limit in zip(files, STATEMENT_CERTIFICATE_MODEL, strict=True)]
    return check(contents[0], contents[1], contents[2], ReferenceArithmetic(), files=files)


def main(arguments: list[str]) -> int:
    """Check the files named in `arguments`, print the verdict, return the exit code."""
    as_json = "--json" in arguments
    paths = [argument for argument in arguments if argument != "--json"]
    try:
        if len(paths) != 3 or any(path.startswith("-") for path in paths):
            raise Usage("usage", expected=USAGE, got=" ".join(arguments))
        verdict = check_files(*paths)
    except VerifierError as error:
        print(error, file=sys.stderr)
        if as_json:
            print(json.dumps({"verdict": None, "reason": error.reason()}))
        return error.exit_code
    print(json.dumps(verdict.json()) if as_json else "\n".join(verdict.lines()))
    return verdict.exit_code


def leave(code: int, sentence: str) -> NoReturn:
    """Say why on stderr and end at once: at a normal exit Python would write standard output again, and exit with 120."""
    try:
        print(sentence, file=sys.stderr, flush=True)
    finally:
        os._exit(code)


if __name__ == "__main__":
    try:
        exit_code = main(sys.argv[1:])
        sys.stdout.flush()  # a verdict that cannot be written has not been given
    except KeyboardInterrupt:
        leave(130, "interrupted")
    except OSError as error:
        leave(3, str(Usage("cannot-write", expected="room for the verdict on standard output", got=error.strerror or error)))
    except Exception as error:  # a bug is never a verdict
        leave(70, f"internal error: {type(error).__name__}: {error}")
    sys.exit(exit_code)
