module
public section

/-!
Loops over lists and ranges, written out.  They run in every build of Lean (the packaged one has no compiled code for
core's list functions), reduce well in the kernel, and have one lemma each.
-/

namespace Verifier

/-- `p 0 && … && p (n - 1)`. -/
@[expose, specialize] def allBelow (n : Nat) (p : Nat → Bool) : Bool := match n with
  | 0 => true
  | n + 1 => p n && allBelow n p

theorem allBelow_iff {n : Nat} {p : Nat → Bool} : allBelow n p = true ↔ ∀ i, i < n → p i = true := by
  induction n with
  | zero => simp [allBelow]
  | succ n ih =>
    simp only [allBelow, Bool.and_eq_true, ih]
    constructor
    · intro h i hi
      by_cases e : i = n
      · rw [e]; exact h.1
      · exact h.2 i (by omega)
    · intro h; exact ⟨h n (by omega), fun i hi => h i (by omega)⟩

/-- The entry at index `i`, or `d` beyond the end. -/
@[expose, specialize] def nth {α} (d : α) : List α → Nat → α
  | [], _ => d
  | a :: _, 0 => a
  | _ :: l, i + 1 => nth d l i

theorem nth_mem {α} {d : α} {l : List α} {i : Nat} (h : i < l.length) : nth d l i ∈ l := by
  induction l generalizing i with
  | nil => simp at h
  | cons a l ih =>
    cases i with
    | zero => simp [nth]
    | succ i => simp only [nth]; exact List.mem_cons_of_mem _ (ih (by simp at h; omega))

/-- The entry of a list of integers, 0 beyond the end. -/
@[expose] def at1 : List Int → Nat → Int
  | [], _ => 0
  | a :: _, 0 => a
  | _ :: l, i + 1 => at1 l i

/-- The row of a table, empty beyond the end. -/
@[expose] def rowOf : List (List Int) → Nat → List Int
  | [], _ => []
  | a :: _, 0 => a
  | _ :: l, i + 1 => rowOf l i

/-- The entry of a table in row `i` and column `j`, 0 outside. -/
@[expose] def at2 (T : List (List Int)) (i j : Nat) : Int := at1 (rowOf T i) j

/-- `p i a` for each entry `a` of the list at index `i`, counted from `start`. -/
@[expose, specialize] def allFrom (p : Nat → Int → Bool) : Nat → List Int → Bool
  | _, [] => true
  | i, a :: l => p i a && allFrom p (i + 1) l

theorem allFrom_iff {p : Nat → Int → Bool} {s : Nat} {l : List Int} (h : allFrom p s l = true) :
    ∀ i, i < l.length → p (s + i) (at1 l i) = true := by
  induction l generalizing s with
  | nil => intro i hi; simp at hi
  | cons a l ih =>
    simp only [allFrom, Bool.and_eq_true] at h
    intro i hi
    cases i with
    | zero => exact h.1
    | succ i =>
      have := ih h.2 i (by simp at hi; omega)
      simp only [at1]
      rw [show s + (i + 1) = s + 1 + i by omega]
      exact this

/-- The length of a list of integers. -/
@[expose] def len : List Int → Nat
  | [] => 0
  | _ :: l => len l + 1

theorem len_eq (l : List Int) : len l = l.length := by
  induction l with
  | nil => rfl
  | cons a l ih => simp [len, ih]

/-- `[f s, …, f (s + n - 1)]`. -/
@[expose, specialize] def tabulate (f : Nat → Int) : Nat → Nat → List Int
  | _, 0 => []
  | s, n + 1 => f s :: tabulate f (s + 1) n

theorem at1_tabulate (f : Nat → Int) (s n i : Nat) (h : i < n) : at1 (tabulate f s n) i = f (s + i) := by
  induction n generalizing s i with
  | zero => omega
  | succ n ih =>
    cases i with
    | zero => rfl
    | succ i =>
      simp only [tabulate, at1]
      rw [ih (s + 1) i (by omega), show s + 1 + i = s + (i + 1) by omega]

end Verifier
