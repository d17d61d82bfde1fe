module
public import Verifier.Spec
public section

/-! Exact integer products: the check that one list of rows is the product of two others, and what it means. -/

namespace Verifier
open Std Lean.Grind ExpField
variable {R : Type} [ExpField R]

/-- The inner product of two rows. -/
@[expose] def dot : List Int → List Int → Int
  | a :: as, b :: bs => a * b + dot as bs
  | _, _ => 0

/-- One row of a product; the right factor is given by its columns. -/
@[expose] def mulRow (a : List Int) : List (List Int) → List Int
  | [] => []
  | b :: bs => dot a b :: mulRow a bs

/-- The product of `A` and the matrix whose columns are `Bt`. -/
@[expose] def mulT : List (List Int) → List (List Int) → List (List Int)
  | [], _ => []
  | a :: as, Bt => mulRow a Bt :: mulT as Bt

/-- Whether two rows are equal. -/
@[expose] def sameRow : List Int → List Int → Bool
  | [], [] => true
  | a :: as, b :: bs => decide (a = b) && sameRow as bs
  | _, _ => false

/-- Whether two tables are equal. -/
@[expose] def sameRows : List (List Int) → List (List Int) → Bool
  | [], [] => true
  | a :: as, b :: bs => sameRow a b && sameRows as bs
  | _, _ => false

/-- Whether no row is longer than `n`. -/
@[expose] def short (n : Nat) : List (List Int) → Bool
  | [] => true
  | a :: as => Nat.ble (len a) n && short n as

/-- `T` is the product of `A`, of inner dimension `n`, and the matrix with columns `Bt`. -/
@[expose] def isProduct (n : Nat) (A Bt T : List (List Int)) : Bool := sameRows (mulT A Bt) T && short n A

/-- `Bt` holds the columns of the `n` by `m` matrix `B`. -/
@[expose, noinline] def isTranspose (n m : Nat) (B Bt : List (List Int)) : Bool :=
  allBelow n fun i => allBelow m fun j => decide (at2 B i j = at2 Bt j i)

theorem sameRow_eq {a b : List Int} (h : sameRow a b = true) : a = b := by
  induction a generalizing b with
  | nil => cases b with
    | nil => rfl
    | cons => simp [sameRow] at h
  | cons x a ih => cases b with
    | nil => simp [sameRow] at h
    | cons y b =>
      simp only [sameRow, Bool.and_eq_true, decide_eq_true_eq] at h
      rw [h.1, ih h.2]

theorem sameRows_eq {a b : List (List Int)} (h : sameRows a b = true) : a = b := by
  induction a generalizing b with
  | nil => cases b with
    | nil => rfl
    | cons => simp [sameRows] at h
  | cons x a ih => cases b with
    | nil => simp [sameRows] at h
    | cons y b =>
      simp only [sameRows, Bool.and_eq_true] at h
      rw [sameRow_eq h.1, ih h.2]

theorem short_row {n : Nat} {A : List (List Int)} (h : short n A = true) (i : Nat) : (rowOf A i).length ≤ n := by
  induction A generalizing i with
  | nil => simp [rowOf]
  | cons a as ih =>
    simp only [short, Bool.and_eq_true, Nat.ble_eq, len_eq] at h
    cases i with
    | zero => exact h.1
    | succ i => exact ih h.2 i

theorem zsum_shift (n : Nat) (f : Nat → Int) : zsum (n + 1) f = f 0 + zsum n fun i => f (i + 1) := by
  induction n with
  | zero => simp [zsum]
  | succ n ih => rw [zsum, ih]; simp only [zsum]; omega

theorem zsum_zero (n : Nat) : zsum n (fun _ => 0) = 0 := by
  induction n with
  | zero => rfl
  | succ n ih => simp only [zsum, ih]; rfl

