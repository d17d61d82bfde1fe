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

theorem leastThree_sound {v m k : Nat} {i bound : Int} {x : Nat} {l a b c : List Int} (h : leastThree v m k i bound x l a b c = true) :
    ∀ j, x + j < v → x + j ≠ m → x + j ≠ k → at1 l j = i → bound ≤ at1 c j - at1 a j - at1 b j := by
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
          intro j hj hne hk he
          cases j with
          | zero =>
            rcases h.1 with ((e | e) | e) | e
            · exact absurd e hne
            · exact absurd e hk
            · exact absurd he e
            · exact e
          | succ j => exact ih h.2 j (by omega) (by omega) (by omega) he

section part
variable {M : Model} {C : Certificate} {a n q m : Nat}

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

/-- The integer term is a lower bound of weight times gap. -/
theorem weighed_sound (ex : Exact (M.weights R).tables C (two R (M.e + M.e + (M.e + M.e)))) {a n : Nat} (hw : weightsOK M C a n = true)
    {s : R} (hs : 0 < s) (hh : s * s = ofInt M.h) {q i k : Nat} (ha : a ≤ q) (hq : q < a + n) (hv : q < M.v) (hi : i < M.n) (hk : k < M.v)
    (g : Int) : ofInt (weighed C q i k g) ≤
      termScale M C s⁻¹ q * ((M.weights R).tables.weight s⁻¹ q i k * (ofInt g / two R (M.e + M.e + (M.e + M.e)))) := by
  simp only [weightsOK, Bool.and_eq_true, allBelow_iff] at hw
  obtain ⟨⟨root, hω⟩, hρ⟩ := hw
  obtain ⟨j, rfl⟩ : ∃ j, q = a + j := ⟨q - a, by omega⟩
  obtain ⟨a0, a1, a2⟩ := weightOK_sound root hs hh _ (hω j (by omega) k hk)
  obtain ⟨b0, b1, b2⟩ := weightOK_sound root hs hh _ (hρ j (by omega) i hi)
  have S := two_pos (R := R) (M.e + M.e + (M.e + M.e))
  have w := two_pos (R := R) C.precision.w
  have split := weight_split (T := (M.weights R).tables) S s⁻¹ (a + j) i k
    (y := at2 C.score (a + j) k - at1 C.top (a + j)) (z := at2 C.pscore (a + j) i - at1 C.ptop (a + j)) (a := at1 C.top (a + j))
    (b := at1 C.ptop (a + j)) (by rw [ofInt_sub, ex.score (a + j) hv k hk]) (by rw [ofInt_sub, ex.pscore (a + j) hv i hi])
  have lo := mul_le_mul b1 a1 b0 (by grind)
  have hi' := mul_le_mul b2 a2 (by grind) (by grind)
  rw [← ofInt_mul] at lo hi'
  have t := scaleLo_sound (g := g) lo hi'
  simp only [weighed, termScale]
  generalize (ofInt (scaleLo _ _ _) : R) = t0 at *
  generalize (M.weights R).tables.weight s⁻¹ (a + j) i k = W at *
  generalize exp (s⁻¹ * (ofInt (at2 C.pscore (a + j) i - at1 C.ptop (a + j)) / two R (M.e + M.e + (M.e + M.e)))) = ρ at *
  generalize exp (s⁻¹ * (ofInt (at2 C.score (a + j) k - at1 C.top (a + j)) / two R (M.e + M.e + (M.e + M.e)))) = ω at *
  generalize exp (-(s⁻¹ * (ofInt (at1 C.top (a + j) + at1 C.ptop (a + j)) / two R (M.e + M.e + (M.e + M.e))))) = κ at *
  generalize two R (M.e + M.e + (M.e + M.e)) = S' at *
  generalize two R C.precision.w = w' at *
  generalize (ofInt g : R) = r at *
  rw [Field.div_eq_mul_inv]
  have i1 : S' * S'⁻¹ = 1 := by grind
  generalize S'⁻¹ = I at *
  have e1 : w' * w' * S' * κ * (W * (r * I)) = w' * w' * (κ * W) * (r * (S' * I)) := by grind
  rw [e1, i1, ← split]
  grind

/-- The integer gap is the exact gap, scaled. -/
theorem exact_gap {S : R} (ex : Exact (M.weights R).tables C S) {q m x i k : Nat} (hq : q < M.v) (hm : m < M.v) (hx : x < M.v)
    (hi : i < M.n) (hk : k < M.v) :
    ofInt (at2 C.skip q m - at2 C.skip q x + (at2 C.copy k m - at2 C.copy k x) + (at2 C.pcopy i m - at2 C.pcopy i x))
      = S * (M.weights R).tables.gap q m x i k := by
  rw [ofInt_add, ofInt_add, ofInt_sub, ofInt_sub, ofInt_sub, ex.skip q hq m hm, ex.skip q hq x hx, ex.copy k hk m hm, ex.copy k hk x hx,
    ex.pcopy i hi m hm, ex.pcopy i hi x hx]
  simp only [Tables.gap]
  grind

/-- What holds of the weights and tables that a pair's terms are made of. -/
structure Checked (M : Model) (C : Certificate) (a n q m : Nat) : Prop where
  tables : tablesOK M C = true
  weights : weightsOK M C a n = true
  range : a + n ≤ M.v
  first : a ≤ q
  last : q < a + n
  maximum : m < M.v
  order : q ≤ m

