module
public import Verifier.Softmax
public import Verifier.Rounding.Sums
public section

/-! Rounded dot products in any order, and what is left of softmax when scores, exponentials, sum and quotients are rounded. -/

namespace Verifier
open Std Lean.Grind ExpField
variable {R : Type} [ExpField R]

/-! ## Dot products -/

/-- The sum of a function over a list of numbers. -/
@[expose] noncomputable def listSum (f : Nat → R) : List Nat → R
  | [] => 0
  | i :: l => f i + listSum f l

theorem listSum_append (f : Nat → R) (l l' : List Nat) : listSum f (l ++ l') = listSum f l + listSum f l' := by
  induction l with
  | nil => simp only [List.nil_append, listSum]; grind
  | cons i l ih => simp only [List.cons_append, listSum, ih]; grind

theorem listSum_perm {f : Nat → R} {l l' : List Nat} (h : l.Perm l') : listSum f l = listSum f l' := by
  induction h with
  | nil => rfl
  | cons i _ ih => simp only [listSum, ih]
  | swap i j l => simp only [listSum]; grind
  | trans _ _ ih1 ih2 => rw [ih1, ih2]

theorem listSum_range (f : Nat → R) (n : Nat) : listSum f (List.range n) = sum n f := by
  induction n with
  | zero => rfl
  | succ n ih => rw [List.range_succ, listSum_append, ih]; simp only [listSum, sum]; grind

/-- The tree adds each of the products `0, …, n - 1` once. -/
@[expose] def SumTree.Orders (t : SumTree) (n : Nat) : Prop := t.leaves.Perm (List.range n)

theorem SumTree.Orders.exact_eq {t : SumTree} {n : Nat} (h : t.Orders n) (p : Nat → R) : t.exact p = sum n p := by
  rw [← listSum_range, ← listSum_perm h]
  induction t with
  | leaf i => simp only [exact, leaves, listSum]; grind
  | node l r ihl ihr =>
    simp only [exact, leaves, listSum_append]
    have el : ∀ t : SumTree, t.exact p = listSum p t.leaves := by
      intro t
      induction t with
      | leaf i => simp only [exact, leaves, listSum]; grind
      | node l r ihl ihr => simp only [exact, leaves, listSum_append, ihl, ihr]
    rw [el l, el r]

/-- What underflow can add to a sum of `n` products: `τ` for each of `2 n - 1` operations, magnified by all roundings. -/
@[expose] noncomputable def underflow (u τ : R) (n : Nat) : R := ofInt ((2 * n - 1 : Nat) : Int) * growth u n * τ

/-- `gamma_n`: a sum of `n` products in any order, each product rounded or fused. -/
theorem sum_error {u τ : R} (hu : 0 ≤ u) (hτ : 0 ≤ τ) {n : Nat} {t : SumTree} (order : t.Orders n) {p : Nat → R} {y : R}
    (h : t.Computes u τ p y) : abs (y - sum n p) ≤ gamma u n * (sum n fun i => abs (p i)) + underflow u τ n := by
  have e := h.error hu hτ
  have size : t.size = n := by rw [SumTree.size_eq, order.length_eq, List.length_range]
  have ops : t.operations = 2 * n - 1 := by have := t.operations_eq; omega
  rw [order.exact_eq, order.exact_eq, size, ops] at e
  exact e

theorem gamma_nonneg {u : R} (hu : 0 ≤ u) (n : Nat) : 0 ≤ gamma u n := by
  have := (growth_mono hu (Nat.le_refl n)).2
  simp only [gamma]; grind

