"""Lean beside the kernel: find or install a toolchain, build the library in `lean/`, export certificates to it.

To be believed are `export.py` and `slices.py`, which write the weights and the claim as Lean data (TRUST.md). The others carry
files to Lean and read its answer.

| module         | what it does                                                                 |
|----------------|------------------------------------------------------------------------------|
| `errors.py`    | what can go wrong, by who is at fault                                        |
| `family.py`    | which certificates Lean's checker follows                                    |
| `hints.py`     | the tables that Lean's checker compares                                      |
| `export.py`    | a certificate as Lean data, and the theorem that closes it                   |
| `command.py`   | what the command line does: read, write, compare, prove, evaluate            |
| `toolchain.py` | a Lean to run: `lake` from PATH, else the packaged build, installed on demand |
| `slices.py`    | evaluations: one file per range of queries, and their sum                    |
| `sources.py`   | the files of the library in import order, and the words that would cheat     |
| `build.py`     | compile what changed, two files at a time, and refuse unfinished proofs      |
"""
