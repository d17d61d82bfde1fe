module
public import Verifier.Cast
public section

/-!
The exponential on integers: `(1 + x / 2^j) ^ (2^j)` from below, `1 / (1 - x / 2^j) ^ (2^j)` from above, by `j` squarings
rounded outward.  The argument is an integer over `2 ^ p`, the results are integers over `2 ^ w`.  This is the enclosure
that the Python kernel computes, with numbers of its own choice for `j` and `w`.
-/

namespace Verifier
open Std Lean.Grind ExpField
variable {R : Type} [ExpField R]

/-- `2 ^ k` as an element of the field. -/
@[expose] noncomputable def two (R : Type) [ExpField R] (k : Nat) : R := ofInt ((2 ^ k : Nat) : Int)

theorem two_pos (k : Nat) : 0 < two R k := ofInt_pos (by have := Nat.two_pow_pos k; omega)

theorem two_succ (k : Nat) : two R (k + 1) = 2 * two R k := by
  simp only [two]
  rw [Nat.pow_succ, Int.natCast_mul, Int.mul_comm, ofInt_mul]
  congr 1
  rw [show ((2 : Nat) : Int) = 1 + 1 from rfl, ofInt_add, ofInt_one]; grind

theorem two_add (j k : Nat) : two R (j + k) = two R j * two R k := by
  simp only [two]
  rw [Nat.pow_add, Int.natCast_mul, ofInt_mul]

/-- Square `k` times, rounding down. -/
@[expose] def squareDown (w : Nat) : Nat → Nat → Nat
  | 0, a => a
  | k + 1, a => squareDown w k (a * a / 2 ^ w)

/-- Square `k` times, rounding up. -/
@[expose] def squareUp (w : Nat) : Nat → Nat → Nat
  | 0, a => a
  | k + 1, a => squareUp w k ((a * a + (2 ^ w - 1)) / 2 ^ w)

/-- `exp (x / 2^p)` from below, times `2^w`; 0 where the first step is not positive. -/
@[expose] def expLo (p k w : Nat) (x : Int) : Nat :=
  squareDown w k ((((2 ^ (p + k) : Nat) : Int) + x) * ((2 ^ w : Nat) : Int) / ((2 ^ (p + k) : Nat) : Int)).toNat

/-- `exp (x / 2^p)` from above, times `2^w`; meaningful where `x < 2 ^ (p + k)`. -/
@[expose] def expHi (p k w : Nat) (x : Int) : Nat :=
  let D : Int := ((2 ^ (p + k) : Nat) : Int)
  squareUp w k ((((2 ^ w : Nat) : Int) * D + (D - x - 1)) / (D - x)).toNat

/-- One squaring step keeps a lower bound. -/
theorem squareDown_sound (w : Nat) : ∀ (k a : Nat) (y : R), ofInt (a : Int) ≤ two R w * exp y →
    ofInt (squareDown w k a : Int) ≤ two R w * exp (two R k * y) := by
  intro k
  induction k with
  | zero =>
    intro a y h
    have : two R 0 * y = y := by simp only [two]; rw [show ((2 ^ 0 : Nat) : Int) = 1 from rfl, ofInt_one]; grind
    rw [this]; exact h
  | succ k ih =>
    intro a y h
    have e : two R (k + 1) * y = two R k * (2 * y) := by rw [two_succ]; grind
    rw [e]
    apply ih
    have d : a * a / 2 ^ w * 2 ^ w ≤ a * a := Nat.div_mul_le_self _ _
    have d' : (ofInt ((a * a / 2 ^ w : Nat) : Int) : R) * two R w ≤ ofInt (a : Int) * ofInt (a : Int) := by
      simp only [two]
      rw [← ofInt_mul, ← ofInt_mul]
      apply ofInt_le
      rw [← Int.natCast_mul, ← Int.natCast_mul]
      exact Int.ofNat_le.mpr d
    have n : (0 : R) ≤ ofInt (a : Int) := ofInt_nonneg (by omega)
    have p := two_pos (R := R) w
    have m := mul_le_mul h h n (by grind)
    rw [exp_double]
    generalize (ofInt ((a * a / 2 ^ w : Nat) : Int) : R) = b at *
    apply le_of_mul_le_mul p
    grind

