"""Every resource bound of the checker, each a named field with its unit.  Nothing else in the kernel limits anything.

A hostile file can cost at most what these fields allow; `LimitExceeded` names the field that was hit.
"""

from __future__ import annotations

from dataclasses import dataclass

from verifier.kernel.errors import LimitExceeded


@dataclass(frozen=True)
class Limits:
    """Bounds on input sizes, on work and on precision."""

    model_bytes: int = 1 << 28  # bytes of a weights file
    statement_bytes: int = 1 << 16  # bytes of a statement file
    certificate_bytes: int = 1 << 28  # bytes of a certificate file
    header_bytes: int = 1 << 20  # bytes of the JSON header inside a safetensors file
    json_depth: int = 12  # nested brackets in any JSON text
    json_tokens: int = 1 << 18  # brackets, commas, quotes and escapes in any JSON text
    json_integer_digits: int = 30  # decimal digits of a JSON integer
    fraction_digits: int = 400  # decimal digits of either side of "p/q"
    name_characters: int = 64  # characters of a step id
    nodes: int = 256  # nodes of a network
    operands: int = 64  # operands or factors of one node
    selections: int = 256  # different parts of one tensor that a network uses
    conditions: int = 16  # conditions of a scope
    conditioned_inputs: int = 1 << 22  # inputs within the ranges of a scope with conditions, each of which is looked at
    tensors: int = 64  # tensors in a weights file
    tensor_rank: int = 8  # axes of a tensor in a weights file
    steps: int = 512  # steps in a certificate
    tensor_cells: int = 1 << 26  # cells of one tensor
    enumerated_inputs: int = 1 << 24  # inputs within the ranges of a scope that are walked one by one
    array_entries: int = 1 << 25  # entries of one hint array
    float_entries: int = 1 << 21  # entries of one hint array of floats: 192 numbers for each of 10,000 pieces
    vocabulary: int = 2048  # tokens; the largest model here has so many, the tutorial's Max-of-2
    positions: int = 64  # context length
    width: int = 1 << 13  # rows or columns of a matrix of weights
    reference_operations: int = 1 << 26  # operations of one reference check
    fast_operations: int = 1 << 35  # operations of one fast check
    reference_dense_operations: int = 1 << 33  # operations in products of enclosed matrices of one reference check
    fast_dense_operations: int = 1 << 38  # the same of one fast check
    word_operations: int = 1 << 34  # products of two 64-bit words in the exact matrices of one check
    exponentials: int = 1 << 23  # exponentials of one check, one by one: some 100 microseconds each
    array_exponentials: int = 1 << 27  # exponentials of one check, of whole arrays: two microseconds each
    node_visits: int = 1 << 21  # visits of nodes by boxes of one check, one for each way from the logits: 200 microseconds each
    bottleneck_cells: int = 1 << 16  # cells of one piece
    orbit_points: int = 1 << 22  # pairs of tokens, or cells of a sketch's tables, whose orbits a step asks for
    score_sums: int = 1 << 20  # different sums of scores that a count keeps at a time
    peels: int = 32  # peels of one table
    patterns: int = 1 << 20  # block patterns of one query and maximum
    histogram_bits: int = 1 << 26  # bits of the histogram of all sums of one query and maximum
    listing_steps: int = 1 << 24  # inputs listed by one step, each once per output that may win
    listed_inputs: int = 1 << 22  # input sequences listed by one step
    spectral_power: int = 6  # doublings in a certified spectral norm


LIMITS = Limits()


def check_limit(field: str, value: int, *, file: str = "", clause: str = "", hint: str = "") -> None:
    """Raise `LimitExceeded` unless `value` is at most the field of `LIMITS` of that name."""
    allowed: int = vars(LIMITS)[field]
    if value > allowed:
        raise LimitExceeded(
            "limit-" + field.replace("_", "-"), expected=f"at most {allowed}", got=value, file=file, clause=clause, hint=hint
        )
