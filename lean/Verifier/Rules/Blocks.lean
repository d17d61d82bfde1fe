module
public import Verifier.Rules.Counting
public section

/-! `count_blocks`: the absent/present tests on blocks of tokens, and the number of inputs that a block pattern stands for. -/

namespace Verifier
open Std Lean.Grind ExpField
variable {R : Type} [ExpField R]

/-- Lower bounds of the terms of Phi by block, in the scale `c`: `absent` for tokens other than the output, `itself` for the
output's own token, `holdsMax` for the maximum, `own` for the query's slot. -/
structure BlockTerms (T : Tables R) (u c : R) (q m : Nat) (block : Nat → Nat) where
  (ownAbsent : R)
  (absent : Nat → Nat → R)                -- position, block
  (own : Nat → R)                         -- output
  (itself holdsMax : Nat → Nat → R)       -- position, output
  ownAbsent_le : ∀ x, x < T.v → x ≠ m → x ≠ q → ownAbsent ≤ c * T.psi u q m x (T.n - 1) q
  absent_le : ∀ x, x < T.v → x ≠ m → ∀ i, i < T.n - 1 → ∀ k, k ≤ m → k ≠ x → absent i (block k) ≤ c * T.psi u q m x i k
  own_le : ∀ x, x < T.v → x ≠ m → own x ≤ c * T.psi u q m x (T.n - 1) q
  itself_le : ∀ x, x < T.v → x ≠ m → ∀ i, i < T.n - 1 → itself i x ≤ c * T.psi u q m x i x
  holdsMax_le : ∀ x, x < T.v → x ≠ m → ∀ i, i < T.n - 1 → holdsMax i x ≤ c * T.psi u q m x i m

/-- A block pattern's term beside an output `x`: the maximum, the lesser of both kinds in the block of `x`, else absent. -/
@[expose] noncomputable def beside {T : Tables R} {u c : R} {q m : Nat} {block : Nat → Nat} (B : BlockTerms T u c q m block)
    (x j b : Nat) : R :=
  if b = block m then B.holdsMax j x
  else if b = block x then (open Classical in if B.itself j x ≤ B.absent j b then B.itself j x else B.absent j b) else B.absent j b

/-- The terms beside an output are lower bounds, whatever tokens of their blocks the slots hold; `m` is alone in its block. -/
theorem beside_le {T : Tables R} {u c : R} {q m : Nat} {block : Nat → Nat} (B : BlockTerms T u c q m block)
    (alone : ∀ k, k ≤ m → block k = block m → k = m) {x j k : Nat} (hx : x < T.v) (hne : x ≠ m) (hj : j < T.n - 1) (hk : k ≤ m) :
    beside B x j (block k) ≤ c * T.psi u q m x j k := by
  simp only [beside]
  by_cases e : block k = block m
  · rw [if_pos e, alone k hk e]
    exact B.holdsMax_le x hx hne j hj
  · rw [if_neg e]
    by_cases f : block k = block x
    · rw [if_pos f]
      by_cases g : k = x
      · subst g
        have := B.itself_le k hx hne j hj
        split
        · exact this
        · grind
      · have := B.absent_le x hx hne j hj k hk g
        split
        · rename_i le; grind
        · exact this
    · rw [if_neg f]
      exact B.absent_le x hx hne j hj k hk (by intro g; rw [g] at f; exact f rfl)

/-- The tests of a block pattern: `x` absent; `x` at a free slot, in any block below the maximum's; `x` the query. -/
structure PatternPasses {T : Tables R} {u c : R} {q m : Nat} {block : Nat → Nat} (B : BlockTerms T u c q m block) (t : Nat → Nat) : Prop where
  absent : 0 < B.ownAbsent + sum (T.n - 1) fun j => B.absent j (block (t j))
  present : ∀ i, i < T.n - 1 → t i ≠ m → 0 < B.own (t i) + sum (T.n - 1) fun j => if j = i then B.itself i (t i) else beside B (t i) j (block (t j))
  query : q ≠ m → 0 < B.own q + sum (T.n - 1) fun j => beside B q j (block (t j))

