"""The table of rules: one rule = one theorem.  RULES.md has a section per rule, lean/Rules a theorem `<name>_sound` per rule.

Every rule is a function (premises, hints, context) -> Fact.  It first checks shapes, then states its idea; a hint can be
anything, and a wrong one makes a weaker fact or a refusal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from verifier.kernel.certificate import Hint, Signature
from verifier.kernel.facts import Context, Fact
from verifier.kernel.rules.conclusions import accuracy, answered, every_read, mean_loss, worst_class
from verifier.kernel.rules.constraints import absent_present, decoupled_constraint
from verifier.kernel.rules.counts import count_blocks, count_leaves, count_sums, list_exceptions, wrong_inputs
from verifier.kernel.rules.evaluation import bag_accuracy, bag_loss, cells, every_input, symmetry
from verifier.kernel.rules.published import attention_margin, pure_margin
from verifier.kernel.rules.slots import bottleneck_margin, relaxed_margin
from verifier.kernel.rules.tables import exact_table, peeled_table, row_norm, row_range


@dataclass(frozen=True)
class Rule:
    """What a rule takes and what it does."""

    apply: Callable[[Mapping[str, list[Fact]], Mapping[str, Hint], Context], Fact]
    signature: Signature


RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "exact_table": Rule(exact_table.exact_table, exact_table.SIGNATURE),
        "peeled_table": Rule(peeled_table.peeled_table, peeled_table.SIGNATURE),
        "row_range": Rule(row_range.row_range, row_range.SIGNATURE),
        "row_norm": Rule(row_norm.row_norm, row_norm.SIGNATURE),
        "decoupled_constraint": Rule(decoupled_constraint.decoupled_constraint, decoupled_constraint.SIGNATURE),
        "absent_present": Rule(absent_present.absent_present, absent_present.SIGNATURE),
        "count_sums": Rule(count_sums.count_sums, count_sums.SIGNATURE),
        "count_leaves": Rule(count_leaves.count_leaves, count_leaves.SIGNATURE),
        "count_blocks": Rule(count_blocks.count_blocks, count_blocks.SIGNATURE),
        "list_exceptions": Rule(list_exceptions.list_exceptions, list_exceptions.SIGNATURE),
        "pure_margin": Rule(pure_margin.pure_margin, pure_margin.SIGNATURE),
        "attention_margin": Rule(attention_margin.attention_margin, attention_margin.SIGNATURE),
        "wrong_inputs": Rule(wrong_inputs.wrong_inputs, wrong_inputs.SIGNATURE),
        "every_input": Rule(every_input.every_input, every_input.SIGNATURE),
        "cells": Rule(cells.cells, cells.SIGNATURE),
        "bag_loss": Rule(bag_loss.bag_loss, bag_loss.SIGNATURE),
        "bag_accuracy": Rule(bag_accuracy.bag_accuracy, bag_accuracy.SIGNATURE),
        "symmetry": Rule(symmetry.symmetry, symmetry.SIGNATURE),
        "relaxed_margin": Rule(relaxed_margin.relaxed_margin, relaxed_margin.SIGNATURE),
        "bottleneck_margin": Rule(bottleneck_margin.bottleneck_margin, bottleneck_margin.SIGNATURE),
        "every_read": Rule(every_read.every_read, every_read.SIGNATURE),
        "accuracy": Rule(accuracy.accuracy, accuracy.SIGNATURE),
        "mean_loss": Rule(mean_loss.mean_loss, mean_loss.SIGNATURE),
        "worst_class": Rule(worst_class.worst_class, worst_class.SIGNATURE),
        "answered": Rule(answered.answered, answered.SIGNATURE),
    }
)