/-- One squaring step keeps an upper bound. -/
theorem squareUp_sound (w : Nat) : ∀ (k a : Nat) (y : R), two R w * exp y ≤ ofInt (a : Int) →
    two R w * exp (two R k * y) ≤ ofInt (squareUp w k a : Int) := by
  intro k
  induction k with
  | zero =>
    intro a y h
    have : two R 0 * y = y := by simp only [two]; rw [show ((2 ^ 0 : Nat) : Int) = 1 from rfl, ofInt_one]; grind
    rw [this]; exact h
  | succ k ih =>
    intro a y h
    have e : two R (k + 1) * y = two R k * (2 * y) := by rw [two_succ]; grind
    rw [e]
    apply ih
    have W := Nat.two_pow_pos w
    have d : a * a ≤ (a * a + (2 ^ w - 1)) / 2 ^ w * 2 ^ w := by
      have := Nat.lt_div_mul_add W (a := a * a + (2 ^ w - 1))
      omega
    have d' : (ofInt (a : Int) : R) * ofInt (a : Int) ≤ ofInt (((a * a + (2 ^ w - 1)) / 2 ^ w : Nat) : Int) * two R w := by
      simp only [two]
      rw [← ofInt_mul, ← ofInt_mul]
      apply ofInt_le
      rw [← Int.natCast_mul, ← Int.natCast_mul]
      exact Int.ofNat_le.mpr d
    have p := two_pos (R := R) w
    have q := mul_pos p (exp_pos y)
    have m := mul_le_mul h h (by grind) (by grind)
    rw [exp_double]
    generalize (ofInt (((a * a + (2 ^ w - 1)) / 2 ^ w : Nat) : Int) : R) = b at *
    apply le_of_mul_le_mul p
    grind

