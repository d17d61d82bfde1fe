"""Claims that have been published or believed, and are false: z3 finds numbers, and plain Python confirms them.

Each entry states the claim for z3 and, once more and separately, as a function on fractions: its `replay` gets the values that z3
found, looks whether all hypotheses hold and whether the conclusion fails, and tells what came out.  The replays share no code with
the claims.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

import z3

from verifier.lemmas.statements import Builder, Claim, count, dot, largest, least, sentence_of, vector

Values = Mapping[str, Fraction]  # truth values are 0 and 1


@dataclass(frozen=True)
class Replay:
    """What plain Python makes of z3's numbers: a counterexample if the hypotheses hold and the conclusion does not."""

    hypotheses: bool
    conclusion: bool
    story: str

    @property
    def confirmed(self) -> bool:
        """It is a counterexample."""
        return self.hypotheses and not self.conclusion


@dataclass(frozen=True)
class Belief:
    """A false claim; `source`: where it was met; `repaired`: the lemmas or rules that say what is true."""

    build: Builder
    replay: Callable[[Values], Replay]
    source: str
    repaired: tuple[str, ...]

    @property
    def name(self) -> str:
        """The builder's name."""
        return self.build.__name__

    @property
    def sentence(self) -> str:
        """The builder's docstring, on one line."""
        return sentence_of(self.build)


def _several(values: Values, name: str, size: int) -> list[Fraction]:
    return [values[f"{name}{index}"] for index in range(size)]


# The paper's two slips


def mean_and_difference_with_one_sign() -> Claim:
    """The minimum of L + a R is at least min (L + abar R) + (a - abar) min R, for every a."""
    a, centre, fixed, slopes = z3.Real("a"), z3.Real("abar"), vector("L", 2), vector("R", 2)
    truth, mean = (least(*(f + at * s for f, s in zip(fixed, slopes, strict=True))) for at in (a, centre))
    return Claim([a >= 0, a <= 1, centre >= 0, centre <= 1], [truth >= mean + (a - centre) * least(*slopes)])


def _replay_mean_and_difference(values: Values) -> Replay:
    a, centre = values["a"], values["abar"]
    (l0, l1), (r0, r1) = _several(values, "L", 2), _several(values, "R", 2)
    truth = min(l0 + a * r0, l1 + a * r1)
    believed = min(l0 + centre * r0, l1 + centre * r1) + (a - centre) * min(r0, r1)
    return Replay(0 <= a <= 1 and 0 <= centre <= 1, truth >= believed, f"the minimum is {truth}, the claimed bound {believed}")


def one_end_of_the_attention_range() -> Claim:
    """L_x + a R_x + (1 - a) W is positive on a range of a if it is at one end: the lower end if min R > W, else the upper end."""
    a, low, high, worst = z3.Reals("a a_low a_high W")
    fixed, slopes = vector("L", 2), vector("R", 2)

    def positive(at: z3.ArithRef) -> z3.BoolRef:
        return z3.And([f + at * s + (1 - at) * worst > 0 for f, s in zip(fixed, slopes, strict=True)])

    end = z3.If(least(*slopes) > worst, positive(low), positive(high))
    return Claim([low >= 0, low <= a, a <= high, high <= 1, end], [positive(a)])


def _replay_one_end(values: Values) -> Replay:
    a, low, high, worst = (values[name] for name in ("a", "a_low", "a_high", "W"))
    lines = list(zip(_several(values, "L", 2), _several(values, "R", 2), strict=True))
    end = low if min(slope for _, slope in lines) > worst else high
    tested = min(fixed + end * slope + (1 - end) * worst for fixed, slope in lines)
    inside = min(fixed + a * slope + (1 - a) * worst for fixed, slope in lines)
    story = f"at the end that is tested, a = {end}, the least margin is {tested}; at a = {a} it is {inside}"
    return Replay(0 <= low <= a <= high <= 1 and tested > 0, inside > 0, story)


# Steps that were met elsewhere, or that our own conventions warn of


