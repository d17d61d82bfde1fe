"""The numbers behind a program: tensors of a safetensors file as exact matrices, and their digest (FORMAT.md section 5)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from math import prod

from verifier.kernel.decode.floats import FORMATS, binary64_bits, decode_floats
from verifier.kernel.decode.safetensors import RawTensor, read_safetensors
from verifier.kernel.errors import MalformedInput
from verifier.kernel.limits import check_limit
from verifier.kernel.network.program import Program, Reference
from verifier.kernel.numbers.matrix import Ledger, Matrix

Entry = tuple[int, int]  # mantissa, exponent
Box = tuple[tuple[int, int], ...]  # start and stop per axis


@dataclass(frozen=True)
class Weights:
    """The tensors that a program uses.  Every tensor of the file is used by it, or listed as unused."""

    tensors: Mapping[str, RawTensor]
    file: str
    decoded: dict[str, tuple[Entry, ...]] = field(default_factory=dict, repr=False)

    @cached_property
    def digest(self) -> str:
        """sha256 over names, shapes and binary64 values: the same weights in a wider type or another order have the same digest."""
        state = hashlib.sha256()
        for name in sorted(self.tensors):
            key, shape = name.encode("utf-8"), self.tensors[name].shape
            for number in (len(key), len(shape), *shape):
                state.update(number.to_bytes(8, "little"))
            state.update(key)
            state.update(b"".join(binary64_bits(*entry).to_bytes(8, "little") for entry in self.entries(name)))
        return "sha256:" + state.hexdigest()

    def entries(self, name: str) -> tuple[Entry, ...]:
        """All entries of a tensor, in row-major order."""
        if name not in self.decoded:
            tensor = self.tensors[name]
            self.decoded[name] = tuple(decode_floats(tensor.data, tensor.dtype, file=self.file, clause="5.2", name=name))
        return self.decoded[name]

    def shape(self, reference: Reference) -> tuple[int, ...]:
        """The shape of what a reference names: (rows, columns), or (columns,) for a vector.  Raises MalformedInput."""
        shape = [size for axis, size in enumerate(self._selected(reference)) if axis not in self._dropped(reference)]
        if not 1 <= len(shape) <= 2:
            raise self._refuse("wrong-shape", "a matrix or a vector", f"rank {len(shape)} for {reference}")
        for size in shape:
            check_limit("width", size, file=self.file, clause="5.3")
        if min(shape) < 1 or (reference.transpose and len(shape) == 1):
            raise self._refuse("wrong-shape", "no empty axis, and a matrix if transposed", f"{shape} for {reference}")
        return tuple(reversed(shape)) if reference.transpose else tuple(shape)

    def matrix(self, reference: Reference, axes: tuple[str, str], ledger: Ledger) -> Matrix:
        """What a reference names as an exact matrix; a vector is one row."""
        return Matrix.of(self.rows(reference), axes, ledger)

    def rows(self, reference: Reference) -> list[tuple[Entry, ...]]:
        """The same as rows of entries, as they are stored."""
        whole, cut = self.tensors[reference.tensor].shape, {axis: first for axis, first, *_ in reference.select}
        strides = [prod(whole[axis + 1 :]) for axis in range(len(whole))]
        ranges = [range(cut.get(axis, 0), cut.get(axis, 0) + size) for axis, size in enumerate(self._selected(reference))]
        entries = self.entries(reference.tensor)
        flat = [entries[sum(index * stride for index, stride in zip(point, strides, strict=True))] for point in product(*ranges)]
        columns = [len(line) for axis, line in enumerate(ranges) if axis not in self._dropped(reference)][-1]
        lines = [tuple(flat[start : start + columns]) for start in range(0, len(flat), columns)]
        return list(zip(*lines, strict=True)) if reference.transpose else lines

    def box(self, reference: Reference) -> Box:
        """The part of the tensor that a reference selects: start and stop per axis."""
        first = {axis: start for axis, start, *_ in reference.select}
        return tuple((first.get(axis, 0), first.get(axis, 0) + size) for axis, size in enumerate(self._selected(reference)))

    def _dropped(self, reference: Reference) -> set[int]:
        return {axis for axis, _, _, single in reference.select if single}

    def _selected(self, reference: Reference) -> list[int]:
        """Sizes along the tensor's axes after the cuts, dropped axes being of size 1."""
        sizes = list(self.tensors[reference.tensor].shape)
        for axis, first, last, _ in reference.select:
            if axis >= len(sizes) or last >= sizes[axis]:
                raise self._refuse("wrong-shape", f"a selection within {sizes}", reference)
            sizes[axis] = last - first + 1
        return sizes

    def _refuse(self, code: str, expected: str, got: object) -> MalformedInput:
        return MalformedInput(code, expected=expected, got=str(got), file=self.file, clause="5.3")


def read_weights(data: bytes, program: Program, *, file: str) -> Weights:
    """The tensors that a program uses, from a safetensors file.  What the program does not mention is refused, never ignored."""
    tensors = read_safetensors(data, file=file)
    used = program.tensors
    for name in used:
        if name not in tensors:
            raise MalformedInput("missing-tensor", expected=f"the tensor {name}", got="no such tensor", file=file, clause="5.2")
        if tensors[name].dtype not in FORMATS:
            expected = "one of " + ", ".join(FORMATS)
            raise MalformedInput("wrong-dtype", expected=expected, got=f"{tensors[name].dtype} in {name}", file=file, clause="5.2")
    for name in tensors:
        if name not in used and name not in program.unused:  # attack: a bias in the file that the formula does not have
            hint = "a tensor that the network does not use must be listed as unused"
            raise MalformedInput("unknown-tensor", expected="tensors of the network", got=name, file=file, clause="5.2", hint=hint)
    weights = Weights({name: tensors[name] for name in used}, file)
    for reference in program.references:
        weights.shape(reference)
    for name in used:
        parts = sorted({weights.box(reference) for reference in program.references if reference.tensor == name})
        check_limit("selections", len(parts), file=file, clause="5.2")  # attack: cuts whose comparison takes hours
        covered, listed = _covers(parts, tensors[name].shape), name in program.unused
        if listed and covered:  # attack: a tensor shown as unused that the network does use
            raise MalformedInput("used-tensor", expected="tensors that are not all in use", got=name, file=file, clause="5.2")
        if not listed and not covered:  # attack: a head that the formula leaves out
            hint = "a tensor of which a part is not used must be listed as unused"
            raise MalformedInput("unused-part", expected="all of the tensor in use", got=name, file=file, clause="5.2", hint=hint)
    return weights


def _covers(boxes: Sequence[Box], shape: tuple[int, ...]) -> bool:
    """Whether every index of an array of this shape lies in some box."""
    if not shape:
        return bool(boxes)
    cuts = sorted({0, shape[0], *(edge for box in boxes for edge in box[0])})
    starts = cuts[:-1]
    return all(_covers([box[1:] for box in boxes if box[0][0] <= start < box[0][1]], shape[1:]) for start in starts)
