"""Weights files: what is accepted exactly, what is refused by name, and when two files hold the same model."""

from __future__ import annotations

import dataclasses
import random
import struct
from fractions import Fraction
from functools import reduce
from operator import matmul

import flint
import pytest
from flint import arb

from tests.models import FILE_NAMES, Tensor, TinyModel, pack, random_model, safetensors
from tests.numbers import ball
from tests.oracle import PRECISION, Transformer
from tests.refusals import LIMIT, MALFORMED, refused
from verifier.kernel import limits
from verifier.kernel.errors import MalformedInput, VerifierError
from verifier.kernel.limits import LIMITS
from verifier.kernel.maximum.model import TABLES, Model, Paths
from verifier.kernel.numbers.matrix import Ledger, Matrix
from verifier.networks.attention_only import BIASES, IGNORED, MASK, all_weight_rows, read_model

TINY = random_model(1, v=3, n=2)
D, H = len(TINY.weights["W_U"]), TINY.h
ATTENTION = "blocks.0.attn."


def read(tensors: dict[str, Tensor]) -> Model:
    model = read_model(safetensors(tensors), file="FILE")
    assert model.digest  # which looks at every number
    return model


def replaced(name: str, tensor: Tensor | None) -> dict[str, Tensor]:
    tensors = {**TINY.tensors(), **({name: tensor} if tensor else {})}
    return {key: value for key, value in tensors.items() if tensor or key != name}


def floats(shape: list[int], value: float = 0.5, dtype: str = "F64") -> Tensor:
    size = 1
    for length in shape:
        size *= length
    return dtype, shape, pack([value] * size, dtype)


# Accepted


def test_weights_are_read_exactly() -> None:
    model = read(TINY.tensors())
    for name, rows in TINY.weights.items():
        read_rows = all_weight_rows(model)[name]
        assert [[m * Fraction(2) ** e for m, e in row] for row in read_rows] == [[Fraction(x) for x in row] for row in rows]
    assert (model.vocabulary, model.positions, model.width, model.head_width) == (3, 2, D, H)


@pytest.mark.parametrize("value", [5e-324, -5e-324, 2.0**-1030, 1.7976931348623157e308, 2.0**-149])
def test_denormals_and_huge_numbers_are_ordinary_numbers(value: float) -> None:
    model = read(replaced("embed.W_E", floats([3, D], value)))
    mantissa, exponent = all_weight_rows(model)["W_E"][0][0]
    assert mantissa * Fraction(2) ** exponent == Fraction(value)


@pytest.mark.parametrize("name", BIASES)
@pytest.mark.parametrize("value", [0.0, -0.0])
def test_biases_that_are_zero_change_nothing(name: str, value: float) -> None:
    assert read({**TINY.tensors(), name: floats([1, H], value)}).digest == TINY.digest


def test_constant_buffers_change_nothing() -> None:
    assert read({**TINY.tensors(), IGNORED: ("F32", [], struct.pack("<f", float("-inf")))}).digest == TINY.digest
    positions = read(TINY.tensors()).positions
    causal = b"".join(bytes([1] * (row + 1) + [0] * (positions - row - 1)) for row in range(positions))
    assert read({**TINY.tensors(), MASK: ("BOOL", [positions, positions], causal)}).digest == TINY.digest


def test_a_mask_that_hides_a_position_from_the_last_one_is_refused() -> None:
    positions = read(TINY.tensors()).positions
    local = b"\1" * (positions * positions - positions) + b"\0" + b"\1" * (positions - 1)
    with pytest.raises(MalformedInput) as caught:
        read({**TINY.tensors(), MASK: ("BOOL", [positions, positions], local)})
    assert (caught.value.code, caught.value.clause) == ("masked-attention", "5.2")


# The digest


def test_the_digest_is_the_one_of_the_format() -> None:
    for seed in range(12):
        model = random_model(seed)
        assert read_model(model.data, file="FILE").digest == model.digest


@pytest.mark.parametrize("dtype", ["F16", "BF16", "F32"])
def test_the_digest_does_not_depend_on_how_numbers_are_stored(dtype: str) -> None:
    coarse = {name: [[round(8 * x) / 8 for x in row] for row in rows] for name, rows in random_model(2).weights.items()}
    model = TinyModel(coarse)
    assert read(model.tensors(dtype)).digest == read(model.tensors("F64")).digest == model.digest


