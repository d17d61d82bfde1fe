"""Every strategy on one model: bound against proof length, as rows and as figures."""
