"""Every strategy on one model: what it proves, and how long its proof is.

1. Each strategy is run and its certificate checked by the kernel (fast arithmetic), one strategy at a time per process.
2. Its row, its certificate and its statement are written as soon as they exist, the row last.  A row carries the digest of the
   model and of the code that made it; a later run takes it as it is if both are unchanged, and redoes it otherwise.
3. From the rows: the Pareto frontiers, the best strategy of each cost class, and each proof's length against brute force.

A strategy that fails, or takes more time or memory than allowed, gets a row with its reason: the other rows are worth having.
Nothing here is trusted; every certificate stays in the folder and can be checked by anyone.
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
import math
import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields, replace
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import verifier
from verifier.budget import OutOfTime, memory_limited, memory_to_spare, peak_mebibytes, reset_peak, seconds_limited
from verifier.files import write_atomically
from verifier.kernel.errors import StepRejected, Usage, VerifierError
from verifier.kernel.limits import LIMITS
from verifier.kernel.model import Model, read_model
from verifier.kernel.rules.count_every import CELLS_AT_ONCE
from verifier.prove import prove
from verifier.strategies import STRATEGIES, Strategy

BOUND_PLACES = 9  # decimals of the column `bound`
IRRELEVANT = {  # code of the package that no row depends on; all other code is part of a row's identity
    *("__init__.py", "audit.py", "budget.py", "cli.py", "estimate.py", "explain.py", "figures.py", "files.py", "frontier_figures.py"),
    *("inputs.py", "lean_export.py", "noise.py", "progress.py", "commands", "lean", "lemmas", "models"),
}


@dataclass(frozen=True)
class Row:
    """One strategy's result; the fields are the columns of frontier.csv.

    verdict: PROVED, REJECTED, or None if the strategy did not come to a verdict; then, as after REJECTED, `reason` says why and
    the fields of the proof are None.  bound: `proved` as a decimal, rounded down.  check_seconds: with the fast arithmetic.
    brute_force_ratio: how many times longer brute force is.  peak_memory_mib: of the whole
    process, proving and checking, libraries and what it still holds of earlier strategies included.
    """

    strategy: str
    published: bool
    cost_class: str
    verdict: str | None = None
    proved: str | None = None
    certified: int | None = None
    wrong: int | None = None
    undecided: int | None = None
    total: int | None = None
    bound: str | None = None
    flops: int | None = None
    integer_operations: int | None = None
    operations: int | None = None
    log2_operations: float | None = None
    unexplained_dimension: int | None = None
    certificate_bytes: int | None = None
    prove_seconds: float | None = None
    check_seconds: float | None = None
    brute_force_ratio: float | None = None
    peak_memory_mib: int | None = None
    reason: str | None = None

    @property
    def is_proved(self) -> bool:
        return self.verdict == "PROVED"

    @property
    def error(self) -> Fraction:
        """1 - bound."""
        return 1 - Fraction(self.proved or "0/1")

    @property
    def is_exact(self) -> bool:
        return self.is_proved and self.undecided == 0


COLUMNS = tuple(field.name for field in fields(Row))


@dataclass(frozen=True)
class Work:
    """All that a process needs to know to make rows of one model."""

    model: bytes
    file: str
    folder: Path
    digest: str
    seconds: float | None
    mebibytes: int | None


Report = Callable[[str, int, int], None]  # strategy just finished, number finished, number in all


# -- which strategies --------------------------------------------------------------------------------------------------


def is_published(strategy: Strategy) -> bool:
    """Is this the sound version of a strategy of the paper?"""
    return strategy.published


def select(words: str) -> list[str]:
    """Names of strategies in the order of the table, from a list such as `published`, `cubic,counting` or `subcubic/*,ours`.

    Raises Usage if a word stands for nothing.
    """
    chosen: set[str] = set()
    for word in words.split(","):
        found = [name for name, strategy in STRATEGIES.items() if _stands_for(word.strip(), strategy)]
        if not found:
            expected = "a name or pattern of `verifier strategies`, or published, ours, all"
            raise Usage("unknown-strategy", expected=expected, got=word)
        chosen.update(found)
    return [name for name in STRATEGIES if name in chosen]


def _stands_for(word: str, strategy: Strategy) -> bool:
    groups = {"all": True, "published": is_published(strategy), "ours": not is_published(strategy)}
    return groups[word] if word in groups else fnmatch.fnmatchcase(strategy.name, word)


# -- one strategy ------------------------------------------------------------------------------------------------------


def make_row(name: str, work: Work) -> Row:
    """Prove, check, write; whatever happens becomes a row."""
    strategy = STRATEGIES[name]
    row = Row(name, is_published(strategy), strategy.cost_class)
    reset_peak()
    lasting = True
    try:
        if name == "brute-force":
            _refuse_too_many_inputs(read_model(work.model, file=work.file))
        with seconds_limited(work.seconds), memory_limited(work.mebibytes):
            row = _proved(row, strategy, work)
    except StepRejected as error:
        row = replace(row, verdict="REJECTED", reason=str(error))
    except VerifierError as error:
        row = replace(row, reason=str(error))
    except OutOfTime:
        row = replace(row, reason=f"out-of-time: not finished after {work.seconds:g} seconds")
        lasting = False
    except MemoryError:
        row = replace(row, reason=f"out-of-memory: more than {work.mebibytes} MiB wanted")
        lasting = False
    except Exception as error:  # a bug in one strategy is a row of its own, and no end of the others
        row = replace(row, reason=f"internal error: {type(error).__name__}: {' '.join(str(error).split())}")
        lasting = False
    row = replace(row, peak_memory_mib=peak_mebibytes())
    stored = {"key": _key(name, work.digest), "lasting": lasting, "row": asdict(row)}
    write_atomically(row_path(work.folder, name), _json(stored), force=True)
    return row


def _refuse_too_many_inputs(model: Model) -> None:
    """The search for wrong inputs comes before the check, and would fill the memory long before a limit stopped it."""
    expected = brute_force_operations(model)
    if expected > LIMITS.fast_operations:
        got = f"about 2^{math.log2(expected):.1f}"
        raise Usage("limit-fast-operations", expected=f"at most 2^{math.log2(LIMITS.fast_operations):g} operations", got=got)


def _proved(row: Row, strategy: Strategy, work: Work) -> Row:
    proof = prove(work.model, strategy, file=work.file, reference=False)
    statement, certificate = proof_paths(work.folder, strategy.name)
    write_atomically(certificate, proof.certificate, force=True)
    write_atomically(statement, proof.statement, force=True)
    verdict = proof.verdicts[0]
    result = verdict.json()
    same = {name: result[name] for name in COLUMNS if name in result and name not in {"proved", "reason"}}
    return replace(
        row,
        **same,
        proved=f"{proof.proved.numerator}/{proof.proved.denominator}",
        bound=rounded_down(proof.proved),
        log2_operations=round(math.log2(max(result["operations"], 1)), 3),
        prove_seconds=round(proof.prove_seconds, 3),
        check_seconds=round(verdict.seconds, 3),
    )


def rounded_down(fraction: Fraction, places: int = BOUND_PLACES) -> str:
    """A decimal of so many places that is not above the fraction."""
    scaled = fraction.numerator * 10**places // fraction.denominator
    return f"{scaled // 10**places}.{scaled % 10**places:0{places}d}"


# -- all of them -------------------------------------------------------------------------------------------------------


def make_rows(
    names: Sequence[str],
    model_bytes: bytes,
    folder: Path,
    *,
    file: str,
    workers: int = 1,
    force: bool = False,
    seconds: float | None = None,
    report: Report = lambda name, done, total: None,
) -> list[Row]:
    """A row for each name, in that order; rows that are in the folder already and still true are not made again.

    seconds: for each strategy.  Memory is limited to an equal share of half of what is free.
    """
    spare = memory_to_spare()
    share = None if spare is None else spare // (2 * workers)
    work = Work(model_bytes, file, folder, read_model(model_bytes, file=file).digest, seconds, share)
    rows = {} if force else {name: row for name in names if (row := stored_row(folder, name, work.digest)) is not None}
    missing = [name for name in names if name not in rows]
    for row in _each(missing, work, workers):
        rows[row.strategy] = row
        report(row.strategy, len(rows), len(names))
    return [rows[name] for name in names]


def _each(names: Sequence[str], work: Work, workers: int) -> Iterator[Row]:
    """Rows as they are finished."""
    if workers == 1:
        yield from (make_row(name, work) for name in names)
        return
    waiting = list(names)
    while waiting:
        lost: list[str] = []
        yield from _in_pool(waiting, lost, work, workers)
        for name in lost:  # one of these took the pool down: alone, each shows whether it was the one
            alone, died = [name], list[str]()
            yield from _in_pool(alone, died, work, 1)
            if died:
                strategy = STRATEGIES[name]
                yield Row(name, is_published(strategy), strategy.cost_class, reason="internal error: its process was killed")


def _in_pool(waiting: list[str], lost: list[str], work: Work, workers: int) -> Iterator[Row]:
    """Rows of the names taken from the front of `waiting`; if a process dies, those under way are `lost` and the rest still wait."""
    context = multiprocessing.get_context("spawn")  # torch and numpy have threads, which a fork would not copy
    with _one_thread_each(), ProcessPoolExecutor(workers, mp_context=context) as pool:
        running: dict[Future[Row], str] = {}
        while waiting or running:
            try:
                while waiting and len(running) < workers:
                    running[pool.submit(make_row, waiting[0], work)] = waiting[0]
                    waiting.pop(0)
                finished, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in finished:
                    yield future.result()
                    del running[future]
            except BrokenProcessPool:
                lost.extend(running.values())
                return


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Processes started here compute on one thread: several processes with several threads each would wait for one another."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


# -- the folder --------------------------------------------------------------------------------------------------------


def row_path(folder: Path, name: str) -> Path:
    """Where a strategy's row is."""
    return folder / "rows" / f"{_flat(name)}.json"


