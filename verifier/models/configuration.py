"""What a checkpoint computes: its TransformerLens configuration, read field by field.

Tensors do not say what is done with them: a model with LayerNorm without parameters, with positions that reach the scores
alone, with another scale or with soft caps has the same names and shapes.  So each field is known by name (`fields.py`), and a field
that is not known is refused: it may change the function.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from verifier.kernel.decode.inputs import read_bounded
from verifier.kernel.errors import MalformedInput
from verifier.models.fields import (
    ACTIVATIONS,
    DEFAULTS,
    DIRECTIONS,
    NATIVE,
    NEEDED,
    NEUTRAL,
    NORMS,
    OWN_PROGRAM,
    PASSED_OVER,
    POSITIONAL,
    POSITIONS,
    SHOWN,
    SIZES,
    WITH_GAINS,
    WITHOUT_EFFECT,
)
from verifier.networks.transformer import Transformer

CONFIGURATION_BYTES = 1 << 20
LARGEST_NUMBER = 1e300
LARGEST_SIZE = 1 << 16  # of a field; what the network may have at most is the kernel's to say


@dataclass(frozen=True)
class Read:
    """The function that a configuration says.  assumed: which fields it leaves out, with the values they then have."""

    model: Transformer
    assumed: tuple[str, ...]


def read_configuration(path: Path) -> dict[str, Any]:
    """The JSON object in a file, such as `json.dumps(model.cfg.to_dict(), default=str)`."""
    return parse_object(read_bounded(path, CONFIGURATION_BYTES), CONFIGURATION_BYTES, file=str(path))


def parse_object(data: bytes, limit: int, *, file: str) -> dict[str, Any]:
    """A JSON object of at most `limit` bytes, no key twice.  Raises MalformedInput."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) < len(pairs):
            raise ValueError("a key twice")
        return dict(pairs)

    try:
        if len(data) > limit:
            raise ValueError(f"more than {limit} bytes")
        found = json.loads(data, object_pairs_hook=once)
    except (ValueError, RecursionError) as error:
        raise MalformedInput("not-json", file=file, expected="one JSON object", got=str(error)) from None
    if not isinstance(found, dict):
        raise MalformedInput("wrong-type", file=file, expected="a JSON object", got=found)
    return found


def read_transformer(configuration: Mapping[str, Any], *, version_4: bool, file: str) -> Read:
    """The function that a configuration says.

    Args:
        configuration: all fields that somebody gave.
        version_4: whether a native model of version 4 reads them, which its tensors' names show; the configuration may say so too.
        file: what to call it in messages.

    Raises:
        MalformedInput: by the name of a field, if it is not known, missing, or says what no program can.
    """
    return _Fields(configuration, version_4 or configuration.get("architecture") == NATIVE, file).read()


