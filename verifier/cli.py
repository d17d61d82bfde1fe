"""The command line: one table of subcommands, and the one place where errors become exit codes.

| exit code | meaning                                                                |
|-----------|------------------------------------------------------------------------|
| 0         | done; of `check`: PROVED                                               |
| 1         | the answer is no; of `check`: REJECTED                                 |
| 2         | undecided or partial; of `check`: INCOMPLETE                           |
| 3         | misuse, unreadable or malformed input, a full disk: one line on stderr |
| 70        | an internal error, which is never a verdict; VERIFIER_TRACEBACK=1 tells more |
| 130       | interrupted                                                            |
| 141       | standard output was closed before its end, as `head` does             |

A subcommand's module is imported only when that subcommand is asked for: `verifier check` must work where mpmath is the
only package installed, and a missing extra is a sentence that says what to install.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import json
import os
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, NoReturn

from verifier.kernel.errors import Usage, VerifierError
from verifier.system.suggestions import did_you_mean

EXIT_INTERNAL_ERROR = 70
EXIT_INTERRUPTED = 130
EXIT_CLOSED_PIPE = 141  # what a shell sees of a program that SIGPIPE has ended


@dataclass(frozen=True)
class Command:
    """One row of the table below."""

    module: str
    summary: str
    extra: str  # what `pip install '.[...]'` must name for this command to run; empty: nothing


COMMANDS: dict[str, Command] = {
    "train": Command("verifier.commands.train", "train a model: one of the zoo, or by the published recipe", "prove"),
    "models": Command("verifier.commands.models", "list the models that the project trains itself", ""),
    "import": Command("verifier.commands.import_", "turn a checkpoint into a weights file with its network", "prove"),
    "export": Command("verifier.commands.export", "turn a weights file back into a TransformerLens checkpoint", "prove"),
    "strategies": Command("verifier.commands.strategies", "list the proof strategies and their cost classes", "prove"),
    "prove": Command("verifier.commands.prove", "write a statement and its certificate", "prove"),
    "networks": Command("verifier.commands.networks", "list the network programs, or show one as formulas", ""),
    "tasks": Command("verifier.commands.tasks", "list the tasks that say which answers are right", ""),
    "evaluate": Command("verifier.commands.evaluate", "a network on given inputs: floats beside enclosures, your own logits", "fast"),
    "check": Command("verifier.commands.check", "re-check a certificate from the weights", ""),
    "counterexamples": Command("verifier.commands.counterexamples", "what a certificate leaves open, wrong inputs searched there", "fast"),
    "report": Command("verifier.commands.report", "check a certificate again, and write a page about it", "report"),
    "float32": Command("verifier.commands.float32", "the formula's verdict beside that of every float32 machine", "prove"),
    "frontier": Command("verifier.commands.frontier", "every strategy that fits: certified bound against proof length", "prove,report"),
    "audit": Command("verifier.commands.audit", "are reported numbers true? each proved, refuted or undecided", "prove"),
    "noise": Command("verifier.commands.noise", "is the unexplained residual like random noise? an experiment", "prove,report"),
    "lemma": Command("verifier.commands.lemma", "the rules' lemmas under an SMT solver; refute an inequality", "prove"),
    "estimate": Command("verifier.commands.estimate", "a metric by sampling: an estimate, never a bound", "prove"),
    "lean": Command("verifier.commands.lean", "export a certificate to Lean 4, check the theorems", "prove"),
}


class Parser(argparse.ArgumentParser):
    """An argument parser that raises `Usage`; argparse's own exit code, 2, would read as INCOMPLETE."""

    def __init__(self, **settings: Any) -> None:
        settings.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)  # keeps the lines of the examples
        settings.setdefault("allow_abbrev", False)  # scripts that abbreviate would break when an option is added
        super().__init__(**settings)

    def error(self, message: str) -> NoReturn:
        """Refuse the command line."""
        raise Usage("usage", expected=f"arguments as in `{self.prog} --help`", got=message)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand and return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")  # a path that is not UTF-8 must not stop a verdict
        parser = _parser(arguments)
        if not arguments:
            parser.print_help()  # and then the refusal: 0 would read as an answer
        parsed = parser.parse_args(arguments)
        exit_code = int(parsed.run(parsed))
        sys.stdout.flush()  # an answer that cannot be written has not been given
        return exit_code
    except VerifierError as error:
        return _refuse(error, as_json="--json" in arguments)
    except KeyboardInterrupt:
        _say("interrupted")
        return EXIT_INTERRUPTED
    except BrokenPipeError:  # of standard output: no command writes to another pipe by itself
        _give_up_stdout()
        return EXIT_CLOSED_PIPE
    except OSError as error:
        return _refuse(_refused_by_the_system(error), as_json="--json" in arguments)
    except Exception as error:
        if os.environ.get("VERIFIER_TRACEBACK") == "1":
            traceback.print_exc()
        message = f"{type(error).__name__}: {' '.join(str(error).split())}"
        _say(f"internal error: {message} (VERIFIER_TRACEBACK=1 tells more)")
        return EXIT_INTERNAL_ERROR


