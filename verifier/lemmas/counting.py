"""The rules that count, list and add up: count_sums, count_leaves, count_blocks, list_exceptions, wrong_inputs, accuracy.

Small finite statements: which inputs are right is an unknown truth value for each, and the counts are sums of these.
"""

from __future__ import annotations

from itertools import product

import z3

from verifier.lemmas.shared import product_keeps_order, product_keeps_order_strictly, product_of_positives
from verifier.lemmas.statements import Claim, Lemma, count, largest, least, use, vector

Filling = tuple[int, ...]


def _right(fillings: list[Filling]) -> dict[Filling, z3.BoolRef]:
    """Whether the input with these tokens in the free slots is right: anything is possible."""
    return {tokens: z3.Bool("right_" + "".join(map(str, tokens))) for tokens in fillings}


# which inputs there are: list_exceptions, pure_margin


def boxes_meet_each_input_once() -> Claim:
    """If q < m, one box for each free slot that is the first to hold m: the right inputs in the boxes are the right
    ones with maximum m.
    """
    m, slots = 2, 3
    right = _right(list(product(range(m + 1), repeat=slots)))
    boxes = [product(*([range(m)] * first + [[m]] + [range(m + 1)] * (slots - first - 1))) for first in range(slots)]
    walked = count([right[tokens] for box in boxes for tokens in box])
    return Claim([], [walked == count([holds for tokens, holds in right.items() if m in tokens])])


def groups_have_binomial_sizes() -> Claim:
    """Of three free slots, exactly c below m and these from G: binomial(3, c) |G|^c fillings, for each set G of tokens below m."""
    m, slots, binomial = 2, 3, (1, 3, 3, 1)
    inside = [z3.Bool(f"G{k}") for k in range(m)]
    size, conclusions = count(inside), []
    for c in range(slots + 1):
        fillings = [tokens for tokens in product(range(m + 1), repeat=slots) if sum(k < m for k in tokens) == c]
        found = count([z3.And([inside[k] for k in tokens if k < m]) for tokens in fillings])
        powers = z3.Sum([z3.If(size == s, s**c, 0) for s in range(m + 1)])
        conclusions.append(found == binomial[c] * powers)
    return Claim([], conclusions)


# count_sums


def bins_are_lower_bounds() -> Claim:
    """If h idx_i <= a_i - c_i, then base + sum a_i is at least base + sum c_i + h sum idx_i, and positive where the
    latter's threshold is met.
    """
    base, h, theta = z3.Reals("base h theta")
    terms, offsets, bins = vector("a", 3), vector("c", 3), vector("idx", 3)
    hypotheses = [h > 0, *(h * i <= a - c for a, c, i in zip(terms, offsets, bins, strict=True))]
    low = base + z3.Sum(offsets) + h * z3.Sum(bins)
    reached = z3.And(z3.Sum(bins) >= theta, base + z3.Sum(offsets) + h * theta > 0)
    helped = [use(product_keeps_order, w=h, b=theta, c=z3.Sum(bins))]
    return Claim(hypotheses, [base + z3.Sum(terms) >= low, z3.Implies(reached, base + z3.Sum(terms) > 0)], helped)


def histograms_multiply() -> Claim:
    """The number of pairs of tokens whose bin numbers sum to at least theta is a sum of coefficients of the product of
    the histograms.
    """
    tokens, bins = 2, 3
    first, second = ([z3.Int(f"idx{slot}{k}") for k in range(tokens)] for slot in range(2))
    theta = z3.Int("theta")
    hypotheses = [z3.And(number >= 0, number < bins) for number in (*first, *second)]
    histograms = [[count([number == b for number in slot]) for b in range(bins)] for slot in (first, second)]
    product_sum = z3.Sum([z3.If(i + j >= theta, histograms[0][i] * histograms[1][j], 0) for i, j in product(range(bins), repeat=2)])
    return Claim(hypotheses, [count([a + b >= theta for a, b in product(first, second)]) == product_sum])


def bins_too_high_or_too_low() -> Claim:
    """Lowering a bin to the height at which the input counts whatever the others hold, or dropping one that no others
    can rescue, changes no answer.
    """
    bins, floors, tops = ([z3.Int(f"{name}{i}") for i in range(3)] for name in ("b", "low", "top"))
    theta = z3.Int("theta")
    hypotheses = [z3.And(low <= b, b <= top) for b, low, top in zip(bins, floors, tops, strict=True)]
    caps = [largest(theta - (z3.Sum(floors) - low), low) for low in floors]
    capped = z3.Sum([least(b, cap) for b, cap in zip(bins, caps, strict=True)])
    dropped = z3.Or([b + z3.Sum(tops) - top < theta for b, top in zip(bins, tops, strict=True)])
    return Claim(hypotheses, [(capped >= theta) == (z3.Sum(bins) >= theta), z3.Implies(dropped, z3.Sum(bins) < theta)])


