"""The integers that Lean's checker compares: every table of a certificate, computed here, believed nowhere.

`lean/Verifier/Checker.lean` says what each field means.  A wrong number makes the checker say no, never a wrong yes.
Weights are integers over 2^e, tables of paths over 2^(4e); `scope` ranges are half open, as in Lean.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isqrt, prod

from .family import Followed, Row, Sorting, Table


@dataclass(frozen=True)
class LeanModel:
    """A model as Lean sees it: seven integer matrices over 2^e."""

    v: int
    n: int
    d: int
    h: int
    e: int
    matrices: dict[str, Table]  # E, P, Q, K, V, O, U


@dataclass(frozen=True)
class Precision:
    """Scores over 2^p, k squarings, weights over 2^w, the inverse root of the head width over 2^r."""

    p: int = 64
    k: int = 40
    w: int = 104
    r: int = 96


def lean_model(weights: Mapping[str, Sequence[Sequence[tuple[int, int]]]]) -> LeanModel:
    """The exact weights (mantissa, exponent) of a kernel `Model`, brought to one exponent."""
    lowest = min((exponent for rows in weights.values() for row in rows for mantissa, exponent in row if mantissa), default=0)
    e = max(-lowest, 0)
    short = {"W_E": "E", "W_pos": "P", "W_Q": "Q", "W_K": "K", "W_V": "V", "W_O": "O", "W_U": "U"}
    matrices = {short[name]: [[m << (x + e) if m else 0 for m, x in row] for row in rows] for name, rows in weights.items()}
    return LeanModel(len(matrices["E"]), len(matrices["P"]), len(matrices["U"]), len(matrices["O"]), e, matrices)


def columns(table: Table) -> Table:
    """The transpose."""
    return [list(column) for column in zip(*table, strict=True)]


def times(left: Table, right_columns: Table) -> Table:
    """Lean's `mulT`."""
    return [[sum(a * b for a, b in zip(row, column, strict=True)) for column in right_columns] for row in left]


def exp_lo(p: int, k: int, w: int, x: int) -> int:
    """Lean's `expLo`."""
    a = max((((1 << (p + k)) + x) << w) >> (p + k), 0)
    for _ in range(k):
        a = a * a >> w
    return a


