"""Certificates for accuracy bounds of neural networks: generate, check, audit.

`verifier.kernel` is the trusted checker; everything else in this package is untrusted.
"""
