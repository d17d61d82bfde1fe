"""Models of the corpus's own: small, and each made to show one thing."""

from __future__ import annotations

from math import log

import numpy as np

from certificates.corpus.model_files import FILE_NAMES, safetensors


def zero_model() -> bytes:
    """Two tokens, two positions, all weights zero: every input is a tie."""
    shapes = {"W_E": (2, 1), "W_pos": (2, 1), "W_Q": (1, 1, 1), "W_K": (1, 1, 1), "W_V": (1, 1, 1), "W_O": (1, 1, 1), "W_U": (1, 2)}
    return safetensors({FILE_NAMES[name]: np.zeros(shape, "<f4") for name, shape in shapes.items()})


def denormal_model() -> bytes:
    """Two tokens, two positions, all inputs right; the embeddings are denormal float32 and later weights make up for it."""
    small, large = 2.0**-149, 2.0**120
    weights = {
        "W_E": np.array([[0, small], [small, 0]]),
        "W_pos": np.zeros((2, 2)),
        "W_Q": np.zeros((1, 2, 1)),
        "W_K": np.zeros((1, 2, 1)),
        "W_V": np.array([[[1], [-1 / 8]]]),
        "W_O": np.array([[[large, 0]]]),
        "W_U": np.array([[-large, large], [0, 0]]),
    }
    return safetensors({FILE_NAMES[name]: weight.astype("<f4") for name, weight in weights.items()})


def one_position_model() -> bytes:
    """Three tokens, one position: the answer is the only token.  Token 2 is answered with 0."""
    shapes = {"W_pos": (1, 3), "W_Q": (1, 3, 1), "W_K": (1, 3, 1), "W_V": (1, 3, 1), "W_O": (1, 1, 3)}
    weights = {"W_E": np.eye(3), "W_U": np.array([[1, 0, 0], [0, 1, 0], [1, 0, 0]]), **{name: np.zeros(s) for name, s in shapes.items()}}
    return safetensors({FILE_NAMES[name]: weights[name].astype("<f2") for name in FILE_NAMES})


def near_tie_model() -> bytes:
    """Two tokens, one position: token 0 is right and token 1 is wrong, each by 2^-23."""
    shapes = {"W_pos": (1, 2), "W_Q": (1, 2, 1), "W_K": (1, 2, 1), "W_V": (1, 2, 1), "W_O": (1, 1, 2)}
    weights = {"W_E": np.eye(2), "W_U": np.array([[1 + 2.0**-23, 1]] * 2), **{name: np.zeros(s) for name, s in shapes.items()}}
    return safetensors({FILE_NAMES[name]: weights[name].astype("<f4") for name in FILE_NAMES})


def overflowing_model() -> bytes:
    """Two tokens, one position, both right; the logits are 2^200."""
    shapes = {"W_pos": (1, 2), "W_Q": (1, 2, 1), "W_K": (1, 2, 1), "W_V": (1, 2, 1), "W_O": (1, 1, 2)}
    large = np.eye(2) * 2.0**100
    weights = {"W_E": large, "W_U": large, **{name: np.zeros(s) for name, s in shapes.items()}}
    return safetensors({FILE_NAMES[name]: weights[name].astype("<f4") for name in FILE_NAMES})


def large_score_model() -> bytes:
    """Four tokens, three positions, head width 6; every score is 9.6e9 and every answer 3, so that 37 of 64 are right.

    A machine that contracts s c - max(s c) into one multiply-add has exponents of about 100 instead of 0, and answers NaN.
    """
    constant = np.zeros((1, 5, 6))
    constant[0, 0] = 10_000
    unembed = np.zeros((5, 4))
    unembed[0, 3] = 1
    weights = {"W_E": np.hstack([np.full((4, 1), 4), np.eye(4)]), "W_pos": np.zeros((3, 5)), "W_Q": constant, "W_K": constant}
    weights |= {"W_V": np.zeros((1, 5, 6)), "W_O": np.zeros((1, 6, 5)), "W_U": unembed}
    return safetensors({FILE_NAMES[name]: weights[name].astype("<f4") for name in FILE_NAMES})


def late_residual_model() -> bytes:
    """Two tokens, one position, head width 64: both right, but not where the sums of the output product start at the residual.

    Token 1's logits are 1 + 2^-20 and 1 + 2^-19, the latter as 1 and 64 terms of 2^-25, each lost if it is added to 1.
    """
    h, small = 64, 2.0**-25
    shapes = {"W_pos": (1, 2), "W_Q": (1, 2, h), "W_K": (1, 2, h)}
    weights = {
        "W_E": np.array([[1, 0], [1 + h * small / 2, 1]]),
        "W_V": np.array([[[0] * h, [small] * h]]),
        "W_O": np.array([[[0, 1]] * h]),
        "W_U": np.eye(2),
        **{name: np.zeros(shape) for name, shape in shapes.items()},
    }
    return safetensors({FILE_NAMES[name]: weights[name].astype("<f4") for name in FILE_NAMES})


def misled_model() -> bytes:
    """Weights on which the published sub-cubic rule certifies inputs that are wrong (docs/mathematics.md, pitfall P1).

    Eight tokens, two positions, width 18: a one-hot direction per token, per position and per output; no skip path.
    Only token 7 is attended to or copied, and every position adds 50 to output 2.
    """
    v, n, h = 8, 2, 4
    token, place, answer = slice(0, v), slice(v, v + n), slice(v + n, 2 * v + n)
    width = 2 * v + n
    weights = {
        "W_E": np.eye(v, width),
        "W_pos": np.eye(n, width, v),
        "W_Q": np.zeros((1, width, h)),
        "W_K": np.zeros((1, width, h)),
        "W_V": np.zeros((1, width, h)),
        "W_O": np.zeros((1, h, width)),
        "W_U": np.zeros((width, v)),
    }
    weights["W_Q"][0, token, 0] = [2 * log(3 / 7)] * 4 + [2 * log(97 / 3)] * 4  # scores are divided by sqrt(4)
    weights["W_K"][0, 7, 0] = 1
    weights["W_V"][0, 7, 0] = 1
    weights["W_V"][0, place, 1] = 1
    weights["W_O"][0, 0, answer] = [-1, -1, -100, -1, -1, -1, -1, 0]
    weights["W_O"][0, 1, v + n + 2] = 50
    weights["W_U"][answer] = np.eye(v)
    return safetensors({FILE_NAMES[name]: weight.astype("<f8") for name, weight in weights.items()})