def proof_paths(folder: Path, name: str) -> tuple[Path, Path]:
    """Where a strategy's statement and certificate are."""
    place = folder / "certificates" / _flat(name)
    return place / "statement.json", place / "certificate.json"


def _flat(name: str) -> str:
    return name.replace("/", "__")


def stored_row(folder: Path, name: str, digest: str) -> Row | None:
    """The row in the folder if it is about this model, made by this code, final, and its proof is there."""
    with suppress(OSError, ValueError, TypeError, KeyError):
        stored = json.loads(row_path(folder, name).read_bytes())
        row = Row(**stored["row"])
        if stored["key"] == _key(name, digest) and stored["lasting"] and (not row.is_proved or _has_proof(folder, row)):
            return row
    return None


def _has_proof(folder: Path, row: Row) -> bool:
    statement, certificate = proof_paths(folder, row.strategy)
    return statement.is_file() and certificate.stat().st_size == row.certificate_bytes


def _key(name: str, digest: str) -> dict[str, str]:
    return {"strategy": name, "model": digest, "code": code_digest()}


@cache
def code_digest() -> str:
    """sha256 over the package's files that a row depends on."""
    root = Path(verifier.__file__).parent
    state = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        name = path.relative_to(root)
        if name.parts[0] not in IRRELEVANT:
            state.update(f"{name.as_posix()}\0{path.stat().st_size}\0".encode())
            state.update(path.read_bytes())
    return "sha256:" + state.hexdigest()


