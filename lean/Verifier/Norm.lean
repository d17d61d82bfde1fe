module
public import Verifier.Rows
public section

/-! Row bounds from norms (L20, L29, L30, L34): Cauchy-Schwarz, and a certified spectral norm. -/

namespace Verifier
open Std Lean.Grind
variable {R : Type} [ExpField R]

/-- The squared length of the first `n` entries. -/
@[expose] noncomputable def normSq (n : Nat) (f : Nat → R) : R := sum n fun i => f i * f i

theorem normSq_nonneg (n : Nat) (f : Nat → R) : 0 ≤ normSq n f := sum_nonneg fun i _ => sq_nonneg (f i)

theorem cs_step {S A B a b : R} (h : S * S ≤ A * B) (hA : 0 ≤ A) (hB : 0 ≤ B) :
    (S + a * b) * (S + a * b) ≤ (A + a * a) * (B + b * b) := by
  have n := mul_nonneg hA (sq_nonneg b)
  have m := mul_nonneg hB (sq_nonneg a)
  have k := mul_nonneg (show 0 ≤ A * B - S * S by grind) (sq_nonneg (a * b))
  have d := sq_nonneg (A * (b * b) - B * (a * a))
  have := le_of_sq_le (a := 2 * (S * (a * b))) (y := A * (b * b) + B * (a * a)) (by grind) (by grind)
  grind

/-- Cauchy-Schwarz, without square roots. -/
theorem cauchy_schwarz (n : Nat) (f g : Nat → R) :
    (sum n fun i => f i * g i) * (sum n fun i => f i * g i) ≤ normSq n f * normSq n g := by
  induction n with
  | zero => simp only [normSq, sum]; grind
  | succ n ih => exact cs_step ih (normSq_nonneg n f) (normSq_nonneg n g)

/-- Cauchy-Schwarz with upper bounds of the two lengths. -/
theorem inner_le {n : Nat} {f g : Nat → R} {a b : R} (ha : 0 ≤ a) (hb : 0 ≤ b) (hf : normSq n f ≤ a * a) (hg : normSq n g ≤ b * b) :
    (sum n fun i => f i * g i) ≤ a * b := by
  apply le_of_sq_le (mul_nonneg ha hb)
  have := cauchy_schwarz n f g
  have := mul_le_mul hf hg (normSq_nonneg n f) (by have := sq_nonneg b; grind)
  grind

/-- The length of a sum is at most the sum of the lengths. -/
theorem normSq_add_le {n : Nat} {f g : Nat → R} {a b : R} (ha : 0 ≤ a) (hb : 0 ≤ b) (hf : normSq n f ≤ a * a) (hg : normSq n g ≤ b * b) :
    normSq n (fun i => f i + g i) ≤ (a + b) * (a + b) := by
  have i := inner_le ha hb hf hg
  have e : normSq n (fun i => f i + g i) = normSq n f + 2 * (sum n fun i => f i * g i) + normSq n g := by
    simp only [normSq]
    rw [← sum_mul, ← sum_add, ← sum_add]; apply sum_congr; intro i _; grind
  rw [e]; grind

/-- `σ` bounds the spectral norm of a matrix with `r` rows and `c` columns: it stretches no vector by more. -/
@[expose] def Stretch (r c : Nat) (C : Nat → Nat → R) (σ : R) : Prop :=
  0 ≤ σ ∧ ∀ y : Nat → R, normSq r (fun i => sum c fun j => C i j * y j) ≤ σ * σ * normSq c y

/-- L29: a row bound from the length of the row, a spectral norm and the lengths of the two columns seen from any point. -/
theorem row_norm_bound {r c : Nat} {C : Nat → Nat → R} {σ : R} (hC : Stretch r c C σ) (a bi bj b : Nat → R) {α βi βj : R}
    (hα : 0 ≤ α) (hi : 0 ≤ βi) (hj : 0 ≤ βj) (ha : normSq r a ≤ α * α) (h1 : normSq c (fun k => bi k - b k) ≤ βi * βi)
    (h2 : normSq c (fun k => b k - bj k) ≤ βj * βj) :
    (sum r fun k => a k * sum c fun l => C k l * bi l) - (sum r fun k => a k * sum c fun l => C k l * bj l) ≤ α * σ * (βi + βj) := by
  have e : (sum r fun k => a k * sum c fun l => C k l * bi l) - (sum r fun k => a k * sum c fun l => C k l * bj l)
      = sum r fun k => a k * sum c fun l => C k l * ((bi l - b l) + (b l - bj l)) := by
    rw [← sum_sub]; apply sum_congr; intro k _
    have : (sum c fun l => C k l * ((bi l - b l) + (b l - bj l))) = (sum c fun l => C k l * bi l) - sum c fun l => C k l * bj l := by
      rw [← sum_sub]; apply sum_congr; intro l _; grind
    rw [this]; grind
  rw [e]
  have n := normSq_add_le hi hj h1 h2
  have s := hC.2 fun l => (bi l - b l) + (b l - bj l)
  have p : 0 ≤ σ * (βi + βj) := mul_nonneg hC.1 (by grind)
  have q : σ * σ * normSq c (fun l => (bi l - b l) + (b l - bj l)) ≤ (σ * (βi + βj)) * (σ * (βi + βj)) := by
    have := mul_le_mul_left n (sq_nonneg σ)
    grind
  have := inner_le hα p ha (show normSq r (fun k => sum c fun l => C k l * ((bi l - b l) + (b l - bj l))) ≤ _ by grind)
  grind

