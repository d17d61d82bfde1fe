"""Does every interval operation enclose the exact result?  A million arguments each, both arithmetics, judged by Arb.

    python benchmarks/enclosures.py [--count 1000000] [--seed 1] [--only NAME ...]

An argument is an interval, or a pair of them (benchmarks/enclosure_arguments.py).  A containment failure is an enclosure that does not
hold the exact range of the operation, computed by Arb without error or far more precisely than the ends; what Arb cannot decide counts
as a failure too.  An overestimate is the distance of an end from the exact one, the larger of the two ends, in units in the last place
of that end: of 53 bits for `fast`, of 128 for `mpmath` and for exp, of 2^-128 for fixed-point numbers.  Finished operations are kept, so
a run can be stopped and goes on where it was.  The vectors in tests/vectors (tests/itl.py) are judged too, and counted apart.

Writes benchmarks/results/enclosures.json and enclosures.md.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import operator
import random
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import flint
import numpy as np
from flint import arb

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.common import RESULTS, ROOT, machine, markdown, write
from benchmarks.enclosure_arguments import dyadic, float_ends, floats, interval, partner, partners
from benchmarks.enclosure_functions import BITS as FLOAT_BITS
from benchmarks.enclosure_functions import NUMBER_BITS, VALUES, exact_range, float_arguments, number_arguments
from benchmarks.enclosure_functions import run as run_function
from tests.itl import judge as judge_vectors
from verifier.fast import EnclosureCells, FastArithmetic
from verifier.kernel.numbers.arithmetic import GRID_BITS, NEVER
from verifier.kernel.numbers.exponential import ARGUMENT_BITS, LOWEST_ARGUMENT, divided_by_root, exp_nonpositive
from verifier.kernel.numbers.interval import PRECISION_BITS, Interval, Number
from verifier.system.progress import progress

CHUNK = 20_000
BEYOND = arb((1, 1200))  # stands for a real beyond all finite float64 numbers
NUMBERS = "verifier/kernel/numbers"
SOURCES = ("verifier/fast/cells.py", f"{NUMBERS}/interval.py", f"{NUMBERS}/exponential.py", f"{NUMBERS}/arithmetic.py")
SOURCES += ("verifier/fast/exponential.py", "verifier/kernel/network/functions.py", "benchmarks/enclosure_functions.py")
Ends = tuple[arb, arb]


@dataclass
class Tally:
    """What was found of one operation."""

    arguments: int = 0
    failures: int = 0
    unbounded: int = 0  # an infinite or NaN end, of an argument or of the result: judged for containment, not for width
    over: list[float] = field(default_factory=list)
    first: str = ""

    def add(self, holds: bool, over: float | None, what: Callable[[], str]) -> None:
        self.arguments += 1
        if not holds:
            self.failures += 1
            self.first = self.first or what()
        if over is None:
            self.unbounded += 1
        else:
            self.over.append(over)


# Exact ranges


def corners(x: Ends, y: Ends, apply: Callable[[arb, arb], arb]) -> Ends:
    """The least and the largest value at the four corners."""
    found = [apply(a, b) for a in x for b in y]
    low = high = found[0]
    for one in found[1:]:
        low, high = (one if one < low else low), (one if one > high else high)
    return low, high


RANGES: dict[str, Callable[[Ends, Ends], Ends]] = {
    "add": lambda x, y: (x[0] + y[0], x[1] + y[1]),
    "subtract": lambda x, y: (x[0] - y[1], x[1] - y[0]),
    "multiply": lambda x, y: corners(x, y, operator.mul),
    "divide": lambda x, y: corners(x, y, operator.truediv),
    "minimum": lambda x, y: (x[0].min(y[0]), x[1].min(y[1])),
    "maximum": lambda x, y: (x[0].max(y[0]), x[1].max(y[1])),
    "hull": lambda x, y: (x[0].min(y[0]), x[1].max(y[1])),
    "sqrt": lambda x, _: (x[0].sqrt(), x[1].sqrt()),
    "negate": lambda x, _: (-x[1], -x[0]),
}
BITS = {"divide": 800, "sqrt": 800}  # of Arb; the others are exact with EXACT_BITS
EXACT_BITS = 12_000


# Fast: float64 arrays


def real(end: float) -> arb:
    """The number itself; a large real for an infinite end."""
    return arb(end) if math.isfinite(end) else (BEYOND if end > 0 else -BEYOND)


def judge_float(tally: Tally, exact: Ends, low: float, high: float, what: Callable[[], str], *, bounded: bool = True) -> None:
    """Ends of a computed enclosure; NaN stands for any real.  bounded: no argument is infinite, so the exact range is known."""
    holds, over = True, 0.0 if bounded else math.inf
    for end, tight, sign in ((low, exact[0], 1), (high, exact[1], -1)):
        if math.isnan(end) or end == -sign * math.inf:
            over = math.inf
            continue
        beyond = (tight - arb(end)) if sign > 0 else (arb(end) - tight)
        holds = holds and bool(beyond >= 0) and math.isfinite(end)
        over = max(over, float(beyond / arb(math.ulp(end)))) if math.isfinite(end) else over
    tally.add(holds, over if math.isfinite(over) else None, what)


def fast_operands(name: str, rng: np.random.Generator, size: int) -> tuple[EnclosureCells, EnclosureCells]:
    """Two intervals per argument, in the domain of the operation."""
    point = floats(rng, size)
    first, second = float_ends(rng, point), float_ends(rng, partners(rng, point))
    if name == "multiply, first factor nonnegative":
        first = np.abs(point), np.maximum(np.abs(point), np.abs(first[1]))
    if name == "divide":
        low = np.where(np.abs(second[0]) > 0, np.abs(second[0]), 1.0)
        low = np.where(np.isfinite(low), low, 1.0)
        second = low, np.maximum(low, np.abs(second[1]))
    if name == "sqrt":
        low = np.where(np.isfinite(first[0]), np.abs(first[0]), 0.0)
        first = low, np.maximum(low, np.abs(first[1]))
    return EnclosureCells(*first), EnclosureCells(*second)


def fast_chunk(name: str, seed: str, size: int, tally: Tally) -> None:
    """Arithmetic on intervals."""
    rng = np.random.default_rng(list(seed.encode()))
    x, y = fast_operands(name, rng, size)
    operation = name.partition(",")[0]
    if operation == "sqrt":
        found = x.root()
    elif operation == "negate":
        found = x.negated()
    else:
        found = x.combine(operation, y)
    exact = RANGES[operation]
    ends = (cells.tolist() for cells in (x.lo, x.hi, y.lo, y.hi, found.lo, found.hi))
    with flint.ctx.workprec(BITS.get(operation, EXACT_BITS)):
        for a, b, c, d, low, high in zip(*ends, strict=True):
            tight = exact((real(a), real(b)), (real(c), real(d)))
            bounded = math.isfinite(a) and math.isfinite(b) and math.isfinite(c) and math.isfinite(d)
            judge_float(tally, tight, low, high, lambda found=(a, b, c, d, low, high): f"{name} {found}", bounded=bounded)


def fast_dyadics(name: str, seed: str, size: int, tally: Tally) -> None:
    """Conversions of integers with an exponent."""
    rng = random.Random(seed)
    bounds = []
    for _ in range(size):
        mantissa, exponent = dyadic(rng, (1, 2, 52, 53, 54, 55, 64, 128, 200))
        exponent = max(min(exponent, 1100), -1200) - rng.choice([0, 0, mantissa.bit_length()])
        bounds.append((mantissa, mantissa + rng.choice([0, 0, 1, rng.getrandbits(60)]), exponent))
    found = FastArithmetic().enclosures(bounds, (size,))
    with flint.ctx.workprec(EXACT_BITS):
        for (low, high, exponent), lo, hi in zip(bounds, found.lo.tolist(), found.hi.tolist(), strict=True):
            exact = arb((low, exponent)), arb((high, exponent))
            judge_float(tally, exact, lo, hi, lambda found=(low, high, exponent, lo, hi): f"{name} {found}")


def fast_floor(name: str, seed: str, size: int, tally: Tally) -> None:
    """Lower ends to integers, rows of 8 with the shift that the rules choose for a row, or one less."""
    rng = np.random.default_rng(list(seed.encode()))
    lo, hi = (ends.reshape(-1, 8) for ends in float_ends(rng, floats(rng, size)))
    lo = np.where(rng.random((len(lo), 1)) < 0.5, np.ldexp(rng.standard_normal(lo.shape), rng.integers(-60, 60, lo.shape)), lo)
    cells = EnclosureCells(lo, np.maximum(lo, hi))
    shifts = [GRID_BITS - (bits or 0) - int(rng.integers(0, 2)) for bits in cells.magnitude_bits(0)]
    found = cells.floor(0, shifts).to_list()
    with flint.ctx.workprec(EXACT_BITS):
        for shift, row, integers in zip(shifts, cells.lo.tolist(), found, strict=True):
            for end, integer in zip(row, integers, strict=True):
                if not math.isfinite(end):
                    tally.add(integer == NEVER, None, lambda found=(end, integer): f"{name} {found}")
                    continue
                over = int((arb(end) * arb((1, shift))).floor().unique_fmpz()) - integer
                tally.add(over >= 0, float(max(min(over, 1 << 60), -1)), lambda found=(end, shift, integer): f"{name} {found}")


def fast_signs(name: str, seed: str, size: int, tally: Tally) -> None:
    """Decisions: certain only when true; the overestimate is 1 for a decision missed."""
    rng = np.random.default_rng(list(seed.encode()))
    cells = EnclosureCells(*float_ends(rng, floats(rng, size)))
    positive = name.endswith("positive") and not name.endswith("nonpositive")
    found = (cells.positive() if positive else cells.nonpositive()).to_list()
    for end, decided in zip((cells.lo if positive else cells.hi).tolist(), found, strict=True):
        true = bool(arb(end) > 0) if positive else bool(arb(end) <= 0)
        tally.add(true or not decided, float(true and not decided), lambda found=(end, decided): f"{name} {found}")


def fast_function(name: str, seed: str, size: int, tally: Tally) -> None:
    """Functions of one variable."""
    rng = np.random.default_rng(list(seed.encode()))
    x = float_arguments(name, rng, size)
    found = run_function(name, x).cells
    with flint.ctx.workprec(FLOAT_BITS):
        for a, b, low, high in zip(x.lo.tolist(), x.hi.tolist(), found.lo.tolist(), found.hi.tolist(), strict=True):
            bounded = math.isfinite(a) and math.isfinite(b)
            tight = exact_range(name, (real(a), real(b)))
            if name == "logarithm_above":  # a bound from above alone
                tight, low = (real(low), tight[1]), low if math.isfinite(low) else -math.inf
            judge_float(tally, tight, low, high, lambda found=(a, b, low, high): f"{name} {found}", bounded=bounded)


# Reference: the kernel's intervals


def exactly(number: Number) -> arb:
    """The number itself."""
    sign, mantissa, exponent, _ = number
    return arb((-mantissa if sign else mantissa, exponent))


def judge_number(tally: Tally, exact: Ends, found: Interval, what: Callable[[], str], *, vanishing: bool = False) -> None:
    """Ends of the kernel's own kind.  vanishing: an end of 0 may stand for a number below all bits, and has no width to judge."""
    holds, over = True, 0.0
    for end, tight, sign in ((found.lo, exact[0], 1), (found.hi, exact[1], -1)):
        beyond = (tight - exactly(end)) if sign > 0 else (exactly(end) - tight)
        holds = holds and bool(beyond >= 0)
        if end[1]:
            over = max(over, float(beyond * arb((1, PRECISION_BITS - end[2] - end[3]))))
        elif not bool(beyond == 0):
            over = math.inf
    tally.add(holds, None if vanishing and math.isinf(over) else over, what)


