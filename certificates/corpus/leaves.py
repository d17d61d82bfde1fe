"""Right and wrong inputs counted leaf by leaf: bounds on both sides, and attacks on the upper one."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np

from certificates.corpus.accepted import case, half
from certificates.corpus.cases import Case
from certificates.corpus.documents import written
from certificates.corpus.makers import Maker, imperfect, tiny
from certificates.corpus.rejected.refusal import refusal
from verifier.kernel.metrics import Claim
from verifier.kernel.statement import Statement
from verifier.strategies.steps import ALL_TABLES, Step, exact_tables, float_array, integer_array, step

BOUND = step("bound", "accuracy", {"counts": ["tallies"]})
Rows = list[list[int]]


def every_leaf(v: int, bins: int = 1024) -> Rows:
    """Each query and maximum cut at every token."""
    return [[m, q, stop, bins] for m in range(v) for q in range(m + 1) for stop in range(0 if q == m else q + 1, m + 1)]


def counted(rows: Rows, **hints: object) -> list[Step]:
    """Constraints on exact tables, counted in these leaves; hints: of the constraints."""
    margins = step("margins", "decoupled_constraint", ALL_TABLES, **hints)
    leaves = step("tallies", "count_leaves", {"constraints": "margins"}, leaves=integer_array(np.array(rows)), precision=40)
    return [*exact_tables("centred"), margins, leaves, BOUND]


def at_most(maker: Maker, bound: Fraction) -> bytes:
    """The claim that the accuracy is at most this."""
    return written(Statement(maker.subject, Claim("accuracy", "<=", bound)).json)


def accepted_leaves() -> list[Case]:
    """Bounds on both sides."""
    v, part, machine = imperfect.floats.v, half(), Maker("imperfect", function="float32")
    whole = [[m, q, m, 64] for m in range(v) for q in range(m + 1)]
    above = at_most(imperfect, Fraction(imperfect.right + imperfect.subject.total, 2 * imperfect.subject.total))
    cut = counted(every_leaf(v))
    return [
        case("leaves", "Right inputs counted by the largest token other than the maximum.", imperfect, cut, Fraction(1, 2)),
        case("leaves-upper-bound", "At least half of the wrong inputs are counted as wrong.", imperfect, cut, statement=above),
        case("leaves-uncut", "One leaf for each query and maximum.", imperfect, counted(whole), Fraction(1, 2)),
        case("leaves-in-scope", "The leaves keep to the scope; rows of other queries hold nothing.", part, cut, Fraction(1, 2)),
        case("leaves-of-some-groups", "What no leaf covers counts as neither.", imperfect, counted([[9, 0, 9, 64]]), Fraction(0)),
        case("float32-leaves", "Both sides, for any float32 machine.", machine, cut, Fraction(1, 2)),
    ]


def rejected_leaves() -> list[Case]:
    """Leaves that are none, and upper bounds that are false."""

    def bad(name: str, attack: str, change: Callable[[Rows], object], code: str = "bad-leaf") -> Case:
        rows = [[m, q, m, 8] for m in range(8) for q in range(m + 1)]
        change(rows)
        return refusal(f"leaf-{name}", attack, code, exit_code=1, step="tallies", certificate=tiny.certificate(counted(rows)))

    def false(name: str, attack: str, bound: Fraction) -> Case:
        steps = counted(every_leaf(imperfect.floats.v))
        expected = {"verdict": "INCOMPLETE", "exit": 2, "code": None, "right": imperfect.right, "total": imperfect.subject.total}
        return Case(name, at_most(imperfect, bound), imperfect.certificate(steps), imperfect.model, {**expected, "attack": attack})

    blocks = counted([[7, 0, 7, 8]], shift=float_array(tiny.shift()), singles=0)
    total, right = imperfect.subject.total, imperfect.right
    winners = sum(map(len, imperfect.wrong.values()))  # more than there are wrong inputs: some lose to several outputs
    return [
        bad("twice", "One leaf counted twice.", lambda rows: rows.append(rows[-1])),
        bad("after-a-larger", "A leaf that another one holds, counted again.", lambda rows: rows.append([7, 7, 3, 8])),
        bad("beyond-the-maximum", "Inputs of a larger maximum.", lambda rows: rows[0].__setitem__(2, 1)),
        bad("of-no-maximum", "A maximum that is no token.", lambda rows: rows.append([8, 0, 8, 8])),
        bad("query-above-maximum", "A query that the maximum is not.", lambda rows: rows.insert(0, [3, 4, 3, 8])),
        bad("without-bins", "No resolution at all.", lambda rows: rows[-1].__setitem__(3, 0)),
        bad("of-three-columns", "The bins left out.", lambda rows: rows.__setitem__(slice(None), [row[:3] for row in rows]), "wrong-shape"),
        refusal(
            "leaf-of-blocks", "Blocks of several tokens, cut within.", "wrong-premise", exit_code=1, certificate=tiny.certificate(blocks)
        ),
        false("claim-winners-added", "An upper bound from all winners of all inputs, added up.", Fraction(total - winners, total)),
        false("claim-one-wrong-input-more", "An upper bound one input below the accuracy.", Fraction(right - 1, total)),
    ]
