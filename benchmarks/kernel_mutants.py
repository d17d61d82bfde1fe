"""Mutants of the checker itself: does the test suite notice each of them?

    python benchmarks/kernel_mutants.py [--sample 200] [--seed 1] [--list] [--only ID ...] [--again]

A mutant is one small change in `verifier/kernel` or `verifier/fast/__init__.py`, made in the syntax tree: a comparison with the other
strictness, a sign turned, a rounding direction turned, least for largest, an integer off by one, a check left out, `and` for `or`.
Changes that cannot make a verdict false are left out: what counts the length of a proof, texts of messages, the values of limits.
Each mutant is judged in a process of its own, on a copy of the tree made at the start: first by the quickest tests that call the
function in question (a run without mutants finds them), then, if those pass, by the rest of SUITE that calls it; code outside of
functions by all of SUITE.  It is killed if a test fails, or if it runs out of time or memory.

Survivors are either equivalent, with the argument why in kernel_mutants_equivalent.json beside this file, or real: those need a test.
A run can be stopped and goes on where it was; a mutant is judged again if its function has changed.

Writes benchmarks/results/kernel_mutants.json and kernel_mutants.md.
"""

from __future__ import annotations

import argparse
import ast
import copy
import hashlib
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import random
import resource
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.common import MODELS, RESULTS, ROOT, machine, markdown, write

STATE = MODELS / "kernel_mutants.jsonl"
CALLS = MODELS / "kernel_mutants_calls.json"
EQUIVALENT = Path(__file__).with_name("kernel_mutants_equivalent.json")
CPU_SECONDS, QUICK_CPU_SECONDS, MEMORY = 150, 40, 3 << 30  # of one judgement; of its quick tests
SKIPPED_FILES = {"errors.py", "limits.py", "__main__.py", "arithmetic.py", "__init__.py"}  # no decision about a claim is made there
SKIPPED_FUNCTIONS = {"_parameters", "words", "sentence", "__repr__", "backend"}  # they count the length of a proof, or print
COSTS = {"count", "_count", "unexplained_dimension", "operations", "progress", "_parameters"}  # the length of the proof, not its truth
SUITE = [  # in this order: what kills most in the least time comes first
    "tests/kernel/*.py", "tests/test_fast.py", "tests/test_corpus.py", "tests/test_verdict.py",
    "tests/rules/test_[!s]*.py", "tests/rules/test_s*.py", "tests/test_float32.py",
]  # fmt: skip
DESELECTED = "not command_line and not script_writes and not large_enough and not from_the_package"  # processes; files of the copy
QUICK_SECONDS, QUICK_TESTS = 6.0, 60  # of the tests that call a function, run first

SWAPS = {
    "min": "max", "max": "min", "minimum": "maximum", "maximum": "minimum", "lesser": "greater", "greater": "lesser",
    "running_min": "running_max", "running_max": "running_min", "all": "any", "any": "all",
    "lower_end": "upper_end", "upper_end": "lower_end", "lo": "hi", "hi": "lo", "low": "high", "high": "low",
    "UP": "DOWN", "DOWN": "UP", "round_floor": "round_ceiling", "round_ceiling": "round_floor", "floor": "ceil",
    "logical_and": "logical_or", "logical_or": "logical_and", "certainly_positive": "certainly_nonpositive",
}  # fmt: skip
STRICTNESS = {ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq}
SIGNS = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.LShift: ast.RShift, ast.RShift: ast.LShift, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd}


@dataclass(frozen=True)
class Mutant:
    """One change: at a node of a file's syntax tree, by an operator."""

    file: str  # below verifier/
    function: str  # qualified name, "" for the module's own code
    node: int  # position in the walk over the tree
    line: int
    operator: str
    before: str
    after: str
    occurrence: int  # 0 unless the same change is possible several times in the function
    source: str  # digest of the function's syntax tree: a judgement holds as long as it is the same

    @property
    def id(self) -> str:
        """Lines elsewhere in the file do not matter."""
        state = hashlib.sha256(f"{self.operator}|{self.before}|{self.after}|{self.occurrence}".encode()).hexdigest()
        return f"{self.file}:{self.function}:{self.operator}:{state[:6]}"

    @property
    def key(self) -> tuple[str, str]:
        return self.id, self.source


