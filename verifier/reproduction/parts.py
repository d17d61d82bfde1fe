"""The published strategies' tables, and their options for the skip path (5) and for the scores (10), in floats."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import ldexp

import numpy as np

from verifier.kernel.maximum.model import Model
from verifier.networks.attention_only import weight_rows

Array = np.ndarray
RowBound = Callable[[Array, Array], Array]  # two factors -> a row bound of their product, one number per row


@dataclass(frozen=True)
class Weights:
    """Weights in floats: E (v, d), P (n, d), Q, K, V (d, h), O (h, d), U (d, v)."""

    E: Array
    P: Array
    Q: Array
    K: Array
    V: Array
    O: Array  # noqa: E741 - the paper's letter
    U: Array

    @staticmethod
    def of(model: Model, dtype: type[np.floating]) -> Weights:
        """The model's weights rounded to a type."""
        names = ("W_E", "W_pos", "W_Q", "W_K", "W_V", "W_O", "W_U")
        rows = ([[ldexp(*entry) for entry in row] for row in weight_rows(model, name)] for name in names)
        return Weights(*(np.array(matrix, dtype=np.float64).astype(dtype) for matrix in rows))

    @property
    def v(self) -> int:
        return len(self.E)

    @property
    def n(self) -> int:
        return len(self.P)

    @property
    def scale(self) -> np.floating:
        """The scores are divided by this."""
        return np.sqrt(self.E.dtype.type(self.O.shape[0]))

    @cached_property
    def queries(self) -> Array:
        """Eq = E + P_{n-1}."""
        return self.E + self.P[-1]

    @cached_property
    def keys(self) -> Array:
        """E + mean P."""
        return self.E + self.P.mean(0)

    @cached_property
    def places(self) -> Array:
        """P - mean P."""
        return self.P - self.P.mean(0)

    @cached_property
    def skip(self) -> Array:
        return self.queries @ self.U

    @cached_property
    def score(self) -> Array:
        return self.queries @ self.Q @ self.K.T @ self.keys.T

    @cached_property
    def place_score(self) -> Array:
        return self.queries @ self.Q @ self.K.T @ self.places.T

    @cached_property
    def copy(self) -> Array:
        """EVOU, positions not centred."""
        return self.E @ self.V @ self.O @ self.U

    @cached_property
    def place_copy(self) -> Array:
        """PVOU, positions not centred."""
        return self.P @ self.V @ self.O @ self.U


def row_range(matrix: Array) -> Array:
    """Largest minus least entry of each row."""
    return matrix.max(-1) - matrix.min(-1)


# -- the skip path: Eq U[q, x] - Eq U[q, m] <= reference[x] - reference[m] + slack[q] ------------------------------------


def skip_option(weights: Weights, option: str, queries: Array) -> tuple[Array, Array]:
    """Reference row (v,) and slack (v,) of queries @ U."""
    U, none = weights.U, np.zeros_like(queries[0])
    if option == "global_max_diff_exact":
        skip = queries @ U
        return none @ U, np.full(weights.v, skip.max() - skip.min(), dtype=skip.dtype)
    if option == "max_diff_exact":
        return none @ U, row_range(queries @ U)
    reference = {"max_diff": none, "mean_query+max_diff": queries.mean(0), "svd_query+max_diff": svd_query(weights)}[option]
    return reference @ U, np.abs(queries - reference) @ row_range(U)


def svd_query(weights: Weights) -> Array:
    """The leading left singular vector of (E + mean P) U, of positive sum, times E + mean P: not scaled to an average."""
    left = leading(weights.keys @ weights.U)[0][:, 0]
    return (left if left.sum() >= 0 else -left) @ weights.keys


# -- the scores: S = part + remainder, |remainder[q, k] - remainder[q, l]| <= slack[q] ----------------------------------


