module
public import Verifier.Rules.Search
public section

/-! `list_exceptions`, the whole rule: what dismisses an output, what is listed for the others, and the count. -/

namespace Verifier
open Std Lean.Grind ExpField
variable {R : Type} [ExpField R]

/-- A floor per slot, more by `δ` where the slot holds `m`: if the query's own term and all floors, and once `δ` if some free
slot must hold `m`, add up to a positive number, Phi is positive. -/
theorem floors_phi_pos {T : Tables R} {u e : R} {q m x : Nat} (hn : 0 < T.n) (he : 0 < e) {t : Nat → Nat} (ht : InGroup T.n t q m)
    {own δ : R} {floor : Nat → R} (hown : own ≤ e * T.psi u q m x (T.n - 1) q)
    (hf : ∀ i, i < T.n - 1 → ∀ k, k ≤ m → floor i ≤ e * T.psi u q m x i k)
    (hδ : ∀ i, i < T.n - 1 → floor i + δ ≤ e * T.psi u q m x i m)
    (pos : 0 < own + sum (T.n - 1) floor + if q = m then 0 else δ) : 0 < T.phi u t m x := by
  have le : ∀ i, i < T.n - 1 → t i ≤ m := fun i hi => ht.2.1 i (by omega)
  apply pos_of_mul_pos he
  by_cases l : q = m
  · have := terms_le_phi hn ht hown (f := floor) fun i hi => hf i hi _ (le i hi)
    rw [if_pos l] at pos
    grind
  · obtain ⟨j, hj, tj⟩ := ht.2.2
    have jn : j < T.n - 1 := by
      by_cases e : j = T.n - 1
      · exact absurd (by rw [← tj, e, ht.1]) l
      · omega
    have := terms_le_phi hn ht hown (f := fun i => floor i + if i = j then δ else 0) fun i hi => by
      by_cases e : i = j
      · simp only [e, if_true]; rw [tj]; exact hδ j jn
      · simp only [e, if_false]; have := hf i hi _ (le i hi); grind
    rw [sum_add, sum_single jn] at this
    rw [if_neg l] at pos
    grind

/-- Tests 1 to 3 of `list_exceptions`: lower bounds of Phi over all inputs of the pair that dismiss the output `x`, each in a
scale `e` of its own. -/
inductive Dismissed (T : Tables R) (u : R) (q m x : Nat) : Prop
  /-- Test 1: `f` the least of what a slot with `m` contributes, what a token below `m` other than `x` does, with a shift moved
  between skip and copy gaps, and what `x` itself does. -/
  | coarse {e own bm f shift G : R} {r : Nat → Nat → R} : 0 < e → own ≤ e * T.psi u q m x (T.n - 1) q →
      (∀ i, i < T.n - 1 → bm ≤ e * T.psi u q m x i m) →
      G ≤ (T.skip q m - T.skip q x) - shift →
      (∀ i, i < T.n - 1 → ∀ k, k < m → k ≠ x → r i k ≤ (T.copy k m - T.copy k x) + (T.pcopy i m - T.pcopy i x) + shift) →
      (∀ i, i < T.n - 1 → ∀ k, k < m → k ≠ x → f ≤ e * (T.weight u q i k * (G + r i k))) →
      (x < m → ∀ i, i < T.n - 1 → f ≤ e * T.psi u q m x i x) → f ≤ bm →
      0 < own + sum (T.n - 1) (fun _ => f) + (if q = m then 0 else bm - f) → Dismissed T u q m x
  /-- Test 2: the same with the exact least over the tokens below `m`. -/
  | exact {e own bm f : R} : 0 < e → own ≤ e * T.psi u q m x (T.n - 1) q →
      (∀ i, i < T.n - 1 → bm ≤ e * T.psi u q m x i m) →
      (∀ i, i < T.n - 1 → ∀ k, k < m → f ≤ e * T.psi u q m x i k) → f ≤ bm →
      0 < own + sum (T.n - 1) (fun _ => f) + (if q = m then 0 else bm - f) → Dismissed T u q m x
  /-- Test 3: the least of each slot, on integers, and the least that it costs to put `m` into some slot. -/
  | slots {e : R} {base δ : Int} {least : Nat → Int} {a : Nat → Nat → Int} : 0 < e →
      ofInt base ≤ e * T.psi u q m x (T.n - 1) q →
      (∀ i, i < T.n - 1 → ∀ k, k ≤ m → ofInt (a i k) ≤ e * T.psi u q m x i k) →
      (∀ i, i < T.n - 1 → ∀ k, k ≤ m → least i ≤ a i k) → (∀ i, i < T.n - 1 → δ ≤ a i m - least i) →
      0 < base + zsum (T.n - 1) least + (if q = m then 0 else δ) → Dismissed T u q m x