def children(node: ast.AST, function: str = "") -> Iterator[tuple[ast.AST, str]]:
    """Nodes below a node that may be mutated, in order, each with the qualified name of the outermost function that it is in."""
    yield node, function.removesuffix(".")
    if isinstance(node, ast.FunctionDef) and node.name in SKIPPED_FUNCTIONS:
        return
    if isinstance(node, ast.Raise | ast.JoinedStr | ast.Import | ast.ImportFrom):
        return
    if isinstance(node, ast.Call) and _name(node.func) in COSTS | {"refuse", "rejected"}:
        return
    if isinstance(node, ast.AugAssign | ast.Assign) and _name(getattr(node, "target", None)) in COSTS:
        return
    if isinstance(node, ast.ClassDef) and (not function or function.endswith(".")):
        function += node.name + "."
    elif isinstance(node, ast.FunctionDef) and (not function or function.endswith(".")):
        function += node.name
    for field, value in ast.iter_fields(node):
        if field in {"annotation", "returns", "decorator_list", "type_params"}:
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from children(child, function)


def functions(tree: ast.Module) -> Iterator[tuple[ast.FunctionDef, str]]:
    """Functions and methods with their qualified names; those inside of functions belong to them."""
    pending: list[tuple[ast.AST, str]] = [(node, "") for node in tree.body]
    for node, prefix in pending:
        if isinstance(node, ast.FunctionDef):
            yield node, prefix + node.name
        elif isinstance(node, ast.ClassDef):
            pending += [(child, f"{prefix}{node.name}.") for child in node.body]


def digest(node: ast.AST) -> str:
    """Of a syntax tree, comments and layout apart."""
    return hashlib.sha256(ast.dump(node).encode()).hexdigest()[:12]


def _name(node: ast.AST | None) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def variants(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """Each mutation of a node: (operator, new node)."""
    if isinstance(node, ast.Compare) and len(node.ops) >= 1:
        for place, operator in enumerate(node.ops):
            if type(operator) in STRICTNESS:
                new = copy.deepcopy(node)
                new.ops[place] = STRICTNESS[type(operator)]()
                yield f"compare{place or ''}", new
    if isinstance(node, ast.BinOp):
        if type(node.op) in SIGNS:
            new = copy.deepcopy(node)
            new.op = SIGNS[type(node.op)]()
            yield "sign", new
        if isinstance(node.op, ast.FloorDiv):
            negative = ast.UnaryOp(ast.USub(), ast.BinOp(ast.UnaryOp(ast.USub(), node.left), ast.FloorDiv(), node.right))
            yield "round", negative
        if isinstance(node.op, ast.RShift):
            yield "round", ast.UnaryOp(ast.USub(), ast.BinOp(ast.UnaryOp(ast.USub(), node.left), ast.RShift(), node.right))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.Not) and not isinstance(node.operand, ast.Constant):
        yield "drop-sign" if isinstance(node.op, ast.USub) else "drop-not", node.operand
    if isinstance(node, ast.BoolOp):
        new = copy.deepcopy(node)
        new.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield "and-or", new
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in SWAPS:
        yield "swap", ast.Name(SWAPS[node.id], ast.Load())
    if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
        if node.attr in SWAPS:
            yield "swap", ast.Attribute(node.value, SWAPS[node.attr], ast.Load())
        if node.attr == "inf":
            yield "round", ast.UnaryOp(ast.USub(), node)
    if isinstance(node, ast.Constant):
        if type(node.value) is int:
            yield "plus-one", ast.Constant(node.value + 1)
            yield "minus-one", ast.Constant(node.value - 1)
        elif type(node.value) is bool:
            yield "not", ast.Constant(not node.value)
        elif isinstance(node.value, str) and node.value in SWAPS:
            yield "swap", ast.Constant(SWAPS[node.value])
    if isinstance(node, ast.If) and len(node.body) == 1 and isinstance(node.body[0], ast.Raise):
        yield "drop-check", ast.If(ast.Constant(False), node.body, node.orelse)
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and _name(node.value.func) in {"check_limit"}:
        yield "drop-check", ast.Pass()


