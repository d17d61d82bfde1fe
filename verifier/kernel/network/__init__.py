"""Networks as programs of standard operators: what a model computes, as data (FORMAT.md section 5).

program.py     the grammar: nodes, operands, references to tensors
weights.py     the numbers that the references name, their digest
operators.py   one operator = one formula, one shape rule, one enclosure
functions.py   exp, ln, the normal distribution, and the activations built from them, as enclosures
evaluation.py  the logits of a batch of inputs
formulas.py    the program for a person to read
"""
