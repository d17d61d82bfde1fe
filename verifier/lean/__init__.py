"""Lean beside the kernel: find or install a toolchain, build the library in `lean/`, export certificates to it.

Nothing here is trusted: these modules only carry files to Lean and read its answer.

| module         | what it does                                                                 |
|----------------|------------------------------------------------------------------------------|
| `errors.py`    | what can go wrong, by who is at fault                                        |
| `toolchain.py` | a Lean to run: `lake` from PATH, else the packaged build, installed on demand |
| `sources.py`   | the files of the library in import order, and the words that would cheat     |
| `build.py`     | compile what changed, two files at a time, and refuse unfinished proofs      |
"""
