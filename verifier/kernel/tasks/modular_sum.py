"""Task modular_sum: the right answer is the sum of the free slots' tokens modulo a number."""

from __future__ import annotations

from dataclasses import dataclass

from verifier.kernel.decode.strict_json import Reader
from verifier.kernel.limits import LIMITS
from verifier.kernel.tasks.task import Task, Tokens, read_single


@dataclass(frozen=True)
class ModularSum(Task):
    """modulus: p."""

    modulus: int

    @property
    def symmetric(self) -> bool:
        return True

    def answers(self, sequence: Tokens) -> tuple[int, ...]:
        return (sum(sequence[slot] for slot in self.layout.free) % self.modulus,)

    def sentence(self) -> str:
        return f"the sum of {len(self.layout.free)} tokens modulo {self.modulus}"


def read_modular_sum(reader: Reader) -> ModularSum:
    """{"name": "modular_sum", "positions": n, "modulus": p}; tokens and answers are 0..p-1."""
    parts, _ = read_single(reader, ("modulus",))
    modulus = parts["modulus"].integer(1, LIMITS.vocabulary)
    return ModularSum("modular_sum", read_single(reader, ("modulus",), tokens=modulus, outputs=modulus)[1], reader.value, modulus)
