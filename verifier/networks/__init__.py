"""UNTRUSTED: where network programs and tasks come from, what people see of them, and floating-point evaluation.

The kernel reads a program from the statement only; everything here helps to write one.
"""
