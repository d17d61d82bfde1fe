module
public import Verifier.Checker.PartsSound
public import Verifier.Rules.Several
public import Verifier.Rules.Accuracy
public section

/-! The theorem below the checker: a yes of `check` is right. -/

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

theorem allSplits_bestSplit {f : Split → Bool} {g : Split → Nat} {l : List Split} {n : Nat} (h : allSplits f l = true)
    (le : ∀ s, f s = true → g s ≤ n) : bestSplit g l ≤ n := by
  induction l with
  | nil => simp [bestSplit]
  | cons s l ih =>
    simp only [allSplits, Bool.and_eq_true] at h
    have := le s h.1
    have := ih h.2
    simp only [bestSplit]
    split <;> assumption

/-! ## One part -/

section part
variable {M : Model} {C : Certificate}

/-- The plan of a part for one query. -/
@[expose] noncomputable def planAt (p : Part) (q i : Nat) : Int := at1 (rowOf p.plan q) i

/-- The test that `partCount` counts. -/
@[expose] noncomputable def partPasses (M : Model) (C : Certificate) (q m : Nat) (p : Part) (t : List Nat) : Bool :=
  decide (0 < planAt p q 0)
  && decide (0 < termAt C p q (M.n - 1) q + zsum (M.n - 1) (fun i => planAt p q (i + 2)) + planAt p q 0 * ((planAt p q 1).toNat : Int))
  && reaches (planAt p q 1).toNat (totalValue
    (valueOf (rowsOf (termAt C p q) (m + 1) 0 (M.n - 1)) M.n q (planAt p q 1).toNat (planAt p q 0) (rowOf p.plan q)) 0 t)

/-- The bins of a part's plan lie below its constraint. -/
theorem bins_of_plan (q m : Nat) (p : Part) (h : 0 < planAt p q 0)
    (pos : 0 < termAt C p q (M.n - 1) q + zsum (M.n - 1) (fun i => planAt p q (i + 2)) + planAt p q 0 * ((planAt p q 1).toNat : Int)) :
    Bins (R := R) M.n q m (fun i k => ofInt (termAt C p q i k)) (ofInt (termAt C p q (M.n - 1) q)) (ofInt (planAt p q 0))
      (fun i => ofInt (planAt p q (i + 2)))
      (valueOf (rowsOf (termAt C p q) (m + 1) 0 (M.n - 1)) M.n q (planAt p q 1).toNat (planAt p q 0) (rowOf p.plan q))
      (planAt p q 1).toNat := by
  have hp := ofInt_pos (R := R) h
  refine ⟨by grind, ?_, ?_, ?_⟩
  · intro i hi k hk r hr
    simp only [valueOf] at hr
    rw [if_neg (show ¬ (Nat.beq i (M.n - 1) = true) by simp only [Nat.beq_eq]; omega)] at hr
    have e := at2_rowsOf (termAt C p q) (m + 1) 0 (M.n - 1) i k hi (by omega)
    rw [Nat.zero_add] at e
    rw [e] at hr
    split at hr
    · rename_i nn
      change 0 ≤ termAt C p q i k - planAt p q (i + 2) at nn
      have d := Int.ediv_mul_le (termAt C p q i k - planAt p q (i + 2)) (show planAt p q 0 ≠ 0 by omega)
      have dn := Int.ediv_nonneg nn (show 0 ≤ planAt p q 0 by omega)
      have rle : (r : Int) ≤ (termAt C p q i k - planAt p q (i + 2)) / planAt p q 0 := by
        simp only [Option.some.injEq] at hr
        change (if Nat.ble ((termAt C p q i k - planAt p q (i + 2)) / planAt p q 0).toNat _ = true then
          ((termAt C p q i k - planAt p q (i + 2)) / planAt p q 0).toNat else _) = r at hr
        split at hr <;> rename_i e' <;> simp only [Nat.ble_eq] at e' <;> omega
      have mul := Int.mul_le_mul_of_nonneg_left rle (show 0 ≤ planAt p q 0 by omega)
      have fin : planAt p q (i + 2) + planAt p q 0 * (r : Int) ≤ termAt C p q i k := by
        rw [Int.mul_comm] at d; omega
      have := ofInt_le (R := R) fin
      rw [ofInt_add, ofInt_mul] at this
      exact this
    · cases hr
  · intro k r hr
    simp only [valueOf] at hr
    rw [if_pos (show Nat.beq (M.n - 1) (M.n - 1) = true by simp)] at hr
    split at hr
    · rename_i e
      simp only [Nat.beq_eq] at e
      simp only [Option.some.injEq] at hr
      exact ⟨e, hr.symm⟩
    · cases hr
  · have := ofInt_pos (R := R) pos
    rw [ofInt_add, ofInt_add, ofInt_mul, ofInt_zsum] at this
    exact this

