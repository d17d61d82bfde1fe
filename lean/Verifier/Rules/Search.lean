module
public import Verifier.Ranks
public import Verifier.Rules.Cells
public section

/-! The search of `list_exceptions`: it finds every filling of the free slots whose sum of terms is not positive. -/

namespace Verifier

/-- The first term of a column of (term, token), 0 if it is empty. -/
@[expose] def headTerm : List (Int × Nat) → Int
  | [] => 0
  | e :: _ => e.1

/-- The least that the remaining columns can add, each being ascending. -/
@[expose] def leastSum : List (List (Int × Nat)) → Int
  | [] => 0
  | column :: rest => headTerm column + leastSum rest

/-- The rule's search: slot by slot, a column's loop ends at the first term that the least of the later columns cannot bring to 0. -/
@[expose] noncomputable def listed : List (List (Int × Nat)) → Int → List (List Nat)
  | [], _ => [[]]
  | column :: rest, total =>
    (column.takeWhile fun e => decide (total + e.1 + leastSum rest ≤ 0)).flatMap fun e => (listed rest (total + e.1)).map (e.2 :: ·)

/-- Fillings with `m` in some slot, split by the first slot that holds it. -/
@[expose] noncomputable def boxes (m : Nat) : List (List (Int × Nat)) → List (List (List (Int × Nat)))
  | [] => []
  | column :: rest => (column.filter (fun e => Nat.beq e.2 m) :: rest) :: (boxes m rest).map (column.filter (fun e => !Nat.beq e.2 m) :: ·)

/-- All fillings that the rule lists: those with `m` in some slot if `needed`, else all. -/
@[expose] noncomputable def exceptions (m : Nat) (needed : Bool) (columns : List (List (Int × Nat))) (base : Int) : List (List Nat) :=
  if needed then (boxes m columns).flatMap fun box => listed box base else listed columns base

/-- A column in ascending order of its terms. -/
@[expose] def Ascending (column : List (Int × Nat)) : Prop := column.Pairwise fun e f => e.1 ≤ f.1

/-- The tokens stand in the columns with terms that add up to `s`. -/
@[expose] def Fills : List (List (Int × Nat)) → List Nat → Int → Prop
  | [], [], s => s = 0
  | column :: rest, k :: t, s => ∃ a, (a, k) ∈ column ∧ Fills rest t (s - a)
  | _, _, _ => False

theorem headTerm_le {column : List (Int × Nat)} (h : Ascending column) {e : Int × Nat} (he : e ∈ column) : headTerm column ≤ e.1 := by
  cases column with
  | nil => cases he
  | cons f column =>
    rcases List.mem_cons.mp he with rfl | he
    · exact Int.le_refl _
    · exact (List.pairwise_cons.mp h).1 e he

theorem leastSum_le {columns : List (List (Int × Nat))} (h : ∀ c ∈ columns, Ascending c) {t : List Nat} {s : Int}
    (f : Fills columns t s) : leastSum columns ≤ s := by
  induction columns generalizing t s with
  | nil => cases t with
    | nil => simp only [Fills] at f; subst f; exact Int.le_refl _
    | cons => cases f
  | cons column rest ih => cases t with
    | nil => cases f
    | cons k t =>
      obtain ⟨a, ha, f⟩ := f
      have := ih (fun c hc => h c (List.mem_cons_of_mem _ hc)) f
      have : headTerm column ≤ a := headTerm_le (h column List.mem_cons_self) ha
      simp only [leastSum]
      omega

theorem mem_prefix {column : List (Int × Nat)} (h : Ascending column) (bound : Int) {e : Int × Nat} (he : e ∈ column)
    (p : bound + e.1 ≤ 0) (q : Int) (hq : bound = q) : e ∈ column.takeWhile fun f => decide (q + f.1 ≤ 0) := by
  subst hq
  induction column with
  | nil => cases he
  | cons f column ih =>
    have c := List.pairwise_cons.mp h
    have first : bound + f.1 ≤ 0 := by
      rcases List.mem_cons.mp he with rfl | he
      · exact p
      · have := c.1 e he; omega
    rw [List.takeWhile_cons_of_pos (by simpa using first)]
    rcases List.mem_cons.mp he with rfl | he
    · exact List.mem_cons_self
    · exact List.mem_cons_of_mem _ (ih c.2 he)

/-- The search misses no filling whose sum is not positive. -/
theorem mem_listed {columns : List (List (Int × Nat))} (h : ∀ c ∈ columns, Ascending c) {t : List Nat} {s total : Int}
    (f : Fills columns t s) (le : total + s ≤ 0) : t ∈ listed columns total := by
  induction columns generalizing t s total with
  | nil => cases t with
    | nil => simp [listed]
    | cons => cases f
  | cons column rest ih => cases t with
    | nil => cases f
    | cons k t =>
      obtain ⟨a, ha, f⟩ := f
      have rest' := fun c hc => h c (List.mem_cons_of_mem _ hc)
      have low := leastSum_le rest' f
      have m := mem_prefix (h column List.mem_cons_self) (total + leastSum rest) ha (by show _ + a ≤ 0; omega) _ rfl
      simp only [listed, List.mem_flatMap, List.mem_map]
      refine ⟨(a, k), ?_, t, ih rest' f (by show total + a + _ ≤ 0; omega), rfl⟩
      have e : (fun f : Int × Nat => decide (total + f.1 + leastSum rest ≤ 0)) = fun f => decide (total + leastSum rest + f.1 ≤ 0) := by
        funext f; congr 1; rw [Int.add_right_comm]
      rw [e]; exact m

