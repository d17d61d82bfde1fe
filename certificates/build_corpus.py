"""Write the conformance corpus: `python certificates/build_corpus.py` fills `accepted/` and `rejected/` beside this file.

Every case is a folder with a statement, a certificate, sometimes a model of its own, and `expected.json` (README.md says how
another checker reads it).  The cases are made from the shipped models by the steps below, without anything random, so running
this again changes no byte; `tests/test_corpus.py` compares.  An attack is a small change to a certificate that was true.
"""

from __future__ import annotations

import base64
import json
import shutil
import struct
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import product
from math import log
from pathlib import Path
from typing import Any

import numpy as np

from verifier.kernel.model import TABLES, read_model
from verifier.kernel.statement import Claim, Statement, Subject, whole_domain
from verifier.strategies.cubic import cubic
from verifier.strategies.float_model import FloatModel
from verifier.strategies.shift import mean_shift
from verifier.strategies.steps import ALL_TABLES, Step, certificate_bytes, exact_tables, float_array, integer_array, step

HERE = Path(__file__).parent
JSON = dict[str, Any]
Change = Callable[[JSON], object]


@dataclass(frozen=True)
class Case:
    """One folder.  model: the name of a shipped model, or the bytes of a file of its own."""

    name: str
    statement: bytes
    certificate: bytes
    model: str | bytes
    expected: JSON

    def write(self, folder: Path) -> None:
        """Write the folder."""
        target = folder / self.name
        target.mkdir(parents=True)
        shipped = isinstance(self.model, str)
        expected = {"model": f"../../models/{self.model}.safetensors" if shipped else "model.safetensors", **self.expected}
        (target / "statement.json").write_bytes(self.statement)
        (target / "certificate.json").write_bytes(self.certificate)
        (target / "expected.json").write_text(json.dumps(expected, indent=1, ensure_ascii=True) + "\n", encoding="ascii")
        if isinstance(self.model, bytes):
            (target / "model.safetensors").write_bytes(self.model)


# -- models ------------------------------------------------------------------------------------------------------------

FILE_NAMES = {
    "W_E": "embed.W_E",
    "W_pos": "pos_embed.W_pos",
    "W_Q": "blocks.0.attn.W_Q",
    "W_K": "blocks.0.attn.W_K",
    "W_V": "blocks.0.attn.W_V",
    "W_O": "blocks.0.attn.W_O",
    "W_U": "unembed.W_U",
}
WORDS = {"<f2": "F16", "<f4": "F32", "<f8": "F64", "<i8": "I64", "|b1": "BOOL", "|u1": "U8"}


def shipped(name: str) -> bytes:
    """The file of a shipped model."""
    return (HERE / "models" / f"{name}.safetensors").read_bytes()


def tensors_of(file: bytes) -> dict[str, np.ndarray]:
    """The tensors of a float32 safetensors file, by name."""
    size = struct.unpack("<Q", file[:8])[0]
    header, body = json.loads(file[8 : 8 + size]), file[8 + size :]
    return {
        name: np.frombuffer(body[slice(*entry["data_offsets"])], "<f4").reshape(entry["shape"])
        for name, entry in header.items()
        if name != "__metadata__"
    }


def safetensors(tensors: Mapping[str, np.ndarray], change: Change | None = None, metadata: JSON | None = None) -> bytes:
    """A safetensors file; `change` may falsify its header."""
    header: JSON = {} if metadata is None else {"__metadata__": metadata}
    body = b""
    for name, tensor in tensors.items():
        data = tensor.tobytes()
        offsets = [len(body), len(body) + len(data)]
        header[name] = {"dtype": WORDS[tensor.dtype.str], "shape": list(tensor.shape), "data_offsets": offsets}
        body += data
    if change is not None:
        change(header)
    text = json.dumps(header).encode("ascii")
    return struct.pack("<Q", len(text)) + text + body


TINY = tensors_of(shipped("tiny"))
IMPERFECT = tensors_of(shipped("imperfect"))


def with_entry(tensors: Mapping[str, np.ndarray], name: str, value: float | np.floating[Any]) -> dict[str, np.ndarray]:
    """The same tensors, the first entry of one of them replaced."""
    changed = tensors[name].copy()
    changed.flat[0] = value
    return {**tensors, name: changed}


def zero_model() -> bytes:
    """Two tokens, two positions, all weights zero: every input is a tie."""
    shapes = {"W_E": (2, 1), "W_pos": (2, 1), "W_Q": (1, 1, 1), "W_K": (1, 1, 1), "W_V": (1, 1, 1), "W_O": (1, 1, 1), "W_U": (1, 2)}
    return safetensors({FILE_NAMES[name]: np.zeros(shape, "<f4") for name, shape in shapes.items()})


def denormal_model() -> bytes:
    """Two tokens, two positions, all inputs right; the embeddings are denormal float32 and later weights make up for it."""
    small, large = 2.0**-149, 2.0**120
    weights = {
        "W_E": np.array([[0, small], [small, 0]]),
        "W_pos": np.zeros((2, 2)),
        "W_Q": np.zeros((1, 2, 1)),
        "W_K": np.zeros((1, 2, 1)),
        "W_V": np.array([[[1], [-1 / 8]]]),
        "W_O": np.array([[[large, 0]]]),
        "W_U": np.array([[-large, large], [0, 0]]),
    }
    return safetensors({FILE_NAMES[name]: weight.astype("<f4") for name, weight in weights.items()})


def one_position_model() -> bytes:
    """Three tokens, one position: the answer is the only token.  Token 2 is answered with 0."""
    shapes = {"W_pos": (1, 3), "W_Q": (1, 3, 1), "W_K": (1, 3, 1), "W_V": (1, 3, 1), "W_O": (1, 1, 3)}
    weights = {"W_E": np.eye(3), "W_U": np.array([[1, 0, 0], [0, 1, 0], [1, 0, 0]]), **{name: np.zeros(s) for name, s in shapes.items()}}
    return safetensors({FILE_NAMES[name]: weights[name].astype("<f2") for name in FILE_NAMES})


def misled_model() -> bytes:
    """Weights on which the published sub-cubic rule certifies inputs that are wrong (docs/mathematics.md, pitfall P1).

    Eight tokens, two positions, width 18: a one-hot direction per token, per position and per output; no skip path.
    Only token 7 is attended to or copied, and every position adds 50 to output 2.
    """
    v, n, h = 8, 2, 4
    token, place, answer = slice(0, v), slice(v, v + n), slice(v + n, 2 * v + n)
    width = 2 * v + n
    weights = {
        "W_E": np.eye(v, width),
        "W_pos": np.eye(n, width, v),
        "W_Q": np.zeros((1, width, h)),
        "W_K": np.zeros((1, width, h)),
        "W_V": np.zeros((1, width, h)),
        "W_O": np.zeros((1, h, width)),
        "W_U": np.zeros((width, v)),
    }
    weights["W_Q"][0, token, 0] = [2 * log(3 / 7)] * 4 + [2 * log(97 / 3)] * 4  # scores are divided by sqrt(4)
    weights["W_K"][0, 7, 0] = 1
    weights["W_V"][0, 7, 0] = 1
    weights["W_V"][0, place, 1] = 1
    weights["W_O"][0, 0, answer] = [-1, -1, -100, -1, -1, -1, -1, 0]
    weights["W_O"][0, 1, v + n + 2] = 50
    weights["W_U"][answer] = np.eye(v)
    return safetensors({FILE_NAMES[name]: weight.astype("<f8") for name, weight in weights.items()})


