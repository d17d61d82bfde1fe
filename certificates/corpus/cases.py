"""What a case is, and its folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from certificates.corpus.documents import JSON


@dataclass(frozen=True)
class Case:
    """One folder.  model: the name of a shipped model, or the bytes of a file of its own."""

    name: str
    statement: bytes
    certificate: bytes
    model: str | bytes
    expected: JSON

    def write(self, folder: Path) -> None:
        """Write the folder."""
        target = folder / self.name
        target.mkdir(parents=True)
        shipped = isinstance(self.model, str)
        expected = {"model": f"../../models/{self.model}.safetensors" if shipped else "model.safetensors", **self.expected}
        (target / "statement.json").write_bytes(self.statement)
        (target / "certificate.json").write_bytes(self.certificate)
        (target / "expected.json").write_text(json.dumps(expected, indent=1, ensure_ascii=True) + "\n", encoding="ascii")
        if isinstance(self.model, bytes):
            (target / "model.safetensors").write_bytes(self.model)