METHODS: dict[str, Callable[[Interval, Interval], Interval]] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "minimum": Interval.minimum,
    "maximum": Interval.maximum,
    "hull": Interval.hull,
    "sqrt": lambda x, _: x.sqrt(),
    "negate": lambda x, _: -x,
}


def positive_part(x: Interval, zero: bool) -> Interval:
    """The interval, or its mirror image, or 1: without negative numbers, and without zero unless allowed."""
    x = -x if x.lo[0] else x
    usable = x.certainly_positive() or (zero and not x.lo[0])
    return x if usable else Interval.of(1, 1, 0)


def reference_chunk(name: str, seed: str, size: int, tally: Tally) -> None:
    """Arithmetic on intervals."""
    rng = random.Random(seed)
    run, exact = METHODS[name], RANGES[name]
    with flint.ctx.workprec(BITS.get(name, EXACT_BITS)):
        for _ in range(size):
            point = dyadic(rng)
            x, y = interval(rng, point), interval(rng, partner(rng, point))
            if name == "divide":
                y = positive_part(y, False)
            if name == "sqrt":
                x = positive_part(x, True)
            found = run(x, y)
            tight = exact((exactly(x.lo), exactly(x.hi)), (exactly(y.lo), exactly(y.hi)))
            judge_number(tally, tight, found, lambda found=(x, y, found): f"{name} {found}")


