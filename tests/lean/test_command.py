"""`verifier lean`: what can be exported is; a folder that is empty, foreign or doctored is refused before Lean runs."""

from __future__ import annotations

import errno
import json
import os
import re
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import pytest

from verifier.cli import main
from verifier.lean import command
from verifier.lean.build import BuildReport
from verifier.lean.errors import BuildFailed
from verifier.lean.slices import Range, Slices, ranges, refuse_gaps

ROOT = Path(__file__).parents[2]
TINY = str(ROOT / "certificates" / "models" / "tiny.safetensors")
IMPERFECT = str(ROOT / "certificates" / "models" / "imperfect.safetensors")


def case(name: str, model: str) -> list[str]:
    folder = ROOT / "certificates" / "accepted" / name
    return [str(folder / "statement.json"), str(folder / "certificate.json"), model]


PERFECT, FLAWED = case("tiny-subcubic", TINY), case("imperfect-subcubic", IMPERFECT)


@pytest.fixture
def no_lean(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lean must not be asked: what is refused is refused before."""

    def build(*_: object, **__: object) -> BuildReport:
        raise AssertionError("Lean was asked")

    monkeypatch.setattr(command, "build", build)


@pytest.fixture
def lean_prints(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[str], str]], list[str]]:
    """A Lean that prints what a function of the file's text says; the texts that it was given."""

    def install(answer: Callable[[str], str]) -> list[str]:
        seen: list[str] = []

        def build(library: Path, extra_files: Sequence[Path] = (), *_: object, **__: object) -> BuildReport:
            report = BuildReport("a Lean of this test")
            for path in extra_files:
                seen.append(path.read_text())
                report.output[path.stem] = answer(path.read_text())
                report.seconds[path.stem] = 1.0
            return report

        monkeypatch.setattr(command, "build", build)
        return seen

    return install


def exported(files: list[str], folder: Path, *options: str) -> Path:
    assert main(["lean", "export", *files, "-o", str(folder), *options]) == 0
    return folder


# Exports


def test_a_decoupled_certificate_is_exported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    exported(PERFECT, tmp_path / "lean", "--json")
    assert json.loads(capsys.readouterr().out)["certified"] == 512
    assert "check_sound" in (tmp_path / "lean" / "Exported.lean").read_text()


def test_an_export_is_the_same_every_time(tmp_path: Path) -> None:
    folders = [exported(FLAWED, tmp_path / name, "--slices", "3") for name in ("a", "b")]
    texts = [{path.name: path.read_bytes() for path in folder.iterdir()} for folder in folders]
    assert texts[0] == texts[1]
    assert len(texts[0]) == 4


def test_an_exported_folder_is_not_overwritten(tmp_path: Path) -> None:
    exported(PERFECT, tmp_path / "lean", "--slices", "3")
    assert main(["lean", "export", *PERFECT, "-o", str(tmp_path / "lean")]) == 3
    exported(PERFECT, tmp_path / "lean", "--force")
    assert sorted(os.listdir(tmp_path / "lean")) == ["Evaluated_1.lean", "Exported.lean"]
    assert os.listdir(tmp_path) == ["lean"]


def test_force_replaces_no_folder_that_holds_other_work(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    assert main(["lean", "export", *PERFECT, "-o", str(tmp_path), "--force"]) == 3
    assert "thesis.tex" in capsys.readouterr().err
    assert os.listdir(tmp_path) == ["thesis.tex"]


def test_a_certificate_of_another_family_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = case("tiny-cubic", TINY)
    assert main(["lean", "export", *files, "-o", str(tmp_path / "lean")]) == 3
    assert "not-exportable" in capsys.readouterr().err
    assert main(["lean", "check", *files]) == 3
    assert "not-exportable" in capsys.readouterr().err


def test_a_full_disk_is_one_sentence_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    written = 0

    def fsync(_: int) -> None:
        nonlocal written
        written += 1
        if written == 2:  # in the middle of the export
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fsync)
    assert main(["lean", "export", *PERFECT, "-o", str(tmp_path / "lean")]) == 3
    error = capsys.readouterr().err
    assert "No space left on device" in error
    assert len(error.splitlines()) == 1
    assert os.listdir(tmp_path) == []


def test_a_full_disk_during_a_check_is_one_sentence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def build(*_: object, **__: object) -> BuildReport:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/a/cache")

    monkeypatch.setattr(command, "build", build)
    for arguments in ([], PERFECT, [*PERFECT, "--evaluate"]):
        assert main(["lean", "check", *arguments]) == 3
        said = capsys.readouterr()
        assert said.out == ""
        assert "/a/cache: unusable-file" in said.err
        assert len(said.err.splitlines()) == 1


def test_a_folder_whose_name_is_not_utf8_can_be_written_and_compared(
    tmp_path: Path, no_lean: None, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff"))
    exported(PERFECT, folder)
    (folder / os.fsdecode(b"\xfe")).write_text("")
    assert "another file, \\udcfe" in refused(PERFECT, folder, capsys)


# The library


def test_a_library_of_no_files_is_not_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for place in (tmp_path, tmp_path / "missing"):
        monkeypatch.setattr(command, "LIBRARY", place)
        assert main(["lean", "check"]) == 3
        said = capsys.readouterr()
        assert said.out == ""
        assert "no-library" in said.err
        assert main(["lean", "check", *PERFECT]) == 3
        assert main(["lean", "check", *PERFECT, "--evaluate"]) == 3


@pytest.mark.parametrize("arguments", [["--evaluate"], ["--against", "x"], ["exported"], PERFECT[:2], [*PERFECT, "--slices", "0"]])
def test_a_command_line_that_names_no_subject_is_refused(arguments: list[str], no_lean: None) -> None:
    assert main(["lean", "check", *arguments]) == 3


# A stranger's folder


def refused(files: list[str], folder: Path, capsys: pytest.CaptureFixture[str], *options: str) -> str:
    """The one line of a refusal; nothing of the folder may have reached Lean."""
    capsys.readouterr()
    for how in ([], ["--evaluate"]):
        assert main(["lean", "check", *files, "--against", str(folder), *options, *how]) == 1
        line = capsys.readouterr().out
        assert line.startswith("REFUSED ")
        assert "foreign-export" in line
        assert len(line.splitlines()) == 1
    return line


def test_an_empty_folder_is_refused(tmp_path: Path, no_lean: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert "no Evaluated_1.lean" in refused(PERFECT, tmp_path, capsys)


def test_a_folder_that_is_not_there_is_one_line(tmp_path: Path, no_lean: None, capsys: pytest.CaptureFixture[str]) -> None:
    for path in (tmp_path / "missing", Path(TINY)):
        assert main(["lean", "check", *PERFECT, "--against", str(path)]) == 3
        assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_theorem_about_other_weights_is_refused(tmp_path: Path, no_lean: None, capsys: pytest.CaptureFixture[str]) -> None:
    folder = exported(PERFECT, tmp_path / "lean")  # true, but not about the imperfect model
    assert "another Evaluated_1.lean" in refused(FLAWED, folder, capsys)


def test_a_theorem_about_another_claim_is_refused(tmp_path: Path, no_lean: None, capsys: pytest.CaptureFixture[str]) -> None:
    statement = json.loads(Path(FLAWED[0]).read_text())
    statement["claim"]["bound"] = "9/10"  # the truth is 0.8763
    (tmp_path / "statement.json").write_text(json.dumps(statement))
    folder = exported(FLAWED, tmp_path / "lean")
    refused([str(tmp_path / "statement.json"), *FLAWED[1:]], folder, capsys)


def own_bound_holds(text: str) -> str:
    return re.sub(r"theorem bound .*", "def BoundHolds := True\ntheorem bound : BoundHolds := trivial", text)


DOCTORED: dict[str, tuple[str, Callable[[str], str]]] = {
    "an empty file": ("Exported.lean", lambda _: ""),
    "its own BoundHolds": ("Exported.lean", own_bound_holds),
    "two spaces": ("Exported.lean", lambda text: text.replace("module\n", "module\nimport  Lean\n", 1)),
    "a term that a program makes": ("Exported.lean", lambda text: text.replace(":= by decide +kernel", ":= by_elab proof")),
    "an option put together": ("Exported.lean", lambda text: text + 'run_tac set ("skipKernel" ++ "TC")\n'),
    "trust in compiled code": ("Exported.lean", lambda text: text.replace("decide +kernel", "decide +native")),
    "a weight": ("Exported.lean", lambda text: text.replace("def WE_0 : List Int := [", "def WE_0 : List Int := [1", 1)),
    "a bare number": ("Evaluated_1.lean", lambda _: "module\n#eval 167772161\n"),
    "one more blank": ("Evaluated_1.lean", lambda text: text + " "),
    "another range": ("Evaluated_1.lean", lambda text: text.replace("def first : Nat := 0", "def first : Nat := 1")),
}


@pytest.mark.parametrize("what", DOCTORED)
def test_a_doctored_file_is_refused(what: str, tmp_path: Path, no_lean: None, capsys: pytest.CaptureFixture[str]) -> None:
    name, change = DOCTORED[what]
    path = exported(FLAWED, tmp_path / "lean") / name
    changed = change(path.read_text())
    assert changed != path.read_text()
    path.write_text(changed)
    assert f"another {name}" in refused(FLAWED, path.parent, capsys)


def test_copied_slices_are_refused(tmp_path: Path, no_lean: None, capsys: pytest.CaptureFixture[str]) -> None:
    folder = exported(FLAWED, tmp_path / "lean", "--slices", "3")
    (folder / "Evaluated_2.lean").write_bytes((folder / "Evaluated_1.lean").read_bytes())
    assert "another Evaluated_2.lean" in refused(FLAWED, folder, capsys, "--slices", "3")


@pytest.mark.parametrize(("made", "asked"), [("3", "2"), ("2", "3")])
def test_a_slice_too_many_or_too_few_is_refused(
    made: str, asked: str, tmp_path: Path, no_lean: None, capsys: pytest.CaptureFixture[str]
) -> None:
    refused(FLAWED, exported(FLAWED, tmp_path / "lean", "--slices", made), capsys, "--slices", asked)


def test_a_link_and_an_additional_file_are_refused(tmp_path: Path, no_lean: None, capsys: pytest.CaptureFixture[str]) -> None:
    folder = exported(PERFECT, tmp_path / "lean")
    (folder / "Exported.lean").rename(tmp_path / "elsewhere.lean")
    (folder / "Exported.lean").symlink_to(tmp_path / "elsewhere.lean")  # the right bytes, as long as nobody changes them
    assert "another Exported.lean" in refused(PERFECT, folder, capsys)
    (folder / "Exported.lean").unlink()
    (tmp_path / "elsewhere.lean").rename(folder / "Exported.lean")
    (folder / "Verifier").mkdir()
    assert "another file, Verifier" in refused(PERFECT, folder, capsys)


# What Lean is given, and what is said of its answer


def test_lean_is_given_what_is_exported_and_the_verdict_names_it(
    tmp_path: Path, lean_prints: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = exported(FLAWED, tmp_path / "lean")
    seen = lean_prints(lambda _: "")
    capsys.readouterr()
    assert main(["lean", "check", *FLAWED, "--against", str(folder), "-o", str(tmp_path / "kept")]) == 0
    said = capsys.readouterr().out
    digest = json.loads(Path(FLAWED[0]).read_text())["subject"]["model"]
    assert seen == [(folder / "Exported.lean").read_text()]
    assert said.startswith("ACCEPTED accuracy >= 1/2: at least 5000 of 10000 inputs certified, by Lean's kernel; scope: every input")
    assert digest in said
    assert (tmp_path / "kept" / "Exported.lean").read_bytes() == (folder / "Exported.lean").read_bytes()


def test_a_scope_that_is_not_the_domain_is_said_to_be_a_part_of_it(
    lean_prints: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    lean_prints(lambda _: "")
    files = case("scope-of-ranges-by-sums", TINY)
    expected = json.loads((Path(files[0]).parent / "expected.json").read_text())
    files[2] = str((Path(files[0]).parent / expected["model"]).resolve())
    assert main(["lean", "check", *files, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["certified_by"] == "kernel"
    assert 0 < Fraction(said["scope_mass"]) < 1
    assert main(["lean", "check", *files]) == 0
    ranges_said = ", ".join(f"{first}..{last}" for first, last in said["subject"]["scope"]["tokens"])
    assert f"scope: {said['scope_mass']} of the domain, tokens {ranges_said} by position" in capsys.readouterr().out


def test_slices_are_added_with_the_ranges_that_were_exported(
    lean_prints: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    def answer(text: str) -> str:
        if "sliceCount model (" not in text:
            return "1\n"
        return str(10 * (int(re.findall(r"def first : Nat := (\d+)", text)[0]) + 1700) + 10) + "\n"

    seen = lean_prints(answer)
    assert main(["lean", "check", *FLAWED, "--evaluate", "--slices", "3", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    places = [(int(a), int(b)) for text in seen for a, b in re.findall(r"def first : Nat := (\d+)\n.*def size : Nat := (\d+)", text)]
    assert [query for first, size in places for query in range(first, first + size)] == list(range(10))
    listed = ", ".join(f"⟨{first}, {size}, {1700 + first}⟩" for first, size in places)
    assert f"checkSlices model scope 1 2 [{listed}]" in seen[-1]
    assert said["certified"] == sum(1700 + first for first, _ in places)
    assert said["certified_by"] == "evaluation"


@pytest.mark.parametrize(
    ("printed", "reason"),
    [
        ("", "expected one number"),
        ("167772161\n1\n", "expected one number"),
        ("0\n", "refuses a hint of the slice of queries 0..9"),
        ("100021\n", "a count of 10001 of 10000 inputs"),
        ("40011\n", "a count of 4000 of 10000 inputs"),
    ],
)
def test_an_answer_that_cannot_be_is_refused(
    printed: str, reason: str, lean_prints: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    lean_prints(lambda _: printed)
    assert main(["lean", "check", *FLAWED, "--evaluate"]) == 1
    said = capsys.readouterr().out
    assert said.startswith("REFUSED ")
    assert reason in said


def test_a_count_that_reaches_the_claim_is_a_yes(lean_prints: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    lean_prints(lambda _: "100011\n")
    assert main(["lean", "check", *FLAWED, "--evaluate"]) == 0
    assert capsys.readouterr().out.startswith("ACCEPTED accuracy >= 1/2: 10000 of 10000 inputs certified, by Lean's evaluator")


def test_a_count_below_the_claim_is_no_yes(lean_prints: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    lean_prints(lambda _: "40010\n")
    assert main(["lean", "check", *FLAWED, "--evaluate"]) == 1
    assert capsys.readouterr().out.startswith("REFUSED accuracy >= 1/2: 4000 of 10000 inputs certified, by Lean's evaluator")


# Ranges


@pytest.mark.parametrize("v", [1, 2, 3, 10, 64])
def test_ranges_tile_the_queries(v: int) -> None:
    for slices in range(1, v + 3):
        found = ranges(v, slices)
        refuse_gaps(found, v)
        assert [q for one in found for q in range(one.first, one.first + one.size)] == list(range(v))


@pytest.mark.parametrize(
    "queries",
    [
        [],
        [Range(0, 5), Range(0, 5)],
        [Range(0, 5), Range(6, 4)],
        [Range(0, 6), Range(5, 5)],
        [Range(1, 9)],
        [Range(0, 9)],
        [Range(0, 11)],
        [Range(0, 0), Range(0, 10)],
        [Range(5, 5), Range(0, 5)],
    ],
)
def test_ranges_that_do_not_tile_are_refused(queries: list[Range]) -> None:
    with pytest.raises(BuildFailed, match="each once"):
        refuse_gaps(queries, 10)


def test_as_many_counts_as_slices_are_added() -> None:
    slices = Slices("", "", "", Fraction(1, 2), (Range(0, 1), Range(1, 1)))
    with pytest.raises(ValueError, match=r"longer|shorter"):
        slices.total_file([1])
