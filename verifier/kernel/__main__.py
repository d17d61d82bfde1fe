"""The checker alone: `python -I -m verifier.kernel STATEMENT CERTIFICATE MODEL [--json]`.

Standard library and mpmath only, reference arithmetic only.  Exit codes: 0 PROVED, 1 REJECTED, 2 INCOMPLETE, 3 bad input, 70 bug.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from verifier.kernel.errors import Usage, VerifierError
from verifier.kernel.inputs import STATEMENT_CERTIFICATE_MODEL, read_bounded
from verifier.kernel.reference import ReferenceArithmetic
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


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:  # a bug is never a verdict
        print(f"internal error: {type(error).__name__}: {error}", file=sys.stderr)
        sys.exit(70)
