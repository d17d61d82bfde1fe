module
public section

/-!
The numbers of the specification: any ordered field with an exponential.  The reals are one instance, so nothing here
constructs them; the two laws of `exp` below are all that any proof in this library uses.
-/

namespace Verifier
open Std Lean.Grind

/-- An ordered field with a function `exp` that turns sums into products and lies above `1 + x`. -/
class ExpField (R : Type) extends Field R, LE R, LT R, LawfulOrderLT R, IsLinearOrder R, OrderedRing R where
  exp : R → R
  exp_add : ∀ x y, exp (x + y) = exp x * exp y
  one_add_le_exp : ∀ x, 1 + x ≤ exp x

variable {R : Type} [ExpField R]
open ExpField

/-! ## Order -/

theorem zero_lt_one : (0 : R) < 1 := OrderedRing.zero_lt_one
theorem mul_pos {a b : R} (h : 0 < a) (k : 0 < b) : 0 < a * b := OrderedRing.mul_pos h k
theorem mul_nonneg {a b : R} (h : 0 ≤ a) (k : 0 ≤ b) : 0 ≤ a * b := OrderedRing.mul_nonneg h k

theorem sq_nonneg (a : R) : 0 ≤ a * a := by
  have h1 := fun h : 0 ≤ a => OrderedRing.mul_nonneg h h
  have h2 := fun h : 0 ≤ -a => OrderedRing.mul_nonneg h h
  grind

theorem mul_le_mul {a b c d : R} (h : a ≤ b) (k : c ≤ d) (ha : 0 ≤ a) (hd : 0 ≤ d) : a * c ≤ b * d := by
  have h1 := OrderedRing.mul_nonneg ha (show 0 ≤ d - c by grind)
  have h2 := OrderedRing.mul_nonneg hd (show 0 ≤ b - a by grind)
  grind

theorem mul_le_mul_left {a b c : R} (h : a ≤ b) (hc : 0 ≤ c) : c * a ≤ c * b := by
  have := mul_nonneg hc (show 0 ≤ b - a by grind)
  grind

theorem inv_pos {a : R} (h : 0 < a) : 0 < a⁻¹ := Field.IsOrdered.inv_pos_iff.mpr h

theorem pos_of_mul_pos {a b : R} (ha : 0 < a) (h : 0 < a * b) : 0 < b := by
  have := mul_pos (inv_pos ha) h
  have e : a⁻¹ * (a * b) = b := by grind
  rw [e] at this
  exact this

theorem nonneg_of_mul_nonneg {a b : R} (ha : 0 < a) (h : 0 ≤ a * b) : 0 ≤ b := by
  have p := inv_pos ha
  have := mul_nonneg (show 0 ≤ a⁻¹ by grind) h
  have e : a⁻¹ * (a * b) = b := by grind
  rw [e] at this
  exact this

theorem le_of_mul_le_mul {a b c : R} (hc : 0 < c) (h : c * a ≤ c * b) : a ≤ b := by
  have := nonneg_of_mul_nonneg hc (b := b - a) (by grind)
  grind

/-- A number whose square is below the square of a non-negative one is below it. -/
theorem le_of_sq_le {a y : R} (hy : 0 ≤ y) (h : a * a ≤ y * y) : a ≤ y := by
  apply Classical.byContradiction
  intro n
  have := OrderedRing.mul_pos (show 0 < a - y by grind) (show 0 < a + y by grind)
  grind

/-! ## The exponential -/

theorem exp_zero : exp (0 : R) = 1 := by
  have h := exp_add (0 : R) 0
  have e : (0 : R) + 0 = 0 := by grind
  rw [e] at h
  have p := one_add_le_exp (0 : R)
  grind

theorem exp_mul_neg (x : R) : exp x * exp (-x) = 1 := by
  rw [← exp_add]
  have : x + -x = 0 := by grind
  rw [this, exp_zero]

theorem exp_pos (x : R) : 0 < exp x := by
  have h := exp_add (x / 2) (x / 2)
  have e : x / 2 + x / 2 = x := by grind
  rw [e] at h
  have n := exp_mul_neg x
  have s := sq_nonneg (exp (x / 2))
  have z : exp x ≠ 0 := by
    intro z
    rw [z, Semiring.zero_mul] at n
    have := zero_lt_one (R := R)
    grind
  grind

theorem exp_le_exp {x y : R} (h : x ≤ y) : exp x ≤ exp y := by
  have e : y = x + (y - x) := by grind
  have a := exp_add x (y - x)
  rw [← e] at a
  have b := one_add_le_exp (y - x)
  have p := exp_pos x
  have := OrderedRing.mul_nonneg (show 0 ≤ exp x by grind) (show 0 ≤ exp (y - x) - 1 by grind)
  grind

theorem exp_lt_exp {x y : R} (h : x < y) : exp x < exp y := by
  have e : y = x + (y - x) := by grind
  have a := exp_add x (y - x)
  rw [← e] at a
  have b := one_add_le_exp (y - x)
  have p := exp_pos x
  have := OrderedRing.mul_pos p (show 0 < exp (y - x) - 1 by grind)
  grind

/-- The upper bound that mirrors `1 + x ≤ exp x`. -/
theorem exp_mul_one_sub_le (x : R) : exp x * (1 - x) ≤ 1 := by
  have n := exp_mul_neg x
  have p := exp_pos x
  have b := one_add_le_exp (-x)
  have := OrderedRing.mul_nonneg (show 0 ≤ exp x by grind) (show 0 ≤ exp (-x) - (1 - x) by grind)
  grind

/-- Doubling the argument squares the value. -/
theorem exp_double (x : R) : exp (2 * x) = exp x * exp x := by
  rw [← exp_add]; congr 1; grind

end Verifier