/-- The first step from below. -/
theorem start_lo (D W x : Int) (hD : 0 < D) (hW : 0 < W) :
    ofInt (((D + x) * W / D).toNat : Int) ≤ ofInt W * exp ((ofInt x : R) / ofInt D) := by
  have pD := ofInt_pos (R := R) hD
  have pW := ofInt_pos (R := R) hW
  have pe := mul_pos pW (exp_pos ((ofInt x : R) / ofInt D))
  by_cases h : 0 ≤ (D + x) * W / D
  · rw [Int.toNat_of_nonneg h]
    have a := ofInt_le (R := R) (Int.ediv_mul_le ((D + x) * W) (show D ≠ 0 by omega))
    rw [ofInt_mul, ofInt_mul, ofInt_add] at a
    have b := mul_le_mul_left (one_add_le_exp ((ofInt x : R) / ofInt D)) (show (0 : R) ≤ ofInt W by grind)
    generalize (ofInt ((D + x) * W / D) : R) = z at *
    rw [Field.div_eq_mul_inv] at *
    generalize (ofInt D : R) = D' at *
    generalize (ofInt W : R) = W' at *
    generalize (ofInt x : R) = x' at *
    generalize exp (x' * D'⁻¹) = y at *
    have e : D' * (W' * (1 + x' * D'⁻¹)) = (D' + x') * W' := by grind
    apply le_of_mul_le_mul pD
    have := mul_le_mul_left b (show 0 ≤ D' by grind)
    grind
  · have : ((D + x) * W / D).toNat = 0 := by omega
    rw [this]
    have := ofInt_zero (R := R)
    simp only [Int.natCast_zero]
    grind

/-- The first step from above. -/
theorem start_hi (D W x : Int) (hx : x < D) (hD : 0 < D) (hW : 0 < W) :
    ofInt W * exp ((ofInt x : R) / ofInt D) ≤ ofInt (((W * D + (D - x - 1)) / (D - x)).toNat : Int) := by
  have pD := ofInt_pos (R := R) hD
  have pW := ofInt_pos (R := R) hW
  have pd := ofInt_pos (R := R) (show 0 < D - x by omega)
  have d : W * D ≤ (W * D + (D - x - 1)) / (D - x) * (D - x) := by
    have := Int.lt_ediv_add_one_mul_self (W * D + (D - x - 1)) (show 0 < D - x by omega)
    rw [Int.add_mul] at this
    omega
  have nn : 0 ≤ (W * D + (D - x - 1)) / (D - x) := by
    apply Int.ediv_nonneg
    · have := Int.mul_pos hW hD; omega
    · omega
  rw [Int.toNat_of_nonneg nn]
  have a := ofInt_le (R := R) d
  have b := exp_mul_one_sub_le ((ofInt x : R) / ofInt D)
  rw [ofInt_mul, ofInt_mul] at a
  have es : (ofInt (D - x) : R) = ofInt D - ofInt x := ofInt_sub D x
  rw [es] at a pd
  generalize (ofInt ((W * D + (D - x - 1)) / (D - x)) : R) = z at *
  rw [Field.div_eq_mul_inv] at *
  generalize (ofInt D : R) = D' at *
  generalize (ofInt W : R) = W' at *
  generalize (ofInt x : R) = x' at *
  generalize exp (x' * D'⁻¹) = y at *
  have c := mul_le_mul_left b (show 0 ≤ D' * W' by have := mul_pos pD pW; grind)
  have e : D' * W' * (y * (1 - x' * D'⁻¹)) = (D' - x') * (W' * y) := by grind
  rw [e] at c
  apply le_of_mul_le_mul pd
  grind

/-- The lower enclosure of the exponential holds for every argument. -/
theorem expLo_sound (p k w : Nat) (x : Int) : ofInt (expLo p k w x : Int) ≤ two R w * exp ((ofInt x : R) / two R p) := by
  have s := start_lo (R := R) ((2 ^ (p + k) : Nat) : Int) ((2 ^ w : Nat) : Int) x
    (by have := Nat.two_pow_pos (p + k); omega) (by have := Nat.two_pow_pos w; omega)
  have t := squareDown_sound (R := R) w k _ _ s
  have e : two R k * ((ofInt x : R) / ofInt ((2 ^ (p + k) : Nat) : Int)) = ofInt x / two R p := by
    have a := two_add (R := R) p k
    have b := two_pos (R := R) p
    have c := two_pos (R := R) k
    have d : (ofInt ((2 ^ (p + k) : Nat) : Int) : R) = two R p * two R k := a
    rw [d, Field.div_eq_mul_inv, Field.div_eq_mul_inv]
    generalize two R p = P at *
    generalize two R k = K at *
    have : (P * K)⁻¹ = P⁻¹ * K⁻¹ := by have := mul_pos b c; grind
    rw [this]; grind
  rw [e] at t
  exact t

/-- The upper enclosure of the exponential holds for arguments below `2 ^ k`. -/
theorem expHi_sound (p k w : Nat) (x : Int) (hx : x < ((2 ^ (p + k) : Nat) : Int)) :
    two R w * exp ((ofInt x : R) / two R p) ≤ ofInt (expHi p k w x : Int) := by
  have s := start_hi (R := R) ((2 ^ (p + k) : Nat) : Int) ((2 ^ w : Nat) : Int) x hx
    (by have := Nat.two_pow_pos (p + k); omega) (by have := Nat.two_pow_pos w; omega)
  have t := squareUp_sound (R := R) w k _ _ s
  have e : two R k * ((ofInt x : R) / ofInt ((2 ^ (p + k) : Nat) : Int)) = ofInt x / two R p := by
    have a := two_add (R := R) p k
    have b := two_pos (R := R) p
    have c := two_pos (R := R) k
    have d : (ofInt ((2 ^ (p + k) : Nat) : Int) : R) = two R p * two R k := a
    rw [d, Field.div_eq_mul_inv, Field.div_eq_mul_inv]
    generalize two R p = P at *
    generalize two R k = K at *
    have : (P * K)⁻¹ = P⁻¹ * K⁻¹ := by have := mul_pos b c; grind
    rw [this]; grind
  rw [e] at t
  exact t

end Verifier
