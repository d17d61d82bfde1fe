"""Sketches: a network of two elements of the group of three letters' permutations that looks the same from each, and attacks on that."""

from __future__ import annotations

from fractions import Fraction
from itertools import permutations

import numpy as np

from certificates.corpus.cases import Case
from certificates.corpus.documents import JSON, changed, on_step, put, written
from certificates.corpus.network_makers import NetworkMaker, node, numbers, ranges
from verifier.kernel.certificate import CERTIFICATE_FORMAT
from verifier.strategies.steps import float_array, integer_array

ELEMENTS = list(permutations(range(3)))
TABLE = np.array([[ELEMENTS.index((a[b[0]], a[b[1]], a[b[2]])) for b in ELEMENTS] for a in ELEMENTS])
ORDER, LETTERS = len(ELEMENTS), 3
GENERATORS = (1, 2)
OFF = 1 / 64  # of one weight, so that the network is not quite symmetric


def _inverse(element: int) -> int:
    return int(np.flatnonzero(TABLE[element] == 0)[0])


def _units() -> list[tuple[int, int]]:
    """Pairs of letters (s, t): the neurons compare x^-1 s with y t, and write whether z takes t to s."""
    return [(s, t) for s in range(LETTERS) for t in range(LETTERS)]


def _classes(side: int) -> np.ndarray:
    rows = [[ELEMENTS[_inverse(x)][s] if side == 0 else ELEMENTS[x][t] for x in range(ORDER)] for s, t in _units()]
    return np.array(rows)


def _outputs() -> np.ndarray:
    return np.array([[float(ELEMENTS[z][t] == s) for z in range(ORDER)] for s, t in _units()])


LEVELS = np.array([[2.0 * (letter == one) for letter in range(LETTERS)] for one in range(LETTERS)])  # of the neuron for letter `one`


COMMON = np.array([0.25, 0, 0, 0, 0, 0])  # what every neuron writes beside; three neurons are on at each input, and the bias takes it back


def maker(activation: str = "relu", table: np.ndarray = TABLE, noise: float = 0.0) -> NetworkMaker:
    """Three neurons for each unit, on where x^-1 s and y t are both the neuron's letter."""
    nodes = [
        node("e", "embed", tables=["L", "R"]),
        node("s", "sum_positions", of="e"),
        node("h", activation, of="s"),
        node("u", "linear", of="h", factors=["U"], bias="b"),
    ]
    pairs = [(unit, letter) for unit in range(len(_units())) for letter in range(LETTERS)]
    first = np.array([LEVELS[letter][_classes(0)[unit]] - 3 for unit, letter in pairs]).T
    second = np.array([LEVELS[letter][_classes(1)[unit]] for unit, letter in pairs]).T
    first[0, 0] += OFF
    output = np.array([_outputs()[unit] + COMMON for unit, _ in pairs]) + noise * numbers("U", len(pairs), ORDER)
    arrays = {"L": first, "R": second, "U": output, "b": -LETTERS * COMMON}
    tensors = {name: array.astype("<f4") for name, array in arrays.items()}
    task = {"name": "group_product", "positions": 2, "table": table.tolist()}
    return NetworkMaker({"name": "two-tokens", "nodes": nodes, "logits": "u"}, task, tensors, ranges(2, ORDER))


def hints() -> JSON:
    """The network without what is off."""
    units, same = _units(), np.arange(ORDER)
    neurons = len(units) * LETTERS
    moves = [(element, True) for element in GENERATORS] + [(element, False) for element in GENERATORS]

    def unit(s: int, t: int, element: int, left: bool) -> int:
        """Where a unit goes: that of (a^-1 s, t), or of (s, c t)."""
        return units.index((ELEMENTS[_inverse(element)][s], t) if left else (s, ELEMENTS[element][t]))

    return {
        "units": integer_array(np.repeat(np.arange(len(units)), LETTERS)),
        "first_classes": integer_array(_classes(0)),
        "second_classes": integer_array(_classes(1)),
        "first_levels": float_array(np.tile(LEVELS - 3, (len(units), 1))),
        "second_levels": float_array(np.tile(LEVELS, (len(units), 1))),
        "scales": float_array(np.ones((2, neurons))),
        "unit_outputs": float_array(_outputs() - 1 / 3),
        "common_outputs": float_array(np.tile(COMMON - COMMON.mean(), (len(units), 1))),
        "shares": float_array(np.ones(neurons)),
        "constants": float_array(np.zeros(len(units))),
        "first_moves": integer_array(np.array([TABLE[one] if left else same for one, left in moves])),
        "second_moves": integer_array(np.array([same if left else TABLE[:, one] for one, left in moves])),
        "output_moves": integer_array(np.array([TABLE[one] if left else TABLE[:, one] for one, left in moves])),
        "unit_moves": integer_array(np.array([[unit(s, t, one, left) for s, t in units] for one, left in moves])),
    }


