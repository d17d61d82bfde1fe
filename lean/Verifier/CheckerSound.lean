module
public import Verifier.Checker.TablesSound
public import Verifier.Rules.Accuracy
public section

/-! The theorem below the checker: a yes of `check` is right. -/

namespace Verifier
open Std Lean.Grind ExpField
variable {R : Type} [ExpField R]

theorem leastTwo_sound {v m : Nat} {bound : Int} {x : Nat} {a b : List Int} (h : leastTwo v m bound x a b = true) :
    ∀ j, x + j < v → x + j ≠ m → bound ≤ -at1 a j - at1 b j := by
  induction a generalizing x b with
  | nil => intro j hj; simp only [leastTwo, Nat.ble_eq] at h; omega
  | cons a as ih =>
    cases b with
    | nil => intro j hj; simp only [leastTwo, Nat.ble_eq] at h; omega
    | cons b bs =>
      simp only [leastTwo, Bool.and_eq_true, Bool.or_eq_true, Nat.beq_eq, decide_eq_true_eq] at h
      intro j hj hne
      cases j with
      | zero =>
        rcases h.1 with e | e
        · exact absurd e hne
        · exact e
      | succ j => exact ih h.2 j (by omega) (by omega)

theorem leastThree_sound {v m : Nat} {bound : Int} {x : Nat} {a b c : List Int} (h : leastThree v m bound x a b c = true) :
    ∀ j, x + j < v → x + j ≠ m → bound ≤ at1 c j - at1 a j - at1 b j := by
  induction a generalizing x b c with
  | nil => intro j hj; simp only [leastThree, Nat.ble_eq] at h; omega
  | cons a as ih =>
    cases b with
    | nil => intro j hj; simp only [leastThree, Nat.ble_eq] at h; omega
    | cons b bs =>
      cases c with
      | nil => intro j hj; simp only [leastThree, Nat.ble_eq] at h; omega
      | cons c cs =>
        simp only [leastThree, Bool.and_eq_true, Bool.or_eq_true, Nat.beq_eq, decide_eq_true_eq] at h
        intro j hj hne
        cases j with
        | zero =>
          rcases h.1 with e | e
          · exact absurd e hne
          · exact e
        | succ j => exact ih h.2 j (by omega) (by omega)

theorem at2_rowsOf (f : Nat → Nat → Int) (w s n i k : Nat) (hi : i < n) (hk : k < w) : at2 (rowsOf f w s n) i k = f (s + i) k := by
  induction n generalizing s i with
  | zero => omega
  | succ n ih =>
    cases i with
    | zero =>
      have := at1_tabulate (f s) 0 w k hk
      simp only [at2, rowsOf, rowOf]
      rw [this, Nat.zero_add, Nat.add_zero]
    | succ i =>
      have := ih (s + 1) i (by omega)
      simp only [at2, rowsOf, rowOf] at this ⊢
      rw [this, show s + 1 + i = s + (i + 1) by omega]

/-! ## One group -/

