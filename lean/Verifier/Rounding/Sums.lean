module
public import Verifier.Cast
public import Verifier.Rows
public section

/-!
Error analysis of floating-point sums, as in the textbooks (Higham, Accuracy and Stability, chapters 2 to 4), over the
ordered field: any order of summation, products rounded or fused, results that underflow.  `u` is the unit roundoff, `τ` the
absolute error of an operation whose result underflows.
-/

namespace Verifier
open Std Lean.Grind ExpField
variable {R : Type} [ExpField R]

/-! ## Absolute values -/

theorem abs_add_le (a b : R) : abs (a + b) ≤ abs a + abs b := by
  have := le_abs a; have := neg_le_abs a; have := le_abs b; have := neg_le_abs b
  exact abs_le (by grind) (by grind)

theorem abs_mul (a b : R) : abs (a * b) = abs a * abs b := by
  have pp := fun (h : 0 ≤ a) (k : 0 ≤ b) => mul_nonneg h k
  have pn := fun (h : 0 ≤ a) (k : 0 ≤ -b) => mul_nonneg h k
  have np := fun (h : 0 ≤ -a) (k : 0 ≤ b) => mul_nonneg h k
  have nn := fun (h : 0 ≤ -a) (k : 0 ≤ -b) => mul_nonneg h k
  simp only [abs]
  by_cases ha : 0 ≤ a <;> by_cases hb : 0 ≤ b <;> by_cases hab : 0 ≤ a * b <;> simp only [ha, hb, hab, if_true, if_false] <;> grind

theorem abs_of_nonneg {a : R} (h : 0 ≤ a) : abs a = a := by simp only [abs, h, if_true]

theorem abs_sum_le (n : Nat) (f : Nat → R) : abs (sum n f) ≤ sum n fun i => abs (f i) := by
  induction n with
  | zero => simp only [sum]; rw [abs_of_nonneg (by grind)]; grind
  | succ n ih => simp only [sum]; have := abs_add_le (sum n f) (f n); grind

/-- A number near another one is not much larger. -/
theorem abs_near {x y e A : R} (h : abs (y - x) ≤ e) (hx : abs x ≤ A) : abs y ≤ A + e := by
  have := abs_add_le x (y - x)
  rw [show x + (y - x) = y by grind] at this
  grind

/-! ## One rounding, and products of numbers that carry errors -/

/-- `y` is the result of one operation whose exact result is `x`: relative error at most `u`, and at most `τ` more. -/
@[expose] def Rounded (u τ x y : R) : Prop := abs (y - x) ≤ u * abs x + τ

/-- No rounding at all is allowed, too: so fused operations and wider accumulators are covered. -/
theorem Rounded.exact {u τ : R} (hu : 0 ≤ u) (hτ : 0 ≤ τ) (x : R) : Rounded u τ x x := by
  have := mul_nonneg hu (abs_nonneg x)
  simp only [Rounded]
  rw [show x - x = 0 by grind, abs_of_nonneg (by grind)]
  grind