def convexity_through_a_relu() -> Claim:
    """The loss at the hidden value h1 + h2 is at most the mean of the losses at 2 h1 and 2 h2, with a ReLU before the
    last layer.
    """
    z, first, second = z3.Real("z"), z3.Int("h1"), z3.Int("h2")  # z = exp(-u): the loss is log(1 + z^relu(h))

    def wrong(hidden: z3.ArithRef) -> z3.ArithRef:
        power = z3.RealVal(1)
        for size in range(1, 5):
            power = z3.If(hidden >= size, power * z, power)
        return 1 + power

    hypotheses = [z > 0, z < 1, first >= -2, first <= 2, second >= -2, second <= 2]
    middle = wrong(first + second)
    return Claim(hypotheses, [middle * middle <= wrong(2 * first) * wrong(2 * second)])


def _replay_relu(values: Values) -> Replay:
    z, first, second = values["z"], values["h1"], values["h2"]
    middle, left, right = (1 + z ** max(int(h), 0) for h in (first + second, 2 * first, 2 * second))
    whole = first.denominator == second.denominator == 1
    story = f"the loss log {middle} exceeds the mean of log {left} and log {right}: {middle**2} > {left * right}"
    return Replay(whole and 0 < z < 1 and max(abs(first), abs(second)) <= 2, middle**2 <= left * right, story)


def power_iteration_from_above() -> Claim:
    """After three steps of power iteration on G = C'C from (1, 1), |C x| / |x| is at least |C y| / |y| for every y."""
    g, x = vector("g", 2), [z3.RealVal(1), z3.RealVal(1)]  # G is diagonal
    y = vector("y", 2)
    for _ in range(3):
        x = [entry * at for entry, at in zip(g, x, strict=True)]

    def form(at: list[z3.ArithRef]) -> z3.ArithRef:
        return z3.Sum([entry * number * number for entry, number in zip(g, at, strict=True)])

    hypotheses = [entry > 0 for entry in g] + [z3.Or([entry != 0 for entry in y])]
    return Claim(hypotheses, [form(y) * dot(x, x) <= form(x) * dot(y, y)])


def _replay_power_iteration(values: Values) -> Replay:
    (g0, g1), (y0, y1) = _several(values, "g", 2), _several(values, "y", 2)
    x0 = x1 = Fraction(1)
    for _ in range(3):
        x0, x1 = g0 * x0, g1 * x1
    estimate = (g0 * x0 * x0 + g1 * x1 * x1) / (x0 * x0 + x1 * x1)
    stretched = (g0 * y0 * y0 + g1 * y1 * y1) / (y0 * y0 + y1 * y1) if y0 or y1 else Fraction(0)
    story = f"power iteration says sigma^2 = {estimate}, but y is stretched by the square root of {stretched}"
    return Replay(g0 > 0 and g1 > 0 and bool(y0 or y1), stretched <= estimate, story)


def half_a_slack_on_normalised_weights() -> Claim:
    """If scores of a row err by numbers that differ by at most eps, and weights are divided by omega_m, a margin
    positive for factors exp(-+eps/2) is positive.
    """
    factor, y, omega, at_m, other = z3.Reals("F y omega b_m b_k")  # y = exp(eps/2), F the true factor of omega_k / omega_m
    hypotheses = [y > 1, omega > 0, factor <= y * y, factor * (y * y) >= 1]
    hypotheses += [at_m + omega * y * other > 0, at_m * y + omega * other > 0]
    return Claim(hypotheses, [at_m + omega * factor * other > 0])


def _replay_half_a_slack(values: Values) -> Replay:
    factor, y, omega, at_m, other = (values[name] for name in ("F", "y", "omega", "b_m", "b_k"))
    believed = min(at_m + omega * y * other, at_m + omega / y * other) if y else Fraction(0)
    truth = at_m + omega * factor * other
    story = f"with exp(eps/2) = {y} the margin is thought to be at least {believed}; the true factor may be {factor}, and it is {truth}"
    return Replay(y > 1 and omega > 0 and y**-2 <= factor <= y**2 and believed > 0, truth > 0, story)


def positions_at_their_best() -> Claim:
    """Attention is nonnegative and sums to one, so min_x (D_x + sum a_i p_{i,x}) is at least min_x D_x + min_x max_i p_{i,x}."""
    a, d, first, second = vector("a", 2), vector("D", 2), vector("p0_", 2), vector("p1_", 2)
    truth = least(*(d[x] + a[0] * first[x] + a[1] * second[x] for x in range(2)))
    folded = least(*d) + least(*(largest(first[x], second[x]) for x in range(2)))
    return Claim([a[0] >= 0, a[1] >= 0, a[0] + a[1] == 1], [truth >= folded])


