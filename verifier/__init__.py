"""Certificates for accuracy bounds of neural networks: generate, check, audit.

`verifier.kernel` is the trusted checker; everything else in this package is untrusted.  The names below are the Python interface
(docs/python.md).  Each is imported when it is first asked for, so that `import verifier` and the kernel alone stay small.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as in `typing`, without the import
if TYPE_CHECKING:
    from verifier.api.audits import Audited as Audited
    from verifier.api.audits import audit as audit
    from verifier.api.checking import check as check
    from verifier.api.checking import load_statement as load_statement
    from verifier.api.proofs import Model as Model
    from verifier.api.proofs import load_model as load_model
    from verifier.api.proofs import prove as prove
    from verifier.kernel.errors import VerifierError as VerifierError
    from verifier.kernel.statement import Statement as Statement
    from verifier.kernel.verdict import Verdict as Verdict
    from verifier.proving import Proof as Proof

_HOMES = {
    "Audited": "verifier.api.audits",
    "Model": "verifier.api.proofs",
    "Proof": "verifier.proving",
    "Statement": "verifier.kernel.statement",
    "Verdict": "verifier.kernel.verdict",
    "VerifierError": "verifier.kernel.errors",
    "audit": "verifier.api.audits",
    "check": "verifier.api.checking",
    "load_model": "verifier.api.proofs",
    "load_statement": "verifier.api.checking",
    "prove": "verifier.api.proofs",
}
__all__ = list(_HOMES)


def __getattr__(name: str) -> object:
    """Import what is asked for by name."""
    if name not in _HOMES:
        raise AttributeError(f"module 'verifier' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return [*globals(), *_HOMES]
