"""Rule wrong_inputs: listed inputs that are certainly answered wrongly.  The only source of upper bounds and of `exact`."""

from __future__ import annotations

from collections.abc import Mapping

from verifier.kernel.certificate import Hint, IntegerArray, IntegerTable, Signature
from verifier.kernel.errors import StepRejected
from verifier.kernel.facts import Context, Fact, WrongInputs
from verifier.kernel.limits import LIMITS, check_limit
from verifier.kernel.maximum.margins import TABLE_PREMISES, Margins
from verifier.kernel.numbers.tensor import Tensor

SIGNATURE = Signature(premises=TABLE_PREMISES, hints={"inputs": IntegerTable(0, LIMITS.vocabulary)})


def wrong_inputs(premises: Mapping[str, list[Fact]], hints: Mapping[str, Hint], context: Context) -> WrongInputs:
    """Premises: the five tables.  Hints: inputs, shape (N, n + 1): t_0 ... t_{n-1} and an output x that is at least as high as m.

    Side conditions: every input in scope, no input twice, x != max t, Phi_x(t) <= 0 certainly (a tie is wrong); else REJECTED.
    Conclusion: at least N inputs are answered wrongly, so the metric is at most 1 - N/total.
    Operations: 8 n per input.  Soundness: `wrong_inputs_sound` (L3, L4).
    """
    margins = Margins.of(premises, context)
    listed, n = hints["inputs"], len(context.scope.ranges)
    if not isinstance(listed, IntegerArray) or len(listed.rows[0]) != n + 1:
        raise StepRejected(
            "wrong-shape", expected=f"{n + 1} columns: the tokens and a wrong output", got=len(getattr(listed, "rows", [[]])[0])
        )
    check_limit("listed_inputs", len(listed.rows))
    seen: set[tuple[int, ...]] = set()
    for row in listed.rows:
        tokens, output = row[:-1], row[-1]
        for token, (first, last) in zip(tokens, context.scope.ranges, strict=True):
            if not first <= token <= last:
                raise StepRejected("outside-scope", expected=f"a token from {first} to {last}", got=list(tokens))
        if tokens in seen:  # attack: one wrong input counted twice
            raise StepRejected("duplicate-input", expected="each input once", got=list(tokens))
        if output >= context.vocabulary or output == max(tokens):
            raise StepRejected("not-a-wrong-output", expected="an output other than the maximum", got=list(row))
        seen.add(tokens)
    wrong = _margin(margins, [list(column) for column in zip(*listed.rows, strict=True)]).certainly_nonpositive().to_list()
    if not all(wrong):
        raise StepRejected("not-wrong", expected="inputs with a margin certainly <= 0", got=list(listed.rows[wrong.index(False)]))
    return WrongInputs(len(listed.rows))


def _margin(margins: Margins, columns: list[list[int]]) -> Tensor:
    """Phi_x(t) of each listed input, axis (input,)."""
    *tokens, outputs = columns
    queries, maxima = tokens[-1], [max(row) for row in zip(*tokens, strict=True)]
    skip = _gap(margins.skip, "query", queries, maxima, outputs)
    total: Tensor | None = None
    for slot, column in enumerate(tokens):
        places = [slot] * len(column)
        weight = margins.rho.at("input", query=queries, slot=places) * margins.omega.at("input", query=queries, key=column)
        gap = _gap(margins.copy, "key", column, maxima, outputs) + _gap(margins.place_copy, "slot", places, maxima, outputs)
        term = weight * (skip + gap)
        total = term if total is None else total + term
    if total is None:
        raise TypeError
    return total


def _gap(table: Tensor, axis: str, rows: list[int], maxima: list[int], outputs: list[int]) -> Tensor:
    """table[row, m] - table[row, x] per listed input."""
    return table.at("input", **{axis: rows, "output": maxima}) - table.at("input", **{axis: rows, "output": outputs})