/-- A dismissed output never wins. -/
theorem Dismissed.phi_pos {T : Tables R} {u : R} {q m x : Nat} (h : Dismissed T u q m x) (hn : 0 < T.n) {t : Nat → Nat}
    (ht : InGroup T.n t q m) : 0 < T.phi u t m x := by
  cases h with
  | @coarse e own bm f shift G r he hown hbm hG hr hlow hself hf pos =>
    refine floors_phi_pos hn he ht hown (floor := fun _ => f) (fun i hi k hk => ?_) (fun i hi => by have := hbm i hi; grind) pos
    by_cases e1 : k = m
    · subst e1; have := hbm i hi; grind
    · by_cases e2 : k = x
      · subst e2; exact hself (by omega) i hi
      · have a := hlow i hi k (by omega) e2
        have b := psi_ge T u e q m x i k (G + r i k) he (by
          have := hr i hi k (by omega) e2
          simp only [Tables.gap]; grind)
        grind
  | @exact e own bm f he hown hbm hlow hf pos =>
    refine floors_phi_pos hn he ht hown (floor := fun _ => f) (fun i hi k hk => ?_) (fun i hi => by have := hbm i hi; grind) pos
    by_cases e1 : k = m
    · subst e1; have := hbm i hi; grind
    · exact hlow i hi k (by omega)
  | @slots e base δ least a he hbase ha hleast hδ pos =>
    refine floors_phi_pos hn he ht hbase (floor := fun i => ofInt (least i)) (δ := ofInt δ) (fun i hi k hk => ?_) (fun i hi => ?_) ?_
    · have := ha i hi k hk
      have := ofInt_le (R := R) (hleast i hi k hk)
      grind
    · have := ha i hi m (Nat.le_refl _)
      have b := ofInt_le (R := R) (hδ i hi)
      rw [ofInt_sub] at b
      grind
    · have p := ofInt_pos (R := R) pos
      rw [ofInt_add, ofInt_add, ofInt_zsum] at p
      by_cases l : q = m
      · simp only [l, if_true] at p ⊢; rw [ofInt_zero] at p; exact p
      · simp only [l, if_false] at p ⊢; exact p

/-- Test 4 of `list_exceptions`: every filling of the free slots that the search finds for `x` is in the list. -/
structure Listed (T : Tables R) (u : R) (q m x : Nat) (free : List (Nat × Nat)) (list : List (List Nat)) where
  (e : R) (base : Int) (a : Nat → Nat → Int) (columns : List (List (Int × Nat)))
  scale_pos : 0 < e
  base_le : ofInt base ≤ e * T.psi u q m x (T.n - 1) q
  terms_le : ∀ i, i < T.n - 1 → ∀ k, k ≤ m → ofInt (a i k) ≤ e * T.psi u q m x i k
  columns_of : Columns a m 0 free columns
  all_listed : ∀ t ∈ exceptions m (!Nat.beq q m) columns base, t ∈ list

theorem termSum_eq (a : Nat → Nat → Int) (t : List Nat) (s : Nat) :
    (ofInt (termSum a s t) : R) = sum t.length fun i => ofInt (a (s + i) (nth 0 t i)) := by
  have shift : ∀ (n : Nat) (f : Nat → R), sum (n + 1) f = f 0 + sum n fun i => f (i + 1) := by
    intro n f
    induction n with
    | zero => simp only [sum]; grind
    | succ n ih => rw [sum, ih]; simp only [sum]; grind
  induction t generalizing s with
  | nil => exact ofInt_zero
  | cons k t ih =>
    rw [List.length_cons, shift]
    simp only [termSum, nth, Nat.add_zero]
    rw [ofInt_add, ih (s + 1)]
    congr 1
    apply sum_congr; intro i _
    rw [show s + 1 + i = s + (i + 1) by omega]

