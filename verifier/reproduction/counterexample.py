"""A model on which the published default strategy certifies inputs that are answered wrongly (G1).

    python -m verifier.reproduction.counterexample certificates/models/published-slip.safetensors

Eight tokens, two positions.  No skip path, no position scores.  The only score that is not 0 is that of token 7: ln(3/7) for queries
up to 3 and ln(97/3) above, so beside another token it gets attention 0.3 or 0.97.  Token 7 argues against output 2 with strength 100
and against all other outputs but 7 with strength 1; every position argues for output 2 with strength 50.

Average attention 0.635: the margin is decided by outputs other than 2.  At attention 0.3 it is output 2 that wins, by 50 - 30 = 20,
but the published step from the average down to 0.3 charges for the weakest slope, 1, instead of the steepest, 100.
"""

from __future__ import annotations

import sys
from math import log
from pathlib import Path

import numpy as np
from safetensors.numpy import save

from verifier.models.architecture import TENSOR_AXES
from verifier.models.weights import with_its_network
from verifier.system.files import write_atomically

TOKENS, POSITIONS, HEAD_WIDTH = 8, 2, 4
FAVOURED, COPIED = 2, 7  # the output that every position argues for, and the token that argues against it
SMALL_QUERY, LARGE_QUERY = log(3 / 7), log(97 / 3)  # scores of token 7


def counterexample(dtype: type[np.floating] = np.float32) -> dict[str, np.ndarray]:
    """The seven weights: one-hot directions for tokens, then positions, then outputs; width 2 v + n."""
    token, place, output = slice(0, TOKENS), slice(TOKENS, TOKENS + POSITIONS), slice(TOKENS + POSITIONS, 2 * TOKENS + POSITIONS)
    width = output.stop
    query, key, value = (np.zeros((1, width, HEAD_WIDTH)) for _ in range(3))
    query[0, token, 0] = [SMALL_QUERY * np.sqrt(HEAD_WIDTH)] * 4 + [LARGE_QUERY * np.sqrt(HEAD_WIDTH)] * 4
    key[0, COPIED, 0] = 1  # head direction 0: token 7
    value[0, COPIED, 0] = 1
    value[0, place, 1] = 1  # head direction 1: any position
    out = np.zeros((1, HEAD_WIDTH, width))
    out[0, 0, output] = -1
    out[0, 0, output.start + COPIED] = 0
    out[0, 0, output.start + FAVOURED] = -100
    out[0, 1, output.start + FAVOURED] = 50
    unembed = np.zeros((width, TOKENS))
    unembed[output] = np.eye(TOKENS)
    weights = (np.eye(TOKENS, width), np.eye(POSITIONS, width, TOKENS), query, key, value, out, unembed)
    return {name: weight.astype(dtype) for name, weight in zip(TENSOR_AXES, weights, strict=True)}


if __name__ == "__main__":
    write_atomically(Path(sys.argv[1]), with_its_network(save(counterexample()), file=sys.argv[1]), force=True)
