"""Lists of wrong inputs that are false."""

from __future__ import annotations

import numpy as np

from certificates.corpus.cases import Case
from certificates.corpus.makers import Maker, imperfect
from certificates.corpus.rejected.refusal import refusal


def bad_wrong_inputs() -> list[Case]:
    """Listed inputs that are not wrong, not inputs, or counted twice."""
    some = imperfect.listed[:5]
    n = imperfect.floats.n

    def listed(name: str, attack: str, code: str, inputs: np.ndarray, maker: Maker = imperfect) -> Case:
        return refusal(f"wrong-inputs-{name}", attack, code, exit_code=1, maker=maker, certificate=maker.certificate(maker.listing(inputs)))

    right = np.array([[9] * n + [0]])  # all tokens the maximum: answered rightly
    twice = np.concatenate([some, some[2:3]])
    several, outputs = next((tokens, outputs) for tokens, outputs in imperfect.wrong.items() if 1 < len(outputs) < 6)
    two_reasons = np.array([[*several, x] for x in [*outputs][:2]])
    loser = next(x for x in range(10) if x not in {*outputs, *several})
    beaten = np.array([[*several, loser]])
    part = Maker("imperfect", ((0, 9), (0, 9), (0, 9), (0, 4)))
    beyond = imperfect.listed[imperfect.listed[:, n - 1] > 4][:2]
    answered, unknown = some.copy(), some.copy()
    answered[:, n], unknown[:, n] = some[:, :n].max(axis=1), 10
    return [
        listed("right", "A right input among the wrong ones.", "not-wrong", np.concatenate([some[:2], right])),
        listed("beaten-output", "A wrong input, but with an output that does not win.", "not-wrong", beaten),
        listed("twice", "One wrong input counted twice.", "duplicate-input", twice),
        listed("twice-by-outputs", "One wrong input counted once for each output that wins.", "duplicate-input", two_reasons),
        listed("right-answer", "The maximum itself as the wrong output: a gap of zero.", "not-a-wrong-output", answered),
        listed("no-such-output", "An output that does not exist.", "not-a-wrong-output", unknown),
        listed("outside-scope", "Wrong inputs that the claim is not about.", "outside-scope", beyond, part),
        listed("column-missing", "The wrong outputs left out.", "wrong-shape", some[:, :n]),
    ]
