"""A strategy of your own: a function from a target to the steps of a certificate.

    verifier prove certificates/models/tiny.safetensors --strategy examples/my_strategy.py:every_input_twice -o proof

`prove` runs this file in a process of its own and has the kernel check what it answers: a wrong step is refused, whoever made it.
The target says what is asked (`verifier/strategies/target.py`); certificates/RULES.md says what steps there are.
"""

from verifier.strategies.steps import Step, step
from verifier.strategies.target import Target


def every_input_twice(target: Target) -> list[Step]:
    """Try every input, twice: counts of the same inputs are not added up, so the second time changes nothing but the length."""
    if target.metric != "accuracy":
        raise ValueError("this strategy is about accuracies")
    return [
        step("once", "every_input", measure="answers"),
        step("again", "every_input", measure="answers"),
        step("bound", "accuracy", {"counts": ["once", "again"]}),
    ]