@dataclass(frozen=True)
class _Fields:
    """A configuration while it is read."""

    given: Mapping[str, Any]
    version_4: bool
    file: str

    def read(self) -> Read:
        """All fields, those first that make the rest meaningless."""
        shortformer = POSITIONS[self._word("positional_embedding_type", POSITIONS, POSITIONAL)]
        for name in self.given:
            self._refuse_unknown(name)
        for name in NEEDED:
            if name not in self.given:
                raise self._refuse("missing-field", name, "the model's own value", "no such field", "save all fields of the configuration")
        for name in PASSED_OVER:
            self._refuse_passed_over(name)
        sizes = {name: self._size(name) for name in SIZES}
        norm, attention_only = self._word("normalization_type", NORMS), self._flag("attn_only")
        model = Transformer(
            layers=sizes["n_layers"],
            heads=sizes["n_heads"],
            key_heads=self._key_heads(sizes["n_heads"]),
            width=sizes["d_model"],
            head_width=sizes["d_head"],
            positions=sizes["n_ctx"],
            vocabulary=sizes["d_vocab"],
            outputs=sizes["d_vocab"] if self._value("d_vocab_out") == -1 else self._size("d_vocab_out"),
            neurons=0 if attention_only else 4 * sizes["d_model"] if self._value("d_mlp") is None else self._size("d_mlp"),
            norm=NORMS[norm],
            final_norm=self._final_norm(norm),
            gains=norm in WITH_GAINS,
            epsilon=None if norm is None else self._epsilon(),
            activation=() if attention_only else self._activation(),
            gated=self._flag("gated_mlp") and not attention_only,
            parallel=self._parallel(attention_only),
            shortformer=shortformer,
            causal=DIRECTIONS[self._word("attention_dir", DIRECTIONS)],
            scales=tuple(self._scale(layer, sizes["d_head"]) for layer in range(sizes["n_layers"])),
        )
        return Read(model, self._assumed(model))

    def _value(self, name: str) -> Any:
        return self.given.get(name, DEFAULTS.get(name))

    def _refuse(self, code: str, name: str, expected: str, got: object, hint: str = "") -> MalformedInput:
        return MalformedInput(code, file=self.file, expected=f"{name}: {expected}", got=got, hint=hint)

    def _another(self, name: str, expected: str, hint: str) -> MalformedInput:
        return self._refuse("another-function", name, expected, f"{name}: {self._value(name)!r}", hint)

    def _refuse_unknown(self, name: str) -> None:
        if name in WITHOUT_EFFECT or name in DEFAULTS or name in NEEDED or name == "act_fn":
            return
        if name not in NEUTRAL:
            expected, hint = "fields of TransformerLens that are known here", "it may change the function; leave it out if it does not"
            raise MalformedInput("unknown-field", file=self.file, expected=expected, got=name, hint=hint)
        plain = NEUTRAL[name]
        if not any(_same(self.given[name], value) for value in plain.values):
            raise self._another(name, " or ".join(json.dumps(value) for value in plain.values), plain.advice)

    def _size(self, name: str) -> int:
        value = self._value(name)
        if type(value) is not int or not 1 <= value <= LARGEST_SIZE:
            raise self._refuse("out-of-range", name, f"an integer from 1 to {LARGEST_SIZE}", value)
        return value

    def _flag(self, name: str) -> bool:
        value = self._value(name)
        if type(value) is not bool:
            raise self._refuse("wrong-type", name, "true or false", value)
        return value

    def _number(self, name: str) -> float:
        value = self._value(name)
        if not _number(value):
            raise self._refuse("wrong-type", name, "a finite number", value)
        return float(value)

    def _word(self, name: str, words: Mapping[Any, Any], hint: str = OWN_PROGRAM) -> Any:
        value = self._value(name)
        if not isinstance(value, str | None) or value not in words:
            raise self._another(name, " or ".join(json.dumps(word) for word in words), hint)
        return value

    def _key_heads(self, heads: int) -> int:
        if self._value("n_key_value_heads") is None:
            return heads
        count = self._size("n_key_value_heads")
        if heads % count:
            raise self._refuse("out-of-range", "n_key_value_heads", f"a divisor of {heads}", count)
        return count

    def _final_norm(self, norm: str | None) -> str | None:
        if not self._flag("final_rms"):
            return NORMS[norm]
        if norm is None:  # version 4 normalises all the same, the others do not
            raise self._another("final_rms", "false without normalization", "give the normalization_type")
        return "rms_norm"

    def _epsilon(self) -> Fraction:
        value = self._number("eps")
        if value <= 0:
            raise self._refuse("out-of-range", "eps", "a number above 0", value)
        return Fraction(repr(value))

    def _activation(self) -> tuple[str, ...]:
        if "act_fn" not in self.given:
            raise self._refuse("missing-field", "act_fn", "the MLP's activation", "no such field", "save all fields of the configuration")
        return ACTIVATIONS[self._word("act_fn", ACTIVATIONS)]

    def _parallel(self, attention_only: bool) -> bool:
        if self._flag("parallel_attn_mlp") and attention_only:
            raise self._another("parallel_attn_mlp", "false with attn_only: true", "there is no MLP: which of the two is wrong?")
        return self._flag("parallel_attn_mlp")

    def _refuse_passed_over(self, name: str) -> None:
        if self.version_4 and not _same(self._value(name), DEFAULTS[name]):
            hint = "native models of version 4 pass over other values: give the one that says what they compute"
            raise self._another(name, json.dumps(DEFAULTS[name]), hint)

    def _scale(self, layer: int, head_width: int) -> Fraction:
        """The square of what scores are multiplied by.  A square root of an integer is taken for exactly that."""
        divisor = self._number("attn_scale") if self._flag("use_attn_scale") else 1.0
        if divisor <= 0 and divisor != -1:
            raise self._refuse("out-of-range", "attn_scale", "a number above 0, or -1 for the square root of d_head", divisor)
        squared = Fraction(head_width) if divisor == -1 else Fraction(repr(divisor)) ** 2
        if math.isqrt(round(squared)) < 1 << 26 and math.sqrt(round(squared)) == divisor:
            squared = Fraction(round(squared))
        return 1 / (squared * ((layer + 1) ** 2 if self._flag("scale_attn_by_inverse_layer_idx") else 1))

    def _assumed(self, model: Transformer) -> tuple[str, ...]:
        """What was left out, as far as it matters: an eps without norms does not."""
        idle = {"eps"} if model.norm is None else set()
        idle |= set() if model.activation else {"d_mlp", "gated_mlp", "parallel_attn_mlp"}
        left = {name: value for name, value in DEFAULTS.items() if name not in idle and name not in self.given}
        left |= {name: NEUTRAL[name].values[0] for name in SHOWN if name not in self.given}
        return tuple(f"{name} {json.dumps(value)}" for name, value in left.items())


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST_NUMBER  # false if NaN


def _same(value: Any, plain: Any) -> bool:
    """Types count, so that 1 is not True; but -1 is -1.0."""
    return (type(value) is type(plain) or (_number(value) and _number(plain))) and bool(value == plain)
