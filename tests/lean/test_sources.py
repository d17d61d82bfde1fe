"""The Lean sources: no word that would cheat, every file reachable, theorem names and documents in step."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from verifier.kernel.rules import RULES
from verifier.lean.errors import BuildFailed, LibraryMissing
from verifier.lean.sources import cheating_words, import_order, imports_of, module_file, without_comments

LIBRARY = Path(__file__).parents[2] / "lean"
MODULES = import_order(LIBRARY)
TEXTS = {module: (LIBRARY / module_file(module)).read_text() for module in MODULES}
THEOREMS = {name for text in TEXTS.values() for name in re.findall(r"^theorem ([\w.]+)", text, re.MULTILINE)}
BOUNDARY = (LIBRARY / "BOUNDARY.md").read_text()


@pytest.mark.parametrize("module", MODULES)
def test_a_source_holds_no_word_that_would_cheat(module: str) -> None:
    assert cheating_words(TEXTS[module]) == []


@pytest.mark.parametrize(
    "text",
    [
        "theorem a : False := by sorry",
        "axiom a : False",
        "theorem a : 1 = 1 := by native_decide",
        "unsafe def a := 1",
        '@[extern "f"] def a := 1',
        "@[implemented_by b] def a := 1",
        "opaque a : Nat",
        "@[csimp] theorem a : b = c := rfl",
        "set_option debug.skipKernelTC true",
        "run_cmd Lean.addDecl d",
        "#eval 1",
        "#eval  1",
        "import  Lean",
        "import\tLean",
        "import Lean",
        "import all Verifier.Spec",
        "public import Verifier.Spec ",
        "meta import Verifier.Spec",
        "import Verifier.Spec import Lean",
        "import Verifier.Spec\nimport /- a comment -/ Lean",
        "open Lean in theorem a : 1 = 1 := rfl",
        "open Lean.Grind Lean",
        "def a := Lean.mkConst b",
        "theorem a : False := by_elab b",
        "elab_rules : term | b",
        "def elabTerm := b",
        'set_option ("skipKernel" ++ "TC") true',
        "def a := `skipKernel ++ `TC",
        "set_option  debug.skipKernelTC true",
        "set_option maxRecDepth 1 in set_option autoImplicit true",
        "theorem a : 1 = 1 := by decide +native",
        "theorem a : 1 = 1 := by decide (config := { native := true })",
        "def a := «sor»",
        "syntax b",
        "local macro b",
        "notation b => c",
        "infixl:65 b => c",
        "run_elab b",
        "def a := Lean.reduceBool b",
        "theorem a : b := Lean.ofReduceBool b",
        "/- a comment -/ #check b",
        "/- one /- nested -/ still -/ import Lean",
        "-- a comment\n#reduce b",
        "builtin_initialize b",
        "declare_syntax_cat b",
        "simproc b (c) := d",
        "/- no end\n#print b",
    ],
)
def test_the_scan_sees_each_way_to_cheat(text: str) -> None:
    assert cheating_words(text)


def test_comments_may_hold_signs_but_no_words() -> None:
    assert cheating_words('/-! ## A "heading" -/\n-- `name`\ntheorem a : 1 = 1 := rfl /- # -/') == []
    assert cheating_words("/- unsafe -/") == ["unsafe"]


def test_the_recursion_depth_may_be_set() -> None:
    assert cheating_words("set_option maxRecDepth 100000\ntheorem a : 1 = 1 := rfl") == []


def test_a_library_without_its_root_is_missing(tmp_path: Path) -> None:
    (tmp_path / "Other.lean").write_text("module\n")
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(LibraryMissing, match=r"holds no Verifier\.lean"):
            import_order(folder)


def test_evaluation_is_allowed_only_where_asked_for() -> None:
    assert cheating_words("#eval 1", evaluation_allowed=True) == []


def test_imports_come_before_their_users() -> None:
    for position, module in enumerate(MODULES):
        for imported in imports_of(TEXTS[module]):
            assert imported in MODULES[:position]


def test_the_root_reaches_every_module() -> None:
    reached, waiting = set(), ["Verifier"]
    while waiting:
        module = waiting.pop()
        reached.add(module)
        waiting += [name for name in imports_of(TEXTS[module]) if name not in reached]
    assert reached == set(MODULES)


def test_an_import_of_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "Verifier.lean").write_text("module\npublic import Verifier.Missing\n")
    with pytest.raises(BuildFailed, match="Missing"):
        import_order(tmp_path)


def test_an_import_cycle_is_refused(tmp_path: Path) -> None:
    (tmp_path / "Verifier.lean").write_text("module\npublic import Verifier.A\n")
    (tmp_path / "Verifier").mkdir()
    (tmp_path / "Verifier" / "A.lean").write_text("module\npublic import Verifier.B\n")
    (tmp_path / "Verifier" / "B.lean").write_text("module\npublic import Verifier.A\n")
    with pytest.raises(BuildFailed, match="cycle"):
        import_order(tmp_path)


@pytest.mark.parametrize("rule", sorted(RULES))
def test_a_rule_has_its_theorem_or_a_line_in_the_boundary(rule: str) -> None:
    assert f"{rule}_sound" in THEOREMS or f"`{rule}`" in BOUNDARY


def test_the_boundary_lists_no_rule_as_missing_that_has_its_theorem() -> None:
    missing = BOUNDARY.partition("## Rules without a theorem")[2].partition("\n## ")[0]
    listed = set(re.findall(r"^\* `(\w+)`", missing, re.MULTILINE))
    assert not {rule for rule in listed if f"{rule}_sound" in THEOREMS}


def test_the_boundary_says_which_rules_theorems_are_used() -> None:
    code = " ".join(map(without_comments, TEXTS.values()))
    times = {rule: len(re.findall(rf"(?<![\w']){rule}_sound(?![\w'])", code)) for rule in RULES}
    named, used = [rule for rule in RULES if times[rule]], [rule for rule in RULES if times[rule] > 1]
    section = BOUNDARY.partition("## Theorems that nothing uses")[2].partition("\n## ")[0]
    assert f"{len(named) - len(used)} of the {len(named)} theorems named after a rule" in section
    assert all(f"`{rule}`" in BOUNDARY for rule in RULES if rule not in named)  # it says which have none
    assert re.findall(r"`(\w+)_sound`", section.partition("all but")[2].partition(".")[0]) == used


def test_the_readme_has_a_line_per_file() -> None:
    readme = (LIBRARY / "README.md").read_text()
    for module in MODULES:
        assert f"`{module_file(module)}`" in readme, module


@pytest.mark.parametrize("module", MODULES)
def test_files_stay_short(module: str) -> None:
    assert len(TEXTS[module].splitlines()) <= 330


def test_every_named_result_has_a_docstring() -> None:
    for module, text in TEXTS.items():
        for match in re.finditer(r"^(.*)\n(?:@\[.*\]\n)?theorem (\w+_sound)\b", text, re.MULTILINE):
            if match[2].split("_sound")[0] in RULES:
                assert match[1].rstrip().endswith("-/"), f"{module}: {match[2]}"
