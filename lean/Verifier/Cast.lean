module
public import Verifier.Sum
public section

/-! Integers inside the field, and exact integer sums: the cast is a homomorphism that keeps order. -/

namespace Verifier
open Std Lean.Grind
variable {R : Type} [ExpField R]

/-- The integer `i` as an element of the field. -/
@[expose] def ofInt (i : Int) : R := Ring.intCast.intCast i

theorem ofInt_add (a b : Int) : (ofInt (a + b) : R) = ofInt a + ofInt b := Ring.intCast_add a b
theorem ofInt_mul (a b : Int) : (ofInt (a * b) : R) = ofInt a * ofInt b := Ring.intCast_mul a b
theorem ofInt_sub (a b : Int) : (ofInt (a - b) : R) = ofInt a - ofInt b := Ring.intCast_sub a b
theorem ofInt_neg (a : Int) : (ofInt (-a) : R) = - ofInt a := Ring.intCast_neg a
theorem ofInt_zero : (ofInt 0 : R) = 0 := Ring.intCast_zero
theorem ofInt_one : (ofInt 1 : R) = 1 := Ring.intCast_one

theorem ofInt_nonneg {a : Int} (h : 0 ≤ a) : (0 : R) ≤ ofInt a := by
  obtain ⟨n, rfl⟩ := Int.eq_ofNat_of_zero_le h
  induction n with
  | zero => have := ofInt_zero (R := R); simp only [Int.natCast_zero] at *; grind
  | succ n ih =>
    rw [show ((n + 1 : Nat) : Int) = (n : Int) + 1 by omega, ofInt_add, ofInt_one]
    have := ih (by omega)
    have := zero_lt_one (R := R)
    grind

theorem ofInt_le {a b : Int} (h : a ≤ b) : (ofInt a : R) ≤ ofInt b := by
  have := ofInt_nonneg (R := R) (show 0 ≤ b - a by omega)
  rw [ofInt_sub] at this
  grind

theorem ofInt_pos {a : Int} (h : 0 < a) : (0 : R) < ofInt a := by
  have := ofInt_le (R := R) (show 1 ≤ a by omega)
  rw [ofInt_one] at this
  have := zero_lt_one (R := R)
  grind

theorem ofInt_lt {a b : Int} (h : a < b) : (ofInt a : R) < ofInt b := by
  have := ofInt_pos (R := R) (show 0 < b - a by omega)
  rw [ofInt_sub] at this
  grind

/-- `f 0 + … + f (n - 1)` in the integers. -/
@[expose, specialize] def zsum (n : Nat) (f : Nat → Int) : Int := match n with
  | 0 => 0
  | n + 1 => zsum n f + f n

theorem ofInt_zsum (n : Nat) (f : Nat → Int) : (ofInt (zsum n f) : R) = sum n fun i => ofInt (f i) := by
  induction n with
  | zero => exact ofInt_zero
  | succ n ih => simp only [zsum, sum, ofInt_add, ih]

theorem zsum_congr {n : Nat} {f g : Nat → Int} (h : ∀ i, i < n → f i = g i) : zsum n f = zsum n g := by
  induction n with
  | zero => rfl
  | succ n ih => simp only [zsum]; rw [ih (fun i k => h i (by omega)), h n (by omega)]

theorem zsum_le {n : Nat} {f g : Nat → Int} (h : ∀ i, i < n → f i ≤ g i) : zsum n f ≤ zsum n g := by
  induction n with
  | zero => exact Int.le_refl _
  | succ n ih =>
    simp only [zsum]
    have := ih (fun i k => h i (by omega))
    have := h n (by omega)
    omega

theorem zsum_add (n : Nat) (f g : Nat → Int) : zsum n (fun i => f i + g i) = zsum n f + zsum n g := by
  induction n with
  | zero => rfl
  | succ n ih => simp only [zsum, ih]; omega

theorem zsum_mul (n : Nat) (c : Int) (f : Nat → Int) : zsum n (fun i => c * f i) = c * zsum n f := by
  induction n with
  | zero => simp [zsum]
  | succ n ih => simp only [zsum, ih, Int.mul_add]

/-- Lower bound of weight times gap from `lo ≤ weight ≤ hi`, the gap an exact integer. -/
@[expose] def scaleLo (lo hi g : Int) : Int := if 0 ≤ g then lo * g else hi * g

theorem scaleLo_sound {lo hi g : Int} {w : R} (h1 : ofInt lo ≤ w) (h2 : w ≤ ofInt hi) :
    ofInt (scaleLo lo hi g) ≤ w * ofInt g := by
  simp only [scaleLo]
  split
  · rename_i h
    have := ofInt_nonneg (R := R) h
    have := mul_nonneg (show 0 ≤ w - ofInt lo by grind) this
    rw [ofInt_mul]; grind
  · rename_i h
    have := ofInt_nonneg (R := R) (show 0 ≤ -g by omega)
    have := mul_nonneg (show 0 ≤ ofInt hi - w by grind) this
    rw [ofInt_neg] at this
    rw [ofInt_mul]; grind

/-- Upper bound of weight times gap from `lo ≤ weight ≤ hi`. -/
@[expose] def scaleHi (lo hi g : Int) : Int := if 0 ≤ g then hi * g else lo * g

theorem scaleHi_sound {lo hi g : Int} {w : R} (h1 : ofInt lo ≤ w) (h2 : w ≤ ofInt hi) :
    w * ofInt g ≤ ofInt (scaleHi lo hi g) := by
  simp only [scaleHi]
  split
  · rename_i h
    have := ofInt_nonneg (R := R) h
    have := mul_nonneg (show 0 ≤ ofInt hi - w by grind) this
    rw [ofInt_mul]; grind
  · rename_i h
    have := ofInt_nonneg (R := R) (show 0 ≤ -g by omega)
    have := mul_nonneg (show 0 ≤ w - ofInt lo by grind) this
    rw [ofInt_neg] at this
    rw [ofInt_mul]; grind

end Verifier
