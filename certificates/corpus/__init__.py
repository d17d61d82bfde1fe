"""How the conformance corpus is made, case by case.

| file             | what it has                                                        |
|------------------|--------------------------------------------------------------------|
| `cases.py`       | what a case is, and its folder                                     |
| `documents.py`   | JSON files and small changes to them                               |
| `model_files.py` | model files, and the shipped ones                                  |
| `models.py`      | models of the corpus's own                                         |
| `makers.py`      | true statements and certificates about a model, and the truth      |
| `arguments.py`   | steps of further arguments                                         |
| `accepted.py`    | what must be accepted                                              |
| `float32.py`     | statements about float32 machines: what must be accepted, what not |
| `rejected/`      | what must not be: an attack class per file                         |
"""