def fields_do_not_overflow() -> Claim:
    """Counts in fields of one integer: if all together stay below W - 1, then (f_0 + W f_1 + W^2 f_2) mod (W - 1) is
    their sum, and shifting drops the lowest.
    """
    width = 16
    fields = [z3.Int(f"f{i}") for i in range(3)]
    packed = z3.Sum([f * width**i for i, f in enumerate(fields)])
    hypotheses = [*(f >= 0 for f in fields), z3.Sum(fields) < width - 1]
    return Claim(hypotheses, [packed % (width - 1) == z3.Sum(fields), (packed / width) % (width - 1) == fields[1] + fields[2]])


def fillings_with_the_maximum() -> Claim:
    """Right fillings with tokens <= m, minus those with tokens < m, are the right ones that hold m."""
    m = 2
    right = _right(list(product(range(m + 1), repeat=2)))
    without = count([holds for tokens, holds in right.items() if m not in tokens])
    return Claim([], [count(list(right.values())) - without == count([holds for tokens, holds in right.items() if m in tokens])])


def failures_add() -> Claim:
    """The number total - sum over x of (total - count_x) is at most the number of inputs at which no output x wins."""
    inputs, outputs = 5, 3
    beats = [[z3.Bool(f"beats{x}_{t}") for t in range(inputs)] for x in range(outputs)]
    lost = z3.Sum([inputs - count(line) for line in beats])
    return Claim([], [inputs - lost <= count([z3.And(column) for column in zip(*beats, strict=True)])])


# count_leaves


def one_grid_from_both_sides() -> Claim:
    """Whole terms with quotients idx and remainders by h: a sum that is at most 0 has h sum idx <= -bottom, and one whose idx meet the
    lower threshold has a margin of at most 0.
    """
    base, h, slack, margin = z3.Ints("base h slack margin")
    terms, offsets, scaled = ([z3.Int(f"{name}{i}") for i in range(3)] for name in ("a", "c", "h_idx"))
    hypotheses = [z3.And(s <= a - c, a - c <= s + h - 1) for a, c, s in zip(terms, offsets, scaled, strict=True)]
    hypotheses.append(margin <= base + z3.Sum(terms) + slack)
    bottom = base + z3.Sum(offsets)
    possible = z3.Implies(base + z3.Sum(terms) <= 0, bottom + z3.Sum(scaled) <= 0)
    certain = z3.Implies(bottom + z3.Sum(scaled) + 3 * (h - 1) + slack <= 0, margin <= 0)
    return Claim(hypotheses, [possible, certain])


def leaves_by_the_largest_other_token() -> Claim:
    """Of two free slots, maximum 3 and query 0: what holds 3 and is below c besides, less the same for b, are the inputs whose largest
    other token is at least b and below c.
    """
    m, right = 3, _right(list(product(range(4), repeat=2)))

    def held(stop: int) -> z3.ArithRef:
        whole = [holds for tokens, holds in right.items() if all(k < stop or k == m for k in tokens)]
        return count(whole) - count([holds for tokens, holds in right.items() if all(k < stop for k in tokens)])

    conclusions = []
    for low, high in ((1, 2), (1, 3), (2, 3)):
        inside = [tokens for tokens in right if m in tokens and low <= max((k for k in tokens if k != m), default=0) < high]
        conclusions.append(held(high) - held(low) == count([right[tokens] for tokens in inside]))
    return Claim([], conclusions)


def winners_overlap() -> Claim:
    """The largest, over outputs, of the number of inputs at which the output wins is at most the number of wrong inputs; that at most the
    sum of the numbers at which it may win.
    """
    inputs, outputs = 5, 3
    wins, may = ([[z3.Bool(f"{name}{x}_{t}") for t in range(inputs)] for x in range(outputs)] for name in ("wins", "may"))
    hypotheses = [z3.Implies(wins[x][t], may[x][t]) for x in range(outputs) for t in range(inputs)]
    wrong = count([z3.Or(column) for column in zip(*wins, strict=True)])
    most = z3.Sum([count(line) for line in may])
    return Claim(hypotheses, [largest(*(count(line) for line in wins)) <= wrong, wrong <= most])


# count_blocks


