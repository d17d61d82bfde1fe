"""`verifier import`: values arrive unchanged, and whatever is not `attention-only-1` is refused by name."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import Tensor

from verifier.cli import main
from verifier.kernel.errors import LimitExceeded, MalformedInput, Usage
from verifier.models import checkpoint
from verifier.models.architecture import TENSOR_AXES, tensor_shapes
from verifier.models.weights import load_weights, save_weights

Tensors = dict[str, Tensor]

V, N, D, H = 5, 3, 4, 2  # all different, so that a transposed axis cannot go unnoticed
BIASES = {"blocks.0.attn.b_Q": (1, H), "blocks.0.attn.b_K": (1, H), "blocks.0.attn.b_V": (1, H)}
BIASES |= {"blocks.0.attn.b_O": (D,), "unembed.b_U": (V,)}


def weights(dtype: torch.dtype = torch.float32) -> Tensors:
    generator = torch.Generator().manual_seed(0)
    shapes = tensor_shapes(vocabulary=V, positions=N, width=D, head_width=H)
    return {name: torch.randn(shape, generator=generator).to(dtype) for name, shape in shapes.items()}


def transformer_lens_state() -> Tensors:
    """A state dict as TransformerLens writes it: zero biases and constant buffers beside the weights."""
    return {
        **weights(),
        **{name: torch.zeros(shape) for name, shape in BIASES.items()},
        "blocks.0.attn.mask": torch.ones(N, N, dtype=torch.bool).tril(),
        "blocks.0.attn.IGNORE": torch.tensor(float("-inf")),
    }


def bridge_state() -> Tensors:
    """A state dict as TransformerLens 4 writes it: `TransformerBridge.boot_native(configuration).state_dict()`."""
    old = transformer_lens_state()
    state = {"embed.weight": old["embed.W_E"], "pos_embed.weight": old["pos_embed.W_pos"]}
    for name in "QKVO":
        state[f"blocks.0.attn.{name.lower()}.weight"] = old[f"blocks.0.attn.W_{name}"][0].T.contiguous()
        state[f"blocks.0.attn.{name.lower()}.bias"] = old[f"blocks.0.attn.b_{name}"].reshape(-1)
    return state | {"unembed.weight": old["unembed.W_U"].T.contiguous(), "unembed.bias": old["unembed.b_U"]}


CONFIGURATION: dict[str, Any] = {
    "n_layers": 1, "n_heads": 1, "d_model": D, "d_head": H, "n_ctx": N, "d_vocab": V, "d_vocab_out": V, "attn_only": True,
    "normalization_type": None, "attn_scale": math.sqrt(H), "use_attn_scale": True, "positional_embedding_type": "standard",
    "attention_dir": "causal", "attn_scores_soft_cap": -1.0, "output_logits_soft_cap": -1.0, "use_local_attn": False,
    "window_size": None, "device": "cpu", "seed": 123, "dtype": "torch.float32", "default_prepend_bos": True,
}  # fmt: skip


def import_checkpoint(path: Path) -> Tensors:
    """The tensors, where the evidence is in order."""
    configuration = path.parent / "configuration of the tests.json"
    configuration.write_text(json.dumps(CONFIGURATION), encoding="utf-8")
    return checkpoint.import_checkpoint(path, configuration=configuration).weights


def save(state: Tensors, path: Path) -> Path:
    if path.suffix == ".safetensors":
        path.write_bytes(safetensors.torch.save(state))
    elif path.suffix == ".npz":
        np.savez(path, **{name: tensor.numpy() for name, tensor in state.items()})
    else:
        torch.save(state, path)
    return path


def same_bits(left: Tensors, right: Tensors) -> bool:
    """Equal names, types and bits; `==` would not tell -0 from 0."""
    return left.keys() == right.keys() and all(
        left[name].dtype == right[name].dtype
        and torch.equal(left[name].contiguous().view(torch.uint8), right[name].contiguous().view(torch.uint8))
        for name in left
    )


# Acceptances


@pytest.mark.parametrize("suffix", [".safetensors", ".npz", ".pt", ".pth"])
def test_every_format_gives_the_same_seven_tensors(suffix: str, tmp_path: Path) -> None:
    imported = import_checkpoint(save(transformer_lens_state(), tmp_path / f"checkpoint{suffix}"))
    assert list(imported) == list(TENSOR_AXES)
    assert same_bits(imported, weights())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_types_are_kept(dtype: torch.dtype, tmp_path: Path) -> None:
    imported = import_checkpoint(save(weights(dtype), tmp_path / "checkpoint.pt"))
    save_weights(imported, tmp_path / "model.safetensors")
    assert same_bits(load_weights(tmp_path / "model.safetensors"), weights(dtype))


def test_negative_zeros_and_denormals_are_kept(tmp_path: Path) -> None:
    state = weights()
    state["embed.W_E"][0] = torch.tensor([-0.0, 0.0, 1e-45, -3e38])
    assert same_bits(import_checkpoint(save(state, tmp_path / "checkpoint.npz")), state)


def test_types_may_differ_between_tensors(tmp_path: Path) -> None:
    state = weights() | {"unembed.W_U": torch.ones(D, V, dtype=torch.float64)}
    assert same_bits(import_checkpoint(save(state, tmp_path / "checkpoint.pt")), state)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: {"model": state, "epoch": 3},
        lambda state: {"state_dict": state},
        lambda state: {"state_dict": {f"model.{name}": tensor for name, tensor in state.items()}},
    ],
    ids=["model", "state_dict", "lightning"],
)
def test_state_dicts_may_be_nested(wrap: Callable[[Tensors], Any], tmp_path: Path) -> None:
    torch.save(wrap(transformer_lens_state()), tmp_path / "checkpoint.pt")
    assert same_bits(import_checkpoint(tmp_path / "checkpoint.pt"), weights())


def test_strided_and_tied_tensors_are_copied(tmp_path: Path) -> None:
    state = weights()
    state["unembed.W_U"] = state["embed.W_E"].T
    state["blocks.0.attn.W_K"] = state["blocks.0.attn.W_Q"]
    imported = import_checkpoint(save(state, tmp_path / "checkpoint.pt"))
    save_weights(imported, tmp_path / "model.safetensors")
    assert same_bits(load_weights(tmp_path / "model.safetensors"), state)


def test_big_endian_arrays_keep_their_values(tmp_path: Path) -> None:
    arrays = {name: tensor.numpy().astype(">f4") for name, tensor in weights().items()}
    np.savez(tmp_path / "checkpoint.npz", **arrays)
    assert same_bits(import_checkpoint(tmp_path / "checkpoint.npz"), weights())


def test_importing_our_own_file_changes_no_byte(tmp_path: Path) -> None:
    save_weights(weights(), tmp_path / "first.safetensors")
    save_weights(import_checkpoint(tmp_path / "first.safetensors"), tmp_path / "second.safetensors")
    assert (tmp_path / "first.safetensors").read_bytes() == (tmp_path / "second.safetensors").read_bytes()


def test_a_mask_that_is_made_later_says_nothing(tmp_path: Path) -> None:
    state = transformer_lens_state() | {"blocks.0.attn.mask": torch.empty((0, 0), dtype=torch.bool)}  # from version 3.5 on
    assert same_bits(import_checkpoint(save(state, tmp_path / "checkpoint.pt")), weights())


@pytest.mark.parametrize("suffix", [".safetensors", ".npz", ".pt"])
def test_names_of_version_4_are_turned_back(suffix: str, tmp_path: Path) -> None:
    assert same_bits(import_checkpoint(save(bridge_state(), tmp_path / f"checkpoint{suffix}")), weights())


@pytest.mark.parametrize(
    ("name", "tensor", "code"),
    [
        ("blocks.0.attn.q.bias", torch.full((H,), 1e-30), "nonzero-bias"),
        ("unembed.bias", torch.ones(V), "nonzero-bias"),
        ("blocks.0.ln1.weight", torch.ones(D), "layer-norm"),
        ("ln_final.weight", torch.ones(D), "layer-norm"),
        ("blocks.0.mlp.in.weight", torch.ones(D, D), "mlp"),
        ("blocks.1.attn.q.weight", torch.ones(H, D), "extra-layer"),
        ("blocks.0.attn.q.weight", torch.ones(D, H), "wrong-shape"),
        ("blocks.0.attn.o.weight", torch.ones(1, D, H), "wrong-shape"),
        ("embed.W_E", torch.ones(V, D), "two-names"),
        ("rotary.cos", torch.ones(N), "unknown-tensor"),
    ],
)
def test_foreign_models_of_version_4_are_refused(name: str, tensor: Tensor, code: str, tmp_path: Path) -> None:
    with pytest.raises(MalformedInput) as refusal:
        import_checkpoint(save(bridge_state() | {name: tensor}, tmp_path / "checkpoint.pt"))
    assert refusal.value.code == code


# Refusals: reason code, and the change that brings it about

REFUSED: dict[str, tuple[str, str, Tensor | None]] = {
    "a query bias": ("nonzero-bias", "blocks.0.attn.b_Q", torch.full((1, H), 1e-30)),
    "an unembedding bias": ("nonzero-bias", "unembed.b_U", torch.ones(V)),
    "a LayerNorm": ("layer-norm", "blocks.0.ln1.w", torch.ones(D)),
    "a final LayerNorm": ("layer-norm", "ln_final.b", torch.zeros(D)),
    "an MLP": ("mlp", "blocks.0.mlp.W_in", torch.zeros(D, D)),
    "a second layer": ("extra-layer", "blocks.1.attn.W_Q", torch.zeros(1, D, H)),
    "an eleventh layer": ("extra-layer", "blocks.10.attn.W_Q", torch.zeros(1, D, H)),
    "an unknown tensor": ("unknown-tensor", "embed.W_extra", torch.zeros(1)),
    "a second head": ("wrong-shape", "blocks.0.attn.W_Q", torch.zeros(2, D, H)),
    "a missing tensor": ("missing-tensor", "blocks.0.attn.W_O", None),
    "a transposed tensor": ("wrong-shape", "unembed.W_U", torch.zeros(V, D)),
    "a head axis that is gone": ("wrong-shape", "blocks.0.attn.W_V", torch.zeros(D, H)),
    "integers": ("wrong-dtype", "embed.W_E", torch.zeros(V, D, dtype=torch.int64)),
    "complex numbers": ("wrong-dtype", "embed.W_E", torch.zeros(V, D, dtype=torch.complex64)),
    "integer biases": ("wrong-dtype", "unembed.b_U", torch.zeros(V, dtype=torch.int32)),
    "a sparse tensor": ("wrong-dtype", "embed.W_E", torch.zeros(V, D).to_sparse()),
    "NaN": ("nonfinite", "embed.W_E", torch.full((V, D), float("nan"))),
    "an infinity": ("nonfinite", "pos_embed.W_pos", torch.full((N, D), float("-inf"))),
    "local attention": ("masked-attention", "blocks.0.attn.mask", torch.eye(N, dtype=torch.bool)),
    "a mask without rows": ("masked-attention", "blocks.0.attn.mask", torch.tensor(True)),
    "a mask without columns": ("masked-attention", "blocks.0.attn.mask", torch.ones(N, 0, dtype=torch.bool)),
}


@pytest.mark.parametrize("case", REFUSED)
def test_foreign_models_are_refused_with_the_tensors_name(case: str, tmp_path: Path) -> None:
    code, name, tensor = REFUSED[case]
    state = transformer_lens_state()
    state.pop(name, None)
    if tensor is not None:
        state[name] = tensor
    with pytest.raises(MalformedInput) as refusal:
        import_checkpoint(save(state, tmp_path / "checkpoint.pt"))
    assert refusal.value.code == code
    assert name in str(refusal.value)
    assert refusal.value.exit_code == 3


class Trap:
    """Unpickling this would create a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_code_in_a_pt_file_is_not_run(tmp_path: Path) -> None:
    torch.save({"model": weights(), "config": Trap(tmp_path / "sprung")}, tmp_path / "checkpoint.pt")
    with pytest.raises(MalformedInput, match="unreadable-checkpoint"):
        import_checkpoint(tmp_path / "checkpoint.pt")
    assert not (tmp_path / "sprung").exists()


