module
public import Verifier.Checker.TablesSound
public import Verifier.Rules.Constraints
public section

/-! What a checked part of a split means: a constraint for the outputs with its label. -/

namespace Verifier
open Std Lean.Grind ExpField
variable {R : Type} [ExpField R]

theorem labelled_sound {v m J : Nat} {x : Nat} {l : List Int} (h : labelled v m J x l = true) :
    ∀ j, x + j < v → x + j ≠ m → ∃ i : Nat, i < J ∧ at1 l j = i := by
  induction l generalizing x with
  | nil => intro j hj; simp only [labelled, Nat.ble_eq] at h; omega
  | cons l ls ih =>
    simp only [labelled, Bool.and_eq_true, Bool.or_eq_true, Nat.beq_eq, decide_eq_true_eq] at h
    intro j hj hne
    cases j with
    | zero =>
      rcases h.1 with e | e
      · exact absurd e hne
      · exact ⟨l.toNat, by omega, by simp only [at1]; omega⟩
    | succ j => exact ih h.2 j (by omega) (by omega)

theorem leastTwo_sound {v m : Nat} {i bound : Int} {x : Nat} {l a b : List Int} (h : leastTwo v m i bound x l a b = true) :
    ∀ j, x + j < v → x + j ≠ m → at1 l j = i → bound ≤ -at1 a j - at1 b j := by
  induction a generalizing x b l with
  | nil => intro j hj; cases l <;> simp only [leastTwo, Nat.ble_eq] at h <;> omega
  | cons a as ih =>
    cases l with
    | nil => intro j hj; simp only [leastTwo, Nat.ble_eq] at h; omega
    | cons l ls =>
      cases b with
      | nil => intro j hj; simp only [leastTwo, Nat.ble_eq] at h; omega
      | cons b bs =>
        simp only [leastTwo, Bool.and_eq_true, Bool.or_eq_true, Nat.beq_eq, Bool.not_eq_true', decide_eq_true_eq, decide_eq_false_iff_not] at h
        intro j hj hne he
        cases j with
        | zero =>
          rcases h.1 with (e | e) | e
          · exact absurd e hne
          · exact absurd he e
          · exact e
        | succ j => exact ih h.2 j (by omega) (by omega) he

theorem leastThree_sound {v m : Nat} {i bound : Int} {x : Nat} {l a b c : List Int} (h : leastThree v m i bound x l a b c = true) :
    ∀ j, x + j < v → x + j ≠ m → at1 l j = i → bound ≤ at1 c j - at1 a j - at1 b j := by
  induction a generalizing x b c l with
  | nil => intro j hj; cases l <;> simp only [leastThree, Nat.ble_eq] at h <;> omega
  | cons a as ih =>
    cases l with
    | nil => intro j hj; simp only [leastThree, Nat.ble_eq] at h; omega
    | cons l ls =>
      cases b with
      | nil => intro j hj; simp only [leastThree, Nat.ble_eq] at h; omega
      | cons b bs =>
        cases c with
        | nil => intro j hj; simp only [leastThree, Nat.ble_eq] at h; omega
        | cons c cs =>
          simp only [leastThree, Bool.and_eq_true, Bool.or_eq_true, Nat.beq_eq, Bool.not_eq_true', decide_eq_true_eq, decide_eq_false_iff_not] at h
          intro j hj hne he
          cases j with
          | zero =>
            rcases h.1 with (e | e) | e
            · exact absurd e hne
            · exact absurd he e
            · exact e
          | succ j => exact ih h.2 j (by omega) (by omega) he

section part
variable {M : Model} {C : Certificate}

/-- The scale of a group's terms: weights over `2 ^ w` twice, tables over `2 ^ (4 e)`, scores lowered by two constants. -/
@[expose] noncomputable def termScale (M : Model) (C : Certificate) (u : R) (q : Nat) : R :=
  two R C.precision.w * two R C.precision.w * two R (M.e + M.e + (M.e + M.e))
    * exp (-(u * (ofInt (at1 C.top q + at1 C.ptop q) / two R (M.e + M.e + (M.e + M.e)))))

theorem termScale_pos (u : R) (q : Nat) : 0 < termScale M C u q :=
  mul_pos (mul_pos (mul_pos (two_pos _) (two_pos _)) (two_pos _)) (exp_pos _)

/-- The two lowered weights multiply to the weight of the tables, up to the scale. -/
theorem weight_split {T : Tables R} {S : R} (hS : 0 < S) (u : R) (q i k : Nat) {y z a b : Int}
    (hy : ofInt y = S * T.score q k - ofInt a) (hz : ofInt z = S * T.pscore q i - ofInt b) :
    exp (u * (ofInt z / S)) * exp (u * (ofInt y / S)) = exp (-(u * (ofInt (a + b) / S))) * T.weight u q i k := by
  simp only [Tables.weight]
  rw [← exp_add, ← exp_add]
  congr 1
  rw [hy, hz, ofInt_add, Field.div_eq_mul_inv, Field.div_eq_mul_inv, Field.div_eq_mul_inv]
  have : S * S⁻¹ = 1 := by grind
  generalize S⁻¹ = I at *
  have e1 : (S * T.pscore q i - ofInt b) * I = T.pscore q i - ofInt b * I := by grind
  have e2 : (S * T.score q k - ofInt a) * I = T.score q k - ofInt a * I := by grind
  rw [e1, e2]; grind

/-- The integer term is a lower bound of weight times worst gap. -/
theorem termAt_sound (ex : Exact (M.weights R).tables C (two R (M.e + M.e + (M.e + M.e)))) {a n : Nat} (hw : weightsOK M C a n = true)
    {s : R} (hs : 0 < s) (hh : s * s = ofInt M.h) (p : Part) {q i k : Nat} (ha : a ≤ q) (hq : q < a + n) (hv : q < M.v) (hi : i < M.n) (hk : k < M.v) :
    ofInt (termAt C p q i k) ≤ termScale M C s⁻¹ q * ((M.weights R).tables.weight s⁻¹ q i k *
      (ofInt (at1 p.G q) / two R (M.e + M.e + (M.e + M.e)) + ofInt (at2 p.worst i k) / two R (M.e + M.e + (M.e + M.e)))) := by
  simp only [weightsOK, Bool.and_eq_true, allBelow_iff] at hw
  obtain ⟨⟨root, hω⟩, hρ⟩ := hw
  obtain ⟨j, rfl⟩ : ∃ j, q = a + j := ⟨q - a, by omega⟩
  obtain ⟨a0, a1, a2⟩ := weightOK_sound root hs hh _ (hω j (by omega) k hk)
  obtain ⟨b0, b1, b2⟩ := weightOK_sound root hs hh _ (hρ j (by omega) i hi)
  have S := two_pos (R := R) (M.e + M.e + (M.e + M.e))
  have w := two_pos (R := R) C.precision.w
  have split := weight_split (T := (M.weights R).tables) S s⁻¹ (a + j) i k
    (y := at2 C.score (a + j) k - at1 C.top (a + j)) (z := at2 C.pscore (a + j) i - at1 C.ptop (a + j)) (a := at1 C.top (a + j)) (b := at1 C.ptop (a + j))
    (by rw [ofInt_sub, ex.score (a + j) hv k hk]) (by rw [ofInt_sub, ex.pscore (a + j) hv i hi])
  have lo := mul_le_mul b1 a1 b0 (by grind)
  have hi' := mul_le_mul b2 a2 (by grind) (by grind)
  rw [← ofInt_mul] at lo hi'
  have t := scaleLo_sound (g := at1 p.G (a + j) + at2 p.worst i k) lo hi'
  simp only [termAt, termScale]
  rw [ofInt_add] at t
  generalize (ofInt (scaleLo _ _ _) : R) = t0 at *
  generalize (M.weights R).tables.weight s⁻¹ (a + j) i k = W at *
  generalize exp (s⁻¹ * (ofInt (at2 C.pscore (a + j) i - at1 C.ptop (a + j)) / two R (M.e + M.e + (M.e + M.e)))) = ρ at *
  generalize exp (s⁻¹ * (ofInt (at2 C.score (a + j) k - at1 C.top (a + j)) / two R (M.e + M.e + (M.e + M.e)))) = ω at *
  generalize exp (-(s⁻¹ * (ofInt (at1 C.top (a + j) + at1 C.ptop (a + j)) / two R (M.e + M.e + (M.e + M.e))))) = κ at *
  generalize two R (M.e + M.e + (M.e + M.e)) = S' at *
  generalize two R C.precision.w = w' at *
  generalize (ofInt (at1 p.G (a + j)) : R) = g at *
  generalize (ofInt (at2 p.worst i k) : R) = r at *
  rw [Field.div_eq_mul_inv, Field.div_eq_mul_inv]
  have i1 : S' * S'⁻¹ = 1 := by grind
  generalize S'⁻¹ = I at *
  have e1 : w' * w' * S' * κ * (W * (g * I + r * I)) = w' * w' * (κ * W) * ((g + r) * (S' * I)) := by grind
  rw [e1, i1, ← split]
  grind