/-- `count_blocks`, the margin: a sequence whose block pattern passes all three tests is right for every wrong output. -/
theorem pattern_sound {T : Tables R} {u c : R} {q m : Nat} {block : Nat → Nat} (B : BlockTerms T u c q m block) (hn : 0 < T.n)
    (hc : 0 < c) (alone : ∀ k, k ≤ m → block k = block m → k = m) {t : Nat → Nat} (ht : InGroup T.n t q m) (h : PatternPasses B t) :
    ∀ x, x < T.v → x ≠ m → 0 < T.phi u t m x := by
  intro x hx hne
  have pos : ∀ {b : R} {f : Nat → R}, b ≤ c * T.psi u q m x (T.n - 1) q → (∀ i, i < T.n - 1 → f i ≤ c * T.psi u q m x i (t i)) →
      0 < b + sum (T.n - 1) f → 0 < T.phi u t m x := by
    intro b f hb hf p
    have := terms_le_phi (u := u) (c := c) (x := x) hn ht hb hf
    exact pos_of_mul_pos hc (by grind)
  by_cases e : x = q
  · subst e
    exact pos (B.own_le x hx hne) (fun j hj => beside_le B alone hx hne hj (ht.2.1 j (by omega))) (h.query hne)
  · by_cases f : ∃ i, i < T.n - 1 ∧ t i = x
    · obtain ⟨i, hi, ei⟩ := f
      have p := h.present i hi (by omega)
      rw [ei] at p
      refine pos (B.own_le x hx hne) (fun j hj => ?_) p
      by_cases ej : j = i
      · subst ej
        simp only [if_true]
        rw [ei]
        exact B.itself_le x hx hne j hj
      · simp only [ej, if_false]
        exact beside_le B alone hx hne hj (ht.2.1 j (by omega))
    · exact pos (B.ownAbsent_le x hx hne e)
        (fun j hj => B.absent_le x hx hne j hj _ (ht.2.1 j (by omega)) fun g => f ⟨j, hj, g⟩) h.absent

/-- The number of sequences whose block pattern passes: patterns weighted by the sizes of their blocks. -/
@[expose] noncomputable def countPatterns (blocks : Nat) (block : Nat → Nat) : List (Nat × Nat) → (List Nat → Bool) → Nat
  | [], passes => if passes [] then 1 else 0
  | r :: rs, passes => nsum blocks fun b =>
      (List.range' r.1 (r.2 - r.1)).countP (fun k => Nat.beq (block k) b) * countPatterns blocks block rs fun p => passes (b :: p)

/-- A sum over tokens of what depends on the block alone is a sum over blocks, each weighted by its size. -/
theorem sum_by_block (blocks : Nat) (block : Nat → Nat) (f : Nat → Nat) (ks : List Nat) (h : ∀ k ∈ ks, block k < blocks) :
    (ks.map fun k => f (block k)).sum = nsum blocks fun b => ks.countP (fun k => Nat.beq (block k) b) * f b := by
  have pick : ∀ n j, j < n → (nsum n fun b => (if Nat.beq j b then 1 else 0) * f b) = f j := by
    intro n j hj
    induction n with
    | zero => omega
    | succ n ih =>
      simp only [nsum]
      by_cases e : j = n
      · subst e
        have z : (nsum j fun b => (if Nat.beq j b then 1 else 0) * f b) = nsum j fun _ => 0 := by
          apply nsum_congr; intro b hb
          have : Nat.beq j b = false := by rw [Bool.eq_false_iff]; simp; omega
          simp [this]
        have z0 : ∀ n, nsum n (fun _ => 0) = 0 := by
          intro n; induction n with
          | zero => rfl
          | succ n ih => simp [nsum, ih]
        rw [z, z0]; simp
      · rw [ih (by omega)]
        have : Nat.beq j n = false := by rw [Bool.eq_false_iff]; simp; omega
        simp [this]
  have add : ∀ n (g h : Nat → Nat), nsum n (fun b => g b + h b) = nsum n g + nsum n h := by
    intro n g h
    induction n with
    | zero => rfl
    | succ n ih => simp only [nsum, ih]; omega
  induction ks with
  | nil =>
    have z0 : ∀ n, nsum n (fun _ => 0) = 0 := by
      intro n; induction n with
      | zero => rfl
      | succ n ih => simp [nsum, ih]
    simp [z0]
  | cons k ks ih =>
    simp only [List.map_cons, List.sum_cons, List.countP_cons, Nat.add_mul]
    rw [add, pick blocks (block k) (h k List.mem_cons_self), ih fun k' hk' => h k' (List.mem_cons_of_mem _ hk')]
    omega

