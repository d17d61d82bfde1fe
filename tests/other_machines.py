"""Machines of libraries that the project does not need: jax on a processor, as it is and compiled, and onnxruntime.

`pip install -c constraints.txt '.[dev,machines]'` installs them; without them the tests that ask for them are skipped.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.machines import Weights


def arrays(w: Weights) -> dict[str, np.ndarray]:
    """The seven matrices for another library."""
    names = ("embed", "place", "query", "key", "value", "output", "unembed")
    return {name: getattr(w, name).numpy() for name in names}


def jax_machine(*, compiled: bool, attention: bool = False) -> Callable[[Weights, Tensor], Tensor]:
    """jax's own softmax, or its own attention; `compiled`: the whole model by XLA at once."""

    def run(w: Weights, tokens: Tensor) -> Tensor:
        jax = pytest.importorskip("jax", reason="jax is not installed: pip install '.[machines]'")
        jnp = jax.numpy

        def logits(m: dict[str, np.ndarray], inputs: np.ndarray) -> object:
            x = m["embed"][inputs] + m["place"]
            q, k, v = x[:, -1:] @ m["query"], x @ m["key"], x @ m["value"]
            if attention:
                mix = jax.nn.dot_product_attention(q[:, :, None], k[:, :, None], v[:, :, None])[:, :, 0]
            else:
                scores = q @ jnp.swapaxes(k, 1, 2) / jnp.sqrt(jnp.float32(len(m["output"])))
                mix = jax.nn.softmax(scores, axis=-1) @ v
            return ((x[:, -1:] + mix @ m["output"]) @ m["unembed"])[:, 0]

        with jax.default_device(jax.devices("cpu")[0]):
            matrices = {name: jnp.asarray(matrix) for name, matrix in arrays(w).items()}
            found = (jax.jit(logits) if compiled else logits)(matrices, jnp.asarray(tokens.numpy()))
            return torch.tensor(np.array(found))

    return run


def onnx_machine(optimised: bool) -> Callable[[Weights, Tensor], Tensor]:
    """onnxruntime on a processor, the graph as it is written or with every fusion that the library knows."""

    def run(w: Weights, tokens: Tensor) -> Tensor:
        onnx = pytest.importorskip("onnx", reason="onnx is not installed: pip install '.[machines]'")
        runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed: pip install '.[machines]'")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = 1
        levels = runtime.GraphOptimizationLevel
        options.graph_optimization_level = levels.ORT_ENABLE_ALL if optimised else levels.ORT_DISABLE_ALL
        session = runtime.InferenceSession(_graph(onnx, w), options, providers=["CPUExecutionProvider"])
        return torch.tensor(session.run(["logits"], {"tokens": tokens.numpy()})[0][:, 0])

    return run


def _graph(onnx: object, w: Weights) -> bytes:
    """The model as a graph of ONNX, serialised."""
    node, make, numpy_helper = onnx.helper.make_node, onnx.helper, onnx.numpy_helper  # type: ignore[attr-defined]
    constants = {**arrays(w), "root": np.float32(w.root), "last": np.array([-1], dtype=np.int64)}
    steps = [
        ("Gather", ("embed", "tokens"), "embedded", {"axis": 0}),
        ("Add", ("embedded", "place"), "x", {}),
        ("Gather", ("x", "last"), "own", {"axis": 1}),
        ("MatMul", ("own", "query"), "q", {}),
        ("MatMul", ("x", "key"), "k", {}),
        ("MatMul", ("x", "value"), "v", {}),
        ("Transpose", ("k",), "kt", {"perm": [0, 2, 1]}),
        ("MatMul", ("q", "kt"), "products", {}),
        ("Div", ("products", "root"), "scores", {}),
        ("Softmax", ("scores",), "pattern", {"axis": -1}),
        ("MatMul", ("pattern", "v"), "mix", {}),
        ("MatMul", ("mix", "output"), "out", {}),
        ("Add", ("own", "out"), "residual", {}),
        ("MatMul", ("residual", "unembed"), "logits", {}),
    ]
    kinds = onnx.TensorProto  # type: ignore[attr-defined]
    graph = make.make_graph(
        [node(kind, inputs, [result], **settings) for kind, inputs, result, settings in steps],
        "attention-only-1",
        [make.make_tensor_value_info("tokens", kinds.INT64, ["batch", len(w.place)])],
        [make.make_tensor_value_info("logits", kinds.FLOAT, ["batch", 1, w.unembed.shape[1]])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    return bytes(make.make_model(graph, opset_imports=[make.make_opsetid("", 17)], ir_version=8).SerializeToString())


OTHER_MACHINES: dict[str, Callable[[Weights, Tensor], Tensor]] = {
    "jax": jax_machine(compiled=False),
    "jax.jit": jax_machine(compiled=True),
    "jax.jit with its own attention": jax_machine(compiled=True, attention=True),
    "onnxruntime": onnx_machine(optimised=True),
    "onnxruntime without fusions": onnx_machine(optimised=False),
}
