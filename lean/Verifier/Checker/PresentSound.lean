module
public import Verifier.Checker.CountsSound
public section

/-! Sequences without a token, and outputs that every sequence of a pair beats wherever they occur. -/

namespace Verifier
open Std Lean.Grind ExpField
variable {R : Type} [ExpField R]

/-- A total without a token is the total of a sequence that does not hold it. -/
theorem totalValue_without (x : Nat) (value : Nat → Nat → Option Nat) (s : Nat) (t : List Nat) :
    totalValue (without x value) s t = if t.contains x then none else totalValue value s t := by
  induction t generalizing s with
  | nil => simp [totalValue]
  | cons k t ih =>
    simp only [totalValue, ih (s + 1), without, Nat.beq_eq]
    by_cases e : k = x
    · subst e; simp
    · have c : (k :: t).contains x = t.contains x := by
        rw [List.contains_cons]
        have : (x == k) = false := by simp; omega
        rw [this, Bool.false_or]
      rw [c, if_neg e]
      cases h : t.contains x <;> cases value s k <;> simp

theorem reaches_without (x τ : Nat) (value : Nat → Nat → Option Nat) (t : List Nat) :
    reaches τ (totalValue (without x value) 0 t) = (reaches τ (totalValue value 0 t) && !t.contains x) := by
  rw [totalValue_without]
  cases t.contains x <;> simp [reaches]

theorem leastUpto_le (f : Nat → Int) {n k : Nat} (h : k ≤ n) : leastUpto f n ≤ f k := by
  induction n with
  | zero =>
    have : k = 0 := by omega
    subst this
    exact Int.le_refl _
  | succ n ih =>
    simp only [leastUpto]
    by_cases e : k = n + 1
    · subst e; split <;> omega
    · have := ih (by omega)
      split <;> omega

theorem pos_of_ofInt {a : Int} (h : (0 : R) < ofInt a) : 0 < a := by
  by_cases k : 0 < a
  · exact k
  · have := ofInt_le (R := R) (show a ≤ 0 by omega)
    rw [ofInt_zero] at this
    grind

theorem ne_of_beq {a b : Nat} (h : Nat.beq a b = false) : a ≠ b := fun k => by
  rw [k] at h
  simp at h

theorem mem_nth {x : Nat} {t : List Nat} (h : x ∈ t) : ∃ j, j < t.length ∧ nth 0 t j = x := by
  induction t with
  | nil => cases h
  | cons k t ih =>
    rcases List.mem_cons.mp h with e | e
    · exact ⟨0, by simp, by simp [nth, e]⟩
    · obtain ⟨j, h1, h2⟩ := ih e
      exact ⟨j + 1, by simp; omega, by simpa [nth] using h2⟩

/-- The least of three numbers, one per position. -/
theorem worst_le (n : Nat) (a b c : List Int) {i : Nat} (hi : i < n) :
    let worst := tabulate (fun i => leastUpto (fun j => at1 [at1 a i, at1 b i, at1 c i] j) 2) 0 n
    at1 worst i ≤ at1 a i ∧ at1 worst i ≤ at1 b i ∧ at1 worst i ≤ at1 c i := by
  intro worst
  have e : at1 worst i = leastUpto (fun j => at1 [at1 a i, at1 b i, at1 c i] j) 2 := by
    have := at1_tabulate (fun i => leastUpto (fun j => at1 [at1 a i, at1 b i, at1 c i] j) 2) 0 n i hi
    rwa [Nat.zero_add] at this
  rw [e]
  exact ⟨leastUpto_le (fun j => at1 [at1 a i, at1 b i, at1 c i] j) (show 0 ≤ 2 by omega),
    leastUpto_le (fun j => at1 [at1 a i, at1 b i, at1 c i] j) (show 1 ≤ 2 by omega),
    leastUpto_le (fun j => at1 [at1 a i, at1 b i, at1 c i] j) (show 2 ≤ 2 by omega)⟩