section group
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
theorem termAt_sound (ex : Exact (M.weights R).tables C (two R (M.e + M.e + (M.e + M.e)))) (hw : weightsOK M C = true)
    {s : R} (hs : 0 < s) (hh : s * s = ofInt M.h) {q m i k : Nat} (hq : q < M.v) (hi : i < M.n) (hk : k < M.v) :
    ofInt (termAt C q m i k) ≤ termScale M C s⁻¹ q * ((M.weights R).tables.weight s⁻¹ q i k *
      (ofInt (at2 C.G m q) / two R (M.e + M.e + (M.e + M.e)) + ofInt (at2 (tableAt C.worst m) i k) / two R (M.e + M.e + (M.e + M.e)))) := by
  simp only [weightsOK, Bool.and_eq_true, allBelow_iff] at hw
  obtain ⟨⟨root, hω⟩, hρ⟩ := hw
  obtain ⟨a0, a1, a2⟩ := weightOK_sound root hs hh _ (hω q hq k hk)
  obtain ⟨b0, b1, b2⟩ := weightOK_sound root hs hh _ (hρ q hq i hi)
  have S := two_pos (R := R) (M.e + M.e + (M.e + M.e))
  have w := two_pos (R := R) C.precision.w
  have split := weight_split (T := (M.weights R).tables) S s⁻¹ q i k
    (y := at2 C.score q k - at1 C.top q) (z := at2 C.pscore q i - at1 C.ptop q) (a := at1 C.top q) (b := at1 C.ptop q)
    (by rw [ofInt_sub, ex.score q hq k hk]) (by rw [ofInt_sub, ex.pscore q hq i hi])
  have lo := mul_le_mul b1 a1 b0 (by grind)
  have hi' := mul_le_mul b2 a2 (by grind) (by grind)
  rw [← ofInt_mul] at lo hi'
  have t := scaleLo_sound (g := at2 C.G m q + at2 (tableAt C.worst m) i k) lo hi'
  simp only [termAt, termScale]
  rw [ofInt_add] at t
  generalize (ofInt (scaleLo _ _ _) : R) = t0 at *
  generalize (M.weights R).tables.weight s⁻¹ q i k = W at *
  generalize exp (s⁻¹ * (ofInt (at2 C.pscore q i - at1 C.ptop q) / two R (M.e + M.e + (M.e + M.e)))) = ρ at *
  generalize exp (s⁻¹ * (ofInt (at2 C.score q k - at1 C.top q) / two R (M.e + M.e + (M.e + M.e)))) = ω at *
  generalize exp (-(s⁻¹ * (ofInt (at1 C.top q + at1 C.ptop q) / two R (M.e + M.e + (M.e + M.e))))) = κ at *
  generalize two R (M.e + M.e + (M.e + M.e)) = S' at *
  generalize two R C.precision.w = w' at *
  generalize (ofInt (at2 C.G m q) : R) = g at *
  generalize (ofInt (at2 (tableAt C.worst m) i k) : R) = r at *
  rw [Field.div_eq_mul_inv, Field.div_eq_mul_inv]
  have i1 : S' * S'⁻¹ = 1 := by grind
  generalize S'⁻¹ = I at *
  have e1 : w' * w' * S' * κ * (W * (g * I + r * I)) = w' * w' * (κ * W) * ((g + r) * (S' * I)) := by grind
  rw [e1, i1, ← split]
  grind