/-- L20: two unit vectors are `√2` apart, so a matrix that stretches by at most `σ` has row bound `√2 σ`. -/
theorem spectral_row_bound {r c : Nat} {C : Nat → Nat → R} {σ root : R} (hC : Stretch r c C σ) (h0 : 0 ≤ root) (h2 : 2 ≤ root * root)
    {k i j : Nat} (hk : k < r) (hi : i < c) (hj : j < c) : C k i - C k j ≤ root * σ := by
  have pick : ∀ (n : Nat) (f : Nat → R) (j : Nat), j < n → (sum n fun i => f i * if i = j then 1 else 0) = f j := by
    intro n f j h
    induction n with
    | zero => omega
    | succ n ih =>
      simp only [sum]
      by_cases e : j = n
      · subst e
        have : (sum j fun i => f i * if i = j then (1 : R) else 0) = 0 := by
          rw [sum_congr (g := fun _ => (0 : R)) (fun i hi => by rw [if_neg (show ¬ i = j by omega)]; grind), sum_zero]
        rw [this]; grind
      · rw [ih (by omega), if_neg (show ¬ n = j by omega)]; grind
  have y := hC.2 fun l => (if l = i then (1 : R) else 0) - if l = j then 1 else 0
  have len : normSq c (fun l => (if l = i then (1 : R) else 0) - if l = j then 1 else 0) ≤ 2 := by
    have e : normSq c (fun l => (if l = i then (1 : R) else 0) - if l = j then 1 else 0)
        = (sum c fun l => ((if l = i then (1 : R) else 0) - if l = j then 1 else 0) * if l = i then 1 else 0)
        - sum c fun l => ((if l = i then (1 : R) else 0) - if l = j then 1 else 0) * if l = j then 1 else 0 := by
      simp only [normSq]; rw [← sum_sub]; apply sum_congr; intro l _; grind
    rw [e, pick c _ i hi, pick c _ j hj]
    by_cases h : i = j
    · subst h; grind
    · rw [if_pos rfl, if_neg h, if_pos rfl, if_neg (show ¬ j = i by omega)]; grind
  have ent : (sum c fun l => C k l * ((if l = i then (1 : R) else 0) - if l = j then 1 else 0)) = C k i - C k j := by
    have e : (sum c fun l => C k l * ((if l = i then (1 : R) else 0) - if l = j then 1 else 0))
        = (sum c fun l => C k l * if l = i then 1 else 0) - sum c fun l => C k l * if l = j then 1 else 0 := by
      rw [← sum_sub]; apply sum_congr; intro l _; grind
    rw [e, pick c _ i hi, pick c _ j hj]
  have one := le_sum (n := r) (f := fun k => (sum c fun l => C k l * ((if l = i then (1 : R) else 0) - if l = j then 1 else 0))
    * (sum c fun l => C k l * ((if l = i then (1 : R) else 0) - if l = j then 1 else 0))) (fun k _ => sq_nonneg _) hk
  simp only [ent] at one
  apply le_of_sq_le (mul_nonneg h0 hC.1)
  simp only [normSq] at y len
  have := mul_le_mul_left len (sq_nonneg σ)
  have := mul_le_mul_left h2 (sq_nonneg σ)
  grind

/-- The Frobenius norm bounds the spectral norm. -/
theorem frobenius_stretch {r c : Nat} {C : Nat → Nat → R} {σ : R} (h0 : 0 ≤ σ)
    (h : (sum r fun i => normSq c (C i)) ≤ σ * σ) : Stretch r c C σ := by
  refine ⟨h0, fun y => ?_⟩
  have : normSq r (fun i => sum c fun j => C i j * y j) ≤ sum r fun i => normSq c (C i) * normSq c y := by
    apply sum_le; intro i _; exact cauchy_schwarz c (C i) y
  rw [sum_mul_right] at this
  have := mul_le_mul_left h (normSq_nonneg c y)
  grind

/-- The product of two matrices stretches by at most the product of their bounds (L20, L29). -/
theorem Stretch.mul {r n c : Nat} {A B : Nat → Nat → R} {σ τ : R} (hA : Stretch r n A σ) (hB : Stretch n c B τ) :
    Stretch r c (mm n A B) (σ * τ) := by
  refine ⟨mul_nonneg hA.1 hB.1, fun y => ?_⟩
  have e : (fun i => sum c fun j => mm n A B i j * y j) = fun i => sum n fun k => A i k * sum c fun j => B k j * y j := by
    funext i
    have : (sum c fun j => mm n A B i j * y j) = mm c (mm n A B) (fun j _ => y j) i 0 := rfl
    rw [this, mm_assoc]; rfl
  rw [e]
  have a := hA.2 fun k => sum c fun j => B k j * y j
  have b := mul_le_mul_left (hB.2 y) (sq_nonneg σ)
  grind

end Verifier