/-- Entrywise errors through a product. -/
theorem product_error {x x' y y' ex ey mx my : R} (hx : abs (x' - x) ≤ ex) (hy : abs (y' - y) ≤ ey) (bx : abs x ≤ mx)
    (bY : abs y ≤ my) : abs (x' * y' - x * y) ≤ ex * (my + ey) + mx * ey := by
  have e : x' * y' - x * y = (x' - x) * y' + x * (y' - y) := by grind
  have near := abs_near hy bY
  have a := abs_add_le ((x' - x) * y') (x * (y' - y))
  rw [abs_mul, abs_mul, ← e] at a
  have p := mul_le_mul hx near (abs_nonneg _) (by have := abs_nonneg y'; grind)
  have q := mul_le_mul bx hy (abs_nonneg _) (by have := abs_nonneg (y' - y); grind)
  grind

/-! ## Sums in any order -/

/-- An order of summation: a binary tree whose leaves are the numbers of the products. -/
inductive SumTree
  | leaf (i : Nat)
  | node (left right : SumTree)

namespace SumTree

/-- The products in the order in which they are added. -/
@[expose] noncomputable def leaves : SumTree → List Nat
  | leaf i => [i]
  | node l r => l.leaves ++ r.leaves

/-- How many products are added. -/
@[expose] def size : SumTree → Nat
  | leaf _ => 1
  | node l r => l.size + r.size

/-- How many operations there are, products and additions. -/
@[expose] def operations : SumTree → Nat
  | leaf _ => 1
  | node l r => l.operations + r.operations + 1

/-- The exact value for products `p`. -/
@[expose] def exact (p : Nat → R) : SumTree → R
  | leaf i => p i
  | node l r => l.exact p + r.exact p

/-- `y` is what a machine may compute for the products `p` in this order: every product and every addition is rounded.  For a fused
multiply-add the product's own rounding is none (`Rounded.exact`). -/
inductive Computes (u τ : R) (p : Nat → R) : SumTree → R → Prop
  | product {i : Nat} {y : R} : Rounded u τ (p i) y → Computes u τ p (leaf i) y
  | add {l r : SumTree} {x y z : R} : Computes u τ p l x → Computes u τ p r y → Rounded u τ (x + y) z → Computes u τ p (node l r) z

/-- A fused multiply-add is one of the ways to compute a tree. -/
theorem Computes.fused {u τ : R} (hu : 0 ≤ u) (hτ : 0 ≤ τ) {p : Nat → R} {i : Nat} {r : SumTree} {y z : R} (h : Computes u τ p r y)
    (hz : Rounded u τ (p i + y) z) : Computes u τ p (node (leaf i) r) z :=
  .add (.product (Rounded.exact hu hτ _)) h hz

theorem size_pos (t : SumTree) : 0 < t.size := by
  induction t with
  | leaf i => simp [size]
  | node l r ihl ihr => simp only [size]; omega

theorem operations_eq (t : SumTree) : t.operations + 1 = 2 * t.size := by
  induction t with
  | leaf i => rfl
  | node l r ihl ihr => simp only [operations, size]; omega

theorem size_eq (t : SumTree) : t.size = t.leaves.length := by
  induction t with
  | leaf i => rfl
  | node l r ihl ihr => simp only [size, leaves, List.length_append, ihl, ihr]

end SumTree

/-- `(1 + u) ^ k`, how much `k` roundings in a row can magnify. -/
@[expose] def growth (u : R) : Nat → R
  | 0 => 1
  | k + 1 => (1 + u) * growth u k

/-- The constant of the textbooks: what `k` roundings in a row can add up to, `(1 + u) ^ k - 1`. -/
@[expose] def gamma (u : R) (k : Nat) : R := growth u k - 1

theorem growth_mono {u : R} (hu : 0 ≤ u) {j k : Nat} (h : j ≤ k) : growth u j ≤ growth u k ∧ 1 ≤ growth u j := by
  have one : ∀ k, 1 ≤ growth u k := by
    intro k
    induction k with
    | zero => simp only [growth]; grind
    | succ k ih => simp only [growth]; have := mul_nonneg hu (show 0 ≤ growth u k by have := zero_lt_one (R := R); grind); grind
  refine ⟨?_, one j⟩
  induction k with
  | zero => have : j = 0 := by omega
            subst this; grind
  | succ k ih =>
    by_cases e : j = k + 1
    · subst e; grind
    · have := ih (by omega)
      have := mul_nonneg hu (show 0 ≤ growth u k by have := one k; have := zero_lt_one (R := R); grind)
      simp only [growth]; grind

theorem SumTree.exact_abs_nonneg (p : Nat → R) (t : SumTree) : 0 ≤ t.exact (fun i => abs (p i)) ∧ abs (t.exact p) ≤ t.exact fun i => abs (p i) := by
  induction t with
  | leaf i => exact ⟨abs_nonneg _, by simp only [SumTree.exact]; grind⟩
  | node l r ihl ihr =>
    simp only [SumTree.exact]
    have := abs_add_le (l.exact p) (r.exact p)
    exact ⟨by grind, by grind⟩

/-- Any order of summation, any fused multiply-adds: the computed sum of `k` products is off by at most `gamma k` times the sum of
their absolute values, and by `(1 + u) ^ k τ` for each of the `2 k - 1` operations. -/
theorem SumTree.Computes.error {u τ : R} (hu : 0 ≤ u) (hτ : 0 ≤ τ) {p : Nat → R} {t : SumTree} {y : R} (h : Computes u τ p t y) :
    abs (y - t.exact p) ≤ gamma u t.size * t.exact (fun i => abs (p i)) + ofInt (t.operations : Int) * growth u t.size * τ := by
  induction h with
  | @product i y h =>
    simp only [Rounded] at h
    simp only [SumTree.exact, SumTree.size, SumTree.operations, gamma, growth]
    rw [show ((1 : Nat) : Int) = 1 from rfl, ofInt_one]
    have := mul_nonneg hu hτ
    grind
  | @add l r x y z hx hy h ihl ihr =>
    simp only [Rounded] at h
    simp only [SumTree.exact, SumTree.size, SumTree.operations]
    obtain ⟨nl, bl⟩ := l.exact_abs_nonneg p
    obtain ⟨nr, br⟩ := r.exact_abs_nonneg p
    have pl := l.size_pos
    have pr := r.size_pos
    have gl : (1 + u) * growth u l.size ≤ growth u (l.size + r.size) := (growth_mono hu (show l.size + 1 ≤ _ by omega)).1
    have gr : (1 + u) * growth u r.size ≤ growth u (l.size + r.size) := (growth_mono hu (show r.size + 1 ≤ _ by omega)).1
    have one := (growth_mono hu (Nat.le_refl (l.size + r.size))).2
    have cl : (0 : R) ≤ ofInt (l.operations : Int) := ofInt_nonneg (by omega)
    have cr : (0 : R) ≤ ofInt (r.operations : Int) := ofInt_nonneg (by omega)
    rw [Int.natCast_add, Int.natCast_add, ofInt_add, ofInt_add, show ((1 : Nat) : Int) = 1 from rfl, ofInt_one]
    simp only [gamma] at ihl ihr ⊢
    -- the error before this rounding, and the size of what is rounded
    have before := abs_add_le (x - l.exact p) (y - r.exact p)
    rw [show x - l.exact p + (y - r.exact p) = x + y - (l.exact p + r.exact p) by grind] at before
    have all := abs_add_le (z - (x + y)) (x + y - (l.exact p + r.exact p))
    rw [show z - (x + y) + (x + y - (l.exact p + r.exact p)) = z - (l.exact p + r.exact p) by grind] at all
    have big := abs_near before (abs_add_le (l.exact p) (r.exact p))
    generalize abs (z - (l.exact p + r.exact p)) = E at *
    generalize abs (x + y - (l.exact p + r.exact p)) = B at *
    generalize abs (x - l.exact p) = el at *
    generalize abs (y - r.exact p) = er at *
    generalize abs (x + y) = s at *
    generalize abs (z - (x + y)) = d at *
    generalize abs (l.exact p) = al at *
    generalize abs (r.exact p) = ar at *
    generalize SumTree.exact (fun i => abs (p i)) l = Al at *
    generalize SumTree.exact (fun i => abs (p i)) r = Ar at *
    generalize (ofInt (l.operations : Int) : R) = nl' at *
    generalize (ofInt (r.operations : Int) : R) = nr' at *
    generalize growth u l.size = Gl at *
    generalize growth u r.size = Gr at *
    generalize growth u (l.size + r.size) = G at *
    have m0 := mul_le_mul_left big hu
    have m0' := mul_le_mul_left bl hu
    have m0'' := mul_le_mul_left br hu
    have m1 := mul_le_mul_left ihl (show 0 ≤ 1 + u by have := zero_lt_one (R := R); grind)
    have m2 := mul_le_mul_left ihr (show 0 ≤ 1 + u by have := zero_lt_one (R := R); grind)
    have m3 := mul_le_mul_left gl nl
    have m4 := mul_le_mul_left gr nr
    have m5 := mul_le_mul_left gl (mul_nonneg cl hτ)
    have m6 := mul_le_mul_left gr (mul_nonneg cr hτ)
    have m7 := mul_le_mul_left one hτ
    grind

end Verifier