def test_code_in_an_npz_file_is_not_run(tmp_path: Path) -> None:
    np.savez(tmp_path / "checkpoint.npz", trap=np.array([Trap(tmp_path / "sprung")], dtype=object))
    with pytest.raises(MalformedInput, match="unreadable-checkpoint"):
        import_checkpoint(tmp_path / "checkpoint.npz")
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("suffix", [".safetensors", ".npz", ".pt"])
@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"\xff" * 64])
def test_bytes_that_are_no_checkpoint_are_refused(content: bytes, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"checkpoint{suffix}"
    path.write_bytes(content)
    with pytest.raises(MalformedInput, match="unreadable-checkpoint"):
        import_checkpoint(path)


@pytest.mark.parametrize("content", [torch.zeros(3), [1, 2], {"epoch": 3}, {"model": {"step": 1}}])
def test_a_pt_file_without_tensors_by_name_is_refused(content: Any, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "checkpoint.pt")
    with pytest.raises(MalformedInput, match="no-state-dict"):
        import_checkpoint(tmp_path / "checkpoint.pt")


def test_an_unknown_suffix_is_misuse(tmp_path: Path) -> None:
    (tmp_path / "checkpoint.bin").touch()
    with pytest.raises(Usage, match="unknown-format"):
        import_checkpoint(tmp_path / "checkpoint.bin")


def test_a_missing_file_is_misuse(tmp_path: Path) -> None:
    with pytest.raises(Usage, match="cannot-read"):
        import_checkpoint(tmp_path / "checkpoint.pt")


def test_a_huge_file_is_refused_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "checkpoint.pt"
    with path.open("wb") as stream:
        stream.truncate(1 << 40)  # sparse: takes no room
    monkeypatch.setattr(checkpoint, "_read_torch", lambda path: pytest.fail("the file was read"))
    with pytest.raises(LimitExceeded, match="limit-model-bytes"):
        import_checkpoint(path)


# The command


def test_import_command_writes_the_file_and_prints_the_digest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = save(transformer_lens_state(), tmp_path / "checkpoint.pt")
    target = tmp_path / "model.safetensors"
    digest = save_weights(weights(), tmp_path / "expected.safetensors")
    configuration = tmp_path / "configuration.json"
    configuration.write_text(json.dumps(CONFIGURATION), encoding="utf-8")
    evidence = ["--config", str(configuration)]
    assert main(["import", str(source), *evidence, "-o", str(target), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["digest"] == digest
    assert "attention-only-1" in shown["assumed"]
    assert str(configuration) in shown["evidence"][0]
    assert target.read_bytes() == (tmp_path / "expected.safetensors").read_bytes()

    assert main(["import", str(source), *evidence, "-o", str(target)]) == 3, "an existing file is not replaced"
    assert main(["import", str(source), *evidence, "-o", str(target), "--force"]) == 0
    shown_to_people = capsys.readouterr().out
    assert digest in shown_to_people
    assert "assumed: the model computes attention-only-1" in shown_to_people


def test_a_refused_import_writes_nothing_and_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = save(transformer_lens_state() | {"unembed.b_U": torch.ones(V)}, tmp_path / "checkpoint.pt")
    target = tmp_path / "model.safetensors"
    assert main(["import", str(source), "-o", str(target), "--json"]) == 3
    shown = capsys.readouterr()
    assert json.loads(shown.out)["reason"]["code"] == "nonzero-bias"
    assert shown.err.count("\n") == 1
    assert "unembed.b_U" in shown.err
    assert not target.exists()