# -- statements and certificates ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Maker:
    """Statements and certificates about one model and scope."""

    model: str | bytes
    scope: tuple[tuple[int, int], ...] | None = None

    @property
    def file(self) -> bytes:
        return shipped(self.model) if isinstance(self.model, str) else self.model

    @cached_property
    def floats(self) -> FloatModel:
        return FloatModel(read_model(self.file, file="model"))

    @property
    def subject(self) -> Subject:
        whole = whole_domain(self.floats.model)
        return whole if self.scope is None else Subject(whole.model, whole.architecture, whole.task, self.scope, whole.function)

    def losing(self, tokens: tuple[int, ...]) -> dict[int, float]:
        """The wrong outputs that reach the maximum's logit, and by how much, in float64."""
        model, keys = self.floats, list(tokens)
        scores = model.score[keys[-1], keys] + model.place_score[keys[-1]]
        weights = np.exp(scores - scores.max())
        logits = model.skip[keys[-1]] + weights / weights.sum() @ (model.copy[keys] + model.place_copy)
        lead = logits - logits[max(keys)]
        return {x: float(lead[x]) for x in range(model.v) if x != max(keys) and lead[x] >= 0}

    @cached_property
    def wrong(self) -> dict[tuple[int, ...], dict[int, float]]:
        """Every wrong input in scope, with what beats it."""
        inputs = product(*(range(first, last + 1) for first, last in self.subject.scope))
        return {tokens: outputs for tokens in inputs if (outputs := self.losing(tokens))}

    @property
    def listed(self) -> np.ndarray:
        """The clearly wrong inputs, each with the output that beats the maximum by most: rows (t_0 ... t_{n-1}, x)."""
        best = {tokens: max(outputs, key=lambda x, outputs=outputs: outputs[x]) for tokens, outputs in self.wrong.items()}
        return np.array([[*tokens, x] for tokens, x in best.items() if self.wrong[tokens][x] > 1e-9], dtype=np.int64)

    @property
    def right(self) -> int:
        """How many inputs in scope are right, a tie being wrong."""
        return self.subject.total - len(self.wrong)

    def statement(self, bound: Fraction | None = None) -> bytes:
        """A claim; None: the exact accuracy."""
        bound = Fraction(self.right, self.subject.total) if bound is None else bound
        return written(Statement(self.subject, Claim("accuracy", ">=", bound)).json)

    def certificate(self, steps: list[Step]) -> bytes:
        return certificate_bytes(self.subject, steps)

    def shift(self) -> np.ndarray:
        """Minus the mean of the skip path, in steps of 1/64: nothing depends on how a processor rounds."""
        return np.round(mean_shift(self.floats).numpy() * 64)[np.newaxis] / 64

    def brute_force(self) -> list[Step]:
        """As the strategy of that name; exact unless there are ties."""
        constraint = step("margins", "joint_constraint", ALL_TABLES)
        steps = [*exact_tables("centred"), constraint, step("right", "count_every", {"constraints": "margins"})]
        if not len(self.listed):
            return [*steps, step("bound", "accuracy", {"counts": ["right"]})]
        wrong = step("wrong", "wrong_inputs", ALL_TABLES, inputs=integer_array(self.listed))
        return [*steps, wrong, step("bound", "accuracy", {"counts": ["right"], "wrong": "wrong"})]

    def cubic(self) -> list[Step]:
        return cubic(self.floats, self.subject)

    def subcubic(self, shift: np.ndarray | None = None, singles: int = 4, bins: int = 32) -> list[Step]:
        hint = float_array(self.shift() if shift is None else shift)
        return [*exact_tables("centred"), *decoupled_and_counted(hint, singles, bins), step("bound", "accuracy", {"counts": ["right"]})]

    def listing(self, inputs: np.ndarray) -> list[Step]:
        """Nothing but wrong inputs."""
        wrong = step("wrong", "wrong_inputs", ALL_TABLES, inputs=integer_array(inputs))
        return [*exact_tables("centred"), wrong, step("bound", "accuracy", {"wrong": "wrong"})]


def decoupled_and_counted(shift: JSON, singles: int, bins: int) -> list[Step]:
    """The two steps of the sub-cubic argument."""
    margins = step("margins", "decoupled_constraint", ALL_TABLES, shift=shift, singles=singles)
    return [margins, step("right", "count_sums", {"constraints": "margins"}, bins=bins)]


def peeled(maker: Maker, table: str, peels: list[JSON], slack: Step) -> list[Step]:
    """The five tables, one of them by a low-rank part and a slack."""
    part = step("peeled", "peeled_table", table=table, positions="centred", peels=peels)
    return [*(entry for entry in exact_tables("centred") if entry["id"] != table), part, slack]


def peel(first: int, last: int, side: str, directions: np.ndarray) -> JSON:
    """One peel, its directions in steps of 1/64."""
    rounded = np.round(np.asarray(directions) * 64) / 64
    return {"first": first, "last": last, "side": side, "directions": float_array(rounded)}


def size_direction(v: int) -> np.ndarray:
    """A column that grows with the token: scores are nearly proportional to it."""
    column = np.arange(v)[:, np.newaxis] - (v - 1) / 2
    return np.asarray(column / np.sqrt((column**2).sum()))


def hot(maker: Maker, pairs: np.ndarray) -> list[Step]:
    """A joint constraint for each listed (m, x), a decoupled one for the other outputs."""
    shift = float_array(np.repeat(maker.shift(), maker.floats.v, axis=0))
    margins = step("margins", "hot_constraint", ALL_TABLES, shift=shift, hot=integer_array(pairs))
    return [*exact_tables("raw"), margins, *maker.subcubic()[-2:]]


def attention(maker: Maker, average: str, gap: int = 1, reference: np.ndarray | None = None) -> list[Step]:
    """The published sub-cubic argument, repaired: one gap for all, attention centred at 1."""
    v, n = maker.floats.v, maker.floats.n
    row = np.zeros((1, maker.floats.queries.shape[1])) if reference is None else reference
    skip = step("skip", "row_range", {"table": "peeled"}, bound="exact", mean="none", spread="rows")
    hints = {"gaps": integer_array(np.full((v * v, n), gap)), "average": average, "centres": float_array(np.ones((v, n)))}
    right = step("right", "attention_margin", ALL_TABLES, **hints)
    return [*peeled(maker, "skip", [peel(0, 0, "row", row)], skip), right, step("bound", "accuracy", {"counts": ["right"]})]


def with_raw_positions(steps: list[Step]) -> list[Step]:
    """The same steps, the mean position left where it is."""
    return [
        {**entry, "hints": {**entry["hints"], "positions": "raw"}} if "positions" in entry.get("hints", {}) else entry for entry in steps
    ]


def written(document: JSON) -> bytes:
    """A JSON file."""
    return (json.dumps(document, indent=1) + "\n").encode("ascii")


def changed(document: bytes, change: Change) -> bytes:
    """A JSON file after a change to what it says."""
    value = json.loads(document)
    change(value)
    return written(value)


def replaced(document: bytes, old: str, new: str, count: int = 1) -> bytes:
    """A JSON file after a change to its text."""
    text = document.decode("ascii")
    if old not in text:
        raise ValueError(f"{old} is not there")
    return text.replace(old, new, count).encode("utf-8")


def the_step(certificate: JSON, name: str) -> JSON:
    """The step of that id."""
    return next(entry for entry in certificate["steps"] if entry["id"] == name)


def on_step(name: str, change: Change) -> Change:
    """The same change, to one step of a certificate."""
    return lambda certificate: change(the_step(certificate, name))


def put(*path: str | int, value: object) -> Change:
    """Set a member of a nested document."""

    def change(document: JSON) -> None:
        place: Any = document
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value

    return change


def drop(*path: str | int) -> Change:
    """Take a member out of a nested document."""

    def change(document: JSON) -> None:
        place: Any = document
        for key in path[:-1]:
            place = place[key]
        del place[path[-1]]

    return change


tiny, imperfect = Maker("tiny"), Maker("imperfect")
zero, misled = Maker(zero_model()), Maker(misled_model())


# -- what must be accepted ---------------------------------------------------------------------------------------------


