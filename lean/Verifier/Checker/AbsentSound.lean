module
public import Verifier.Checker.PresentSound
public section

/-! The absent/present count: outputs that do not occur in the sequence by one constraint, each that occurs by its own sum. -/

namespace Verifier
open Std Lean.Grind ExpField
variable {R : Type} [ExpField R]

section present
variable {M : Model} {C : Certificate}

/-! ## One output that occurs -/

/-- The terms beside an output that occurs. -/
@[expose] noncomputable def besideTerms (M : Model) (C : Certificate) (q m : Nat) (p : Part) (x : Nat) : List (List Int) :=
  rowsOf (besideAt C (termsOf M C q m p) q m x) (m + 1) 0 (M.n - 1)

/-- The terms of a part and, per position, their least. -/
@[expose] noncomputable def leastOf (M : Model) (C : Certificate) (q m : Nat) (p : Part) : List Int :=
  tabulate (fun i => leastUpto (at2 (termsOf M C q m p) i) m) 0 (M.n - 1)

/-- Where an output occurs, its sum is positive. -/
@[expose] noncomputable def Beaten (M : Model) (C : Certificate) (q m : Nat) (p : Part) (x : Nat) (t : List Nat) : Prop :=
  x ∈ t → 0 < exactAt C q m x (M.n - 1) q + zsum (M.n - 1) fun i => besideAt C (termsOf M C q m p) q m x i (nth 0 t i)

theorem at2_beside (q m : Nat) (p : Part) (x : Nat) {i k : Nat} (hi : i < M.n - 1) (hk : k ≤ m) :
    at2 (besideTerms M C q m p x) i k = besideAt C (termsOf M C q m p) q m x i k := by
  have := at2_rowsOf (besideAt C (termsOf M C q m p) q m x) (m + 1) 0 (M.n - 1) i k hi (by omega)
  rwa [Nat.zero_add] at this

