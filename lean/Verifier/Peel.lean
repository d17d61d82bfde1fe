module
public import Verifier.Sum
public section

/-! Splitting a product into a low-rank part and a residual, nothing dropped (L21, L22); no property of the hinted
directions is used. -/

namespace Verifier
open Std Lean.Grind
variable {R : Type} [ExpField R]

/-- L21: both factors split in two give four products, cross terms kept. -/
theorem peel_two (n : Nat) (A A' B B' : Nat → Nat → R) (i j : Nat) :
    mm n (fun i k => A i k + A' i k) (fun k j => B k j + B' k j) i j
      = mm n A B i j + mm n A B' i j + mm n A' B i j + mm n A' B' i j := by
  simp only [mm]
  rw [← sum_add, ← sum_add, ← sum_add]; apply sum_congr; intro k _; grind

/-- L21 with matrices in place of projections: `P` on the left and `Q` on the right may be any matrices at all. -/
theorem peel_projections (r n c : Nat) (P A B Q : Nat → Nat → R) (i j : Nat) :
    mm n A B i j = mm n (mm r P A) (mm c B Q) i j + mm n (mm r P A) (fun k j => B k j - mm c B Q k j) i j
      + mm n (fun i k => A i k - mm r P A i k) (mm c B Q) i j
      + mm n (fun i k => A i k - mm r P A i k) (fun k j => B k j - mm c B Q k j) i j := by
  rw [← peel_two]
  simp only [mm]
  apply sum_congr; intro k _; grind

/-- A chain of factors, each split into a part `P` and a rest `R`: dimension to the right, part, rest. -/
@[expose] noncomputable def wholeChain : List (Nat × (Nat → Nat → R) × (Nat → Nat → R)) → (Nat → Nat → R) → (Nat → Nat → R)
  | [], last => last
  | (n, P, S) :: chain, last => mm n (fun i k => P i k + S i k) (wholeChain chain last)

/-- The product of the rests alone. -/
@[expose] noncomputable def restChain : List (Nat × (Nat → Nat → R) × (Nat → Nat → R)) → (Nat → Nat → R) → (Nat → Nat → R)
  | [], rest => rest
  | (n, _, S) :: chain, rest => mm n S (restChain chain rest)

/-- The sum over the factors of: rests to its left, its part, whole factors to its right. -/
@[expose] noncomputable def partChain : List (Nat × (Nat → Nat → R) × (Nat → Nat → R)) → (Nat → Nat → R) → (Nat → Nat → R) → (Nat → Nat → R)
  | [], part, _ => part
  | (n, P, S) :: chain, part, rest => fun i j =>
      mm n P (wholeChain chain fun i j => part i j + rest i j) i j + mm n S (partChain chain part rest) i j

/-- `peeled_table` (L21, L22): a chain of any length, every factor split, is the sum of the terms with one part, rests to
its left and whole factors to its right, plus the product of the rests.  With four factors the parts are the nine terms. -/
theorem peeled_table_sound (chain : List (Nat × (Nat → Nat → R) × (Nat → Nat → R))) (part rest : Nat → Nat → R) (i j : Nat) :
    wholeChain chain (fun i j => part i j + rest i j) i j = partChain chain part rest i j + restChain chain rest i j := by
  induction chain generalizing i j with
  | nil => rfl
  | cons a chain ih =>
    obtain ⟨n, P, S⟩ := a
    have e : wholeChain chain (fun i j => part i j + rest i j) = fun i j => partChain chain part rest i j + restChain chain rest i j := by
      funext i j; exact ih i j
    simp only [wholeChain, partChain, restChain]
    rw [mm_add_left, e, mm_add_right, mm_add_right]
    grind

end Verifier