def _replay_positions(values: Values) -> Replay:
    (a0, a1), gaps = _several(values, "a", 2), _several(values, "D", 2)
    places = list(zip(_several(values, "p0_", 2), _several(values, "p1_", 2), strict=True))  # per output
    truth = min(gap + a0 * here + a1 * there for gap, (here, there) in zip(gaps, places, strict=True))
    believed = min(gaps) + min(max(pair) for pair in places)
    return Replay(a0 >= 0 and a1 >= 0 and a0 + a1 == 1, truth >= believed, f"the minimum is {truth}, the claimed bound {believed}")


def mixtures_with_positions() -> Claim:
    """If base + sum over slots of f_i(k) is positive for each token k in all slots at once, it is positive for every
    mixture, f_i depending on the slot.
    """
    base, first, second = z3.Real("base"), vector("f0_", 2), vector("f1_", 2)
    pure = [base + first[k] + second[k] > 0 for k in range(2)]
    return Claim(pure, [z3.And([base + a + b > 0 for a in first for b in second])])


def _replay_mixtures(values: Values) -> Replay:
    base, first, second = values["base"], _several(values, "f0_", 2), _several(values, "f1_", 2)
    sums = {(j, k): base + first[j] + second[k] for j in range(2) for k in range(2)}
    pure, worst = min(sums[0, 0], sums[1, 1]), min(sums, key=lambda pair: sums[pair])
    story = f"pure sequences have at least {pure}, the tokens {worst[0]}, {worst[1]} have {sums[worst]}"
    return Replay(pure > 0, sums[worst] > 0, story)


def least_weight_gives_the_least_term() -> Claim:
    """If 0 < w0 <= w, then w b >= w0 b."""
    w, low, b = z3.Reals("w w0 b")
    return Claim([low > 0, low <= w], [w * b >= low * b])


def _replay_least_weight(values: Values) -> Replay:
    w, low, b = values["w"], values["w0"], values["b"]
    return Replay(0 < low <= w, w * b >= low * b, f"w b is {w * b}, w0 b is {low * b}")


def cross_terms_dropped() -> Claim:
    """With the direction (1, 0) peeled from both sides, a table is its low-rank part plus its all-residual part."""
    (s00, s01), (s10, s11) = vector("s0", 2), vector("s1", 2)
    part, rest = [[s00, 0], [0, 0]], [[0, 0], [0, s11]]
    table = [[s00, s01], [s10, s11]]
    return Claim([], [z3.And([table[i][j] == part[i][j] + rest[i][j] for i in range(2) for j in range(2)])])


def _replay_cross_terms(values: Values) -> Replay:
    table = [_several(values, "s0", 2), _several(values, "s1", 2)]
    kept = [[table[0][0], Fraction(0)], [Fraction(0), table[1][1]]]  # P S P + (1 - P) S (1 - P), P the projection on (1, 0)
    lost = [[table[i][j] - kept[i][j] for j in range(2)] for i in range(2)]
    story = "the cross terms are " + ", ".join(str(entry) for row in lost for entry in row)
    return Replay(True, not any(entry for row in lost for entry in row), story)


def ties_are_right() -> Claim:
    """If logit[m] >= logit[x] for all x, the first output with the largest logit is m."""
    logits, m = vector("l", 3), z3.Int("m")
    top = largest(*logits)
    first = z3.If(logits[0] == top, 0, z3.If(logits[1] == top, 1, 2))
    at_m = z3.If(m == 0, logits[0], z3.If(m == 1, logits[1], logits[2]))
    return Claim([m >= 0, m < 3, *(at_m >= logit for logit in logits)], [first == m])


def _replay_ties(values: Values) -> Replay:
    logits, m = _several(values, "l", 3), int(values["m"])
    answer = logits.index(max(logits))
    inside = values["m"].denominator == 1 and 0 <= m < 3
    return Replay(inside and all(logits[m] >= logit for logit in logits), answer == m, f"the answer is {answer}, the maximum {m}")


