"""The rules that make tables: exact_table, peeled_table, row_range, row_norm."""

from __future__ import annotations

from collections.abc import Sequence

import z3

from verifier.lemmas.shared import exp_increasing, product_keeps_order, product_of_nonnegatives, square_is_nonnegative, square_tells_order
from verifier.lemmas.statements import (
    Claim,
    Instance,
    Lemma,
    Matrix,
    dot,
    equal,
    exp,
    exp_adds,
    largest,
    magnitude,
    matrix,
    minus,
    plus,
    spread,
    times,
    trace,
    transposed,
    use,
    vector,
)

# exact_table


def scores_are_two_tables() -> Claim:
    """The score of a token at a position is S[q, t] + SP[q, i], whatever row r moves from the positions to the tokens."""
    query, token, place, r = (matrix(name, 1, 2) for name in ("x", "E", "P", "r"))
    to_query, to_key = matrix("Q", 2, 2), matrix("K", 2, 2)

    def attends(key: Matrix) -> Matrix:
        return times(times(query, to_query), transposed(times(key, to_key)))

    return Claim([], equal(attends(plus(token, place)), plus(attends(plus(token, r)), attends(minus(place, r)))))


def logits_are_three_tables() -> Claim:
    """A logit is EU[q, x] + sum a_i (OV[t_i, x] + PV[i, x]), whatever row r moves from the positions to the tokens."""
    tokens, places, r = matrix("E", 2, 2), matrix("P", 2, 2), vector("r", 2)
    attention, (to_value, to_output, to_logits) = vector("a", 2), (matrix("V", 2, 1), matrix("O", 1, 2), matrix("U", 2, 1))
    query = matrix("x", 1, 2)
    said = [[dot(attention, column) for column in zip(*plus(tokens, places), strict=True)]]
    truth = times(plus(query, times(times(said, to_value), to_output)), to_logits)
    moved, left = plus(tokens, [r, r]), minus(places, [r, r])
    copy, place = (times(times(times(rows, to_value), to_output), to_logits) for rows in (moved, left))
    tables = times(query, to_logits)[0][0] + z3.Sum([a * (c[0] + p[0]) for a, c, p in zip(attention, copy, place, strict=True)])
    return Claim([], [truth[0][0] == tables])


# peeled_table


def peel_telescopes() -> Claim:
    """F_0 F_1 F_2 = (F_0 - R_0) F_1 F_2 + R_0 (F_1 - R_1) F_2 + R_0 R_1 (F_2 - R_2) + R_0 R_1 R_2, whatever the R_i are."""
    f, r = [matrix(f"F{i}", 2, 2) for i in range(3)], [matrix(f"R{i}", 2, 2) for i in range(3)]

    def product(*factors: Matrix) -> Matrix:
        return times(times(factors[0], factors[1]), factors[2])

    parts = [product(minus(f[0], r[0]), f[1], f[2]), product(r[0], minus(f[1], r[1]), f[2]), product(r[0], r[1], minus(f[2], r[2]))]
    return Claim([], equal(product(*f), plus(plus(plus(*parts[:2]), parts[2]), product(*r))))


def peeled_twice() -> Claim:
    """Two peels of one factor, the second of what the first left, make its low-rank part: F = P + P' + (F - P - P') in
    any product.
    """
    f, g, p, again = (matrix(name, 2, 2) for name in ("F", "G", "P", "N"))
    left = minus(f, p)
    return Claim([], equal(times(f, g), plus(plus(times(p, g), times(again, g)), times(minus(left, again), g))))


# row_range


def product_is_at_most() -> Claim:
    """If |d| <= b, then a d <= |a| b."""
    a, d, b = z3.Reals("a d b")
    return Claim([d <= b, -d <= b], [a * d <= magnitude(a) * b])


def range_bounds_differences() -> Claim:
    """The difference of two entries of a row is at most its largest entry minus its least, and adding a number to the
    row changes neither.
    """
    row, c = vector("e", 3), z3.Real("c")
    differences = [row[k] - row[j] <= spread(row) for k in range(3) for j in range(3) if k != j]
    return Claim([], [*differences, spread([x + c for x in row]) == spread(row)])


