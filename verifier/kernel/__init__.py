"""The trusted checker.  Standard library and mpmath only; nothing else of this package may be imported here."""

import os

# One library less to believe: mpmath is to compute with Python's own integers.  It reads this when it is first imported, and no module
# of the kernel runs before this file.  If a caller's process has imported mpmath earlier, `reference.py` refuses what it then finds.
os.environ["MPMATH_NOGMPY"] = "1"