/-- Checked hints give a constraint that covers every wrong output. -/
theorem constraint_of_check (hn : 0 < M.n) (ht : tablesOK M C = true) (hw : weightsOK M C = true) (hg : gapsOK M C = true)
    {s : R} (hs : 0 < s) (hh : s * s = ofInt M.h) {q m : Nat} (hm : m < M.v) (hq : q ≤ m) :
    IsConstraint (M.weights R).tables s⁻¹ q m (fun _ _ => True) (ofInt (termAt C q m (M.n - 1) q))
      fun i k => ofInt (termAt C q m i k) := by
  have ex := tablesOK_sound (R := R) ht
  have S := two_pos (R := R) (M.e + M.e + (M.e + M.e))
  simp only [gapsOK, Bool.and_eq_true, allBelow_iff] at hg
  obtain ⟨gG, gR⟩ := hg m hm
  have unscale : ∀ (z : Int) (y : R), ofInt z ≤ two R (M.e + M.e + (M.e + M.e)) * y → ofInt z / two R (M.e + M.e + (M.e + M.e)) ≤ y := by
    intro z y h
    rw [Field.div_eq_mul_inv]
    generalize two R (M.e + M.e + (M.e + M.e)) = S' at *
    apply le_of_mul_le_mul S
    have : S' * (ofInt z * S'⁻¹) = ofInt z := by grind
    rw [this]; exact h
  have sh : ∀ x, two R (M.e + M.e + (M.e + M.e)) * (ofInt (at1 (rowOf C.shift m) x) / two R (M.e + M.e + (M.e + M.e))) = (ofInt (at1 (rowOf C.shift m) x) : R) := by
    intro x
    rw [Field.div_eq_mul_inv]
    generalize two R (M.e + M.e + (M.e + M.e)) = S' at *
    grind
  apply decoupled_constraint_sound (M.weights R).tables s⁻¹ (termScale M C s⁻¹ q) q m (fun _ => True) hn (termScale_pos _ _)
    (fun x => ofInt (at1 (rowOf C.shift m) x) / two R (M.e + M.e + (M.e + M.e)))
    (ofInt (at2 C.G m q) / two R (M.e + M.e + (M.e + M.e)))
    (fun i k => ofInt (at2 (tableAt C.worst m) i k) / two R (M.e + M.e + (M.e + M.e))) _ _ hq
  · intro x hx hne _
    apply unscale
    have := leastTwo_sound (gG q (by omega)) x (by rw [Nat.zero_add]; exact hx) (by rw [Nat.zero_add]; exact hne)
    have a := ex.skip q (show q < M.v by omega) m hm
    have b := ex.skip q (show q < M.v by omega) x hx
    have c := ofInt_le (R := R) (show at2 C.G m q ≤ at2 C.skip q m - at2 C.skip q x - at1 (rowOf C.shift m) x by
      simp only [at2] at this ⊢; omega)
    rw [ofInt_sub, ofInt_sub, a, b] at c
    have := sh x
    grind
  · intro i hi k hk x hx hne _
    apply unscale
    have := leastThree_sound (gR i hi k (by omega)) x (by rw [Nat.zero_add]; exact hx) (by rw [Nat.zero_add]; exact hne)
    have a1 := ex.copy k (show k < M.v by omega) m hm
    have a2 := ex.copy k (show k < M.v by omega) x hx
    have b1 := ex.pcopy i hi m hm
    have b2 := ex.pcopy i hi x hx
    have c := ofInt_le (R := R) (show at2 (tableAt C.worst m) i k ≤ (at2 C.copy k m - at2 C.copy k x) + (at2 C.pcopy i m - at2 C.pcopy i x) + at1 (rowOf C.shift m) x by
      simp only [at2] at this ⊢; omega)
    rw [ofInt_add, ofInt_add, ofInt_sub, ofInt_sub, a1, a2, b1, b2] at c
    have := sh x
    grind
  · exact termAt_sound ex hw hs hh (by omega) (show M.n - 1 < M.n by omega) (by omega)
  · intro i hi k hk
    exact termAt_sound ex hw hs hh (by omega) (show i < M.n by simp only [Weights.tables, Model.weights] at hi; omega) (by omega)

