module
public import Verifier.Norm
public import Verifier.Peel
public section

/-!
Table facts.  A table may be known only up to a constant per row, which neither softmax nor a gap sees: `EnclosedRow`
says that a row is its known part, plus some constant, within a slack per column.
-/

namespace Verifier
open Std Lean.Grind ExpField
variable {R : Type} [ExpField R]

/-- The row `f` is `part` plus one constant, within `slack`. -/
@[expose] def EnclosedRow (c : Nat) (f part slack : Nat → R) : Prop := ∃ a, ∀ k, k < c → abs (f k - part k - a) ≤ slack k

/-- A finite row has a least entry. -/
theorem exists_least {c : Nat} (hc : 0 < c) (f : Nat → R) : ∃ k, k < c ∧ ∀ i, i < c → f k ≤ f i := by
  induction c with
  | zero => omega
  | succ c ih =>
    by_cases h : 0 < c
    · obtain ⟨k, hk, l⟩ := ih h
      by_cases e : f k ≤ f c
      · exact ⟨k, by omega, fun i hi => by
          by_cases e' : i = c
          · subst e'; exact e
          · exact l i (by omega)⟩
      · exact ⟨c, by omega, fun i hi => by
          by_cases e' : i = c
          · subst e'; grind
          · have := l i (by omega); grind⟩
    · exact ⟨0, by omega, fun i hi => by have : i = 0 := by omega
                                         subst this; grind⟩

/-- A finite row has a largest entry. -/
theorem exists_largest_entry {c : Nat} (hc : 0 < c) (f : Nat → R) : ∃ k, k < c ∧ ∀ i, i < c → f i ≤ f k := by
  obtain ⟨k, hk, l⟩ := exists_least hc fun i => -f i
  exact ⟨k, hk, fun i hi => by have := l i hi; grind⟩

/-- A row bound `ε` of the error is a slack of `ε / 2` on every entry, up to one constant. -/
theorem enclosed_of_spread {c : Nat} (hc : 0 < c) {f part error : Nat → R} {ε : R} (hf : ∀ k, k < c → f k = part k + error k)
    (h : Spread c error ε) : EnclosedRow c f part fun _ => ε / 2 := by
  obtain ⟨lo, hlo, l1⟩ := exists_least hc error
  obtain ⟨hi, hhi, l2⟩ := exists_largest_entry hc error
  refine ⟨(error lo + error hi) / 2, fun k hk => ?_⟩
  have e : f k - part k - (error lo + error hi) / 2 = error k - (error lo + error hi) / 2 := by rw [hf k hk]; grind
  rw [e]
  exact h.half hlo hhi l1 l2 k hk

/-- `row_range`: the error of a peeled table is a product `A B`; with row bounds `ρ` of `B`, and if wanted a reference row
`r` whose product has range `σ`, its row is enclosed with half the row bound (L14-L19).  For a recursive bound `ρ` is again
a row bound of a product; for no reference take `r = 0` and `σ = 0`; the least of several bounds is one of them. -/
theorem row_range_sound {n c : Nat} (hc : 0 < c) (A B : Nat → Nat → R) (ρ r : Nat → R) (σ ε : R) (i : Nat) {f part : Nat → R}
    (hf : ∀ k, k < c → f k = part k + mm n A B i k) (hρ : ∀ j, j < n → Spread c (B j) (ρ j))
    (hσ : Spread c (fun x => sum n fun j => r j * B j x) σ) (hε : σ + (sum n fun j => abs (A i j - r j) * ρ j) ≤ ε) :
    EnclosedRow c f part fun _ => ε / 2 :=
  enclosed_of_spread hc hf ((product_spread_reference (A i) r B ρ σ hρ hσ).mono hε)

