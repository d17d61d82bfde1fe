module
public import Verifier.Rules.Cells
public import Verifier.Rules.Several
public section

/-! `count_sums`, the whole rule: any number of constraints for one pair (q, m), and the count that it concludes. -/

namespace Verifier
open Std Lean.Grind ExpField
variable {R : Type} [ExpField R]

/-- What `count_sums` counts for one constraint: the whole pair if even the least terms are positive, else the sequences
whose bins reach the threshold. -/
inductive SumsCount (n q m B : Nat) (free : List (Nat × Nat)) (r : Nat × Nat) (b : R) (a : Nat → Nat → R) : Nat → Prop
  | everything {least : Nat → R} : (∀ i, i < n - 1 → ∀ k, k ≤ m → least i ≤ a i k) → 0 < b + sum (n - 1) least →
      SumsCount n q m B free r b a (cell free q m)
  | bins {h : R} {ref : Nat → R} {value : Nat → Nat → Option Nat} {τ : Nat} : Bins n q m a b h ref value τ →
      SumsCount n q m B free r b a (countGroup B value τ m (free ++ [r]))

theorem nsum_sub (J c : Nat) (n : Nat → Nat) (h : ∀ j, j < J → n j ≤ c) : nsum J (fun j => c - n j) + nsum J n = J * c := by
  induction J with
  | zero => simp [nsum]
  | succ J ih =>
    simp only [nsum, Nat.add_mul, Nat.one_mul]
    have := ih fun j hj => h j (by omega)
    have := h J (by omega)
    omega

open Classical in
/-- `count_sums`: constraints `j < J` that together cover every wrong output, each with its count `n j` of sequences of the
pair at which it is positive.  The rule concludes `cell - Σ (cell - n j)`; at least that many sequences of the pair are
answered correctly (L24, L27, a union bound over the constraints). -/
theorem count_sums_several (W : Weights R) (s : R) (free : List (Nat × Nat)) (r : Nat × Nat) (hl : free.length + 1 = W.n) (q m B J : Nat)
    (h1 : r.1 ≤ q) (h2 : q < r.2) (hq : q ≤ m) (hB : total (free ++ [r]) + 1 < B)
    (X : Nat → Nat → Prop) (b : Nat → R) (a : Nat → Nat → Nat → R) (n : Nat → Nat)
    (constraint : ∀ j, j < J → IsConstraint W.tables s⁻¹ q m (fun _ x => X j x) (b j) (a j))
    (cover : ∀ x, x < W.v → x ≠ m → ∃ j, j < J ∧ X j x)
    (count : ∀ j, j < J → SumsCount W.n q m B free r (b j) (a j) (n j)) :
    cell free q m - nsum J (fun j => cell free q m - n j) ≤ (sequences (free ++ [r])).countP (rightIn W s q m) := by
  have N : W.n - 1 = free.length := by omega
  have hn : 0 < W.n := by omega
  have hs : (free ++ [r]).length = W.n := by simp; omega
  have len : ∀ t ∈ sequences (free ++ [r]), t.length = W.n := fun t ht => by rw [(mem_sequences ht).1, hs]
  have whole := cell_eq free r q m h1 h2 hq
  have several : nsum J (fun j => (sequences (free ++ [r])).countP fun t => inCell free.length q m t
        && decide (0 < b j + sum (W.n - 1) fun i => a j i (nth 0 t i))) + (sequences (free ++ [r])).countP (inCell free.length q m)
      ≤ (sequences (free ++ [r])).countP (rightIn W s q m) + J * (sequences (free ++ [r])).countP (inCell free.length q m) :=
    count_several_sound W s (free ++ [r]) hn hs q m J X b a constraint cover (inCell free.length q m)
    (fun j t => decide (0 < b j + sum (W.n - 1) fun i => a j i (nth 0 t i)))
    (fun t _ h => by
      simp only [inCell, Bool.and_eq_true, Nat.beq_eq] at h
      rw [N]; exact h)
    (fun t _ _ j _ h => by simpa using h)
  have each : ∀ j, j < J → n j ≤ (sequences (free ++ [r])).countP fun t => inCell free.length q m t
      && decide (0 < b j + sum (W.n - 1) fun i => a j i (nth 0 t i)) := by
    intro j hj
    have c := count j hj
    generalize n j = nj at c ⊢
    cases c with
    | everything hle pos =>
      rw [← whole]
      apply countP_le
      intro t ht h
      simp only [Bool.and_eq_true, decide_eq_true_eq]
      refine ⟨h, ?_⟩
      simp only [inCell, Bool.and_eq_true, Nat.beq_eq] at h
      have := sum_le (n := W.n - 1) fun i hi => hle i hi (nth 0 t i) (by have := nth_le_largest t i; omega)
      grind
    | bins H =>
      rw [countGroup_eq B _ _ m _ hB (by omega)]
      apply countP_le
      intro t ht h
      simp only [Bool.and_eq_true, Nat.beq_eq, decide_eq_true_eq, inCell] at h ⊢
      obtain ⟨hq', pos⟩ := H.positive_at (len t ht) hn h.2 h.1
      rw [N] at hq'
      exact ⟨⟨hq', h.2⟩, pos⟩
  have le : ∀ j, j < J → n j ≤ cell free q m := by
    intro j hj
    rw [← whole]
    apply Nat.le_trans (each j hj)
    apply countP_le
    intro t _ h
    simp only [Bool.and_eq_true] at h
    exact h.1
  have sub := nsum_sub J (cell free q m) n le
  have sum' := nsum_le each
  rw [whole] at several
  omega

end Verifier
