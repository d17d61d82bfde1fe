"""Hunted inputs: they are inputs of the task, and their losses grow."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from verifier.kernel.decode.strict_json import Reader
from verifier.kernel.tasks import read_task
from verifier.kernel.tasks.table import Table, digest_of
from verifier.zoo.hunting import Hunt
from verifier.zoo.inputs import Inputs
from verifier.zoo.recipes import cumulative_sign
from verifier.zoo.training import train

LABELS = [0] * 180
SIGNS = {"name": "cumulative_sign", "positions": 4, "values": [0, 1, -1], "answer": "whole"}
LISTED = {"name": "table", "positions": 4, "sizes": [2, 9, 2, 5], "labels": digest_of(LABELS)}  # slots of different sizes


def hunt(task: dict[str, object], count: int = 50) -> Hunt:
    asked = read_task(Reader(task, "test", "task"))
    inputs = Inputs(asked.with_labels(LABELS) if isinstance(asked, Table) else asked, 9)
    return Hunt(inputs, count, torch.Generator().manual_seed(1))


def spread(tokens: Tensor) -> Tensor:
    """A loss: how far neighbours are apart."""
    return tokens.diff(dim=1).abs().sum(1).double()


@pytest.mark.parametrize("task", [LISTED, SIGNS])
def test_what_is_hunted_is_an_input(task: dict[str, object]) -> None:
    hunted = hunt(task)
    counts = torch.tensor(read_task(Reader(task, "test", "task")).token_counts(3))
    for _ in range(100):
        assert hunted.tokens.shape == (100, 4)
        assert (hunted.tokens >= 0).all()
        assert (hunted.tokens < counts).all()
        hunted.advance(spread(hunted.tokens))


def test_a_change_is_in_two_slots_at_most_and_kept_where_the_loss_is_no_smaller() -> None:
    hunted = hunt(SIGNS)
    for _ in range(20):
        before, changed = hunted.tokens.split(50)
        assert ((before != changed).sum(1) <= 2).all()
        better = torch.where((spread(changed) >= spread(before))[:, None], changed, before)
        hunted.advance(spread(hunted.tokens))
        ended = (hunted.tokens[:50] != better).any(1)
        assert ended.sum() < 10


def test_losses_grow_to_the_largest_ones() -> None:
    hunted = hunt(LISTED)
    start = spread(hunted.tokens[:50]).mean()
    for _ in range(300):
        hunted.advance(spread(hunted.tokens))
    assert start < 10
    assert spread(hunted.tokens[:50]).mean() > 15  # the largest are 7 + 7 + 4 and 8 + 8 + 4


def test_none_is_hunted_without_being_asked() -> None:
    hunted = hunt(SIGNS, count=0)
    hunted.advance(torch.zeros(0))
    assert hunted.tokens.shape == (0, 4)


def test_training_hunts_by_the_seed() -> None:
    recipe = replace(cumulative_sign(1), steps=3, batch=8, hunted=8)
    assert train(recipe, samples=64).data == train(recipe, samples=64).data
    assert train(recipe, samples=64).data != train(replace(recipe, hunted=0), samples=64).data