def lesser_term_in_the_block_of_x() -> Claim:
    """In a pattern with x in the block of slot 1, slot 2 in the same block may hold x or not: the lesser lower bound
    serves both.
    """
    tokens = [z3.Int("t1"), z3.Int("t2")]  # 0, or anything else for the second token of the block
    own, first, second, off = (vector(name, 2) for name in ("own", "psi1_", "psi2_", "off"))
    lows = vector("low", 4)
    hypotheses = [low <= value for low, line in zip(lows, (own, first, second, off), strict=True) for value in line]
    hypotheses.append(lows[0] + lows[1] + least(lows[2], lows[3]) > 0)

    def at(line: list[z3.ArithRef], token: z3.ArithRef) -> z3.ArithRef:
        return z3.If(token == 0, line[0], line[1])

    beside = z3.If(tokens[1] == tokens[0], at(second, tokens[0]), at(off, tokens[1]))
    return Claim(hypotheses, [at(own, tokens[0]) + at(first, tokens[0]) + beside > 0])


def patterns_are_disjoint() -> Claim:
    """If all inputs of each certified pattern are right, the sizes of the certified patterns sum to at most the number
    of right inputs.
    """
    blocks = ((0, 1), (2,))
    right = _right(list(product(range(3), repeat=2)))
    patterns = [(z3.Bool(f"certified{i}{j}"), list(product(blocks[i], blocks[j]))) for i, j in product(range(2), repeat=2)]
    hypotheses = [z3.Implies(certified, z3.And([right[tokens] for tokens in box])) for certified, box in patterns]
    total = z3.Sum([z3.If(certified, len(box), 0) for certified, box in patterns])
    return Claim(hypotheses, [total <= count(list(right.values()))])


# list_exceptions


def dismissed_by_the_least_terms() -> Claim:
    """If base + the least term of each slot + the least that m costs more in some slot is positive, so is the sum at every
    input with m in some slot; without that cost, at every input.
    """
    base, at_m, lows = z3.Real("base"), vector("at_m", 3), vector("least", 3)
    terms, holds = vector("term", 3), [z3.Bool(f"m{i}") for i in range(3)]
    hypotheses = [low <= term for low, term in zip(lows, terms, strict=True)]
    hypotheses += [z3.Implies(here, term == top) for here, term, top in zip(holds, terms, at_m, strict=True)]
    more, total = least(*(top - low for top, low in zip(at_m, lows, strict=True))), base + z3.Sum(terms)
    conclusions = [z3.Implies(z3.And(z3.Or(holds), base + z3.Sum(lows) + more > 0), total > 0)]
    return Claim(hypotheses, [*conclusions, z3.Implies(base + z3.Sum(lows) > 0, total > 0)])


def loop_may_stop() -> Claim:
    """Terms in ascending order: if the sum with one term and the least of the slots to come is positive, so it is with
    every later term.
    """
    total, rest, least_after = z3.Reals("total rest least_after")
    column = vector("term", 4)
    hypotheses = [column[i] <= column[i + 1] for i in range(3)] + [least_after <= rest]
    later = [(i, j) for i in range(4) for j in range(i, 4)]
    return Claim(hypotheses, [z3.Implies(total + column[i] + least_after > 0, total + column[j] + rest > 0) for i, j in later])


def exceptions_are_one_set() -> Claim:
    """If every input at which some constraint fails is listed for it, the number of inputs minus that of the distinct listed ones
    is at most that of the right ones.
    """
    inputs, outputs = 5, 3
    wins, listed = ([[z3.Bool(f"{name}{x}_{t}") for t in range(inputs)] for x in range(outputs)] for name in ("wins", "listed"))
    hypotheses = [z3.Implies(wins[x][t], listed[x][t]) for x in range(outputs) for t in range(inputs)]
    right = count([z3.Not(z3.Or(column)) for column in zip(*wins, strict=True)])
    return Claim(hypotheses, [inputs - count([z3.Or(column) for column in zip(*listed, strict=True)]) <= right])


# wrong_inputs


def nonpositive_margin_is_wrong() -> Claim:
    """If the margin of some x != m is at most 0, m is not the one output with the largest logit."""
    logits, x, m = vector("l", 4), z3.Int("x"), z3.Int("m")
    at_x, at_m = (z3.Sum([z3.If(index == y, logits[y], 0) for y in range(4)]) for index in (x, m))
    right = z3.And([z3.Or(m == y, at_m > logits[y]) for y in range(4)])
    return Claim([x >= 0, x < 4, x != m, at_m - at_x <= 0], [z3.Not(right)])


