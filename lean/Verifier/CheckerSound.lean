module
public import Verifier.Checker.AbsentSound
public import Verifier.Rules.Accuracy
public section

/-! The theorem below the checker: a yes of `check` is right. -/

namespace Verifier
open Std Lean.Grind ExpField
variable {R : Type} [ExpField R]

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

theorem shapeOK_sound {m n : Nat} {T : List (List Int)} (h : shapeOK m n T = true) : HasShape T n m := by
  induction T generalizing n with
  | nil =>
    simp only [shapeOK, Nat.beq_eq] at h
    exact ⟨by simp [h], fun r hr => by cases hr⟩
  | cons r rs ih =>
    cases n with
    | zero => simp [shapeOK] at h
    | succ n =>
      simp only [shapeOK, Bool.and_eq_true, Nat.beq_eq, len_eq] at h
      have := ih h.2
      refine ⟨by rw [List.length_cons, this.1], fun a ha => ?_⟩
      rcases List.mem_cons.mp ha with e | e
      · subst e; exact h.1
      · exact this.2 a e

theorem wellFormed_sound {M : Model} (h : wellFormed M = true) : M.WellFormed := by
  simp only [wellFormed, Bool.and_eq_true, Nat.ble_eq] at h
  obtain ⟨⟨⟨⟨⟨⟨⟨hh, e⟩, p⟩, q⟩, k⟩, v⟩, o⟩, u⟩ := h
  exact ⟨hh, shapeOK_sound e, shapeOK_sound p, shapeOK_sound q, shapeOK_sound k, shapeOK_sound v, shapeOK_sound o, shapeOK_sound u⟩

theorem scopeOK_sound {M : Model} {i : Nat} {scope : List (Nat × Nat)} (h : scopeOK M i scope = true) :
    i + scope.length = M.n ∧ ∀ r ∈ scope, r.1 < r.2 ∧ r.2 ≤ M.v := by
  induction scope generalizing i with
  | nil => simp only [scopeOK, Nat.beq_eq] at h; simp [h]
  | cons r rs ih =>
    simp only [scopeOK, Bool.and_eq_true, Nat.blt_eq, Nat.ble_eq] at h
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
    obtain ⟨⟨_, hn, hsc⟩, ⟨⟨⟨⟨hv, ht⟩, hw⟩, hg⟩, hB⟩⟩ := ok
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
      have H : Checked M C a n q m := ⟨ht, hw, hv, h1, h2, hm, hq⟩
      have F : Fits M C scope := ⟨hn, hl, hB⟩
      have ok := (hg m hm).resolve_left (by omega)
      rw [Bool.and_eq_true] at ok
      have split := allSplits_bestSplit ok.1 fun sp => splitCount_sound H hs hh F sp
      have absent := allSplits_bestSplit ok.2 fun sp => absentCount_sound H hs hh F sp
      split <;> assumption
    · omega
  · cases h

/-- Counts that the checker gave slice by slice, each by a certificate of its own, add up: if together they reach the claimed
bound, it holds. -/
theorem check_slices_sound {M : Model} {scope : List (Nat × Nat)} {p q : Nat} {slices : List Slice}
    (h : checkSlices M scope p q slices = true)
    (each : ∀ sl ∈ slices, ∃ C, sliceCount M C scope sl.first sl.size = some sl.count) : BoundHolds M scope p q := by
  simp only [checkSlices, modelOK, reachesBound, Bool.and_eq_true, Nat.ble_eq] at h
  obtain ⟨⟨⟨hf, hn, hsc⟩, asc⟩, hc⟩ := h
  have sc := scopeOK_sound hsc
  refine ⟨wellFormed_sound hf, hn, by omega, sc.2, fun R _ s hs hh => ?_⟩
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
