"""The evaluation in float64 against the kernel's enclosures, on random programs; and what it says about right, wrong and loss."""

from __future__ import annotations

from itertools import product
from math import exp, log

import numpy as np
import pytest

from tests.networks import RandomNetwork, random_network
from verifier.kernel.decode.safetensors import RawTensor
from verifier.kernel.decode.strict_json import Reader
from verifier.kernel.network.operators import Network, read_network
from verifier.kernel.network.program import GRAMMARS, read_program
from verifier.networks.enclosures import enclosed_logits
from verifier.networks.floats import FloatNetwork, losses, right, tensor_values
from verifier.system.arithmetics import make_arithmetic

FAST, SLOW = range(120), range(12)


def bound(one: RandomNetwork) -> Network:
    program = read_program(Reader(one.program, "program", "5.1"))
    return read_network(program, one.data, file="weights")


@pytest.mark.parametrize(("arithmetic", "seed"), [*(("fast", seed) for seed in FAST), *(("mpmath", seed) for seed in SLOW)])
def test_floats_are_where_the_kernel_encloses_the_logits(arithmetic: str, seed: int) -> None:
    one = random_network(seed)
    network = bound(one)
    inputs = list(product(range(one.vocabulary), repeat=one.positions))[:20]
    places = tuple(range(one.positions))
    floats = FloatNetwork(network).logits(inputs, places)
    lower, upper = enclosed_logits(network, inputs, places, make_arithmetic(arithmetic))
    assert floats.shape == lower.shape == (len(inputs), one.positions, len(network.outputs))
    scale = 1e-9 * (1 + np.abs(floats).max())
    assert (lower <= upper).all()
    assert (upper - lower).max() <= 1e-3 * (1 + np.abs(floats).max())  # else agreement would mean nothing
    assert (floats >= lower - scale).all()
    assert (floats <= upper + scale).all()


def test_the_random_programs_have_every_operator() -> None:
    assert {node["op"] for seed in FAST for node in random_network(seed).program["nodes"]} == set(GRAMMARS)


def test_another_activation_is_not_enclosed() -> None:
    """The comparison above can fail."""
    one = next(one for one in map(random_network, FAST) if any(node["op"] == "silu" for node in one.program["nodes"]))
    nodes = [node | ({"op": "gelu"} if node["op"] == "silu" else {}) for node in one.program["nodes"]]
    other = RandomNetwork(one.program | {"nodes": nodes}, one.data, one.vocabulary, one.positions)
    inputs, places = list(product(range(one.vocabulary), repeat=one.positions)), tuple(range(one.positions))
    floats = FloatNetwork(bound(other)).logits(inputs, places)
    lower, upper = enclosed_logits(bound(one), inputs, places, make_arithmetic("fast"))
    assert np.maximum(lower - floats, floats - upper).max() > 1e-3


def test_batches_and_single_inputs_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    one = random_network(3)
    inputs, places = list(product(range(one.vocabulary), repeat=one.positions)), tuple(range(one.positions))
    whole = FloatNetwork(bound(one)).logits(inputs, places, all_columns=True)
    monkeypatch.setattr("verifier.networks.floats.CELLS_AT_ONCE", 1)
    assert np.allclose(whole, FloatNetwork(bound(one)).logits(inputs, places, all_columns=True), rtol=1e-12, atol=0)


def test_tensors_of_every_type_are_read() -> None:
    assert tensor_values(RawTensor("t", "BF16", (2,), b"\x80\x3f\x00\xc0")).tolist() == [1.0, -2.0]
    assert tensor_values(RawTensor("t", "F16", (1, 1), b"\x00\x3c")).tolist() == [[1.0]]
    assert tensor_values(RawTensor("t", "F32", (1,), b"\x00\x00\x80\x3f")).tolist() == [1.0]


def test_a_tie_is_wrong_and_every_place_counts() -> None:
    logits = np.array([[[1.0, 2.0], [3.0, 1.0]], [[2.0, 2.0], [3.0, 1.0]], [[1.0, 2.0], [1.0, 3.0]]])
    assert right(logits, np.array([[1, 0]] * 3)).tolist() == [True, False, False]


def test_losses_are_cross_entropies_and_keep_small_digits() -> None:
    found = losses(np.array([[0.0, 0.0], [100.0, 0.0], [0.0, 1000.0]]), np.array([0, 0, 0]))
    assert found == pytest.approx([log(2), exp(-100), 1000.0], rel=1e-12)
