module
public import Verifier.Count
public section

/-!
Counting by one product of big integers.  The sequences of a scope whose values add up to at least a threshold are
counted without listing them: a position becomes the number `Σ_k B ^ value(k)`, the product of the positions has the
number of sequences of each total as its digits in base `B`, and the digits from the threshold up add up to the remainder
modulo `B - 1`.
-/

namespace Verifier

/-- `B ^ j`, or 0 for a token that is left out. -/
@[expose] def power (B : Nat) : Option Nat → Nat
  | none => 0
  | some j => B ^ j

/-- The total value of a sequence, `none` if a token of it is left out; `s` is the position of the first token. -/
@[expose] def totalValue (value : Nat → Nat → Option Nat) : Nat → List Nat → Option Nat
  | _, [] => some 0
  | s, k :: t => match value s k, totalValue value (s + 1) t with
    | some a, some b => some (a + b)
    | _, _ => none

/-- `power` of the values of all positions, each summed over its tokens, multiplied. -/
@[expose, specialize] def kronecker (B : Nat) (value : Nat → Nat → Option Nat) : Nat → List (Nat × Nat) → Nat
  | _, [] => 1
  | s, r :: rs => nsum (width r) (fun j => power B (value s (r.1 + j))) * kronecker B value (s + 1) rs

/-- Whether a total reaches the threshold. -/
@[expose] def reaches (τ : Nat) : Option Nat → Bool
  | none => false
  | some j => Nat.ble τ j

/-- How many sequences of the scope reach the threshold. -/
@[expose, specialize] def countReaching (B : Nat) (value : Nat → Nat → Option Nat) (τ : Nat) (scope : List (Nat × Nat)) : Nat :=
  kronecker B value 0 scope / B ^ τ % (B - 1)

theorem sum_map_mul (l : List Nat) (c : Nat) : (l.map fun k => c * k).sum = c * l.sum := by
  induction l with
  | nil => simp
  | cons a l ih => simp only [List.map_cons, List.sum_cons, ih, Nat.mul_add]

