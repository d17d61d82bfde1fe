"""Anybody's inequality, answered in a process of its own with bounds on time and memory.

A file states hypotheses and the negation of a claim.  z3 finds values at which all assertions hold, a counterexample to the claim, or
shows that there are none.  A counterexample is replayed by `evaluation.Evaluator`, in fractions and without z3.  If some values are
irrational, rational ones near them are tried first: where all inequalities are strict, close enough is good enough.

The child reads a request from its input and prints one line of JSON for z3's answer, then one for the replay: where a replay takes too
long, the answer is known already.  Run it as `python -m verifier.lemmas.refuting`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from verifier.kernel.errors import MalformedInput, shown
from verifier.lemmas.evaluation import Evaluator, Function, UndefinedValueError
from verifier.lemmas.evaluation import Value as Exact
from verifier.lemmas.limits import LEMMA_LIMITS
from verifier.lemmas.smtlib import Script, read_script
from verifier.lemmas.syntax import MARK

START_SECONDS = 20  # for the child to start on a busy machine, not counted as z3's
APPROXIMATIONS = (0, 1, 2, 4, 8, 16, 32)  # decimal digits of the rational values tried in the place of irrational ones


@dataclass(frozen=True)
class Refutation:
    """The answer: refuted, proved or unknown."""

    verdict: str
    values: Mapping[str, str] = field(default_factory=dict)  # of a counterexample; exact
    irrational: Mapping[str, Mapping[str, object]] = field(default_factory=dict)  # those of the values that are no fractions
    replayed: bool = False
    remark: str = ""
    seconds: float = 0.0

    @property
    def json(self) -> dict[str, object]:
        """For `--json`."""
        return asdict(self)


def refute(
    content: bytes, file: str, *, seconds: float = LEMMA_LIMITS.solver_seconds, memory: int = LEMMA_LIMITS.solver_bytes
) -> Refutation:
    """Look for values at which all assertions of an SMT-LIB file hold; raises `MalformedInput` for a file that states nothing."""
    read_script(content, file)  # faults are found here, not in the child
    request = json.dumps({"content": content.decode("ascii"), "file": file, "seconds": seconds, "memory": memory})
    folder = str(Path(__file__).resolve().parents[2])
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, [folder, os.environ.get("PYTHONPATH", "")]))}
    start = time.perf_counter()
    with subprocess.Popen(  # -P: nothing is imported from the folder that happens to be the current one
        [sys.executable, "-P", "-m", "verifier.lemmas.refuting"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    ) as child:
        try:
            output, _ = child.communicate(request, timeout=2 * seconds + START_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            output, _ = child.communicate()
        except BaseException:
            child.kill()
            raise
    lines = [json.loads(line) for line in output.split("\n")[:-1]]  # what follows the last line feed was cut off
    return _combined(lines, child.returncode, file, time.perf_counter() - start)


def _combined(lines: list[dict[str, Any]], code: int, file: str, seconds: float) -> Refutation:
    """The child's lines as one answer."""
    if not lines:
        died = f"the solver's process was stopped (signal {-code})" if code < 0 else f"the solver's process ended with exit code {code}"
        return Refutation("unknown", remark=f"{died}: out of time, memory or stack", seconds=seconds)
    answer = lines[0]
    if "malformed" in answer:
        raise MalformedInput("not-accepted", expected="a file that z3 accepts", got=answer["malformed"], file=file)
    if answer["verdict"] == "refuted":
        answer |= lines[1] if len(lines) > 1 else {"remark": "not replayed: it takes too long"}
    return Refutation(**answer)


# The child


def main() -> None:
    """Answer one request."""
    request = json.loads(sys.stdin.read())
    _confine(request["seconds"], request["memory"])
    script = read_script(request["content"].encode("ascii"), request["file"])
    sys.setrecursionlimit(20_000)
    sys.set_int_max_str_digits(0)  # values may be longer than any number in the file; time and memory bound them
    _answer(script, request["seconds"], request["memory"])


