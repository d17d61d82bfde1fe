"""The rules about slots on one network, with hints of the strategies and hostile changes of them, against what is true of every input."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tests.pieces import cut, floats, whole
from tests.slots_networks import Slots, random_case
from verifier.kernel.certificate import FloatArray, IntegerArray
from verifier.kernel.errors import LimitExceeded, StepRejected
from verifier.kernel.facts import Bound, RightAt
from verifier.kernel.rules import RULES
from verifier.strategies.slots.bottleneck import NarrowRead
from verifier.strategies.slots.growing import Read
from verifier.strategies.slots.relaxed import RelaxedRead

STOPS = (0.0, 0.05, 0.15, 0.3)
MOST_ROWS, FEWER, FEW = 60, 30, 6  # of a tree of cuts: of all, with a narrow node, and with one in mpmath
REFERENCE = 0.04  # of all certificates are checked by mpmath
FLOATS = ("sizes", "centres", "ranges", "multipliers", "shares", "frames")
LABELS = "labels"


@dataclass
class Tally:
    """What was seen.  Counts of inputs are sums over facts."""

    networks: int = 0
    unfit: int = 0  # trees for whose pieces no strategy finds hints
    facts: int = 0
    refused: int = 0
    refusals: dict[str, int] = field(default_factory=dict)  # by their codes
    proving: int = 0  # facts that prove some input right
    exact: int = 0  # facts that lose no input that is right
    hostile: int = 0  # facts from changed hints
    hostile_proving: int = 0
    by_rule: dict[str, int] = field(default_factory=dict)
    by_task: dict[str, int] = field(default_factory=dict)
    mpmath: int = 0
    listed: int = 0
    counted: int = 0
    sized: int = 0  # of networks with a norm between attention and logits
    inputs: int = 0
    right: int = 0
    proved: int = 0
    wrong: int = 0  # inputs proved wrong
    conclusions: int = 0  # of every_read
    failures: list[str] = field(default_factory=list)

    def expect(self, condition: bool, what: str) -> None:
        if not condition:
            self.failures.append(what)


def check(seed: object, narrow: bool, tally: Tally, trees: int = 3, changes: int = 14) -> None:
    """One network: for each read trees of cuts, of each tree the hints found and hostile changes, each fact compared with the truth."""
    rng = random.Random(f"{seed} hints")
    one = random_case(seed, narrow=narrow)
    make, rule = (NarrowRead, "bottleneck_margin") if narrow else (RelaxedRead, "relaxed_margin")
    tally.networks += 1
    facts: dict[int, list[RightAt]] = {}
    reads = range(len(one.truth[0]))
    for read, _ in itertools.product(reads, range(max(trees // len(reads), 1))):
        splits = small_tree(one, make, read, rng)
        try:
            found = hints_for(one, make, read, splits)
        except (StepRejected, LookupError, np.linalg.LinAlgError):  # no narrow node, or exponentials that underflow
            tally.unfit += 1
            continue
        more = {} if one.labels is None else {LABELS: IntegerArray((one.labels,))}
        versions = [found, *(changed(found, one, rng) for _ in range(changes))]
        if rule == "relaxed_margin":
            listed, counted = rng.sample(versions, 2), rng.sample(versions, 2)
            versions += [version | {"failures": "listed"} for version in listed]
            versions += [version | {"failures": "counted", "bins": rng.choice([1, 4, 64, 1 << 12])} for version in counted]
        for number, hints in enumerate(versions):
            fact = judged(one, rule, hints | more, number, tally, rng)
            if fact is not None:
                facts.setdefault(fact.read, []).append(fact)
    concluded(one, facts, tally, rng)


def hints_for(one: Slots, make: type[Read], read: int, splits: list[tuple[int, int]]) -> dict[str, Any]:
    """Hints of the strategy for the pieces of a given tree."""
    search = make(read, one.context())
    cuts = IntegerArray(tuple(splits))
    found = search.solve([leaf.piece for leaf in search.cutting.leaves(cuts) if leaf.piece is not None])
    if not found:
        raise LookupError("no piece whose answer is known")
    if not all(np.isfinite(array).all() for piece in found for array in piece.hints.values()):
        raise LookupError("bounds that are not finite, which no certificate can hold")
    hints: dict[str, Any] = {"read": read, "splits": cuts, "divisor": search.plan.divisor}
    for name in found[0].hints:
        array = np.stack([piece.hints[name] for piece in found])
        if array.size:
            hints[name] = floats(array) if array.dtype.kind == "f" else IntegerArray(tuple(map(tuple, array.tolist())))
    if isinstance(search, NarrowRead):
        hints |= {"node": search.number} | ({"frames": floats(search.frames)} if search.width == 2 else {})
    return hints


def small_tree(one: Slots, make: type[Read], read: int, rng: random.Random) -> list[tuple[int, int]]:
    """A tree that is not too large, so that most of the time goes into different certificates."""
    most = FEWER if make is NarrowRead else MOST_ROWS
    return next((cuts for _ in range(20) if len(cuts := tree(one, make, read, rng)) <= most), [(-1, -1)])


def tree(one: Slots, make: type[Read], read: int, rng: random.Random) -> list[tuple[int, int]]:
    """The strategy's own tree of cuts, or one at random whose queries are known."""
    box = whole(one, read)
    if rng.random() < 0.3:
        cuts, _ = make(read, one.context()).tree()
        return cuts
    stop = rng.choice(STOPS)
    if rng.random() < 0.2:
        return cut(box, rng, stop)
    place = one.read.task.layout.reads[read]
    free = one.read.task.layout.free
    axis = free.index(place) if place in free else None

    def queries(box: tuple[tuple[int, int], ...]) -> list[tuple[int, int]]:
        if axis is None or box[axis][0] == box[axis][1]:
            return cut(box, rng, stop)
        first, last = box[axis]
        parts = [(*box[:axis], ends, *box[axis + 1 :]) for ends in ((first, first), (first + 1, last))]
        return [(axis, first + 1), *cut(parts[0], rng, stop), *queries(parts[1])]

    return queries(box)