def reference_dyadics(name: str, seed: str, size: int, tally: Tally) -> None:
    """Conversions of integers with an exponent."""
    rng = random.Random(seed)
    with flint.ctx.workprec(EXACT_BITS):
        for _ in range(size):
            low, exponent = dyadic(rng, (1, 64, 127, 128, 129, 130, 192, 256, 500))
            high = low + rng.choice([0, 0, 1, rng.getrandbits(200)])
            found = Interval.of(low, high, exponent)
            judge_number(tally, (arb((low, exponent)), arb((high, exponent))), found, lambda f=(low, high, exponent): f"{name} {f}")


def reference_floor(name: str, seed: str, size: int, tally: Tally) -> None:
    """The lower end to an integer."""
    rng = random.Random(seed)
    with flint.ctx.workprec(EXACT_BITS):
        for _ in range(size):
            x = interval(rng, dyadic(rng))
            shift = rng.choice([-5000, -128, -64, -1, 0, 1, 48, 5000, GRID_BITS - (x.magnitude_bits() or 0)]) + rng.randrange(-2, 3)
            integer = x.floor(shift)
            over = int((exactly(x.lo) * arb((1, shift))).floor().unique_fmpz()) - integer
            tally.add(over >= 0, float(max(min(over, 1 << 60), -1)), lambda found=(x, shift, integer): f"{name} {found}")