def exp_hi(p: int, k: int, w: int, x: int) -> int:
    """Lean's `expHi`."""
    unit = 1 << (p + k)
    a = max(((unit << w) + (unit - x - 1)) // (unit - x), 0)
    for _ in range(k):
        a = (a * a + (1 << w) - 1) >> w
    return a


def scale_lo(lo: int, hi: int, gap: int) -> int:
    """Lean's `scaleLo`."""
    return lo * gap if gap >= 0 else hi * gap


@dataclass(frozen=True)
class Enclosures:
    """Lower and upper weights of scores that are at most 0, over 2^(4e)."""

    precision: Precision
    root_lo: int
    root_hi: int
    unit_bits: int

    @classmethod
    def of(cls, model: LeanModel, precision: Precision) -> Enclosures:
        square = 1 << (2 * precision.r)
        low = isqrt(square // model.h)
        high = low if low * low * model.h == square else low + 1
        return cls(precision, low, high, 4 * model.e)

    def weight(self, y: int) -> tuple[int, int]:
        """(lo, hi) of exp(y / (sqrt h 2^(4e))) for y <= 0, over 2^w."""
        P, bits = self.precision, self.precision.r + self.unit_bits
        below = (scale_lo(self.root_lo, self.root_hi, y) << P.p) >> bits
        above = -((-(scale_lo(self.root_hi, self.root_lo, y) << P.p)) >> bits)
        return exp_lo(P.p, P.k, P.w, below), exp_hi(P.p, P.k, P.w, above)

    def table(self, scores: Table, tops: Row) -> tuple[Table, Table]:
        """Both ends for a table of scores, each row lowered by its top."""
        pairs = [[self.weight(y - top) for y in row] for row, top in zip(scores, tops, strict=True)]
        return [[lo for lo, _ in row] for row in pairs], [[hi for _, hi in row] for row in pairs]


@dataclass(frozen=True)
class Part:
    """Lean's `Part`: the constraint of some wrong outputs.  G: per query; worst: position, key; plan: per query."""

    G: Row
    worst: Table
    plan: Table


@dataclass(frozen=True)
class Split:
    """Lean's `Split`: how the wrong outputs are sorted, and the constraint of each part."""

    sorting: Sorting
    parts: list[Part]


@dataclass(frozen=True)
class Hints:
    """The fields of Lean's `Certificate`, and the number of inputs that it certifies.  tables: by Lean's field names."""

    tables: dict[str, Table]
    top: Row
    ptop: Row
    splits: list[list[Split]]
    absent: list[list[Split]]
    bins: int
    enclosures: Enclosures
    base_bits: int
    certified: int


def make_hints(model: LeanModel, family: Followed, scope: Sequence[tuple[int, int]], precision: Precision) -> Hints:
    """Everything that Lean will compare."""
    W, v, n = model.matrices, model.v, model.n
    c: dict[str, Table] = {f"{name}t": columns(W[name]) for name in ("U", "Q", "K", "V", "O")}
    c["X"] = [[a + b for a, b in zip(row, W["P"][n - 1], strict=True)] for row in W["E"]]
    c["XQ"] = times(c["X"], c["Qt"])
    c["EK"], c["PK"] = times(W["E"], c["Kt"]), times(W["P"], c["Kt"])
    c["EV"], c["PV"] = times(W["E"], c["Vt"]), times(W["P"], c["Vt"])
    c["EVO"], c["PVO"] = times(c["EV"], c["Ot"]), times(c["PV"], c["Ot"])
    c["skipRaw"] = times(c["X"], c["Ut"])
    c["skip"] = [[x << (2 * model.e) for x in row] for row in c["skipRaw"]]
    c["score"], c["pscore"] = times(c["XQ"], c["EK"]), times(c["XQ"], c["PK"])
    c["copy"], c["pcopy"] = times(c["EVO"], c["Ut"]), times(c["PVO"], c["Ut"])
    enclosures = Enclosures.of(model, precision)
    top, ptop = [max(row) for row in c["score"]], [max(row) for row in c["pscore"]]
    c["omegaLo"], c["omegaHi"] = enclosures.table(c["score"], top)
    c["rhoLo"], c["rhoHi"] = enclosures.table(c["pscore"], ptop)

    def filled(choices: Sequence[Sorting], m: int, *, spared: bool) -> list[Split]:
        return [Split(one, [make_part(c, one, m, j, n, family.bins, spared=spared) for j in range(one.parts)]) for one in choices]

    splits = [filled(family.sortings[m], m, spared=False) for m in range(v)]
    absent = [filled(family.absent[m], m, spared=True) for m in range(v)]
    bits = base_bits(scope)
    certified = 0
    for m in range(v):
        for q in range(m + 1):
            best = pair_count(c, splits[m], scope, q, m, bits)
            certified += max([best, *(absent_count(c, split.parts[0], scope, q, m, family.bins, bits) for split in absent[m])])
    return Hints(c, top, ptop, splits, absent, family.bins, enclosures, bits, certified)


def make_part(c: Mapping[str, Table], sorting: Sorting, m: int, j: int, n: int, bins: int, *, spared: bool) -> Part:
    """The least gaps over the outputs of part `j`, and a plan per query.  spared: a token's copy path leaves its own output out."""
    own = [x for x in range(len(c["skip"])) if x != m and sorting.label[x] == j]
    shift = sorting.shift

    def worst_gap(i: int, k: int) -> int:
        copy, place = c["copy"][k], c["pcopy"][i]
        gaps = [shift[x] - copy[x] - place[x] for x in own if not (spared and x == k)]
        return copy[m] + place[m] + min(gaps) if gaps else copy[m] + place[m]

    G = [c["skip"][q][m] + min((-c["skip"][q][x] - shift[x] for x in own), default=0) for q in range(m + 1)]
    part = Part(G, [[worst_gap(i, k) for k in range(m + 1)] for i in range(n)], [])
    for q in range(m + 1):
        terms = terms_of(c, part, q)
        part.plan.append(make_plan(terms[n - 1][q], terms[: n - 1], bins))
    return part


def terms_of(c: Mapping[str, Table], part: Part, q: int) -> Table:
    """Lean's `termAt` for every position and key."""
    return [
        [
            scale_lo(c["rhoLo"][q][i] * c["omegaLo"][q][k], c["rhoHi"][q][i] * c["omegaHi"][q][k], part.G[q] + gap)
            for k, gap in enumerate(line)
        ]
        for i, line in enumerate(part.worst)
    ]


def pair_count(c: Mapping[str, Table], splits: Sequence[Split], scope: Sequence[tuple[int, int]], q: int, m: int, base_bits: int) -> int:
    """Lean's `pairCount` for q <= m: the best split, the pair less what each of its parts loses."""
    best, size, free = 0, pair_size(scope, q, m), len(scope) - 1
    for split in splits:
        lost = 0
        for part in split.parts:
            terms = terms_of(c, part, q)
            lost += size - count_group(part.plan[q], terms[:free], terms[free][q], scope, q, m, base_bits)
        best = max(best, size - lost)
    return best


def absent_count(c: Mapping[str, Table], part: Part, scope: Sequence[tuple[int, int]], q: int, m: int, bins: int, base_bits: int) -> int:
    """Lean's `absentCount`: the pair less what is lost to absent outputs and to each token below m that occurs."""
    size, free = pair_size(scope, q, m), len(scope) - 1
    terms = terms_of(c, part, q)
    lost = size - count_group(part.plan[q], terms[:free], terms[free][q], scope, q, m, base_bits)

    def exact(x: int, i: int, k: int) -> int:
        skip, copy, place = c["skip"][q], c["copy"][k], c["pcopy"][i]
        gap = skip[m] - skip[x] + copy[m] - copy[x] + place[m] - place[x]
        return scale_lo(c["rhoLo"][q][i] * c["omegaLo"][q][k], c["rhoHi"][q][i] * c["omegaHi"][q][k], gap)

    least = [min(line) for line in terms[:free]]
    for x in range(m):
        base = exact(x, free, q)
        own, largest = [exact(x, i, x) for i in range(free)], [exact(x, i, m) for i in range(free)]
        worst = [min(trio) for trio in zip(least, own, largest, strict=True)]
        if not dismissed(base, own, largest, worst, x_is_query=x == q, m_is_query=q == m):
            beside = [[own[i] if k == x else largest[i] if k == m else terms[i][k] for k in range(m + 1)] for i in range(free)]
            plan = make_plan(base, beside, bins)
            found = count_group(plan, beside, base, scope, q, m, base_bits)
            found -= count_group(plan, beside, base, scope, q, m, base_bits, without=x)
            lost += size - pair_size(scope, q, m, without=x) - found
    return max(size - lost, 0)


def dismissed(base: int, own: Row, largest: Row, worst: Row, *, x_is_query: bool, m_is_query: bool) -> bool:
    """Lean's `dismissed`: the sum is positive with x and m at any two positions, unless the query is one of them."""
    free = range(len(own))
    for j in free:
        for at in free:
            if j == at and not x_is_query and not m_is_query:
                continue
            held = {at: largest[at]} if not m_is_query else {}
            held |= {j: own[j]} if not x_is_query else {}
            if base + sum(held.get(i, worst[i]) for i in free) <= 0:
                return False
    return True


def pair_size(scope: Sequence[tuple[int, int]], q: int, m: int, without: int = -1) -> int:
    """Lean's `pairSize`: the sequences of the scope with query `q` and maximum `m`, and without a token."""

    def upto(bound: int) -> int:
        last = scope[-1][0] <= q < min(scope[-1][1], bound) and q != without
        return int(last) * prod(max(min(hi, bound) - lo, 0) - int(lo <= without < min(hi, bound)) for lo, hi in scope[:-1])

    return upto(m + 1) - upto(m)


def base_bits(scope: Sequence[tuple[int, int]]) -> int:
    """Enough bits per digit that no count overflows."""
    return (prod(hi - lo for lo, hi in scope) + 1).bit_length() + 1


def make_plan(base: int, terms: Table, bins: int) -> Row:
    """[bin width, threshold, reference of each free position]: any such numbers are sound, these lose little.

    Tokens with a small loss share bin 0; bins below what the other positions can make good are left out.
    """
    if base + sum(min(line) for line in terms) > 0:  # everything is right
        return [max([1, *(max(line) - min(line) + 1 for line in terms)]), 0, *(min(line) for line in terms)]
    centres = []
    for line in terms:
        largest = max(abs(term) for term in line)
        near = [term for term in line[:-1] if 100 * term >= -largest]
        centres.append(min(near) if near else max(line))
    spread = max((max(line) - centre for line, centre in zip(terms, centres, strict=True)), default=0)
    step = max(spread // bins, abs(base + sum(centres)) // (16 * bins), 1)
    numbers = [[(term - centre) // step for term in line] for line, centre in zip(terms, centres, strict=True)]
    threshold = -(base + sum(centres)) // step + 1
    tops = [max(line) for line in numbers]
    floors = []
    for line, own in zip(numbers, tops, strict=True):
        kept = [b for b in line if b + sum(tops) - own >= threshold]
        floors.append(min(kept) if kept else own)
    references = [centre + step * low for centre, low in zip(centres, floors, strict=True)]
    return [step, max(threshold - sum(floors), 0), *references]


def count_group(
    plan: Row, terms: Table, base: int, scope: Sequence[tuple[int, int]], q: int, m: int, base_bits: int, without: int = -1
) -> int:
    """Lean's `planCount`, of the sequences without a token."""
    step, threshold, *references = plan
    if step <= 0 or base + sum(references) + step * threshold <= 0:
        return 0
    one_less = (1 << base_bits) - 1
    counts = []
    for bound in (m + 1, m):
        product = 1 if scope[-1][0] <= q < scope[-1][1] and q < bound and q != without else 0
        for line, reference, (lo, hi) in zip(terms, references, scope[:-1], strict=True):
            values = [
                min((line[k] - reference) // step, threshold) for k in range(lo, min(hi, bound)) if line[k] >= reference and k != without
            ]
            product *= sum(1 << (base_bits * value) for value in values)
        counts.append((product >> (base_bits * threshold)) % one_less)
    return counts[0] - counts[1]