def judged(one: Slots, rule: str, hints: dict[str, Any], number: int, tally: Tally, rng: random.Random) -> RightAt | None:
    """What a rule concludes, compared with the truth; None where it refuses."""
    small = "node" not in hints or len(hints["splits"].rows) <= FEW
    by = "mpmath" if rng.random() < REFERENCE and small else "fast"
    try:
        fact = RULES[rule].apply({}, hints, one.context(by))
    except (StepRejected, LimitExceeded) as error:
        tally.refused += 1
        tally.refusals[error.code] = tally.refusals.get(error.code, 0) + 1
        return None
    except Exception as error:  # whatever else is raised would be exit 70
        tally.expect(False, f"{one.name} {rule} {by} version {number}: {error!r}")
        return None
    assert isinstance(fact, RightAt)
    right, total = sum(line[fact.read] for line in one.truth), len(one.truth)
    what = f"{one.name} {rule} {by} version {number} read {fact.read}: lost {fact.lost}, wrong {fact.wrong} of {total}, right {right}"
    tally.expect(fact.lost >= total - right, what)
    tally.expect(fact.wrong <= total - right, what)
    proved = max(total - fact.lost, 0)
    tally.facts += 1
    tally.mpmath += by == "mpmath"
    tally.proving += proved > 0
    tally.exact += proved == right
    tally.hostile += number > 0
    tally.hostile_proving += number > 0 and proved > 0
    tally.listed += hints.get("failures") == "listed"
    tally.counted += hints.get("failures") == "counted"
    tally.sized += "sizes" in hints
    tally.inputs += total
    tally.right += right
    tally.proved += proved
    tally.wrong += fact.wrong
    for counts, key in ((tally.by_rule, rule), (tally.by_task, one.task["name"])):
        counts[key] = counts.get(key, 0) + 1
    return fact


def concluded(one: Slots, facts: dict[int, list[RightAt]], tally: Tally, rng: random.Random) -> None:
    """every_read on all facts, and on one of each read."""
    for chosen in (list(itertools.chain(*facts.values())), [rng.choice(line) for line in facts.values()]):
        try:
            bound = RULES["every_read"].apply({"right": list(chosen)}, {}, one.context())
        except StepRejected:
            tally.refused += 1
            continue
        except RuntimeError as error:  # facts that contradict each other
            tally.expect(False, f"{one.name} every_read: {error}")
            continue
        assert isinstance(bound, Bound)
        right, total = sum(map(all, one.truth)), len(one.truth)
        tally.conclusions += 1
        what = f"{one.name} every_read: {bound.certified} and {bound.wrong} of {total}, right {right}"
        tally.expect(bound.total == total and bound.certified <= right and bound.wrong <= total - right, what)


