"""The Python interface: a function for each of the commands `check`, `prove` and `audit`, with the same answers.

A file is given as a path (str or Path), or as its content (bytes).  Errors are those of the command line, as exceptions: all of them
are `verifier.VerifierError`, and their text is one line with file, clause, expected, got and what to do next.
"""
