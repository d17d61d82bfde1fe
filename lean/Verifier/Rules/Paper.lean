module
public import Verifier.Extremal
public import Verifier.Rules.Counting
public section

/-! The two arguments of the compact-proofs paper, as rules of their own. -/

namespace Verifier
open Std Lean.Grind ExpField
variable {R : Type} [ExpField R]

/-- Among the slots outside a set, if there is one, one has the least value. -/
theorem exists_least_outside (n : Nat) (S : Nat → Bool) (f : Nat → R) (h : ∃ i, i < n ∧ S i = false) :
    ∃ i, i < n ∧ S i = false ∧ ∀ j, j < n → S j = false → f i ≤ f j := by
  induction n with
  | zero => obtain ⟨i, hi, _⟩ := h; omega
  | succ n ih =>
    by_cases old : ∃ i, i < n ∧ S i = false
    · obtain ⟨i, hi, hS, least⟩ := ih old
      by_cases new : S n = false ∧ f n ≤ f i
      · refine ⟨n, by omega, new.1, fun j hj hSj => ?_⟩
        by_cases e : j = n
        · subst e; grind
        · have := least j (by omega) hSj
          have := new.2
          grind
      · refine ⟨i, by omega, hS, fun j hj hSj => ?_⟩
        by_cases e : j = n
        · subst e; have : ¬ f j ≤ f i := fun c => new ⟨hSj, c⟩
          grind
        · exact least j (by omega) hSj
    · obtain ⟨i, hi, hS⟩ := h
      have e : i = n := by
        apply Classical.byContradiction; intro ne; exact old ⟨i, by omega, hS⟩
      subst e
      refine ⟨i, by omega, hS, fun j hj hSj => ?_⟩
      by_cases e : j = i
      · subst e; grind
      · exact absurd ⟨j, by omega, hSj⟩ old

/-- Slots holding `m` and slots holding other tokens: the weighted sum splits. -/
theorem split_sum (n : Nat) (S : Nat → Bool) (ρ : Nat → R) (g : Nat → R) (t : Nat → Nat) (m : Nat)
    (hS : ∀ i, i < n → S i = true → t i = m) :
    (sum n fun i => ρ i * g (t i)) = g m * sumOn n S ρ + sumOn n (fun i => !S i) (fun i => ρ i * g (t i)) := by
  simp only [sumOn]
  rw [← sum_mul, ← sum_add]; apply sum_congr; intro i hi
  by_cases h : S i = true
  · simp only [h, if_true, Bool.not_true, Bool.false_eq_true, if_false]
    rw [hS i hi h]; grind
  · simp only [Bool.not_eq_true] at h
    simp only [h, if_true, Bool.not_false, Bool.false_eq_true, if_false]; grind