def _say(sentence: str) -> None:
    """One line on stderr; where even that cannot be written, the exit code must do."""
    with contextlib.suppress(OSError):
        print(f"verifier: {sentence}", file=sys.stderr, flush=True)


def _refuse(error: VerifierError, *, as_json: bool) -> int:
    """Print why, and return the exit code."""
    _say(str(error))
    if error.exit_code == Usage.exit_code and as_json:
        try:
            print(json.dumps({"verdict": None, "reason": error.reason()}), flush=True)
        except OSError:
            _give_up_stdout()
    return error.exit_code


def _refused_by_the_system(error: OSError) -> Usage:
    """A full disk, a folder without permission: the system's word, and no bug of ours."""
    place = "" if error.filename is None else os.fsdecode(error.filename)
    try:
        sys.stdout.flush()
    except OSError:
        place = "standard output"
        _give_up_stdout()
    hint = "see that there is room, and permission"
    return Usage("cannot-write", file=place, expected="a place that can be read and written", got=error.strerror or error, hint=hint)


def _give_up_stdout() -> None:
    """Send what is left in the buffer nowhere: at exit Python would try to write it again, and exit with 120."""
    with contextlib.suppress(OSError):  # standard output is no file
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parser(arguments: Sequence[str]) -> Parser:
    """The parser, knowing every command by name and the arguments of the requested one only."""
    parser = Parser(
        prog="verifier",
        description="Certificates for accuracy bounds of neural networks: generate, check, audit.",
        epilog="`verifier COMMAND --help` shows a command's arguments and examples.",
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=Parser)
    requested = next((word for word in arguments if not word.startswith("-")), None)
    if requested is not None and requested not in COMMANDS:
        raise Usage("usage", expected="a command of `verifier --help`", got=requested, hint=did_you_mean(requested, COMMANDS))
    for name, command in COMMANDS.items():
        if name == requested:
            _load(command).add_parser(subparsers)
        else:
            subparsers.add_parser(name, help=command.summary)
    return parser


class _Version(argparse.Action):
    """Looks the version up when it is asked for: that takes longer than all else that `verifier --help` does."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from verifier.system.version import installed_version

        print(f"verifier {installed_version()}")
        parser.exit()


def _load(command: Command) -> ModuleType:
    """Import a command's module; a package that is not installed becomes the advice to install it."""
    try:
        return importlib.import_module(command.module)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "verifier":
            raise  # a file of ours is missing: nothing the caller can install
        raise Usage(
            "missing-package",
            expected=f"the package {error.name}",
            got="not installed",
            hint=f"pip install '.{command.extra and f'[{command.extra}]'}' in the project's folder",  # the public name is a stranger's
        ) from error
