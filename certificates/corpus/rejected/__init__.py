"""Attacks, grouped by the file that carries them: each is a small change to something that was true."""

from certificates.corpus.cases import Case
from certificates.corpus.rejected.arrays import bad_arrays
from certificates.corpus.rejected.certificates import bad_certificates
from certificates.corpus.rejected.claims import too_large_claims
from certificates.corpus.rejected.models import bad_models
from certificates.corpus.rejected.peels import bad_peels
from certificates.corpus.rejected.statements import bad_statements
from certificates.corpus.rejected.steps import false_steps
from certificates.corpus.rejected.texts import bad_json
from certificates.corpus.rejected.unused import false_unused_steps
from certificates.corpus.rejected.wrong_inputs import bad_wrong_inputs


def rejected() -> list[Case]:
    """All of them."""
    certificates = [*bad_certificates(), *bad_arrays(), *false_steps(), *bad_peels(), *bad_wrong_inputs()]
    return [*bad_json(), *bad_statements(), *certificates, *false_unused_steps(), *too_large_claims(), *bad_models()]
