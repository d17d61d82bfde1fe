module
public import Verifier.Checker.PartsSound
public import Verifier.Rules.Several
public section

/-! What the counts of the checker count: sequences of a pair at which a base plus terms is positive, by a plan. -/

namespace Verifier
open Std Lean.Grind ExpField
variable {R : Type} [ExpField R]

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

section counts
variable {M : Model} {C : Certificate}

/-- A sequence passes a plan: its values reach the threshold. -/
@[expose] noncomputable def planPasses (n q : Nat) (base : Int) (terms : List (List Int)) (plan : List Int) (t : List Nat) : Bool :=
  planOK n base plan && reaches (at1 plan 1).toNat (totalValue (planValue n terms q plan) 0 t)

/-- The bins of a plan lie below the terms, whatever the plan. -/
theorem bins_of_plan {n q m : Nat} {base : Int} {terms : List (List Int)} {plan : List Int} (ok : planOK n base plan = true) :
    Bins (R := R) n q m (fun i k => ofInt (at2 terms i k)) (ofInt base) (ofInt (at1 plan 0)) (fun i => ofInt (at1 plan (i + 2)))
      (planValue n terms q plan) (at1 plan 1).toNat := by
  simp only [planOK, Bool.and_eq_true, decide_eq_true_eq] at ok
  obtain ⟨h, pos⟩ := ok
  have hp := ofInt_pos (R := R) h
  refine ⟨by grind, ?_, ?_, ?_⟩
  · intro i hi k hk r hr
    simp only [planValue, valueOf] at hr
    rw [if_neg (show ¬ (Nat.beq i (n - 1) = true) by simp only [Nat.beq_eq]; omega)] at hr
    split at hr
    · rename_i nn
      have d := Int.ediv_mul_le (at2 terms i k - at1 plan (i + 2)) (show at1 plan 0 ≠ 0 by omega)
      have dn := Int.ediv_nonneg nn (show 0 ≤ at1 plan 0 by omega)
      have rle : (r : Int) ≤ (at2 terms i k - at1 plan (i + 2)) / at1 plan 0 := by
        simp only [Option.some.injEq] at hr
        split at hr <;> rename_i e' <;> simp only [Nat.ble_eq] at e' <;> omega
      have mul := Int.mul_le_mul_of_nonneg_left rle (show 0 ≤ at1 plan 0 by omega)
      have fin : at1 plan (i + 2) + at1 plan 0 * (r : Int) ≤ at2 terms i k := by
        rw [Int.mul_comm] at d; omega
      have := ofInt_le (R := R) fin
      rw [ofInt_add, ofInt_mul] at this
      exact this
    · cases hr
  · intro k r hr
    simp only [planValue, valueOf] at hr
    rw [if_pos (show Nat.beq (n - 1) (n - 1) = true by simp)] at hr
    split at hr
    · rename_i e
      simp only [Nat.beq_eq] at e
      simp only [Option.some.injEq] at hr
      exact ⟨e, hr.symm⟩
    · cases hr
  · have := ofInt_pos (R := R) pos
    rw [ofInt_add, ofInt_add, ofInt_mul, ofInt_zsum] at this
    exact this

/-- A sequence that passes ends in the query and makes the sum positive. -/
theorem planPasses_sound {n q m : Nat} {base : Int} {terms : List (List Int)} {plan : List Int} (hn : 0 < n) {t : List Nat}
    (hl : t.length = n) (hm : largest t = m) (h : planPasses n q base terms plan t = true) : nth 0 t (n - 1) = q ∧
    (0 : R) < ofInt base + sum (n - 1) fun i => ofInt (at2 terms i (nth 0 t i)) := by
  simp only [planPasses, Bool.and_eq_true] at h
  exact (bins_of_plan (R := R) (m := m) h.1).positive_at hl hn hm h.2

