"""Model files that are damaged, or are of another architecture."""

from __future__ import annotations

import json
import struct

import numpy as np

from certificates.corpus.cases import Case
from certificates.corpus.documents import Change, put
from certificates.corpus.makers import Maker, imperfect, tiny
from certificates.corpus.model_files import FILE_NAMES, IMPERFECT, TINY, safetensors, shipped, with_entry
from certificates.corpus.rejected.refusal import refusal


def bad_models() -> list[Case]:
    """Model files that are damaged, or are of another architecture."""

    def case(name: str, attack: str, code: str, clause: str, model: bytes, maker: Maker = tiny) -> Case:
        return refusal(f"model-{name}", attack, code, clause=clause, model=model, maker=maker)

    def beside(**extra: np.ndarray) -> bytes:
        return safetensors({**TINY, **{name.replace("__", "."): tensor for name, tensor in extra.items()}})

    def header(change: Change) -> bytes:
        return safetensors(TINY, change)

    file, zeros = shipped("tiny"), np.zeros((1, 8, 8), "<f4")
    size = struct.unpack("<Q", file[:8])[0]
    small = np.float32(1e-45)
    local = np.tril(np.ones((3, 3), "|b1")) & ~np.tril(np.ones((3, 3), "|b1"), -2)
    without = {name: tensor for name, tensor in TINY.items() if name != "unembed.W_U"}
    transposed = safetensors({**IMPERFECT, "unembed.W_U": IMPERFECT["unembed.W_U"].T.copy()})
    two_heads = safetensors({**TINY, **{name: np.concatenate([TINY[name]] * 2) for name in TINY if ".attn." in name}})
    one_token = {**TINY, "embed.W_E": TINY["embed.W_E"][:1].copy(), "unembed.W_U": TINY["unembed.W_U"][:, :1].copy()}
    tokens = {
        name: np.zeros(shape, "<f2")
        for name, shape in {"embed.W_E": (2049, 1), "pos_embed.W_pos": (1, 1), "unembed.W_U": (1, 2049)}.items()
    }
    crowd = {**{FILE_NAMES[name]: np.zeros((1, 1, 1), "<f2") for name in ("W_Q", "W_K", "W_V", "W_O")}, **tokens}
    spans = json.loads(file[8 : 8 + size])
    spans.pop("__metadata__", None)
    first = min(spans, key=lambda name: spans[name]["data_offsets"][0])
    name_twice = file[8 : 8 + size].replace(b'"unembed.W_U"', b'"embed.W_E"', 1)
    return [
        case(
            "bias-hidden",
            "A query bias of 1e-45 in one entry.",
            "unknown-tensor",
            "5.2",
            beside(blocks__0__attn__b_Q=np.array([[0] * 7 + [small]], "<f4")),
        ),
        case(
            "unembedding-bias",
            "A large unembedding bias: another function altogether.",
            "unknown-tensor",
            "5.2",
            beside(unembed__b_U=np.full(8, 100, "<f4")),
        ),
        case("integer-bias", "A bias of a type that is no float.", "unknown-tensor", "5.2", beside(unembed__b_U=np.zeros(8, "<i8"))),
        case("extra-layer", "A second layer beside the first.", "unknown-tensor", "5.2", beside(blocks__1__attn__W_Q=zeros)),
        case("mlp", "An MLP beside the attention, all zero.", "unknown-tensor", "5.2", beside(blocks__0__mlp__W_in=zeros[0])),
        case("layer-norm", "A LayerNorm.", "unknown-tensor", "5.2", beside(ln_final__w=np.ones(8, "<f4"))),
        case(
            "tensor-look-alike",
            "A tensor whose name looks like a weight's.",
            "unknown-tensor",
            "5.2",
            safetensors({**TINY, "embed.W_\u0395": zeros}),
        ),
        case("two-heads", "Two heads.", "unused-part", "5.2", two_heads),
        case(
            "mask-hides-position",
            "A mask that hides position 0 from the last one: local attention, another function.",
            "unknown-tensor",
            "5.2",
            beside(blocks__0__attn__mask=local),
        ),
        case(
            "mask-of-floats",
            "A mask of another type, all ones.",
            "unknown-tensor",
            "5.2",
            beside(blocks__0__attn__mask=np.ones((3, 3), "<f4")),
        ),
        case("missing-tensor", "A weight left out.", "missing-tensor", "5.2", safetensors(without)),
        case("transposed", "The unembedding transposed.", "wrong-shape", "5.3", transposed, imperfect),
        case(
            "head-axis-gone",
            "A weight without its head axis: the program would use one row of it.",
            "unused-part",
            "5.2",
            safetensors({**TINY, "blocks.0.attn.W_Q": TINY["blocks.0.attn.W_Q"][0]}),
        ),
        case("one-token", "A vocabulary of one token: nothing to get wrong.", "wrong-shape", "5.3", safetensors(one_token)),
        case(
            "no-positions",
            "A context of length zero.",
            "wrong-shape",
            "5.3",
            safetensors({**TINY, "pos_embed.W_pos": np.zeros((0, 8), "<f4")}),
        ),
        case("large-vocabulary", "2049 tokens.", "limit-vocabulary", "5.3", safetensors(crowd)),
        case(
            "integer-weights",
            "Weights of a type that is no float.",
            "wrong-dtype",
            "5.2",
            safetensors({**TINY, "embed.W_E": TINY["embed.W_E"].astype("<i8")}),
        ),
        case(
            "unknown-type",
            "A type that this reader does not know.",
            "unknown-word",
            "4.3",
            safetensors({**TINY, "embed.W_E": TINY["embed.W_E"].astype("|u1")}),
        ),
        case("nan", "A weight that is not a number.", "nonfinite", "5.2", safetensors(with_entry(TINY, "embed.W_E", np.nan))),
        case("infinity", "An infinite weight.", "nonfinite", "5.2", safetensors(with_entry(TINY, "unembed.W_U", -np.inf))),
        case("empty-file", "An empty file.", "truncated", "4.1", b""),
        case("truncated-header", "A header that ends too early.", "truncated", "4.1", file[:64]),
        case("truncated-data", "The last weights are cut off.", "out-of-range", "4.4", file[:-4]),
        case("trailing-bytes", "Bytes after the last tensor, in no digest.", "trailing-bytes", "4.4", file + b"\0" * 8),
        case("header-bomb", "A header length of 2^63.", "limit-header-bytes", "4.1", struct.pack("<Q", 1 << 63) + file[8:]),
        case("header-not-json", "A header that is no JSON.", "not-json", "1.2", struct.pack("<Q", 4) + b"{'a'" + file[8 + size :]),
        case(
            "header-names-twice",
            "Two tensors of one name.",
            "duplicate-key",
            "1.3",
            struct.pack("<Q", len(name_twice)) + name_twice + file[8 + size :],
        ),
        case(
            "header-unknown-field",
            "Strides that this reader would ignore.",
            "unknown-field",
            "4.2",
            header(put("embed.W_E", "strides", value=[1, 8])),
        ),
        case(
            "header-shape-lie",
            "A shape that does not fit its bytes.",
            "wrong-extent",
            "4.4",
            header(put("embed.W_E", "shape", value=[8, 9])),
        ),
        case(
            "header-shape-bomb",
            "A shape of 2^32 by 2^32.",
            "wrong-extent",
            "4.4",
            header(put("embed.W_E", "shape", value=[1 << 32, 1 << 32])),
        ),
        case(
            "header-overlap",
            "Two names for the same bytes.",
            "gap-or-overlap",
            "4.4",
            header(put("blocks.0.attn.W_Q", "data_offsets", value=[0, 256])),
        ),
        case(
            "header-backwards",
            "Offsets in the wrong order.",
            "wrong-extent",
            "4.4",
            header(put("embed.W_E", "data_offsets", value=[256, 0])),
        ),
        case("gap", "Bytes that no tensor covers, before the first one.", "gap-or-overlap", "4.4", with_gap(file, size, first)),
    ]


def with_gap(file: bytes, size: int, first: str) -> bytes:
    """The file with four bytes before its data, and offsets that step over them."""
    spans = json.loads(file[8 : 8 + size])
    spans.pop("__metadata__", None)
    for entry in spans.values():
        entry["data_offsets"] = [offset + 4 for offset in entry["data_offsets"]]
    text = json.dumps(spans).encode("ascii")
    return struct.pack("<Q", len(text)) + text + b"hide" + file[8 + size :]
