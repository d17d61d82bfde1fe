"""Task table: the right answer to each input is listed.  The statement holds the digest of the list, a certificate's step the list."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

from verifier.kernel.decode.strict_json import Reader
from verifier.kernel.errors import StepRejected
from verifier.kernel.limits import LIMITS, check_limit
from verifier.kernel.tasks.task import Task, Tokens, numbers, read_single

DIGEST = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True)
class Table(Task):
    """sizes: tokens per free slot.  labels: answers in lexicographic order of the inputs, empty until a step brings them."""

    sizes: tuple[int, ...]
    digest: str
    labels: tuple[int, ...] = ()

    def token_counts(self, vocabulary: int) -> tuple[int, ...]:
        return self.sizes  # attack: a token beyond its slot's size, whose input would have the label of another input

    def answers(self, sequence: Tokens) -> tuple[int, ...]:
        index = 0
        for slot, size in zip(self.layout.free, self.sizes, strict=True):
            index = index * size + sequence[slot]
        return (self.labels[index],)

    def with_labels(self, labels: Sequence[int]) -> Table:
        """The task with its list.  Raises StepRejected unless the list has the digest that the statement states."""
        got = digest_of(labels)
        if got != self.digest or len(labels) != prod(self.sizes):  # attack: answers that the network happens to give
            raise StepRejected("labels-digest", expected=f"{prod(self.sizes)} labels with digest {self.digest}", got=got)
        return replace(self, labels=tuple(labels))

    def sentence(self) -> str:
        return f"what the table {self.digest} lists for {' x '.join(map(str, self.sizes))} inputs"


def digest_of(labels: Sequence[int]) -> str:
    """sha256 of the labels as unsigned 64-bit little-endian integers."""
    return "sha256:" + hashlib.sha256(b"".join(label.to_bytes(8, "little") for label in labels)).hexdigest()


def read_table(reader: Reader) -> Table:
    """{"name": "table", "positions": n, "sizes": [...], "labels": "sha256:..."}."""
    parts, layout = read_single(reader, ("sizes", "labels"))
    sizes = numbers(parts["sizes"], 1, LIMITS.vocabulary)
    if len(sizes) != len(layout.free):
        raise parts["sizes"].refuse("wrong-shape", f"{len(layout.free)} sizes, one per free slot", list(sizes))
    check_limit("array_entries", prod(sizes), file=reader.file, clause=reader.clause)
    digest = parts["labels"].text()
    if not DIGEST.fullmatch(digest):
        raise parts["labels"].refuse("not-a-digest", '"sha256:" and 64 lower-case hexadecimal digits', digest)
    return Table("table", read_single(reader, ("sizes", "labels"), tokens=max(sizes))[1], reader.value, sizes, digest)