/-- `anyValue` has a total exactly for the sequences that end in the query. -/
theorem anyValue_total (n q s : Nat) (t : List Nat) :
    reaches 0 (totalValue (anyValue n q) s t) = true ↔ ∀ i, i < t.length → s + i = n - 1 → nth 0 t i = q := by
  induction t generalizing s with
  | nil => simp [totalValue, reaches, Nat.ble]
  | cons k t ih =>
    have head : (∀ i, i < (k :: t).length → s + i = n - 1 → nth 0 (k :: t) i = q) ↔
        (s = n - 1 → k = q) ∧ ∀ i, i < t.length → s + 1 + i = n - 1 → nth 0 t i = q := by
      constructor
      · intro h
        refine ⟨fun e => h 0 (by simp) (by omega), fun i hi e => ?_⟩
        exact h (i + 1) (by simp; omega) (by omega)
      · intro ⟨h0, h1⟩ i hi e
        cases i with
        | zero => exact h0 (by omega)
        | succ i => exact h1 i (by simp at hi; omega) (by omega)
    rw [head, ← ih (s + 1)]
    simp only [totalValue, anyValue, Nat.beq_eq]
    by_cases e : s = n - 1 <;> by_cases e' : k = q <;> simp only [e, e', if_true, if_false] <;>
      cases totalValue (anyValue n q) _ t <;> simp [reaches, Nat.ble]

/-- The sequences of a pair. -/
@[expose] noncomputable def inPair (n q m : Nat) (t : List Nat) : Bool := Nat.beq (nth 0 t (n - 1)) q && Nat.beq (largest t) m

theorem inPair_iff {n q m : Nat} {t : List Nat} : inPair n q m t = true ↔ nth 0 t (n - 1) = q ∧ largest t = m := by
  rw [inPair, Bool.and_eq_true, Nat.beq_eq, Nat.beq_eq]

/-- What every count of a scope needs. -/
structure Fits (M : Model) (C : Certificate) (scope : List (Nat × Nat)) : Prop where
  positions : 0 < M.n
  length : scope.length = M.n
  digits : total scope + 1 < 2 ^ C.baseBits

theorem Fits.len {scope : List (Nat × Nat)} (F : Fits M C scope) {t : List Nat} (ht : t ∈ sequences scope) : t.length = M.n := by
  rw [(mem_sequences ht).1, F.length]

theorem any_iff {scope : List (Nat × Nat)} (F : Fits M C scope) {t : List Nat} (ht : t ∈ sequences scope) (q m : Nat) :
    (reaches 0 (totalValue (anyValue M.n q) 0 t) && Nat.beq (largest t) m) = inPair M.n q m t := by
  have len := F.len ht
  have := F.positions
  rw [Bool.eq_iff_iff, inPair_iff, Bool.and_eq_true, anyValue_total, Nat.beq_eq]
  constructor
  · intro ⟨h, e⟩
    exact ⟨h (M.n - 1) (by omega) (by omega), e⟩
  · intro ⟨h, e⟩
    exact ⟨fun i _ k => by rw [show i = M.n - 1 by omega]; exact h, e⟩

theorem pairSize_eq {scope : List (Nat × Nat)} (F : Fits M C scope) (q m : Nat) :
    pairSize M C scope q m = (sequences scope).countP (inPair M.n q m) := by
  have := F.positions; have := F.length
  rw [pairSize, countGroup_eq _ _ _ _ _ F.digits (by omega)]
  exact List.countP_congr fun t ht => by rw [any_iff F ht]

theorem planCount_eq {scope : List (Nat × Nat)} (F : Fits M C scope) (q m : Nat) (base : Int) (terms : List (List Int)) (plan : List Int) :
    planCount M C scope q m base terms plan
      = (sequences scope).countP fun t => planPasses M.n q base terms plan t && Nat.beq (largest t) m := by
  have := F.positions; have := F.length
  simp only [planCount]
  split
  · rename_i ok
    rw [countGroup_eq _ _ _ _ _ F.digits (by omega)]
    exact List.countP_congr fun t _ => by rw [planPasses, ok, Bool.true_and]
  · rename_i ok
    symm
    rw [List.countP_eq_zero]
    intro t _
    simp [planPasses, ok]

