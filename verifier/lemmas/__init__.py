"""The lemmas behind the rules, as statements about real numbers that an SMT solver can prove or refute at small sizes.

| file             | what it has                                                                    |
|------------------|--------------------------------------------------------------------------------|
| `statements.py`  | what a lemma is; instances of lemmas and of the two axioms of exp               |
| `shared.py`      | lemmas that several rules rest on: products, exp, softmax, ends of intervals    |
| `tables.py`      | rules that make tables: exact, peeled, bounded by ranges or by norms            |
| `constraints.py` | rules that bound the margin term by term                                       |
| `counting.py`    | rules that count, list and add up                                              |
| `paper.py`       | the two rules of the compact-proofs paper                                      |
| `rounding.py`    | float32 execution: what rounding errors add up to                               |
| `catalogue.py`   | all of them in one list, and what is not stated at small sizes                  |
| `gallery.py`     | claims that have been believed and are false, each replayed by plain Python     |
| `solving.py`     | asking z3, and its answers as exact numbers                                    |
| `syntax.py`      | words and brackets of SMT-LIB, read and written                                 |
| `smtlib.py`      | a strict reader of anybody's inequality, without z3                             |
| `evaluation.py`  | an exact evaluator of it, without z3                                            |
| `refuting.py`    | anybody's inequality: a process of its own, with bounds on time and memory       |
| `limits.py`      | those bounds                                                                   |

Nothing here is trusted by `verifier check`: z3's word supports the rules, it does not carry them.
"""