def row_bound_of_a_product() -> Claim:
    """If b_j bounds the differences within row j of B, then sum |A_j| b_j bounds those within a row of A B."""
    a, rows, bounds = vector("A", 2), matrix("B", 2, 2), vector("b", 2)
    hypotheses = [part for row, b in zip(rows, bounds, strict=True) for part in (row[0] - row[1] <= b, row[1] - row[0] <= b)]
    first, second = (dot(a, column) for column in zip(*rows, strict=True))
    helped = [use(product_is_at_most, a=a[j], d=rows[j][k] - rows[j][1 - k], b=bounds[j]) for j in range(2) for k in range(2)]
    bound = z3.Sum([magnitude(x) * b for x, b in zip(a, bounds, strict=True)])
    return Claim(hypotheses, [first - second <= bound, second - first <= bound], helped)


def row_bound_with_a_mean() -> Claim:
    """If z bounds the differences within a B and b_j those within row j of B, then z + sum |A_j - a_j| b_j bounds those
    within a row of A B.
    """
    row, mean, rows, bounds, z = vector("A", 2), vector("a", 2), matrix("B", 2, 2), vector("b", 2), z3.Real("z")
    hypotheses = [part for line, b in zip(rows, bounds, strict=True) for part in (line[0] - line[1] <= b, line[1] - line[0] <= b)]
    centre = [dot(mean, column) for column in zip(*rows, strict=True)]
    hypotheses += [centre[0] - centre[1] <= z, centre[1] - centre[0] <= z]
    rest = [x - y for x, y in zip(row, mean, strict=True)]
    named = {f"A{j}": rest[j] for j in range(2)}
    first, second = (dot(row, column) for column in zip(*rows, strict=True))
    bound = z + z3.Sum([magnitude(x) * b for x, b in zip(rest, bounds, strict=True)])
    return Claim(hypotheses, [first - second <= bound, second - first <= bound], [use(row_bound_of_a_product, **named)])


def row_bound_of_three_factors() -> Claim:
    """If r_j bounds the differences within row j of C, then |A| (|M| r) and |A M| r bound those within a row of A M C,
    and so does the lesser.
    """
    a, middle, difference, bounds = vector("A", 2), matrix("M", 2, 2), vector("d", 2), vector("r", 2)
    hypotheses = [part for d, r in zip(difference, bounds, strict=True) for part in (d <= r, -d <= r)]
    inner = [dot(row, difference) for row in middle]
    inner_bounds = [z3.Sum([magnitude(x) * r for x, r in zip(row, bounds, strict=True)]) for row in middle]
    both = [dot(a, column) for column in zip(*middle, strict=True)]
    recursive = z3.Sum([magnitude(x) * r for x, r in zip(a, inner_bounds, strict=True)])
    split = z3.Sum([magnitude(x) * r for x, r in zip(both, bounds, strict=True)])

    def bounded(left: Sequence[z3.ArithRef], right: Sequence[z3.ArithRef], limits: Sequence[z3.ArithRef]) -> Instance:
        terms = {f"A{j}": left[j] for j in range(2)} | {f"b{j}": limits[j] for j in range(2)}
        return use(row_bound_of_a_product, **terms, **{f"B{j}0": right[j] for j in range(2)}, B01=0, B11=0)

    helped = [*(bounded(row, difference, bounds) for row in (*middle, both)), bounded(a, inner, inner_bounds)]
    entry = dot(a, inner)
    return Claim(hypotheses, [bound for total in (recursive, split) for bound in (entry <= total, -entry <= total)], helped)


def row_bounds_add() -> Claim:
    """Row bounds of two tables add up to one of their sum."""
    left, right, b, c = vector("e", 2), vector("f", 2), z3.Real("b"), z3.Real("c")
    hypotheses = [magnitude(left[0] - left[1]) <= b, magnitude(right[0] - right[1]) <= c]
    return Claim(hypotheses, [magnitude((left[0] + right[0]) - (left[1] + right[1])) <= b + c])


def intervals_that_meet_in_pairs() -> Claim:
    """If |e_k - e_l| <= c_k + c_l for all k and l, then some number z has |e_k - z| <= c_k for every k: the largest e_k
    - c_k is one.
    """
    e, c, z = vector("e", 4), vector("c", 4), z3.Real("z")
    hypotheses = [magnitude(e[k] - e[j]) <= c[k] + c[j] for k in range(4) for j in range(k + 1)]
    hypotheses.append(z == largest(*(x - y for x, y in zip(e, c, strict=True))))
    return Claim(hypotheses, [magnitude(x - z) <= y for x, y in zip(e, c, strict=True)])