theorem sum_range' (f : Nat → Nat) (s n : Nat) : ((List.range' s n).map f).sum = nsum n fun j => f (s + j) := by
  induction n with
  | zero => simp [nsum]
  | succ n ih =>
    rw [List.range'_concat, List.map_append, List.sum_append_nat, ih]
    simp [nsum]

theorem sum_flatMap_cons (l : List Nat) (S : List (List Nat)) (g g' : List Nat → Nat) (p : Nat → Nat)
    (h : ∀ k t, g (k :: t) = p k * g' t) :
    ((l.flatMap fun k => S.map (k :: ·)).map g).sum = (l.map p).sum * (S.map g').sum := by
  have one : ∀ k, ((S.map (k :: ·)).map g).sum = p k * (S.map g').sum := by
    intro k
    induction S with
    | nil => simp
    | cons t S ih => simp only [List.map_cons, List.sum_cons, ih, h, Nat.mul_add]
  induction l with
  | nil => simp
  | cons k l ih =>
    rw [List.flatMap_cons, List.map_append, List.sum_append_nat, ih, one]
    simp only [List.map_cons, List.sum_cons, Nat.add_mul]

theorem power_totalValue (B : Nat) (value : Nat → Nat → Option Nat) (s k : Nat) (t : List Nat) :
    power B (totalValue value s (k :: t)) = power B (value s k) * power B (totalValue value (s + 1) t) := by
  simp only [totalValue]
  cases value s k with
  | none => simp [power]
  | some a =>
    cases totalValue value (s + 1) t with
    | none => simp [power]
    | some b => simp [power, Nat.pow_add]

/-- The product of the positions is the sum of the powers of the totals. -/
theorem kronecker_eq (B : Nat) (value : Nat → Nat → Option Nat) (s : Nat) (scope : List (Nat × Nat)) :
    ((sequences scope).map fun t => power B (totalValue value s t)).sum = kronecker B value s scope := by
  induction scope generalizing s with
  | nil => simp [sequences, kronecker, totalValue, power]
  | cons r rs ih =>
    simp only [sequences, kronecker, ← ih (s + 1)]
    rw [← sum_range' (fun k => power B (value s k))]
    exact sum_flatMap_cons _ _ _ _ _ fun k t => power_totalValue B value s k t

theorem pow_eq_one_add (D j : Nat) : ∃ c, (D + 1) ^ j = 1 + D * c := by
  induction j with
  | zero => exact ⟨0, rfl⟩
  | succ j ih =>
    obtain ⟨c, e⟩ := ih
    refine ⟨c + 1 + D * c, ?_⟩
    rw [Nat.pow_succ, e]; grind

theorem digits_aux (D τ : Nat) (l : List (Option Nat)) :
    ∃ low C, (l.map (power (D + 1))).sum = low + (D + 1) ^ τ * (l.countP (reaches τ) + D * C)
      ∧ low * (D + 1) ≤ l.length * (D + 1) ^ τ := by
  induction l with
  | nil => exact ⟨0, 0, by simp, by simp⟩
  | cons a l ih =>
    obtain ⟨low, C, e, b⟩ := ih
    simp only [List.map_cons, List.sum_cons, List.countP_cons, List.length_cons, e]
    cases a with
    | none =>
      refine ⟨low, C, ?_, ?_⟩
      · simp [power, reaches]
      · rw [Nat.add_mul]; omega
    | some j =>
      by_cases h : τ ≤ j
      · obtain ⟨c, ec⟩ := pow_eq_one_add D (j - τ)
        have ej : (D + 1) ^ j = (D + 1) ^ τ * (1 + D * c) := by
          rw [← ec, ← Nat.pow_add]; congr 1; omega
        refine ⟨low, C + c, ?_, ?_⟩
        · have r : reaches τ (some j) = true := by simp [reaches, h]
          simp only [power, r, ej, if_true]
          generalize (D + 1) ^ τ = P
          grind
        · rw [Nat.add_mul]; omega
      · refine ⟨low + (D + 1) ^ j, C, ?_, ?_⟩
        · have r : reaches τ (some j) = false := by
            rw [Bool.eq_false_iff]; simp [reaches, h]
          simp only [power, r]
          generalize (D + 1) ^ τ = P
          grind
        · have : (D + 1) ^ (j + 1) ≤ (D + 1) ^ τ := Nat.pow_le_pow_right (by omega) (by omega)
          rw [Nat.pow_succ] at this
          rw [Nat.add_mul, Nat.add_mul]; omega

/-- The digits from the threshold up add up to the remainder modulo `B - 1`, if there are fewer than `B - 1` in all. -/
theorem digits (B τ : Nat) (l : List (Option Nat)) (hB : l.length + 1 < B) :
    (l.map (power B)).sum / B ^ τ % (B - 1) = l.countP (reaches τ) := by
  obtain ⟨D, rfl⟩ : ∃ D, B = D + 1 := ⟨B - 1, by omega⟩
  obtain ⟨low, C, e, b⟩ := digits_aux D τ l
  have P : 0 < (D + 1) ^ τ := Nat.pow_pos (by omega)
  have small : low < (D + 1) ^ τ := by
    apply Nat.lt_of_mul_lt_mul_left (a := D + 1)
    have : l.length * (D + 1) ^ τ < (D + 1) * (D + 1) ^ τ := Nat.mul_lt_mul_of_pos_right (by omega) P
    rw [Nat.mul_comm]; omega
  have c := List.countP_le_length (p := reaches τ) (l := l)
  rw [e, Nat.add_mul_div_left _ _ P, Nat.div_eq_of_lt small, Nat.zero_add, Nat.add_sub_cancel, Nat.add_mul_mod_self_left]
  exact Nat.mod_eq_of_lt (by omega)

/-- `countReaching` counts the sequences whose total reaches the threshold. -/
theorem countReaching_eq (B : Nat) (value : Nat → Nat → Option Nat) (τ : Nat) (scope : List (Nat × Nat))
    (hB : total scope + 1 < B) :
    countReaching B value τ scope = (sequences scope).countP fun t => reaches τ (totalValue value 0 t) := by
  have := digits B τ ((sequences scope).map (totalValue value 0)) (by rw [List.length_map, length_sequences]; exact hB)
  rw [List.map_map, List.countP_map] at this
  rw [countReaching, ← kronecker_eq]
  exact this

end Verifier
