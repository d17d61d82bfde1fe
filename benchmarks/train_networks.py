"""Small models of other shapes, trained here from seeds, each carrying its network program: for benchmarks/networks.py.

    python -m benchmarks.train_networks [NAME ...]     # weights to benchmarks/models/ (not in the repository); needs torch

What is trained is the program itself: its nodes are computed with torch, so the program and the model cannot be two things.

| name               | network                                                          | task                            |
|--------------------|------------------------------------------------------------------|---------------------------------|
| s5-bag             | relu of a sum of untied tables, 128 wide                         | product of two elements of S5   |
| max-of-4-biases    | one layer of attention, d = 32, biases everywhere                | the largest of 4 tokens, v = 16 |
| max-of-4-norms     | the same with LayerNorm before attention and at the end          | likewise                        |
| max-of-4-mlp       | the same as `biases`, then an MLP of 64 neurons with relu        | likewise                        |
| max-of-4-two-heads | two heads of 16                                                  | likewise                        |
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import permutations, product
from math import sqrt
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.common import MODELS
from verifier.networks.finding import with_network

if TYPE_CHECKING:
    import torch

Node = dict[str, Any]
Shape = tuple[int, ...]
HIDDEN, TOKENS, SLOTS, WIDTH, NEURONS = 128, 16, 4, 32, 64  # of the bag the hidden width; of the others vocabulary, slots, d, MLP
LAST_LEARNING_RATE = 0.01  # a share of the first one


@dataclass(frozen=True)
class Recipe:
    """A network and how it is trained.

    tensors: shapes of the factors whose product a tensor is while it is trained; one factor is the tensor itself.
    decay: of L2 in Adam; after half of the steps a third of it.  ones: tensors that begin at 1; vectors else begin at 0.
    """

    name: str
    nodes: tuple[Node, ...]
    tensors: Mapping[str, tuple[Shape, ...]]
    word: str
    task: Mapping[str, Any]
    answer: Callable[[tuple[int, ...]], int]
    tokens: int
    seed: int = 1
    steps: int = 1000
    batch: int = 1024
    learning_rate: float = 5e-3
    decay: float = 0.0
    ones: tuple[str, ...] = ()

    @property
    def file(self) -> Path:
        return MODELS / f"{self.name}.safetensors"

    @cached_property
    def program(self) -> dict[str, Any]:
        return {"name": self.name, "nodes": list(self.nodes), "logits": self.nodes[-1]["node"]}


def elements() -> list[tuple[int, ...]]:
    """The 120 permutations of five things, the identity first."""
    return list(permutations(range(5)))


def cayley() -> list[list[int]]:
    """The table of S5: entry a, b is the number of the permutation that does b and then a."""
    number = {element: index for index, element in enumerate(elements())}
    return [[number[tuple(a[b[i]] for i in range(5))] for b in elements()] for a in elements()]


def bag_of_s5() -> Recipe:
    """Logits U relu(L[x] + R[y]) + b; L and R are trained as products, so that gradients are those of a deeper network."""
    table = cayley()
    factors = ((len(table), HIDDEN), (HIDDEN, HIDDEN))
    return Recipe(
        "s5-bag",
        (
            {"node": "e", "op": "embed", "tables": ["L", "R"]},
            {"node": "s", "op": "sum_positions", "of": "e"},
            {"node": "h", "op": "relu", "of": "s"},
            {"node": "u", "op": "linear", "of": "h", "factors": ["U"], "bias": "b"},
        ),
        {"L": factors, "R": factors, "U": ((HIDDEN, len(table)),), "b": ((len(table),),)},
        "product",
        {"name": "group_product", "positions": 2, "table": table},
        lambda pair: table[pair[0]][pair[1]],
        len(table),
        steps=6000,
        batch=4800,
        learning_rate=1e-2,
        decay=2e-4,
    )


def maximum(name: str, *, heads: int = 1, norms: bool = False, neurons: int = 0) -> Recipe:
    """Max of 4: one layer of causal attention with biases; read at the last token."""
    d, part = WIDTH, WIDTH // heads
    nodes: list[Node] = [
        {"node": "e", "op": "embed", "tables": ["W_E"]},
        {"node": "p", "op": "position", "table": "W_pos"},
        {"node": "x", "op": "add", "of": ["e", "p"]},
    ]
    shapes: dict[str, Shape] = {"W_E": (TOKENS, d), "W_pos": (SLOTS, d), "W_U": (d, TOKENS), "b_U": (TOKENS,)}
    ones: list[str] = []

    def norm(place: str, of: str) -> str:
        """A LayerNorm with gain and bias."""
        gain, bias = f"ln_{place}.w", f"ln_{place}.b"
        nodes.append({"node": f"n_{place}", "op": "layer_norm", "of": of, "epsilon": "1/100000"})
        nodes.append({"node": f"g_{place}", "op": "scale", "of": f"n_{place}", "by": gain})
        nodes.append({"node": f"b_{place}", "op": "linear", "of": f"g_{place}", "bias": bias})
        shapes.update({gain: (d,), bias: (d,)})
        ones.append(gain)
        return f"b_{place}"

    before = norm("1", "x") if norms else "x"
    for head in range(heads):
        for role in "QKV":
            node = {"node": f"{role.lower()}{head}", "op": "linear", "of": before}
            nodes.append(node | {"factors": [f"W_{role}{head}"], "bias": f"b_{role}{head}"})
            shapes.update({f"W_{role}{head}": (d, part), f"b_{role}{head}": (part,)})
        attention = {"query": f"q{head}", "key": f"k{head}", "value": f"v{head}", "mask": "causal", "scale_squared": f"1/{part}"}
        nodes.append({"node": f"a{head}", "op": "attention", **attention})
        nodes.append({"node": f"o{head}", "op": "linear", "of": f"a{head}", "factors": [f"W_O{head}"], "bias": f"b_O{head}"})
        shapes.update({f"W_O{head}": (part, d), f"b_O{head}": (d,)})
    nodes.append({"node": "y", "op": "add", "of": ["x", *(f"o{head}" for head in range(heads))]})
    last = "y"
    if neurons:
        nodes.append({"node": "z", "op": "linear", "of": "y", "factors": ["W_in"], "bias": "b_in"})
        nodes.append({"node": "h", "op": "relu", "of": "z"})
        nodes.append({"node": "m", "op": "linear", "of": "h", "factors": ["W_out"], "bias": "b_out"})
        nodes.append({"node": "f", "op": "add", "of": ["y", "m"]})
        shapes.update({"W_in": (d, neurons), "b_in": (neurons,), "W_out": (neurons, d), "b_out": (d,)})
        last = "f"
    last = norm("2", last) if norms else last
    nodes.append({"node": "u", "op": "linear", "of": last, "factors": ["W_U"], "bias": "b_U"})
    tensors = {tensor: (shape,) for tensor, shape in shapes.items()}
    return Recipe(name, tuple(nodes), tensors, "max", {"name": "max", "positions": SLOTS}, max, TOKENS, ones=tuple(ones))


RECIPES = {
    recipe.name: recipe
    for recipe in (
        bag_of_s5(),
        maximum("max-of-4-biases"),
        maximum("max-of-4-norms", norms=True),
        maximum("max-of-4-mlp", neurons=NEURONS),
        maximum("max-of-4-two-heads", heads=2),
    )
}


def logits(nodes: tuple[Node, ...], tensors: Mapping[str, torch.Tensor], tokens: torch.Tensor) -> torch.Tensor:
    """The last node at the last position; tokens: shape (inputs, positions)."""
    import torch

    values: dict[str, torch.Tensor] = {}
    for node in nodes:
        operator: str = node["op"]
        of: Any = node.get("of")
        if operator == "embed":
            tables = [tensors[name] for name in node["tables"]]
            columns = [tables[slot % len(tables)][tokens[:, slot]] for slot in range(tokens.shape[1])]
            value = torch.stack(columns, 1)
        elif operator == "position":
            value = tensors[node["table"]][None, : tokens.shape[1]]
        elif operator == "add":
            value = sum((values[one] for one in of[1:]), values[of[0]])
        elif operator == "sum_positions":
            value = values[of].sum(1, keepdim=True)
        elif operator == "relu":
            value = torch.relu(values[of])
        elif operator == "layer_norm":
            numerator, denominator = map(int, node["epsilon"].split("/"))
            value = torch.nn.functional.layer_norm(values[of], values[of].shape[-1:], eps=numerator / denominator)
        elif operator == "scale":
            value = values[of] * tensors[node["by"]]
        elif operator == "linear":
            value = values[of]
            for factor in node.get("factors", ()):
                value = value @ tensors[factor]
            value = value + tensors[node["bias"]]
        else:
            value = _attended(node, values)
        values[node["node"]] = value
    return value[:, -1]


def _attended(node: Node, values: Mapping[str, torch.Tensor]) -> torch.Tensor:
    query, key, value = (values[node[role]] for role in ("query", "key", "value"))
    numerator, denominator = map(int, node["scale_squared"].split("/"))
    scores = query @ key.transpose(1, 2) * sqrt(numerator / denominator)
    return scores.masked_fill(scores.new_ones(scores.shape[1:]).triu(1).bool(), float("-inf")).softmax(-1) @ value


def train(recipe: Recipe, steps: int | None = None) -> bytes:
    """Train and return the weights file with its program; `steps` instead of the recipe's."""
    import torch
    from safetensors.torch import save

    torch.manual_seed(recipe.seed)
    torch.set_num_threads(1)  # the order of sums, and so the weights, do not hang on the machine's cores
    parameters = {name: _begun(name, recipe) for name in recipe.tensors}
    optimiser = torch.optim.Adam([one for ones in parameters.values() for one in ones], lr=recipe.learning_rate, betas=(0.9, 0.98))
    inputs = list(product(range(recipe.tokens), repeat=recipe.task["positions"]))
    tokens, labels = torch.tensor(inputs), torch.tensor([recipe.answer(one) for one in inputs])
    total = recipe.steps if steps is None else steps
    for step in range(total):
        rest = 1 - step / total
        for group in optimiser.param_groups:
            group["lr"] = recipe.learning_rate * min(1.0, max(LAST_LEARNING_RATE, rest / 0.3))
            group["weight_decay"] = recipe.decay / (1 if rest > 0.5 else 3)
        some = torch.randint(len(inputs), (recipe.batch,))
        whole = {name: _product(ones) for name, ones in parameters.items()}
        loss = torch.nn.functional.cross_entropy(logits(recipe.nodes, whole, tokens[some]), labels[some])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if step % max(total // 5, 1) == 0 or step == total - 1:
            print(f"{recipe.name}: step {step}, loss {loss.item():.3g}", flush=True)
    weights = {name: _product(ones).detach().contiguous() for name, ones in parameters.items()}
    return with_network(save(weights), recipe.program, {recipe.word: dict(recipe.task)}, file=recipe.name)


def _begun(name: str, recipe: Recipe) -> list[torch.Tensor]:
    """The factors of a tensor as they are before the first step: the variance of what a sum of entries gives is about 1."""
    import torch

    first, *rest = recipe.tensors[name]
    if len(first) == 1:
        return [torch.full(first, float(name in recipe.ones), requires_grad=True)]
    looked_up = any(name in node.get("tables", ()) or name == node.get("table") for node in recipe.nodes)
    begun = [torch.randn(first) / sqrt(1 if looked_up else first[0]), *(torch.randn(shape) / sqrt(shape[0]) for shape in rest)]
    return [one.requires_grad_() for one in begun]


def _product(factors: list[torch.Tensor]) -> torch.Tensor:
    first, *rest = factors
    for factor in rest:
        first = first @ factor
    return first


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[[], *RECIPES], metavar="NAME", help="these models (default: all)")
    names = parser.parse_args().names or list(RECIPES)
    MODELS.mkdir(exist_ok=True)
    for name in names:
        start = time.process_time()
        RECIPES[name].file.write_bytes(train(RECIPES[name]))
        print(f"{name}: {time.process_time() - start:.0f} s of a processor, {RECIPES[name].file}", flush=True)


if __name__ == "__main__":
    main()
