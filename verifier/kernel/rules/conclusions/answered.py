"""Rule answered: the share of the inputs to which one output may be the answer."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from verifier.kernel.certificate import Hint, Integers, Signature
from verifier.kernel.errors import StepRejected
from verifier.kernel.facts import Answered, Bound, Context, Fact
from verifier.kernel.limits import LIMITS

SIGNATURE = Signature(premises={"outputs": ("Answered",)}, hints={"output": Integers(0, LIMITS.width)})


def answered(premises: Mapping[str, list[Fact]], hints: Mapping[str, Hint], context: Context) -> Bound:
    """Premises: outputs.  Hints: output b.  Conclusion: b is the answer to at most that share of the inputs.

    Operations: 1.  Soundness: `answered_sound`.
    """
    fact, output = premises["outputs"][0], hints["output"]
    if not isinstance(fact, Answered) or not isinstance(output, int):
        raise TypeError
    if output not in fact.at_most:  # attack: an output that does not exist is never the answer, and the claim about nothing
        raise StepRejected("no-such-output", expected="an output that competes", got=output)
    context.ledger.count(integer_ops=1)
    return Bound("answered", fact.inputs, above=Fraction(fact.at_most[output], fact.inputs), output=output)
