"""Coverage-guided fuzzing of the decoders, with atheris (libFuzzer): does any file crash one of them, or decode to two things?

    pip install '.[fuzz]'
    python benchmarks/decoder_fuzz.py [--seconds 180] [--seed 1] [--target NAME ...]

Targets: the JSON reader, the weights reader, statements, certificates; each starts from the corpus in certificates/.  A crash is
anything but a value or one of the checker's own errors with exit code 3 and a message of one printable line; more than SECONDS or
MEMORY for one input; and a value that does not come back when it is written out and decoded again.  Each target runs in a process of
its own until its time is over or a crash is found; the corpus that libFuzzer builds is kept in benchmarks/models, so that a later run
goes on from there.  Coverage is counted twice: edges, by libFuzzer, and lines of the decoders that the final corpus reaches.
Writes benchmarks/results/decoder_fuzz.json and decoder_fuzz.md.
"""

from __future__ import annotations

import argparse
import base64
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import CodeType
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.common import MODELS, RESULTS, ROOT, machine, markdown, write

CORPUS = MODELS / "decoder_fuzz"
SECONDS, MEMORY = 20, 2048  # for one input; mebibytes
DECODERS = ("decode/strict_json", "decode/safetensors", "decode/floats", "network/weights", "network/program", "statement", "certificate")


class Broken(AssertionError):
    """A decoder does not keep its promise."""


# Writing decoded values out again