/-- An integer below the scaled gap gives a term below the term of Phi. -/
theorem weighed_le_psi (H : Checked M C a n q m) {s : R} (hs : 0 < s) (hh : s * s = ofInt M.h) {x i k : Nat} (hx : x < M.v)
    (hi : i < M.n) (hk : k ≤ m) {g : Int}
    (hg : g ≤ at2 C.skip q m - at2 C.skip q x + (at2 C.copy k m - at2 C.copy k x) + (at2 C.pcopy i m - at2 C.pcopy i x)) :
    ofInt (weighed C q i k g) ≤ termScale M C s⁻¹ q * (M.weights R).tables.psi s⁻¹ q m x i k := by
  have ex := tablesOK_sound (R := R) H.tables
  have S := two_pos (R := R) (M.e + M.e + (M.e + M.e))
  have hv : q < M.v := by have := H.range; have := H.last; omega
  have hkv : k < M.v := by have := H.maximum; omega
  have le := ofInt_le (R := R) hg
  rw [exact_gap ex hv H.maximum hx hi hkv] at le
  have y : ofInt g / two R (M.e + M.e + (M.e + M.e)) ≤ (M.weights R).tables.gap q m x i k := by
    rw [Field.div_eq_mul_inv]
    generalize two R (M.e + M.e + (M.e + M.e)) = S' at *
    apply le_of_mul_le_mul S
    have : S' * (ofInt g * S'⁻¹) = ofInt g := by grind
    rw [this]; exact le
  have p := psi_ge (M.weights R).tables s⁻¹ (termScale M C s⁻¹ q) q m x i k _ (termScale_pos _ _) y
  have w := weighed_sound ex H.weights hs hh H.first H.last hv hi hkv g
  grind

/-- A checked part's term is below the term of Phi for each of its outputs; where tokens are spared, for a token's own output not. -/
theorem termAt_sound (H : Checked M C a n q m) {s : R} (hs : 0 < s) (hh : s * s = ofInt M.h) {sp : Split} {spared : Bool} {j : Nat}
    (hg : partOK M C sp spared a n m j = true) {x i k : Nat} (hx : x < M.v) (hne : x ≠ m) (hl : at1 sp.label x = (j : Int))
    (hi : i < M.n) (hk : k ≤ m) (own : spared = true → x ≠ k) :
    ofInt (termAt C (partAt sp.parts j) q i k) ≤ termScale M C s⁻¹ q * (M.weights R).tables.psi s⁻¹ q m x i k := by
  simp only [partOK, Bool.and_eq_true, allBelow_iff, Bool.or_eq_true, Nat.blt_eq] at hg
  obtain ⟨gG, gR⟩ := hg
  have := H.first; have := H.last; have := H.order
  have gQ := (gG (q - a) (by omega)).resolve_left (by omega)
  rw [show a + (q - a) = q by omega] at gQ
  have skip := leastTwo_sound gQ x (by rw [Nat.zero_add]; exact hx) (by rw [Nat.zero_add]; exact hne) hl
  have other : 0 + x ≠ if spared = true then k else m := by
    rw [Nat.zero_add]
    split
    · rename_i e; exact own e
    · exact hne
  have copy := leastThree_sound (gR i hi k (by omega)) x (by rw [Nat.zero_add]; exact hx) (by rw [Nat.zero_add]; exact hne) other hl
  apply weighed_le_psi H hs hh hx hi hk
  simp only [at2] at skip copy ⊢
  omega

/-- Weight times exact gap is below the term of Phi. -/
theorem exactAt_sound (H : Checked M C a n q m) {s : R} (hs : 0 < s) (hh : s * s = ofInt M.h) {x i k : Nat} (hx : x < M.v)
    (hi : i < M.n) (hk : k ≤ m) :
    ofInt (exactAt C q m x i k) ≤ termScale M C s⁻¹ q * (M.weights R).tables.psi s⁻¹ q m x i k :=
  weighed_le_psi H hs hh hx hi hk (Int.le_refl _)

/-- A checked part is a constraint for the outputs with its label. -/
theorem constraint_of_part (hn : 0 < M.n) (H : Checked M C a n q m) {s : R} (hs : 0 < s) (hh : s * s = ofInt M.h) {j : Nat} {sp : Split}
    (hg : partOK M C sp false a n m j = true) :
    IsConstraint (M.weights R).tables s⁻¹ q m (fun _ x => at1 sp.label x = (j : Int))
      (ofInt (termAt C (partAt sp.parts j) q (M.n - 1) q)) fun i k => ofInt (termAt C (partAt sp.parts j) q i k) := by
  refine ⟨termScale M C s⁻¹ q, termScale_pos _ _, fun t ht x hx hne hl => terms_le_phi hn ht ?_ fun i hi => ?_⟩
  · exact termAt_sound H hs hh hg hx hne hl (show M.n - 1 < M.n by omega) H.order (by simp)
  · have hi : i < M.n - 1 := hi
    exact termAt_sound H hs hh hg hx hne hl (by omega) (ht.2.1 i (show i < M.n by omega)) (by simp)

end part
end Verifier
