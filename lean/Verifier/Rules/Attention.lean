module
public import Verifier.Rules.Paper
public section

/-! `attention_margin` on tables: how much attention the maximum gets (L11, L12), joined to the margin. -/

namespace Verifier
open Std Lean.Grind ExpField
variable {R : Type} [ExpField R]

theorem sumOn_share (n : Nat) (S : Nat → Bool) (w : Nat → R) : sumOn n S (share n w) = sumOn n S w * (sum n w)⁻¹ := by
  simp only [sumOn]
  rw [← sum_mul_right]; apply sum_congr; intro i _
  by_cases h : S i = true
  · simp only [h, if_true, share, Field.div_eq_mul_inv]
  · simp only [Bool.not_eq_true] at h
    simp only [h, Bool.false_eq_true, if_false]; grind

theorem sumOn_mul_const (n : Nat) (S : Nat → Bool) (ρ ω : Nat → R) (e : R) (h : ∀ i, i < n → S i = true → ω i = e) :
    sumOn n S (fun i => ρ i * ω i) = e * sumOn n S ρ := by
  simp only [sumOn]
  rw [← sum_mul]; apply sum_congr; intro i hi
  by_cases hS : S i = true
  · simp only [hS, if_true]; rw [h i hi hS]; grind
  · simp only [Bool.not_eq_true] at hS
    simp only [hS, Bool.false_eq_true, if_false]; grind