def written(value: Any) -> bytes:
    """JSON, keys sorted."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode("ascii")


def array(data: bytes, dtype: str, shape: Iterable[int]) -> dict[str, Any]:
    """A hint array."""
    return {"array": dtype.lower(), "shape": list(shape), "base64": base64.b64encode(data).decode("ascii")}


def hint_json(hint: Any) -> Any:
    """A decoded hint as JSON."""
    from verifier.kernel.certificate import FloatArray, IntegerArray

    if isinstance(hint, FloatArray):
        return array(hint.data, hint.dtype, hint.shape)
    if isinstance(hint, IntegerArray):
        data = b"".join(number.to_bytes(8, "little", signed=True) for row in hint.rows for number in row)
        return array(data, "i64", (len(hint.rows), len(hint.rows[0])))
    if isinstance(hint, tuple):
        return [{"first": p.first, "last": p.last, "side": p.side, "directions": hint_json(p.directions)} for p in hint]
    return hint


def certificate_json(decoded: Any) -> dict[str, Any]:
    """A decoded certificate as JSON."""
    from verifier.kernel.certificate import CERTIFICATE_FORMAT
    from verifier.kernel.rules import RULES

    steps = []
    for step in decoded.steps:
        many = RULES[step.rule].signature.many
        premises = {role: list(ids) if role in many else ids[0] for role, ids in step.premises.items()}
        hints = {name: hint_json(hint) for name, hint in step.hints.items()}
        steps.append({"id": step.id, "rule": step.rule, "premises": premises, "hints": hints})
    return {"format": CERTIFICATE_FORMAT, "subject": decoded.subject, "steps": steps}


def safetensors(tensors: dict[str, tuple[str, list[int], bytes]]) -> bytes:
    """A weights file."""
    header, body = {}, b""
    for name, (dtype, shape, data) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header).encode("ascii")
    return len(text).to_bytes(8, "little") + text + body


# Targets: decode, and decode what was decoded once more


def again(read: Callable[..., Any], data: bytes, *arguments: Any) -> Any:
    """Decode what was written out; a refusal now is a broken promise."""
    from verifier.kernel.errors import VerifierError

    try:
        return read(data, *arguments, file="f")
    except VerifierError as error:
        raise Broken(f"what was accepted is refused when it is written out, which changes nothing: {error}") from error


def json_twice(data: bytes) -> None:
    """The JSON reader."""
    from verifier.kernel.decode.strict_json import canonical_digest, parse

    value = parse(data, file="f", limit="statement_bytes")
    second = again(partial(parse, limit="certificate_bytes"), written(value))  # escapes may make it longer
    if second != value or canonical_digest(second) != canonical_digest(value):
        raise Broken("the JSON value changes when it is written out")


def model_twice(data: bytes) -> None:
    """The reader of weights, and the model made of them."""
    from verifier.kernel.decode.floats import binary64_bits
    from verifier.kernel.decode.safetensors import read_safetensors
    from verifier.kernel.errors import VerifierError
    from verifier.networks.attention_only import TENSORS, read_model, weight_rows

    tensors = read_safetensors(data, file="f")
    covered = sum(len(tensor.data) for tensor in tensors.values())
    if covered + 8 + int.from_bytes(data[:8], "little") != len(data):
        raise Broken("bytes of the file are outside of its tensors")
    raw = {name: (tensor.dtype, list(tensor.shape), tensor.data) for name, tensor in tensors.items()}
    if again(read_safetensors, safetensors(raw)) != tensors:
        raise Broken("the tensors change when they are written out")
    try:
        model = read_model(data, file="f")
    except VerifierError:
        return
    copy = {}
    for name, (key, letters) in TENSORS.items():
        rows = weight_rows(model, name)
        values = b"".join(binary64_bits(*entry).to_bytes(8, "little") for row in rows for entry in row)
        copy[key] = ("F64", [1] * letters.startswith("1") + [len(rows), len(rows[0])], values)
    if again(read_model, safetensors(copy)).digest != model.digest:
        raise Broken("the digest changes when the weights are stored as binary64")


def statement_twice(data: bytes) -> None:
    """Statements."""
    from verifier.kernel.statement import read_statement

    statement = read_statement(data, file="f")
    second = again(read_statement, written(statement.json))
    if second != statement or second.subject.digest != statement.subject.digest:
        raise Broken("the statement changes when it is written out")
    shares = statement.claim.metric != "cross_entropy"
    if statement.claim.bound < 0 or (shares and statement.claim.bound > 1) or statement.subject.total < 1:
        raise Broken("a claim or a scope out of bounds")


def certificate_twice(data: bytes) -> None:
    """Certificates."""
    from verifier.kernel.certificate import read_certificate
    from verifier.kernel.rules import RULES

    signatures = {name: rule.signature for name, rule in RULES.items()}
    found = read_certificate(data, signatures, file="f")
    second = again(read_certificate, written(certificate_json(found)), signatures)
    if (second.subject, second.steps) != (found.subject, found.steps):
        raise Broken("the certificate changes when it is written out")


@dataclass(frozen=True)
class Target:
    """What is fuzzed, from which files of the corpus, with inputs up to which size."""

    run: Callable[[bytes], None]
    seeds: tuple[str, ...]
    size: int


TARGETS = {
    "json": Target(json_twice, ("statement.json", "certificate.json"), 4096),
    "model": Target(model_twice, ("model.safetensors",), 8192),
    "statement": Target(statement_twice, ("statement.json",), 2048),
    "certificate": Target(certificate_twice, ("certificate.json",), 8192),
}


def judge(run: Callable[[bytes], None], data: bytes) -> str:
    """`accepted`, or the code of the refusal.  Raises if the decoder breaks its promise."""
    from verifier.kernel.errors import VerifierError

    try:
        run(data)
    except VerifierError as error:
        text = str(error)
        if error.exit_code != 3 or not error.code or not text.isprintable() or len(text) > 2000:
            raise Broken(f"a refusal that is not one printable line: {text[:300]!r}") from error
        return error.code
    return "accepted"


def seeds(target: Target) -> list[bytes]:
    """Different files of the corpus, the short ones."""
    paths = [path for name in target.seeds for path in sorted((ROOT / "certificates").glob(f"*/*/{name}"))]
    return sorted({path.read_bytes() for path in paths if path.stat().st_size <= target.size})


def words() -> bytes:
    """A dictionary for libFuzzer: words and names of the formats, from the corpus."""
    found: set[bytes] = set()
    for path in sorted((ROOT / "certificates").glob("accepted/*/*.json")):
        found |= set(re.findall(rb'"[A-Za-z][\w./-]{1,30}"', path.read_bytes()))
    for path in sorted((ROOT / "certificates").glob("accepted/*/model.safetensors"))[:4]:
        found |= set(re.findall(rb'"[\w.]{1,40}"', path.read_bytes()))
    return b"".join(b'"' + word.replace(b'"', b'\\"') + b'"\n' for word in sorted(found))


# One process per target


def fuzz(name: str, options: list[str]) -> None:
    """Hand the process over to libFuzzer."""
    import atheris

    with atheris.instrument_imports(include=["verifier.kernel"], enable_loader_override=False):
        import verifier.kernel.maximum.model
        import verifier.kernel.rules
        import verifier.kernel.statement  # noqa: F401

    run = TARGETS[name].run
    atheris.Setup([name, *options], lambda data: void(judge(run, data)))
    atheris.Fuzz()


def void(_: Any) -> None:
    """LibFuzzer wants no result."""


def launch(name: str, seconds: int, seed: int) -> dict[str, Any]:
    """Fuzz one target for so long, in a process of its own."""
    target, folder = TARGETS[name], CORPUS / name
    (folder / "corpus").mkdir(parents=True, exist_ok=True)
    (folder / "crashes").mkdir(exist_ok=True)
    files = seeds(target)
    for number, content in enumerate(files):
        (folder / "corpus" / f"seed-{number:03}").write_bytes(content)
    (folder / "words").write_bytes(words())
    options = [f"-max_total_time={seconds}", f"-seed={seed}", f"-max_len={target.size}", f"-timeout={SECONDS}", f"-rss_limit_mb={MEMORY}"]
    options += [f"-artifact_prefix={folder / 'crashes'}/", f"-dict={folder / 'words'}", "-print_final_stats=1", str(folder / "corpus")]
    command = [sys.executable, __file__, "--inside", name, *options]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, cwd=ROOT)
    text = done.stdout + done.stderr
    numbers = dict(re.findall(r"stat::(\w+):\s+(\d+)", text))
    states = re.findall(r"cov: (\d+) ft: (\d+) corp: (\d+)", text)
    if not states or "number_of_executed_units" not in numbers:
        raise RuntimeError(text[-3000:])
    crashes = sorted(path.name for path in (folder / "crashes").iterdir())
    if done.returncode != 0 and not crashes:
        raise RuntimeError(text[-3000:])
    reached, possible = lines(target, folder / "corpus")
    return {
        "target": name,
        "seconds": seconds,
        "seeds": len(files),
        "executions": int(numbers["number_of_executed_units"]),
        "edges": int(states[-1][0]),
        "features": int(states[-1][1]),
        "corpus": int(states[-1][2]),
        "lines_reached": sum(reached.values()),
        "lines": sum(possible.values()),
        "by_file": {file: [reached[file], possible[file]] for file in possible},
        "outcomes": outcomes(target, folder / "corpus"),
        "peak_mebibytes": int(numbers.get("peak_rss_mb", 0)),
        "crashes": crashes,
    }


# What the corpus reaches


def outcomes(target: Target, folder: Path) -> dict[str, int]:
    """How the files of a corpus end, by code."""
    found: dict[str, int] = {}
    for path in sorted(folder.iterdir()):
        word = judge(target.run, path.read_bytes())
        found[word] = found.get(word, 0) + 1
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def code_lines(code: CodeType) -> set[int]:
    """Lines of a function and of those inside it."""
    found = {line for _, _, line in code.co_lines() if line}
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            found |= code_lines(constant)
    return found


def lines(target: Target, folder: Path) -> tuple[dict[str, int], dict[str, int]]:
    """Lines of functions of each decoder that the files reach, and that there are; class bodies are left out."""
    paths = {str(ROOT / "verifier" / "kernel" / f"{name}.py"): name for name in DECODERS}
    seen: dict[str, set[int]] = {path: set() for path in paths}

    def trace(frame: Any, event: str, _: Any) -> Any:
        path = frame.f_code.co_filename
        if path not in seen:
            return None
        if event == "line":
            seen[path].add(frame.f_lineno)
        return trace

    judge(target.run, b"")  # imports are no part of it
    sys.settrace(trace)
    try:
        for file in sorted(folder.iterdir()):
            judge(target.run, file.read_bytes())
    finally:
        sys.settrace(None)
    possible = {path: set() for path in paths}
    for path in paths:
        module = compile(Path(path).read_text(encoding="utf-8"), path, "exec")
        pending = [constant for constant in module.co_consts if isinstance(constant, CodeType)]
        while pending:
            code = pending.pop()
            inner = [constant for constant in code.co_consts if isinstance(constant, CodeType)]
            if code.co_flags & 0x2:  # a function, whose variables are fast locals; a class body has none
                possible[path] |= code_lines(code) - {code.co_firstlineno}
            else:
                pending += inner
    touched = [path for path in paths if seen[path]]
    return {paths[p]: len(seen[p] & possible[p]) for p in touched}, {paths[p]: len(possible[p]) for p in touched}


def page(result: dict[str, Any]) -> str:
    """The results for a reader."""
    header = ["target", "seconds", "seeds", "executions", "edges", "lines reached", "corpus", "accepted", "different refusals", "crashes"]
    rows = []
    for one in result["targets"]:
        found, reached = one["outcomes"], f"{one['lines_reached']} of {one['lines']}"
        counts = (found.get("accepted", 0), len(found) - ("accepted" in found), len(one["crashes"]))
        rows.append([*(one[name] for name in header[:5]), reached, one["corpus"], *counts])
    seconds = result["targets"][0]["seconds"]
    return "\n".join(
        [
            "# Fuzzing of the decoders\n",
            f"`python benchmarks/decoder_fuzz.py --seconds {seconds} --seed {result['seed']}`, {result['atheris']}\n",
            f"{result['executions']} executions. **Crashes: {result['crashes']}.**\n",
            markdown(header, rows),
            "",
            "Lines: of the functions in the decoders' files that the target enters at all, reached by the final corpus; the rest belongs",
            "to other targets, or cannot be reached by decoding. `accepted` and `different refusals`: how the files of that corpus end.\n",
        ]
    )


def main() -> int:
    """Fuzz one target after the other, then write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=180, help="per target")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--target", nargs="+", choices=list(TARGETS), default=list(TARGETS))
    args = parser.parse_args()
    from importlib.metadata import version

    place = RESULTS / "decoder_fuzz.json"
    before = json.loads(place.read_text(encoding="utf-8"))["targets"] if place.exists() else []
    found = {one["target"]: one for one in before}
    for name in args.target:
        found[name] = launch(name, args.seconds, args.seed)
        print(f"{name}: {found[name]['executions']} executions, {len(found[name]['crashes'])} crashes", flush=True)
        targets = [found[one] for one in TARGETS if one in found]
        total = {"executions": sum(one["executions"] for one in targets), "crashes": sum(len(one["crashes"]) for one in targets)}
        result = {"seed": args.seed, "atheris": f"atheris {version('atheris')}", **total, "targets": targets, "machine": machine()}
        write(place, json.dumps(result, indent=1) + "\n")
        write(RESULTS / "decoder_fuzz.md", page(result))
    return 1 if result["crashes"] else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--inside"]:
        fuzz(sys.argv[2], sys.argv[3:])
    else:
        sys.exit(main())