def accepted() -> list[Case]:
    """True certificates.  The claims of inexact arguments are rounded down, so that coarser rounding than ours agrees."""
    cases: list[Case] = []

    def case(name: str, why: str, maker: Maker, steps: list[Step], bound: Fraction | None = None, **files: Any) -> None:
        statement = files.get("statement", maker.statement(bound))
        certificate = files.get("certificate", maker.certificate(steps))
        truth = {"verdict": "PROVED", "exit": 0, "right": maker.right, "total": maker.subject.total, "why": why}
        cases.append(Case(name, statement, certificate, files.get("model", maker.model), truth))

    case("tiny-brute-force", "Every input evaluated; all are right.", tiny, tiny.brute_force())
    case("tiny-cubic", "Worst pure sequences at worst places.", tiny, tiny.cubic())
    case("tiny-subcubic", "Decoupled constraint, counted by sums.", tiny, tiny.subcubic())
    case("imperfect-brute-force", "Exact on both sides: the wrong inputs are listed.", imperfect, imperfect.brute_force())
    case("imperfect-cubic", "A true bound far below the accuracy.", imperfect, imperfect.cubic(), Fraction(1, 4))
    case("imperfect-subcubic", "A true bound below the accuracy.", imperfect, imperfect.subcubic(), Fraction(1, 2))

    half = Maker("imperfect", ((0, 9), (3, 7), (0, 4), (5, 9)))
    case("scope-of-ranges", "A different token range per position.", half, half.brute_force())
    case("scope-of-ranges-by-sums", "The counting rule keeps to the scope.", half, half.subcubic(), Fraction(1, 2))
    case("scope-of-ranges-cubic", "The counts of pure sequences keep to the scope.", half, half.cubic(), Fraction(1, 10))
    single = Maker("tiny", ((3, 3), (5, 5), (4, 4)))
    case("scope-of-one-input", "The smallest scope there is.", single, single.brute_force())

    case("weaker-claim", "A reviewer may claim less than the certificate proves.", tiny, tiny.brute_force(), Fraction(1, 2))
    case("claim-nothing", "0/1 is a claim.", imperfect, imperfect.cubic(), Fraction(0))

    one_ulp = np.nextafter(imperfect.shift(), np.inf)
    case("shift-one-ulp-off", "Any shift is sound.", imperfect, imperfect.subcubic(one_ulp), Fraction(1, 2))
    wild = np.array([[1e300, -1e300, 5e-324, -0.0, 1.7976931348623157e308, 2.0**-1022, 0.1, -1.0, 3.0, 7.0]])
    case(
        "shift-of-extremes",
        "A useless shift is a hint like any other: huge, denormal, minus zero.",
        imperfect,
        imperfect.subcubic(wild),
        Fraction(0),
    )
    square = np.repeat(tiny.shift(), 8, axis=0) + np.arange(8)[:, np.newaxis] / 64
    narrow = {"array": "f32", "shape": [8, 8], "base64": base64.b64encode(square.astype("<f4").tobytes()).decode("ascii")}
    steps = [*exact_tables("centred"), *decoupled_and_counted(narrow, 4, 32), step("bound", "accuracy", {"counts": ["right"]})]
    case("shift-per-maximum-in-float32", "One shift row per maximum, as float32.", tiny, steps, Fraction(9, 10))
    case("coarsest-hints", "One bin and no single tokens: weak, but true.", imperfect, imperfect.subcubic(singles=0, bins=1), Fraction(0))

    *sums, bound = imperfect.subcubic()
    several = [*sums, step("pure", "pure_margin", ALL_TABLES), put_counts(bound, "right", "pure")]
    case("two-counts", "For each query and maximum the larger of two counts is taken.", imperfect, several, Fraction(1, 2))
    joint = [*exact_tables("raw"), step("margins", "joint_constraint", ALL_TABLES)]
    joint += [step("right", "count_sums", {"constraints": "margins"}, bins=4096), step("bound", "accuracy", {"counts": ["right"]})]
    case("joint-by-sums", "One constraint per output: what each loses is subtracted.", imperfect, joint, Fraction(4, 5))
    case(
        "wrong-inputs-only", "An upper bound alone; nothing is certified.", imperfect, imperfect.listing(imperfect.listed[:5]), Fraction(0)
    )

    mixed = [step(table, "exact_table", table=table, positions="raw" if "copy" in table else "centred") for table in TABLES]
    steps = [*mixed, *tiny.cubic()[5:]]
    case("scores-centred-copies-raw", "Each pair of tables has a choice of its own.", tiny, steps)
    extra = [step("again", "exact_table", table="skip", positions="raw"), step("unused.1", "pure_margin", ALL_TABLES)]
    case("unused-steps", "Steps that nothing depends on.", tiny, [*tiny.cubic()[:5], *extra, *tiny.cubic()[5:]])
    minified = json.dumps(json.loads(tiny.certificate(tiny.cubic())), separators=(",", ":")).encode("ascii")
    escaped = replaced(minified, '"steps"', '"\\u0073teps"')
    case("json-layout", "Spaces, escapes and key order carry no meaning.", tiny, [], certificate=escaped)

    listing = [step("right", "list_exceptions", ALL_TABLES), step("bound", "accuracy", {"counts": ["right"]})]
    case("exceptions-listed", "Exact, by listing what may fail.", imperfect, [*exact_tables("centred"), *listing])
    case("exceptions-listed-in-scope", "The list keeps to the scope.", half, [*exact_tables("raw"), *listing])
    for maker in (tiny, imperfect):
        split = step("split", "absent_present", ALL_TABLES, shift=float_array(maker.shift()), singles=4)
        steps = [*exact_tables("centred"), split, step("right", "count_blocks", {"split": "split"}), listing[-1]]
        case(f"{maker.model}-absent-present", "Competitors by whether they occur in the input.", maker, steps, Fraction(1, 2))
    sums = tiny.subcubic()[5:]
    query = tiny.floats.queries.mean(0)[np.newaxis]
    in_row = step("skip", "row_range", {"table": "peeled"}, bound="split", mean="none", spread="rows")
    by_row = peeled(tiny, "skip", [peel(0, 0, "row", query)], in_row)
    case("skip-around-mean-query", "The skip path as one row and a bound on the rest.", tiny, [*by_row, *sums], Fraction(1, 10))
    ends = [peel(0, 0, "left", size_direction(8)), peel(3, 3, "right", size_direction(8))]
    exactly = step("score", "row_range", {"table": "peeled"}, bound="exact", mean="none", spread="rows")
    case(
        "score-of-low-rank",
        "The scores as two directions and the exact range of the rest.",
        tiny,
        [*peeled(tiny, "score", ends, exactly), *sums],
        Fraction(1, 10),
    )
    recursive = step("score", "row_range", {"table": "peeled"}, bound="recursive", mean="every", spread="all")
    useless = [peel(0, 2, "left", np.full((8, 1), 0.5)), peel(0, 2, "left", np.eye(8, 3)), peel(3, 3, "row", np.arange(8)[np.newaxis])]
    case(
        "score-of-useless-directions",
        "Any directions are sound.",
        tiny,
        [*peeled(tiny, "score", useless, recursive), *sums],
        Fraction(0),
    )
    norm = step("score", "row_norm", {"table": "peeled"}, left=1, right=1, power=3)
    case("score-by-norms", "A certified spectral norm.", tiny, [*peeled(tiny, "score", ends, norm), *sums], Fraction(0))

    pairs = np.array([[m, x] for m in range(8) for x in ((m + 1) % 8, (m + 7) % 8)])
    case("hot-outputs", "A few outputs apart, the others together.", tiny, hot(tiny, pairs), Fraction(9, 10))
    case(
        "hot-outputs-all",
        "Every output apart.",
        tiny,
        hot(tiny, np.array([[m, x] for m in range(8) for x in range(8) if x != m])),
        Fraction(9, 10),
    )
    for average in ("none", "mean", "envelope"):
        case(f"attention-{average}", "The repaired sub-cubic argument.", tiny, attention(tiny, average, 2, query), Fraction(1, 100))
    repaired = with_raw_positions(attention(misled, "envelope"))
    case("attention-where-published-misleads", "The repaired argument is exact here (pitfall P1).", misled, repaired)

    wide = {name: tensor.astype("<f8") for name, tensor in sorted(TINY.items(), reverse=True)}
    wide["unembed.b_U"] = np.array([0.0, -0.0] * 4)
    wide["blocks.0.attn.b_Q"] = np.zeros((1, 8), "<f2")
    wide["blocks.0.attn.mask"] = np.tril(np.ones((3, 3), "|b1"))
    stored = safetensors(wide, metadata={"format": "pt"})
    case(
        "same-model-stored-otherwise",
        "float64, another order, zero biases, metadata: the digest is the same.",
        tiny,
        tiny.cubic(),
        model=stored,
    )

    case("all-ties", "Every logit is zero: every input is a tie, and a tie is wrong.", zero, zero.brute_force())
    denormal, alone = Maker(denormal_model()), Maker(one_position_model())
    case("denormal-weights", "Denormal weights are exact numbers like any other.", denormal, denormal.brute_force())
    case("one-position", "No free slots: the query is the whole input.", alone, alone.brute_force())
    case("one-position-by-sums", "No free slots to count over.", alone, alone.subcubic(), Fraction(1, 3))
    case("one-position-cubic", "No free slots to permute.", alone, alone.cubic(), Fraction(1, 3))
    case("published-rule-misled", "16 of 64 are right; the published rule certifies 18 (pitfall P1).", misled, misled.brute_force())
    return cases