def overlapping_groups_add() -> Claim:
    """If all inputs of two groups are right, the number of right inputs is at least the sum of the groups' sizes."""
    right, first, second = ([z3.Bool(f"{name}{t}") for t in range(3)] for name in ("right", "first", "second"))
    hypotheses = [z3.Implies(z3.Or(a, b), holds) for a, b, holds in zip(first, second, right, strict=True)]
    return Claim(hypotheses, [count(first) + count(second) <= count(right)])


def _replay_groups(values: Values) -> Replay:
    right, first, second = ({t for t in range(3) if values[f"{name}{t}"]} for name in ("right", "first", "second"))
    story = f"groups of {len(first)} and {len(second)} inputs, {len(first & second)} in both; {len(right)} inputs are right"
    return Replay(first | second <= right, len(first) + len(second) <= len(right), story)


def least_count_of_several_outputs() -> Claim:
    """The number of inputs at which no output wins is at least the least, over x, of the number of those at which x does not."""
    safe = [[z3.Bool(f"safe{x}_{t}") for t in range(3)] for x in range(2)]
    right = [z3.And(column) for column in zip(*safe, strict=True)]
    return Claim([], [count(right) >= least(*(count(line) for line in safe))])


def _replay_least_count(values: Values) -> Replay:
    safe = [{t for t in range(3) if values[f"safe{x}_{t}"]} for x in range(2)]
    right = safe[0] & safe[1]
    story = f"{len(safe[0])} and {len(safe[1])} inputs are safe from one output each, {len(right)} from both"
    return Replay(True, len(right) >= min(map(len, safe)), story)


def winners_add_up() -> Claim:
    """The number of wrong inputs is at least the sum, over outputs, of the numbers of inputs at which the output wins."""
    wins = [[z3.Bool(f"wins{x}_{t}") for t in range(3)] for x in range(2)]
    return Claim([], [z3.Sum([count(line) for line in wins]) <= count([z3.Or(column) for column in zip(*wins, strict=True)])])


def _replay_winners(values: Values) -> Replay:
    wins = [{t for t in range(3) if values[f"wins{x}_{t}"]} for x in range(2)]
    wrong = wins[0] | wins[1]
    story = f"two outputs win at {len(wins[0])} and {len(wins[1])} inputs, {len(wrong)} inputs are wrong"
    return Replay(True, sum(map(len, wins)) <= len(wrong), story)


def squaring_bound_beyond_its_range() -> Claim:
    """(1 + x/2)^2 <= exp(x) for every x, hence (1 + x/2)^2 <= 1 for every x <= 0."""
    x = z3.Real("x")
    return Claim([x <= 0], [(1 + x / 2) * (1 + x / 2) <= 1])


def _replay_squaring(values: Values) -> Replay:
    x = values["x"]
    return Replay(x <= 0, (1 + x / 2) ** 2 <= 1, f"the bound is {(1 + x / 2) ** 2}, but exp({x}) <= 1")


def one_error_for_each_token() -> Claim:
    """Weights known up to a factor between 1/2 and 2: if w (b0 + b1) + b2 > 0 at both ends, so is w0 b0 + w1 b1 + b2 where two slots
    hold the same token.
    """
    (w0, w1), (b0, b1, b2) = vector("w", 2), vector("b", 3)
    low, high = z3.Q(1, 2), z3.RealVal(2)
    ends = [end * (b0 + b1) + b2 > 0 for end in (low, high)]
    return Claim([*(z3.And(low <= w, w <= high) for w in (w0, w1)), *ends], [w0 * b0 + w1 * b1 + b2 > 0])


def _replay_one_error(values: Values) -> Replay:
    (w0, w1), (b0, b1, b2) = _several(values, "w", 2), _several(values, "b", 3)
    tested = [end * (b0 + b1) + b2 for end in (Fraction(1, 2), Fraction(2))]
    inside = all(Fraction(1, 2) <= w <= 2 for w in (w0, w1))
    found = w0 * b0 + w1 * b1 + b2
    return Replay(inside and min(tested) > 0, found > 0, f"at the ends {tested[0]} and {tested[1]}; with a rounding for each slot {found}")


# Pieces


