"""Rule mean_loss: an upper bound of the sum of all losses, divided by the number of inputs."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from verifier.kernel.certificate import Hint, Signature
from verifier.kernel.facts import Bound, Context, Fact, LossSum
from verifier.kernel.network.judging import LOSS_BITS

SIGNATURE = Signature(premises={"losses": ("LossSum",)}, hints={})


def mean_loss(premises: Mapping[str, list[Fact]], hints: Mapping[str, Hint], context: Context) -> Bound:
    """Premises: losses.  Hints: none.

    Conclusion: cross_entropy <= sum / inputs in scope.  Operations: 1.  Soundness: `mean_loss_sound`.
    """
    losses = premises["losses"][0]
    if not isinstance(losses, LossSum):
        raise TypeError
    context.ledger.count(flops=1)
    return Bound("cross_entropy", losses.inputs, above=Fraction(losses.units, losses.inputs << LOSS_BITS))
