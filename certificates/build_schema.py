"""Write `schema/certificate.json` from the rules' signatures: `python certificates/build_schema.py`.

The two other schemas are written by hand.  A schema is a convenience for other programs: the checker does not read it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from verifier.kernel.certificate import CERTIFICATE_FORMAT, Choice, Floats, HintKind, Integers, IntegerTable, Signature
from verifier.kernel.limits import LIMITS
from verifier.kernel.maximum.model import TABLES
from verifier.kernel.rules import RULES

TARGET = Path(__file__).parent / "schema" / "certificate.json"
JSON = dict[str, Any]


def strict(properties: JSON, optional: tuple[str, ...] = ()) -> JSON:
    """An object with exactly these members, some of which may be absent."""
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def reference(name: str) -> JSON:
    """A schema defined below."""
    return {"$ref": f"#/$defs/{name}"}


def array(*words: str) -> JSON:
    """A hint array of rank 2."""
    size = {"type": "integer", "minimum": 1, "maximum": LIMITS.array_entries}
    return strict(
        {
            "array": {"enum": list(words)},
            "shape": {"type": "array", "items": size, "minItems": 2, "maxItems": 2},
            "base64": {"type": "string", "contentEncoding": "base64", "pattern": "^[A-Za-z0-9+/]*={0,2}$"},
        }
    )


def hint(kind: HintKind) -> JSON:
    """One hint."""
    if isinstance(kind, Integers):
        return {"type": "integer", "minimum": kind.low, "maximum": kind.high}
    if isinstance(kind, Choice):
        return {"enum": list(kind.words)}
    if isinstance(kind, Floats):
        return reference("floatArray")
    return reference("integerArray" if isinstance(kind, IntegerTable) else "peels")


def step(name: str, signature: Signature) -> JSON:
    """One step of a rule."""
    roles = {role: reference("ids" if role in signature.many else "id") for role in signature.premises}
    hints = {key: hint(kind) for key, kind in signature.hints.items()}
    properties = {
        "id": reference("id"),
        "rule": {"const": name},
        "premises": reference("fiveTables") if tuple(roles) == TABLES else strict(roles, signature.optional),
        "hints": strict(hints, signature.optional),
    }
    may_be_left_out = [member for member, keys in (("premises", roles), ("hints", hints)) if set(keys) <= set(signature.optional)]
    return strict(properties, tuple(may_be_left_out))


def document() -> JSON:
    """The whole schema."""
    digest = {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"}
    identifier = {"type": "string", "pattern": "^[a-z][a-z0-9_.-]*$", "maxLength": LIMITS.name_characters}
    factor = {"type": "integer", "minimum": 0, "maximum": LIMITS.peels}
    peel = {"first": factor, "last": factor, "side": {"enum": ["left", "right", "row"]}, "directions": reference("floatArray")}
    steps = {"type": "array", "items": reference("step"), "maxItems": LIMITS.steps}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A certificate (FORMAT.md section 3); made by certificates/build_schema.py",
        **strict({"format": {"const": CERTIFICATE_FORMAT}, "subject": digest, "steps": steps}),
        "$defs": {
            "id": identifier,
            "ids": {"type": "array", "items": reference("id"), "minItems": 1, "uniqueItems": True},
            "fiveTables": strict({table: reference("id") for table in TABLES}),
            "floatArray": array("f32", "f64"),
            "integerArray": array("i64"),
            "peels": {"type": "array", "items": strict(peel), "maxItems": LIMITS.peels},
            "step": {"oneOf": [step(name, rule.signature) for name, rule in RULES.items()]},
        },
    }


def text() -> str:
    """The file's content."""
    return json.dumps(document(), indent=1) + "\n"


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="ascii")