def largest_sum_alone_for_several_heads() -> Claim:
    """With 0 < Z_h <= M_h: if n_0 / M_0 + n_1 / M_1 is positive, so is n_0 / Z_0 + n_1 / Z_1."""
    n, sums, most = vector("n", 2), vector("Z", 2), vector("M", 2)
    hypotheses = [z3.And(z > 0, z <= m) for z, m in zip(sums, most, strict=True)]
    hypotheses += [n[0] * most[1] + n[1] * most[0] > 0]  # cleared of the denominators
    return Claim(hypotheses, [n[0] * sums[1] + n[1] * sums[0] > 0])


def _replay_largest_sum(values: Values) -> Replay:
    n, sums, most = (_several(values, name, 2) for name in ("n", "Z", "M"))
    if not all(0 < z <= m for z, m in zip(sums, most, strict=True)):
        return Replay(False, True, "sums that are not within their ends")
    believed, truth = (sum(a / b for a, b in zip(n, line, strict=True)) for line in (most, sums))
    return Replay(believed > 0, truth > 0, f"with the largest sums it is {believed}, with the true ones {truth}")


def shares_that_do_not_add_up() -> Claim:
    """If each head exceeds its share, c + the sum of the heads exceeds b, whatever the shares sum to."""
    c, b, heads, shares = z3.Real("c"), z3.Real("b"), vector("o", 2), vector("lambda", 2)
    return Claim([head > share for head, share in zip(heads, shares, strict=True)], [c + z3.Sum(heads) > b])


def _replay_shares(values: Values) -> Replay:
    heads, shares = _several(values, "o", 2), _several(values, "lambda", 2)
    total = values["c"] + sum(heads)
    each = all(head > share for head, share in zip(heads, shares, strict=True))
    return Replay(each, total > values["b"], f"shares that sum to {sum(shares)}; the functional is {total}, the bound {values['b']}")


def chord_of_a_range_that_does_not_hold() -> Claim:
    """If l < 0 < u, then (u - l) relu(z) <= u (z - l), for every z."""
    z, low, high = z3.Reals("z l u")
    return Claim([low < 0, high > 0], [(high - low) * largest(z, z3.RealVal(0)) <= high * (z - low)])


def _replay_chord(values: Values) -> Replay:
    z, low, high = values["z"], values["l"], values["u"]
    if not low < 0 < high:
        return Replay(False, True, "a range on one side of 0")
    chord = high / (high - low) * (z - low)
    return Replay(True, max(z, Fraction(0)) <= chord, f"relu({z}) is {max(z, Fraction(0))}, the chord of [{low}, {high}] {chord} there")


def lines_chosen_for_each_size() -> Claim:
    """If 1/4 is less than both lower bounds of relu(3/2 - s) + relu(s - 3/2), each with lines of its own, it is less at every s."""
    s, low, high = z3.Reals("s low high")
    first, second = z3.Reals("slope0 slope1"), z3.Reals("slope2 slope3")

    def bound(at: z3.ArithRef, slopes: list[z3.ArithRef]) -> z3.ArithRef:
        return slopes[0] * (z3.Q(3, 2) - at) + slopes[1] * (at - z3.Q(3, 2))

    slopes = [z3.And(slope >= 0, slope <= 1) for slope in (*first, *second)]
    ends = [low == 1, high == 2, low <= s, s <= high, bound(low, first) > z3.Q(1, 4), bound(high, second) > z3.Q(1, 4)]
    distance = s - z3.Q(3, 2)
    return Claim([*slopes, *ends], [largest(distance, -distance) > z3.Q(1, 4)])


def _replay_lines(values: Values) -> Replay:
    s, low, high, half = values["s"], values["low"], values["high"], Fraction(3, 2)
    slopes = [values[f"slope{number}"] for number in range(4)]
    bounds = [slopes[2 * end] * (half - at) + slopes[2 * end + 1] * (at - half) for end, at in enumerate((low, high))]
    holds = all(0 <= slope <= 1 for slope in slopes) and (low, high) == (1, 2) and low <= s <= high and min(bounds) > Fraction(1, 4)
    return Replay(holds, abs(s - half) > Fraction(1, 4), f"at the ends {bounds[0]} and {bounds[1]}, at the size {s} only {abs(s - half)}")


def condition_held_to_the_seen_slots() -> Claim:
    """If the score v_0 + v_1 + u, u >= 0 from a slot that is not seen, is between A and B, then v_0 + v_1 is."""
    seen, unseen, (low, high) = vector("v", 2), z3.Real("u"), z3.Reals("A B")
    score = z3.Sum(seen) + unseen
    return Claim([unseen >= 0, low <= score, score <= high], [low <= z3.Sum(seen), z3.Sum(seen) <= high])