/-- An input of the pair whose free tokens are not listed has a positive Phi for the outputs that were listed. -/
theorem Listed.phi_pos {T : Tables R} {u : R} {q m x : Nat} {free : List (Nat × Nat)} {list : List (List Nat)}
    (L : Listed T u q m x free list) (hl : free.length + 1 = T.n) {t : List Nat} (len : t.length = T.n)
    (mem : t.take free.length ∈ sequences free) (ht : InGroup T.n (nth 0 t) q m) (no : ¬ t.take free.length ∈ list) :
    0 < T.phi u (nth 0 t) m x := by
  have N : T.n - 1 = free.length := by omega
  have entry : ∀ k ∈ t.take free.length, ∃ i, i < free.length ∧ nth 0 t i = k := by
    have all := take_all (p := fun k => decide (∃ i, i < free.length ∧ nth 0 t i = k)) (show t.length = free.length + 1 by omega)
    have h := all.mpr fun i hi => by simp only [decide_eq_true_eq]; exact ⟨i, hi, rfl⟩
    intro k hk
    have := List.all_eq_true.mp h k hk
    simpa using this
  have fills := L.columns_of.fills mem fun k hk => by
    obtain ⟨i, hi, e⟩ := entry k hk
    have := ht.2.1 i (by omega); omega
  have needed : (!Nat.beq q m) = true → m ∈ t.take free.length := by
    intro ne
    obtain ⟨j, hj, tj⟩ := ht.2.2
    have jn : j < free.length := by
      by_cases e : j = T.n - 1
      · exact absurd (by rw [← tj, e, ht.1]) (not_beq.mp ne)
      · omega
    rw [← tj, ← nth_take t free.length j jn]
    exact nth_mem (by simp; omega)
  have pos : 0 < L.base + termSum L.a 0 (t.take free.length) := by
    apply Classical.byContradiction
    intro n
    exact no (L.all_listed _ (mem_exceptions L.columns_of.ascending fills needed (by omega)))
  have phi := terms_le_phi (x := x) (u := u) (c := L.e) (by omega) ht L.base_le
    (f := fun i => ofInt (L.a i (nth 0 t i))) fun i hi => L.terms_le i hi _ (ht.2.1 i (by omega))
  have p := ofInt_pos (R := R) pos
  rw [ofInt_add, termSum_eq] at p
  have e : sum (t.take free.length).length (fun i => (ofInt (L.a (0 + i) (nth 0 (t.take free.length) i)) : R))
      = sum (T.n - 1) fun i => ofInt (L.a i (nth 0 t i)) := by
    rw [show (t.take free.length).length = T.n - 1 by simp; omega]
    apply sum_congr; intro i hi
    rw [nth_take t _ i (by omega), Nat.zero_add]
  rw [e] at p
  apply pos_of_mul_pos L.scale_pos
  grind

theorem take_mem_sequences {free : List (Nat × Nat)} {r : Nat × Nat} {t : List Nat} (h : t ∈ sequences (free ++ [r])) :
    t.take free.length ∈ sequences free := by
  induction free generalizing t with
  | nil => simp [sequences]
  | cons r0 rs ih =>
    simp only [List.cons_append, sequences, List.mem_flatMap, List.mem_map] at h ⊢
    obtain ⟨k, hk, t', ht, rfl⟩ := h
    exact ⟨k, hk, t'.take rs.length, ih ht, by simp⟩

/-- Each sequence occurs once in its scope. -/
theorem count_one (free : List (Nat × Nat)) (e : List Nat) : (sequences free).countP (fun t => t == e) ≤ 1 := by
  induction free generalizing e with
  | nil => simp only [sequences, List.countP_cons, List.countP_nil]; split <;> omega
  | cons r rs ih =>
    cases e with
    | nil => rw [countP_cons_sequences r rs (fun _ => false) _ (fun _ => false) (by intro k t; rfl)]; simp
    | cons k0 t0 =>
      rw [countP_cons_sequences r rs (fun k => Nat.beq k k0) _ (fun t => t == t0) (by
        intro k t
        rw [Bool.eq_iff_iff]
        simp)]
      rw [countP_range]
      have := ih t0
      split
      · omega
      · omega