/-- Some sequences of the pair at which an output that occurs is beaten, counted from below. -/
theorem presentCount_le (R : Type) [ExpField R] {scope : List (Nat × Nat)} (F : Fits M C scope) {q m : Nat} (p : Part) {x : Nat} (hx : x < m) :
    ∃ beats : List Nat → Bool,
      presentCount M C scope q m ((sequences scope).countP (inPair M.n q m)) (termsOf M C q m p) (leastOf M C q m p) x
        ≤ (sequences scope).countP (fun t => inPair M.n q m t && beats t)
      ∧ ∀ t ∈ sequences scope, inPair M.n q m t = true → beats t = true → Beaten M C q m p x t := by
  have hn := F.positions
  simp only [presentCount]
  split
  · rename_i dis
    refine ⟨fun _ => true, by simp, fun t ht pair _ mem => ?_⟩
    obtain ⟨hq, hm⟩ := inPair_iff.mp pair
    have row : ∀ (f : Nat → Int) i, i < M.n - 1 → at1 (tabulate f 0 (M.n - 1)) i = f i := fun f i hi => by
      have := at1_tabulate f 0 (M.n - 1) i hi
      rwa [Nat.zero_add] at this
    refine dismissed_sound (f := besideAt C (termsOf M C q m p) q m x) dis (by omega) (F.len ht) hn hq hm mem ?_ ?_ ?_
    · intro i hi e
      rw [row _ i hi, e]
      simp [besideAt]
    · intro i hi e
      rw [row _ i hi, e]
      simp [besideAt]
    · intro i hi
      obtain ⟨w1, w2, w3⟩ := worst_le (M.n - 1) (leastOf M C q m p) (tabulate (fun i => exactAt C q m x i x) 0 (M.n - 1))
        (tabulate (fun i => exactAt C q m x i m) 0 (M.n - 1)) hi
      rw [row (fun i => exactAt C q m x i x) i hi] at w2
      rw [row (fun i => exactAt C q m x i m) i hi] at w3
      simp only [besideAt, Bool.or_eq_true, Nat.beq_eq]
      split
      · rename_i e
        rcases e with e | e <;> rw [e] <;> assumption
      · refine Int.le_trans w1 ?_
        rw [leastOf, row _ i hi]
        exact leastUpto_le _ (by have := nth_le_largest t i; omega)
  · generalize hp : planOf (exactAt C q m x (M.n - 1) q) (rowsOf (besideAt C (termsOf M C q m p) q m x) (m + 1) 0 (M.n - 1)) C.bins = plan
    have hb : rowsOf (besideAt C (termsOf M C q m p) q m x) (m + 1) 0 (M.n - 1) = besideTerms M C q m p x := rfl
    rw [hb]
    generalize hbase : exactAt C q m x (M.n - 1) q = base
    refine ⟨fun t => !t.contains x || planPasses M.n q base (besideTerms M C q m p x) plan t, ?_, fun t ht pair pass mem => ?_⟩
    · have hl := F.length
      rw [planCount_eq F, countGroup_eq _ _ _ _ _ F.digits (by omega), countGroup_eq _ _ _ _ _ F.digits (by omega)]
      have out := countP_split (sequences scope) (fun t => inPair M.n q m t && !t.contains x)
        (fun t => inPair M.n q m t && (!t.contains x || planPasses M.n q base (besideTerms M C q m p x) plan t)) (by
          intro t _ e
          simp only [Bool.and_eq_true, Bool.or_eq_true] at e ⊢
          exact ⟨e.1, Or.inl e.2⟩)
      have out_eq : (sequences scope).countP (fun t => inPair M.n q m t && !t.contains x) = (sequences scope).countP fun t =>
          reaches 0 (totalValue (without x (anyValue M.n q)) 0 t) && Nat.beq (largest t) m := by
        apply List.countP_congr
        intro t ht
        rw [reaches_without, ← any_iff F ht]
        cases reaches 0 (totalValue (anyValue M.n q) 0 t) <;> cases t.contains x <;> cases Nat.beq (largest t) m <;> simp
      have within := countP_split (sequences scope)
        (fun t => planPasses M.n q base (besideTerms M C q m p x) plan t && !t.contains x && Nat.beq (largest t) m)
        (fun t => planPasses M.n q base (besideTerms M C q m p x) plan t && Nat.beq (largest t) m) (by
          intro t _ e
          simp only [Bool.and_eq_true] at e ⊢
          exact ⟨e.1.1, e.2⟩)
      have fewer := countP_le (sequences scope)
        (fun t => planPasses M.n q base (besideTerms M C q m p x) plan t && !t.contains x && Nat.beq (largest t) m)
        (fun t => reaches (at1 plan 1).toNat (totalValue (without x (planValue M.n (besideTerms M C q m p x) q plan)) 0 t)
          && Nat.beq (largest t) m) (by
          intro t _ e
          simp only [planPasses, reaches_without, Bool.and_eq_true] at e ⊢
          exact ⟨⟨e.1.1.2, e.1.2⟩, e.2⟩)
      have inner := countP_le (sequences scope)
        (fun t => (planPasses M.n q base (besideTerms M C q m p x) plan t && Nat.beq (largest t) m)
          && !(planPasses M.n q base (besideTerms M C q m p x) plan t && !t.contains x && Nat.beq (largest t) m))
        (fun t => (inPair M.n q m t && (!t.contains x || planPasses M.n q base (besideTerms M C q m p x) plan t))
          && !(inPair M.n q m t && !t.contains x)) (by
          intro t ht e
          simp only [Bool.and_eq_true, Nat.beq_eq] at e
          have pair := planPasses_pair R F ht e.1.1 e.1.2
          have e2 := e.2
          dsimp only
          rw [e.1.1] at e2 ⊢
          rw [pair]
          have : Nat.beq (largest t) m = true := by rw [Nat.beq_eq]; exact e.1.2
          rw [this] at e2
          cases h : t.contains x with
          | true => rfl
          | false => rw [h] at e2; simp at e2)
      rw [← out_eq]
      dsimp only at out within inner ⊢
      omega
    · obtain ⟨_, hm⟩ := inPair_iff.mp pair
      have has : t.contains x = true := by simpa using mem
      dsimp only at pass
      rw [has] at pass
      simp only [Bool.not_true, Bool.false_or] at pass
      have := (planPasses_sound (R := R) hn (F.len ht) hm pass).2
      rw [sum_congr fun i hi => by rw [at2_beside q m p x hi (show nth 0 t i ≤ m by have := nth_le_largest t i; omega)],
        ← ofInt_zsum, ← ofInt_add] at this
      rw [hbase]
      exact pos_of_ofInt this

/-! ## All outputs -/