# -- what must not be --------------------------------------------------------------------------------------------------


def rejected() -> list[Case]:
    """Attacks, grouped by the file that carries them."""
    return [*bad_json(), *bad_statements(), *bad_certificates(), *false_steps(), *too_large_claims(), *bad_models()]


def refusal(name: str, attack: str, code: str, *, maker: Maker = tiny, exit_code: int = 3, clause: str = "", **files: Any) -> Case:
    """A case of exit code 3 (or 1): `code` is the stable reason code."""
    expected: JSON = {"verdict": "REJECTED" if exit_code == 1 else None, "exit": exit_code, "code": code}
    if clause:
        expected["clause"] = clause
    statement = files.get("statement", maker.statement())
    certificate = files.get("certificate", maker.certificate(maker.cubic()))
    return Case(name, statement, certificate, files.get("model", maker.model), {**expected, "attack": attack})


def bad_json() -> list[Case]:
    """Texts with no meaning, or with two."""
    statement, certificate = tiny.statement(), tiny.certificate(tiny.cubic())
    by_sums = tiny.certificate(tiny.subcubic())
    deep = replaced(certificate, '"raw"', "[" * 2000 + "]" * 2000)
    huge = "9" * 31
    return [
        refusal(
            "json-not-utf8",
            "A byte that is not UTF-8, read differently by lenient decoders.",
            "not-utf8",
            clause="1.1",
            certificate=certificate.replace(b"raw", b"r\xffw", 1),
        ),
        refusal(
            "json-utf16",
            "The statement in another encoding.",
            "not-utf8",
            clause="1.1",
            statement=statement.decode("ascii").encode("utf-16"),
        ),
        refusal(
            "json-oversized-statement",
            "A statement padded beyond its limit.",
            "limit-statement-bytes",
            clause="1.1",
            statement=statement + b" " * (1 << 16),
        ),
        refusal(
            "json-byte-order-mark", "An invisible mark before the text.", "not-json", clause="1.2", statement=b"\xef\xbb\xbf" + statement
        ),
        refusal("json-truncated", "Half a certificate.", "not-json", clause="1.2", certificate=certificate[: len(certificate) // 2]),
        refusal("json-empty", "An empty file.", "not-json", clause="1.2", certificate=b""),
        refusal("json-two-values", "A second statement after the first.", "not-json", clause="1.2", statement=statement + statement),
        refusal(
            "json-comment",
            "A comment, which some readers skip.",
            "not-json",
            clause="1.2",
            statement=replaced(statement, "{", "{ // true\n"),
        ),
        refusal(
            "json-trailing-comma",
            "A trailing comma, which some readers skip.",
            "not-json",
            clause="1.2",
            statement=replaced(statement, '"1/1"', '"1/1",'),
        ),
        refusal(
            "json-control-character",
            "A raw newline inside a string.",
            "not-json",
            clause="1.2",
            statement=replaced(statement, "accuracy", "accu\nracy"),
        ),
        refusal(
            "json-duplicate-key",
            "Two bounds: one for the reader, one for the checker.",
            "duplicate-key",
            clause="1.3",
            statement=replaced(statement, '"bound"', '"bound": "0/1", "bound"'),
        ),
        refusal(
            "json-duplicate-key-escaped",
            "The second key is spelt with an escape.",
            "duplicate-key",
            clause="1.3",
            statement=replaced(statement, '"bound"', '"b\\u006fund": "0/1", "bound"'),
        ),
        refusal(
            "json-duplicate-steps",
            "Two lists of steps.",
            "duplicate-key",
            clause="1.3",
            certificate=replaced(certificate, '"steps"', '"steps": [], "steps"'),
        ),
        refusal(
            "json-float",
            "A float where an integer is due.",
            "float",
            clause="1.4",
            certificate=replaced(by_sums, '"bins": 32', '"bins": 32.0'),
        ),
        refusal(
            "json-exponent",
            "An integer in exponent notation.",
            "float",
            clause="1.4",
            certificate=replaced(by_sums, '"bins": 32', '"bins": 32e0'),
        ),
        refusal(
            "json-float-bound",
            "A rounded bound instead of a fraction.",
            "float",
            clause="1.4",
            statement=replaced(statement, '"1/1"', "0.999999999999999999"),
        ),
        refusal(
            "json-nan",
            "NaN, with which every comparison is false.",
            "float",
            clause="1.4",
            certificate=replaced(by_sums, '"bins": 32', '"bins": NaN'),
        ),
        refusal(
            "json-infinity",
            "An infinite resolution.",
            "float",
            clause="1.4",
            certificate=replaced(by_sums, '"bins": 32', '"bins": -Infinity'),
        ),
        refusal(
            "json-huge-integer",
            "An integer of 31 digits.",
            "limit-json-integer-digits",
            clause="1.4",
            certificate=replaced(by_sums, '"bins": 32', f'"bins": {huge}'),
        ),
        refusal(
            "json-deep-nesting",
            "Two thousand nested lists, to exhaust the stack of the reader.",
            "limit-json-depth",
            clause="1.5",
            certificate=deep,
        ),
    ]


def bad_statements() -> list[Case]:
    """Statements that say nothing, too much, or something about another model."""

    def case(name: str, attack: str, code: str, clause: str, change: Change, **files: Any) -> Case:
        return refusal(name, attack, code, clause=clause, statement=changed(tiny.statement(), change), **files)

    def bound(name: str, attack: str, text: object, code: str = "not-a-fraction") -> Case:
        return case(f"bound-{name}", attack, code, "2.11", put("claim", "bound", value=text))

    def scope(name: str, attack: str, ranges: object, code: str = "bad-scope", **files: Any) -> Case:
        return case(f"scope-{name}", attack, code, "2.6", put("subject", "scope", value=ranges), **files)

    narrow = Maker("tiny", ((0, 7), (0, 7), (6, 7)))
    flipped = with_entry(TINY, "embed.W_E", np.nextafter(TINY["embed.W_E"].flat[0], np.float32(9), dtype=np.float32))
    return [
        refusal("statement-is-a-list", "The statement is not an object.", "wrong-type", statement=b"[]"),
        case(
            "statement-other-format",
            "A format that this checker does not know.",
            "unknown-word",
            "2.1",
            put("format", value="verifier-statement/2"),
        ),
        case(
            "statement-assumes",
            "A field that weakens the claim, in case the checker ignores it.",
            "unknown-field",
            "2",
            put("assume", value="t_0 < t_1"),
        ),
        case(
            "statement-excludes", "An exclusion hidden in the subject.", "unknown-field", "2.2", put("subject", "except", value=[[7, 7, 7]])
        ),
        case("statement-no-function", "The arithmetic is left open.", "missing-field", "2.2", drop("subject", "function")),
        case("statement-no-claim", "Nothing is claimed.", "missing-field", "2", drop("claim")),
        case(
            "architecture-look-alike",
            "A Cyrillic letter in the name of the architecture.",
            "unknown-word",
            "2.4",
            put("subject", "architecture", value="\u0430ttention-only-1"),
        ),
        case(
            "architecture-other",
            "An architecture whose formula is not fixed.",
            "unknown-word",
            "2.4",
            put("subject", "architecture", value="attention-only-2"),
        ),
        case("task-other", "A task that is not the maximum.", "unknown-word", "2.5", put("subject", "task", value="min")),
        case(
            "function-float32",
            "float32 arithmetic, for which nothing is proved.",
            "unknown-word",
            "2.7",
            put("subject", "function", value="float32"),
        ),
        case("metric-other", "Another metric.", "unknown-word", "2.9", put("claim", "metric", value="loss")),
        case(
            "relation-turned",
            "An upper bound, which a lower one does not prove.",
            "unknown-word",
            "2.10",
            put("claim", "relation", value="<="),
        ),
        bound("decimal", "A decimal number as text.", "0.5"),
        bound("negative", "A negative bound.", "-1/2"),
        bound("division-by-zero", "A fraction without a value.", "1/0"),
        bound("leading-zero", "A number that some readers take for octal.", "01/2"),
        bound("unicode-digits", "Arabic digits, which Python's int() would read.", "\u0661/\u0662"),
        bound("integer", "An integer where a fraction is due.", 1, "wrong-type"),
        bound("not-lowest-terms", "Two spellings of one number.", "2/4", "not-lowest-terms"),
        bound("above-one", "An accuracy above one.", "3/2", "out-of-range"),
        bound("huge", "A denominator of a thousand digits.", "1/1" + "0" * 1000, "limit-fraction-digits"),
        scope("empty", "No inputs at all, of which everything is true.", [[0, 7], [5, 2], [0, 7]]),
        scope("no-positions", "A scope without positions.", []),
        scope("short", "One position fewer than the model has.", [[0, 7], [0, 7]]),
        scope("outside-vocabulary", "A token that does not exist.", [[0, 7], [0, 8], [0, 7]]),
        scope("triple", "Three ends for one range.", [[0, 7, 7], [0, 7], [0, 7]]),
        scope("negative", "A token that counts from the end of a list.", [[-1, 7], [0, 7], [0, 7]], "out-of-range"),
        scope("boolean", "false and true, which are 0 and 1 in some languages.", [[False, 7], [0, 7], [0, 7]], "wrong-type"),
        refusal(
            "scope-narrowed",
            "The certificate is for a part of the scope.",
            "subject-digest",
            clause="3.2",
            certificate=narrow.certificate(narrow.cubic()),
        ),
        refusal(
            "scope-widened",
            "The certificate is for more than the scope: true, but of another subject.",
            "subject-digest",
            clause="3.2",
            statement=narrow.statement(),
        ),
        refusal("model-other", "A statement about one model with the file of another.", "model-digest", clause="2.3", model="imperfect"),
        refusal(
            "model-one-ulp-off",
            "One weight has been moved by one unit in its last place.",
            "model-digest",
            clause="2.3",
            model=safetensors(flipped),
        ),
        case(
            "model-digest-upper-case",
            "The digest in capitals.",
            "model-digest",
            "2.3",
            put("subject", "model", value=tiny.subject.model.upper()),
        ),
    ]


def bad_certificates() -> list[Case]:
    """Certificates that break the grammar."""
    pure, sums = tiny.certificate(tiny.cubic()), tiny.certificate(tiny.subcubic())

    def case(name: str, attack: str, code: str, change: Change, clause: str = "3.4", certificate: bytes = pure, **rest: Any) -> Case:
        return refusal(name, attack, code, clause=clause, certificate=changed(certificate, change), **rest)

    def shift(name: str, attack: str, code: str, *, exit_code: int = 3, **parts: object) -> Case:
        array = {**the_step(json.loads(sums), "margins")["hints"]["shift"], **parts}
        return case(
            f"array-{name}", attack, code, on_step("margins", put("hints", "shift", value=array)), certificate=sums, exit_code=exit_code
        )

    def encoded(values: list[float]) -> str:
        return base64.b64encode(np.array(values, "<f8").tobytes()).decode("ascii")

    text = encoded([0.5] * 8)
    unpadded = {"array": "f64", "shape": [1, 8], "base64": text.rstrip("=")}
    spare_bits = text[:-2] + chr(ord(text[-2]) + 1) + "="  # other bits after the last byte, same decoded bytes
    listing = imperfect.certificate(imperfect.listing(imperfect.listed[:3]))
    negative = integer_array(imperfect.listed[:3] * np.array([1, 1, -1, 1, 1]) - np.array([0, 0, 1, 0, 0]))
    many = [step(f"t{number}", "exact_table", table="skip", positions="raw") for number in range(513)]
    return [
        case(
            "certificate-other-format",
            "A format that this checker does not know.",
            "unknown-word",
            put("format", value="verifier-certificate/9"),
            "3.1",
        ),
        case(
            "certificate-carries-statement",
            "A claim of the prover's own beside the steps.",
            "unknown-field",
            put("claim", value={"bound": "0/1"}),
            "3",
        ),
        case("certificate-no-subject", "Tied to nothing.", "missing-field", drop("subject"), "3"),
        case("subject-not-a-digest", "A digest in capitals.", "not-a-digest", put("subject", value=tiny.subject.digest.upper()), "3.2"),
        case(
            "subject-look-alike",
            "A full-width digit in the digest.",
            "not-a-digest",
            put("subject", value=tiny.subject.digest[:-1] + "\uff10"),
            "3.2",
        ),
        refusal(
            "certificate-of-other-model",
            "A true certificate of another model.",
            "subject-digest",
            clause="3.2",
            certificate=imperfect.certificate(imperfect.cubic()),
        ),
        case("steps-not-a-list", "Steps by name instead of in order.", "wrong-type", put("steps", value={}), "3.3"),
        case("steps-too-many", "513 steps.", "limit-steps", put("steps", value=many), "3.3"),
        case("rule-assume", "A rule that assumes what is to be proved.", "unknown-word", on_step("right", put("rule", value="assume"))),
        case(
            "rule-look-alike",
            "A Cyrillic letter in the name of a rule.",
            "unknown-word",
            on_step("right", put("rule", value="pur\u0435_margin")),
        ),
        case("rule-in-capitals", "A rule's name in capitals.", "unknown-word", on_step("right", put("rule", value="PURE_MARGIN"))),
        case(
            "step-states-its-result",
            "A count of the prover's own, in case the checker believes it.",
            "unknown-field",
            on_step("right", put("counts", value=512)),
        ),
        case(
            "step-unknown-hint",
            "A hint that the rule does not have.",
            "unknown-field",
            on_step("right", put("hints", value={"certified": 512})),
        ),
        case("step-missing-hint", "A hint left out.", "missing-field", on_step("skip", drop("hints", "positions"))),
        case("step-missing-premise", "A premise left out.", "missing-field", on_step("right", drop("premises", "copy"))),
        case(
            "step-unknown-role",
            "A premise in a role that the rule does not have.",
            "unknown-field",
            on_step("right", put("premises", "truth", value="skip")),
        ),
        case("step-without-id", "A step that nothing can refer to.", "missing-field", drop("steps", 0, "id")),
        case("id-look-alike", "An id that looks like another one.", "bad-id", on_step("skip", put("id", value="sk\u0456p"))),
        case("id-in-capitals", "An id in capitals.", "bad-id", on_step("skip", put("id", value="Skip"))),
        case("id-too-long", "An id of 65 characters.", "bad-id", on_step("skip", put("id", value="s" * 65))),
        case(
            "id-twice",
            "Two steps of one name, either of which could be the premise.",
            "duplicate-id",
            on_step("score", put("id", value="skip")),
        ),
        case(
            "premise-forward",
            "A premise that is proved later.",
            "unknown-premise",
            lambda document: document["steps"].insert(0, document["steps"].pop()),
        ),
        case(
            "premise-circular",
            "A step that rests on itself.",
            "unknown-premise",
            on_step("bound", put("premises", "counts", value=["bound"])),
        ),
        case("premise-missing", "A premise that is no step.", "unknown-premise", on_step("right", put("premises", "copy", value="copy2"))),
        case("premises-empty", "An empty list of counts.", "bad-premises", on_step("bound", put("premises", "counts", value=[]))),
        case(
            "premises-repeated",
            "One count listed twice, to be added twice.",
            "bad-premises",
            on_step("bound", put("premises", "counts", value=["right", "right"])),
        ),
        case(
            "premise-list-for-one",
            "Two tables in a role for one.",
            "wrong-type",
            on_step("right", put("premises", "copy", value=["copy", "score"])),
        ),
        case(
            "hint-zero-bins",
            "A resolution of zero, to divide by.",
            "out-of-range",
            on_step("right", put("hints", "bins", value=0)),
            certificate=sums,
        ),
        case(
            "hint-boolean",
            "true, which is 1 in some languages.",
            "wrong-type",
            on_step("right", put("hints", "bins", value=True)),
            certificate=sums,
        ),
        case("hint-string", "An integer as text.", "wrong-type", on_step("right", put("hints", "bins", value="32")), certificate=sums),
        case(
            "hint-other-table",
            "A table that the architecture does not have.",
            "unknown-word",
            on_step("skip", put("hints", "table", value="mlp")),
        ),
        case(
            "hint-negative-token",
            "A token that counts from the end of a list.",
            "out-of-range",
            on_step("wrong", put("hints", "inputs", value=negative)),
            certificate=listing,
            maker=imperfect,
        ),
        refusal(
            "peels-too-many",
            "33 peels.",
            "limit-peels",
            clause="3.4",
            certificate=tiny.certificate(
                [step("p", "peeled_table", table="score", positions="raw", peels=[peel(0, 0, "left", size_direction(8))] * 33)]
            ),
        ),
        shift("not-base64", "Characters outside the alphabet.", "not-base64", base64=text[:-4] + "!!!="),
        shift("url-safe-base64", "The other base64 alphabet.", "not-base64", base64=text.replace("4", "_")),
        shift("spaced-base64", "Spaces inside, which lenient decoders drop.", "not-base64", base64=text[:8] + " " + text[8:]),
        shift("unpadded-base64", "Padding left out.", "not-base64", **unpadded),
        shift("spare-bits", "Two texts for the same bytes.", "not-base64", base64=spare_bits),
        shift("shape-lie", "A shape larger than the data.", "wrong-shape", shape=[1, 9]),
        shift("shape-of-rank-3", "Three axes.", "wrong-shape", shape=[1, 1, 8]),
        shift("shape-zero", "An empty axis.", "out-of-range", shape=[0, 8]),
        shift("shape-bomb", "A petabyte of hints.", "limit-float-entries", shape=[1 << 25, 1 << 25]),
        shift("other-type", "Integers where floats are due.", "unknown-word", array="i64"),
        shift("nan", "A hint that is not a number.", "nonfinite", base64=encoded([float("nan")] + [0.0] * 7)),
        shift("infinity", "An infinite shift.", "nonfinite", base64=encoded([float("inf")] + [0.0] * 7)),
        shift("unknown-field", "A byte order chosen by the prover.", "unknown-field", order="big"),
    ]


def false_steps() -> list[Case]:
    """Well-formed certificates with a step that is false: REJECTED."""
    sums = tiny.certificate(tiny.subcubic())
    pure = tiny.certificate(tiny.cubic())
    some = imperfect.listed[:5]
    n = imperfect.floats.n

    def case(name: str, attack: str, code: str, change: Change, certificate: bytes = pure, maker: Maker = tiny) -> Case:
        return refusal(name, attack, code, exit_code=1, certificate=changed(certificate, change), maker=maker)

    def tables(name: str, attack: str, **roles: str) -> Case:
        return case(f"tables-{name}", attack, "wrong-premise", on_step("right", lambda entry: entry["premises"].update(roles)))

    def listed(name: str, attack: str, code: str, inputs: np.ndarray, maker: Maker = imperfect) -> Case:
        return refusal(f"wrong-inputs-{name}", attack, code, exit_code=1, maker=maker, certificate=maker.certificate(maker.listing(inputs)))

    def shaped(name: str, attack: str, shift: np.ndarray) -> Case:
        return refusal(name, attack, "wrong-shape", exit_code=1, certificate=tiny.certificate(tiny.subcubic(shift)))

    right = np.array([[9] * n + [0]])  # all tokens the maximum: answered rightly
    twice = np.concatenate([some, some[2:3]])
    several, outputs = next((tokens, outputs) for tokens, outputs in imperfect.wrong.items() if 1 < len(outputs) < 6)
    two_reasons = np.array([[*several, x] for x in [*outputs][:2]])
    loser = next(x for x in range(10) if x not in {*outputs, *several})
    beaten = np.array([[*several, loser]])
    part = Maker("imperfect", ((0, 9), (0, 9), (0, 9), (0, 4)))
    beyond = imperfect.listed[imperfect.listed[:, n - 1] > 4][:2]
    blocks = tiny.certificate(
        [*tiny.subcubic(singles=0)[:-2], step("right", "count_every", {"constraints": "margins"}), tiny.subcubic()[-1]]
    )
    answered, unknown = some.copy(), some.copy()
    answered[:, n], unknown[:, n] = some[:, :n].max(axis=1), 10
    by_norm = step("score", "row_norm", {"table": "peeled"}, left=1, right=1, power=2)
    good = peeled(tiny, "score", [peel(0, 0, "left", size_direction(8))], by_norm)

    def low_rank(name: str, attack: str, code: str, *changes: Change) -> Case:
        certificate = tiny.certificate([*good, *tiny.cubic()[5:]])
        for change in changes:
            certificate = changed(certificate, change)
        return refusal(f"peel-{name}", attack, code, exit_code=1, certificate=certificate)

    first = the_step(json.loads(tiny.certificate(good)), "peeled")["hints"]["peels"][0]
    two_tokens = step("split", "absent_present", ALL_TABLES, shift=float_array(np.zeros((1, 2))), singles=1)
    splitting = [*exact_tables("raw"), two_tokens, step("right", "count_blocks", {"split": "split"}), tiny.cubic()[-1]]
    huge = float_array(np.full((8, 1), 1e200))
    by_attention = tiny.certificate(attention(tiny, "mean"))
    exact_skip = [*exact_tables("centred"), *attention(tiny, "none")[-2:]]
    row_by_row = integer_array(np.ones((8, 3), dtype=np.int64))
    itself, nowhere = np.array([[3, 3]]), np.array([[3, 8]])
    as_count = step("bound", "accuracy", {"counts": ["wrong"]})
    return [
        tables("swapped", "The copy table as scores and the scores as copies.", score="copy", copy="score"),
        tables("position-for-token", "The position scores as token scores.", score="position_score"),
        tables("one-for-all", "One table in all five roles.", **dict.fromkeys(TABLES, "skip")),
        case(
            "tables-misnamed",
            "A step named score that proves the copy table.",
            "wrong-premise",
            on_step("score", put("hints", "table", value="copy")),
        ),
        case(
            "tables-mixed-scores",
            "The mean position counted twice in the scores.",
            "mixed-centring",
            on_step("score", put("hints", "positions", value="centred")),
        ),
        case(
            "tables-mixed-copies",
            "The mean position left out of the copies.",
            "mixed-centring",
            on_step("position_copy", put("hints", "positions", value="centred")),
        ),
        case(
            "premise-of-other-kind",
            "A table where a constraint is due.",
            "wrong-premise",
            on_step("right", put("premises", "constraints", value="copy")),
            sums,
        ),
        case(
            "bound-from-constraints",
            "Margins that nobody has counted.",
            "wrong-premise",
            on_step("bound", put("premises", "counts", value=["margins"])),
            sums,
        ),
        refusal(
            "bound-from-wrong-inputs",
            "Wrong inputs counted as right ones.",
            "wrong-premise",
            exit_code=1,
            maker=imperfect,
            certificate=imperfect.certificate([*imperfect.listing(some)[:-1], as_count]),
        ),
        refusal(
            "blocks-counted-singly", "Blocks of several tokens where single ones are due.", "wrong-premise", exit_code=1, certificate=blocks
        ),
        refusal(
            "hot-right-answer",
            "The maximum as its own competitor: a gap of zero.",
            "not-a-wrong-output",
            exit_code=1,
            certificate=tiny.certificate(hot(tiny, itself)),
        ),
        refusal(
            "hot-no-such-output",
            "A competitor that does not exist.",
            "not-a-wrong-output",
            exit_code=1,
            certificate=tiny.certificate(hot(tiny, nowhere)),
        ),
        low_rank(
            "overlapping",
            "Two peels of overlapping factors.",
            "bad-intervals",
            on_step("peeled", put("hints", "peels", value=[first, {**first, "last": 1}])),
        ),
        low_rank(
            "beyond-chain",
            "A peel of a factor that is not there.",
            "bad-intervals",
            on_step("peeled", put("hints", "peels", value=[{**first, "last": 9}])),
        ),
        low_rank(
            "backwards",
            "A peel of factors 2 to 1.",
            "bad-intervals",
            on_step("peeled", put("hints", "peels", value=[{**first, "first": 2, "last": 1}])),
        ),
        low_rank("nothing", "No peels: a part of rank zero.", "no-peels", on_step("peeled", put("hints", "peels", value=[]))),
        low_rank(
            "other-side",
            "Directions for the rows where those for columns are due.",
            "wrong-shape",
            on_step("peeled", put("hints", "peels", value=[{**first, "first": 3, "last": 3, "side": "row"}])),
        ),
        low_rank(
            "slack-forgotten",
            "A low-rank part used as the table, its residual dropped.",
            "wrong-premise",
            on_step("right", put("premises", "score", value="peeled")),
        ),
        low_rank(
            "other-table",
            "A bound on the skip path's residual in the role of the scores.",
            "wrong-premise",
            on_step("peeled", put("hints", "table", value="skip")),
        ),
        low_rank(
            "mixed-centring",
            "A peeled table that leaves the mean position out.",
            "mixed-centring",
            on_step("peeled", put("hints", "positions", value="raw")),
        ),
        low_rank("too-many-factors", "More factors than the chain has.", "bad-intervals", on_step("score", put("hints", "left", value=4))),
        low_rank(
            "huge-direction",
            "A slack so wide that a weight may be zero.",
            "undecided-divisor",
            on_step("peeled", put("hints", "peels", 0, "directions", value=huge)),
        ),
        refusal(
            "split-of-two-tokens",
            "Two tokens, of which none can be absent.",
            "too-few-tokens",
            exit_code=1,
            maker=zero,
            certificate=zero.certificate(splitting),
        ),
        refusal(
            "attention-without-reference",
            "A skip row for each query where one for all is due.",
            "wrong-premise",
            exit_code=1,
            certificate=tiny.certificate(exact_skip),
        ),
        case(
            "attention-gaps-misshapen",
            "A gap per maximum where one per maximum and query is due.",
            "wrong-shape",
            on_step("right", put("hints", "gaps", value=row_by_row)),
            by_attention,
        ),
        shaped("shift-too-short", "A shift for one output fewer.", tiny.shift()[:, :-1]),
        shaped("shift-transposed", "A column for a row.", tiny.shift().T),
        case("ends-without-bound", "The last step proves no bound.", "no-bound", lambda document: document["steps"].pop()),
        case("no-steps", "No steps at all.", "no-bound", put("steps", value=[])),
        case("bound-from-nothing", "A bound without premises.", "no-premises", on_step("bound", drop("premises"))),
        listed("right", "A right input among the wrong ones.", "not-wrong", np.concatenate([some[:2], right])),
        listed("beaten-output", "A wrong input, but with an output that does not win.", "not-wrong", beaten),
        listed("twice", "One wrong input counted twice.", "duplicate-input", twice),
        listed("twice-by-outputs", "One wrong input counted once for each output that wins.", "duplicate-input", two_reasons),
        listed("right-answer", "The maximum itself as the wrong output: a gap of zero.", "not-a-wrong-output", answered),
        listed("no-such-output", "An output that does not exist.", "not-a-wrong-output", unknown),
        listed("outside-scope", "Wrong inputs that the claim is not about.", "outside-scope", beyond, part),
        listed("column-missing", "The wrong outputs left out.", "wrong-shape", some[:, :n]),
    ]


def too_large_claims() -> list[Case]:
    """True steps and a claim beyond them: INCOMPLETE."""

    def case(name: str, attack: str, maker: Maker, steps: list[Step], bound: Fraction) -> Case:
        expected = {"verdict": "INCOMPLETE", "exit": 2, "code": None, "right": maker.right, "total": maker.subject.total, "attack": attack}
        return Case(name, maker.statement(bound), maker.certificate(steps), maker.model, expected)

    exact = Fraction(imperfect.right, imperfect.subject.total)
    *sums, right, bound = imperfect.subcubic()
    pure = step("pure", "pure_margin", ALL_TABLES)
    both = [*sums, right, pure, put_counts(bound, "right", "pure")]
    again = [*sums, right, {**right, "id": "again"}, put_counts(bound, "right", "again")]
    return [
        case("claim-one-input-more", "One input more than are right.", imperfect, imperfect.brute_force(), exact + Fraction(1, 10_000)),
        case(
            "claim-a-hair-more",
            "More than is true by 10^-20, less than any float64 can tell.",
            imperfect,
            imperfect.brute_force(),
            exact + Fraction(1, 10**20),
        ),
        case("claim-exact-from-cubic", "The true accuracy, by an argument that does not reach it.", imperfect, imperfect.cubic(), exact),
        case("claim-sum-of-counts", "Two counts of the same inputs, added.", imperfect, both, Fraction(7, 10)),
        case("claim-count-proved-twice", "One count under two names, added to more than is true.", imperfect, again, Fraction(9, 10)),
        case(
            "claim-wrong-as-right",
            "All inputs, from a list of wrong ones.",
            imperfect,
            imperfect.listing(imperfect.listed[:5]),
            Fraction(1, 10_000),
        ),
        case("claim-ties", "Ties counted as right.", zero, [*exact_tables("raw"), *tiny.cubic()[5:]], Fraction(1, 4)),
        case("claim-ties-by-enumeration", "Ties counted as right, every input evaluated.", zero, zero.brute_force(), Fraction(1, 4)),
        case(
            "claim-for-maxima-left-out",
            "All inputs, from constraints for the maximum 7 alone.",
            tiny,
            hot(tiny, np.array([[7, 0]])),
            Fraction(1),
        ),
        case(
            "claim-repeated-tokens-right",
            "Inputs that repeat one token, all of them counted as right; here most are not.",
            misled,
            with_raw_positions(attention(misled, "envelope")),
            Fraction(17, 64),
        ),
        case(
            "claim-of-published-rule",
            "18 of 64, as the published rule reports where 16 are right (pitfall P1).",
            misled,
            misled.brute_force(),
            Fraction(18, 64),
        ),
    ]


def put_counts(bound: Step, *counts: str) -> Step:
    """The last step, with other counts."""
    return {**bound, "premises": {"counts": list(counts)}}


def bad_models() -> list[Case]:
    """Model files that are damaged, or are of another architecture."""

    def case(name: str, attack: str, code: str, clause: str, model: bytes, maker: Maker = tiny) -> Case:
        return refusal(f"model-{name}", attack, code, clause=clause, model=model, maker=maker)

    def beside(**extra: np.ndarray) -> bytes:
        return safetensors({**TINY, **{name.replace("__", "."): tensor for name, tensor in extra.items()}})

    def header(change: Change) -> bytes:
        return safetensors(TINY, change)

    file, zeros = shipped("tiny"), np.zeros((1, 8, 8), "<f4")
    size = struct.unpack("<Q", file[:8])[0]
    small = np.float32(1e-45)
    local = np.tril(np.ones((3, 3), "|b1")) & ~np.tril(np.ones((3, 3), "|b1"), -2)
    without = {name: tensor for name, tensor in TINY.items() if name != "unembed.W_U"}
    transposed = safetensors({**IMPERFECT, "unembed.W_U": IMPERFECT["unembed.W_U"].T.copy()})
    two_heads = safetensors({**TINY, **{name: np.concatenate([TINY[name]] * 2) for name in TINY if ".attn." in name}})
    one_token = {**TINY, "embed.W_E": TINY["embed.W_E"][:1].copy(), "unembed.W_U": TINY["unembed.W_U"][:, :1].copy()}
    tokens = {
        name: np.zeros(shape, "<f2")
        for name, shape in {"embed.W_E": (1025, 1), "pos_embed.W_pos": (1, 1), "unembed.W_U": (1, 1025)}.items()
    }
    crowd = {**{FILE_NAMES[name]: np.zeros((1, 1, 1), "<f2") for name in ("W_Q", "W_K", "W_V", "W_O")}, **tokens}
    spans = json.loads(file[8 : 8 + size])
    first = min(spans, key=lambda name: spans[name]["data_offsets"][0])
    name_twice = file[8 : 8 + size].replace(b'"unembed.W_U"', b'"embed.W_E"', 1)
    return [
        case(
            "bias-hidden",
            "A query bias of 1e-45 in one entry.",
            "nonzero-bias",
            "5.4",
            beside(blocks__0__attn__b_Q=np.array([[0] * 7 + [small]], "<f4")),
        ),
        case(
            "unembedding-bias",
            "A large unembedding bias: another function altogether.",
            "nonzero-bias",
            "5.4",
            beside(unembed__b_U=np.full(8, 100, "<f4")),
        ),
        case("integer-bias", "A bias of a type that is no float.", "nonzero-bias", "5.4", beside(unembed__b_U=np.zeros(8, "<i8"))),
        case("extra-layer", "A second layer beside the first.", "unknown-tensor", "5.4", beside(blocks__1__attn__W_Q=zeros)),
        case("mlp", "An MLP beside the attention, all zero.", "unknown-tensor", "5.4", beside(blocks__0__mlp__W_in=zeros[0])),
        case("layer-norm", "A LayerNorm.", "unknown-tensor", "5.4", beside(ln_final__w=np.ones(8, "<f4"))),
        case(
            "tensor-look-alike",
            "A tensor whose name looks like a weight's.",
            "unknown-tensor",
            "5.4",
            safetensors({**TINY, "embed.W_\u0395": zeros}),
        ),
        case("two-heads", "Two heads.", "extra-head", "5.3", two_heads),
        case(
            "mask-hides-position",
            "A mask that hides position 0 from the last one: local attention, another function.",
            "masked-attention",
            "5.4",
            beside(blocks__0__attn__mask=local),
        ),
        case(
            "mask-of-floats",
            "A mask of another type, all ones.",
            "masked-attention",
            "5.4",
            beside(blocks__0__attn__mask=np.ones((3, 3), "<f4")),
        ),
        case("missing-tensor", "A weight left out.", "missing-tensor", "5.1", safetensors(without)),
        case("transposed", "The unembedding transposed.", "wrong-shape", "5.3", transposed, imperfect),
        case(
            "head-axis-gone",
            "A weight without its head axis.",
            "wrong-shape",
            "5.3",
            safetensors({**TINY, "blocks.0.attn.W_Q": TINY["blocks.0.attn.W_Q"][0]}),
        ),
        case("one-token", "A vocabulary of one token: nothing to get wrong.", "wrong-shape", "5.3", safetensors(one_token)),
        case(
            "no-positions",
            "A context of length zero.",
            "wrong-shape",
            "5.3",
            safetensors({**TINY, "pos_embed.W_pos": np.zeros((0, 8), "<f4")}),
        ),
        case("large-vocabulary", "1025 tokens.", "limit-vocabulary", "5.3", safetensors(crowd)),
        case(
            "integer-weights",
            "Weights of a type that is no float.",
            "wrong-dtype",
            "5.2",
            safetensors({**TINY, "embed.W_E": TINY["embed.W_E"].astype("<i8")}),
        ),
        case(
            "unknown-type",
            "A type that this reader does not know.",
            "unknown-word",
            "4.3",
            safetensors({**TINY, "embed.W_E": TINY["embed.W_E"].astype("|u1")}),
        ),
        case("nan", "A weight that is not a number.", "nonfinite", "5.2", safetensors(with_entry(TINY, "embed.W_E", np.nan))),
        case("infinity", "An infinite weight.", "nonfinite", "5.2", safetensors(with_entry(TINY, "unembed.W_U", -np.inf))),
        case("empty-file", "An empty file.", "truncated", "4.1", b""),
        case("truncated-header", "A header that ends too early.", "truncated", "4.1", file[:64]),
        case("truncated-data", "The last weights are cut off.", "out-of-range", "4.4", file[:-4]),
        case("trailing-bytes", "Bytes after the last tensor, in no digest.", "trailing-bytes", "4.4", file + b"\0" * 8),
        case("header-bomb", "A header length of 2^63.", "limit-header-bytes", "4.1", struct.pack("<Q", 1 << 63) + file[8:]),
        case("header-not-json", "A header that is no JSON.", "not-json", "1.2", struct.pack("<Q", 4) + b"{'a'" + file[8 + size :]),
        case(
            "header-names-twice",
            "Two tensors of one name.",
            "duplicate-key",
            "1.3",
            struct.pack("<Q", len(name_twice)) + name_twice + file[8 + size :],
        ),
        case(
            "header-unknown-field",
            "Strides that this reader would ignore.",
            "unknown-field",
            "4.2",
            header(put("embed.W_E", "strides", value=[1, 8])),
        ),
        case(
            "header-shape-lie",
            "A shape that does not fit its bytes.",
            "wrong-extent",
            "4.4",
            header(put("embed.W_E", "shape", value=[8, 9])),
        ),
        case(
            "header-shape-bomb",
            "A shape of 2^32 by 2^32.",
            "wrong-extent",
            "4.4",
            header(put("embed.W_E", "shape", value=[1 << 32, 1 << 32])),
        ),
        case(
            "header-overlap",
            "Two names for the same bytes.",
            "gap-or-overlap",
            "4.4",
            header(put("blocks.0.attn.W_Q", "data_offsets", value=[0, 256])),
        ),
        case(
            "header-backwards",
            "Offsets in the wrong order.",
            "wrong-extent",
            "4.4",
            header(put("embed.W_E", "data_offsets", value=[256, 0])),
        ),
        case("gap", "Bytes that no tensor covers, before the first one.", "gap-or-overlap", "4.4", with_gap(file, size, first)),
    ]


def with_gap(file: bytes, size: int, first: str) -> bytes:
    """The file with four bytes before its data, and offsets that step over them."""
    spans = json.loads(file[8 : 8 + size])
    for entry in spans.values():
        entry["data_offsets"] = [offset + 4 for offset in entry["data_offsets"]]
    text = json.dumps(spans).encode("ascii")
    return struct.pack("<Q", len(text)) + text + b"hide" + file[8 + size :]


def build(target: Path) -> int:
    """Write both folders under `target`, replacing what is there; return the number of cases."""
    cases = 0
    for folder, made in (("accepted", accepted()), ("rejected", rejected())):
        shutil.rmtree(target / folder, ignore_errors=True)
        for case in made:
            case.write(target / folder)
        cases += len(made)
    return cases


if __name__ == "__main__":
    print(f"{build(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)} cases")