/-- A checked part is a constraint for the outputs with its label. -/
theorem constraint_of_part (hn : 0 < M.n) (ht : tablesOK M C = true) {a n : Nat} (hw : weightsOK M C a n = true)
    (hv : a + n ≤ M.v) {s : R} (hs : 0 < s) (hh : s * s = ofInt M.h) {q m j : Nat} (hm : m < M.v) (hq : q ≤ m)
    (h1 : a ≤ q) (h2 : q < a + n) (sp : Split) (hg : partOK M C sp a n m j = true) :
    IsConstraint (M.weights R).tables s⁻¹ q m (fun _ x => at1 sp.label x = (j : Int))
      (ofInt (termAt C (partAt sp.parts j) q (M.n - 1) q)) fun i k => ofInt (termAt C (partAt sp.parts j) q i k) := by
  have ex := tablesOK_sound (R := R) ht
  have S := two_pos (R := R) (M.e + M.e + (M.e + M.e))
  simp only [partOK, Bool.and_eq_true, allBelow_iff, Bool.or_eq_true, Nat.blt_eq] at hg
  obtain ⟨gG, gR⟩ := hg
  have gQ := (gG (q - a) (by omega)).resolve_left (by omega)
  rw [show a + (q - a) = q by omega] at gQ
  have unscale : ∀ (z : Int) (y : R), ofInt z ≤ two R (M.e + M.e + (M.e + M.e)) * y → ofInt z / two R (M.e + M.e + (M.e + M.e)) ≤ y := by
    intro z y h
    rw [Field.div_eq_mul_inv]
    generalize two R (M.e + M.e + (M.e + M.e)) = S' at *
    apply le_of_mul_le_mul S
    have : S' * (ofInt z * S'⁻¹) = ofInt z := by grind
    rw [this]; exact h
  have sh : ∀ x, two R (M.e + M.e + (M.e + M.e)) * (ofInt (at1 (sp.shift) x) / two R (M.e + M.e + (M.e + M.e))) = (ofInt (at1 (sp.shift) x) : R) := by
    intro x
    rw [Field.div_eq_mul_inv]
    generalize two R (M.e + M.e + (M.e + M.e)) = S' at *
    grind
  apply decoupled_constraint_sound (M.weights R).tables s⁻¹ (termScale M C s⁻¹ q) q m (fun x => at1 sp.label x = (j : Int)) hn (termScale_pos _ _)
    (fun x => ofInt (at1 (sp.shift) x) / two R (M.e + M.e + (M.e + M.e)))
    (ofInt (at1 (partAt sp.parts j).G q) / two R (M.e + M.e + (M.e + M.e)))
    (fun i k => ofInt (at2 (partAt sp.parts j).worst i k) / two R (M.e + M.e + (M.e + M.e))) _ _ hq
  · intro x hx hne hl
    apply unscale
    have := leastTwo_sound gQ x (by rw [Nat.zero_add]; exact hx) (by rw [Nat.zero_add]; exact hne) hl
    have a := ex.skip q (show q < M.v by omega) m hm
    have b := ex.skip q (show q < M.v by omega) x hx
    have c := ofInt_le (R := R) (show at1 (partAt sp.parts j).G q ≤ at2 C.skip q m - at2 C.skip q x - at1 (sp.shift) x by
      simp only [at2] at this ⊢; omega)
    rw [ofInt_sub, ofInt_sub, a, b] at c
    have := sh x
    grind
  · intro i hi k hk x hx hne hl
    apply unscale
    have := leastThree_sound (gR i hi k (by omega)) x (by rw [Nat.zero_add]; exact hx) (by rw [Nat.zero_add]; exact hne) hl
    have a1 := ex.copy k (show k < M.v by omega) m hm
    have a2 := ex.copy k (show k < M.v by omega) x hx
    have b1 := ex.pcopy i hi m hm
    have b2 := ex.pcopy i hi x hx
    have c := ofInt_le (R := R) (show at2 (partAt sp.parts j).worst i k ≤ (at2 C.copy k m - at2 C.copy k x) + (at2 C.pcopy i m - at2 C.pcopy i x) + at1 (sp.shift) x by
      simp only [at2] at this ⊢; omega)
    rw [ofInt_add, ofInt_add, ofInt_sub, ofInt_sub, a1, a2, b1, b2] at c
    have := sh x
    grind
  · exact termAt_sound ex hw hs hh _ h1 h2 (by omega) (show M.n - 1 < M.n by omega) (by omega)
  · intro i hi k hk
    exact termAt_sound ex hw hs hh _ h1 h2 (by omega) (show i < M.n by simp only [Weights.tables, Model.weights] at hi; omega) (by omega)

end part
end Verifier
