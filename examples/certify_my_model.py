"""Certify a model: how accurate is it, on all inputs?

Weights that `verifier train` or `verifier import` wrote carry their network.  For others name it: a program of `verifier networks`, or
a JSON file of yours (docs/networks.md).
"""

from pathlib import Path

import verifier

MODELS = Path(__file__).parent.parent / "certificates" / "models"


def main(folder: str = "demo-output/example", weights: Path = MODELS / "imperfect.safetensors") -> None:
    """Prove a bound, write the proof, and check what was written."""
    model = verifier.load_model(weights)
    print("the network's tasks:", ", ".join(model.tasks))

    proof = verifier.prove(model, task=model.tasks[0], strategy="exact")
    print(f"accuracy is at least {proof.proved} = {float(proof.proved):.4f}")

    statement, certificate = proof.save(folder, force=True)
    verdict = verifier.check(statement, certificate, weights)
    print("\n".join(verdict.lines()))


if __name__ == "__main__":
    main()
