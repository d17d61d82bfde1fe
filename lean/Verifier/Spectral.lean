module
public import Verifier.Norm
public section

/-!
A certified spectral norm (L30, L34).  Squares of a Gram matrix, their trace, and as many square roots rounded up bound
how far the matrix stretches any vector; no eigenvector is trusted, and the product may be taken on its small side.
-/

namespace Verifier
open Std Lean.Grind
variable {R : Type} [ExpField R]

/-- The quadratic form of a matrix. -/
@[expose] noncomputable def quad (n : Nat) (M : Nat → Nat → R) (y : Nat → R) : R := sum n fun i => y i * sum n fun j => M i j * y j

/-- The sum of the diagonal. -/
@[expose] noncomputable def trace (n : Nat) (M : Nat → Nat → R) : R := sum n fun i => M i i

/-- The Gram matrix of a matrix with `r` rows. -/
@[expose] noncomputable def gram (r : Nat) (C : Nat → Nat → R) : Nat → Nat → R := mm r (tr C) C

/-- Square a matrix `p` times. -/
@[expose] noncomputable def squared (n : Nat) (M : Nat → Nat → R) : Nat → Nat → Nat → R
  | 0 => M
  | p + 1 => squared n (mm n M M) p

theorem gram_symm (r : Nat) (C : Nat → Nat → R) : tr (gram r C) = gram r C := by
  simp only [gram, mm_tr]; rfl

theorem mm_vector (n c : Nat) (A B : Nat → Nat → R) (y : Nat → R) (i : Nat) :
    (sum c fun j => mm n A B i j * y j) = sum n fun k => A i k * sum c fun j => B k j * y j := by
  have : (sum c fun j => mm n A B i j * y j) = mm c (mm n A B) (fun j _ => y j) i 0 := rfl
  rw [this, mm_assoc]; rfl

/-- The quadratic form of a Gram matrix is a squared length. -/
theorem quad_gram (r c : Nat) (C : Nat → Nat → R) (y : Nat → R) : quad c (gram r C) y = normSq r fun i => sum c fun j => C i j * y j := by
  simp only [quad, gram, mm_vector, normSq, tr]
  have e : ∀ i, y i * (sum r fun k => C k i * sum c fun j => C k j * y j) = sum r fun k => (C k i * y i) * sum c fun j => C k j * y j := by
    intro i; rw [← sum_mul]; apply sum_congr; intro k _; grind
  simp only [e]
  rw [sum_comm]
  apply sum_congr; intro k _
  rw [sum_mul_right]

/-- The trace of a Gram matrix is the squared Frobenius norm. -/
theorem trace_gram (r c : Nat) (C : Nat → Nat → R) : trace c (gram r C) = sum r fun i => normSq c (C i) := by
  simp only [trace, gram, mm, normSq, tr]
  rw [sum_comm]

/-- A Gram matrix stretches by at most its trace. -/
theorem quad_le_trace (r c : Nat) (C : Nat → Nat → R) (y : Nat → R) : quad c (gram r C) y ≤ trace c (gram r C) * normSq c y := by
  rw [quad_gram, trace_gram, ← sum_mul_right]
  apply sum_le; intro i _; exact cauchy_schwarz c (C i) y

/-- Squaring a symmetric matrix at least squares the quadratic form, per squared length. -/
theorem quad_sq_le (n : Nat) (M : Nat → Nat → R) (h : tr M = M) (y : Nat → R) :
    quad n M y * quad n M y ≤ normSq n y * quad n (mm n M M) y := by
  have e : mm n M M = gram n M := by simp only [gram, h]
  rw [e, quad_gram]
  exact cauchy_schwarz n y fun i => sum n fun j => M i j * y j

/-- Repeated squaring of a Gram matrix leaves a Gram matrix. -/
theorem squared_gram (n p : Nat) : ∀ (M : Nat → Nat → R), (∃ r K, M = gram r K) → ∃ r K, squared n M p = gram r K := by
  induction p with
  | zero => intro M h; exact h
  | succ p ih =>
    intro M ⟨r, K, e⟩
    apply ih (mm n M M)
    refine ⟨n, M, ?_⟩
    simp only [gram]
    rw [show tr M = M by rw [e]; exact gram_symm r K]

