"""Somebody sent a statement, a certificate and a model.  Is it true, and what does it say?

The certificate need not be trusted: `check` proves it again from the weights.  The statement must be read: it says what is claimed.
"""

from pathlib import Path

import verifier

CERTIFICATES = Path(__file__).parent.parent / "certificates"


def main(case: str = "accepted/imperfect-cubic", model: Path = CERTIFICATES / "models" / "imperfect.safetensors") -> None:
    """Read the statement, check, and compare with what one would have liked."""
    statement, certificate = CERTIFICATES / case / "statement.json", CERTIFICATES / case / "certificate.json"
    claim = verifier.load_statement(statement)
    print("claimed:", claim.claim.metric, claim.claim.relation, claim.claim.bound)
    print("\n".join(claim.subject.lines()))
    try:
        verdict = verifier.check(statement, certificate, model)
    except verifier.VerifierError as error:  # files that cannot be read, or do not belong together
        print("no verdict:", error)
        return
    print("verdict:", verdict.word)
    if verdict.word == "PROVED":
        print(f"proved {verdict.proved}, believing {verdict.trusted_lines} lines of code")


if __name__ == "__main__":
    main()