/-- L12, lower end: if the weight `e` of the maximum is at least `d` times every other token weight, and `lo` does not exceed
`d Y / (d Y + (Z - Y))` for some `Y` that the position weights of the set reach (L11), the set's attention is at least `lo`. -/
theorem attention_share_ge {n : Nat} (S : Nat → Bool) (ρ ω : Nat → R) (e d Y lo : R) (hn : 0 < n) (hρ : ∀ i, i < n → 0 < ρ i)
    (hω : ∀ i, i < n → 0 < ω i) (he : ∀ i, i < n → S i = true → ω i = e) (hd : ∀ i, i < n → S i = false → d * ω i ≤ e)
    (dp : 0 < d) (e0 : 0 ≤ e) (l0 : 0 ≤ lo) (l1 : lo ≤ 1) (hY : Y ≤ sumOn n S ρ) (hlo : lo * (d * Y + (sum n ρ - Y)) ≤ d * Y) :
    lo ≤ sumOn n S (share n fun i => ρ i * ω i) := by
  have Z := sum_pos hn (f := fun i => ρ i * ω i) fun i hi => mul_pos (hρ i hi) (hω i hi)
  have parts := sumOn_split n S fun i => ρ i * ω i
  have parts' := sumOn_split n S ρ
  have others := others_le S ρ ω d e (fun i hi => by have := hρ i hi; grind) hd
  have inside := sumOn_mul_const n S ρ ω e he
  rw [sumOn_share]
  apply le_of_mul_le_mul Z
  rw [← parts] at Z ⊢
  rw [inside] at Z ⊢
  generalize sumOn n (fun i => !S i) (fun i => ρ i * ω i) = o at *
  generalize sumOn n (fun i => !S i) ρ = y' at *
  generalize sumOn n S ρ = y at *
  have c : (e * y + o) * (e * y * (e * y + o)⁻¹) = e * y := by
    have : (e * y + o) * (e * y + o)⁻¹ = 1 := by grind
    have r : (e * y + o) * (e * y * (e * y + o)⁻¹) = e * y * ((e * y + o) * (e * y + o)⁻¹) := by grind
    rw [r, this]; grind
  rw [c]
  have grow : lo * (d * y + y') ≤ d * y := by
    have ey : y' = sum n ρ - y := by grind
    rw [ey]
    have slope := mul_nonneg (show 0 ≤ d * (1 - lo) + lo by
      have := mul_nonneg (show 0 ≤ d by grind) (show 0 ≤ 1 - lo by grind)
      grind) (show 0 ≤ y - Y by grind)
    grind
  apply le_of_mul_le_mul dp
  have a := mul_le_mul_left others l0
  have b := mul_le_mul_left grow e0
  grind

/-- L12, upper end: the mirror image, with `e` at most `d` times every other token weight and `Y` at least what the position
weights of the set reach. -/
theorem attention_share_le {n : Nat} (S : Nat → Bool) (ρ ω : Nat → R) (e d Y hi : R) (hn : 0 < n) (hρ : ∀ i, i < n → 0 < ρ i)
    (hω : ∀ i, i < n → 0 < ω i) (he : ∀ i, i < n → S i = true → ω i = e) (hd : ∀ i, i < n → S i = false → e ≤ d * ω i)
    (dp : 0 < d) (e0 : 0 ≤ e) (h0 : 0 ≤ hi) (h1 : hi ≤ 1) (hY : sumOn n S ρ ≤ Y) (hhi : d * Y ≤ hi * (d * Y + (sum n ρ - Y))) :
    sumOn n S (share n fun i => ρ i * ω i) ≤ hi := by
  have Z := sum_pos hn (f := fun i => ρ i * ω i) fun i hi => mul_pos (hρ i hi) (hω i hi)
  have parts := sumOn_split n S fun i => ρ i * ω i
  have parts' := sumOn_split n S ρ
  have others : e * sumOn n (fun i => !S i) ρ ≤ d * sumOn n (fun i => !S i) fun i => ρ i * ω i := by
    simp only [sumOn]
    rw [← sum_mul, ← sum_mul]
    apply sum_le; intro i hi
    by_cases e' : S i = true
    · simp only [e', Bool.not_true, Bool.false_eq_true, if_false]; grind
    · simp only [Bool.not_eq_true] at e'
      simp only [e', Bool.not_false, if_true]
      have := mul_le_mul_left (hd i hi e') (show 0 ≤ ρ i by have := hρ i hi; grind)
      grind
  have inside := sumOn_mul_const n S ρ ω e he
  rw [sumOn_share]
  apply le_of_mul_le_mul Z
  rw [← parts] at Z ⊢
  rw [inside] at Z ⊢
  generalize sumOn n (fun i => !S i) (fun i => ρ i * ω i) = o at *
  generalize sumOn n (fun i => !S i) ρ = y' at *
  generalize sumOn n S ρ = y at *
  have c : (e * y + o) * (e * y * (e * y + o)⁻¹) = e * y := by
    have : (e * y + o) * (e * y + o)⁻¹ = 1 := by grind
    have r : (e * y + o) * (e * y * (e * y + o)⁻¹) = e * y * ((e * y + o) * (e * y + o)⁻¹) := by grind
    rw [r, this]; grind
  rw [c]
  have grow : d * y ≤ hi * (d * y + y') := by
    have ey : y' = sum n ρ - y := by grind
    rw [ey]
    have slope := mul_nonneg (show 0 ≤ d * (1 - hi) + hi by
      have := mul_nonneg (show 0 ≤ d by grind) (show 0 ≤ 1 - hi by grind)
      grind) (show 0 ≤ Y - y by grind)
    grind
  apply le_of_mul_le_mul dp
  have a := mul_le_mul_left others h0
  have b := mul_le_mul_left grow e0
  grind

/-- The argument of `attention_margin` for the tables of a model: attention to the maximum between two bounds, the skip gap and the worst
position gap together at least `base`, the gap of the maximum's own copy at least `Dm`, those of all other tokens at least
`W`: where both ends are positive for every wrong output the sequence is right (L4, L5, L8, L28). -/
theorem attention_margin_tables (T : Tables R) (u : R) (q m : Nat) (hn : 0 < T.n) (t : Nat → Nat) (ht : InGroup T.n t q m)
    (π base Dm W : Nat → R) (lo hi : R)
    (hb : ∀ x, x < T.v → x ≠ m → base x ≤ (T.skip q m - T.skip q x) + π x)
    (hp : ∀ x, x < T.v → x ≠ m → ∀ i, i < T.n → π x ≤ T.pcopy i m - T.pcopy i x)
    (hD : ∀ x, x < T.v → x ≠ m → Dm x ≤ T.copy m m - T.copy m x)
    (hW : ∀ x, x < T.v → x ≠ m → ∀ i, i < T.n → t i ≠ m → W x ≤ T.copy (t i) m - T.copy (t i) x)
    (hlo : lo ≤ sumOn T.n (fun i => Nat.beq (t i) m) (share T.n fun i => T.weight u q i (t i)))
    (hhi : sumOn T.n (fun i => Nat.beq (t i) m) (share T.n fun i => T.weight u q i (t i)) ≤ hi)
    (atLo : ∀ x, x < T.v → x ≠ m → 0 < base x + W x + (Dm x - W x) * lo)
    (atHi : ∀ x, x < T.v → x ≠ m → 0 < base x + W x + (Dm x - W x) * hi) :
    ∀ x, x < T.v → x ≠ m → 0 < T.phi u t m x := by
  intro x hx hne
  have w : ∀ i, i < T.n → 0 < T.weight u q i (t i) := fun i _ => exp_pos _
  have main := attention_margin_gap (share T.n fun i => T.weight u q i (t i)) (fun i => T.copy (t i) m - T.copy (t i) x)
    (fun i => T.pcopy i m - T.pcopy i x) (fun i => Nat.beq (t i) m) (T.skip q m - T.skip q x) (π x) (base x) (Dm x) (W x) lo hi
    (fun i hi' => by have := share_pos _ w hi'; grind) (sum_share hn _ w) (hb x hx hne) (hp x hx hne)
    (fun i _ h => by
      have e : t i = m := by simpa using h
      show Dm x ≤ T.copy (t i) m - T.copy (t i) x
      rw [e]; exact hD x hx hne)
    (fun i hi' h => hW x hx hne i hi' (by rw [Bool.eq_false_iff] at h; simpa using h)) hlo hhi (atLo x hx hne) (atHi x hx hne)
  have := (clear_denominator hn (fun i => T.weight u q i (t i)) _ _ w).mp main
  simp only [Tables.phi, Tables.psi, Tables.gap, ht.1]
  exact this

end Verifier
