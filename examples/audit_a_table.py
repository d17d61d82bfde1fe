"""Numbers that somebody reported about a model: each is PROVED, REFUTED or UNDECIDED.

A number is text, taken exactly: 0.8763 claims more than 0.87625 does.
"""

from pathlib import Path

import verifier

MODEL = Path(__file__).parent.parent / "certificates" / "models" / "imperfect.safetensors"
TABLE = [
    {"name": "main table", "metric": "accuracy", "reported": "0.8763"},
    {"name": "as rounded in the abstract", "metric": "accuracy", "reported": "0.88"},
]


def main() -> None:
    """Audit the table."""
    for row in verifier.audit(TABLE, MODEL, samples=1000):
        print(f"{row.outcome.word} {row.reported.name}: {row.reported.text}")
        print(f"  between {row.outcome.lower} and {row.outcome.upper}; {row.outcome.reason}")
        for wrong in row.outcome.examples[:2]:
            print(f"  wrong on {wrong.tokens}: output {wrong.answer} is not below {wrong.right}")


if __name__ == "__main__":
    main()