/-- The margin argument of `pure_margin` for one sequence (L5, L6, L10, L11): skip gap and copy gaps pessimised apart, position
gaps by their least; `ρ i * ω k` are the attention weights in some scale `e`.  If for every good token `k` the sequence that
fills all slots below `m` with `k` is positive at the least and at the greatest weight that the slots holding `m` can have,
every sequence whose smaller tokens are good is right. -/
theorem pure_margin_phi (T : Tables R) (u e : R) (q m : Nat) (hn : 0 < T.n) (hq : q ≤ m) (he : 0 < e) (ρ ω : Nat → R)
    (hρ : ∀ i, i < T.n → 0 < ρ i) (hw : ∀ i, i < T.n → ∀ k, k ≤ m → ρ i * ω k = e * T.weight u q i k)
    (sk : R) (π C : Nat → R) (good : Nat → Bool) (lo hi : R) (hsk : ∀ x, x < T.v → x ≠ m → sk ≤ T.skip q m - T.skip q x)
    (hπ : ∀ i, i < T.n → ∀ x, x < T.v → x ≠ m → π x ≤ T.pcopy i m - T.pcopy i x)
    (hC : ∀ k, k ≤ m → ∀ x, x < T.v → x ≠ m → C k ≤ (T.copy k m - T.copy k x) + π x)
    (t : Nat → Nat) (ht : InGroup T.n t q m) (hgood : ∀ i, i < T.n - 1 → t i ≠ m → good (t i) = true) (some : ∃ i, i < T.n - 1 ∧ t i ≠ m)
    (h1 : lo ≤ sumOn (T.n - 1) (fun i => Nat.beq (t i) m) ρ) (h2 : sumOn (T.n - 1) (fun i => Nat.beq (t i) m) ρ ≤ hi)
    (atLo : ∀ k, good k = true → 0 < ρ (T.n - 1) * (ω q * (sk + C q)) + ω m * (sk + C m) * lo + ω k * (sk + C k) * (sum (T.n - 1) ρ - lo))
    (atHi : ∀ k, good k = true → 0 < ρ (T.n - 1) * (ω q * (sk + C q)) + ω m * (sk + C m) * hi + ω k * (sk + C k) * (sum (T.n - 1) ρ - hi)) :
    ∀ x, x < T.v → x ≠ m → 0 < T.phi u t m x := by
  intro x hx hne
  have term : ∀ i, i < T.n → ∀ k, k ≤ m → ρ i * (ω k * (sk + C k)) ≤ e * T.psi u q m x i k := by
    intro i hi k hk
    have := psi_ge T u e q m x i k (sk + C k) he (by
      have := hsk x hx hne
      have := hC k hk x hx hne
      have := hπ i hi x hx hne
      simp only [Tables.gap]; grind)
    have a : e * (T.weight u q i k * (sk + C k)) = e * T.weight u q i k * (sk + C k) := by grind
    rw [a, ← hw i hi k hk] at this
    grind
  have phi := terms_le_phi (x := x) hn ht (term (T.n - 1) (by omega) q hq) (f := fun i => ρ i * (ω (t i) * (sk + C (t i))))
    fun i hi' => term i (by omega) _ (ht.2.1 i (by omega))
  rw [split_sum (T.n - 1) (fun i => Nat.beq (t i) m) ρ (fun k => ω k * (sk + C k)) t m (fun i _ h => by simpa using h)] at phi
  obtain ⟨w, hw, wS, least⟩ := exists_least_outside (T.n - 1) (fun i => Nat.beq (t i) m) (fun i => ω (t i) * (sk + C (t i))) (by
      obtain ⟨i, hi', ne⟩ := some
      exact ⟨i, hi', by rw [Bool.eq_false_iff]; simpa using ne⟩)
  have wm : t w ≠ m := by
    rw [Bool.eq_false_iff] at wS; simpa using wS
  have gw := hgood w hw wm
  have rest : ω (t w) * (sk + C (t w)) * sumOn (T.n - 1) (fun i => !Nat.beq (t i) m) ρ
      ≤ sumOn (T.n - 1) (fun i => !Nat.beq (t i) m) fun i => ρ i * (ω (t i) * (sk + C (t i))) := by
    simp only [sumOn]
    rw [← sum_mul]; apply sum_le; intro i hi'
    by_cases h : Nat.beq (t i) m = true
    · simp only [h, Bool.not_true, Bool.false_eq_true, if_false]; grind
    · simp only [Bool.not_eq_true] at h
      simp only [h, Bool.not_false, if_true]
      have p := hρ i (by omega)
      have := mul_le_mul_left (least i hi' h) (show 0 ≤ ρ i by grind)
      grind
  have parts := sumOn_split (T.n - 1) (fun i => Nat.beq (t i) m) ρ
  have pos := slots_pos (fun i => Nat.beq (t i) m) ρ (ρ (T.n - 1) * (ω q * (sk + C q))) (ω m * (sk + C m))
    (ω (t w) * (sk + C (t w))) lo hi h1 h2 (atLo _ gw) (atHi _ gw)
  have : 0 < e * T.phi u t m x := by
    generalize ω (t w) * (sk + C (t w)) = gW at *
    generalize ω m * (sk + C m) = gM at *
    generalize sumOn (T.n - 1) (fun i => Nat.beq (t i) m) ρ = y at *
    generalize sumOn (T.n - 1) (fun i => !Nat.beq (t i) m) ρ = y' at *
    generalize sum (T.n - 1) ρ = Z at *
    have ey : y' = Z - y := by grind
    rw [ey] at rest
    grind
  exact pos_of_mul_pos he this

/-- The sequences of a scope with exactly `c` tokens that are good and different from `m`, all others equal to `m`. -/
@[expose] def pattern (m : Nat) (good : Nat → Bool) : Nat → List Nat → Bool
  | c, [] => Nat.beq c 0
  | c, k :: t => (Nat.beq k m && pattern m good c t)
      || (!Nat.beq k m && good k && (match c with | 0 => false | c + 1 => pattern m good c t))

/-- How many there are, one position after the other. -/
@[expose] def countPattern (m : Nat) (good : Nat → Bool) : List (Nat × Nat) → Nat → Nat
  | [], c => if Nat.beq c 0 then 1 else 0
  | r :: rs, c =>
    (List.range' r.1 (r.2 - r.1)).countP (fun k => Nat.beq k m) * countPattern m good rs c
    + (List.range' r.1 (r.2 - r.1)).countP (fun k => !Nat.beq k m && good k) * (match c with | 0 => 0 | c + 1 => countPattern m good rs c)

/-- L24: the number of sequences with `c` good smaller tokens; over a full scope it is `C(n, c) |G| ^ c`. -/
theorem countPattern_eq (m : Nat) (good : Nat → Bool) (scope : List (Nat × Nat)) (c : Nat) :
    (sequences scope).countP (pattern m good c) = countPattern m good scope c := by
  induction scope generalizing c with
  | nil => simp only [sequences, countPattern, List.countP_cons, List.countP_nil, pattern]; simp
  | cons r rs ih =>
    simp only [sequences, countPattern]
    have one : ∀ k, ((sequences rs).map (k :: ·)).countP (pattern m good c)
        = (if Nat.beq k m then 1 else 0) * countPattern m good rs c
          + (if (!Nat.beq k m && good k) then 1 else 0) * (match c with | 0 => 0 | c + 1 => countPattern m good rs c) := by
      intro k
      rw [List.countP_map]
      by_cases h : Nat.beq k m = true
      · rw [← ih c]
        simp only [h, if_true, Bool.not_true, Bool.false_and, Bool.false_eq_true, if_false, Nat.zero_mul, Nat.add_zero, Nat.one_mul]
        congr 1; funext t
        simp only [Function.comp, pattern, h, Bool.true_and, Bool.not_true, Bool.false_and, Bool.or_false]
      · simp only [Bool.not_eq_true] at h
        by_cases g : good k = true
        · simp only [h, g, Bool.not_false, Bool.and_self, if_true, Bool.false_eq_true, if_false, Nat.zero_mul, Nat.zero_add, Nat.one_mul]
          cases c with
          | zero =>
            apply List.countP_eq_zero.mpr; intro t _
            simp [Function.comp, pattern, h]
          | succ c =>
            show _ = countPattern m good rs c
            rw [← ih c]
            congr 1; funext t
            simp only [Function.comp, pattern, h, g, Bool.false_and, Bool.false_or, Bool.not_false, Bool.true_and]
        · simp only [Bool.not_eq_true] at g
          simp only [h, g, Bool.and_false, Bool.false_eq_true, if_false, Nat.zero_mul, Nat.add_zero]
          apply List.countP_eq_zero.mpr; intro t _
          simp [Function.comp, pattern, h, g]
    induction (List.range' r.1 (r.2 - r.1)) with
    | nil => simp
    | cons k ks ih2 =>
      rw [List.flatMap_cons, List.countP_append, ih2, one]
      simp only [List.countP_cons]
      grind

/-- The margin argument of `attention_margin` for one sequence (the paper's sub-cubic argument; L8, L28): with attention `a` to the slots holding `m` between two
bounds, a lower bound of the skip and position gaps, the gap `D` of the maximum token and a lower bound `W` of all other
copy gaps, the logit gap is positive if it is at both ends. -/
theorem attention_margin_gap {n : Nat} (α D p : Nat → R) (S : Nat → Bool) (g π base Dm W lo hi : R)
    (h0 : ∀ i, i < n → 0 ≤ α i) (h1 : sum n α = 1) (hb : base ≤ g + π) (hp : ∀ i, i < n → π ≤ p i)
    (hD : ∀ i, i < n → S i = true → Dm ≤ D i) (hW : ∀ i, i < n → S i = false → W ≤ D i)
    (hlo : lo ≤ sumOn n S α) (hhi : sumOn n S α ≤ hi)
    (atLo : 0 < base + W + (Dm - W) * lo) (atHi : 0 < base + W + (Dm - W) * hi) :
    0 < g + sum n fun i => α i * (D i + p i) := by
  have a := le_mean α p π h0 h1 hp
  have split := sumOn_split n S α
  have d : Dm * sumOn n S α + W * sumOn n (fun i => !S i) α ≤ sum n fun i => α i * D i := by
    simp only [sumOn]
    rw [← sum_mul, ← sum_mul, ← sum_add]; apply sum_le; intro i hi'
    by_cases h : S i = true
    · simp only [h, if_true, Bool.not_true, Bool.false_eq_true, if_false]
      have := mul_le_mul_left (hD i hi' h) (h0 i hi')
      grind
    · simp only [Bool.not_eq_true] at h
      simp only [h, if_true, Bool.not_false, Bool.false_eq_true, if_false]
      have := mul_le_mul_left (hW i hi' h) (h0 i hi')
      grind
  have e : (sum n fun i => α i * (D i + p i)) = (sum n fun i => α i * D i) + sum n fun i => α i * p i := by
    rw [← sum_add]; apply sum_congr; intro i _; grind
  rw [e]
  have A := fun h : 0 ≤ Dm - W => mul_nonneg h (show 0 ≤ sumOn n S α - lo by grind)
  have B := fun h : 0 ≤ W - Dm => mul_nonneg h (show 0 ≤ hi - sumOn n S α by grind)
  generalize sumOn n S α = y at *
  generalize sumOn n (fun i => !S i) α = y' at *
  rw [h1] at split
  have ey : y' = 1 - y := by grind
  subst ey
  grind

end Verifier
