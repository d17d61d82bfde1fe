module
public import Verifier.Ranks
public import Verifier.Rules.Cells
public section

/-! `pure_margin`, the whole rule: from its tests on tokens to its count of a pair (q, m). -/

namespace Verifier
open Std Lean.Grind ExpField
variable {R : Type} [ExpField R]

/-- The test of a sequence whose free slots all hold `m`, for each wrong output with its own gaps. -/
theorem all_maximum_phi (T : Tables R) (u e : R) (q m : Nat) (hn : 0 < T.n) (hq : q ≤ m) (he : 0 < e) (ρ ω π : Nat → R)
    (hw : ∀ i, i < T.n → ∀ k, k ≤ m → ρ i * ω k = e * T.weight u q i k)
    (hπ : ∀ i, i < T.n → ∀ x, x < T.v → x ≠ m → π x ≤ T.pcopy i m - T.pcopy i x)
    (pass : ∀ x, x < T.v → x ≠ m → 0 < ρ (T.n - 1) * ω q * ((T.skip q m - T.skip q x) + ((T.copy q m - T.copy q x) + π x))
      + sum (T.n - 1) ρ * ω m * ((T.skip q m - T.skip q x) + ((T.copy m m - T.copy m x) + π x)))
    (t : Nat → Nat) (ht : InGroup T.n t q m) (allM : ∀ i, i < T.n - 1 → t i = m) :
    ∀ x, x < T.v → x ≠ m → 0 < T.phi u t m x := by
  intro x hx hne
  have term : ∀ i, i < T.n → ∀ k, k ≤ m →
      ρ i * (ω k * ((T.skip q m - T.skip q x) + ((T.copy k m - T.copy k x) + π x))) ≤ e * T.psi u q m x i k := by
    intro i hi k hk
    have := psi_ge T u e q m x i k ((T.skip q m - T.skip q x) + ((T.copy k m - T.copy k x) + π x)) he (by
      have := hπ i hi x hx hne
      simp only [Tables.gap]; grind)
    rw [show ∀ y, e * (T.weight u q i k * y) = e * T.weight u q i k * y by intro y; grind, ← hw i hi k hk] at this
    grind
  have phi := terms_le_phi (x := x) hn ht (term (T.n - 1) (by omega) q hq)
    (f := fun i => ρ i * (ω m * ((T.skip q m - T.skip q x) + ((T.copy m m - T.copy m x) + π x))))
    fun i hi => by rw [allM i hi]; exact term i (by omega) m (Nat.le_refl _)
  rw [sum_mul_right] at phi
  have p := pass x hx hne
  apply pos_of_mul_pos he
  grind