def changed(hints: dict[str, Any], one: Slots, rng: random.Random) -> dict[str, Any]:
    """Hints with one or two hostile changes."""
    for _ in range(rng.choice([1, 1, 2])):
        hints = rng.choice(list(CHANGES))(hints, one, rng)
    return hints


def rows_of(hints: dict[str, Any], name: str) -> np.ndarray:
    return np.frombuffer(hints[name].data, dtype="<f8").reshape(hints[name].shape).copy()


def present(hints: dict[str, Any]) -> list[str]:
    return [name for name in FLOATS if name in hints]


def ordered(rows: np.ndarray, hints: dict[str, Any], one: Slots, by: Callable[[np.ndarray, np.ndarray], tuple[Any, Any]]) -> FloatArray:
    """Ranges changed, node by node, the lower ends below the upper ends: another order is refused, which proves nothing."""
    nodes = one.network.program.nodes
    bent = [nodes[hints["node"]]] if "node" in hints else [n for n in nodes if n.operator == "relu" and n.name not in one.network.local]
    if 2 * sum(one.network.widths[node.name] for node in bent) != rows.shape[1]:  # of another node, after an earlier change
        return floats(rows)
    start, parts = 0, []
    for node in bent:
        width = one.network.widths[node.name]
        low, high = by(rows[:, start : start + width], rows[:, start + width : start + 2 * width])
        parts += [np.minimum(low, high), np.maximum(low, high)]
        start += 2 * width
    return floats(np.clip(np.hstack(parts), -1e300, 1e300))


def noise(hints: dict[str, Any], one: Slots, rng: random.Random) -> dict[str, Any]:
    """Every float changed a little, or much."""
    size = rng.choice([1e-12, 1e-3, 0.1, 1.0, 100.0])
    draw = np.random.default_rng(rng.randrange(1 << 30))
    result = hints | {name: floats(rows_of(hints, name) + size * draw.normal(size=hints[name].shape)) for name in present(hints)}
    if "ranges" in hints:
        result["ranges"] = ordered(rows_of(result, "ranges"), hints, one, lambda low, high: (low, high))
    if "sizes" in hints:
        result["sizes"] = positive(rows_of(result, "sizes"))
    return result


def positive(rows: np.ndarray) -> FloatArray:
    """Ranges of sizes, in order: others are refused, which proves nothing."""
    return floats(np.clip(np.sort(np.abs(rows), axis=1), 1e-300, 1e300))


def other_sizes(hints: dict[str, Any], one: Slots, rng: random.Random) -> dict[str, Any]:
    """Sizes that are smaller, greater, nearer together or farther apart; or centres that are."""
    if "sizes" not in hints:
        return hints
    name = rng.choice(["sizes", "sizes", "centres"])
    factors = [rng.choice([0.0, 0.5, 0.9, 0.999, 1.0, 1.001, 1.1, 2.0]) for _ in range(2)]
    if name == "centres":
        return hints | {name: floats(rows_of(hints, name) * (factors[0] - rng.choice([0.0, 1.0])))}
    return hints | {name: positive(rows_of(hints, name) * np.array(factors))}


def scaled(hints: dict[str, Any], one: Slots, rng: random.Random) -> dict[str, Any]:
    """One array times a number."""
    names = [name for name in ("multipliers", "shares") if name in hints]
    if not names:
        return hints
    name, by = rng.choice(names), rng.choice([-1.0, 0.0, 0.5, 0.9, 2.0, 1e-310, 1e150])
    with np.errstate(over="ignore"):
        return hints | {name: floats(np.clip(rows_of(hints, name) * by, -1e308, 1e308))}