def all_mutants(root: Path) -> list[Mutant]:
    """Every mutant of the kernel and of the fast arithmetic."""
    found = []
    for path in [*sorted((root / "verifier" / "kernel").rglob("*.py")), *sorted((root / "verifier" / "fast").glob("*.py"))]:
        if path.name in SKIPPED_FILES:
            continue
        seen: Counter[tuple[str, str, str, str]] = Counter()
        tree = ast.parse(path.read_text(encoding="utf-8"))
        sources = {function: digest(node) for node, function in functions(tree)}
        for number, (node, function) in enumerate(children(tree)):
            for operator, new in variants(node):
                what = function, operator, shown(node), shown(new)
                file, line = str(path.relative_to(root / "verifier")), getattr(node, "lineno", 0)
                source = sources.get(function) or digest(node)
                found.append(Mutant(file, function, number, line, *what[1:], seen[what], source))
                seen[what] += 1
    return found


def shown(node: ast.AST) -> str:
    """A node in a line."""
    return " ".join(ast.unparse(ast.fix_missing_locations(copy.deepcopy(node))).split())[:120]


class Replace(ast.NodeTransformer):
    """Puts a new node in the place of another one."""

    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        self.old, self.new = old, new

    def visit(self, node: ast.AST) -> Any:
        return self.new if node is self.old else self.generic_visit(node)


def mutated(mutant: Mutant, root: Path) -> ast.Module:
    """The syntax tree with the change."""
    tree = ast.parse((root / "verifier" / mutant.file).read_text(encoding="utf-8"))
    node = list(children(tree))[mutant.node][0]
    new = next(new for operator, new in variants(node) if (operator, shown(new)) == (mutant.operator, mutant.after))
    changed = Replace(node, ast.copy_location(new, node)).visit(tree)
    return ast.fix_missing_locations(changed)


class Finder(importlib.abc.MetaPathFinder, importlib.machinery.SourceFileLoader):
    """Imports the mutated module in the place of the true one."""

    def __init__(self, mutant: Mutant, root: Path) -> None:
        self.module = "verifier." + mutant.file.removesuffix(".py").replace("/", ".")
        super().__init__(self.module, str(root / "verifier" / mutant.file))
        self.tree = mutated(mutant, root)

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        return importlib.util.spec_from_file_location(fullname, self.path, loader=self) if fullname == self.module else None

    def get_code(self, fullname: str) -> Any:
        return compile(self.tree, self.path, "exec", dont_inherit=True)


def plain(name: str) -> str:
    """A test's name without backslashes: pytest escapes some names again when it runs twice in one process."""
    return name.replace("\\", "")


class Chosen:
    """A plugin for pytest: only these tests, in this order."""

    def __init__(self, names: list[str]) -> None:
        self.rank = {plain(name): number for number, name in enumerate(names)}

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        known = [item for item in items if plain(item.nodeid) in self.rank]
        items[:] = sorted(known, key=lambda item: self.rank[plain(item.nodeid)])