def slack_of_weights() -> Claim:
    """If the errors of the scores are within c_k of a common number, omega_k / omega_m lies between exp(S_k - S_m)
    exp(-+(c_k + c_m)).
    """
    score, error, c, z = vector("S", 2), vector("e", 2), vector("c", 2), z3.Real("z")
    hypotheses = [magnitude(x - z) <= y for x, y in zip(error, c, strict=True)]
    truth = (score[0] + error[0]) - (score[1] + error[1])
    part, slack = score[0] - score[1], c[0] + c[1]
    helped = [use(exp_increasing, x=truth, y=part + slack), use(exp_increasing, x=part - slack, y=truth)]
    axioms = [exp_adds(part, slack, part + slack), exp_adds(part, -slack, part - slack)]
    return Claim(hypotheses, [exp(truth) <= exp(part) * exp(slack), exp(part) * exp(-slack) <= exp(truth)], helped, axioms)


# row_norm


def cauchy_schwarz() -> Claim:
    """(a . b)^2 <= |a|^2 |b|^2."""
    a, b = vector("a", 3), vector("b", 3)
    crossed = [a[i] * b[j] - a[j] * b[i] for i, j in ((0, 1), (0, 2), (1, 2))]
    return Claim([], [dot(a, b) * dot(a, b) <= dot(a, a) * dot(b, b)], [use(square_is_nonnegative, a=x) for x in crossed])


def columns_of_a_unit_matrix() -> Claim:
    """|e_k - e_l|^2 = 2 for two different columns of the unit matrix: half of sqrt 2 for each."""
    unit = [[z3.RealVal(int(i == j)) for j in range(3)] for i in range(3)]
    pairs = [[x - y for x, y in zip(unit[k], unit[j], strict=True)] for k in range(3) for j in range(3) if k != j]
    return Claim([], [dot(pair, pair) == 2 for pair in pairs])


def square_of_a_sum() -> Claim:
    """If p^2 <= a b, a <= r^2, b <= s^2 and r, s >= 0, then a - 2 p + b <= (r + s)^2."""
    p, a, b, r, s = z3.Reals("p a b r s")
    hypotheses = [p * p <= a * b, a <= r * r, b <= s * s, r >= 0, s >= 0]
    helped = [
        use(product_keeps_order, w=a, b=b, c=s * s),
        use(product_keeps_order, w=s * s, b=a, c=r * r),
        use(product_of_nonnegatives, a=r, b=s),
        use(square_tells_order, a=p, b=r * s),
    ]
    return Claim(hypotheses, [a - 2 * p + b <= (r + s) * (r + s)], helped)


def triangle_inequality() -> Claim:
    """|a - b| <= |a| + |b|: with r^2 >= |a|^2 and s^2 >= |b|^2, (r + s)^2 >= |a - b|^2."""
    a, b, r, s = vector("a", 2), vector("b", 2), z3.Real("r"), z3.Real("s")
    difference = [x - y for x, y in zip(a, b, strict=True)]
    hypotheses = [r >= 0, s >= 0, r * r >= dot(a, a), s * s >= dot(b, b)]
    helped = [
        use(cauchy_schwarz, a0=a[0], a1=a[1], a2=0, b0=b[0], b1=b[1], b2=0),
        use(square_of_a_sum, p=dot(a, b), a=dot(a, a), b=dot(b, b), r=r, s=s),
        *(use(square_is_nonnegative, a=x) for x in (*a, *b)),
    ]
    return Claim(hypotheses, [dot(difference, difference) <= (r + s) * (r + s)], helped)


def norm_bound_of_an_entry() -> Claim:
    """If x^2 <= n^2 y^2, y <= sigma d and d <= b_k + b_l, with n, y, sigma >= 0, then |x| <= n sigma (b_k + b_l)."""
    x, n, y, sigma, d, first, second = z3.Reals("x n y sigma d b_k b_l")
    hypotheses = [x * x <= n * n * (y * y), y <= sigma * d, d <= first + second, n >= 0, y >= 0, sigma >= 0]
    helped = [
        use(product_keeps_order, w=sigma, b=d, c=first + second),
        use(product_keeps_order, w=n, b=y, c=sigma * (first + second)),
        use(product_of_nonnegatives, a=n, b=y),
        use(square_tells_order, a=x, b=n * y),
    ]
    bound = n * (sigma * (first + second))
    return Claim(hypotheses, [x <= bound, -x <= bound], helped)