/-- `row_norm`: the error is `A C B` with the length of the row of `A` at most `α`, `C` stretching by at most `σ`, and column
`k` of `B` at most `β k` away from some point `b`: the row is enclosed with slack `α σ β k` (L29). -/
theorem row_norm_sound {r c n : Nat} {C : Nat → Nat → R} {σ : R} (hC : Stretch r c C σ) (a : Nat → R) (B : Nat → Nat → R) (b : Nat → R)
    {α : R} {β : Nat → R} (hα : 0 ≤ α) (hβ : ∀ k, k < n → 0 ≤ β k) (ha : normSq r a ≤ α * α)
    (hb : ∀ k, k < n → normSq c (fun l => B l k - b l) ≤ β k * β k) {f part : Nat → R}
    (hf : ∀ k, k < n → f k = part k + sum r fun i => a i * sum c fun l => C i l * B l k) :
    EnclosedRow n f part fun k => α * σ * β k := by
  refine ⟨sum r fun i => a i * sum c fun l => C i l * b l, fun k hk => ?_⟩
  rw [hf k hk]
  have z : normSq c (fun l => b l - b l) ≤ (0 : R) * 0 := by
    have : normSq c (fun l => b l - b l) = sum c fun _ => (0 : R) := by
      simp only [normSq]; apply sum_congr; intro l _; grind
    rw [this, sum_zero]; grind
  have zero : (0 : R) ≤ 0 := by grind
  have one := row_norm_bound hC a (fun l => B l k) b b hα (hβ k hk) zero ha (hb k hk) z
  have flip : normSq c (fun l => b l - B l k) ≤ β k * β k := by
    have : normSq c (fun l => b l - B l k) = normSq c fun l => B l k - b l := by
      simp only [normSq]; apply sum_congr; intro l _; grind
    rw [this]; exact hb k hk
  have two := row_norm_bound hC a b (fun l => B l k) b hα zero (hβ k hk) ha z flip
  exact abs_le (by grind) (by grind)

/-- `row_norm` without columns on the right: two unit vectors are `√2` apart, each brings half of it (L20). -/
theorem row_norm_plain {r c : Nat} (hc : 0 < c) {C : Nat → Nat → R} {σ root : R} (hC : Stretch r c C σ) (h0 : 0 ≤ root)
    (h2 : 2 ≤ root * root) {i : Nat} (hi : i < r) {f part : Nat → R} (hf : ∀ k, k < c → f k = part k + C i k) :
    EnclosedRow c f part fun _ => root * σ / 2 :=
  enclosed_of_spread hc hf fun _ hk _ hl => spectral_row_bound hC h0 h2 hi hk hl

/-- Scores enclosed up to a constant give weights enclosed up to a positive factor, which no margin sees (L2). -/
theorem enclosed_weight {c : Nat} {S part slack : Nat → R} {u : R} (hu : 0 ≤ u) (h : EnclosedRow c S part slack) :
    ∃ κ : R, 0 < κ ∧ ∀ k, k < c → exp (u * (part k - slack k)) ≤ κ * exp (u * S k) ∧ κ * exp (u * S k) ≤ exp (u * (part k + slack k)) := by
  obtain ⟨a, ha⟩ := h
  refine ⟨exp (-(u * a)), exp_pos _, fun k hk => ?_⟩
  have b := ha k hk
  have l := le_abs (S k - part k - a)
  have n := neg_le_abs (S k - part k - a)
  have e : exp (-(u * a)) * exp (u * S k) = exp (u * (S k - a)) := by
    rw [← exp_add]; congr 1; grind
  rw [e]
  constructor
  · apply exp_le_exp
    exact mul_le_mul_left (by grind) hu
  · apply exp_le_exp
    exact mul_le_mul_left (by grind) hu

/-- Gaps of an enclosed row: the constant cancels. -/
theorem enclosed_gap {c : Nat} {f part slack : Nat → R} (h : EnclosedRow c f part slack) {m x : Nat} (hm : m < c) (hx : x < c) :
    part m - part x - slack m - slack x ≤ f m - f x := by
  obtain ⟨a, ha⟩ := h
  have := ha m hm
  have := ha x hx
  have := neg_le_abs (f m - part m - a)
  have := le_abs (f x - part x - a)
  grind

end Verifier
