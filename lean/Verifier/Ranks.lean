module
public import Verifier.Cast
public import Verifier.Extremal
public section

/-! Slots in the order of their weights: what any set of slots weighs at least and at most (L11). -/

namespace Verifier
open Std Lean.Grind
variable {R : Type} [ExpField R]

theorem sum_append (a b : Nat) (f : Nat → R) : sum (a + b) f = sum a f + sum b fun j => f (a + j) := by
  induction b with
  | zero => simp only [sum, Nat.add_zero]; grind
  | succ b ih => rw [← Nat.add_assoc]; simp only [sum, ih]; grind

theorem sum_single {n j : Nat} (hj : j < n) (a : R) : sum n (fun i => if i = j then a else 0) = a := by
  induction n with
  | zero => omega
  | succ n ih =>
    simp only [sum]
    by_cases e : n = j
    · subst e
      have z : sum n (fun i => if i = n then a else 0) = sum n fun _ => (0 : R) :=
        sum_congr fun i hi => by rw [if_neg (by omega)]
      rw [z, sum_zero, if_pos rfl]; grind
    · rw [ih (by omega), if_neg e]; grind

/-- `σ` and `τ` reorder the numbers below `N` and undo each other. -/
@[expose] def Reorders (N : Nat) (σ τ : Nat → Nat) : Prop :=
  ∀ i, i < N → σ i < N ∧ τ i < N ∧ τ (σ i) = i ∧ σ (τ i) = i

/-- The first `N` values of `rank` are those of `ρ` in ascending order. -/
@[expose] def Ranked (N : Nat) (rank ρ : Nat → R) : Prop :=
  (∀ i j, i ≤ j → j < N → rank i ≤ rank j) ∧ ∃ σ τ, Reorders N σ τ ∧ ∀ i, i < N → rank i = ρ (σ i)

theorem sum_reorder {N : Nat} {σ τ : Nat → Nat} (h : Reorders N σ τ) (f : Nat → R) : sum N (fun i => f (σ i)) = sum N f := by
  have e1 : sum N (fun i => f (σ i)) = sum N fun i => sum N fun j => if j = σ i then f j else 0 := by
    apply sum_congr; intro i hi
    have e : sum N (fun j => if j = σ i then f j else 0) = sum N fun j => if j = σ i then f (σ i) else 0 := by
      apply sum_congr; intro j _
      by_cases e : j = σ i
      · rw [if_pos e, if_pos e, e]
      · rw [if_neg e, if_neg e]
    rw [e, sum_single (h i hi).1]
  have e2 : ∀ j, j < N → sum N (fun i => if j = σ i then f j else 0) = f j := by
    intro j hj
    have e : sum N (fun i => if j = σ i then f j else 0) = sum N fun i => if i = τ j then f j else 0 := by
      apply sum_congr; intro i hi
      by_cases e : j = σ i
      · rw [if_pos e, if_pos (by rw [e]; exact ((h i hi).2.2.1).symm)]
      · rw [if_neg e, if_neg (by intro e'; apply e; rw [e']; exact ((h j hj).2.2.2).symm)]
    rw [e, sum_single (h j hj).2.1]
  rw [e1, sum_comm]
  exact sum_congr e2

theorem ofInt_card (n : Nat) (S : Nat → Bool) : (ofInt (card n S : Int) : R) = sumOn n S fun _ => 1 := by
  induction n with
  | zero => simp only [card, sumOn, sum, Int.natCast_zero, ofInt_zero]
  | succ n ih =>
    simp only [sumOn] at ih ⊢
    simp only [card, sum, Int.natCast_add, ofInt_add, ih]
    congr 1
    by_cases h : S n = true
    · simp only [h, if_true]; exact ofInt_one
    · simp only [h]; exact ofInt_zero

/-- Reordering the slots does not change how many a set has; told through a field `R`. -/
theorem card_reorder (R : Type) [ExpField R] {N : Nat} {σ τ : Nat → Nat} (h : Reorders N σ τ) (S : Nat → Bool) :
    card N (fun i => S (σ i)) = card N S := by
  have e : (ofInt (card N (fun i => S (σ i)) : Int) : R) = ofInt (card N S : Int) := by
    rw [ofInt_card, ofInt_card]
    exact sum_reorder h fun i => if S i then 1 else 0
  have a := fun l : (card N (fun i => S (σ i)) : Int) < card N S => ofInt_lt (R := R) l
  have b := fun l : (card N S : Int) < card N (fun i => S (σ i)) => ofInt_lt (R := R) l
  rw [e] at a b
  by_cases l : card N (fun i => S (σ i)) < card N S
  · have := a (by omega); grind
  · by_cases l' : card N S < card N (fun i => S (σ i))
    · have := b (by omega); grind
    · omega