def reference_signs(name: str, seed: str, size: int, tally: Tally) -> None:
    """Decisions: certain only when true; the overestimate is 1 for a decision missed."""
    rng = random.Random(seed)
    positive = name == "certainly positive"
    for _ in range(size):
        x = interval(rng, dyadic(rng))
        decided = x.certainly_positive() if positive else x.certainly_nonpositive()
        true = bool(exactly(x.lo) > 0) if positive else bool(exactly(x.hi) <= 0)
        tally.add(true or not decided, float(true and not decided), lambda found=(x, decided): f"{name} {found}")


def reference_function(name: str, seed: str, size: int, tally: Tally) -> None:
    """Functions of one variable."""
    rng = random.Random(seed)
    arguments = number_arguments(name, rng, size)
    found = run_function(name, arguments).cells.cells
    with flint.ctx.workprec(NUMBER_BITS):
        for x, one in zip(arguments, found, strict=True):
            tight = exact_range(name, (exactly(x.lo), exactly(x.hi)))
            if name == "logarithm_above":
                tight = exactly(one.lo), tight[1]
            judge_number(tally, tight, one, lambda found=(x, one): f"{name} {found}", vanishing=True)


# Integers, shared by both


def roots(name: str, seed: str, size: int, tally: Tally) -> None:
    """An integer times a power of two over a root, mantissa 2^exponent / sqrt(square), in units of 2^-128."""
    rng = random.Random(seed)
    with flint.ctx.workprec(4000):
        for _ in range(size):
            mantissa = dyadic(rng, (1, 8, 53, 106, 200))[0]
            exponent, square = (
                rng.choice([0, -ARGUMENT_BITS, -64, rng.randint(-700, 300)]),
                rng.choice([1, 2, 3, 4, 32, rng.randint(1, 1024)]),
            )
            lower, upper = divided_by_root(mantissa, exponent, square)
            exact = arb((mantissa, exponent + ARGUMENT_BITS)) / arb(square).sqrt()
            holds = bool(arb(lower) <= exact) and bool(exact <= arb(upper))
            over = max(float(exact - arb(lower)), float(arb(upper) - exact))
            tally.add(holds, over, lambda found=(mantissa, exponent, square): f"{name} {found}")