# -- from rows to conclusions ------------------------------------------------------------------------------------------


def brute_force_operations(model: Model) -> int:
    """Integer operations of `count_every` over every input, which is nearly all of brute force: tables and constraints come on top.

    For each query and maximum, boxes in which the first slot that holds the maximum is pinned; in each, sums over the free slots
    one after another, then a minimum over outputs, a comparison and a count, some outputs at a time.
    """
    free, outputs, operations = model.positions - 1, model.vocabulary - 1, 0
    for maximum in range(model.vocabulary):
        whole = [maximum + 1] * free
        boxes = [(1, whole)]
        boxes += [(maximum, [maximum] * slot + [1] + whole[slot + 1 :]) for slot in range(free)]
        for queries, sizes in boxes:
            inputs = math.prod(sizes)
            pieces = -(-outputs // max(CELLS_AT_ONCE // inputs, 1)) if inputs else 0
            sums = sum(math.prod(sizes[: slot + 1]) for slot in range(free)) if inputs else 0
            operations += queries * (outputs * sums + inputs * (outputs + pieces + 1))
    return operations


def with_ratio(rows: Iterable[Row], model: Model) -> list[Row]:
    """The rows with `brute_force_ratio`: against the brute force among them if it was proved, else against its formula."""
    rows = list(rows)
    reference = reference_operations(rows, model)
    return [replace(row, brute_force_ratio=float(f"{reference / row.operations:.4g}")) if row.operations else row for row in rows]


def reference_operations(rows: Iterable[Row], model: Model) -> int:
    """The length of brute force."""
    measured = (row.operations for row in rows if row.strategy == "brute-force" and row.is_proved)
    return next(measured, None) or brute_force_operations(model)


def pareto(rows: Iterable[Row], cost: str) -> list[Row]:
    """The proved rows that no other beats in both cost and bound, by rising cost."""
    best: list[Row] = []
    for row in sorted((row for row in rows if row.is_proved), key=lambda row: (getattr(row, cost), row.error)):
        if not best or row.error < best[-1].error:
            best.append(row)
    return best


def best_per_class(rows: Iterable[Row]) -> dict[tuple[str, bool], Row]:
    """The best proved row for each cost class, published and ours apart, in the order of the rows."""
    best: dict[tuple[str, bool], Row] = {}
    for row in rows:
        key = row.cost_class, row.published
        if row.is_proved and (key not in best or (row.error, row.operations) < (best[key].error, best[key].operations)):
            best[key] = row
    return best


def _json(document: Any) -> bytes:
    return (json.dumps(document, indent=1) + "\n").encode()