theorem card_not (n : Nat) (S : Nat → Bool) : card n S + card n (fun i => !S i) = n := by
  induction n with
  | zero => rfl
  | succ n ih =>
    simp only [card]
    by_cases h : S n = true
    · simp only [h, if_true, Bool.not_true, Bool.false_eq_true, if_false]; omega
    · simp only [Bool.not_eq_true] at h
      simp only [h, if_true, Bool.not_false, Bool.false_eq_true, if_false]; omega

theorem not_beq {a b : Nat} : (!Nat.beq a b) = true ↔ a ≠ b := by
  rw [Bool.not_eq_true', Bool.eq_false_iff, ne_eq, Nat.beq_eq]

theorem card_pos {n : Nat} {S : Nat → Bool} {i : Nat} (hi : i < n) (h : S i = true) : 0 < card n S := by
  induction n with
  | zero => omega
  | succ n ih =>
    simp only [card]
    by_cases e : i = n
    · subst e; simp only [h, if_true]; omega
    · have := ih (by omega); omega

theorem exists_of_card_pos {n : Nat} {S : Nat → Bool} (h : 0 < card n S) : ∃ i, i < n ∧ S i = true := by
  induction n with
  | zero => simp [card] at h
  | succ n ih =>
    by_cases e : S n = true
    · exact ⟨n, by omega, e⟩
    · simp only [card, e] at h
      obtain ⟨i, hi, hS⟩ := ih (by simpa using h)
      exact ⟨i, by omega, hS⟩

/-- L11: any set of slots weighs at least as much as that many of the least slots. -/
theorem Ranked.lowest_le {N : Nat} {rank ρ : Nat → R} (h : Ranked N rank ρ) (S : Nat → Bool) : sum (card N S) rank ≤ sumOn N S ρ := by
  obtain ⟨sorted, σ, τ, hσ, e⟩ := h
  have b := least_slots (n := N) rank sorted fun i => S (σ i)
  rw [card_reorder R hσ] at b
  have c : sumOn N (fun i => S (σ i)) rank = sumOn N S ρ := by
    have e' : sumOn N (fun i => S (σ i)) rank = sum N fun i => (fun j => if S j then ρ j else (0 : R)) (σ i) := by
      simp only [sumOn]; apply sum_congr; intro i hi; rw [e i hi]
    rw [e']; exact sum_reorder hσ fun j => if S j then ρ j else 0
  rw [c] at b
  exact b

theorem Ranked.sum_eq {N : Nat} {rank ρ : Nat → R} (h : Ranked N rank ρ) : sum N rank = sum N ρ := by
  obtain ⟨_, σ, τ, hσ, e⟩ := h
  rw [sum_congr e]; exact sum_reorder hσ ρ

/-- L11 for a set and the slots outside it, of which there are `c`: both lie between the least and the largest slots. -/
theorem Ranked.bounds {N c : Nat} {rank ρ : Nat → R} (h : Ranked N rank ρ) (S : Nat → Bool) (hc : card N (fun i => !S i) = c) :
    sum (N - c) rank ≤ sumOn N S ρ ∧ sumOn N S ρ ≤ sum (N - c) (fun j => rank (c + j)) ∧
    sum c rank ≤ sumOn N (fun i => !S i) ρ ∧ sumOn N (fun i => !S i) ρ ≤ sum c fun j => rank (N - c + j) := by
  have n := card_not N S
  have low := h.lowest_le S
  have low' := h.lowest_le fun i => !S i
  have whole := sumOn_split N S ρ
  have total := h.sum_eq
  have one := sum_append (N - c) c rank
  have two := sum_append c (N - c) rank
  rw [show N - c + c = N by omega] at one
  rw [show c + (N - c) = N by omega] at two
  rw [show card N S = N - c by omega] at low
  rw [hc] at low'
  refine ⟨low, ?_, low', ?_⟩ <;> grind

end Verifier