def exponentials(name: str, seed: str, size: int, tally: Tally) -> None:
    """The exponential of fixed-point numbers at most 0: around the edges, and of every magnitude; intervals of two such."""
    rng = random.Random(seed)
    cap = LOWEST_ARGUMENT << ARGUMENT_BITS
    edges = (0, -1, -2, -(1 << ARGUMENT_BITS), -(1 << ARGUMENT_BITS) + 1, -cap, -cap + 1, -cap - 1, -cap << 20)
    with flint.ctx.workprec(512):
        for _ in range(size):
            one = rng.choice(edges) if rng.random() < 0.02 else -rng.getrandbits(rng.randint(1, ARGUMENT_BITS + 8))
            other = one if rng.random() < 0.7 else min(one + rng.choice([-1, 1, rng.getrandbits(120)]), 0)
            lower, upper = min(one, other), max(one, other)
            low, high, exponent = exp_nonpositive(lower, upper)
            tight = arb((max(lower, -cap << 1), -ARGUMENT_BITS)).exp(), arb((max(upper, -cap << 1), -ARGUMENT_BITS)).exp()
            if lower < -cap:  # the true exponential lies between 0 and that of a larger argument
                holds, over = low == 0, None
            else:
                holds, over = (
                    bool(arb((low, exponent)) <= tight[0]),
                    float((tight[0] / arb((low, exponent)) - 1) * arb((1, PRECISION_BITS))),
                )
            holds = holds and bool(arb((high, exponent)) >= tight[1])
            if over is not None:
                over = max(over, float((arb((high, exponent)) / tight[1] - 1) * arb((1, PRECISION_BITS))))
            tally.add(holds, over, lambda found=(lower, upper): f"{name} {found}")


Work = Callable[[str, str, int, Tally], None]
BINARY = ("add", "subtract", "multiply", "divide", "minimum", "maximum", "hull", "sqrt", "negate")
OPERATIONS: list[tuple[str, str, Work]] = [
    *(("fast", name, fast_chunk) for name in (*BINARY[:3], "multiply, first factor nonnegative", *BINARY[3:])),
    ("fast", "from dyadics", fast_dyadics),
    ("fast", "floor", fast_floor),
    ("fast", "certainly positive", fast_signs),
    ("fast", "certainly nonpositive", fast_signs),
    *(("mpmath", name, reference_chunk) for name in BINARY),
    ("mpmath", "from dyadics", reference_dyadics),
    ("mpmath", "floor", reference_floor),
    ("mpmath", "certainly positive", reference_signs),
    ("mpmath", "certainly nonpositive", reference_signs),
    *(("fast", name, fast_function) for name in VALUES),
    *(("mpmath", name, reference_function) for name in VALUES),
    ("both", "divided_by_root", roots),
    ("both", "exp_nonpositive", exponentials),
]


def measure(arithmetic: str, name: str, work: Work, count: int, seed: int, advance: Callable[[], Any] = lambda: None) -> dict[str, Any]:
    """One operation, chunk by chunk."""
    tally, start = Tally(), time.process_time()
    for chunk, size in enumerate(chunks(count)):
        work(name, f"{arithmetic} {name} {seed} {chunk}", size, tally)
        advance()
    over = np.array(tally.over)
    return {
        "arithmetic": arithmetic,
        "operation": name,
        "arguments": tally.arguments,
        "failures": tally.failures,
        "first_failure": tally.first,
        "unbounded": tally.unbounded,
        "median_ulp": float(f"{np.median(over):.4g}"),
        "worst_ulp": float(f"{over.max():.4g}"),
        "cpu_seconds": round(time.process_time() - start, 1),
    }


