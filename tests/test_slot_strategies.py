"""Strategies slots and bottleneck: trained models on domains nobody can enumerate, and beside enumeration where somebody can."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.programs import Case, bag, normal, safetensors
from tests.rules.test_cells import small
from tests.test_network_strategies import asked
from verifier.kernel.scope import InputScope
from verifier.networks.finding import find_network
from verifier.proving import prove
from verifier.strategies import find_strategy
from verifier.strategies.slots import bottleneck, relaxed
from verifier.strategies.slots.bottleneck import narrow_node
from verifier.strategies.target import Target

MODELS = Path(__file__).parent.parent / "certificates" / "models"
SIGN = {"name": "cumulative_sign", "positions": 20, "values": [0, 1, 2, 3, 4, 5, -5, -4, -3, -2, -1]}


def trained(answer: object, ranges: Sequence[tuple[int, int]] | None = None) -> tuple[bytes, Target]:
    """A cumulative-sign model and a question about it."""
    data = (MODELS / "cumulative-sign-1.safetensors").read_bytes()
    program = find_network(None, data, file="model").network.program.json
    file, target = asked(program, data, SIGN | {"answer": answer})
    return file, target if ranges is None else replace(target, subject=replace(target.subject, scope=InputScope(tuple(ranges))))


def test_a_trained_model_on_all_inputs_at_one_position() -> None:
    """11^20 inputs; the first positions of this model are all right."""
    file, target = trained(2)
    found = prove(file, find_strategy("slots"), file="FILE", target=target)
    assert [verdict.word for verdict in found.verdicts] == ["PROVED", "PROVED"]
    assert found.verdicts[0].statement.subject.total == 11**20
    assert found.verdicts[0].bound is not None
    assert found.verdicts[0].bound.certified > 0.9 * 11**20


def test_never_more_than_enumeration_finds() -> None:
    file, target = trained(3, [(0, 10)] * 4 + [(0, 0)] * 16)
    every = prove(file, find_strategy("every-input"), file="FILE", target=target, reference=False).verdicts[0]
    slots = prove(file, find_strategy("slots"), file="FILE", target=target, reference=False).verdicts[0]
    assert every.bound is not None
    assert slots.bound is not None
    assert 0 < slots.bound.certified <= every.bound.certified
    assert slots.bound.wrong <= every.bound.wrong


def narrow(name: str) -> Case:
    """A network whose attention is read through a node of width 2, then gelu."""
    one = small(name, 3, 3, mlp="gelu")
    rng = random.Random(name)
    nodes = [{**node, "factors": ["A0"]} if node["node"] == "o0" else node for node in one.program["nodes"]]
    place = next(index for index, node in enumerate(nodes) if node["node"] == "o0")
    nodes.insert(place + 1, {"node": "wide", "op": "linear", "of": "o0", "factors": ["B0"]})
    nodes = [{**node, "of": ["x", "wide"]} if node["node"] == "y0" else node for node in nodes]
    weights = {key: rows for key, rows in one.weights.items() if key != "O0"} | {"A0": normal(rng, 2, 2), "B0": normal(rng, 2, 3)}
    return Case(one.program | {"nodes": nodes}, weights, one.task, one.scope, name=name)


def test_a_narrow_node_is_found_and_its_boxes_prove_no_more_than_enumeration() -> None:
    proved = 0
    for seed in range(12):
        one = narrow(f"narrow {seed}")
        file, target = asked(one.program, safetensors(one.weights), one.task)
        number = narrow_node(target.network)
        assert number is not None
        assert target.network.program.nodes[number].name == "o0"
        every = prove(file, find_strategy("every-input"), file="FILE", target=target, reference=False).verdicts[0]
        found = prove(file, find_strategy("bottleneck"), file="FILE", target=target, reference=False).verdicts[0]
        assert every.bound is not None
        assert found.bound is not None
        assert found.bound.certified <= every.bound.certified
        proved += found.bound.certified
    assert proved > 30  # of 324


@pytest.mark.parametrize("misfit", [relaxed.misfit, bottleneck.misfit])
def test_networks_without_attention_are_refused(misfit: Callable[[Target], str]) -> None:
    program, weights = bag(random.Random(0), 3)
    _, target = asked(program, safetensors(weights), {"name": "max", "positions": 2})
    assert "attention" in misfit(target)
