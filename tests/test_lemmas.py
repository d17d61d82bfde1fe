"""The lemmas under z3: all proved, none of their hypotheses idle, every false claim refuted and replayed; hostile inequalities."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

z3 = pytest.importorskip("z3")

from verifier import cli  # noqa: E402
from verifier.commands import lemma as command  # noqa: E402
from verifier.kernel.errors import LimitExceeded, MalformedInput  # noqa: E402
from verifier.kernel.rules import RULES  # noqa: E402
from verifier.lemmas.catalogue import BEYOND, LEMMAS  # noqa: E402
from verifier.lemmas.evaluation import Evaluator, UndefinedValueError  # noqa: E402
from verifier.lemmas.gallery import BELIEFS, Belief, Replay  # noqa: E402
from verifier.lemmas.limits import LEMMA_LIMITS  # noqa: E402
from verifier.lemmas.refuting import refute  # noqa: E402
from verifier.lemmas.smtlib import read_script  # noqa: E402
from verifier.lemmas.solving import Algebraic, ask, number, replayed  # noqa: E402
from verifier.lemmas.statements import EXP, Claim, exp_adds, use  # noqa: E402

ROOT = Path(__file__).parent.parent
SECONDS = 60  # far more than needed: other work may share the processor
MATHEMATICS = (ROOT / "docs" / "mathematics.md").read_text(encoding="utf-8")
RULES_TEXT = (ROOT / "certificates" / "RULES.md").read_text(encoding="utf-8")


# Lemmas


@pytest.mark.parametrize("name", LEMMAS)
def test_z3_proves_the_lemma_and_needs_each_of_its_hypotheses(name: str) -> None:
    claim = LEMMAS[name].build()
    assert ask(claim, SECONDS).status == "proved"
    for idle in range(len(claim.hypotheses)):
        weakened = replace(claim, hypotheses=[h for place, h in enumerate(claim.hypotheses) if place != idle])
        answer = ask(weakened, SECONDS)
        assert answer.status == "false", f"{claim.hypotheses[idle]} is not needed"
        assert answer.counterexample


def test_every_rule_has_lemmas_and_a_statement_that_is_not_for_z3() -> None:
    headings = re.findall(r"^## `(\w+)`$", RULES_TEXT, re.MULTILINE)
    assert headings == list(RULES)
    assert {lemma.rule for lemma in LEMMAS.values()} == {"", *headings}
    assert {beyond.rule for beyond in BEYOND} == {"", *headings}


def test_every_lemma_of_the_mathematics_is_cited_and_only_these() -> None:
    proved = set(re.findall(r"\*\*(L\d+)", MATHEMATICS)) | set(re.findall(r"\*\*(?:L\d+, )(L\d+)", MATHEMATICS))
    assert {number for lemma in LEMMAS.values() for number in lemma.cites} == proved


def test_lemmas_have_names_sentences_and_sizes_of_their_own() -> None:
    for lemma in LEMMAS.values():
        assert lemma.sentence.endswith(".")
        assert lemma.sizes
    names = [*LEMMAS, *(belief.name for belief in BELIEFS)]
    assert len(set(names)) == len(names)
    assert len({lemma.sentence for lemma in LEMMAS.values()}) == len(LEMMAS)


def test_what_helps_a_lemma_has_been_proved_before_it() -> None:
    known = {"exp"}
    for lemma in LEMMAS.values():
        assert set(lemma.helped_by) <= known, lemma.name
        known.add(lemma.name)


def test_axioms_are_instances_of_the_two_that_exp_has() -> None:
    x, y = z3.Reals("x y")
    with pytest.raises(ValueError, match="is not"):
        exp_adds(x, y, x - y)
    for lemma in LEMMAS.values():
        for axiom in lemma.build().axioms:
            left, right = axiom.children()
            if z3.is_le(axiom):
                assert right.decl() == EXP
                assert z3.is_true(z3.simplify(left == 1 + right.arg(0), som=True)), lemma.name
            else:
                first, second = right.children()
                assert [term.decl() for term in (left, first, second)] == [EXP] * 3, lemma.name
                assert z3.is_true(z3.simplify(left.arg(0) == first.arg(0) + second.arg(0), som=True))


def test_an_instance_puts_terms_in_the_place_of_variables_of_the_lemma_itself() -> None:
    a, b = z3.Reals("a b")
    instance = use(LEMMAS["product_of_nonnegatives"].build, a=b, b=a + 1)
    assert instance.lemma == "product_of_nonnegatives"
    assert instance.formula.eq(z3.Implies(z3.And(b >= 0, a + 1 >= 0), z3.And(b * (a + 1) >= 0)))
    with pytest.raises(KeyError):
        use(LEMMAS["product_of_nonnegatives"].build, c=a)


@pytest.mark.parametrize("beyond", BEYOND, ids=lambda beyond: beyond.rule)
def test_a_theorem_that_is_named_is_in_the_lean_files(beyond: Any) -> None:
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "lean").rglob("*.lean"))
    assert not beyond.theorem or re.search(rf"\btheorem {beyond.theorem}\b", sources)


# The solver's answers


def test_a_claim_whose_hypotheses_contradict_each_other_is_not_called_proved() -> None:
    x = z3.Real("x")
    assert ask(Claim([x > 0, x < 0], [x == 7])).status == "vacuous"


def test_a_claim_that_takes_too_long_is_undecided() -> None:
    x, y, z = z3.Ints("x y z")
    answer = ask(Claim([x * x * x + y * y * y + z * z * z == 42], [x == y]), 0.2)
    assert (answer.status, dict(answer.counterexample)) == ("unknown", {})


def test_one_false_conclusion_among_several_is_found() -> None:
    x = z3.Real("x")
    answer = ask(Claim([x > 1], [x > 0, x > 2]))
    value = answer.counterexample["x"]
    assert answer.status == "false"
    assert isinstance(value, Fraction)
    assert 1 < value <= 2


def test_an_irrational_value_comes_with_its_polynomial_and_an_interval() -> None:
    x = z3.Real("x")
    value = ask(Claim([x * x == 2, x > 0], [x < 0])).counterexample["x"]
    assert isinstance(value, Algebraic)
    assert value.polynomial == "x^2 - 2"
    assert value.lower**2 < 2 < value.upper**2
    assert value.upper - value.lower < Fraction(1, 10**LEMMA_LIMITS.algebraic_digits)
    with pytest.raises(ValueError, match="not a number"):
        number(x + 1)


# The gallery


@pytest.mark.parametrize("belief", BELIEFS, ids=lambda belief: belief.name)
def test_a_false_claim_is_refuted_and_plain_python_confirms_the_numbers(belief: Belief) -> None:
    answer = ask(belief.build(), SECONDS)
    assert answer.status == "false"
    assert all(isinstance(value, Fraction) for value in answer.counterexample.values())
    assert replayed(belief, answer).confirmed
    assert set(belief.repaired) <= set(LEMMAS)


KNOWN = {  # of docs/mathematics.md and of the tests of its pitfalls
    "mean_and_difference_with_one_sign": {"L0": 0, "L1": -9, "R0": 1, "R1": 10, "abar": 1, "a": 0},
    "one_end_of_the_attention_range": {"L0": 10, "L1": -5, "R0": -1, "R1": 10, "W": 0, "a_low": 0, "a_high": 1, "a": 0},
    "cross_terms_dropped": {"s00": 0, "s01": 1, "s10": 1, "s11": 0},
    "ties_are_right": {"l0": 0, "l1": 0, "l2": 0, "m": 2},
    "convexity_through_a_relu": {"z": Fraction(1, 2), "h1": 1, "h2": -1},
    "power_iteration_from_above": {"g0": 1, "g1": 2, "y0": 0, "y1": 1},
}


@pytest.mark.parametrize("name", KNOWN)
def test_a_replay_confirms_a_known_counterexample(name: str) -> None:
    belief = next(belief for belief in BELIEFS if belief.name == name)
    assert belief.replay({variable: Fraction(value) for variable, value in KNOWN[name].items()}).confirmed


HARMLESS = {  # values at which the false claims hold, and values that break their hypotheses
    "mean_and_difference_with_one_sign": [{"a": 1}, {"a": 2}],
    "one_end_of_the_attention_range": [{"a": 1}, {"a": -1}],
    "convexity_through_a_relu": [{"h2": 1}, {"h1": Fraction(3, 2)}],
    "power_iteration_from_above": [{"y0": 1, "y1": 0}, {"g0": -1}],
    "cross_terms_dropped": [{"s01": 0, "s10": 0}],
    "ties_are_right": [{"m": 0}, {"l2": -1}],
}


@pytest.mark.parametrize(("name", "values"), [(name, values) for name, several in HARMLESS.items() for values in several])
def test_a_replay_does_not_confirm_anything(name: str, values: dict[str, Any]) -> None:
    belief = next(belief for belief in BELIEFS if belief.name == name)
    assert not belief.replay({variable: Fraction(value) for variable, value in {**KNOWN[name], **values}.items()}).confirmed


def test_a_counterexample_that_plain_python_does_not_confirm_is_an_internal_error() -> None:
    belief = replace(BELIEFS[0], replay=lambda values: Replay(True, True, "the claim holds"))
    with pytest.raises(RuntimeError, match="the claim holds"):
        replayed(belief, ask(belief.build()))


# `verifier lemma list` and `check`


def test_the_document_has_the_tables_that_the_command_prints() -> None:
    text = (ROOT / "docs" / "lemmas.md").read_text(encoding="utf-8")
    assert "\n".join(command.markdown()) in text, "run verifier lemma list --markdown"


def test_list_shows_everything(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["lemma", "list"]) == 0
    table = capsys.readouterr().out
    assert all(name in table for name in [*LEMMAS, *(belief.name for belief in BELIEFS)])
    assert cli.main(["lemma", "list", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in document["lemmas"]] == list(LEMMAS)
    assert [row["name"] for row in document["gallery"]] == [belief.name for belief in BELIEFS]
    assert {"rule", "statement", "reason", "theorem"} == set(document["not_for_z3"][0])


def test_check_says_what_is_proved_and_what_is_false(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["lemma", "check", "mean_and_difference", "cauchy_schwarz", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["proved"], document["false"], document["unknown"]) == (2, 0, 0)
    assert cli.main(["lemma", "check", "mean_and_difference_with_one_sign"]) == 1
    assert "in fractions, without z3" in capsys.readouterr().out
    assert cli.main(["lemma", "check", "--gallery", "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["false"] == len(BELIEFS)
    assert all(row["counterexample"] and row["replay"] for row in document["claims"])


def test_check_is_undecided_where_z3_is(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y, z = z3.Ints("x y z")
    hard = replace(LEMMAS["cauchy_schwarz"], build=lambda: Claim([x * x * x + y * y * y + z * z * z == 42], [x == y]))
    monkeypatch.setattr(command, "LEMMAS", {"hard": hard})
    assert cli.main(["lemma", "check", "hard", "--seconds", "1"]) == 2


def test_check_refuses_a_name_that_does_not_exist(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["lemma", "check", "no_such_lemma"]) == 3
    assert "unknown-lemma" in capsys.readouterr().err


# `verifier lemma refute`: the reader

DECLARED = "(declare-const x Real)(declare-const n Int)(declare-const b Bool)(declare-fun f (Real) Real)"
FAULTS = [
    ("", "no-assertions"),
    ("; nothing but a comment", "no-assertions"),
    ("(check-sat)", "no-assertions"),
    ("(assert true", "brackets"),
    ("(assert true))", "brackets"),
    ("assert", "brackets"),
    ("()", "not-a-command"),
    ("((assert true))", "not-a-command"),
    ("(assert true) \x00", "bad-character"),
    ('(set-info :source "unclosed)', "bad-character"),
    ("(assert |x)", "bad-character"),
    ("(assert #x00)", "bad-character"),
    ("(assert true)(push 1)(assert false)", "unsupported-command"),
    ("(assert true)(pop 1)", "unsupported-command"),
    ("(reset)", "unsupported-command"),
    ('(include "other.smt2")', "unsupported-command"),
    ('(echo "hello")', "unsupported-command"),
    ("(declare-datatypes () ((T a)))", "unsupported-command"),
    ("(define-fun-rec g ((x Real)) Real (g x))", "unsupported-command"),
    ("(exit)(assert true)", "after-the-question"),
    ("(assert true)(check-sat)(assert false)", "after-the-question"),
    ("(assert true)(check-sat)(check-sat)", "after-the-question"),
    ("(assert true)(exit)(get-model)", "after-the-question"),
    ("(set-logic QF_BV)", "unknown-logic"),
    ("(set-logic NONSENSE)", "unknown-logic"),
    ("(set-logic QF_LRA)(set-logic QF_NRA)", "unknown-logic"),
    ("(set-logic)", "wrong-shape"),
    ("(declare-const y String)", "unknown-sort"),
    ("(declare-const y (Array Int Int))", "unknown-sort"),
    ("(declare-fun g Real Real)", "wrong-shape"),
    ("(declare-const x Real)(declare-const x Real)", "declared-twice"),
    ("(declare-const + Real)", "bad-name"),
    ("(declare-const |+| Real)", "bad-name"),
    ("(define-fun g ((y Real) (y Real)) Real y)", "declared-twice"),
    ("(define-fun g ((y Real)) Bool y)", "wrong-sort"),
    ("(define-fun g ((y Real)) Real (g y))", "unsupported-term"),
    (f"{DECLARED}(assert y)", "undeclared"),
    (f"{DECLARED}(assert f)", "undeclared"),
    (f"{DECLARED}(assert (sin x))", "unsupported-term"),
    (f"{DECLARED}(assert (forall ((y Real)) (> y x)))", "wrong-shape|unsupported-term|not-a-term"),
    (f"{DECLARED}(assert ((_ to_fp 8 24) x))", "not-a-term"),
    (f"{DECLARED}(assert :named)", "not-a-term"),
    (f"{DECLARED}(assert x)", "wrong-sort"),
    (f"{DECLARED}(assert (> b 0))", "wrong-sort"),
    (f"{DECLARED}(assert (= b 0))", "wrong-sort"),
    (f"{DECLARED}(assert (and b x))", "wrong-sort"),
    (f"{DECLARED}(assert (= 1 (div x 2)))", "wrong-sort"),
    (f"{DECLARED}(assert (> (f b) 0))", "wrong-sort"),
    (f"{DECLARED}(assert (ite x b b))", "wrong-sort"),
    (f"{DECLARED}(assert (> (f x x) 0))", "wrong-shape"),
    (f"{DECLARED}(assert (> x))", "wrong-shape"),
    (f"{DECLARED}(assert (not b b))", "wrong-shape"),
    (f"{DECLARED}(assert (let ((y 1) (y 2)) (> y x)))", "declared-twice"),
    (f"{DECLARED}(assert (let (y) b))", "wrong-shape"),
    ("(assert " * (LEMMA_LIMITS.nesting + 1), "limit-nesting"),
    (f"(assert (> {'9' * (LEMMA_LIMITS.numeral_digits + 1)} 0))", "limit-numeral-digits"),
    (f"(declare-const {'x' * (LEMMA_LIMITS.symbol_characters + 1)} Real)", "limit-symbol-characters"),
    (" " * (LEMMA_LIMITS.file_bytes + 1), "limit-file-bytes"),
    ("(declare-const \u03c0 Real)", "not-ascii"),
]


@pytest.mark.parametrize(("text", "code"), FAULTS, ids=lambda value: value[:40] if isinstance(value, str) else None)
def test_a_file_that_states_no_inequality_is_refused_with_one_line(text: str, code: str) -> None:
    with pytest.raises((MalformedInput, LimitExceeded)) as caught:
        read_script(text.encode("utf-8"), "claim.smt2")
    assert re.fullmatch(code, caught.value.code)
    assert str(caught.value).startswith("claim.smt2: ")
    assert "\n" not in str(caught.value)


def test_what_the_solver_is_given_is_written_anew() -> None:
    text = (
        '(set-option :regular-output-channel "stolen")(set-info :status sat)(declare-fun sin () Real)(assert (! (> sin 0) :named a))(exit)'
    )
    script = read_script(text.encode("ascii"), "")
    assert script.text(script.assertions) == "(declare-fun |user sin| () Real)\n(assert (> |user sin| 0))"


VALUES = {
    "(+ 1 2.5 x)": 4,
    "(- 3)": -3,
    "(- 3 1 1)": 1,
    "(* 2 x 3)": 3,
    "(/ 3 2 x)": 3,
    "(div 7 (- 2))": -3,
    "(mod 7 (- 2))": 1,
    "(div (- 7) 2)": -4,
    "(mod (- 7) 2)": 1,
    "(div (- 7) (- 2))": 4,
    "(mod (- 7) (- 2))": 1,
    "(abs (- 2))": 2,
    "(to_int (- x))": -1,
    "(to_real n)": 3,
    "(is_int x)": False,
    "(< 0 x 1)": True,
    "(< 0 1 x)": False,
    "(= x 0.5 (/ 1 2))": True,
    "(distinct 1 2 1)": False,
    "(=> true b false)": True,
    "(=> b false)": True,
    "(xor true true b true)": True,
    "(or b (and true (not b)))": True,
    "(ite b 1 x)": Fraction(1, 2),
    "(let ((x 5) (y x)) (+ x y))": Fraction(11, 2),
    "(f 2)": 7,
    "(twice (f 2))": 14,
    "(! (+ one x) :named y)": Fraction(3, 2),
}


@pytest.mark.parametrize("term", VALUES)
def test_terms_are_evaluated_in_fractions(term: str) -> None:
    definitions = "(define-fun one () Real 1)(define-fun twice ((x Real)) Real (+ x x))"
    script = read_script(f"{DECLARED}{definitions}(assert (= {term} {term}))".encode("ascii"), "")
    assertion = script.assertions[0]
    constants = {"x": Fraction(1, 2), "n": Fraction(3), "b": False}
    evaluator = Evaluator(script, constants, {"f": lambda values: values[0] + 5})
    assert evaluator.value(assertion.items[1], {}) == VALUES[term]
    assert evaluator.value(assertion, {}) is True


@pytest.mark.parametrize("term", ["(/ x 0)", "(div n 0)", "(mod n 0)"])
def test_a_division_by_zero_has_no_value(term: str) -> None:
    script = read_script(f"{DECLARED}(assert (= 0 {term}))".encode("ascii"), "")
    with pytest.raises(UndefinedValueError):
        Evaluator(script, {"x": Fraction(1), "n": Fraction(1)}, {}).value(script.assertions[0], {})


# `verifier lemma refute`: the answer


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, dict[str, Any]]]:
    def answer(text: str, *options: str) -> tuple[int, dict[str, Any]]:
        path = tmp_path / "claim.smt2"
        path.write_text(text, encoding="utf-8")
        code = cli.main(["lemma", "refute", str(path), "--json", *options])
        return code, json.loads(capsys.readouterr().out)

    return answer


def test_a_false_inequality_gets_a_counterexample_in_fractions(run: Callable[..., tuple[int, dict[str, Any]]]) -> None:
    code, answer = run("(set-logic QF_NRA)(declare-const x Real)(assert (>= x 0))(assert (not (>= (* x x) x)))(check-sat)(get-model)(exit)")
    assert (code, answer["verdict"], answer["replayed"]) == (1, "refuted", True)
    assert 0 < Fraction(answer["values"]["x"]) < 1


def test_a_true_inequality_is_proved(run: Callable[..., tuple[int, dict[str, Any]]]) -> None:
    code, answer = run("(declare-const x Real)(assert (> x 0))(assert (not (>= (* x x) 0)))")
    assert (code, answer["verdict"], answer["remark"]) == (0, "proved", "")


def test_hypotheses_that_contradict_each_other_are_remarked(run: Callable[..., tuple[int, dict[str, Any]]]) -> None:
    code, answer = run("(declare-const x Real)(assert (> x 0))(assert (< x 0))(assert (not (= x 7)))")
    assert (code, answer["verdict"]) == (0, "proved")
    assert "anything follows" in answer["remark"]


def test_an_irrational_counterexample_is_given_as_a_root_in_an_interval(run: Callable[..., tuple[int, dict[str, Any]]]) -> None:
    code, answer = run("(declare-const x Real)(assert (= (* x x) 2))(assert (> x 0))")
    assert (code, answer["verdict"], answer["replayed"]) == (1, "refuted", False)
    root = answer["irrational"]["x"]
    assert root["polynomial"] == "x^2 - 2"
    assert Fraction(root["lower"]) ** 2 < 2 < Fraction(root["upper"]) ** 2


def test_functions_and_truth_values_are_shown_and_replayed(run: Callable[..., tuple[int, dict[str, Any]]]) -> None:
    text = "(declare-fun exp (Real) Real)(declare-const b Bool)(assert b)(assert (= (exp 0) 1))(assert (> (exp 1) (exp 0) (exp 2)))"
    code, answer = run(text)
    assert (code, answer["replayed"], answer["values"]["b"]) == (1, True, "true")
    assert "(0) -> 1" in answer["values"]["exp"] or "else 1" in answer["values"]["exp"]


def test_a_counterexample_by_division_by_zero_is_not_replayed(run: Callable[..., tuple[int, dict[str, Any]]]) -> None:
    code, answer = run("(declare-const x Real)(assert (= (/ x 0) 5))")
    assert (code, answer["replayed"]) == (1, False)
    assert "zero" in answer["remark"]


def test_a_name_of_the_solvers_own_functions_is_an_ordinary_name(run: Callable[..., tuple[int, dict[str, Any]]]) -> None:
    assert run("(declare-fun sin (Real) Real)(assert (> (sin 0) 1))")[0] == 1  # the sine of 0 is 0, but nobody said sine


def test_what_takes_too_long_is_unknown(run: Callable[..., tuple[int, dict[str, Any]]]) -> None:
    cubes = "(declare-const x Int)(declare-const y Int)(declare-const z Int)(assert (= (+ (* x x x) (* y y y) (* z z z)) 42))"
    code, answer = run(cubes, "--seconds", "1")
    assert (code, answer["verdict"]) == (2, "unknown")


def test_what_takes_too_much_memory_is_unknown() -> None:
    squares = "".join(f"(define-fun f{i} () Real (* f{i - 1} f{i - 1}))" for i in range(1, 60))
    text = f"(declare-const a Real)(define-fun f0 () Real a){squares}(assert (> f59 2))"
    assert refute(text.encode("ascii"), "claim.smt2", memory=400 << 20).verdict == "unknown"


def test_definitions_too_deep_for_a_replay_do_not_crash(run: Callable[..., tuple[int, dict[str, Any]]]) -> None:
    sums = "".join(f"(define-fun f{i} () Real (+ f{i - 1} 1))" for i in range(1, 5_000))
    code, _ = run(f"(declare-const a Real)(define-fun f0 () Real a){sums}(assert (> f4999 0))")
    assert code in (1, 2)


def test_values_longer_than_any_number_of_the_file_are_shown(run: Callable[..., tuple[int, dict[str, Any]]]) -> None:
    factor = "9" * 900
    code, answer = run(f"(declare-const n Int)(assert (= n (* {' '.join([factor] * 8)})))")
    assert (code, answer["replayed"], len(answer["values"]["n"])) == (1, True, 7200)


def test_nothing_is_imported_from_the_current_folder(
    run: Callable[..., tuple[int, dict[str, Any]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "z3.py").write_text("raise SystemExit(9)", encoding="ascii")
    monkeypatch.chdir(tmp_path)
    assert run("(declare-const x Real)(assert (> x 1))")[0] == 1


def test_a_process_that_dies_is_an_unknown_answer() -> None:
    answer = refute(b"(declare-const x Real)(assert (> x 0))", "claim.smt2", seconds=1, memory=1 << 20)
    assert answer.verdict == "unknown"
    assert "process" in answer.remark


def test_a_malformed_file_is_exit_code_3_and_one_line(run: Callable[..., tuple[int, dict[str, Any]]]) -> None:
    code, answer = run("(assert (> x 0))")
    assert code == 3
    assert answer == {
        "verdict": None,
        "reason": {"code": "undeclared", "file": answer["reason"]["file"], "clause": "line 1", "expected": "a declared name", "got": "x"},
    }


def test_an_unreadable_file_is_exit_code_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["lemma", "refute", str(tmp_path / "none.smt2")]) == 3
    assert capsys.readouterr().err.count("\n") == 1


def test_the_answer_for_a_person_names_values_and_replay(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "claim.smt2"
    path.write_text("(declare-const x Real)(assert (> x 1))(assert (< (* 2 x) 3))", encoding="ascii")
    assert cli.main(["lemma", "refute", str(path)]) == 1
    output = capsys.readouterr().out
    assert output.startswith("REFUTED a counterexample")
    assert re.search(r"^x = \d+/\d+$", output, re.MULTILINE)
    assert "in fractions, without z3: every assertion holds" in output