def chunks(count: int) -> Iterator[int]:
    """Sizes of the chunks."""
    for start in range(0, count, CHUNK):
        yield min(CHUNK, count - start)


def page(result: dict[str, Any]) -> str:
    """The results for a reader."""
    names = ("arithmetic", "operation", "arguments", "failures", "unbounded", "median_ulp", "worst_ulp", "cpu_seconds")
    rows = [[one[name] for name in names] for one in result["operations"]]
    vectors = result["vectors"]
    judged = ", ".join(f"{number} by {name}" for name, number in vectors["judged"].items())
    return "\n".join(
        [
            "# Enclosures against Arb\n",
            f"`python benchmarks/enclosures.py --count {result['count']} --seed {result['seed']}`\n",
            f"{result['arguments']} random and adversarial arguments of {len(rows)} operations.",
            f"**Containment failures: {result['failures']}.**\n",
            markdown(["arithmetic", "operation", "arguments", "failures", "unbounded", "median, ulp", "worst, ulp", "CPU s"], rows),
            "",
            "ulp: units in the last place of the end, of 53 bits (fast) or 128 bits (mpmath); of 2^-128 for `divided_by_root`; 2^-128 of",
            "the value for `exp_nonpositive`; integers for `floor`; decisions missed for the signs. `unbounded`: an infinite or NaN end,",
            "of the argument or the result (for exp: an argument below the cap), judged for containment and not for width. Seconds include",
            "the judge. Functions of one variable: an end near 0 of an enclosure of ordinary width counts enormous, see the median.\n",
            f"Vectors in the language of the IEEE 1788 suites ({', '.join(vectors['files'])}): {judged};",
            f"{len(vectors['failures'])} failures.\n",
        ]
    )


def main() -> int:
    """Measure what is left, writing the results after each operation."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1_000_000, help="arguments per operation")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--vectors", nargs="+", type=Path, default=[], metavar="FOLDER", help="more files *.itl, such as the IEEE 1788 suites"
    )
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="measure these operations again")
    args = parser.parse_args()
    state = hashlib.sha256(b"".join((ROOT / name).read_bytes() for name in (*SOURCES, "benchmarks/enclosure_arguments.py")))
    key = {"count": args.count, "seed": args.seed, "source": state.hexdigest()[:12]}
    place = RESULTS / "enclosures.json"
    before = json.loads(place.read_text(encoding="utf-8")) if place.exists() else {}
    same = {name: before.get(name) for name in key} == key
    done = {
        (one["arithmetic"], one["operation"]): one for one in before.get("operations", []) if same and one["operation"] not in args.only
    }
    with progress("enclosures", len(OPERATIONS) * len(list(chunks(args.count)))) as advance:
        for arithmetic, name, work in OPERATIONS:
            if (arithmetic, name) not in done:
                done[arithmetic, name] = measure(arithmetic, name, work, args.count, args.seed, advance)
            operations = [done[a, n] for a, n, _ in OPERATIONS if (a, n) in done]
            total = {field: sum(one[field] for one in operations) for field in ("arguments", "failures")}
            write(place, json.dumps({**key, **total, "operations": operations, "machine": machine()}, indent=1) + "\n")
    paths = [path for folder in [ROOT / "tests" / "vectors", *args.vectors] for path in sorted(folder.rglob("*.itl"))]
    found = judge_vectors(paths)
    vectors = {"files": [path.name for path in paths], "judged": found.judged, "not_applicable": found.not_applicable}
    result = json.loads(place.read_text(encoding="utf-8")) | {"vectors": vectors | {"failures": found.failures}}
    write(place, json.dumps(result, indent=1) + "\n")
    write(RESULTS / "enclosures.md", page(result))
    print(f"{result['arguments']} arguments, {result['failures']} containment failures", *found.lines(), sep="\n")
    return 1 if result["failures"] or found.failures else 0


if __name__ == "__main__":
    sys.exit(main())
