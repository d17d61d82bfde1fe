module
public import Verifier.Exp
public import Verifier.Lists
public section

/-! Enclosures of attention weights from exact integer scores: the root of the head width, then the exponential. -/

namespace Verifier
open Std Lean.Grind ExpField
variable {R : Type} [ExpField R]

/-- Bits of precision: scores over `2 ^ p`, `k` squarings, weights over `2 ^ w`, the inverse root over `2 ^ r`. -/
structure Precision where
  (p k w r : Nat)
  (rootLo rootHi : Int)

/-- The hinted enclosure of `2 ^ r / sqrt h` holds. -/
@[expose] def rootOK (P : Precision) (h : Nat) : Bool :=
  decide (0 ≤ P.rootLo) && decide (0 ≤ P.rootHi)
    && decide (P.rootLo * P.rootLo * h ≤ ((2 ^ P.r * 2 ^ P.r : Nat) : Int)) && decide (((2 ^ P.r * 2 ^ P.r : Nat) : Int) ≤ P.rootHi * P.rootHi * h)

/-- Lower bound of `y / (sqrt h * 2 ^ f)` over `2 ^ p`. -/
@[expose] def argLo (P : Precision) (f : Nat) (y : Int) : Int :=
  scaleLo P.rootLo P.rootHi y * ((2 ^ P.p : Nat) : Int) / ((2 ^ (P.r + f) : Nat) : Int)

/-- Upper bound of `y / (sqrt h * 2 ^ f)` over `2 ^ p`. -/
@[expose] def argHi (P : Precision) (f : Nat) (y : Int) : Int :=
  -(-(scaleHi P.rootLo P.rootHi y * ((2 ^ P.p : Nat) : Int)) / ((2 ^ (P.r + f) : Nat) : Int))

/-- The weight of a score `y / 2 ^ f` lies between `lo` and `hi` over `2 ^ w`. -/
@[expose] def weightOK (P : Precision) (f : Nat) (y lo hi : Int) : Bool :=
  decide (0 ≤ lo) && decide (lo ≤ (expLo P.p P.k P.w (argLo P f y) : Int))
    && decide ((expHi P.p P.k P.w (argHi P f y) : Int) ≤ hi) && decide (argHi P f y < ((2 ^ (P.p + P.k) : Nat) : Int))

/-- The inverse of a positive number whose square is known lies between bounds whose squares do. -/
theorem inv_root_bounds {s lo hi D H : R} (hs : 0 < s) (h : s * s = H) (hh : 0 ≤ hi) (hD : 0 < D)
    (h1 : lo * lo * H ≤ D * D) (h2 : D * D ≤ hi * hi * H) : lo ≤ D * s⁻¹ ∧ D * s⁻¹ ≤ hi := by
  have si := inv_pos hs
  have p := mul_pos hD si
  have ss := mul_pos hs hs
  rw [h] at ss
  have e : H * ((D * s⁻¹) * (D * s⁻¹)) = D * D := by
    have : s * s⁻¹ = 1 := by grind
    rw [← h]
    have e2 : s * s * ((D * s⁻¹) * (D * s⁻¹)) = D * D * ((s * s⁻¹) * (s * s⁻¹)) := by grind
    rw [e2, this]; grind
  constructor
  · apply le_of_sq_le (by grind)
    apply le_of_mul_le_mul ss
    rw [e]; grind
  · apply le_of_sq_le hh
    apply le_of_mul_le_mul ss
    rw [e]; grind

theorem rootOK_sound {P : Precision} {h : Nat} (ok : rootOK P h = true) {s : R} (hs : 0 < s) (hh : s * s = ofInt h) :
    ofInt P.rootLo ≤ two R P.r * s⁻¹ ∧ two R P.r * s⁻¹ ≤ ofInt P.rootHi := by
  simp only [rootOK, Bool.and_eq_true, decide_eq_true_eq] at ok
  obtain ⟨⟨⟨_, h2⟩, h3⟩, h4⟩ := ok
  have a := ofInt_le (R := R) h3
  have b := ofInt_le (R := R) h4
  have e : (ofInt ((2 ^ P.r * 2 ^ P.r : Nat) : Int) : R) = two R P.r * two R P.r := by
    rw [Int.natCast_mul, ofInt_mul]; rfl
  rw [e, ofInt_mul, ofInt_mul] at a b
  exact inv_root_bounds hs hh (ofInt_nonneg h2) (two_pos _) a b