/-- A dot product of computed numbers: `x'` off by `e` from `x`, which is at most `A`; `y'` off by `f` from `y`, at most `B`. -/
theorem dot_error {u τ : R} (hu : 0 ≤ u) (hτ : 0 ≤ τ) {n : Nat} {t : SumTree} (order : t.Orders n) {x x' y y' A e B f : Nat → R} {z : R}
    (h : t.Computes u τ (fun i => x' i * y' i) z) (hx : ∀ i, i < n → abs (x i) ≤ A i) (hx' : ∀ i, i < n → abs (x' i - x i) ≤ e i)
    (hy : ∀ i, i < n → abs (y i) ≤ B i) (hy' : ∀ i, i < n → abs (y' i - y i) ≤ f i) :
    abs (z - sum n fun i => x i * y i)
      ≤ (sum n fun i => gamma u n * ((A i + e i) * (B i + f i)) + (e i * (B i + f i) + A i * f i)) + underflow u τ n := by
  have rounding := sum_error hu hτ order h
  have diff := abs_sum_le n fun i => x' i * y' i - x i * y i
  rw [sum_sub] at diff
  have each := sum_le (n := n) (f := fun i => abs (x' i * y' i - x i * y i)) (g := fun i => e i * (B i + f i) + A i * f i)
    fun i hi => product_error (hx' i hi) (hy' i hi) (hx i hi) (hy i hi)
  have size := sum_le (n := n) (f := fun i => abs (x' i * y' i)) (g := fun i => (A i + e i) * (B i + f i)) fun i hi => by
    show abs (x' i * y' i) ≤ (A i + e i) * (B i + f i)
    rw [abs_mul]
    have b := abs_near (hy' i hi) (hy i hi)
    exact mul_le_mul (abs_near (hx' i hi) (hx i hi)) b (abs_nonneg _) (by have := abs_nonneg (y' i); grind)
  have g := mul_le_mul_left size (gamma_nonneg hu n)
  rw [sum_add, sum_mul]
  have total := abs_add_le (z - sum n fun i => x' i * y' i) ((sum n fun i => x' i * y' i) - sum n fun i => x i * y i)
  rw [show z - sum n (fun i => x' i * y' i) + ((sum n fun i => x' i * y' i) - sum n fun i => x i * y i) = z - sum n fun i => x i * y i by grind] at total
  grind

/-- What a product with the column `w` of a weight matrix is off by, for inputs of size `A` with errors `e`. -/
@[expose] noncomputable def through (u τ : R) (n : Nat) (A e w : Nat → R) : R :=
  (sum n fun k => (gamma u n * (A k + e k) + e k) * abs (w k)) + underflow u τ n

/-- Through a matrix: weights are exact, inputs carry errors. -/
theorem through_error {u τ : R} (hu : 0 ≤ u) (hτ : 0 ≤ τ) {n : Nat} {t : SumTree} (order : t.Orders n) {x x' w A e : Nat → R} {z : R}
    (h : t.Computes u τ (fun i => x' i * w i) z) (hx : ∀ i, i < n → abs (x i) ≤ A i) (hx' : ∀ i, i < n → abs (x' i - x i) ≤ e i) :
    abs (z - sum n fun i => x i * w i) ≤ through u τ n A e w := by
  have d := dot_error hu hτ order (y := w) (B := fun i => abs (w i)) (f := fun _ => 0) h hx hx' (fun i _ => by grind)
    (fun i _ => by rw [show w i - w i = 0 by grind, abs_of_nonneg (by grind)]; grind)
  have e' : (sum n fun i => gamma u n * ((A i + e i) * (abs (w i) + 0)) + (e i * (abs (w i) + 0) + A i * 0))
      = sum n fun k => (gamma u n * (A k + e k) + e k) * abs (w k) := by
    apply sum_congr; intro i _; grind
  rw [e'] at d
  exact d

/-! ## Softmax -/

/-- A computed exponential is, up to what underflows, the exponential of a slightly different exponent: `δ` the error of the
exponent, `ρ` the relative error of `exp`, with `ρ / (1 - ρ) ≤ ρ'`.  (The field has no logarithm, so a weight stands for it.) -/
theorem exp_error {x y e δ ρ ρ' τ : R} (hx : abs (x - y) ≤ δ) (he : abs (e - exp x) ≤ ρ * exp x + τ) (h0 : 0 ≤ ρ) (h1 : ρ < 1)
    (hρ : ρ ≤ ρ' * (1 - ρ)) (hτ : 0 ≤ τ) :
    ∃ w : R, exp (y - (δ + ρ')) ≤ w ∧ w ≤ exp (y + (δ + ρ')) ∧ abs (e - w) ≤ τ := by
  have p := exp_pos x
  have a := le_abs (x - y)
  have b := neg_le_abs (x - y)
  have c := le_abs (e - exp x)
  have d := neg_le_abs (e - exp x)
  have lo : exp (x - ρ') ≤ exp x * (1 - ρ) := by
    rw [show x - ρ' = x + -ρ' by grind, exp_add]
    apply mul_le_mul_left _ (by grind)
    have n := exp_mul_neg ρ'
    have q := one_add_le_exp ρ'
    have r := exp_pos (-ρ')
    apply le_of_mul_le_mul (exp_pos ρ')
    rw [n]
    have := mul_le_mul_left q (show 0 ≤ 1 - ρ by grind)
    grind
  have hi : exp x * (1 + ρ) ≤ exp (x + ρ') := by
    rw [exp_add]
    apply mul_le_mul_left _ (by grind)
    have q := one_add_le_exp ρ'
    have k := mul_nonneg h0 (show 0 ≤ ρ' by
      apply nonneg_of_mul_nonneg (show 0 < 1 - ρ by grind)
      grind)
    grind
  have lo' : exp (y - (δ + ρ')) ≤ exp (x - ρ') := exp_le_exp (by grind)
  have hi' : exp (x + ρ') ≤ exp (y + (δ + ρ')) := exp_le_exp (by grind)
  -- the weight is `e` moved by at most `τ` into the range of relative errors
  have w : ∃ w : R, exp x * (1 - ρ) ≤ w ∧ w ≤ exp x * (1 + ρ) ∧ abs (e - w) ≤ τ := by
    have k := mul_nonneg h0 (show 0 ≤ exp x by grind)
    by_cases l : e < exp x * (1 - ρ)
    · exact ⟨exp x * (1 - ρ), by grind, by grind, abs_le (by grind) (by grind)⟩
    · by_cases g : exp x * (1 + ρ) < e
      · exact ⟨exp x * (1 + ρ), by grind, by grind, abs_le (by grind) (by grind)⟩
      · exact ⟨e, by grind, by grind, abs_le (by grind) (by grind)⟩
  obtain ⟨w, w1, w2, w3⟩ := w
  exact ⟨w, by grind, by grind, w3⟩

/-- Weights between two multiples of others give shares between two multiples of theirs. -/
theorem share_between {n : Nat} (hn : 0 < n) {w b : Nat → R} {lo hi : R} (hb : ∀ i, i < n → 0 < b i) (hw : ∀ i, i < n → 0 < w i)
    (h0 : 0 < lo) (h : ∀ i, i < n → lo * b i ≤ w i ∧ w i ≤ hi * b i) :
    ∀ i, i < n → lo * share n w i ≤ hi * share n b i ∧ lo * share n b i ≤ hi * share n w i := by
  have Zb := sum_pos hn hb
  have Zw := sum_pos hn hw
  have s1 := sum_le fun i hi' => (h i hi').1
  have s2 := sum_le fun i hi' => (h i hi').2
  rw [sum_mul] at s1 s2
  intro i hi'
  obtain ⟨a1, a2⟩ := h i hi'
  have pw := hw i hi'
  have pb := hb i hi'
  simp only [share, Field.div_eq_mul_inv]
  generalize sum n w = z at *
  generalize sum n b = y at *
  have ez : z * z⁻¹ = 1 := by grind
  have ey : y * y⁻¹ = 1 := by grind
  have P := mul_pos Zw Zb
  have hpos : 0 ≤ hi := by
    apply nonneg_of_mul_nonneg Zb
    grind
  constructor <;> apply le_of_mul_le_mul P
  · rw [show z * y * (lo * (w i * z⁻¹)) = lo * (w i * y) * (z * z⁻¹) by grind,
      show z * y * (hi * (b i * y⁻¹)) = hi * b i * z * (y * y⁻¹) by grind, ez, ey]
    have m1 := mul_le_mul_left s1 (show 0 ≤ w i by grind)
    have m2 := mul_le_mul_left a2 (show 0 ≤ z by grind)
    grind
  · rw [show z * y * (lo * (b i * y⁻¹)) = lo * b i * z * (y * y⁻¹) by grind,
      show z * y * (hi * (w i * z⁻¹)) = hi * (w i * y) * (z * z⁻¹) by grind, ez, ey]
    have lb := mul_pos h0 pb
    have m1 := mul_le_mul_left s2 (show 0 ≤ lo * b i by grind)
    have m3 := mul_le_mul_left a1 (show 0 ≤ hi * y by have := mul_nonneg hpos (show 0 ≤ y by grind); grind)
    grind

end Verifier
