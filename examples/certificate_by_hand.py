"""A certificate in 30 lines, with the standard library alone: certificates/FORMAT.md and RULES.md say how.

The claim: the shipped model `tiny` names the largest of 3 tokens on all inputs.  The proof has two steps: evaluate every input, then
add up.  The only thing that has to be right is the digest that ties the certificate to what the statement is about.
"""

import hashlib
import json
from pathlib import Path

ROOT = Path(__file__).parent.parent / "certificates"


def main(folder: str = "demo-output/by-hand") -> None:
    """Write statement.json and certificate.json."""
    # the subject: weights, network, task, inputs, arithmetic; taken from a statement about the same model
    subject = json.loads((ROOT / "accepted" / "tiny-cubic" / "statement.json").read_text())["subject"]
    claim = {"metric": "accuracy", "relation": ">=", "bound": "1/1"}
    statement = {"format": "verifier-statement/2", "subject": subject, "claim": claim}

    canonical = json.dumps(subject, sort_keys=True, separators=(",", ":")).encode("ascii")
    steps = [
        {"id": "every", "rule": "every_input", "hints": {"measure": "answers"}},
        {"id": "bound", "rule": "accuracy", "premises": {"counts": ["every"]}},
    ]
    digest = "sha256:" + hashlib.sha256(canonical).hexdigest()
    certificate = {"format": "verifier-certificate/2", "subject": digest, "steps": steps}

    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    (place / "statement.json").write_text(json.dumps(statement))
    (place / "certificate.json").write_text(json.dumps(certificate))
    print(f"now: verifier check {place}/statement.json {place}/certificate.json certificates/models/tiny.safetensors")


if __name__ == "__main__":
    main()