def trace_bounds_the_norm() -> Claim:
    """|C x|^2 <= trace(C'C) |x|^2."""
    c, x = matrix("C", 2, 2), vector("x", 2)
    image = [dot(row, x) for row in c]
    rows = [{"a0": row[0], "a1": row[1], "a2": 0, "b0": x[0], "b1": x[1], "b2": 0} for row in c]
    helped = [use(cauchy_schwarz, **row) for row in rows]
    return Claim([], [dot(image, image) <= trace(times(transposed(c), c)) * dot(x, x)], helped)


def trace_of_the_square_bounds_the_norm() -> Claim:
    """|C x|^4 <= trace((C'C)^2) |x|^4, in the form (x . G x)^2 <= trace(G G) |x|^4 for a symmetric G."""
    (g0, g1, g2), x = vector("g", 3), vector("x", 2)
    gram = [[g0, g1], [g1, g2]]
    image = [dot(row, x) for row in gram]
    size = dot(x, x)
    helped = [
        use(cauchy_schwarz, a0=x[0], a1=x[1], a2=0, b0=image[0], b1=image[1], b2=0),
        use(trace_bounds_the_norm, C00=g0, C01=g1, C10=g1, C11=g2),
        use(product_keeps_order, w=size, b=dot(image, image), c=trace(times(gram, gram)) * size),
        *(use(square_is_nonnegative, a=entry) for entry in x),
    ]
    return Claim([], [dot(x, image) * dot(x, image) <= trace(times(gram, gram)) * (size * size)], helped)


def norm_is_a_quadratic_form() -> Claim:
    """|C x|^2 = x . (C'C) x, and C'C is symmetric."""
    c, x = matrix("C", 2, 2), vector("x", 2)
    image, gram = [dot(row, x) for row in c], times(transposed(c), c)
    return Claim([], [dot(image, image) == dot(x, [dot(row, x) for row in gram]), gram[0][1] == gram[1][0]])


def trace_of_the_small_side() -> Claim:
    """For C = X Y: trace((C'C)^s) = trace((X'X Y Y')^s), for s = 1 and s = 2."""
    x, y = matrix("X", 2, 2), matrix("Y", 2, 2)
    product = times(x, y)
    gram, small = times(transposed(product), product), times(times(transposed(x), x), times(y, transposed(y)))
    return Claim([], [trace(gram) == trace(small), trace(times(gram, gram)) == trace(times(small, small))])


LEMMAS = (
    Lemma(scores_are_two_tables, "2 x 2 matrices", "exact_table", ("L1",)),
    Lemma(logits_are_three_tables, "2 slots, width 2, head width 1", "exact_table", ("L1",)),
    Lemma(peel_telescopes, "3 factors, 2 x 2", "peeled_table", ("L21", "L22")),
    Lemma(peeled_twice, "2 factors, 2 x 2", "peeled_table", ("L21",)),
    Lemma(product_is_at_most, "1 product", "row_range"),
    Lemma(range_bounds_differences, "3 entries", "row_range", ("L14",)),
    Lemma(row_bounds_add, "2 entries", "row_range", ("L14",)),
    Lemma(row_bound_of_a_product, "inner width 2", "row_range", ("L15", "L18")),
    Lemma(row_bound_with_a_mean, "inner width 2", "row_range", ("L16", "L19")),
    Lemma(row_bound_of_three_factors, "3 factors, inner widths 2", "row_range", ("L17", "L18")),
    Lemma(intervals_that_meet_in_pairs, "4 entries", "row_range"),
    Lemma(slack_of_weights, "2 keys", "row_range"),
    Lemma(cauchy_schwarz, "width 3", "row_norm", ("L29",), "the instances are Lagrange's identity"),
    Lemma(columns_of_a_unit_matrix, "3 columns", "row_norm", ("L20",)),
    Lemma(square_of_a_sum, "5 numbers", "row_norm"),
    Lemma(triangle_inequality, "width 2", "row_norm", ("L29",)),
    Lemma(norm_bound_of_an_entry, "1 entry", "row_norm", ("L20", "L29")),
    Lemma(norm_is_a_quadratic_form, "2 x 2", "row_norm", ("L30",)),
    Lemma(trace_bounds_the_norm, "2 x 2, s = 1", "row_norm", ("L30",)),
    Lemma(trace_of_the_square_bounds_the_norm, "2 x 2, s = 2", "row_norm", ("L30",)),
    Lemma(trace_of_the_small_side, "2 x 2, s = 1 and s = 2", "row_norm", ("L34",)),
)
