"""Certificates that break the grammar."""

from __future__ import annotations

from typing import Any

import numpy as np

from certificates.corpus.arguments import peel, size_direction
from certificates.corpus.cases import Case
from certificates.corpus.documents import Change, changed, drop, on_step, put
from certificates.corpus.makers import imperfect, tiny
from certificates.corpus.rejected.refusal import refusal
from verifier.strategies.steps import integer_array, step


def bad_certificates() -> list[Case]:
    """Certificates that break the grammar."""
    pure, sums = tiny.certificate(tiny.cubic()), tiny.certificate(tiny.subcubic())

    def case(name: str, attack: str, code: str, change: Change, clause: str = "3.4", certificate: bytes = pure, **rest: Any) -> Case:
        return refusal(name, attack, code, clause=clause, certificate=changed(certificate, change), **rest)

    listing = imperfect.certificate(imperfect.listing(imperfect.listed[:3]))
    negative = integer_array(imperfect.listed[:3] * np.array([1, 1, -1, 1, 1]) - np.array([0, 0, 1, 0, 0]))
    many = [step(f"t{number}", "exact_table", table="skip", positions="raw") for number in range(513)]
    return [
        case(
            "certificate-other-format",
            "A format that this checker does not know.",
            "unknown-word",
            put("format", value="verifier-certificate/9"),
            "3.1",
        ),
        case(
            "certificate-carries-statement",
            "A claim of the prover's own beside the steps.",
            "unknown-field",
            put("claim", value={"bound": "0/1"}),
            "3",
        ),
        case("certificate-no-subject", "Tied to nothing.", "missing-field", drop("subject"), "3"),
        case("subject-not-a-digest", "A digest in capitals.", "not-a-digest", put("subject", value=tiny.subject.digest.upper()), "3.2"),
        case(
            "subject-look-alike",
            "A full-width digit in the digest.",
            "not-a-digest",
            put("subject", value=tiny.subject.digest[:-1] + "\uff10"),
            "3.2",
        ),
        refusal(
            "certificate-of-other-model",
            "A true certificate of another model.",
            "subject-digest",
            clause="3.2",
            certificate=imperfect.certificate(imperfect.cubic()),
        ),
        case("steps-not-a-list", "Steps by name instead of in order.", "wrong-type", put("steps", value={}), "3.3"),
        case("steps-too-many", "513 steps.", "limit-steps", put("steps", value=many), "3.3"),
        case("rule-assume", "A rule that assumes what is to be proved.", "unknown-word", on_step("right", put("rule", value="assume"))),
        case(
            "rule-look-alike",
            "A Cyrillic letter in the name of a rule.",
            "unknown-word",
            on_step("right", put("rule", value="pur\u0435_margin")),
        ),
        case("rule-in-capitals", "A rule's name in capitals.", "unknown-word", on_step("right", put("rule", value="PURE_MARGIN"))),
        case(
            "step-states-its-result",
            "A count of the prover's own, in case the checker believes it.",
            "unknown-field",
            on_step("right", put("counts", value=512)),
        ),
        case(
            "step-unknown-hint",
            "A hint that the rule does not have.",
            "unknown-field",
            on_step("right", put("hints", value={"certified": 512})),
        ),
        case("step-missing-hint", "A hint left out.", "missing-field", on_step("skip", drop("hints", "positions"))),
        case("step-missing-premise", "A premise left out.", "missing-field", on_step("right", drop("premises", "copy"))),
        case(
            "step-unknown-role",
            "A premise in a role that the rule does not have.",
            "unknown-field",
            on_step("right", put("premises", "truth", value="skip")),
        ),
        case("step-without-id", "A step that nothing can refer to.", "missing-field", drop("steps", 0, "id")),
        case("id-look-alike", "An id that looks like another one.", "bad-id", on_step("skip", put("id", value="sk\u0456p"))),
        case("id-in-capitals", "An id in capitals.", "bad-id", on_step("skip", put("id", value="Skip"))),
        case("id-too-long", "An id of 65 characters.", "bad-id", on_step("skip", put("id", value="s" * 65))),
        case(
            "id-twice",
            "Two steps of one name, either of which could be the premise.",
            "duplicate-id",
            on_step("score", put("id", value="skip")),
        ),
        case(
            "premise-forward",
            "A premise that is proved later.",
            "unknown-premise",
            lambda document: document["steps"].insert(0, document["steps"].pop()),
        ),
        case(
            "premise-circular",
            "A step that rests on itself.",
            "unknown-premise",
            on_step("bound", put("premises", "counts", value=["bound"])),
        ),
        case("premise-missing", "A premise that is no step.", "unknown-premise", on_step("right", put("premises", "copy", value="copy2"))),
        case("premises-empty", "An empty list of counts.", "bad-premises", on_step("bound", put("premises", "counts", value=[]))),
        case(
            "premises-repeated",
            "One count listed twice, to be added twice.",
            "bad-premises",
            on_step("bound", put("premises", "counts", value=["right", "right"])),
        ),
        case(
            "premise-list-for-one",
            "Two tables in a role for one.",
            "wrong-type",
            on_step("right", put("premises", "copy", value=["copy", "score"])),
        ),
        case(
            "hint-zero-bins",
            "A resolution of zero, to divide by.",
            "out-of-range",
            on_step("right", put("hints", "bins", value=0)),
            certificate=sums,
        ),
        case(
            "hint-boolean",
            "true, which is 1 in some languages.",
            "wrong-type",
            on_step("right", put("hints", "bins", value=True)),
            certificate=sums,
        ),
        case("hint-string", "An integer as text.", "wrong-type", on_step("right", put("hints", "bins", value="32")), certificate=sums),
        case(
            "hint-other-table",
            "A table that the architecture does not have.",
            "unknown-word",
            on_step("skip", put("hints", "table", value="mlp")),
        ),
        case(
            "hint-negative-token",
            "A token that counts from the end of a list.",
            "out-of-range",
            on_step("wrong", put("hints", "inputs", value=negative)),
            certificate=listing,
            maker=imperfect,
        ),
        refusal(
            "peels-too-many",
            "33 peels.",
            "limit-peels",
            clause="3.4",
            certificate=tiny.certificate(
                [step("p", "peeled_table", table="score", positions="raw", peels=[peel(0, 0, "left", size_direction(8))] * 33)]
            ),
        ),
    ]