/-- `pure_margin` (the paper's cubic argument; L5, L6, L8, L10, L11, L24): `ρ i * ω k` are the attention weights in one scale,
`rank` the weights of the free slots in ascending order, `sk`, `π` and `C` the rule's minima `u`, `pi_x` and `C_k` or anything
below them.  If each token in `good c` passes the two tests with the `n-1-c` least and with the `n-1-c` largest slots holding
`m`, and `all` stands for the joint test of the sequence whose free slots all hold `m`, then what the rule counts for (q, m),
the sum over `c` of the patterns of `c` tokens of `good c`, is at most the number of right answers in that pair. -/
theorem pure_margin_sound (W : Weights R) (s : R) (free : List (Nat × Nat)) (r : Nat × Nat) (hl : free.length + 1 = W.n) (q m : Nat)
    (h1 : r.1 ≤ q) (h2 : q < r.2) (hq : q ≤ m) (e : R) (he : 0 < e) (ρ ω rank π C : Nat → R) (sk : R)
    (hρ : ∀ i, i < W.n → 0 < ρ i) (hw : ∀ i, i < W.n → ∀ k, k ≤ m → ρ i * ω k = e * W.tables.weight s⁻¹ q i k)
    (hrank : Ranked (W.n - 1) rank ρ)
    (hsk : ∀ x, x < W.v → x ≠ m → sk ≤ W.tables.skip q m - W.tables.skip q x)
    (hπ : ∀ i, i < W.n → ∀ x, x < W.v → x ≠ m → π x ≤ W.tables.pcopy i m - W.tables.pcopy i x)
    (hC : ∀ k, k ≤ m → ∀ x, x < W.v → x ≠ m → C k ≤ (W.tables.copy k m - W.tables.copy k x) + π x)
    (all : Bool) (good : Nat → Nat → Bool) (hgood : ∀ c k, good c k = true → k < m)
    (joint : all = true → ∀ x, x < W.v → x ≠ m →
      0 < ρ (W.n - 1) * ω q * ((W.tables.skip q m - W.tables.skip q x) + ((W.tables.copy q m - W.tables.copy q x) + π x))
        + sum (W.n - 1) ρ * ω m * ((W.tables.skip q m - W.tables.skip q x) + ((W.tables.copy m m - W.tables.copy m x) + π x)))
    (atLeast : ∀ c, 0 < c → c ≤ W.n - 1 → ∀ k, good c k = true → 0 < ρ (W.n - 1) * (ω q * (sk + C q))
      + ω m * (sk + C m) * sum (W.n - 1 - c) rank + ω k * (sk + C k) * sum c fun j => rank (W.n - 1 - c + j))
    (atMost : ∀ c, 0 < c → c ≤ W.n - 1 → ∀ k, good c k = true → 0 < ρ (W.n - 1) * (ω q * (sk + C q))
      + ω m * (sk + C m) * (sum (W.n - 1 - c) fun j => rank (c + j)) + ω k * (sk + C k) * sum c rank) :
    nsum (if q = m then W.n else W.n - 1) (fun c => if (all || Nat.ble 1 c) then countPattern m (good c) free c else 0)
      ≤ (sequences (free ++ [r])).countP (rightIn W s q m) := by
  apply count_patterns W s free r hl q m h1 h2 hq (fun c => all || Nat.ble 1 c) good hgood
  intro c cert top below t ht ct gt
  by_cases zero : c = 0
  · subst zero
    have allT : all = true := by simpa [Nat.ble] using cert
    exact all_maximum_phi W.tables s⁻¹ e q m (by show 0 < W.n; omega) hq he ρ ω π hw hπ (joint allT) t ht
      fun i hi => Classical.byContradiction fun ne => by
        have := card_pos (S := fun i => !Nat.beq (t i) m) hi (not_beq.mpr ne)
        have e : W.tables.n = W.n := rfl
        rw [e] at this
        omega
  · have b := hrank.bounds (fun i => Nat.beq (t i) m) ct
    have whole := hrank.sum_eq
    have one := sum_append (W.n - 1 - c) c rank
    have two := sum_append c (W.n - 1 - c) rank
    rw [show W.n - 1 - c + c = W.n - 1 by omega] at one
    rw [show c + (W.n - 1 - c) = W.n - 1 by omega] at two
    refine pure_margin_phi W.tables s⁻¹ e q m (by show 0 < W.n; omega) hq he ρ ω hρ hw sk π C (good c)
      (sum (W.n - 1 - c) rank) (sum (W.n - 1 - c) fun j => rank (c + j)) hsk hπ hC t ht gt ?_ b.1 b.2.1 ?_ ?_
    · obtain ⟨i, hi, hS⟩ := exists_of_card_pos (S := fun i => !Nat.beq (t i) m) (n := W.n - 1) (by omega)
      exact ⟨i, hi, not_beq.mp hS⟩
    · intro k hk
      have a := atLeast c (by omega) top k hk
      rw [show sum (W.tables.n - 1) ρ - sum (W.n - 1 - c) rank = sum c fun j => rank (W.n - 1 - c + j) by
        show sum (W.n - 1) ρ - _ = _; grind]
      exact a
    · intro k hk
      have a := atMost c (by omega) top k hk
      rw [show (sum (W.tables.n - 1) ρ - sum (W.n - 1 - c) fun j => rank (c + j)) = sum c rank by
        show (sum (W.n - 1) ρ - sum (W.n - 1 - c) fun j => rank (c + j)) = _; grind]
      exact a

end Verifier