/-- Among the sequences with maximum `m`, those that pass a plan are in the pair. -/
theorem planPasses_pair (R : Type) [ExpField R] {scope : List (Nat × Nat)} (F : Fits M C scope) {q m : Nat} {base : Int}
    {terms : List (List Int)} {plan : List Int} {t : List Nat} (ht : t ∈ sequences scope)
    (h : planPasses M.n q base terms plan t = true) (hm : largest t = m) : inPair M.n q m t = true :=
  inPair_iff.mpr ⟨(planPasses_sound (R := R) F.positions (F.len ht) hm h).1, hm⟩

theorem planCount_le (R : Type) [ExpField R] {scope : List (Nat × Nat)} (F : Fits M C scope) (q m : Nat) (base : Int)
    (terms : List (List Int)) (plan : List Int) : planCount M C scope q m base terms plan
      ≤ (sequences scope).countP fun t => inPair M.n q m t && planPasses M.n q base terms plan t := by
  rw [planCount_eq F]
  apply countP_le
  intro t ht e
  simp only [Bool.and_eq_true, Nat.beq_eq] at e ⊢
  exact ⟨planPasses_pair R F ht e.1 e.2, e.1⟩

/-! ## Parts -/

/-- A sequence passes the plan of a part. -/
@[expose] noncomputable def partPasses (M : Model) (C : Certificate) (q m : Nat) (p : Part) (t : List Nat) : Bool :=
  planPasses M.n q (termAt C p q (M.n - 1) q) (termsOf M C q m p) (rowOf p.plan q) t

theorem at2_termsOf (q m : Nat) (p : Part) {i k : Nat} (hi : i < M.n - 1) (hk : k ≤ m) : at2 (termsOf M C q m p) i k = termAt C p q i k := by
  have := at2_rowsOf (termAt C p q) (m + 1) 0 (M.n - 1) i k hi (by omega)
  rwa [Nat.zero_add] at this

theorem partPasses_sound (hn : 0 < M.n) (q m : Nat) (p : Part) {t : List Nat} (hl : t.length = M.n) (hm : largest t = m)
    (h : partPasses M C q m p t = true) :
    (0 : R) < ofInt (termAt C p q (M.n - 1) q) + sum (M.n - 1) fun i => ofInt (termAt C p q i (nth 0 t i)) := by
  have := (planPasses_sound (R := R) hn hl hm h).2
  rwa [sum_congr fun i hi => by rw [at2_termsOf q m p hi (by have := nth_le_largest t i; omega)]] at this

/-- The count of a pair by one split is a lower bound of the right answers in it. -/
theorem splitCount_sound {a n q m : Nat} (H : Checked M C a n q m) {s : R} (hs : 0 < s) (hh : s * s = ofInt M.h)
    {scope : List (Nat × Nat)} (F : Fits M C scope) (sp : Split) (hg : splitOK M C a n m sp = true) :
    splitCount M C scope q m sp ≤ (sequences scope).countP (rightIn (M.weights R) s q m) := by
  simp only [splitOK, Bool.and_eq_true, allBelow_iff] at hg
  have hn := F.positions
  have several := count_several_sound (M.weights R) s scope hn F.length q m (numParts sp.parts) (fun j x => at1 sp.label x = (j : Int))
    (fun j => ofInt (termAt C (partAt sp.parts j) q (M.n - 1) q)) (fun j i k => ofInt (termAt C (partAt sp.parts j) q i k))
    (fun j hj => constraint_of_part hn H hs hh (hg.2 j hj))
    (fun x hx hne => labelled_sound hg.1 x (by rw [Nat.zero_add]; exact hx) (by rw [Nat.zero_add]; exact hne))
    (inPair M.n q m) (fun j => partPasses M C q m (partAt sp.parts j)) (fun t _ e => inPair_iff.mp e)
    (fun t ht e j _ pass => partPasses_sound hn q m _ (F.len ht) (inPair_iff.mp e).2 pass)
  have parts := nsum_le (n := numParts sp.parts) (f := fun j => partCount M C scope q m (partAt sp.parts j)) fun j _ =>
    planCount_le R F q m (termAt C (partAt sp.parts j) q (M.n - 1) q) (termsOf M C q m (partAt sp.parts j)) (rowOf (partAt sp.parts j).plan q)
  simp only [splitCount]
  rw [pairSize_eq F]
  simp only [partPasses] at several
  omega
end counts

end Verifier
