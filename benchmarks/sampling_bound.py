"""How many of all there can be, seen from a random sample: an exact upper confidence bound, in integers.

The construction of Clopper and Pearson for draws without replacement: of `population` things, `size` are drawn uniformly, `found` of
them are of the kind in question.  A number K of that kind among all is refuted if so few in the sample would have a probability of
at most `risk`; the bound is the largest K that is not refuted.  With everything drawn it is what was found.
"""

from __future__ import annotations

from fractions import Fraction
from math import comb

RISK = Fraction(1, 20)  # one-sided: 95 per cent confidence


def probability_of_at_most(found: int, *, size: int, kind: int, population: int) -> Fraction:
    """That a uniform sample of `size` out of `population` holds at most `found` of the `kind` many, hypergeometric and exact."""
    ways = sum(comb(kind, number) * comb(population - kind, size - number) for number in range(min(found, kind, size) + 1))
    return Fraction(ways, comb(population, size))


def upper_bound(found: int, *, size: int, population: int, risk: Fraction = RISK) -> int:
    """The largest number of the kind among all that the sample does not refute.  Raises ValueError for an impossible sample."""
    if not (0 <= found <= size <= population and size > 0 and 0 < risk < 1):
        raise ValueError(f"no sample: {found} found, {size} drawn of {population}, risk {risk}")
    least, most = found, population - (size - found)  # what the sample itself leaves possible; the least is never refuted
    while least < most:  # the probability falls as K grows
        middle = (least + most + 1) // 2
        if probability_of_at_most(found, size=size, kind=middle, population=population) > risk:
            least = middle
        else:
            most = middle - 1
    return least