/-- A dismissed output is beaten by every sequence of the pair that holds it. -/
theorem dismissed_sound {n q m x : Nat} {base : Int} {worst exactX exactM : List Int} {f : Nat → Nat → Int}
    (h : dismissed n q m x base worst exactX exactM = true) (hne : x ≠ m) {t : List Nat} (hl : t.length = n) (hn : 0 < n)
    (hq : nth 0 t (n - 1) = q) (hm : largest t = m) (hx : x ∈ t)
    (fX : ∀ i, i < n - 1 → nth 0 t i = x → at1 exactX i = f i (nth 0 t i))
    (fM : ∀ i, i < n - 1 → nth 0 t i = m → at1 exactM i = f i (nth 0 t i))
    (fW : ∀ i, i < n - 1 → at1 worst i ≤ f i (nth 0 t i)) : 0 < base + zsum (n - 1) fun i => f i (nth 0 t i) := by
  simp only [dismissed, allBelow_iff] at h
  have at_x : x ≠ q → ∃ j, j < n - 1 ∧ nth 0 t j = x := by
    intro e
    obtain ⟨j, hj, ej⟩ := mem_nth hx
    refine ⟨j, ?_, ej⟩
    by_cases k : j = n - 1
    · rw [k, hq] at ej; exact absurd ej.symm e
    · omega
  have at_m : q ≠ m → ∃ l, l < n - 1 ∧ nth 0 t l = m := by
    intro e
    obtain ⟨l, hl', el⟩ := exists_largest t (by omega)
    rw [hm] at el
    refine ⟨l, ?_, el⟩
    by_cases k : l = n - 1
    · rw [k, hq] at el; exact absurd el e
    · omega
  have choose : ∃ j, j < n - 1 ∧ ∃ l, l < n - 1 ∧ (x ≠ q → nth 0 t j = x) ∧ (q ≠ m → nth 0 t l = m) := by
    by_cases e1 : x = q
    · obtain ⟨l, h1, h2⟩ := at_m (fun k => hne (e1.trans k))
      exact ⟨l, h1, l, h1, fun k => absurd e1 k, fun _ => h2⟩
    · obtain ⟨j, h1, h2⟩ := at_x e1
      by_cases e2 : q = m
      · exact ⟨j, h1, j, h1, fun _ => h2, fun k => absurd e2 k⟩
      · obtain ⟨l, h3, h4⟩ := at_m e2
        exact ⟨j, h1, l, h3, fun _ => h2, fun _ => h4⟩
  obtain ⟨j, hj, l, hl', jx, lm⟩ := choose
  clear at_x at_m
  have pos := h j hj l hl'
  rw [Bool.or_eq_true, decide_eq_true_eq] at pos
  replace pos := pos.resolve_left (by
    intro e
    rw [Bool.and_eq_true, Bool.and_eq_true, Nat.beq_eq, Bool.not_eq_true', Bool.not_eq_true'] at e
    have a := jx (ne_of_beq e.1.2)
    rw [e.1.1, lm (ne_of_beq e.2)] at a
    exact hne a.symm)
  have := zsum_le (n := n - 1) (g := fun i => f i (nth 0 t i)) (f := fun i =>
      if (Nat.beq i j && !Nat.beq x q) = true then at1 exactX i else if (Nat.beq i l && !Nat.beq q m) = true then at1 exactM i else at1 worst i) (by
    intro i hi
    simp only
    split
    · rename_i e
      rw [Bool.and_eq_true, Nat.beq_eq, Bool.not_eq_true'] at e
      rw [fX i hi (by rw [e.1]; exact jx (ne_of_beq e.2))]
      exact Int.le_refl _
    · split
      · rename_i e
        rw [Bool.and_eq_true, Nat.beq_eq, Bool.not_eq_true'] at e
        rw [fM i hi (by rw [e.1]; exact lm (ne_of_beq e.2))]
        exact Int.le_refl _
      · exact fW i hi)
  omega
end Verifier