def listed_inputs_are_distinct() -> Claim:
    """Three distinct wrong inputs among five leave at most two right ones."""
    right, listed = [z3.Bool(f"right{t}") for t in range(5)], [z3.Int(f"listed{i}") for i in range(3)]
    hypotheses = [z3.And(i >= 0, i < 5) for i in listed] + [z3.Distinct(listed)]
    hypotheses += [z3.Implies(i == t, z3.Not(right[t])) for i in listed for t in range(5)]
    return Claim(hypotheses, [count(right) <= 2])


# accuracy


def every_input_is_in_one_cell() -> Claim:
    """Every input has exactly one pair (q, m), and q <= m."""
    tokens = [z3.Int(f"t{i}") for i in range(4)]
    cells = [(q, m) for m in range(3) for q in range(3)]
    top = largest(*tokens)
    within = {(q, m): z3.And(tokens[-1] == q, top == m) for q, m in cells}
    conclusions = [count(list(within.values())) == 1, z3.Or([holds for (q, m), holds in within.items() if q <= m])]
    return Claim([z3.And(token >= 0, token < 3) for token in tokens], conclusions)


def largest_count_of_each_cell() -> Claim:
    """If each count of a cell is at most its number of right inputs, the sum over cells of the largest counts is at
    most that of all right inputs.
    """
    right = [z3.Int(f"right{cell}") for cell in range(3)]
    counts = [[z3.Int(f"count{cell}_{premise}") for premise in range(2)] for cell in range(3)]
    hypotheses = [number <= truth for line, truth in zip(counts, right, strict=True) for number in line]
    return Claim(hypotheses, [z3.Sum([largest(*line) for line in counts]) <= z3.Sum(right)])


def fractions_compare_as_integers() -> Claim:
    """For shares, certified / total >= p / q if and only if certified q >= p total, for total, q > 0."""
    certified, total, p, q, share, claimed = z3.Reals("certified total p q share claimed")
    hypotheses = [total > 0, q > 0, share * total == certified, claimed * q == p]
    helped = [
        use(product_of_positives, a=total, b=q),
        use(product_keeps_order, w=total * q, b=claimed, c=share),
        use(product_keeps_order_strictly, w=total * q, b=share, c=claimed),
    ]
    return Claim(hypotheses, [(share >= claimed) == (certified * q >= p * total)], helped)


LEMMAS = (
    Lemma(boxes_meet_each_input_once, "3 free slots, 3 tokens", "list_exceptions", ("L24",)),
    Lemma(bins_are_lower_bounds, "3 slots", "count_sums", ("L27",)),
    Lemma(histograms_multiply, "2 slots, 2 tokens, 3 bins", "count_sums", ("L27",)),
    Lemma(bins_too_high_or_too_low, "3 slots", "count_sums", ("L27",)),
    Lemma(fields_do_not_overflow, "3 fields of 4 bits", "count_sums", ("L27",)),
    Lemma(fillings_with_the_maximum, "2 free slots, 3 tokens", "count_sums", ("L24",)),
    Lemma(failures_add, "5 inputs, 3 outputs", "count_sums", ("L27",)),
    Lemma(one_grid_from_both_sides, "3 slots", "count_leaves", ("L27",)),
    Lemma(leaves_by_the_largest_other_token, "2 free slots, 4 tokens", "count_leaves", ("L24",)),
    Lemma(winners_overlap, "5 inputs, 3 outputs", "count_leaves", ("L3",)),
    Lemma(lesser_term_in_the_block_of_x, "2 free slots, a block of 2 tokens", "count_blocks"),
    Lemma(patterns_are_disjoint, "2 free slots, 2 blocks, 3 tokens", "count_blocks", ("L24",)),
    Lemma(dismissed_by_the_least_terms, "3 free slots", "list_exceptions", ("L4",)),
    Lemma(loop_may_stop, "4 terms", "list_exceptions"),
    Lemma(exceptions_are_one_set, "5 inputs, 3 outputs", "list_exceptions", ("L24",)),
    Lemma(groups_have_binomial_sizes, "3 free slots, 3 tokens", "pure_margin", ("L24",)),
    Lemma(nonpositive_margin_is_wrong, "4 outputs", "wrong_inputs", ("L3",)),
    Lemma(listed_inputs_are_distinct, "5 inputs, 3 of them listed", "wrong_inputs", ("L25",)),
    Lemma(every_input_is_in_one_cell, "4 slots, 3 tokens", "accuracy", ("L24",)),
    Lemma(largest_count_of_each_cell, "3 cells, 2 counts each", "accuracy", ("L25",)),
    Lemma(fractions_compare_as_integers, "1 comparison", "accuracy", ("L25",)),
)
