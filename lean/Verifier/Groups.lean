module
public import Verifier.Kronecker
public section

/-! Sequences sorted by their query and their maximum: every sequence of a scope lies in exactly one group (L24). -/

namespace Verifier
open Std Lean.Grind ExpField

/-- The largest token of a sequence. -/
@[expose] def largest : List Nat → Nat
  | [] => 0
  | k :: t => max k (largest t)

theorem nth_le_largest (t : List Nat) (i : Nat) : nth 0 t i ≤ largest t := by
  induction t generalizing i with
  | nil => simp [nth]
  | cons k t ih =>
    cases i with
    | zero => simp only [nth, largest]; omega
    | succ i => simp only [nth, largest]; have := ih i; omega

theorem exists_largest (t : List Nat) (h : 0 < t.length) : ∃ i, i < t.length ∧ nth 0 t i = largest t := by
  induction t with
  | nil => simp at h
  | cons k t ih =>
    by_cases e : largest t ≤ k
    · exact ⟨0, by simp, by simp only [nth, largest]; omega⟩
    · have : 0 < t.length := by
        cases t with
        | nil => simp [largest] at e
        | cons => simp
      obtain ⟨i, hi, ei⟩ := ih this
      exact ⟨i + 1, by simp; omega, by simp only [nth, largest]; omega⟩

/-- The specification's maximum is the largest entry of the list. -/
theorem isMax_iff {t : List Nat} {n m : Nat} (hl : t.length = n) (hn : 0 < n) : IsMax n (nth 0 t) m ↔ largest t = m := by
  subst hl
  obtain ⟨j, hj, ej⟩ := exists_largest t hn
  constructor
  · intro ⟨h1, i, hi, e⟩
    have := h1 j hj
    have := nth_le_largest t i
    omega
  · intro e
    exact ⟨fun i _ => by have := nth_le_largest t i; omega, j, hj, by omega⟩

/-- Tokens from `bound` on are left out. -/
@[expose] def below (bound : Nat) (value : Nat → Nat → Option Nat) (i k : Nat) : Option Nat :=
  if Nat.blt k bound then value i k else none

/-- A total below a bound is the total without the bound, of a sequence whose tokens are all below it. -/
theorem totalValue_below (bound : Nat) (value : Nat → Nat → Option Nat) (s : Nat) (t : List Nat) (j : Nat) :
    totalValue (below bound value) s t = some j ↔ totalValue value s t = some j ∧ ∀ i, i < t.length → nth 0 t i < bound := by
  induction t generalizing s j with
  | nil => simp [totalValue]
  | cons k t ih =>
    have split : (∀ i, i < (k :: t).length → nth 0 (k :: t) i < bound) ↔ k < bound ∧ ∀ i, i < t.length → nth 0 t i < bound := by
      constructor
      · intro h
        exact ⟨by have := h 0 (by simp); simpa [nth] using this, fun i hi => by have := h (i + 1) (by simp; omega); simpa [nth] using this⟩
      · intro ⟨h0, h1⟩ i hi
        cases i with
        | zero => simpa [nth] using h0
        | succ i => have := h1 i (by simp at hi; omega); simpa [nth] using this
    rw [split]
    simp only [totalValue, below, Nat.blt_eq]
    by_cases hk : k < bound
    · simp only [hk, if_true, true_and]
      cases hv : value s k with
      | none => simp
      | some a =>
        cases ht : totalValue (below bound value) (s + 1) t with
        | none =>
          cases hu : totalValue value (s + 1) t with
          | none => simp
          | some b =>
            have := (ih (s + 1) b).mpr
            simp only [hu, ht, true_and] at this
            simp only [Option.some.injEq]
            constructor
            · intro h; cases h
            · intro h; exact absurd (this h.2) (by simp)
        | some b =>
          have := (ih (s + 1) b).mp ht
          rw [this.1]
          simp only [Option.some.injEq]
          exact ⟨fun h => ⟨h, this.2⟩, fun h => h.1⟩
    · simp only [hk, if_false, false_and, and_false]
      simp

/-- The certified count of one group: sequences with all tokens at most `m` less those with all tokens below `m`. -/
@[expose, specialize] def countGroup (B : Nat) (value : Nat → Nat → Option Nat) (τ m : Nat) (scope : List (Nat × Nat)) : Nat :=
  countReaching B (below (m + 1) value) τ scope - countReaching B (below m value) τ scope

/-- The difference counts the sequences with maximum `m` that reach the threshold. -/
theorem countGroup_eq (B : Nat) (value : Nat → Nat → Option Nat) (τ m : Nat) (scope : List (Nat × Nat))
    (hB : total scope + 1 < B) (hn : 0 < scope.length) :
    countGroup B value τ m scope
      = (sequences scope).countP fun t => reaches τ (totalValue value 0 t) && Nat.beq (largest t) m := by
  have red : ∀ bound (t : List Nat), reaches τ (totalValue (below bound value) 0 t) = true ↔
      reaches τ (totalValue value 0 t) = true ∧ ∀ i, i < t.length → nth 0 t i < bound := by
    intro bound t
    constructor
    · intro h
      cases e : totalValue (below bound value) 0 t with
      | none => rw [e] at h; cases h
      | some j =>
        rw [e] at h
        have := (totalValue_below bound value 0 t j).mp e
        rw [this.1]; exact ⟨h, this.2⟩
    · intro ⟨h, k⟩
      cases e : totalValue value 0 t with
      | none => rw [e] at h; cases h
      | some j =>
        rw [e] at h
        rw [(totalValue_below bound value 0 t j).mpr ⟨e, k⟩]; exact h
  simp only [countGroup, countReaching_eq _ _ _ _ hB]
  have s := countP_split (sequences scope) (fun t => reaches τ (totalValue (below m value) 0 t))
    (fun t => reaches τ (totalValue (below (m + 1) value) 0 t)) (by
      intro t _ h
      rw [red] at h ⊢
      exact ⟨h.1, fun i hi => by have := h.2 i hi; omega⟩)
  have e : (sequences scope).countP (fun t => reaches τ (totalValue (below (m + 1) value) 0 t) && !reaches τ (totalValue (below m value) 0 t))
      = (sequences scope).countP fun t => reaches τ (totalValue value 0 t) && Nat.beq (largest t) m := by
    apply List.countP_congr
    intro t ht
    have hl := (mem_sequences ht).1
    rw [Bool.and_eq_true, Bool.and_eq_true, Bool.not_eq_true', Bool.eq_false_iff, ne_eq, red, red, Nat.beq_eq]
    obtain ⟨j, hj, ej⟩ := exists_largest t (by omega)
    constructor
    · intro ⟨⟨h1, h2⟩, h3⟩
      refine ⟨h1, ?_⟩
      have a := h2 j hj
      have : ¬ largest t < m := fun c => h3 ⟨h1, fun i _ => by have := nth_le_largest t i; omega⟩
      omega
    · intro ⟨h1, h2⟩
      refine ⟨⟨h1, fun i _ => by have := nth_le_largest t i; omega⟩, fun ⟨_, h⟩ => ?_⟩
      have := h j hj
      omega
  rw [← e]
  exact Nat.sub_eq_of_eq_add (s.symm.trans (Nat.add_comm _ _))

end Verifier
