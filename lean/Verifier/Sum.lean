module
public import Verifier.Field
public section

/-! Finite sums and matrix products of functions on `Nat`. -/

namespace Verifier
open Std Lean.Grind
variable {R : Type} [ExpField R]

/-- `f 0 + … + f (n - 1)`. -/
@[expose] def sum (n : Nat) (f : Nat → R) : R := match n with
  | 0 => 0
  | n + 1 => sum n f + f n

theorem sum_congr {n : Nat} {f g : Nat → R} (h : ∀ i, i < n → f i = g i) : sum n f = sum n g := by
  induction n with
  | zero => rfl
  | succ n ih => simp only [sum]; rw [ih (fun i k => h i (by omega)), h n (by omega)]

theorem sum_le {n : Nat} {f g : Nat → R} (h : ∀ i, i < n → f i ≤ g i) : sum n f ≤ sum n g := by
  induction n with
  | zero => simp only [sum]; grind
  | succ n ih =>
    simp only [sum]
    have := ih (fun i k => h i (by omega))
    have := h n (by omega)
    grind

theorem sum_add (n : Nat) (f g : Nat → R) : sum n (fun i => f i + g i) = sum n f + sum n g := by
  induction n with
  | zero => simp only [sum]; grind
  | succ n ih => simp only [sum, ih]; grind

theorem sum_sub (n : Nat) (f g : Nat → R) : sum n (fun i => f i - g i) = sum n f - sum n g := by
  induction n with
  | zero => simp only [sum]; grind
  | succ n ih => simp only [sum, ih]; grind

theorem sum_mul (n : Nat) (c : R) (f : Nat → R) : sum n (fun i => c * f i) = c * sum n f := by
  induction n with
  | zero => simp only [sum]; grind
  | succ n ih => simp only [sum, ih]; grind

theorem sum_mul_right (n : Nat) (c : R) (f : Nat → R) : sum n (fun i => f i * c) = sum n f * c := by
  induction n with
  | zero => simp only [sum]; grind
  | succ n ih => simp only [sum, ih]; grind

theorem sum_zero (n : Nat) : sum n (fun _ => (0 : R)) = 0 := by
  induction n with
  | zero => rfl
  | succ n ih => simp only [sum, ih]; grind

theorem sum_comm (n m : Nat) (f : Nat → Nat → R) :
    sum n (fun i => sum m (f i)) = sum m (fun j => sum n (fun i => f i j)) := by
  induction n with
  | zero => simp only [sum, sum_zero]
  | succ n ih => simp only [sum, ih, sum_add]

theorem sum_nonneg {n : Nat} {f : Nat → R} (h : ∀ i, i < n → 0 ≤ f i) : 0 ≤ sum n f := by
  have := sum_le (n := n) (f := fun _ => 0) (g := f) h
  rw [sum_zero] at this
  exact this

theorem sum_pos {n : Nat} {f : Nat → R} (hn : 0 < n) (h : ∀ i, i < n → 0 < f i) : 0 < sum n f := by
  induction n with
  | zero => omega
  | succ n ih =>
    simp only [sum]
    have := h n (by omega)
    have := sum_nonneg (n := n) (f := f) fun i k => by have := h i (by omega); grind
    grind

/-- One term of a sum of non-negative terms is at most the sum. -/
theorem le_sum {n : Nat} {f : Nat → R} (h : ∀ i, i < n → 0 ≤ f i) {j : Nat} (hj : j < n) : f j ≤ sum n f := by
  induction n with
  | zero => omega
  | succ n ih =>
    simp only [sum]
    have p := sum_nonneg (n := n) (f := f) fun i k => h i (by omega)
    by_cases e : j = n
    · subst e; grind
    · have := ih (fun i k => h i (by omega)) (by omega)
      have := h n (by omega)
      grind

/-! ## Matrices as functions -/

/-- The product of two matrices with inner dimension `n`. -/
@[expose] def mm (n : Nat) (A B : Nat → Nat → R) : Nat → Nat → R := fun i j => sum n (fun k => A i k * B k j)

/-- The matrix with rows and columns exchanged. -/
@[expose] def tr (A : Nat → Nat → R) : Nat → Nat → R := fun i j => A j i

theorem mm_assoc (n m : Nat) (A B C : Nat → Nat → R) : mm m (mm n A B) C = mm n A (mm m B C) := by
  funext i j
  simp only [mm]
  have e1 : ∀ k, sum n (fun l => A i l * B l k) * C k j = sum n (fun l => A i l * (B l k * C k j)) := by
    intro k
    rw [← sum_mul_right]; apply sum_congr; intro l _; grind
  simp only [e1, ← sum_mul]
  rw [sum_comm]

theorem mm_add_left (n : Nat) (A B C : Nat → Nat → R) (i j : Nat) :
    mm n (fun i k => A i k + B i k) C i j = mm n A C i j + mm n B C i j := by
  simp only [mm]; rw [← sum_add]; apply sum_congr; intro k _; grind

theorem mm_sub_left (n : Nat) (A B C : Nat → Nat → R) (i j : Nat) :
    mm n (fun i k => A i k - B i k) C i j = mm n A C i j - mm n B C i j := by
  simp only [mm]; rw [← sum_sub]; apply sum_congr; intro k _; grind

theorem mm_add_right (n : Nat) (A B C : Nat → Nat → R) (i j : Nat) :
    mm n A (fun k j => B k j + C k j) i j = mm n A B i j + mm n A C i j := by
  simp only [mm]; rw [← sum_add]; apply sum_congr; intro k _; grind

theorem mm_sub_right (n : Nat) (A B C : Nat → Nat → R) (i j : Nat) :
    mm n A (fun k j => B k j - C k j) i j = mm n A B i j - mm n A C i j := by
  simp only [mm]; rw [← sum_sub]; apply sum_congr; intro k _; grind

theorem mm_tr (n : Nat) (A B : Nat → Nat → R) : tr (mm n A B) = mm n (tr B) (tr A) := by
  funext i j
  simp only [mm, tr]; apply sum_congr; intro k _; grind

end Verifier
