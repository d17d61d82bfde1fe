"""Write the conformance corpus: `python certificates/build_corpus.py` fills `accepted/` and `rejected/` beside this file.

Every case is a folder with a statement, a certificate, sometimes a model of its own, and `expected.json` (README.md says how
another checker reads it).  The cases are made from the shipped models by the package `corpus`, without anything random, so running
this again changes no byte; `tests/test_corpus.py` compares.  An attack is a small change to a certificate that was true.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from certificates.corpus.accepted import accepted
from certificates.corpus.float32 import accepted_float32, rejected_float32
from certificates.corpus.leaves import accepted_leaves, rejected_leaves
from certificates.corpus.networks import accepted_networks, rejected_networks
from certificates.corpus.pieces import accepted_pieces, rejected_pieces
from certificates.corpus.rejected import rejected
from certificates.corpus.sketches import accepted_sketches, rejected_sketches

HERE = Path(__file__).parent


def build(target: Path) -> int:
    """Write both folders under `target`, replacing what is there; return the number of cases."""
    cases = 0
    true = [*accepted(), *accepted_float32(), *accepted_leaves(), *accepted_networks(), *accepted_pieces(), *accepted_sketches()]
    attacks = [*rejected(), *rejected_float32(), *rejected_leaves(), *rejected_networks(), *rejected_pieces(), *rejected_sketches()]
    for folder, made in (("accepted", true), ("rejected", attacks)):
        shutil.rmtree(target / folder, ignore_errors=True)
        for case in made:
            case.write(target / folder)
        cases += len(made)
    return cases


if __name__ == "__main__":
    print(f"{build(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)} cases")
