"""The test suite.  It mirrors the tree of `verifier/`; shared builders are here:

    models.py     tiny models with weights of many scales, and the bytes of their files
    oracle.py     which inputs a model answers rightly: an enumeration that shares no code with the kernel
    checking.py   statements, certificates and checks in one line each
    numbers.py    exact numbers and enclosures as python-flint sees them
"""