/-- A sequence that passes ends in the query and makes the constraint of the part positive. -/
theorem partPasses_sound (hn : 0 < M.n) (q m : Nat) (p : Part) {t : List Nat} (hl : t.length = M.n) (hm : largest t = m)
    (h : partPasses M C q m p t = true) : nth 0 t (M.n - 1) = q ∧
    (0 : R) < ofInt (termAt C p q (M.n - 1) q) + sum (M.n - 1) fun i => ofInt (termAt C p q i (nth 0 t i)) := by
  simp only [partPasses, Bool.and_eq_true, decide_eq_true_eq] at h
  exact (bins_of_plan q m p h.1.1 h.1.2).positive_at hl hn hm h.2

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

theorem pairSize_eq (hn : 0 < M.n) (scope : List (Nat × Nat)) (hl : scope.length = M.n) (hB : total scope + 1 < 2 ^ C.baseBits)
    (q m : Nat) : pairSize M C scope q m = (sequences scope).countP (inPair M.n q m) := by
  rw [pairSize, countGroup_eq _ _ _ _ _ hB (by omega)]
  apply List.countP_congr
  intro t ht
  have len : t.length = M.n := by rw [(mem_sequences ht).1, hl]
  rw [inPair, Bool.and_eq_true, Bool.and_eq_true, anyValue_total, Nat.beq_eq, Nat.beq_eq]
  constructor
  · intro ⟨h, e⟩
    exact ⟨h (M.n - 1) (by omega) (by omega), e⟩
  · intro ⟨h, e⟩
    exact ⟨fun i _ k => by rw [show i = M.n - 1 by omega]; exact h, e⟩

theorem partCount_le (R : Type) [ExpField R] (hn : 0 < M.n) (scope : List (Nat × Nat)) (hl : scope.length = M.n)
    (hB : total scope + 1 < 2 ^ C.baseBits) (q m : Nat) (p : Part) :
    partCount M C scope q m p ≤ (sequences scope).countP fun t => inPair M.n q m t && partPasses M C q m p t := by
  simp only [partCount]
  split
  · rename_i ok
    rw [countGroup_eq _ _ _ _ _ hB (by omega)]
    apply countP_le
    intro t ht e
    simp only [Bool.and_eq_true, Nat.beq_eq] at e
    have len : t.length = M.n := by rw [(mem_sequences ht).1, hl]
    have pass : partPasses M C q m p t = true := by
      rw [partPasses, Bool.and_eq_true]
      exact ⟨ok, e.1⟩
    have := partPasses_sound (R := R) hn q m p len e.2 pass
    rw [Bool.and_eq_true, inPair, Bool.and_eq_true, Nat.beq_eq, Nat.beq_eq]
    exact ⟨⟨this.1, e.2⟩, pass⟩
  · omega

/-- The count of a pair by one split is a lower bound of the right answers in it. -/
theorem splitCount_sound (hn : 0 < M.n) (ht : tablesOK M C = true) {a n : Nat} (hw : weightsOK M C a n = true) (hv : a + n ≤ M.v)
    {s : R} (hs : 0 < s) (hh : s * s = ofInt M.h) {q m : Nat} (hm : m < M.v) (hq : q ≤ m) (h1 : a ≤ q) (h2 : q < a + n)
    (scope : List (Nat × Nat)) (hl : scope.length = M.n) (hB : total scope + 1 < 2 ^ C.baseBits)
    (sp : Split) (hg : splitOK M C a n m sp = true) :
    splitCount M C scope q m sp ≤ (sequences scope).countP (rightIn (M.weights R) s q m) := by
  simp only [splitOK, Bool.and_eq_true, allBelow_iff] at hg
  have several := count_several_sound (M.weights R) s scope hn hl q m (numParts sp.parts) (fun j x => at1 sp.label x = (j : Int))
    (fun j => ofInt (termAt C (partAt sp.parts j) q (M.n - 1) q)) (fun j i k => ofInt (termAt C (partAt sp.parts j) q i k))
    (fun j hj => constraint_of_part hn ht hw hv hs hh hm hq h1 h2 sp (hg.2 j hj))
    (fun x hx hne => labelled_sound hg.1 x (by rw [Nat.zero_add]; exact hx) (by rw [Nat.zero_add]; exact hne))
    (inPair M.n q m) (fun j => partPasses M C q m (partAt sp.parts j))
    (fun t _ e => by simpa only [inPair, Bool.and_eq_true, Nat.beq_eq] using e)
    (fun t ht e j _ pass => by
      simp only [inPair, Bool.and_eq_true, Nat.beq_eq] at e
      exact (partPasses_sound hn q m _ (by rw [(mem_sequences ht).1, hl]) e.2 pass).2)
  have parts := nsum_le (n := numParts sp.parts) (f := fun j => partCount M C scope q m (partAt sp.parts j)) fun j _ =>
    partCount_le R hn scope hl hB q m (partAt sp.parts j)
  simp only [splitCount]
  rw [pairSize_eq hn scope hl hB]
  simp only at several
  omega
