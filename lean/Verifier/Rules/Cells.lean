module
public import Verifier.Rules.Paper
public section

/-!
Counting inside one pair of query and maximum: the last position holds the query, the positions before it are free.  A
scope is written `free ++ [r]`, the ranges of the free positions and the range of the last.
-/

namespace Verifier
open Std Lean.Grind ExpField
variable {R : Type} [ExpField R]

/-- A test of the first token and one of the rest: the counts multiply. -/
theorem countP_cons_sequences (r : Nat × Nat) (rs : List (Nat × Nat)) (a : Nat → Bool) (P Q : List Nat → Bool)
    (h : ∀ k t, P (k :: t) = (a k && Q t)) :
    (sequences (r :: rs)).countP P = (List.range' r.1 (r.2 - r.1)).countP a * (sequences rs).countP Q := by
  simp only [sequences]
  have one : ∀ k, ((sequences rs).map (k :: ·)).countP P = (if a k then 1 else 0) * (sequences rs).countP Q := by
    intro k
    rw [List.countP_map]
    by_cases e : a k = true
    · simp only [e, if_true, Nat.one_mul]
      congr 1; funext t; simp only [Function.comp, h, e, Bool.true_and]
    · simp only [Bool.not_eq_true] at e
      simp only [e, Bool.false_eq_true, if_false, Nat.zero_mul]
      apply List.countP_eq_zero.mpr; intro t _; simp [Function.comp, h, e]
  induction (List.range' r.1 (r.2 - r.1)) with
  | nil => simp
  | cons k ks ih =>
    rw [List.flatMap_cons, List.countP_append, ih, one, List.countP_cons]
    grind

theorem countP_range (q s n : Nat) :
    (List.range' s n).countP (fun k => Nat.beq k q) = if s ≤ q ∧ q < s + n then 1 else 0 := by
  induction n with
  | zero => simp
  | succ n ih =>
    rw [List.range'_concat, List.countP_append, ih]
    simp only [List.countP_cons, List.countP_nil, Nat.beq_eq, Nat.one_mul]
    grind

/-- Sequences that end in `q` and pass a test on the free positions: as many as pass it there. -/
theorem countP_last (free : List (Nat × Nat)) (r : Nat × Nat) (q : Nat) (h1 : r.1 ≤ q) (h2 : q < r.2) (P : List Nat → Bool) :
    (sequences (free ++ [r])).countP (fun t => P (t.take free.length) && Nat.beq (nth 0 t free.length) q)
      = (sequences free).countP P := by
  induction free generalizing P with
  | nil =>
    rw [List.nil_append, countP_cons_sequences r [] (fun k => P [] && Nat.beq k q) _ (fun _ => true)
      (by intro k t; simp only [List.length_nil, List.take_zero, nth, Bool.and_true])]
    simp only [sequences, List.countP_cons, List.countP_nil, if_true, Nat.zero_add, Nat.mul_one]
    by_cases e : P [] = true
    · simp only [e, Bool.true_and, if_true]
      rw [countP_range, if_pos (by omega)]
    · simp only [Bool.not_eq_true] at e
      simp [e]
  | cons r0 rs ih =>
    simp only [List.cons_append, sequences]
    have one : ∀ k, ((sequences (rs ++ [r])).map (k :: ·)).countP
        (fun t => P (t.take (r0 :: rs).length) && Nat.beq (nth 0 t (r0 :: rs).length) q)
        = ((sequences rs).map (k :: ·)).countP P := by
      intro k
      rw [List.countP_map, List.countP_map]
      exact ih fun t => P (k :: t)
    induction (List.range' r0.1 (r0.2 - r0.1)) with
    | nil => simp
    | cons k ks ih2 =>
      rw [List.flatMap_cons, List.flatMap_cons, List.countP_append, List.countP_append, ih2, one]

theorem card_front (n : Nat) (S : Nat → Bool) : card (n + 1) S = (if S 0 then 1 else 0) + card n fun i => S (i + 1) := by
  induction n with
  | zero => simp only [card]; omega
  | succ n ih => rw [card, ih]; simp only [card]; omega

/-- Counting entries of a list and counting positions is the same. -/
theorem card_eq_countP (p : Nat → Bool) (t : List Nat) : card t.length (fun i => p (nth 0 t i)) = t.countP p := by
  induction t with
  | nil => rfl
  | cons k t ih =>
    rw [List.length_cons, card_front]
    simp only [nth, ih, List.countP_cons]
    omega

theorem card_congr {n : Nat} {S S' : Nat → Bool} (h : ∀ i, i < n → S i = S' i) : card n S = card n S' := by
  induction n with
  | zero => rfl
  | succ n ih => simp only [card]; rw [ih fun i hi => h i (by omega), h n (by omega)]

theorem nth_take (t : List Nat) (n i : Nat) (h : i < n) : nth 0 (t.take n) i = nth 0 t i := by
  induction t generalizing n i with
  | nil => simp [nth]
  | cons k t ih =>
    obtain ⟨n, rfl⟩ : ∃ n', n = n' + 1 := ⟨n - 1, by omega⟩
    rw [List.take_succ_cons]
    cases i with
    | zero => rfl
    | succ i => simp only [nth]; exact ih n i (by omega)

/-- A sequence of the pattern has `c` entries other than `m`, all of them good. -/
theorem pattern_facts {m : Nat} {good : Nat → Bool} {c : Nat} {t : List Nat} (h : pattern m good c t = true) :
    t.countP (fun k => !Nat.beq k m) = c ∧ ∀ k ∈ t, k ≠ m → good k = true := by
  induction t generalizing c with
  | nil => simp only [pattern, Nat.beq_eq] at h; subst h; simp
  | cons k t ih =>
    simp only [pattern, Bool.or_eq_true, Bool.and_eq_true, Bool.not_eq_true', Nat.beq_eq] at h
    rcases h with ⟨e, h⟩ | ⟨⟨e, g⟩, h⟩
    · have := ih h
      refine ⟨by simp [this.1, e], fun j hj hne => ?_⟩
      rcases List.mem_cons.mp hj with e' | e'
      · omega
      · exact this.2 j e' hne
    · cases c with
      | zero => cases h
      | succ c =>
        have := ih h
        refine ⟨by simp [this.1, e], fun j hj hne => ?_⟩
        rcases List.mem_cons.mp hj with e' | e'
        · rw [e']; exact g
        · exact this.2 j e' hne

/-- `pure_margin` and `attention_margin`, the count of one pair (q, m): for each number `c` of free positions below `m`
the certified ones add the sequences whose `c` smaller tokens are good for that `c`; different `c` are disjoint (L24, L25).
If `q < m` some free position must hold `m`, so `c` stays below their number. -/
theorem count_patterns (W : Weights R) (s : R) (free : List (Nat × Nat)) (r : Nat × Nat) (hl : free.length + 1 = W.n) (q m : Nat)
    (h1 : r.1 ≤ q) (h2 : q < r.2) (hq : q ≤ m) (certified : Nat → Bool) (good : Nat → Nat → Bool)
    (hgood : ∀ c k, good c k = true → k < m)
    (h : ∀ c, certified c = true → c ≤ W.n - 1 → (q < m → c < W.n - 1) → ∀ t : Nat → Nat, InGroup W.n t q m →
      card (W.n - 1) (fun i => !Nat.beq (t i) m) = c → (∀ i, i < W.n - 1 → t i ≠ m → good c (t i) = true) →
      ∀ x, x < W.v → x ≠ m → 0 < W.tables.phi s⁻¹ t m x) :
    nsum (if q = m then W.n else W.n - 1) (fun c => if certified c then countPattern m (good c) free c else 0)
      ≤ (sequences (free ++ [r])).countP (rightIn W s q m) := by
  have N : W.n - 1 = free.length := by omega
  apply Nat.le_trans _ (count_by_key (sequences (free ++ [r])) (rightIn W s q m)
    (fun t => (t.take free.length).countP fun k => !Nat.beq k m) (if q = m then W.n else W.n - 1))
  apply nsum_le
  intro c hc
  by_cases cert : certified c = true
  · rw [if_pos cert, ← countPattern_eq, ← countP_last free r q h1 h2]
    apply countP_le
    intro t ht e
    simp only [Bool.and_eq_true, Nat.beq_eq] at e
    obtain ⟨e1, e2⟩ := pattern_facts e.1
    have len : t.length = W.n := by rw [(mem_sequences ht).1]; simp; omega
    have lt : (t.take free.length).length = free.length := by simp; omega
    have ct : card (W.n - 1) (fun i => !Nat.beq (nth 0 t i) m) = c := by
      rw [← e1, ← card_eq_countP, lt, N]
      exact card_congr fun i hi => by rw [nth_take t _ i hi]
    have gt : ∀ i, i < W.n - 1 → nth 0 t i ≠ m → good c (nth 0 t i) = true := by
      intro i hi hne
      rw [← nth_take t free.length i (by omega)] at hne ⊢
      exact e2 _ (nth_mem (by rw [lt]; omega)) hne
    have le : ∀ i, i < W.n → nth 0 t i ≤ m := by
      intro i hi
      by_cases last : i = free.length
      · rw [last, e.2]; exact hq
      · by_cases e' : nth 0 t i = m
        · omega
        · have := hgood c _ (gt i (by omega) e'); omega
    have below : q < m → c < W.n - 1 := by
      intro l; rw [if_neg (by omega)] at hc; exact hc
    have top : c ≤ W.n - 1 := by
      by_cases l : q = m
      · rw [if_pos l] at hc; omega
      · have := below (by omega); omega
    have mx : IsMax W.n (nth 0 t) m := by
      refine ⟨le, ?_⟩
      by_cases l : q = m
      · exact ⟨free.length, by omega, by rw [e.2, l]⟩
      · have lc := below (by omega)
        apply Classical.byContradiction
        intro no
        have : card (W.n - 1) (fun i => !Nat.beq (nth 0 t i) m) = card (W.n - 1) fun _ => true := by
          apply card_congr; intro i hi
          have : nth 0 t i ≠ m := fun e => no ⟨i, by omega, e⟩
          simp only [Bool.not_eq_true', Bool.eq_false_iff, ne_eq, Nat.beq_eq]; exact this
        have full : ∀ n, card n (fun _ => true) = n := by
          intro n
          induction n with
          | zero => rfl
          | succ n ih => simp [card, ih]
        rw [this, full] at ct
        omega
    rw [Bool.and_eq_true]
    refine ⟨rightIn_of_phi W s len (by omega) (by rw [N]; exact e.2) ((isMax_iff len (by omega)).mp mx) ?_, by simpa using e1⟩
    exact h c cert top below _ ⟨by rw [N]; exact e.2, mx⟩ ct gt
  · rw [if_neg cert]; exact Nat.zero_le _

/-- The number of sequences whose tokens are all below a bound. -/
@[expose] def countBelow (bound : Nat) : List (Nat × Nat) → Nat
  | [] => 1
  | r :: rs => (List.range' r.1 (r.2 - r.1)).countP (fun k => Nat.blt k bound) * countBelow bound rs

/-- The number of sequences with query `q` and maximum `m`, from the ranges of the free positions (L24). -/
@[expose] def cell (free : List (Nat × Nat)) (q m : Nat) : Nat := countBelow (m + 1) free - if q = m then 0 else countBelow m free

theorem countBelow_eq (bound : Nat) (free : List (Nat × Nat)) :
    (sequences free).countP (fun t => t.all fun k => Nat.blt k bound) = countBelow bound free := by
  induction free with
  | nil => simp [sequences, countBelow]
  | cons r rs ih =>
    rw [countP_cons_sequences r rs (fun k => Nat.blt k bound) _ (fun t => t.all fun k => Nat.blt k bound)
      (by intro k t; simp only [List.all_cons]), ih]
    rfl

/-- Whether a sequence ends in `q` and has maximum `m`; the last position is `N`. -/
@[expose] noncomputable def inCell (N q m : Nat) (t : List Nat) : Bool := Nat.beq (nth 0 t N) q && Nat.beq (largest t) m

theorem take_all {t : List Nat} {N : Nat} {p : Nat → Bool} (hl : t.length = N + 1) :
    (t.take N).all p = true ↔ ∀ i, i < N → p (nth 0 t i) = true := by
  rw [List.all_eq_true]
  constructor
  · intro h i hi
    rw [← nth_take t N i hi]
    exact h _ (nth_mem (by simp; omega))
  · intro h k hk
    obtain ⟨i, hi, e⟩ := List.getElem_of_mem hk
    have : ∀ (l : List Nat) i (h : i < l.length), l[i] = nth 0 l i := by
      intro l
      induction l with
      | nil => intro i h; simp at h
      | cons a l ih =>
        intro i h
        cases i with
        | zero => rfl
        | succ i => simp only [List.getElem_cons_succ, nth]; exact ih i _
    rw [this] at e
    have lt : i < N := by simp at hi; omega
    rw [nth_take t N i lt] at e
    rw [← e]; exact h i lt

/-- `cell` counts the sequences of its pair. -/
theorem cell_eq (free : List (Nat × Nat)) (r : Nat × Nat) (q m : Nat) (h1 : r.1 ≤ q) (h2 : q < r.2) (hq : q ≤ m) :
    (sequences (free ++ [r])).countP (inCell free.length q m) = cell free q m := by
  have e : (sequences (free ++ [r])).countP (inCell free.length q m)
      = (sequences (free ++ [r])).countP (fun t => ((t.take free.length).all (fun k => Nat.blt k (m + 1))
          && (Nat.beq q m || !(t.take free.length).all fun k => Nat.blt k m)) && Nat.beq (nth 0 t free.length) q) := by
    apply List.countP_congr
    intro t ht
    have len : t.length = free.length + 1 := by rw [(mem_sequences ht).1]; simp
    have mx := isMax_iff (m := m) len (by omega)
    simp only [inCell, Bool.and_eq_true, Bool.or_eq_true, Nat.beq_eq, Bool.not_eq_true', Bool.eq_false_iff, ne_eq, take_all len,
      Nat.blt_eq]
    rw [← mx]
    constructor
    · intro ⟨e, h3, i, hi, h4⟩
      refine ⟨⟨fun i hi => by have := h3 i (by omega); omega, ?_⟩, e⟩
      by_cases l : i = free.length
      · left; rw [← h4, l, e]
      · right; intro h5; have := h5 i (by omega); omega
    · intro ⟨⟨h3, h4⟩, e⟩
      refine ⟨e, fun i hi => ?_, ?_⟩
      · by_cases l : i = free.length
        · rw [l, e]; exact hq
        · have := h3 i (by omega); omega
      · rcases h4 with h4 | h4
        · exact ⟨free.length, by omega, by rw [e, h4]⟩
        · apply Classical.byContradiction
          intro no
          apply h4
          intro i hi
          have := h3 i hi
          have : nth 0 t i ≠ m := fun e => no ⟨i, by omega, e⟩
          omega
  rw [e, countP_last free r q h1 h2 fun t => (t.all fun k => Nat.blt k (m + 1)) && (Nat.beq q m || !t.all fun k => Nat.blt k m)]
  simp only [cell]
  by_cases l : q = m
  · have b : Nat.beq q m = true := by simpa using l
    simp only [b, Bool.true_or, Bool.and_true, if_pos l, Nat.sub_zero]
    exact countBelow_eq _ _
  · have b : Nat.beq q m = false := by rw [Bool.eq_false_iff]; simpa using l
    simp only [b, Bool.false_or, if_neg l]
    have s : countBelow m free
        + (sequences free).countP (fun t => (t.all fun k => Nat.blt k (m + 1)) && !t.all fun k => Nat.blt k m) = countBelow (m + 1) free := by
      rw [← countBelow_eq, ← countBelow_eq]
      apply countP_split
      intro t _ h
      simp only [List.all_eq_true, Nat.blt_eq] at h ⊢
      intro k hk; have := h k hk; omega
    omega

end Verifier
