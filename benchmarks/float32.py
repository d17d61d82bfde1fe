"""What float32 costs: the same strategies for real arithmetic and for every float32 machine, side by side.

    python benchmarks/float32.py

The column "one eta" is what is proved if a single bound on logits is taken from every gap instead (docs/adr/0007); it is computed
here by widening the skip path alone.  Writes benchmarks/results/float32.json and float32.md, and a part of README.md.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import torch

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.common import RESULTS, ROOT, machine, markdown, write, write_part
from tests.machines import MACHINES, Weights, plain
from tests.models import from_file
from verifier.domain import whole_domain
from verifier.execution import logit_errors
from verifier.fast import FastArithmetic
from verifier.kernel.facts import Context, Slack, Table
from verifier.kernel.maximum import margins
from verifier.kernel.numbers.matrix import Matrix
from verifier.kernel.replay import new_context
from verifier.networks.attention_only import read_model
from verifier.proving import prove
from verifier.strategies import STRATEGIES

MODEL = "certificates/models/max-of-4.safetensors"
SHOWN = ("exact", "absent-present", "hot-outputs", "counting", "subcubic", "cubic", "envelope", "low-rank-quadratic")
INPUTS, SEED = 20_000, 1  # of the comparison with machines


def one_eta(tables: Mapping[str, Table], context: Context) -> dict[str, Table]:
    """`margins.with_rounding` as it would be with a single bound."""
    if context.rounding is None:
        return dict(tables)
    scale = 1 << 64
    eta = -(-max(logit_errors(context)) * scale // 1)
    v = context.vocabulary
    rows = Matrix(((int(eta),),) * v, -64, ("query", "slack"), context.ledger)
    slack = Slack(rows, Matrix(((1,),) * v, 0, ("output", "slack"), context.ledger))
    known = tables["skip"].slack
    return dict(tables) | {"skip": replace(tables["skip"], slack=known.beside(slack) if known else slack)}


@contextmanager
def with_one_eta() -> Iterator[None]:
    """The kernel, widened by a single bound."""
    with mock.patch.object(margins, "with_rounding", one_eta):
        yield


def proved(data: bytes, strategy: str, function: str) -> dict[str, Any]:
    """The verdict of the fast check, as JSON."""
    return prove(data, STRATEGIES[strategy], file=MODEL, function=function, reference=False).verdicts[0].json()


def main() -> None:
    """Measure, write."""
    data = (ROOT / MODEL).read_bytes()
    model = read_model(data, file=MODEL)
    context = new_context(model.network, whole_domain(model, "float32"), FastArithmetic())
    if context.rounding is None:
        raise RuntimeError("a subject about float32 has rounding errors")
    etas = logit_errors(context)
    rows = []
    for strategy in SHOWN:
        real, float32 = (proved(data, strategy, function) for function in ("real", "float32"))
        single = None
        if strategy != "exact":  # its search lists wrong inputs for the finer bound
            with with_one_eta():
                single = proved(data, strategy, "float32")
        rows.append({"strategy": strategy, "real": real, "float32": float32, "one eta": single})
    weights = from_file(data)
    tokens = torch.randint(model.vocabulary, (INPUTS, model.positions), generator=torch.Generator().manual_seed(SEED))
    exact = plain(Weights.of(weights, torch.float64), tokens)
    single_precision = Weights.of(weights, torch.float32)
    observed = {
        name: float((run(single_precision, tokens).double() - exact).abs().max()) for name, run in MACHINES.items() if name != "one by one"
    }
    widest = max(row[0] for row in context.rounding.score.rows) * 2.0**context.rounding.score.exponent
    bounds = {
        "eta": float(max(etas)),
        "logit": float(context.rounding.logit.rows[0][0] * 2.0**context.rounding.logit.exponent),
        "score": widest / model.head_width**0.5,
    }
    header = ("strategy", "real arithmetic", "every float32 machine", "with one eta")
    table = markdown(header, [(f"`{row['strategy']}`", *(share(row[key]) for key in ("real", "float32", "one eta"))) for row in rows])
    note = (
        f"By these bounds a logit of this model is off by at most eta = {bounds['eta']:.3g} ({bounds['logit']:.3g} given the attention), "
        f"a score by {bounds['score']:.3g}.\nLargest difference seen on {INPUTS:,} random inputs over {len(observed)} ways to run torch "
        f"and numpy in float32: {max(observed.values()):.3g}."
    )
    heading = f"# float32 beside real arithmetic\n\n`python benchmarks/float32.py`, model `{MODEL}`.\n\n"
    document = {"machine": machine(), "model": MODEL, "bounds": bounds, "observed": observed, "rows": rows}
    write(RESULTS / "float32.json", json.dumps(document, indent=1) + "\n")
    write(RESULTS / "float32.md", f"{heading}{table}\n\n{note}\n")
    write_part(ROOT / "README.md", "float32", f"{table}\n\n{note}")


def share(verdict: dict[str, Any] | None) -> str:
    """Right, wrong, undecided."""
    if verdict is None:
        return ""
    certified, wrong, undecided, total = (verdict[key] for key in ("certified", "wrong", "undecided", "total"))
    exactly = f" ({wrong:,} wrong, {undecided:,} undecided)" if wrong else ""
    return f"{certified * 10**6 // total / 10**6:.6f}{exactly}"


if __name__ == "__main__":
    main()