/-- The inner product is the sum over all indices: rows are 0 beyond their end. -/
theorem dot_eq (n : Nat) (a b : List Int) (h : a.length ≤ n) : dot a b = zsum n fun i => at1 a i * at1 b i := by
  induction n generalizing a b with
  | zero =>
    cases a with
    | nil => rfl
    | cons => simp at h
  | succ n ih =>
    rw [zsum_shift]
    cases a with
    | nil => simp only [dot, at1, Int.zero_mul, zsum_zero]; rfl
    | cons x a =>
      cases b with
      | nil =>
        simp only [dot, at1, Int.mul_zero, zsum_zero]; rfl
      | cons y b =>
        simp only [dot, at1]
        rw [ih a b (by simp at h; omega)]

theorem at1_mulRow (a : List Int) (Bt : List (List Int)) (j : Nat) : at1 (mulRow a Bt) j = dot a (rowOf Bt j) := by
  induction Bt generalizing j with
  | nil => simp only [mulRow, at1, rowOf]; cases a <;> rfl
  | cons b bs ih =>
    cases j with
    | zero => rfl
    | succ j => exact ih j

theorem rowOf_mulT (A Bt : List (List Int)) (i : Nat) : at2 (mulT A Bt) i = at1 (mulRow (rowOf A i) Bt) ∨ rowOf A i = [] := by
  induction A generalizing i with
  | nil => exact Or.inr rfl
  | cons a as ih =>
    cases i with
    | zero => exact Or.inl rfl
    | succ i => exact ih i

theorem at2_mulT (A Bt : List (List Int)) (i j : Nat) : at2 (mulT A Bt) i j = dot (rowOf A i) (rowOf Bt j) := by
  induction A generalizing i with
  | nil => simp only [mulT, at2, rowOf, at1, dot]
  | cons a as ih =>
    cases i with
    | zero => exact at1_mulRow a Bt j
    | succ i => exact ih i

/-- A checked product has the right entries. -/
theorem isProduct_eq {n : Nat} {A Bt T : List (List Int)} (h : isProduct n A Bt T = true) (i j : Nat) :
    at2 T i j = zsum n fun k => at2 A i k * at2 Bt j k := by
  simp only [isProduct, Bool.and_eq_true] at h
  rw [← sameRows_eq h.1, at2_mulT]
  exact dot_eq n _ _ (short_row h.2 i)

theorem isTranspose_eq {n m : Nat} {B Bt : List (List Int)} (h : isTranspose n m B Bt = true) {i j : Nat} (hi : i < n)
    (hj : j < m) : at2 Bt j i = at2 B i j := by
  simp only [isTranspose, allBelow_iff, decide_eq_true_eq] at h
  exact (h i hi j hj).symm

/-- Integer tables that are multiples of real ones have products that are multiples of the real product. -/
theorem product_scaled {n : Nat} {A Bt : List (List Int)} {A' B' : Nat → Nat → R} {α β : R} {i j : Nat}
    (ha : ∀ k, k < n → ofInt (at2 A i k) = α * A' i k) (hb : ∀ k, k < n → ofInt (at2 Bt j k) = β * B' k j) :
    ofInt (zsum n fun k => at2 A i k * at2 Bt j k) = α * β * mm n A' B' i j := by
  rw [ofInt_zsum, mm, ← sum_mul]
  apply sum_congr; intro k hk
  rw [ofInt_mul, ha k hk, hb k hk]; grind

/-- `exact_table`: a chain of exact integer matrices, multiplied out in any order, is the table times the scales (L1). -/
theorem exact_table_sound {n m : Nat} {A B C : Nat → Nat → R} {T Mt Ct : List (List Int)} {α β γ : R} {i j : Nat}
    (hT : ∀ k, k < m → ofInt (at2 T i k) = α * β * mm n A B i k) (hC : ∀ k, k < m → ofInt (at2 Ct j k) = γ * C k j)
    (h : isProduct m T Ct Mt = true) : ofInt (at2 Mt i j) = α * β * γ * mm n A (mm m B C) i j := by
  rw [isProduct_eq h, product_scaled (A' := mm n A B) (B' := C) hT hC, mm_assoc]

end Verifier
