"""Short proofs where brute force is possible: lengths, and what is proved, beside `every_input` on the same network.

    python -m benchmarks.short_proofs [NAME ...]   # results/short_proofs.json, .md and the table of docs/short-proofs.md

The length is the kernel's count of operations.  It is compared with the length of `every_input` on the network without its dead neurons,
and, to be read with care, on the network without neurons that hardly do anything: that is another network.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import RESULTS, ROOT, SHIPPED, machine, markdown, verifier, write, write_part
from verifier.kernel.decode.safetensors import read_safetensors
from verifier.networks.finding import find_network, with_network
from verifier.zoo.recipes import RECIPES

FILE, PAGE = RESULTS / "short_proofs.json", ROOT / "docs" / "short-proofs.md"
MODELS = tuple(name for name in RECIPES if name.startswith("s5-bag") or name == "mod-113-bag")
STRATEGIES = {"symmetry": ("accuracy", "cross_entropy")}
IDLE = 0.02  # of the size of the largest neuron's tables: below it a neuron hardly does anything
NEURONS = "neurons, not dead, not idle"
HEADER = ("model", NEURONS, "strategy", "metric", "proved", "by every input", "length", "shorter", "than without idle ones")


def arrays(data: bytes) -> dict[str, np.ndarray]:
    """The tensors of a weights file of float32."""
    return {name: np.frombuffer(one.data, "<f4").reshape(one.shape) for name, one in read_safetensors(data, file="model").items()}


def dead(tensors: dict[str, np.ndarray]) -> np.ndarray:
    """Neurons that are never on, or that write nothing: exactly."""
    first, second, matrix = (tensors[name].astype(float) for name in ("E0", "E1", "U"))
    return np.asarray((first.max(0) + second.max(0) <= 0) | (np.abs(matrix).max(1) == 0))


def idle(tensors: dict[str, np.ndarray]) -> np.ndarray:
    """Neurons whose tables are small beside the largest ones."""
    size = np.linalg.norm(tensors["E0"], axis=0) + np.linalg.norm(tensors["E1"], axis=0)
    return np.asarray(size <= IDLE * size.max())


def without(data: bytes, neurons: np.ndarray, file: str) -> bytes:
    """The weights file without some neurons."""
    tensors = arrays(data)
    tensors |= {name: tensors[name][:, ~neurons] for name in ("E0", "E1")} | {"U": tensors["U"][~neurons]}
    header, body = {}, b""
    for name, one in tensors.items():
        content = np.ascontiguousarray(one).tobytes()
        header[name] = {"dtype": "F32", "shape": list(one.shape), "data_offsets": [len(body), len(body) + len(content)]}
        body += content
    text = json.dumps(header).encode()
    found = find_network(None, data, file=file)
    plain = len(text).to_bytes(8, "little") + text + body
    return with_network(plain, found.network.program.json, dict(found.tasks), file=file)


def proved(data: bytes, strategy: str, metric: str) -> dict[str, Any]:
    """What a strategy proves of a weights file: the verdict."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        path.write_bytes(data)
        found = verifier("prove", path, "--strategy", strategy, "--metric", metric, "-o", Path(folder) / "proof", accept=(0, 3)).output
        return dict(found)


def row(name: str) -> dict[str, Any]:
    """All lengths of a model."""
    data = (SHIPPED / f"{name}.safetensors").read_bytes()
    tensors = arrays(data)
    lost = {"dead": dead(tensors), "idle": dead(tensors) | idle(tensors)}
    lengths, exact = {}, {}
    for metric in ("accuracy", "cross_entropy"):
        for kind, neurons in lost.items():
            found = proved(without(data, neurons, name) if neurons.any() else data, "every-input", metric)
            lengths[metric, kind] = found["operations"]
            exact.setdefault(metric, found["proved"])  # of what is left without dead neurons, which is the same function
    proofs = []
    for strategy, metrics in STRATEGIES.items():
        for metric in metrics:
            found = proved(data, strategy, metric)
            if found["verdict"] is None:
                raise RuntimeError(f"{name}: {strategy} is not for it: {found['reason']}")
            length = found["operations"]
            proof = {"strategy": strategy, "metric": metric, "proved": found["proved"], "every_input": exact[metric], "length": length}
            ratios = {kind: lengths[metric, kind] / length for kind in lost}
            proofs.append(proof | {"shorter": ratios, "checked_with": found["checked_with"], "search_seconds": found["prove_seconds"]})
    neurons = {"all": len(tensors["U"])} | {kind: int(len(tensors["U"]) - one.sum()) for kind, one in lost.items()}
    every = {f"{metric}, without {kind}": length for (metric, kind), length in lengths.items()}
    return {"name": name, "neurons": neurons, "every_input": every, "proofs": proofs}


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Markdown."""
    lines = []
    for one in rows:
        neurons = ", ".join(map(str, one["neurons"].values()))
        for proof in one["proofs"]:
            values = [f"{float(Fraction(proof[key])):.6g}" for key in ("proved", "every_input")]
            ratios = [f"{proof['shorter'][kind]:.3g}" for kind in ("dead", "idle")]
            lines.append([f"`{one['name']}`", neurons, proof["strategy"], proof["metric"], *values, f"{proof['length']:,}", *ratios])
    return markdown(HEADER, lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, keep the rows of other models, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"models (default: all; {', '.join(MODELS)})")
    names = parser.parse_args(arguments).names or MODELS
    known = {one["name"]: one for one in json.loads(FILE.read_text(encoding="utf-8"))["rows"]} if FILE.exists() else {}
    for name in names:
        known[name] = row(name)
        rows = [known[one] for one in MODELS if one in known]
        write(FILE, json.dumps({"machine": machine(), "rows": rows}, indent=1) + "\n")
        write(FILE.with_suffix(".md"), f"# Short proofs\n\nBy `python -m benchmarks.short_proofs`.\n\n{table(rows)}\n")
        write_part(PAGE, "table", table(rows))
        print(name, flush=True)


if __name__ == "__main__":
    main()