/-- The count of a group is a lower bound of the right answers in it. -/
theorem groupCount_sound (hn : 0 < M.n) (ht : tablesOK M C = true) (hw : weightsOK M C = true) (hg : gapsOK M C = true)
    {s : R} (hs : 0 < s) (hh : s * s = ofInt M.h) {q m : Nat} (hm : m < M.v) (hq : q ≤ m)
    (scope : List (Nat × Nat)) (hl : scope.length = M.n) (hB : total scope + 1 < 2 ^ C.baseBits) :
    groupCount M C scope q m ≤ (sequences scope).countP (rightIn (M.weights R) s q m) := by
  have con := constraint_of_check (R := R) hn ht hw hg hs hh hm hq
  simp only [groupCount]
  split
  · rename_i ok
    simp only [Bool.and_eq_true, decide_eq_true_eq] at ok
    apply count_sums_sound (M.weights R) s scope hn hl q m _ _ hB (ofInt (termAt C q m (M.n - 1) q))
      (ofInt (at1 (rowOf (tableAt C.plan m) q) 0)) (fun i k => ofInt (termAt C q m i k))
      (fun i => ofInt (at1 (rowOf (tableAt C.plan m) q) (i + 2))) _ con
    have pos := ofInt_pos (R := R) ok.1
    refine ⟨by grind, ?_, ?_, ?_⟩
    · intro i hi k hk r hr
      have hi' : i < M.n - 1 := hi
      simp only [valueOf] at hr
      rw [if_neg (show ¬ (Nat.beq i (M.n - 1) = true) by simp only [Nat.beq_eq]; omega)] at hr
      have e := at2_rowsOf (termAt C q m) (m + 1) 0 (M.n - 1) i k hi' (by omega)
      rw [Nat.zero_add] at e
      rw [e] at hr
      split at hr
      · rename_i nn
        have d := Int.ediv_mul_le (termAt C q m i k - at1 (rowOf (tableAt C.plan m) q) (i + 2)) (show at1 (rowOf (tableAt C.plan m) q) 0 ≠ 0 by omega)
        have dn := Int.ediv_nonneg nn (show 0 ≤ at1 (rowOf (tableAt C.plan m) q) 0 by omega)
        have rle : (r : Int) ≤ (termAt C q m i k - at1 (rowOf (tableAt C.plan m) q) (i + 2)) / at1 (rowOf (tableAt C.plan m) q) 0 := by
          simp only [Option.some.injEq] at hr
          split at hr <;> rename_i e' <;> simp only [Nat.ble_eq] at e' <;> omega
        have mul := Int.mul_le_mul_of_nonneg_left rle (show 0 ≤ at1 (rowOf (tableAt C.plan m) q) 0 by omega)
        have fin : at1 (rowOf (tableAt C.plan m) q) (i + 2) + at1 (rowOf (tableAt C.plan m) q) 0 * (r : Int) ≤ termAt C q m i k := by
          rw [Int.mul_comm] at d; omega
        have := ofInt_le (R := R) fin
        rw [ofInt_add, ofInt_mul] at this
        exact this
      · cases hr
    · intro k r hr
      have : (M.weights R).n - 1 = M.n - 1 := rfl
      rw [this] at hr
      simp only [valueOf] at hr
      rw [if_pos (show Nat.beq (M.n - 1) (M.n - 1) = true by simp)] at hr
      split at hr
      · rename_i e
        simp only [Nat.beq_eq] at e
        simp only [Option.some.injEq] at hr
        exact ⟨e, hr.symm⟩
      · cases hr
    · have := ofInt_pos (R := R) ok.2
      rw [ofInt_add, ofInt_add, ofInt_mul, ofInt_zsum] at this
      exact this
  · omega
end group

theorem scopeOK_sound {M : Model} {i : Nat} {scope : List (Nat × Nat)} (h : scopeOK M i scope = true) :
    i + scope.length = M.n ∧ ∀ r ∈ scope, r.2 ≤ M.v := by
  induction scope generalizing i with
  | nil => simp only [scopeOK, Nat.beq_eq] at h; simp [h]
  | cons r rs ih =>
    simp only [scopeOK, Bool.and_eq_true, Nat.ble_eq] at h
    have := ih h.2
    refine ⟨by rw [List.length_cons]; omega, fun a ha => ?_⟩
    rcases List.mem_cons.mp ha with e | e
    · subst e; exact h.1
    · exact this.2 a e

/-- If the checker says yes, the claimed bound holds: from the integers of the weights to the accuracy of the model. -/
theorem check_sound {M : Model} {C : Certificate} {scope : List (Nat × Nat)} {p q : Nat} (h : check M C scope p q = true) :
    BoundHolds M scope p q := by
  simp only [check, Bool.and_eq_true, Nat.ble_eq, Nat.blt_eq] at h
  obtain ⟨⟨⟨⟨⟨⟨hn, hsc⟩, ht⟩, hw⟩, hg⟩, hB⟩, hc⟩ := h
  have sc := scopeOK_sound hsc
  have hl : scope.length = M.n := by omega
  refine ⟨hn, hl, sc.2, fun R _ s hs hh => ?_⟩
  apply bound_of_certified (M.weights R) s scope p q (certified M C scope) _ hc
  apply accuracy_sound (M.weights R) s scope M.v
  intro q' hq' m hm
  by_cases le : q' ≤ m
  · have b : Nat.ble q' m = true := by simpa using le
    simp only [b, if_true]
    exact groupCount_sound (R := R) hn ht hw hg hs hh hm le scope hl hB
  · have b : Nat.ble q' m = false := by rw [Bool.eq_false_iff]; simpa using le
    simp [b]

end Verifier
