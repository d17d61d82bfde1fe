"""Statements that say nothing, too much, or something about another model."""

from __future__ import annotations

from typing import Any

import numpy as np

from certificates.corpus.cases import Case
from certificates.corpus.documents import Change, changed, drop, put
from certificates.corpus.makers import Maker, tiny
from certificates.corpus.model_files import TINY, safetensors, with_entry
from certificates.corpus.rejected.refusal import refusal


def bad_statements() -> list[Case]:
    """Statements that say nothing, too much, or something about another model."""

    def case(name: str, attack: str, code: str, clause: str, change: Change, **files: Any) -> Case:
        return refusal(name, attack, code, clause=clause, statement=changed(tiny.statement(), change), **files)

    def bound(name: str, attack: str, text: object, code: str = "not-a-fraction") -> Case:
        return case(f"bound-{name}", attack, code, "2.11", put("claim", "bound", value=text))

    def scope(name: str, attack: str, ranges: object, code: str = "bad-scope", **files: Any) -> Case:
        return case(f"scope-{name}", attack, code, "2.6", put("subject", "scope", "tokens", value=ranges), **files)

    narrow = Maker("tiny", ((0, 7), (0, 7), (6, 7)))
    flipped = with_entry(TINY, "embed.W_E", np.nextafter(TINY["embed.W_E"].flat[0], np.float32(9), dtype=np.float32))
    return [
        refusal("statement-is-a-list", "The statement is not an object.", "wrong-type", statement=b"[]"),
        case(
            "statement-other-format",
            "A format that this checker does not know.",
            "unknown-word",
            "2.1",
            put("format", value="verifier-statement/1"),
        ),
        case(
            "statement-assumes",
            "A field that weakens the claim, in case the checker ignores it.",
            "unknown-field",
            "2",
            put("assume", value="t_0 < t_1"),
        ),
        case(
            "statement-excludes", "An exclusion hidden in the subject.", "unknown-field", "2.2", put("subject", "except", value=[[7, 7, 7]])
        ),
        case("statement-no-function", "The arithmetic is left open.", "missing-field", "2.2", drop("subject", "function")),
        case("statement-no-claim", "Nothing is claimed.", "missing-field", "2", drop("claim")),
        case(
            "network-look-alike",
            "A Cyrillic letter in the name of the network.",
            "bad-id",
            "5.1",
            put("subject", "network", "name", value="\u0430ttention-only-1"),
        ),
        case(
            "network-by-name",
            "A name in the place of the program: nothing is guessed.",
            "wrong-type",
            "2.4",
            put("subject", "network", value="attention-only-1"),
        ),
        case(
            "task-other",
            "A task that this checker does not know.",
            "unknown-word",
            "2.5",
            put("subject", "task", "name", value="argmax"),
        ),
        case(
            "function-float16",
            "float16 arithmetic, for which nothing is proved.",
            "unknown-word",
            "2.7",
            put("subject", "function", value="float16"),
        ),
        case("metric-other", "Another metric.", "unknown-word", "2.9", put("claim", "metric", value="loss")),
        case(
            "relation-strict",
            "A strict inequality, which no bound proves.",
            "unknown-word",
            "2.10",
            put("claim", "relation", value=">"),
        ),
        bound("decimal", "A decimal number as text.", "0.5"),
        bound("negative", "A negative bound.", "-1/2"),
        bound("division-by-zero", "A fraction without a value.", "1/0"),
        bound("leading-zero", "A number that some readers take for octal.", "01/2"),
        bound("unicode-digits", "Arabic digits, which Python's int() would read.", "\u0661/\u0662"),
        bound("integer", "An integer where a fraction is due.", 1, "wrong-type"),
        bound("not-lowest-terms", "Two spellings of one number.", "2/4", "not-lowest-terms"),
        bound("above-one", "An accuracy above one.", "3/2", "out-of-range"),
        bound("huge", "A denominator of a thousand digits.", "1/1" + "0" * 1000, "limit-fraction-digits"),
        scope("empty", "No inputs at all, of which everything is true.", [[0, 7], [5, 2], [0, 7]]),
        scope("no-positions", "A scope without positions.", []),
        scope("short", "One position fewer than the model has.", [[0, 7], [0, 7]]),
        scope("outside-vocabulary", "A token that does not exist.", [[0, 7], [0, 8], [0, 7]]),
        scope("triple", "Three ends for one range.", [[0, 7, 7], [0, 7], [0, 7]]),
        scope("negative", "A token that counts from the end of a list.", [[-1, 7], [0, 7], [0, 7]], "out-of-range"),
        scope("boolean", "false and true, which are 0 and 1 in some languages.", [[False, 7], [0, 7], [0, 7]], "wrong-type"),
        refusal(
            "scope-narrowed",
            "The certificate is for a part of the scope.",
            "subject-digest",
            clause="3.2",
            certificate=narrow.certificate(narrow.cubic()),
        ),
        refusal(
            "scope-widened",
            "The certificate is for more than the scope: true, but of another subject.",
            "subject-digest",
            clause="3.2",
            statement=narrow.statement(),
        ),
        refusal("model-other", "A statement about one model with the file of another.", "model-digest", clause="2.3", model="imperfect"),
        refusal(
            "model-one-ulp-off",
            "One weight has been moved by one unit in its last place.",
            "model-digest",
            clause="2.3",
            model=safetensors(flipped),
        ),
        case(
            "model-digest-upper-case",
            "The digest in capitals.",
            "model-digest",
            "2.3",
            put("subject", "model", value=tiny.subject.model.upper()),
        ),
    ]