def _replay_condition(values: Values) -> Replay:
    seen, unseen, low, high = sum(_several(values, "v", 2)), values["u"], values["A"], values["B"]
    story = f"the score is {seen + unseen}, between {low} and {high}; what is seen sums to {seen}"
    return Replay(unseen >= 0 and low <= seen + unseen <= high, low <= seen <= high, story)


def most_lost_at_one_read() -> Claim:
    """The inputs that are not right at both reads are at most the larger of the numbers lost at each."""
    first, second = ([z3.Bool(f"{name}{t}") for t in range(3)] for name in ("first", "second"))
    lost = [3 - count(line) for line in (first, second)]
    both = [z3.And(a, b) for a, b in zip(first, second, strict=True)]
    return Claim([], [3 - count(both) <= largest(*lost)])


def _replay_most_lost(values: Values) -> Replay:
    first, second = ({t for t in range(3) if not values[f"{name}{t}"]} for name in ("first", "second"))
    story = f"{len(first)} and {len(second)} inputs are lost at the reads, {len(first | second)} at some read"
    return Replay(True, len(first | second) <= max(len(first), len(second)), story)


_PAPER = "the compact-proofs paper and its code"
BELIEFS = (
    Belief(mean_and_difference_with_one_sign, _replay_mean_and_difference, f"{_PAPER}; P1", ("mean_and_difference",)),
    Belief(one_end_of_the_attention_range, _replay_one_end, f"{_PAPER}; P2", ("both_ends_decide",)),
    Belief(convexity_through_a_relu, _replay_relu, "drafts of a tutorial on compact proofs", ("loss_is_convex",)),
    Belief(power_iteration_from_above, _replay_power_iteration, "computed spectral norms; P4", ("trace_of_the_square_bounds_the_norm",)),
    Belief(half_a_slack_on_normalised_weights, _replay_half_a_slack, "a draft of our conventions; P6", ("slack_of_weights",)),
    Belief(positions_at_their_best, _replay_positions, "the paper's signs, read as ours", ("paths_taken_apart",)),
    Belief(mixtures_with_positions, _replay_mixtures, "pure sequences without decoupled positions", ("no_mixture_is_worse",)),
    Belief(least_weight_gives_the_least_term, _replay_least_weight, "interval products done by hand", ("product_range",)),
    Belief(cross_terms_dropped, _replay_cross_terms, "the paper's code; P4", ("peel_telescopes",)),
    Belief(ties_are_right, _replay_ties, "accuracies by argmax; P5", ("margins_decide",)),
    Belief(overlapping_groups_add, _replay_groups, "counts of groups that are not disjoint", ("largest_count_of_each_cell",)),
    Belief(least_count_of_several_outputs, _replay_least_count, "constraints counted one by one", ("failures_add",)),
    Belief(winners_add_up, _replay_winners, "upper bounds by the union of what each output wins", ("winners_overlap",)),
    Belief(one_error_for_each_token, _replay_one_error, "a draft of our float32 statements", ("product_range",)),
    Belief(
        largest_sum_alone_for_several_heads,
        _replay_largest_sum,
        "a draft of the rule for several heads",
        ("heads_with_shares", "inverse_of_an_enclosed_sum"),
    ),
    Belief(shares_that_do_not_add_up, _replay_shares, "shares taken from hints as they are", ("heads_with_shares",)),
    Belief(chord_of_a_range_that_does_not_hold, _replay_chord, "ranges found by sampling", ("relu_below_its_chord",)),
    Belief(lines_chosen_for_each_size, _replay_lines, "both ends of a norm's size, relaxed apart", ("size_at_both_ends",)),
    Belief(
        condition_held_to_the_seen_slots,
        _replay_condition,
        "our kernel, until a reader found it",
        ("condition_on_seen_slots", "condition_by_a_multiplier"),
    ),
    Belief(most_lost_at_one_read, _replay_most_lost, "accuracies position by position", ("lost_at_some_read",)),
    Belief(squaring_bound_beyond_its_range, _replay_squaring, "exp by squaring with a large argument", ("exp_lower_by_squaring",)),
)