/-- At most as many sequences are listed as the list is long. -/
theorem countP_listed (free : List (Nat × Nat)) (list : List (List Nat)) :
    (sequences free).countP (fun t => list.contains t) ≤ list.length := by
  induction list with
  | nil => simp
  | cons e list ih =>
    have one := count_one free e
    have split : (sequences free).countP (fun t => (e :: list).contains t)
        ≤ (sequences free).countP (fun t => t == e) + (sequences free).countP fun t => list.contains t := by
      generalize sequences free = l
      induction l with
      | nil => simp
      | cons a l ih =>
        simp only [List.countP_cons, List.contains_cons] at ih ⊢
        grind
    rw [List.length_cons]
    omega

/-- `list_exceptions`: where each wrong output is dismissed by one of the tests 1 to 3 or has every filling of its search in
the list, at least the inputs of the pair (q, m) less the entries of the list are answered correctly (L3, L4, L24, L33).  The
rule takes for the list the distinct fillings found; any list that holds them will do. -/
theorem list_exceptions_sound (W : Weights R) (s : R) (free : List (Nat × Nat)) (r : Nat × Nat) (hl : free.length + 1 = W.n) (q m : Nat)
    (h1 : r.1 ≤ q) (h2 : q < r.2) (hq : q ≤ m) (list : List (List Nat))
    (each : ∀ x, x < W.v → x ≠ m → Dismissed W.tables s⁻¹ q m x ∨ Nonempty (Listed W.tables s⁻¹ q m x free list)) :
    cell free q m - list.length ≤ (sequences (free ++ [r])).countP (rightIn W s q m) := by
  have hn : 0 < W.n := by omega
  have listed : (sequences (free ++ [r])).countP (fun t => list.contains (t.take free.length) && Nat.beq (nth 0 t free.length) q)
      ≤ list.length := by
    rw [countP_last free r q h1 h2 fun t => list.contains t]; exact countP_listed free list
  have split := countP_le (sequences (free ++ [r])) (inCell free.length q m)
    (fun t => rightIn W s q m t || (list.contains (t.take free.length) && Nat.beq (nth 0 t free.length) q)) (by
      intro t ht h
      simp only [inCell, Bool.and_eq_true, Nat.beq_eq] at h
      have len : t.length = W.n := by rw [(mem_sequences ht).1]; simp; omega
      have N : W.n - 1 = free.length := by omega
      by_cases c : t.take free.length ∈ list
      · show (rightIn W s q m t || (list.contains (t.take free.length) && Nat.beq (nth 0 t free.length) q)) = true
        rw [List.contains_iff_mem.mpr c, h.1]; simp
      · show (rightIn W s q m t || (list.contains (t.take free.length) && Nat.beq (nth 0 t free.length) q)) = true
        rw [Bool.or_eq_true]; left
        have g : InGroup W.n (nth 0 t) q m := ⟨by rw [N]; exact h.1, (isMax_iff len hn).mpr h.2⟩
        refine rightIn_of_phi W s len hn g.1 h.2 fun x hx hne => ?_
        rcases each x hx hne with d | L
        · exact d.phi_pos hn g
        · obtain ⟨L⟩ := L
          exact L.phi_pos hl len (take_mem_sequences ht) g c)
  have union : ∀ (l : List (List Nat)) (p p' : List Nat → Bool), l.countP (fun t => p t || p' t) ≤ l.countP p + l.countP p' := by
    intro l p p'
    induction l with
    | nil => simp
    | cons a l ih => simp only [List.countP_cons]; grind
  have := union (sequences (free ++ [r])) (rightIn W s q m) fun t => list.contains (t.take free.length) && Nat.beq (nth 0 t free.length) q
  have whole := cell_eq free r q m h1 h2 hq
  omega

end Verifier
