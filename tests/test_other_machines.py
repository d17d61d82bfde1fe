"""jax and onnxruntime against the bounds on float32 machines; skipped where they are not installed (the extra `machines`)."""

from __future__ import annotations

import pytest
import torch

from tests.machines import Weights, inputs, large_scores, nearly_twins, plain
from tests.models import from_file
from tests.other_machines import OTHER_MACHINES
from tests.test_float32 import MAIN, context, verdict_of
from verifier.execution import logit_errors
from verifier.kernel.errors import StepRejected
from verifier.proving import prove
from verifier.strategies import STRATEGIES

pytestmark = pytest.mark.filterwarnings("default")  # of the libraries


@pytest.mark.parametrize("machine", OTHER_MACHINES)
def test_no_machine_is_off_by_more_than_eta(machine: str) -> None:
    data = MAIN.read_bytes()
    model = from_file(data)
    errors = torch.tensor([float(error) for error in logit_errors(context(data))], dtype=torch.float64)
    tokens = torch.randint(64, (2000, 4), generator=torch.Generator().manual_seed(1))
    exact = plain(Weights.of(model, torch.float64), tokens)
    got = OTHER_MACHINES[machine](Weights.of(model, torch.float32), tokens)
    assert got.dtype == torch.float32
    off = (got.double() - exact).abs().max(1).values
    assert (off <= errors[tokens[:, -1]]).all()
    assert off.max() > 0


@pytest.mark.parametrize("machine", OTHER_MACHINES)
@pytest.mark.parametrize("seed", [2, 6, 10, 11, 12, 14])
def test_what_is_certified_holds(machine: str, seed: int) -> None:
    model = nearly_twins(seed)
    tokens = inputs(model)
    logits = OTHER_MACHINES[machine](Weights.of(model, torch.float32), tokens)
    top = tokens.max(1).values[:, None]
    right = int((logits.gather(1, top) > logits.scatter(1, top, -torch.inf)).all(1).sum())
    bound = verdict_of(model, "exact", "fast").bound
    assert bound is not None
    assert bound.certified <= right <= bound.total - bound.wrong


@pytest.mark.parametrize("machine", OTHER_MACHINES)
@pytest.mark.parametrize("size", [1.0, 64.0, 1e4])
def test_large_scores_are_answered_as_proved_or_refused(machine: str, size: float) -> None:
    """64 is just inside what is not refused; at 10,000 a compiler's contraction makes NaN of everything."""
    model = large_scores(size)
    tokens = inputs(model)
    logits = OTHER_MACHINES[machine](Weights.of(model, torch.float32), tokens)
    if size < 100:
        bound = verdict_of(model, "exact", "mpmath").bound
        assert bound is not None
        assert (bound.certified, bound.wrong) == (37, 27)
        assert int((logits.argmax(1) == tokens.max(1).values).sum()) == 37
        return
    with pytest.raises(StepRejected, match="score-rounding"):
        prove(model.stored("F32"), STRATEGIES["subcubic"], file="model", function="float32", reference=False)
    if machine.startswith("jax.jit"):
        assert logits.isnan().any(1).all()  # what was once PROVED