def papers(network: NetworkMaker, measure: str = "answers") -> bytes:
    """Counts or losses by the sketch, and the number."""
    rule, premises = {"answers": ("accuracy", {"counts": ["inputs"]}), "loss": ("mean_loss", {"losses": "inputs"})}[measure]
    first = {"id": "inputs", "rule": "symmetry", "hints": {"measure": measure, **hints()}}
    last = {"id": "bound", "rule": rule, "premises": premises}
    return written({"format": CERTIFICATE_FORMAT, "subject": network.subject.digest, "steps": [first, last]})


def accepted_sketches() -> list[Case]:
    """All true claims."""
    network = maker()
    truth = {"verdict": "PROVED", "exit": 0, "right": network.right, "total": network.subject.total}
    answers = "Products of permutations of three letters by a network that is nearly symmetric: one input stands for all."
    losses = network.statement(Fraction(3, 4), "cross_entropy", "<=")
    return [
        Case("symmetry-answers", network.statement(), papers(network), network.model, truth | {"why": answers}),
        Case("symmetry-losses", losses, papers(network, "loss"), network.model, truth | {"why": "The losses of the same network."}),
    ]


def rejected_sketches() -> list[Case]:
    """All attacks."""
    network, loop = maker(), TABLE.copy()
    loop[np.ix_([1, 2], [3, 4])] = loop[np.ix_([2, 1], [3, 4])]

    def case(name: str, attack: str, code: str | None, certificate: bytes, of: NetworkMaker = network) -> Case:
        """A claim of everything; code None: less is proved than that."""
        expected: JSON = {"verdict": "REJECTED", "exit": 1, "code": code}
        if code is None:
            expected = {"verdict": "INCOMPLETE", "exit": 2, "code": None, "right": of.right, "total": of.subject.total}
        return Case(f"symmetry-{name}", of.statement(Fraction(1)), certificate, of.model, {**expected, "attack": attack})

    def doctored(name: str, array: np.ndarray) -> bytes:
        make = float_array if array.dtype == float else integer_array
        return changed(papers(network), on_step("inputs", put("hints", name, value=make(array))))

    units, same = len(_units()), np.arange(ORDER)
    still, twice = np.tile(np.arange(units), (4, 1)), np.tile(same, (4, 1))
    twice[0, 0] = 1
    one_bit, classes = _outputs() - 1 / 3, _classes(0)
    one_bit[0, 0], classes[0, 0] = np.nextafter(one_bit[0, 0], 1), (classes[0, 0] + 1) % LETTERS
    common = np.tile(COMMON - COMMON.mean(), (units, 1))
    common[0] *= 2
    nothing = np.zeros((2, units * LETTERS))
    foreign, gelu, other = maker(noise=2.0), maker("gelu"), maker(table=loop)
    return [
        case("table-of-no-group", "Rows of a table that is no group's, passed off as its symmetries.", "no-symmetry", papers(other), other),
        case("no-permutation", "A move that takes two tokens to one.", "no-symmetry", doctored("first_moves", twice)),
        case("units-that-stay", "Moves under which the units are said to stay.", "no-symmetry", doctored("unit_moves", still)),
        case("outputs-one-bit-off", "An ideal that is not symmetric, by one bit.", "no-symmetry", doctored("unit_outputs", one_bit)),
        case("classes-off", "A token in the wrong class.", "no-symmetry", doctored("first_classes", classes)),
        case("common-off", "Units of an orbit that do not write the same in common.", "no-symmetry", doctored("common_outputs", common)),
        case("scales-of-zero", "Scales that would make every distance 0.", "undecided-divisor", doctored("scales", nothing)),
        case("another-network", "The sketch of a right network for a wrong one of the same shape.", None, papers(foreign), foreign),
        case("around-gelu", "The proof about relu, for gelu.", "wrong-subject", papers(gelu), gelu),
    ]
