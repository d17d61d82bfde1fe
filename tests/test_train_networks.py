"""benchmarks/train_networks.py: what is trained is the program that the file carries, and its tasks are what they are called."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from benchmarks.train_networks import RECIPES, cayley, logits, train
from verifier.networks.finding import find_network, find_task
from verifier.networks.floats import FloatNetwork, tensor_values

torch = pytest.importorskip("torch")


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_what_is_trained_is_the_program_that_the_file_carries(name: str) -> None:
    recipe = RECIPES[name]
    data = train(recipe, steps=2)
    assert train(recipe, steps=2) == data  # from seeds
    found = find_network(None, data, file=name)
    task = find_task(None, found).task
    inputs = list(product(range(recipe.tokens), repeat=recipe.task["positions"]))[:: recipe.tokens + 1][:50]
    tensors = {key: torch.tensor(tensor_values(tensor)) for key, tensor in found.network.weights.tensors.items()}
    trained = logits(recipe.nodes, tensors, torch.tensor(inputs)).numpy()
    assert np.abs(trained - FloatNetwork(found.network).logits(inputs, task.layout.reads)[:, 0]).max() < 1e-9
    assert [task.answers(one) for one in inputs] == [(recipe.answer(one),) for one in inputs]


def test_the_table_is_that_of_a_group_of_120_elements_that_is_not_abelian() -> None:
    table = np.array(cayley())
    size = len(table)
    assert size == 120
    assert (np.sort(table, 0) == np.arange(size)[:, None]).all()
    assert (np.sort(table, 1) == np.arange(size)).all()
    assert (table[0] == np.arange(size)).all()
    assert (table[:, 0] == np.arange(size)).all()
    assert (table[table] == np.swapaxes(table[:, table], 0, 0)).all()  # (a b) c = a (b c)
    assert (table != table.T).any()