end part

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

/-! ## All queries -/

/-- A slice's count is a lower bound of the right answers that end in one of its queries. -/
theorem sliceCount_sound {M : Model} {C : Certificate} {scope : List (Nat × Nat)} {a n c : Nat} (h : sliceCount M C scope a n = some c)
    {s : R} (hs : 0 < s) (hh : s * s = ofInt M.h) : c ≤ (sequences scope).countP (rightFrom (M.weights R) s a (a + n)) := by
  simp only [sliceCount] at h
  split at h
  · rename_i ok
    simp only [modelOK, hintsOK, Bool.and_eq_true, Nat.ble_eq, Nat.blt_eq] at ok
    obtain ⟨⟨hn, hsc⟩, ⟨⟨⟨⟨hv, ht⟩, hw⟩, hg⟩, hB⟩⟩ := ok
    have hl : scope.length = M.n := by have := scopeOK_sound hsc; omega
    simp only [Option.some.injEq] at h
    subst h
    simp only [splitsOK, allBelow_iff, Bool.or_eq_true, Nat.blt_eq] at hg
    refine count_queries (M.weights R) s scope a n M.v (pairCount M C scope) ?_
    intro q h1 h2 m hm
    simp only [pairCount]
    split
    · rename_i hq
      simp only [Nat.ble_eq] at hq
      exact allSplits_bestSplit ((hg m hm).resolve_left (by omega)) fun sp hsp =>
        splitCount_sound hn ht hw hv hs hh hm hq h1 h2 scope hl hB sp hsp
    · omega
  · cases h

/-- Counts that the checker gave slice by slice, each by a certificate of its own, add up: if together they reach the claimed
bound, it holds. -/
theorem check_slices_sound {M : Model} {scope : List (Nat × Nat)} {p q : Nat} {slices : List Slice}
    (h : checkSlices M scope p q slices = true)
    (each : ∀ sl ∈ slices, ∃ C, sliceCount M C scope sl.first sl.size = some sl.count) : BoundHolds M scope p q := by
  simp only [checkSlices, modelOK, reachesBound, Bool.and_eq_true, Nat.ble_eq] at h
  obtain ⟨⟨⟨hn, hsc⟩, asc⟩, hc⟩ := h
  have sc := scopeOK_sound hsc
  refine ⟨hn, by omega, sc.2, fun R _ s hs hh => ?_⟩
  refine bound_of_certified (M.weights R) s scope p q (sliceTotal slices) (Nat.le_trans ?_ (rightAfter_le _ s scope 0)) hc
  have : ∀ (l : List Slice) (a : Nat), ascending a l = true → (∀ sl ∈ l, sl ∈ slices) →
      sliceTotal l ≤ (sequences scope).countP (rightAfter (M.weights R) s a) := by
    intro l
    induction l with
    | nil => intro a _ _; simp [sliceTotal]
    | cons sl l ih =>
      intro a asc mem
      simp only [ascending, Bool.and_eq_true, Nat.ble_eq] at asc
      obtain ⟨C, e⟩ := each sl (mem sl List.mem_cons_self)
      have tail := ih (sl.first + sl.size) asc.2 fun x hx => mem x (List.mem_cons_of_mem _ hx)
      have all := count_ranges (M.weights R) s scope (Nat.le_refl _) (sliceCount_sound e hs hh) tail
      refine Nat.le_trans all (countP_le _ _ _ fun t _ k => ?_)
      simp only [rightAfter, Bool.and_eq_true, Nat.ble_eq] at k ⊢
      exact ⟨k.1, by omega⟩
  exact this slices 0 asc fun _ h => h

/-- If the checker says yes, the claimed bound holds: from the integers of the weights to the accuracy of the model. -/
theorem check_sound {M : Model} {C : Certificate} {scope : List (Nat × Nat)} {p q : Nat} (h : check M C scope p q = true) :
    BoundHolds M scope p q := by
  simp only [check] at h
  cases e : sliceCount M C scope 0 M.v with
  | none => rw [e] at h; cases h
  | some c =>
    rw [e] at h
    have ok : modelOK M scope = true := by
      simp only [sliceCount] at e
      split at e
      · rename_i k
        rw [Bool.and_eq_true] at k
        exact k.1
      · cases e
    refine check_slices_sound (slices := [⟨0, M.v, c⟩]) ?_ fun sl hsl => ?_
    · simpa [checkSlices, ascending, sliceTotal, ok] using h
    · rw [List.mem_singleton.mp hsl]
      exact ⟨C, e⟩

end Verifier
