"""How much of each group of inputs is certified: pairs (query, maximum), right answers, answers of one input, or outputs.

The groups are those that the certificate's own counts have.  Where there is one group, or nothing is known of the groups' sizes,
there is nothing to show.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from verifier.kernel.facts import Answered, Count, Group, RightAt
from verifier.kernel.maximum.ranges import Scope
from verifier.kernel.statement import Subject
from verifier.kernel.tasks.task import Task
from verifier.report.walk import Seen, facts_of

LOOKED_AT = 1 << 17  # inputs in scope up to which the sizes of groups are counted one by one


@dataclass(frozen=True)
class Part:
    """One group.  key: as the task makes it; certified, wrong: inputs proved right and wrong; total: of the group."""

    key: Group
    certified: int
    wrong: int
    total: int

    @property
    def undecided(self) -> int:
        return self.total - self.certified - self.wrong

    @property
    def share(self) -> Fraction:
        """What is certified of it."""
        return Fraction(self.certified, self.total)


@dataclass(frozen=True)
class Parts:
    """All groups of one kind.  kind: `pair`, `class`, `read` (at each answer of an input) or `output`."""

    kind: str
    parts: tuple[Part, ...]

    @property
    def complete(self) -> bool:
        """Whether nothing is left to show: every group certified in full."""
        return all(part.certified == part.total for part in self.parts)

    @property
    def certified(self) -> int | None:
        """What the groups add up to, where every input lies in one of them."""
        return sum(part.certified for part in self.parts) if self.kind in ("pair", "class") else None

    @property
    def worst(self) -> list[Part]:
        """Those of which something is not certified, the least certified share first, then the largest."""
        return sorted((part for part in self.parts if part.certified < part.total), key=lambda part: (part.share, -part.total))


def parts_of(seen: tuple[Seen, ...], subject: Subject, task: Task) -> Parts | None:
    """The groups of a certificate's counts; task: with its labels, of a table."""
    facts = facts_of(seen)
    premises = [facts[name] for ids in seen[-1].step.premises.values() for name in ids if name in facts] if seen else []
    counts = [fact for fact in premises if isinstance(fact, Count)]
    if counts:
        return _counted(counts, subject, task)
    reads = [fact for fact in premises if isinstance(fact, RightAt)]
    if len(subject.task.layout.reads) > 1 and reads:
        return _at_reads(reads, subject)
    outputs = next((fact for fact in premises if isinstance(fact, Answered)), None)
    return None if outputs is None else _of_outputs(outputs)


def _counted(counts: list[Count], subject: Subject, task: Task) -> Parts | None:
    right, wrong = _merged([fact.counts for fact in counts]), _merged([fact.wrong for fact in counts])
    sizes = _sizes(counts, subject, task)
    if sizes is None or len(sizes) < 2 or not set(right) | set(wrong) <= set(sizes):
        return None
    kind = "pair" if all(len(key) == 2 for key in sizes) else "class"
    parts = (Part(key, right.get(key, 0), wrong.get(key, 0), size) for key, size in sorted(sizes.items()))
    return Parts(kind, tuple(parts))


def _merged(tables: list[Mapping[Group, int]]) -> dict[Group, int]:
    """Several counts of one group speak of the same inputs: the largest is taken, as the rule `accuracy` does."""
    best: dict[Group, int] = {}
    for table in tables:
        for key, number in table.items():
            best[key] = max(best.get(key, 0), number)
    return best


def _sizes(counts: list[Count], subject: Subject, task: Task) -> dict[Group, int] | None:
    """How many inputs each group has; None where nobody has counted them and there are too many to look at."""
    known = next((fact.totals for fact in counts if fact.totals is not None), None)
    if known is not None:
        return dict(known)
    scope = subject.scope
    if task.whole_maximum and not scope.conditions:
        pairs = Scope(scope.ranges)
        largest = max(last for _, last in scope.ranges)
        cells = {(query, maximum): pairs.cell(query, maximum) for maximum in range(largest + 1) for query in pairs.queries(maximum)}
        return {key: size for key, size in cells.items() if size}
    if scope.box > LOOKED_AT:
        return None
    return dict(Counter(task.group(tokens, task.answers(task.sequence(tokens))) for tokens in scope.inputs()))


def _at_reads(reads: list[RightAt], subject: Subject) -> Parts:
    """Several facts about one answer: the best of them counts, as in the rule `every_read`."""
    lost: dict[int, int] = {}
    for fact in reads:
        lost[fact.read] = min(fact.lost, lost.get(fact.read, fact.lost))
    total = subject.total
    places = subject.task.layout.reads
    return Parts("read", tuple(Part((places[read],), max(total - gone, 0), 0, total) for read, gone in sorted(lost.items())))


def _of_outputs(fact: Answered) -> Parts | None:
    parts = tuple(Part((output,), fact.inputs - most, 0, fact.inputs) for output, most in sorted(fact.at_most.items()))
    return Parts("output", parts) if len(parts) > 1 else None