def narrowed(hints: dict[str, Any], one: Slots, rng: random.Random) -> dict[str, Any]:
    """Ranges nearer to their middles, or wider: of one entry or of all.  A range may then hold on some pieces alone."""
    if "ranges" not in hints:
        return hints
    factor, single, column = rng.choice([0.0, 0.5, 0.9, 0.999, 1.001, 1.5, 10.0, 1e200]), rng.random() < 0.5, rng.randrange(8)

    def moved(low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        middle, half = (low + high) / 2, (high - low) / 2
        by = np.where(np.arange(low.shape[1]) == column % low.shape[1], factor, 1.0) if single else factor
        return middle - by * half, middle + by * half

    return hints | {"ranges": ordered(rows_of(hints, "ranges"), hints, one, moved)}


def shifted(hints: dict[str, Any], one: Slots, rng: random.Random) -> dict[str, Any]:
    """Ranges moved, perhaps so that another network is judged."""
    if "ranges" not in hints:
        return hints
    by = rng.choice([-3.0, -0.5, -0.01, 0.01, 0.5, 3.0])
    return hints | {"ranges": ordered(rows_of(hints, "ranges"), hints, one, lambda low, high: (low + by, high + by))}


def one_sided(hints: dict[str, Any], one: Slots, rng: random.Random) -> dict[str, Any]:
    """Ranges cut off at 0, as if each neuron were known to be on, or off."""
    if "ranges" not in hints:
        return hints
    on = rng.random() < 0.5
    cut_off = (lambda low, high: (np.maximum(low, 0), high)) if on else (lambda low, high: (low, np.minimum(high, 0)))
    return hints | {"ranges": ordered(rows_of(hints, "ranges"), hints, one, cut_off)}


def other_divisor(hints: dict[str, Any], one: Slots, rng: random.Random) -> dict[str, Any]:
    return hints | {"divisor": rng.choice([1, 2, 3, 4, 5, 7, 9, 100, 1 << 40])}


def rolled(hints: dict[str, Any], one: Slots, rng: random.Random) -> dict[str, Any]:
    """The hints of one piece given to another."""
    by, axis = rng.choice([-1, 1, 2]), rng.choice([0, 0, 1])
    return hints | {name: floats(np.roll(rows_of(hints, name), by, axis=axis)) for name in present(hints)}


def without(hints: dict[str, Any], one: Slots, rng: random.Random) -> dict[str, Any]:
    left = [name for name in ("multipliers", "shares", "frames") if name in hints]
    return {name: hint for name, hint in hints.items() if not left or name != left[rng.randrange(len(left))]}


def other_cuts(hints: dict[str, Any], one: Slots, rng: random.Random) -> dict[str, Any]:
    """A cut moved: pieces that the hints were not found for."""
    rows = list(hints["splits"].rows)
    cuts = [index for index, row in enumerate(rows) if row[0] >= 0]
    if not cuts:
        return hints
    index = rng.choice(cuts)
    axis, number = rows[index]
    rows[index] = rng.choice([(axis, number + rng.choice([-1, 1])), (axis + rng.choice([-1, 1]), number)])
    return hints | {"splits": IntegerArray(tuple(rows))}


def other_read(hints: dict[str, Any], one: Slots, rng: random.Random) -> dict[str, Any]:
    return hints | {"read": rng.randrange(len(one.truth[0]))}


def other_box(hints: dict[str, Any], one: Slots, rng: random.Random) -> dict[str, Any]:
    """Of a narrow node: other parts, another node, a frame that is turned or almost flat."""
    if "parts" not in hints:
        return hints
    kind = rng.randrange(3)
    if kind == 0:
        return hints | {"parts": IntegerArray(tuple(tuple(rng.randint(1, 4) for _ in row) for row in hints["parts"].rows))}
    if kind == 1:
        return hints | {"node": rng.randrange(len(one.program["nodes"]))}
    if "frames" not in hints:
        return hints
    flat = rng.choice([1.0, 1e-6, 1e-30])
    return hints | {"frames": floats(rows_of(hints, "frames") * np.array([1.0, 1.0, flat, flat]))}


CHANGES = (
    *(noise, noise, scaled, scaled, narrowed, narrowed, shifted, one_sided),
    *(other_divisor, rolled, without, other_cuts, other_read, other_box, other_sizes, other_sizes),
)
