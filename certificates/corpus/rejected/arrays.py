"""Arrays of hints that break the grammar."""

from __future__ import annotations

import base64
import json

import numpy as np

from certificates.corpus.cases import Case
from certificates.corpus.documents import changed, on_step, put, the_step
from certificates.corpus.makers import tiny
from certificates.corpus.rejected.refusal import refusal


def bad_arrays() -> list[Case]:
    """Arrays that are none, or two, or too large: the shift of a true certificate with other parts."""
    sums = tiny.certificate(tiny.subcubic())

    def shift(name: str, attack: str, code: str, *, exit_code: int = 3, **parts: object) -> Case:
        array = {**the_step(json.loads(sums), "margins")["hints"]["shift"], **parts}
        certificate = changed(sums, on_step("margins", put("hints", "shift", value=array)))
        return refusal(f"array-{name}", attack, code, clause="3.4", certificate=certificate, exit_code=exit_code)

    def encoded(values: list[float]) -> str:
        return base64.b64encode(np.array(values, "<f8").tobytes()).decode("ascii")

    text = encoded([0.5] * 8)
    unpadded = {"array": "f64", "shape": [1, 8], "base64": text.rstrip("=")}
    spare_bits = text[:-2] + chr(ord(text[-2]) + 1) + "="  # other bits after the last byte, same decoded bytes
    return [
        shift("not-base64", "Characters outside the alphabet.", "not-base64", base64=text[:-4] + "!!!="),
        shift("url-safe-base64", "The other base64 alphabet.", "not-base64", base64=text.replace("4", "_")),
        shift("spaced-base64", "Spaces inside, which lenient decoders drop.", "not-base64", base64=text[:8] + " " + text[8:]),
        shift("unpadded-base64", "Padding left out.", "not-base64", **unpadded),
        shift("spare-bits", "Two texts for the same bytes.", "not-base64", base64=spare_bits),
        shift("shape-lie", "A shape larger than the data.", "wrong-shape", shape=[1, 9]),
        shift("shape-of-rank-3", "Three axes.", "wrong-shape", shape=[1, 1, 8]),
        shift("shape-zero", "An empty axis.", "out-of-range", shape=[0, 8]),
        shift("shape-bomb", "A petabyte of hints.", "limit-float-entries", shape=[1 << 25, 1 << 25]),
        shift("other-type", "Integers where floats are due.", "unknown-word", array="i64"),
        shift("nan", "A hint that is not a number.", "nonfinite", base64=encoded([float("nan")] + [0.0] * 7)),
        shift("infinity", "An infinite shift.", "nonfinite", base64=encoded([float("inf")] + [0.0] * 7)),
        shift("unknown-field", "A byte order chosen by the prover.", "unknown-field", order="big"),
    ]