theorem boxes_ascending {m : Nat} {columns : List (List (Int × Nat))} (h : ∀ c ∈ columns, Ascending c) :
    ∀ box ∈ boxes m columns, ∀ c ∈ box, Ascending c := by
  induction columns with
  | nil => intro box hb; cases hb
  | cons column rest ih =>
    have rest' := fun c hc => h c (List.mem_cons_of_mem _ hc)
    have here : ∀ p : Int × Nat → Bool, Ascending (column.filter p) := fun p => List.Pairwise.filter p (h column List.mem_cons_self)
    intro box hb c hc
    simp only [boxes, List.mem_cons, List.mem_map] at hb
    rcases hb with rfl | ⟨b, hb, rfl⟩
    · rcases List.mem_cons.mp hc with rfl | hc
      · exact here _
      · exact rest' c hc
    · rcases List.mem_cons.mp hc with rfl | hc
      · exact here _
      · exact ih rest' b hb c hc

theorem fills_box {m : Nat} {columns : List (List (Int × Nat))} {t : List Nat} {s : Int} (f : Fills columns t s) (hm : m ∈ t) :
    ∃ box ∈ boxes m columns, Fills box t s := by
  induction columns generalizing t s with
  | nil => cases t with
    | nil => cases hm
    | cons => cases f
  | cons column rest ih => cases t with
    | nil => cases f
    | cons k t =>
      obtain ⟨a, ha, f⟩ := f
      simp only [boxes]
      by_cases e : k = m
      · exact ⟨_, List.mem_cons_self, a, List.mem_filter.mpr ⟨ha, by simpa using e⟩, f⟩
      · have : m ∈ t := by
          rcases List.mem_cons.mp hm with h | h
          · exact absurd h.symm e
          · exact h
        obtain ⟨box, hb, fb⟩ := ih f this
        exact ⟨_, List.mem_cons_of_mem _ (List.mem_map.mpr ⟨box, hb, rfl⟩), a,
          List.mem_filter.mpr ⟨ha, not_beq.mpr e⟩, fb⟩

/-- The rule lists every filling whose sum is not positive, of those with `m` in some slot if that is needed. -/
theorem mem_exceptions {m : Nat} {needed : Bool} {columns : List (List (Int × Nat))} (h : ∀ c ∈ columns, Ascending c)
    {t : List Nat} {s base : Int} (f : Fills columns t s) (hm : needed = true → m ∈ t) (le : base + s ≤ 0) :
    t ∈ exceptions m needed columns base := by
  simp only [exceptions]
  split
  · rename_i n
    obtain ⟨box, hb, fb⟩ := fills_box f (hm n)
    exact List.mem_flatMap.mpr ⟨box, hb, mem_listed (boxes_ascending h box hb) fb le⟩
  · exact mem_listed h f le

/-- The columns of the free positions from the `s`-th on: ascending, with the term of every token of the range up to `m`. -/
@[expose] def Columns (a : Nat → Nat → Int) (m : Nat) : Nat → List (Nat × Nat) → List (List (Int × Nat)) → Prop
  | _, [], [] => True
  | s, r :: rs, column :: rest =>
    Ascending column ∧ (∀ k, r.1 ≤ k → k < r.2 → k ≤ m → (a s k, k) ∈ column) ∧ Columns a m (s + 1) rs rest
  | _, _, _ => False

theorem Columns.ascending {a : Nat → Nat → Int} {m s : Nat} {free : List (Nat × Nat)} {columns : List (List (Int × Nat))}
    (h : Columns a m s free columns) : ∀ c ∈ columns, Ascending c := by
  induction free generalizing s columns with
  | nil => cases columns with
    | nil => intro c hc; cases hc
    | cons => cases h
  | cons r rs ih => cases columns with
    | nil => cases h
    | cons column rest =>
      intro c hc
      rcases List.mem_cons.mp hc with rfl | hc
      · exact h.1
      · exact ih h.2.2 c hc

/-- The sum of the terms of a filling, as the rule adds them. -/
@[expose] def termSum (a : Nat → Nat → Int) : Nat → List Nat → Int
  | _, [] => 0
  | s, k :: t => a s k + termSum a (s + 1) t

theorem Columns.fills {a : Nat → Nat → Int} {m s : Nat} {free : List (Nat × Nat)} {columns : List (List (Int × Nat))}
    (h : Columns a m s free columns) {t : List Nat} (ht : t ∈ sequences free) (le : ∀ k ∈ t, k ≤ m) :
    Fills columns t (termSum a s t) := by
  induction free generalizing s columns t with
  | nil =>
    simp only [sequences, List.mem_singleton] at ht
    subst ht
    cases columns with
    | nil => rfl
    | cons => cases h
  | cons r rs ih =>
    simp only [sequences, List.mem_flatMap, List.mem_map, List.mem_range'_1] at ht
    obtain ⟨k, hk, t, ht, rfl⟩ := ht
    cases columns with
    | nil => cases h
    | cons column rest =>
      refine ⟨a s k, h.2.1 k (by omega) (by omega) (le k List.mem_cons_self), ?_⟩
      have := ih h.2.2 ht fun j hj => le j (List.mem_cons_of_mem _ hj)
      rw [show termSum a s (k :: t) - a s k = termSum a (s + 1) t by simp only [termSum]; omega]
      exact this

end Verifier