/-- `count_blocks`, the count: weighting the passing patterns by the sizes of their blocks counts exactly the sequences
whose pattern passes. -/
theorem countPatterns_eq (v blocks : Nat) (block : Nat → Nat) (hb : ∀ k, k < v → block k < blocks) (scope : List (Nat × Nat))
    (hs : ∀ r ∈ scope, r.2 ≤ v) (passes : List Nat → Bool) :
    (sequences scope).countP (fun t => passes (t.map block)) = countPatterns blocks block scope passes := by
  induction scope generalizing passes with
  | nil => simp only [sequences, countPatterns, List.countP_cons, List.countP_nil, List.map_nil]; simp
  | cons r rs ih =>
    simp only [sequences, countPatterns]
    rw [List.countP_flatMap]
    have one : ∀ k, ((sequences rs).map (k :: ·)).countP (fun t => passes (t.map block))
        = countPatterns blocks block rs fun p => passes (block k :: p) := by
      intro k
      rw [List.countP_map, ← ih (fun r hr => hs r (List.mem_cons_of_mem _ hr))]
      rfl
    have := sum_by_block blocks block (fun b => countPatterns blocks block rs fun p => passes (b :: p)) (List.range' r.1 (r.2 - r.1))
      (fun k hk => by
        have := hs r List.mem_cons_self
        rw [List.mem_range'_1] at hk
        exact hb k (by omega))
    rw [← this]
    congr 1
    apply List.map_congr_left
    intro k _
    exact one k

/-- `count_blocks`: patterns that pass, weighted by the sizes of their blocks, count sequences that are all answered
correctly, provided that a passing pattern fixes the query and the maximum and that its sequences pass the three tests. -/
theorem count_blocks_sound (W : Weights R) (s c : R) (scope : List (Nat × Nat)) (hn : 0 < W.n) (hc : 0 < c) (hl : scope.length = W.n)
    (hs : ∀ r ∈ scope, r.2 ≤ W.v) (q m blocks : Nat) (block : Nat → Nat) (hb : ∀ k, k < W.v → block k < blocks)
    (alone : ∀ k, k ≤ m → block k = block m → k = m) (B : BlockTerms W.tables s⁻¹ c q m block) (passes : List Nat → Bool)
    (h : ∀ t ∈ sequences scope, passes (t.map block) = true →
      nth 0 t (W.n - 1) = q ∧ largest t = m ∧ PatternPasses B (nth 0 t)) :
    countPatterns blocks block scope passes ≤ (sequences scope).countP (rightIn W s q m) := by
  rw [← countPatterns_eq W.v blocks block hb scope hs passes]
  apply countP_le
  intro t ht e
  obtain ⟨hq, hm, p⟩ := h t ht e
  have len : t.length = W.n := by rw [(mem_sequences ht).1, hl]
  exact rightIn_of_phi W s len hn hq hm (pattern_sound B hn hc alone ⟨hq, (isMax_iff len hn).mpr hm⟩ p)

end Verifier