/-- Roots rounded up undo the squarings. -/
theorem quad_le_roots (n p : Nat) : ∀ (M : Nat → Nat → R) (s : Nat → R), (∃ r K, M = gram r K) → (∀ j, 0 ≤ s j) →
    (∀ j, j < p → s (j + 1) ≤ s j * s j) → trace n (squared n M p) ≤ s p → ∀ y, quad n M y ≤ s 0 * normSq n y := by
  induction p with
  | zero =>
    intro M s ⟨r, K, e⟩ _ _ ht y
    subst e
    have := quad_le_trace r n K y
    have := mul_le_mul_left ht (normSq_nonneg n y)
    simp only [squared] at this
    grind
  | succ p ih =>
    intro M s ⟨r, K, e⟩ h0 hs ht y
    have symm : tr M = M := by rw [e]; exact gram_symm r K
    have next := ih (mm n M M) (fun j => s (j + 1)) ⟨n, M, by simp only [gram, symm]⟩ (fun j => h0 (j + 1))
      (fun j hj => hs (j + 1) (by omega)) ht y
    have sq := quad_sq_le n M symm y
    have len := normSq_nonneg n y
    apply le_of_sq_le (mul_nonneg (h0 0) len)
    have a := mul_le_mul_left next len
    have b := mul_le_mul_left (hs 0 (by omega)) (mul_nonneg len len)
    simp only [Nat.zero_add] at a b
    grind

/-- L30: the trace of a repeated square of the Gram matrix, with as many roots rounded up, bounds the spectral norm. -/
theorem spectral_bound (r c p : Nat) (C : Nat → Nat → R) (s : Nat → R) (σ : R) (hσ : 0 ≤ σ) (h0 : ∀ j, 0 ≤ s j)
    (hs : ∀ j, j < p → s (j + 1) ≤ s j * s j) (hσ2 : s 0 ≤ σ * σ) (ht : trace c (squared c (gram r C) p) ≤ s p) :
    Stretch r c C σ := by
  refine ⟨hσ, fun y => ?_⟩
  have := quad_le_roots c p (gram r C) s ⟨r, C, rfl⟩ h0 hs ht y
  rw [quad_gram] at this
  have := mul_le_mul_left hσ2 (normSq_nonneg c y)
  grind

/-- The trace does not see the order of two factors. -/
theorem trace_swap (n c : Nat) (U V : Nat → Nat → R) : trace c (mm n U V) = trace n (mm c V U) := by
  simp only [trace, mm]
  rw [sum_comm]
  apply sum_congr; intro k _; apply sum_congr; intro i _; grind

/-- Nor does the trace of a repeated square. -/
theorem trace_squared_swap (n c p : Nat) : ∀ (U V : Nat → Nat → R),
    trace c (squared c (mm n U V) p) = trace n (squared n (mm c V U) p) := by
  induction p with
  | zero => intro U V; exact trace_swap n c U V
  | succ p ih =>
    intro U V
    have a : mm c (mm n U V) (mm n U V) = mm n (mm c (mm n U V) U) V := (mm_assoc c n _ _ _).symm
    have b : mm n (mm c V U) (mm c V U) = mm c V (mm c (mm n U V) U) := by
      rw [mm_assoc c n, mm_assoc n c]
    simp only [squared]
    rw [a, b]
    exact ih (mm c (mm n U V) U) V

/-- L34: the spectral norm of a product `A B`, from `A' A` and `B B'`, which are as small as the inner dimension. -/
theorem spectral_bound_product (r n c p : Nat) (A B : Nat → Nat → R) (s : Nat → R) (σ : R) (hσ : 0 ≤ σ) (h0 : ∀ j, 0 ≤ s j)
    (hs : ∀ j, j < p → s (j + 1) ≤ s j * s j) (hσ2 : s 0 ≤ σ * σ)
    (ht : trace n (squared n (mm n (gram r A) (mm c B (tr B))) p) ≤ s p) : Stretch r c (mm n A B) σ := by
  apply spectral_bound r c p (mm n A B) s σ hσ h0 hs hσ2
  have e : gram r (mm n A B) = mm n (tr B) (mm n (gram r A) B) := by
    simp only [gram, mm_tr]
    rw [mm_assoc, mm_assoc]
  rw [e, trace_squared_swap, mm_assoc]
  exact ht

end Verifier
