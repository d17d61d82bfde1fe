module
public import Verifier.Rules.Paper
public section

/-! The closed formula of L24. -/

namespace Verifier

/-- The binomial coefficient. -/
@[expose] def choose : Nat → Nat → Nat
  | _, 0 => 1
  | 0, _ + 1 => 0
  | n + 1, c + 1 => choose n c + choose n (c + 1)

/-- L24: where each of `n` positions can hold the maximum and the same number `g` of good smaller tokens, there are
`choose n c * g ^ c` sequences with exactly `c` good smaller tokens. -/
theorem countPattern_uniform (m g : Nat) (good : Nat → Bool) (scope : List (Nat × Nat))
    (h : ∀ r ∈ scope, (List.range' r.1 (r.2 - r.1)).countP (fun k => Nat.beq k m) = 1 ∧
      (List.range' r.1 (r.2 - r.1)).countP (fun k => !Nat.beq k m && good k) = g) (c : Nat) :
    countPattern m good scope c = choose scope.length c * g ^ c := by
  induction scope generalizing c with
  | nil =>
    cases c with
    | zero => simp [countPattern, choose]
    | succ c => simp [countPattern, choose]
  | cons r rs ih =>
    have here := h r List.mem_cons_self
    have rest := ih fun r' hr => h r' (List.mem_cons_of_mem _ hr)
    simp only [countPattern, here.1, here.2, List.length_cons]
    cases c with
    | zero =>
      rw [rest 0]
      cases rs.length <;> simp [choose]
    | succ c =>
      show 1 * countPattern m good rs (c + 1) + g * countPattern m good rs c = _
      rw [rest (c + 1), rest c]
      simp only [choose, Nat.pow_succ]
      grind

end Verifier