/-- The integer arguments enclose the real one. -/
theorem arg_sound {P : Precision} {h : Nat} (ok : rootOK P h = true) {s : R} (hs : 0 < s) (hh : s * s = ofInt h) (f : Nat) (y : Int) :
    (ofInt (argLo P f y) : R) / two R P.p ≤ s⁻¹ * (ofInt y / two R f) ∧
    s⁻¹ * (ofInt y / two R f) ≤ (ofInt (argHi P f y) : R) / two R P.p := by
  obtain ⟨r1, r2⟩ := rootOK_sound ok hs hh
  have lo := scaleLo_sound (g := y) r1 r2
  have hi := scaleHi_sound (g := y) r1 r2
  have pp := two_pos (R := R) P.p
  have pr := two_pos (R := R) P.r
  have pf := two_pos (R := R) f
  have nz : ((2 ^ (P.r + f) : Nat) : Int) ≠ 0 := by have := Nat.two_pow_pos (P.r + f); omega
  have e : (ofInt ((2 ^ (P.r + f) : Nat) : Int) : R) = two R P.r * two R f := two_add P.r f
  have ep : (ofInt ((2 ^ P.p : Nat) : Int) : R) = two R P.p := rfl
  have a := ofInt_le (R := R) (Int.ediv_mul_le (scaleLo P.rootLo P.rootHi y * ((2 ^ P.p : Nat) : Int)) nz)
  have b := ofInt_le (R := R) (Int.ediv_mul_le (-(scaleHi P.rootLo P.rootHi y * ((2 ^ P.p : Nat) : Int))) nz)
  rw [ofInt_mul, e, ofInt_mul, ep] at a
  rw [ofInt_mul, e, ofInt_neg, ofInt_mul, ep] at b
  simp only [argLo, argHi, ofInt_neg, Field.div_eq_mul_inv]
  generalize (ofInt (scaleLo P.rootLo P.rootHi y * ((2 ^ P.p : Nat) : Int) / ((2 ^ (P.r + f) : Nat) : Int)) : R) = A at *
  generalize (ofInt (-(scaleHi P.rootLo P.rootHi y * ((2 ^ P.p : Nat) : Int)) / ((2 ^ (P.r + f) : Nat) : Int)) : R) = B at *
  generalize (ofInt (scaleLo P.rootLo P.rootHi y) : R) = L at *
  generalize (ofInt (scaleHi P.rootLo P.rootHi y) : R) = H at *
  generalize (ofInt y : R) = Y at *
  generalize two R P.p = p at *
  generalize two R P.r = r at *
  generalize two R f = F at *
  generalize s⁻¹ = u at *
  have scale := mul_pos (mul_pos pr pf) pp
  have e1 : r * F * p * (A * p⁻¹) = A * (r * F) := by grind
  have e2 : r * F * p * (u * (Y * F⁻¹)) = r * u * Y * p := by grind
  have e3 : r * F * p * (-B * p⁻¹) = -(B * (r * F)) := by grind
  have m1 := mul_le_mul_left lo (show 0 ≤ p by grind)
  have m2 := mul_le_mul_left hi (show 0 ≤ p by grind)
  constructor
  · apply le_of_mul_le_mul scale
    rw [e1, e2]; grind
  · apply le_of_mul_le_mul scale
    rw [e2, e3]; grind

/-- A checked weight encloses the exponential of the score. -/
theorem weightOK_sound {P : Precision} {h : Nat} (ok : rootOK P h = true) {s : R} (hs : 0 < s) (hh : s * s = ofInt h) (f : Nat)
    {y lo hi : Int} (hw : weightOK P f y lo hi = true) :
    (0 : R) ≤ ofInt lo ∧ ofInt lo ≤ two R P.w * exp (s⁻¹ * ((ofInt y : R) / two R f)) ∧
    two R P.w * exp (s⁻¹ * ((ofInt y : R) / two R f)) ≤ ofInt hi := by
  simp only [weightOK, Bool.and_eq_true, decide_eq_true_eq] at hw
  obtain ⟨⟨⟨h0, h1⟩, h2⟩, h3⟩ := hw
  obtain ⟨a, b⟩ := arg_sound ok hs hh f y
  have el := expLo_sound (R := R) P.p P.k P.w (argLo P f y)
  have eh := expHi_sound (R := R) P.p P.k P.w (argHi P f y) h3
  have w := two_pos (R := R) P.w
  have ma := mul_le_mul_left (exp_le_exp a) (show 0 ≤ two R P.w by grind)
  have mb := mul_le_mul_left (exp_le_exp b) (show 0 ≤ two R P.w by grind)
  have c1 := ofInt_le (R := R) h1
  have c2 := ofInt_le (R := R) h2
  refine ⟨ofInt_nonneg h0, ?_, ?_⟩ <;> grind

end Verifier
