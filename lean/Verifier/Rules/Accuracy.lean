module
public import Verifier.Rules.Counting
public section

/-! Counts of disjoint groups add up to one number, and wrong inputs bound it from above. -/

namespace Verifier
open Std Lean.Grind ExpField
variable {R : Type} [ExpField R]

/-- Whether a sequence is answered correctly and its query is at least `a`. -/
@[expose] noncomputable def rightAfter (W : Weights R) (s : R) (a : Nat) (t : List Nat) : Bool :=
  (@decide (Correct W s (nth 0 t)) (Classical.propDecidable _)) && Nat.ble a (nth 0 t (W.n - 1))

/-- Whether a sequence is answered correctly and its query lies in `a ≤ q < b`. -/
@[expose] noncomputable def rightFrom (W : Weights R) (s : R) (a b : Nat) (t : List Nat) : Bool :=
  rightAfter W s a t && Nat.blt (nth 0 t (W.n - 1)) b

/-- The pairs of query and maximum partition the sequences, so certified counts of the pairs of some queries add up to at
most the right answers that end in one of these (L24, L25). -/
theorem count_queries (W : Weights R) (s : R) (scope : List (Nat × Nat)) (a n v : Nat) (certified : Nat → Nat → Nat)
    (h : ∀ q, a ≤ q → q < a + n → ∀ m, m < v → certified q m ≤ (sequences scope).countP (rightIn W s q m)) :
    nsum n (fun i => nsum v (certified (a + i))) ≤ (sequences scope).countP (rightFrom W s a (a + n)) := by
  have inner : ∀ i, i < n → nsum v (certified (a + i)) ≤
      (sequences scope).countP fun t => rightFrom W s a (a + n) t && Nat.beq (nth 0 t (W.n - 1) - a) i := fun i hi => by
    refine Nat.le_trans (nsum_le fun m hm => h (a + i) (by omega) (by omega) m hm) ?_
    refine Nat.le_trans (count_by_key _ _ largest v) (countP_le _ _ _ fun t _ e => ?_)
    simp only [rightFrom, rightAfter, Bool.and_eq_true, Nat.beq_eq, Nat.ble_eq, Nat.blt_eq] at e ⊢
    exact ⟨⟨⟨e.1, by omega⟩, by omega⟩, by omega⟩
  exact Nat.le_trans (nsum_le inner) (count_by_key _ _ (fun t => nth 0 t (W.n - 1) - a) n)

/-- `accuracy`: the certified counts of all pairs of query and maximum add up to at most the number of right answers. -/
theorem accuracy_sound (W : Weights R) (s : R) (scope : List (Nat × Nat)) (v : Nat) (certified : Nat → Nat → Nat)
    (h : ∀ q, q < v → ∀ m, m < v → certified q m ≤ (sequences scope).countP (rightIn W s q m)) :
    nsum v (fun q => nsum v (certified q)) ≤ numCorrect W s scope := by
  have c := count_queries W s scope 0 v v certified fun q _ hq => h q (by omega)
  simp only [Nat.zero_add] at c
  exact Nat.le_trans c (countP_le _ _ _ fun t _ e => by
    simp only [rightFrom, rightAfter, Bool.and_eq_true] at e
    exact e.1.1)

/-- Right answers for a range of queries and right answers for queries after it add up. -/
theorem count_ranges (W : Weights R) (s : R) (scope : List (Nat × Nat)) {a n b c total : Nat} (hb : a + n ≤ b)
    (range : c ≤ (sequences scope).countP (rightFrom W s a (a + n))) (after : total ≤ (sequences scope).countP (rightAfter W s b)) :
    c + total ≤ (sequences scope).countP (rightAfter W s a) := by
  have split := countP_split (sequences scope) (rightFrom W s a (a + n)) (rightAfter W s a) (by
    intro t _ e
    simp only [rightFrom, Bool.and_eq_true] at e
    exact e.1)
  have le := countP_le (sequences scope) (rightAfter W s b) (fun t => rightAfter W s a t && !rightFrom W s a (a + n) t) (by
    intro t _ e
    simp only [rightFrom, rightAfter, Bool.and_eq_true, Nat.ble_eq, Nat.blt_eq, Bool.not_eq_true', Bool.eq_false_iff, ne_eq] at e ⊢
    exact ⟨⟨e.1, by omega⟩, fun k => by omega⟩)
  omega

/-- A right answer is a right answer. -/
theorem rightAfter_le (W : Weights R) (s : R) (scope : List (Nat × Nat)) (a : Nat) :
    (sequences scope).countP (rightAfter W s a) ≤ numCorrect W s scope :=
  countP_le _ _ _ fun t _ e => by
    simp only [rightAfter, Bool.and_eq_true] at e
    exact e.1

/-- `accuracy`, the fraction: enough certified sequences make the claimed bound hold. -/
theorem bound_of_certified (W : Weights R) (s : R) (scope : List (Nat × Nat)) (p q certified : Nat)
    (h : certified ≤ numCorrect W s scope) (hc : p * total scope ≤ q * certified) :
    p * (sequences scope).length ≤ q * numCorrect W s scope := by
  rw [length_sequences]
  exact Nat.le_trans hc (Nat.mul_le_mul_left q h)

theorem countP_ge_length {α} [BEq α] [LawfulBEq α] (l w : List α) (p : α → Bool) (nodup : w.Nodup) (sub : ∀ a ∈ w, a ∈ l)
    (hp : ∀ a ∈ w, p a = true) : w.length ≤ l.countP p := by
  induction l generalizing w with
  | nil =>
    cases w with
    | nil => simp
    | cons a w => have := sub a List.mem_cons_self; simp at this
  | cons b l ih =>
    have e := ih (w.erase b) (nodup.erase b) (fun a ha => by
      have h1 := List.mem_of_mem_erase ha
      rcases List.mem_cons.mp (sub a h1) with h2 | h2
      · subst h2; exact absurd ha (List.Nodup.not_mem_erase nodup)
      · exact h2) fun a ha => hp a (List.mem_of_mem_erase ha)
    rw [List.countP_cons]
    by_cases hb : b ∈ w
    · have := hp b hb
      have l2 := List.length_erase_of_mem hb
      have := List.length_pos_of_mem hb
      simp only [*, if_true]
      omega
    · rw [List.erase_of_not_mem hb] at e
      omega

/-- `wrong_inputs`: distinct sequences of the scope, each with an output whose Phi is not positive, bound the number of
right answers from above. -/
theorem wrong_inputs_sound (W : Weights R) (s : R) (scope : List (Nat × Nat)) (hn : 0 < W.n) (listed : List (List Nat))
    (nodup : listed.Nodup) (sub : ∀ t ∈ listed, t ∈ sequences scope)
    (wrong : ∀ t ∈ listed, ∃ m x, IsMax W.n (nth 0 t) m ∧ x < W.v ∧ x ≠ m ∧ W.tables.phi s⁻¹ (nth 0 t) m x ≤ 0) :
    numCorrect W s scope + listed.length ≤ (sequences scope).length := by
  have := countP_not (sequences scope) fun t => @decide (Correct W s (nth 0 t)) (Classical.propDecidable _)
  have w := countP_ge_length (sequences scope) listed (fun t => !(@decide (Correct W s (nth 0 t)) (Classical.propDecidable _)))
    nodup sub (fun t ht => by
      obtain ⟨m, x, hm, hx, hne, h⟩ := wrong t ht
      have := wrong_of_phi W s (nth 0 t) hn m x hm hx hne h
      simpa using this)
  simp only [numCorrect]
  omega

end Verifier