class Calls:
    """A plugin for pytest: which functions of the checker each test calls, and how long it takes."""

    def __init__(self, root: Path) -> None:
        self.prefix = str(root / "verifier") + "/"
        self.tests: dict[str, dict[str, Any]] = {}
        self.codes: dict[Any, str] = {}

    def _seen(self, frame: Any, event: str, argument: Any) -> None:
        code = frame.f_code
        if code not in self.codes:
            inside = code.co_filename.startswith(self.prefix)
            self.codes[code] = f"{code.co_filename.removeprefix(self.prefix)}:{code.co_qualname.split('.<')[0]}" if inside else ""
        if self.codes[code]:
            self.functions.add(self.codes[code])

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_protocol(self, item: Any) -> Iterator[None]:
        self.functions: set[str] = set()
        start = time.process_time()
        sys.settrace(self._seen)
        yield
        sys.settrace(None)
        self.tests[item.nodeid] = {"seconds": round(time.process_time() - start, 3), "functions": sorted(self.functions)}


Map = dict[str, dict[str, Any]]  # test -> seconds, functions


def in_process(root: Path, mutant: Mutant | None, work: Callable[[], int], cpu_seconds: int = CPU_SECONDS) -> tuple[int, float]:
    """Fork, put the mutant in place, work; exit code (negative: a signal) and processor seconds."""
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        os.chdir(root)
        output = os.open(root / "judgement.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(output, 1)
        os.dup2(output, 2)
        sys.path.insert(0, str(root))
        code = 99
        try:
            if mutant is not None:
                sys.meta_path.insert(0, Finder(mutant, root))
            code = work()
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    _, status, usage = os.wait4(child, 0)
    return os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime


def run_tests(files: list[str], *plugins: Any) -> int:
    """Run pytest here, until the first failure."""
    options = ["-x", "-q", "-p", "no:cacheprovider", "--no-header", "--tb=no", "-k", DESELECTED]
    return int(pytest.main([*options, *files], plugins=list(plugins)))


def suite(root: Path) -> list[str]:
    """The files of SUITE, in order."""
    return [str(path.relative_to(root)) for name in SUITE for path in sorted(root.glob(name)) if path.name.startswith("test_")]


def survey(root: Path) -> Map:
    """The suite without any mutant, with what each test calls; kept for the next run.  Raises SystemExit if it fails."""
    state = hashlib.sha256()
    helpers = [path for path in (root / "tests").rglob("*.py") if not path.name.startswith("test_")]
    for path in sorted([*(root / "verifier").rglob("*.py"), *helpers]):
        state.update(path.read_bytes())
    keys = {file: hashlib.sha256(state.digest() + (root / file).read_bytes()).hexdigest() for file in suite(root)}
    known = json.loads(CALLS.read_text(encoding="utf-8")) if CALLS.exists() else {}
    known = {file: facts for file, facts in known.items() if keys.get(file) == facts["key"]}
    place = root / "calls.json"

    def work() -> int:
        calls = Calls(root)
        code = run_tests([file for file in keys if file not in known], calls)
        place.write_text(json.dumps(calls.tests), encoding="utf-8")
        return code

    if len(known) < len(keys):
        if in_process(root, None, work, 10 * CPU_SECONDS)[0] != 0:
            print((root / "judgement.log").read_text(encoding="utf-8")[-3000:])
            raise SystemExit("the suite fails without any mutant")
        for test, facts in json.loads(place.read_text(encoding="utf-8")).items():
            file = test.split("::")[0]
            known.setdefault(file, {"key": keys[file], "tests": {}})["tests"][test] = facts
        CALLS.parent.mkdir(parents=True, exist_ok=True)
        CALLS.write_text(json.dumps(known), encoding="utf-8")
    return {test: facts for file in keys for test, facts in known.get(file, {"tests": {}})["tests"].items()}


def able(mutant: Mutant, calls: Map, killers: Counter[str]) -> tuple[list[str], list[str]]:
    """Tests that call the mutated function, those first that have killed often for the time they take: a few seconds of them, the rest."""
    found = [test for test, facts in calls.items() if f"{mutant.file}:{mutant.function}" in facts["functions"]]
    found.sort(key=lambda test: calls[test]["seconds"] / (1 + killers[test.split("::")[0]]))
    first: list[str] = []
    per_file: Counter[str] = Counter()
    left = QUICK_SECONDS
    for test in found:
        file = test.split("::")[0]
        if left > calls[test]["seconds"] and per_file[file] < QUICK_TESTS // 4 and len(first) < QUICK_TESTS:
            first.append(test)
            per_file[file] += 1
            left -= calls[test]["seconds"]
    return first, [test for test in found if test not in set(first)]


def judge(mutant: Mutant, root: Path, first: list[str], rest: list[str]) -> tuple[str, str, float]:
    """(`killed`, by which test, seconds) or (`survived`, "", seconds).  rest: none stands for the whole suite."""

    def work() -> int:
        if first:
            resource.setrlimit(resource.RLIMIT_CPU, (QUICK_CPU_SECONDS, CPU_SECONDS))
            files = sorted({test.split("::")[0] for test in first})
            code = run_tests(files, Chosen(first))
            if code:
                return code
            resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
        if first and not rest:
            return 0
        if not rest:
            return run_tests(suite(root))
        files = list(dict.fromkeys(test.split("::")[0] for test in rest))
        return run_tests(files, Chosen(rest))

    code, seconds = in_process(root, mutant, work)
    if code == 0:
        return "survived", "", seconds
    text = (root / "judgement.log").read_text(encoding="utf-8", errors="replace")
    line = next((line for line in text.splitlines() if line.startswith(("FAILED", "ERROR"))), "")
    by = line.split(" - ")[0][:160] or ("time or memory" if code < 0 else f"exit code {code}")
    if code in (3, 4, 5, 99) and not line:  # not a verdict of the tests
        raise RuntimeError(f"{mutant.id}: {text[-2000:]}")
    return "killed", by, seconds


def stratified(mutants: list[Mutant], size: int, seed: int) -> list[Mutant]:
    """A sample in which every file and every operator has its turn; a larger one contains a smaller one."""
    rng = random.Random(seed)
    groups: dict[tuple[str, str], list[Mutant]] = {}
    for mutant in mutants:
        groups.setdefault((mutant.file, mutant.operator.rstrip("0123456789")), []).append(mutant)
    for group in groups.values():
        group.sort(key=lambda mutant: hashlib.sha256(f"{seed} {mutant.id}".encode()).digest())
    chosen: list[Mutant] = []
    while len(chosen) < min(size, len(mutants)):
        names = [name for name, group in groups.items() if group]
        rng.shuffle(names)
        chosen += [groups[name].pop() for name in names]
    return chosen[:size]


def report(records: list[dict[str, Any]], possible: int, sample: int, seed: int) -> dict[str, Any]:
    """The results as one object."""
    known = json.loads(EQUIVALENT.read_text(encoding="utf-8")) if EQUIVALENT.exists() else {}
    for record in records:
        if record["fate"] != "killed":
            record["fate"] = "equivalent" if record["id"] in known else "survived"
            record["argument"] = known.get(record["id"], "")
    fates = Counter(record["fate"] for record in records)
    operators: dict[str, Counter[str]] = {}
    for record in records:
        operators.setdefault(record["operator"].rstrip("0123456789"), Counter())[record["fate"]] += 1
    return {
        "seed": seed,
        "sample": sample,
        "possible": possible,
        "judged": len(records),
        "fates": dict(fates),
        "by_operator": {name: dict(numbers) for name, numbers in sorted(operators.items())},
        "not_killed": [record for record in records if record["fate"] != "killed"],
        "killed": {record["id"]: record["by"] for record in records if record["fate"] == "killed"},
        "cpu_seconds": round(sum(record["seconds"] for record in records), 1),
        "machine": machine(),
    }


def page(result: dict[str, Any]) -> str:
    """The results for a reader."""
    fates = ["killed", "equivalent", "survived"]
    rows = [[name, *(numbers.get(fate, 0) for fate in fates)] for name, numbers in result["by_operator"].items()]
    rows.append(["all", *(result["fates"].get(fate, 0) for fate in fates)])
    lines = [
        "# Mutants of the checker\n",
        f"`python benchmarks/kernel_mutants.py --sample {result['sample']} --seed {result['seed']}`: {result['judged']} judged of",
        f"{result['possible']} possible mutants, drawn so that every file and every kind of change has its turn,",
        "and those that `--only` has asked for.\n",
        markdown(["change", *fates], rows),
        "\n## Not killed\n",
    ]
    for record in result["not_killed"]:
        lines.append(f"* `{record['id']}` ({record['fate']}): `{record['before']}` became `{record['after']}`. {record['argument']}")
    return "\n".join([*lines, ""])


def judgements(todo: list[Mutant], before: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """A record for each mutant, in order.  before: earlier records, which say which tests kill often."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "copy"
        shutil.copytree(
            ROOT, root, ignore=shutil.ignore_patterns(".git", ".venv", "lean", "results", "models.old", "*.jsonl", "node_modules")
        )
        calls = survey(root)
        killers = Counter(record["by"].split("::")[0].split()[-1] for record in before if "::" in record["by"])
        for number, mutant in enumerate(todo):
            fate, by, seconds = judge(mutant, root, *able(mutant, calls, killers))
            if "::" in by:
                killers[by.split("::")[0].split()[-1]] += 1
            print(f"{number + 1}/{len(todo)} {fate} {mutant.id}: {mutant.before} -> {mutant.after} {by} {seconds:.1f} s", flush=True)
            yield asdict(mutant) | {"id": mutant.id, "fate": fate, "by": by, "seconds": round(seconds, 1)}


def records_of(path: Path) -> list[dict[str, Any]]:
    """What has been judged, in order."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def append(path: Path, record: dict[str, Any]) -> None:
    """One more record, in one write: another shard may write to the same file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(record) + "\n")


def main() -> int:
    """Judge what is left of the sample, then write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--list", action="store_true", help="print the sample and stop")
    parser.add_argument("--only", nargs="+", default=[], metavar="ID", help="judge these again, and print the outcome")
    parser.add_argument("--again", action="store_true", help="judge survivors without an argument again, with the tests of today")
    parser.add_argument("--report", action="store_true", help="write the results of what has been judged so far, and stop")
    args = parser.parse_args()
    mutants = all_mutants(ROOT)
    sample = stratified(mutants, args.sample, args.seed)
    if args.list:
        for mutant in sample:
            print(f"{mutant.id}  {mutant.before}  ->  {mutant.after}")
        return 0
    latest = {(record["id"], record["source"]): record for record in records_of(STATE)}
    argued = json.loads(EQUIVALENT.read_text(encoding="utf-8")) if EQUIVALENT.exists() else {}
    todo = [m for m in sample if m.key not in latest or (args.again and latest[m.key]["fate"] != "killed" and m.id not in argued)]
    if args.only:
        todo = [m for m in mutants if m.id in args.only]
    if todo and not args.report:
        for mutant, record in zip(todo, judgements(todo, list(latest.values())), strict=True):
            latest[mutant.key] = record
            append(STATE, record)
    judged = [latest[mutant.key] for mutant in mutants if mutant.key in latest]  # the sample, and what --only has asked for
    result = report(judged, len(mutants), len(sample), args.seed)
    write(RESULTS / "kernel_mutants.json", json.dumps(result, indent=1) + "\n")
    write(RESULTS / "kernel_mutants.md", page(result))
    print(result["fates"])
    return 1 if result["fates"].get("survived") else 0


def prepare() -> None:
    """What every judgement needs is imported once, before the forks."""
    for name in ("flint", "jsonschema", "mpmath", "numpy"):
        importlib.import_module(name)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # plugins take a second to import, and the suite needs none


if __name__ == "__main__":
    prepare()
    sys.exit(main())
