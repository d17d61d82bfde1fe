"""Blocks of consecutive tokens, and extrema over them."""

from __future__ import annotations

from verifier.kernel.facts import Block
from verifier.kernel.numbers.tensor import Tensor


def dyadic_blocks(maximum: int, singles: int) -> tuple[Block, ...]:
    """A partition of 0..m: {m}, then downward `singles` blocks of one token, then blocks of 2, 4, 8, ..., the last one cut at 0."""
    blocks, stop, length, left = [Block(maximum, maximum + 1)], maximum, 1, singles
    while stop > 0:
        if left > 0:
            left -= 1
        else:
            length *= 2
        start = max(stop - length, 0)
        blocks.append(Block(start, stop))
        stop = start
    return tuple(reversed(blocks))


class Windows:
    """Extrema over ranges of keys: a table of extrema over windows of 2^j keys, two of which cover any range."""

    def __init__(self, tensor: Tensor, axis: str) -> None:
        self.axis, self.length = axis, tensor.size(axis)
        self.lows, self.highs, self.starts = [tensor], [tensor], [0]

    def _grow(self, level: int, high: bool) -> None:
        tables = self.highs if high else self.lows
        while len(tables) <= level:
            table, step = tables[-1], 1 << (len(tables) - 1)
            usable = table.size(self.axis) - step
            first, second = table.take(self.axis, range(usable)), table.take(self.axis, range(step, step + usable))
            tables.append(first.maximum(second) if high else first.minimum(second))

    def _extreme(self, blocks: tuple[Block, ...], high: bool) -> Tensor:
        levels = [(block.stop - block.start).bit_length() - 1 for block in blocks]
        self._grow(max(levels), high)
        tables = (self.highs if high else self.lows)[: max(levels) + 1]
        offsets = [sum(table.size(self.axis) for table in tables[:level]) for level in range(len(tables))]
        every = tables[0].joined(tables[1:], self.axis) if len(tables) > 1 else tables[0]
        first = every.take(self.axis, [offsets[j] + block.start for j, block in zip(levels, blocks, strict=True)])
        if max(levels) == 0:
            return first.renamed(**{self.axis: "block"})
        second = every.take(self.axis, [offsets[j] + block.stop - (1 << j) for j, block in zip(levels, blocks, strict=True)])
        return (first.maximum(second) if high else first.minimum(second)).renamed(**{self.axis: "block"})

    def minimum(self, blocks: tuple[Block, ...]) -> Tensor:
        """The least value over each block, along a new axis `block`."""
        return self._extreme(blocks, high=False)

    def maximum(self, blocks: tuple[Block, ...]) -> Tensor:
        """The largest value over each block, along a new axis `block`."""
        return self._extreme(blocks, high=True)

    def hull(self, blocks: tuple[Block, ...]) -> Tensor:
        """All values over each block, along a new axis `block`."""
        if all(block.stop - block.start == 1 for block in blocks):
            return self._extreme(blocks, high=False)
        return self._extreme(blocks, high=False).hull(self._extreme(blocks, high=True))
