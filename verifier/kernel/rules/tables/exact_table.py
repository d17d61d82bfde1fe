"""Rule exact_table: a table of the model is the exact product of its chain."""

from __future__ import annotations

from collections.abc import Mapping

from verifier.kernel.certificate import Choice, Hint, Signature
from verifier.kernel.facts import Context, Fact, Table
from verifier.kernel.maximum.model import TABLES

SIGNATURE = Signature(premises={}, hints={"table": Choice(TABLES), "positions": Choice(("raw", "centred"))})


def exact_table(premises: Mapping[str, list[Fact]], hints: Mapping[str, Hint], context: Context) -> Table:
    """Premises: none.  Hints: which table; whether the mean position is counted with the tokens (`centred`) or not (`raw`).

    Conclusion: the table, exactly.  Operations: the products.  Unexplained dimension: the number of entries.
    Soundness: `exact_table_sound` (L1: the logits are the sum of the paths; products of dyadic numbers are exact).
    """
    name, centre = str(hints["table"]), hints["positions"] == "centred"
    part = context.paths.product(name, centre)
    context.ledger.unexplained_dimension += part.size
    return Table(name, centre, part)
