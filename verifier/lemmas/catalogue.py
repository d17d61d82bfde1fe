"""All lemmas in one list, each after those that it uses, and what no statement of small size can say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from verifier.lemmas import constraints, counting, networks, paper, pieces, rounding, shared, tables
from verifier.lemmas.statements import Lemma

LEMMAS: Mapping[str, Lemma] = MappingProxyType(
    {lemma.name: lemma for part in (shared, tables, constraints, counting, paper, networks, pieces, rounding) for lemma in part.LEMMAS}
)


@dataclass(frozen=True)
class Beyond:
    """What z3 is not asked, why not, and the theorem in lean/ about it (lean/BOUNDARY.md says how far each goes)."""

    rule: str
    statement: str
    reason: str
    theorem: str


_SIZES = "for all sizes: needs induction"
_LOOP = "about a loop, and " + _SIZES
BEYOND = (
    Beyond("", "The real exponential has the two properties that are its axioms here.", "calculus; Lean takes the same two as axioms", ""),
    Beyond("", "What any number of roundings, in any order, adds up to.", _SIZES, ""),
    Beyond("exact_table", "The five tables sum to the logits of the architecture, for every n, v, d and h.", _SIZES, "exact_table_sound"),
    Beyond("peeled_table", "The telescoping sum for chains of any length and matrices of any size.", _SIZES, "peeled_table_sound"),
    Beyond("row_range", "The row bounds of chains of any length and width.", _SIZES, "row_range_sound"),
    Beyond("row_norm", "The bound by traces for every power and width.", _SIZES, "row_norm_sound"),
    Beyond("decoupled_constraint", "The constraint for any number of slots and outputs.", _SIZES, "decoupled_constraint_sound"),
    Beyond("absent_present", "The three kinds of competitors for any number of slots and tokens.", _SIZES, "absent_present_sound"),
    Beyond("count_sums", "The product of any number of histograms, packed into integers of any width.", _SIZES, "count_sums_sound"),
    Beyond("count_leaves", "Fillings of any number of slots, and the histogram of their sums.", _SIZES, ""),
    Beyond("count_blocks", "The loop over patterns of any number of blocks.", _LOOP, "count_blocks_sound"),
    Beyond("list_exceptions", "The search lists every filling whose sum is not positive.", _LOOP, "list_exceptions_sound"),
    Beyond("pure_margin", "Binomial(n - 1, c) |G|^c for every n and v; the sets of different c are disjoint.", _SIZES, "pure_margin_sound"),
    Beyond("attention_margin", "The attention paid to m for any number of slots.", _SIZES, "attention_margin_sound"),
    Beyond("wrong_inputs", "Any number of distinct wrong inputs.", _SIZES, "wrong_inputs_sound"),
    Beyond("every_input", "Every operator's enclosure, for networks of any shape; the walk meets every input once.", _LOOP, ""),
    Beyond("cells", "Hulls of tables, sums and operators over boxes; the leaves of a tree partition the inputs.", _LOOP, ""),
    Beyond("bag_loss", "The loss of any number of slots and outputs.", _SIZES, ""),
    Beyond("bag_accuracy", "The walk meets every input once, or once for all its orders.", _SIZES, ""),
    Beyond("symmetry", "Orbits of any number of points; a sum over units that a permutation leaves as it is.", _LOOP, ""),
    Beyond("relaxed_margin", "Linear maps carried back through networks of any shape; any number of slots, tokens and pieces.", _LOOP, ""),
    Beyond("bottleneck_margin", "Taylor's remainder of gelu; operators over boxes of coordinates.", "calculus, and " + _SIZES, ""),
    Beyond("every_read", "Any number of reads.", _SIZES, ""),
    Beyond("accuracy", "The cells partition the inputs for every n and v.", _SIZES, "accuracy_sound"),
    Beyond("mean_loss", "The mean of any number of losses.", _SIZES, ""),
    Beyond("worst_class", "Any number of classes and groups.", _SIZES, ""),
    Beyond("answered", "Any number of inputs.", _SIZES, ""),
)