/-- The count of a pair by an absent/present split is a lower bound of the right answers in it. -/
theorem absentCount_sound {a n q m : Nat} (H : Checked M C a n q m) {s : R} (hs : 0 < s) (hh : s * s = ofInt M.h)
    {scope : List (Nat × Nat)} (F : Fits M C scope) (sp : Split) (hg : absentOK M C a n m sp = true) :
    absentCount M C scope q m sp ≤ (sequences scope).countP (rightIn (M.weights R) s q m) := by
  have hn := F.positions
  simp only [absentOK, Bool.and_eq_true] at hg
  have label : ∀ x, x < M.v → x ≠ m → at1 sp.label x = ((0 : Nat) : Int) := fun x hx hne => by
    obtain ⟨i, hi, e⟩ := labelled_sound hg.1 x (by rw [Nat.zero_add]; exact hx) (by rw [Nat.zero_add]; exact hne)
    have : i = 0 := by omega
    rw [e, this]
  generalize hp : partAt sp.parts 0 = p at *
  -- one test for each token below the maximum, and the absent test
  have tests : ∃ tests : Nat → List Nat → Bool, (∀ x, x < m →
      presentCount M C scope q m ((sequences scope).countP (inPair M.n q m)) (termsOf M C q m p) (leastOf M C q m p) x
        ≤ (sequences scope).countP (fun t => inPair M.n q m t && tests x t)
      ∧ ∀ t ∈ sequences scope, inPair M.n q m t = true → tests x t = true → Beaten M C q m p x t) := by
    refine ⟨fun x => if hx : x < m then (presentCount_le R F (q := q) p hx).choose else fun _ => true, fun x hx => ?_⟩
    simp only [dif_pos hx]
    exact (presentCount_le R F (q := q) p hx).choose_spec
  obtain ⟨tests, htests⟩ := tests
  have union := countP_several (sequences scope) (inPair M.n q m) (fun j t => if j < m then tests j t else partPasses M C q m p t) (m + 1)
  have below : nsum m (fun j => (sequences scope).countP fun t => inPair M.n q m t && if j < m then tests j t else partPasses M C q m p t)
      = nsum m fun j => (sequences scope).countP fun t => inPair M.n q m t && tests j t :=
    nsum_congr fun j hj => by simp only [if_pos hj]
  have lower := nsum_le (n := m) fun x hx => (htests x hx).1
  have absent := planCount_le R F q m (termAt C p q (M.n - 1) q) (termsOf M C q m p) (rowOf p.plan q)
  have right := countP_le (sequences scope)
    (fun t => inPair M.n q m t && allBelow (m + 1) fun j => if j < m then tests j t else partPasses M C q m p t)
    (rightIn (M.weights R) s q m) (by
    intro t ht e
    rw [Bool.and_eq_true, allBelow_iff] at e
    obtain ⟨hq, hm⟩ := inPair_iff.mp e.1
    have len := F.len ht
    have mx := (isMax_iff len hn).mpr hm
    refine rightIn_of_phi (M.weights R) s len hn hq hm fun x hx hne => ?_
    have group : InGroup (M.weights R).tables.n (nth 0 t) q m := ⟨hq, mx⟩
    have le : ∀ i, i < M.n - 1 → nth 0 t i ≤ m := fun i _ => by have := nth_le_largest t i; omega
    by_cases mem : x ∈ t
    · obtain ⟨j, hj, ej⟩ := mem_nth mem
      have hxm : x < m := by have := nth_le_largest t j; omega
      have pass := e.2 x (by omega)
      rw [if_pos hxm] at pass
      have pos := ofInt_pos (R := R) ((htests x hxm).2 t ht e.1 pass mem)
      rw [ofInt_add, ofInt_zsum] at pos
      refine pos_of_mul_pos (termScale_pos (M := M) (C := C) s⁻¹ q) (Std.lt_of_lt_of_le pos (terms_le_phi hn group ?_ fun i hi => ?_))
      · exact exactAt_sound H hs hh hx (show M.n - 1 < M.n by omega) H.order
      · have hi : i < M.n - 1 := hi
        simp only [besideAt, Bool.or_eq_true, Nat.beq_eq]
        split
        · exact exactAt_sound H hs hh hx (by omega) (le i hi)
        · rename_i other
          rw [at2_termsOf q m p hi (le i hi), ← hp]
          exact termAt_sound H hs hh hg.2 hx hne (label x hx hne) (by omega) (le i hi) (fun _ k => other (Or.inr k.symm))
    · have pass := e.2 m (by omega)
      rw [if_neg (Nat.lt_irrefl m)] at pass
      have pos := partPasses_sound (R := R) hn q m p len hm pass
      have absent : ∀ i, i < M.n → x ≠ nth 0 t i := fun i hi k => mem (by rw [k]; exact nth_mem (by omega))
      refine pos_of_mul_pos (termScale_pos (M := M) (C := C) s⁻¹ q) (Std.lt_of_lt_of_le pos (terms_le_phi hn group ?_ fun i hi => ?_))
      · rw [← hp]
        have := absent (M.n - 1) (by omega)
        rw [hq] at this
        exact termAt_sound H hs hh hg.2 hx hne (label x hx hne) (show M.n - 1 < M.n by omega) H.order fun _ => this
      · have hi : i < M.n - 1 := hi
        rw [← hp]
        exact termAt_sound H hs hh hg.2 hx hne (label x hx hne) (by omega) (le i hi) fun _ => absent i (by omega))
  simp only [absentCount, hp]
  rw [pairSize_eq F]
  simp only [nsum, Nat.lt_irrefl, if_false] at union
  simp only at right
  change nsum m _ = _ at below
  simp only [partPasses] at union below right
  rw [below] at union
  have hl : leastOf M C q m p = tabulate (fun i => leastUpto (at2 (termsOf M C q m p) i) m) 0 (M.n - 1) := rfl
  rw [← hl]
  have hc : partCount M C scope q m p = planCount M C scope q m (termAt C p q (M.n - 1) q) (termsOf M C q m p) (rowOf p.plan q) := rfl
  rw [hc]
  omega
end present

end Verifier
