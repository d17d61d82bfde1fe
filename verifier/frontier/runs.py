"""Every strategy on one question: what it proves, and how long its proof is.

Each strategy is run and its certificate checked by the kernel (fast arithmetic), one strategy at a time per process.  Its certificate,
its statement and its row (`frontier_rows`) are written as soon as they exist, the row last; a later run takes a row that is still true
as it is, and makes the others.

A strategy that fails, or takes more time or memory than allowed, gets a row with its reason: the other rows are worth having.
Nothing here is trusted; every certificate stays in the folder and can be checked by anyone.
"""

from __future__ import annotations

import fnmatch
import math
import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

from verifier.frontier.rows import COLUMNS, Row, proof_paths, question_of, rounded, store_row, stored_row
from verifier.kernel.errors import StepRejected, Usage, VerifierError
from verifier.kernel.statement import Statement, read_statement
from verifier.proving import prove, statement_target
from verifier.strategies import NETWORK_STRATEGIES, Strategy
from verifier.strategies import STRATEGIES as ABOUT_MAXIMUM
from verifier.strategies.steps import statement_bytes
from verifier.strategies.target import AnyStrategy, NetworkStrategy, Target
from verifier.system.budget import OutOfTime, memory_limited, memory_to_spare, peak_mebibytes, reset_peak, seconds_limited
from verifier.system.files import write_together


@dataclass(frozen=True)
class Work:
    """All that a process needs to know to make rows of one question.

    statement: a file with the question's subject and metric.  labels: of a task that is a table.  question: the digest of both.
    """

    weights: bytes
    file: str
    statement: bytes
    labels: tuple[int, ...] | None
    question: str
    folder: Path
    seconds: float | None
    mebibytes: int | None


@lru_cache(maxsize=1)
def target_of(work: Work) -> Target:
    """What is to be bounded; each process reads it once, for a network is more than should be sent."""
    statement = read_statement(work.statement, file="statement")
    return replace(statement_target(work.weights, statement, file=work.file), bound=None, labels=work.labels)


STRATEGIES: dict[str, Strategy | NetworkStrategy] = {**ABOUT_MAXIMUM, **NETWORK_STRATEGIES}
Report = Callable[[str, int, int], None]  # strategy just finished, number finished, number in all


# -- which strategies --------------------------------------------------------------------------------------------------


def select(words: str, target: Target) -> list[str]:
    """Names of strategies for the target, in the order of the table, from a list such as `published`, `cubic,counting` or `subcubic/*`.

    all: where strategies about the largest token are for the target, those, else the general ones.  Raises Usage if a word stands for
    nothing, or for nothing that is for the target.
    """
    chosen: set[str] = set()
    for word in (part.strip() for part in words.split(",")):
        found = [name for name, strategy in STRATEGIES.items() if _stands_for(word, strategy)]
        if not found:
            expected = "a name or pattern of `verifier strategies`, or published, ours, general, all"
            raise Usage("unknown-strategy", expected=expected, got=word)
        misfits = {name: STRATEGIES[name].misfit(target) for name in found}
        fitting = [name for name in found if not misfits[name]]
        if not fitting:
            expected, got = "a strategy for this network, task and metric", f"{word}: {misfits[found[0]]}"
            raise Usage("strategy-misfit", expected=expected, got=got, hint="see `verifier strategies`")
        about_maximum = [name for name in fitting if not is_general(STRATEGIES[name])]
        chosen.update(about_maximum if word == "all" and about_maximum else fitting)
    return [name for name in STRATEGIES if name in chosen]


def is_general(strategy: AnyStrategy) -> bool:
    """Whether it is for more than the largest token."""
    return isinstance(strategy, NetworkStrategy)


def _stands_for(word: str, strategy: Strategy | NetworkStrategy) -> bool:
    general = is_general(strategy)
    groups = {"all": True, "published": strategy.published, "ours": not strategy.published and not general, "general": general}
    return groups[word] if word in groups else fnmatch.fnmatchcase(strategy.name, word)


# -- one strategy ------------------------------------------------------------------------------------------------------


def make_row(name: str, work: Work) -> Row:
    """Prove, check, write; whatever happens becomes a row."""
    row = empty_row(name, work)
    reset_peak()
    lasting = True
    try:
        with seconds_limited(work.seconds), memory_limited(work.mebibytes):
            row = _proved(row, STRATEGIES[name], work)
    except StepRejected as error:
        row = replace(row, verdict="REJECTED", reason=str(error))
    except VerifierError as error:
        _raise_full_disk(error)
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
    try:
        store_row(work.folder, row, work.question, lasting=lasting)
    except VerifierError as error:
        _raise_full_disk(error)
        raise
    return row


def empty_row(name: str, work: Work) -> Row:
    """A row that nothing is known of yet."""
    strategy = STRATEGIES[name]
    return Row(name, strategy.published, strategy.cost_class, target_of(work).metric, target_of(work).relation)


def _raise_full_disk(error: VerifierError) -> None:
    """Raise the system's own error, if there is one behind `error`: it is no property of the strategy, and a process can hand it back."""
    if isinstance(error.__cause__, OSError):
        raise OSError(error.__cause__.errno, error.__cause__.strerror, error.file)


def _proved(row: Row, strategy: AnyStrategy, work: Work) -> Row:
    proof = prove(work.weights, strategy, file=work.file, reference=False, target=target_of(work))
    statement, certificate = proof_paths(work.folder, strategy.name)
    write_together({certificate: proof.certificate, statement: proof.statement}, force=True)
    verdict = proof.verdicts[0]
    result = verdict.json()
    same = {name: result[name] for name in COLUMNS if name in result and name not in {"proved", "reason"}}
    return replace(
        row,
        **same,
        proved=f"{proof.proved.numerator}/{proof.proved.denominator}",
        bound=rounded(proof.proved, row.relation),
        log2_operations=round(math.log2(max(result["operations"], 1)), 3),
        prove_seconds=round(proof.prove_seconds, 3),
        check_seconds=round(verdict.seconds, 3),
    )


# -- all of them -------------------------------------------------------------------------------------------------------


def make_rows(
    names: Sequence[str],
    target: Target,
    weights: bytes,
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
    statement = statement_bytes(Statement(target.subject, replace(target, bound=None).claim(Fraction(0))))
    work = Work(weights, file, statement, target.labels, question_of(target), folder, seconds, share)
    rows = {} if force else {name: row for name in names if (row := stored_row(folder, name, work.question)) is not None}
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
                yield replace(empty_row(name, work), reason="internal error: its process was killed")


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