def test_the_digest_does_not_depend_on_order_or_signs_of_zeros() -> None:
    tensors = replaced("embed.W_E", floats([3, D], 0.0))
    signed = replaced("embed.W_E", floats([3, D], -0.0))
    assert read(tensors).digest == read(signed).digest == read(dict(reversed(tensors.items()))).digest


def test_the_digest_changes_with_every_number_and_with_shapes() -> None:
    digests = {TINY.digest}
    for key in FILE_NAMES.values():
        dtype, shape, data = TINY.tensors()[key]
        flipped = bytes([data[0] ^ 1]) + data[1:]
        digests.add(read({**TINY.tensors(), key: (dtype, shape, flipped)}).digest)
    assert len(digests) == 8
    wide = {"W_E": [[1.0], [0.0]], "W_pos": [[0.0]], "W_Q": [[0.0]], "W_K": [[0.0]], "W_V": [[0.0]], "W_O": [[0.0]], "W_U": [[0.0, 1.0]]}
    tall = {**wide, "W_pos": [[0.0], [0.0]]}
    assert read_model(TinyModel(wide).data, file="FILE").digest != read_model(TinyModel(tall).data, file="FILE").digest


# Refused

NAN, INF = float("nan"), float("inf")
REFUSED: dict[str, tuple[str, Tensor | None, str, str]] = {
    **{f"no {name}": (key, None, "missing-tensor", "5.2") for name, key in FILE_NAMES.items()},
    "integers": ("embed.W_E", ("I64", [3, D], bytes(24 * D)), "wrong-dtype", "5.2"),
    "truth values": ("embed.W_E", ("BOOL", [3, D], bytes(3 * D)), "wrong-dtype", "5.2"),
    "NaN": ("unembed.W_U", floats([D, 3], NAN), "nonfinite", "5.2"),
    "an infinity in float16": ("unembed.W_U", floats([D, 3], INF, "F16"), "nonfinite", "5.2"),
    "NaN in bfloat16": ("unembed.W_U", floats([D, 3], NAN, "BF16"), "nonfinite", "5.2"),
    "a head axis that is gone": (ATTENTION + "W_Q", floats([D, H]), "wrong-shape", "5.3"),
    "an extra axis": ("embed.W_E", floats([1, 3, D]), "wrong-shape", "5.3"),
    "two heads": (ATTENTION + "W_Q", floats([2, D, H]), "wrong-shape", "5.3"),
    "two heads in the output": (ATTENTION + "W_O", floats([2, H, D]), "wrong-shape", "5.3"),
    "no head": (ATTENTION + "W_V", floats([0, D, H]), "wrong-shape", "5.3"),
    "another width": ("pos_embed.W_pos", floats([2, D + 1]), "wrong-shape", "5.3"),
    "another head width": (ATTENTION + "W_K", floats([1, D, H + 1]), "wrong-shape", "5.3"),
    "outputs that are not tokens": ("unembed.W_U", floats([D, 4]), "wrong-shape", "5.3"),
    "no positions": ("pos_embed.W_pos", floats([0, D]), "wrong-shape", "5.3"),
    **{f"a bias {name}": (name, floats([1, H], 2.0**-1074), "nonzero-bias", "5.2") for name in BIASES},
    "an integer bias": ("unembed.b_U", ("I64", [3], bytes(24)), "nonzero-bias", "5.2"),
    "a NaN bias": ("unembed.b_U", floats([3], NAN), "nonfinite", "5.2"),
    "a second layer": ("blocks.1.attn.W_Q", floats([1, D, H]), "unknown-tensor", "5.2"),
    "a LayerNorm": ("blocks.0.ln1.w", floats([D], 1.0), "unknown-tensor", "5.2"),
    "a final LayerNorm": ("ln_final.b", floats([D], 0.0), "unknown-tensor", "5.2"),
    "an MLP of zeros": ("blocks.0.mlp.W_in", floats([D, D], 0.0), "unknown-tensor", "5.2"),
    "a tensor without entries": ("blocks.0.mlp.b_in", floats([0]), "unknown-tensor", "5.2"),
    "a look-alike of a bias": ("unembed.b_U ", floats([3], 0.0), "unknown-tensor", "5.2"),
    "a name that breaks the line": ("x\n\x1b[31m\u202e", floats([1], 0.0), "unknown-tensor", "5.2"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_the_architecture_does_not_have_is_refused(case: str) -> None:
    name, tensor, code, clause = REFUSED[case]
    assert refused(lambda: read(replaced(name, tensor))) == (code, clause)


def zeros(v: int, n: int, d: int, h: int) -> dict[str, Tensor]:
    sizes = {"W_E": [v, d], "W_pos": [n, d], "W_Q": [1, d, h], "W_K": [1, d, h], "W_V": [1, d, h], "W_O": [1, h, d], "W_U": [d, v]}
    return {FILE_NAMES[name]: floats(shape, 0.0) for name, shape in sizes.items()}


@pytest.mark.parametrize("sizes", [(1, 1, 1, 1), (0, 1, 1, 1), (2, 0, 1, 1), (2, 1, 0, 1), (2, 1, 1, 0)])
def test_empty_axes_and_a_single_token_are_refused(sizes: tuple[int, int, int, int]) -> None:
    assert refused(lambda: read(zeros(*sizes))) == ("wrong-shape", "5.3")
    assert read(zeros(2, 1, 1, 1)).vocabulary == 2


@pytest.mark.parametrize(
    ("field", "sizes"),
    [("vocabulary", (4, 2, 2, 2)), ("width", (2, 2, 4, 2)), ("width", (2, 2, 2, 4))],
)
def test_sizes_above_the_limits_are_refused(field: str, sizes: tuple[int, int, int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LIMITS", dataclasses.replace(LIMITS, **{field: 3}))
    assert refused(lambda: read(zeros(*sizes)), LIMIT) == (f"limit-{field}", "5.3")


# The five tables are the model (L1)


def multiplied(chain: tuple[Matrix, ...]) -> Matrix:
    return reduce(matmul, chain)


@pytest.mark.parametrize("centre", [False, True])
def test_tables_are_the_paths_of_the_forward_pass(centre: bool) -> None:
    for seed in range(8):
        tiny = random_model(seed)
        paths = Paths(read_model(tiny.data, file="FILE"), Ledger())
        table = {name: multiplied(paths.chain(name, centre)) for name in TABLES}
        deep, rng = Transformer(tiny), random.Random(seed)

        def entry(name: str, row: int, column: int, table: dict[str, Matrix] = table) -> arb:
            return ball(table[name].rows[row][column], table[name].exponent)

        with flint.ctx.workprec(PRECISION):
            for _ in range(5):
                query, key, slot, x = (rng.randrange(size) for size in (tiny.v, tiny.v, tiny.n, tiny.v))
                score = (deep.queries[query] * deep.keys[slot][key].transpose())[0, 0]
                assert score.overlaps(entry("score", query, key) + entry("position_score", query, slot))
                copied = (deep.values[slot][key] * deep.output * deep.unembed)[0, x]
                assert copied.overlaps(entry("copy", key, x) + entry("position_copy", slot, x))
                assert (deep.stream[-1][query] * deep.unembed)[0, x].overlaps(entry("skip", query, x))
                assert copied.rad() < 2.0**-200 * (1 + abs(copied))


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("centre", [False, True])
def test_a_shared_product_changes_no_entry(table: str, centre: bool) -> None:
    paths = Paths(read_model(random_model(2).data, file="FILE"), Ledger())
    whole, chain = paths.product(table, centre), multiplied(paths.chain(table, centre))
    assert whole.axes == chain.axes
    assert [[Fraction(x) * Fraction(2) ** whole.exponent for x in row] for row in whole.rows] == [
        [Fraction(x) * Fraction(2) ** chain.exponent for x in row] for row in chain.rows
    ]


def test_the_message_says_what_to_do() -> None:
    with pytest.raises(VerifierError) as caught:
        read(replaced("blocks.0.mlp.W_in", floats([1])))
    assert "must be listed as unused" in str(caught.value)
    assert isinstance(caught.value, MALFORMED)