def _confine(seconds: float, memory: int) -> None:
    """Bounds that the system enforces, where it can."""
    try:
        import resource
    except ModuleNotFoundError:
        return
    cpu = int(2 * seconds) + START_SECONDS
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _answer(script: Script, seconds: float, memory: int) -> None:
    import z3

    from verifier.lemmas.solving import Algebraic, number

    start = time.perf_counter()
    z3.set_param("memory_max_size", memory * 3 // 4 >> 20)  # megabytes: z3 gives up before the system stops it

    def solved(assertions: Sequence[Any], left: float) -> tuple[z3.Solver, z3.CheckSatResult]:
        solver = z3.Solver()
        solver.set("timeout", max(int(1000 * left), 1))
        solver.add(z3.parse_smt2_string(script.text(assertions)))
        return solver, solver.check()

    try:
        solver, verdict = solved(script.assertions, seconds)
    except z3.Z3Exception as error:
        message = error.args[0].decode("utf-8", "replace") if error.args and isinstance(error.args[0], bytes) else str(error)
        kind = "unknown" if "memory" in message else "malformed"
        _print({"verdict": "unknown", "remark": shown(message)} if kind == "unknown" else {"malformed": shown(" ".join(message.split()))})
        return
    taken = time.perf_counter() - start
    if verdict == z3.unknown:
        _print({"verdict": "unknown", "remark": solver.reason_unknown(), "seconds": taken})
        return
    if verdict == z3.unsat:
        remark = ""
        if len(script.assertions) > 1 and solved(script.assertions[:-1], seconds - taken)[1] == z3.unsat:
            remark = "the assertions before the last one contradict each other: anything follows from them"
        _print({"verdict": "proved", "remark": remark, "seconds": taken})
        return
    model = solver.model()
    found = {name: _constant(name, sort) for name, sort in script.constants.items()}
    values = {name: number(model.eval(constant, model_completion=True)) for name, constant in found.items()}
    irrational = {name: value for name, value in values.items() if isinstance(value, Algebraic)}
    exact: dict[str, Exact] = {
        name: bool(value) if script.constants[name] == "Bool" else value for name, value in values.items() if isinstance(value, Fraction)
    }
    tables = {name: _table(model, name, script) for name, (arguments, _) in script.declarations.items() if arguments}
    shown_values = {name: _word(exact[name]) if name in exact else str(values[name]) for name in values}
    shown_values |= {name: words for name, (words, _) in tables.items()}
    answer = {"verdict": "refuted", "values": shown_values, "irrational": {name: value.json for name, value in irrational.items()}}
    _print(answer | {"seconds": taken})
    functions = {name: function for name, (_, function) in tables.items() if function is not None}
    if len(functions) < len(tables):
        _print({"remark": "not replayed: a function is not given by a finite table"})
    else:
        replay = _replay(script, exact, {name: (value.lower, value.upper) for name, value in irrational.items()}, functions)
        _print(replay | ({"values": shown_values | replay["values"]} if replay.get("values") else {}))


def _constant(name: str, sort: str) -> Any:
    import z3

    return {"Bool": z3.Bool, "Int": z3.Int, "Real": z3.Real}[sort](MARK + name)


def _table(model: Any, name: str, script: Script) -> tuple[str, Function | None]:
    """An uninterpreted function of the model: in words, and to compute with (None if it is no finite table of fractions)."""
    from verifier.lemmas.solving import number

    truth = script.declarations[name][1] == "Bool"
    declaration = next((d for d in model.decls() if d.name() == MARK + name), None)
    if declaration is None:
        return f"else {'false' if truth else 0}", lambda values: False if truth else Fraction(0)
    interpretation = model[declaration]
    entries = [interpretation.entry(i) for i in range(interpretation.num_entries())]
    rows: dict[tuple[Fraction, ...], Exact] = {}
    try:
        for entry in entries:
            place = tuple(Fraction(number(entry.arg_value(i))) for i in range(entry.num_args()))
            rows[place] = bool(number(entry.value())) if truth else Fraction(number(entry.value()))
        rest: Exact = bool(number(interpretation.else_value())) if truth else Fraction(number(interpretation.else_value()))
    except (TypeError, ValueError):
        return shown(" ".join(str(interpretation).split())), None
    words = [f"({', '.join(map(str, place))}) -> {_word(value)}" for place, value in rows.items()]
    return ", ".join([*words, f"else {_word(rest)}"]), lambda values: rows.get(tuple(map(Fraction, values)), rest)


def _replay(
    script: Script,
    exact: Mapping[str, Exact],
    irrational: Mapping[str, tuple[Fraction, Fraction]],
    functions: Mapping[str, Function],
) -> dict[str, Any]:
    """Evaluate all assertions; irrational values are replaced by rational ones near them."""
    for digits in APPROXIMATIONS if irrational else APPROXIMATIONS[:1]:
        unit = 10**digits
        near: dict[str, Exact] = {name: Fraction(round((low + high) / 2 * unit), unit) for name, (low, high) in irrational.items()}
        evaluator = Evaluator(script, {**exact, **near}, functions)
        try:
            holds = all(evaluator.value(assertion, {}) for assertion in script.assertions)
        except UndefinedValueError:
            return {"remark": "not replayed: it divides by zero, which SMT-LIB lets be any number"}
        except RecursionError:
            return {"remark": "not replayed: definitions too deep"}
        if holds:
            words = {name: _word(value) for name, value in {**exact, **near}.items()}
            return {"replayed": True, "irrational": {}, "values": words} if near else {"replayed": True}
    if irrational:
        return {"remark": "not replayed: irrational, and no fractions near by will do"}
    return {"verdict": "unknown", "values": {}, "remark": "z3's counterexample is none: some assertion is false at its values"}


def _word(value: Exact) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _print(line: Mapping[str, object]) -> None:
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
