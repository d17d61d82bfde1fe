module
public import Verifier.Spec
public section

/-! Counting sequences of a scope: boxes, disjoint groups, unions and differences (L24, L25). -/

namespace Verifier

/-! ## Predicates on a list -/

/-- A predicate that implies another one is true at most as often. -/
theorem countP_le {α} (l : List α) (p q : α → Bool) (h : ∀ a ∈ l, p a = true → q a = true) : l.countP p ≤ l.countP q := by
  induction l with
  | nil => simp
  | cons a l ih =>
    have := ih (fun b hb => h b (List.mem_cons_of_mem _ hb))
    have := h a List.mem_cons_self
    simp only [List.countP_cons]
    grind

/-- A predicate splits the count of any wider one. -/
theorem countP_split {α} (l : List α) (p q : α → Bool) (h : ∀ a ∈ l, p a = true → q a = true) :
    l.countP p + l.countP (fun a => q a && !p a) = l.countP q := by
  induction l with
  | nil => rfl
  | cons a l ih =>
    have := ih (fun b hb => h b (List.mem_cons_of_mem _ hb))
    have := h a List.mem_cons_self
    simp only [List.countP_cons]
    grind

/-- The number of entries where a predicate is true plus the number where it is false is the length. -/
theorem countP_not {α} (l : List α) (p : α → Bool) : l.countP p + l.countP (fun a => !p a) = l.length := by
  induction l with
  | nil => rfl
  | cons a l ih => simp only [List.countP_cons, List.length_cons]; grind

/-- The union bound: where two predicates fail seldom, both are true often. -/
theorem countP_and {α} (l : List α) (p q r : α → Bool) :
    l.countP (fun a => r a && p a) + l.countP (fun a => r a && q a) ≤ l.countP (fun a => r a && (p a && q a)) + l.countP r := by
  induction l with
  | nil => simp
  | cons a l ih => simp only [List.countP_cons]; grind

/-- The sum of `f 0, …, f (n - 1)`. -/
@[expose, specialize] def nsum (n : Nat) (f : Nat → Nat) : Nat := match n with
  | 0 => 0
  | n + 1 => nsum n f + f n

theorem nsum_le {n : Nat} {f g : Nat → Nat} (h : ∀ i, i < n → f i ≤ g i) : nsum n f ≤ nsum n g := by
  induction n with
  | zero => exact Nat.le_refl _
  | succ n ih =>
    simp only [nsum]
    have := ih (fun i k => h i (by omega))
    have := h n (by omega)
    omega

theorem nsum_congr {n : Nat} {f g : Nat → Nat} (h : ∀ i, i < n → f i = g i) : nsum n f = nsum n g := by
  induction n with
  | zero => rfl
  | succ n ih => simp only [nsum]; rw [ih (fun i k => h i (by omega)), h n (by omega)]

/-- L25: groups told apart by a key are disjoint, so their counts add up to at most the whole. -/
theorem count_by_key {α} (l : List α) (p : α → Bool) (key : α → Nat) (n : Nat) :
    nsum n (fun k => l.countP fun a => p a && Nat.beq (key a) k) ≤ l.countP p := by
  have : nsum n (fun k => l.countP fun a => p a && Nat.beq (key a) k) = l.countP fun a => p a && Nat.blt (key a) n := by
    induction n with
    | zero =>
      simp only [nsum]
      symm; apply List.countP_eq_zero.mpr; intro a _; simp [Nat.blt, Nat.ble]
    | succ n ih =>
      simp only [nsum, ih]
      rw [← countP_split l (fun a => p a && Nat.beq (key a) n) (fun a => p a && Nat.blt (key a) (n + 1))]
      · rw [Nat.add_comm]
        congr 1
        congr 1
        funext a
        rw [Bool.eq_iff_iff]
        simp only [Bool.and_eq_true, Nat.blt_eq, Bool.not_eq_true', Nat.beq_eq, Bool.eq_false_iff, ne_eq]
        grind
      · intro a _
        simp only [Bool.and_eq_true, Nat.beq_eq, Nat.blt_eq]
        intro ⟨h1, h2⟩; exact ⟨h1, by omega⟩
  rw [this]
  apply countP_le
  intro a _ h
  simp only [Bool.and_eq_true] at h
  exact h.1

/-! ## Sequences -/

/-- The number of tokens in a range. -/
@[expose] def width (r : Nat × Nat) : Nat := r.2 - r.1

/-- The number of sequences of a scope: the product of the widths. -/
@[expose] def total : List (Nat × Nat) → Nat
  | [] => 1
  | r :: rs => width r * total rs

theorem sum_map_const {α} (l : List α) (c : Nat) : (l.map fun _ => c).sum = l.length * c := by
  induction l with
  | nil => simp
  | cons a l ih => simp only [List.map_cons, List.sum_cons, List.length_cons, ih]; grind

/-- A scope holds as many sequences as the product of its widths. -/
theorem length_sequences (scope : List (Nat × Nat)) : (sequences scope).length = total scope := by
  induction scope with
  | nil => simp [sequences, total]
  | cons r rs ih =>
    simp only [sequences, total, List.length_flatMap, List.length_map, ih, sum_map_const, List.length_range', width]

/-- The sequences of a scope have one token per position, each in its range. -/
theorem mem_sequences {scope : List (Nat × Nat)} {t : List Nat} (h : t ∈ sequences scope) :
    t.length = scope.length ∧ ∀ i, i < scope.length → (nth (0, 0) scope i).1 ≤ nth 0 t i ∧ nth 0 t i < (nth (0, 0) scope i).2 := by
  induction scope generalizing t with
  | nil => simp only [sequences, List.mem_singleton] at h; subst h; simp
  | cons r rs ih =>
    simp only [sequences, List.mem_flatMap, List.mem_map, List.mem_range'_1] at h
    obtain ⟨k, hk, s, hs, rfl⟩ := h
    have := ih hs
    refine ⟨by simp [this.1], fun i hi => ?_⟩
    cases i with
    | zero => simp only [nth]; omega
    | succ i => simp only [nth]; exact this.2 i (by simp at hi; omega)

end Verifier