def score_option(weights: Weights, option: str) -> tuple[Array, Array]:
    """Part (v, v) and slack (v,), both before division by sqrt(h).  The cross terms of the rank-one peel are dropped (G5)."""
    if option == "exact_EQKE+max_diff_exact":
        return weights.score, np.zeros_like(weights.score[0])
    bound = {"svd": by_norm, "max_diff_exact": exactly, "max_diff": split, "mean+max_diff": split_with_mean}.get(option)
    if bound is not None:
        part, left, right = rank_one(weights)
        return part, bound(left, right)
    part, factors = nine_terms(weights)
    if option.endswith("_recursive"):
        levels = {"max_diff": 0, "mean+max_diff": 1, "mean_recursive+max_diff": len(factors)}[option.removesuffix("_subproduct_recursive")]
        return part, recursive(factors, levels)
    return part, best_cut(factors, split_with_mean if option.startswith("mean") else split)


def leading(matrix: Array) -> tuple[Array, Array]:
    """Leading left and right singular vectors as columns."""
    left, _, right = np.linalg.svd(matrix)
    return left[:, :1], right[:1].T


def rank_one(weights: Weights) -> tuple[Array, Array, Array]:
    """S = X Y claimed to be part + A B, with the leading singular vectors of S taken for exact ones."""
    X, Y = weights.queries @ weights.Q @ weights.K.T, weights.keys.T
    left, right = leading(X @ Y)
    A, B = X - left @ (left.T @ X), Y - (Y @ right) @ right.T
    return (left @ (left.T @ X)) @ ((Y @ right) @ right.T), A, B


def nine_terms(weights: Weights) -> tuple[Array, list[Array]]:
    """Nine products of rank one, and the factors of what is left: two peels of each embedding, one of Q and one of K (L22)."""
    left, right = leading(weights.score)
    A1, A_rest = peeled(weights.queries, left)
    A2, A3 = peeled(A_rest, leading(A_rest)[0])
    B1, B_rest = peeled(weights.keys, right)
    B2, B3 = peeled(B_rest, leading(B_rest)[0])
    Q1, Q2 = peeled(weights.Q, leading(weights.Q)[0])
    K1, K2 = peeled(weights.K, leading(weights.K)[0])
    Q, K = weights.Q, weights.K
    products = [(A1, Q, K, B1), (A1, Q, K, B_rest), (A_rest, Q, K, B1), (A2, Q, K, B2), (A2, Q, K, B3), (A3, Q, K, B2)]
    products += [(A3, Q1, K1, B3), (A3, Q1, K2, B3), (A3, Q2, K1, B3)]
    part = sum(a @ q @ (b @ k).T for a, q, k, b in products)
    return part, [A3, Q2, K2.T, B3.T]


def peeled(matrix: Array, direction: Array) -> tuple[Array, Array]:
    """What lies along a direction of the rows' index, and the rest."""
    along = direction @ (direction.T @ matrix)
    return along, matrix - along


def exactly(left: Array, right: Array) -> Array:
    """Row ranges of the product itself."""
    return row_range(left @ right)


def by_norm(left: Array, right: Array) -> Array:
    """The square root of 2 times the computed largest singular value, taken for an upper bound (G5); the same for every row (L20)."""
    product = left @ right
    return np.full(len(left), np.sqrt(product.dtype.type(2)) * np.linalg.svd(product, compute_uv=False)[0])


def split(left: Array, right: Array) -> Array:
    """L15."""
    return np.abs(left) @ row_range(right)


def split_with_mean(left: Array, right: Array) -> Array:
    """L16 with the mean of the left factor's rows."""
    return row_range(left.mean(0) @ right) + np.abs(left - left.mean(0)) @ row_range(right)


def best_cut(factors: list[Array], bound: RowBound) -> Array:
    """L17: the least over all places to cut the product in two."""
    cuts = range(1, len(factors))
    return np.min([bound(_product(factors[:cut]), _product(factors[cut:])) for cut in cuts], axis=0)


def recursive(factors: list[Array], levels: int) -> Array:
    """L18, with the mean row set apart at the first `levels` levels (L19)."""
    first, rest = factors[0], factors[1:]
    if not rest:
        return row_range(first)
    below = recursive(rest, max(levels - 1, 0))
    if not levels:
        return np.abs(first) @ below
    return row_range(_product([first.mean(0, keepdims=True), *rest])) + np.abs(first - first.mean(0)) @ below


def _product(factors: list[Array]) -> Array:
    result = factors[0]
    for factor in factors[1:]:
        result = result @ factor
    return result
