module
public import Verifier.Softmax
public section

/-!
Extremal sequences and lines (L8-L13, L26-L28), in the sign of this project: the gap is positive, bounds are from below.
-/

namespace Verifier
open Std Lean.Grind ExpField
variable {R : Type} [ExpField R]

/-- L8: an affine function on an interval is at least the smaller of its values at the two ends. -/
theorem affine_ge {c₀ c₁ lo hi y b : R} (h1 : lo ≤ y) (h2 : y ≤ hi) (hl : b ≤ c₀ + c₁ * lo) (hh : b ≤ c₀ + c₁ * hi) : b ≤ c₀ + c₁ * y := by
  have A := fun h : 0 ≤ c₁ => mul_nonneg h (show 0 ≤ y - lo by grind)
  have B := fun h : 0 ≤ -c₁ => mul_nonneg h (show 0 ≤ hi - y by grind)
  grind

/-- L8: with a non-negative slope the lower end suffices. -/
theorem affine_ge_left {c₀ c₁ lo y b : R} (h1 : lo ≤ y) (hc : 0 ≤ c₁) (hl : b ≤ c₀ + c₁ * lo) : b ≤ c₀ + c₁ * y := by
  have := mul_nonneg hc (show 0 ≤ y - lo by grind)
  grind

/-- L9, corrected: a family of lines at `a` from its values at a reference `a'`; the slope to use is the least one where
`a` lies above the reference and the largest one where it lies below.  (The paper writes the mirror image, with max.) -/
theorem mean_difference {ι : Type} {X : ι → Prop} {A B : ι → R} {a a' b lo hi : R} (hb : ∀ x, X x → b ≤ A x + a' * B x)
    (hlo : ∀ x, X x → lo ≤ B x) (hhi : ∀ x, X x → B x ≤ hi) :
    (a' ≤ a → ∀ x, X x → b + (a - a') * lo ≤ A x + a * B x) ∧ (a ≤ a' → ∀ x, X x → b + (a - a') * hi ≤ A x + a * B x) := by
  constructor
  · intro h x hx
    have := hb x hx
    have := mul_nonneg (show 0 ≤ a - a' by grind) (show 0 ≤ B x - lo by have := hlo x hx; grind)
    grind
  · intro h x hx
    have := hb x hx
    have := mul_nonneg (show 0 ≤ a' - a by grind) (show 0 ≤ hi - B x by have := hhi x hx; grind)
    grind

/-- The published step, as a statement: always the largest slope, in the paper's own sign (upper bounds). -/
@[expose] def PublishedMeanDifference (R : Type) [ExpField R] : Prop :=
  ∀ (A B : Nat → R) (a a' b hi : R), (∀ x, x < 2 → A x + a' * B x ≤ b) → (∀ x, x < 2 → B x ≤ hi) →
    ∀ x, x < 2 → A x + a * B x ≤ b + (a - a') * hi

/-- The published mean+diff step is false: A = (0, 9), R = (-1, -10), reference 1, value 0. -/
theorem published_mean_difference_false : ¬ PublishedMeanDifference R := by
  intro h
  have z := zero_lt_one (R := R)
  have := h (fun x => if x = 0 then 0 else 9) (fun x => if x = 0 then -1 else -10) 0 1 (-1) (-1)
    (by
      intro x hx
      by_cases e : x = 0
      · simp only [e, if_true]; grind
      · simp only [e, if_false]; grind)
    (by
      intro x hx
      by_cases e : x = 0
      · simp only [e, if_true]; grind
      · simp only [e, if_false]; grind)
    1 (by omega)
  simp only [show ¬ (1 = 0) by omega, if_false] at this
  grind

/-- L10: a mixture of tokens over fixed slots is at least the worst pure choice. -/
theorem mixture_ge {n : Nat} (ρ : Nat → R) (g : Nat → R) (k : Nat → Nat) (G : Nat → Prop) (b : R) (hρ : ∀ i, i < n → 0 ≤ ρ i)
    (hk : ∀ i, i < n → G (k i)) (hb : ∀ j, G j → b ≤ g j) : b * sum n ρ ≤ sum n fun i => ρ i * g (k i) := by
  rw [← sum_mul]
  apply sum_le; intro i hi
  have := mul_le_mul_left (hb _ (hk i hi)) (hρ i hi)
  grind

/-- L10, as it is used: if the base plus the whole of the slots filled with any one token is positive, every mixture is. -/
theorem mixture_pos {n : Nat} (ρ : Nat → R) (g : Nat → R) (k : Nat → Nat) (G : Nat → Prop) (base : R) (hρ : ∀ i, i < n → 0 ≤ ρ i)
    (hk : ∀ i, i < n → G (k i)) {w : Nat} (least : ∀ j, G j → g w ≤ g j) (pos : 0 < base + g w * sum n ρ) :
    0 < base + sum n fun i => ρ i * g (k i) := by
  have := mixture_ge ρ g k G (g w) hρ hk least
  grind

/-- The sum over the slots of a set, given by its indicator. -/
@[expose] noncomputable def sumOn (n : Nat) (S : Nat → Bool) (f : Nat → R) : R := sum n fun i => if S i then f i else 0

theorem sumOn_split (n : Nat) (S : Nat → Bool) (f : Nat → R) : sumOn n S f + sumOn n (fun i => !S i) f = sum n f := by
  simp only [sumOn]
  rw [← sum_add]; apply sum_congr; intro i _
  by_cases h : S i = true
  · simp only [h, if_true, Bool.not_true, Bool.false_eq_true, if_false]; grind
  · simp only [Bool.not_eq_true] at h
    simp only [h, if_true, Bool.not_false, Bool.false_eq_true, if_false]; grind

/-- L11: a set of slots weighs at least a hinted amount `lo` and at most `hi` (the least and the most attended slots), so
what is affine in its weight is positive if it is at both ends. -/
theorem slots_pos {n : Nat} (S : Nat → Bool) (ρ : Nat → R) (base a g lo hi : R) (h1 : lo ≤ sumOn n S ρ) (h2 : sumOn n S ρ ≤ hi)
    (pl : 0 < base + a * lo + g * (sum n ρ - lo)) (ph : 0 < base + a * hi + g * (sum n ρ - hi)) :
    0 < base + a * sumOn n S ρ + g * (sum n ρ - sumOn n S ρ) := by
  have A := fun h : 0 ≤ a - g => mul_nonneg h (show 0 ≤ sumOn n S ρ - lo by grind)
  have B := fun h : 0 ≤ g - a => mul_nonneg h (show 0 ≤ hi - sumOn n S ρ by grind)
  grind

/-- The number of slots of a set. -/
@[expose] def card (n : Nat) (S : Nat → Bool) : Nat := match n with
  | 0 => 0
  | n + 1 => card n S + (if S n then 1 else 0)

theorem card_le (n : Nat) (S : Nat → Bool) : card n S ≤ n := by
  induction n with
  | zero => exact Nat.le_refl _
  | succ n ih => simp only [card]; split <;> omega

/-- L11: sorted weights, upwards: any set of `r` slots weighs at least the first `r`. -/
theorem least_slots {n : Nat} (ρ : Nat → R) (sorted : ∀ i j, i ≤ j → j < n → ρ i ≤ ρ j) (S : Nat → Bool) :
    sum (card n S) ρ ≤ sumOn n S ρ := by
  induction n with
  | zero => simp only [card, sumOn, sum]; grind
  | succ n ih =>
    have h := ih fun i j hij hj => sorted i j hij (by omega)
    simp only [card, sumOn, sum] at h ⊢
    cases e : S n with
    | false => simp only [Bool.false_eq_true, if_false, Nat.add_zero]; grind
    | true =>
      simp only [if_true, sum]
      have := sorted (card n S) n (card_le n S) (by omega)
      grind

/-- L11: sorted weights, downwards: any set of `r` slots weighs at most the first `r`. -/
theorem most_slots {n : Nat} (ρ : Nat → R) (sorted : ∀ i j, i ≤ j → j < n → ρ j ≤ ρ i) (S : Nat → Bool) :
    sumOn n S ρ ≤ sum (card n S) ρ := by
  have h := least_slots (n := n) (fun i => -ρ i) (fun i j hij hj => by have := sorted i j hij hj; grind) S
  have e1 : sum (card n S) (fun i => -ρ i) = - sum (card n S) ρ := by
    have := sum_mul (card n S) (-1 : R) ρ
    have e : (fun i => -1 * ρ i) = fun i => -ρ i := by funext i; grind
    rw [e] at this; rw [this]; grind
  have e2 : sumOn n S (fun i => -ρ i) = - sumOn n S ρ := by
    have := sum_mul n (-1 : R) fun i => if S i then ρ i else 0
    have e : (fun i => -1 * if S i then ρ i else 0) = fun i => if S i then -ρ i else (0 : R) := by
      funext i
      by_cases h : S i = true
      · simp only [h, if_true]; grind
      · simp only [h]; grind
    rw [e] at this
    simp only [sumOn]; rw [this]; grind
  rw [e1, e2] at h
  grind

/-- L12: attention to a set of slots, from a lower bound `d` on how much each of its scores exceeds the others': with
`Y` the weight of the positions in the set and `Y'` of those outside, the share of the set is at least `d Y / (d Y + Y')`,
written without division.  `others` is the weight outside; `inside` that of the set. -/
theorem attention_ge {inside others d e Y Y' : R} (hY : 0 ≤ Y)
    (h1 : inside = e * Y) (h2 : d * others ≤ e * Y') : d * Y * (inside + others) ≤ inside * (d * Y + Y') := by
  subst h1
  have := mul_le_mul_left h2 hY
  grind

/-- L12 for the weights themselves: outside the set each weight is a position weight times a token weight at most `e / d`. -/
theorem others_le {n : Nat} (S : Nat → Bool) (ρ ω : Nat → R) (d e : R) (hρ : ∀ i, i < n → 0 ≤ ρ i)
    (h : ∀ i, i < n → S i = false → d * ω i ≤ e) :
    d * sumOn n (fun i => !S i) (fun i => ρ i * ω i) ≤ e * sumOn n (fun i => !S i) ρ := by
  simp only [sumOn]
  rw [← sum_mul, ← sum_mul]
  apply sum_le; intro i hi
  by_cases e' : S i = true
  · simp only [e', Bool.not_true, Bool.false_eq_true, if_false]; grind
  · simp only [Bool.not_eq_true] at e'
    simp only [e', Bool.not_false, if_true]
    have := mul_le_mul_left (h i hi e') (hρ i hi)
    grind

/-- L13: the largest score of a prefix bounds every score gap of its tokens from below. -/
theorem prefix_gap {S : Nat → R} {m g : Nat} {top : R} (h : ∀ k, k ≤ m - g → S k ≤ top) : ∀ k, k ≤ m - g → S m - top ≤ S m - S k := by
  intro k hk
  have := h k hk
  grind

/-- L26: a value below every line at one point is below their envelope there; any list of lines with all of them will do. -/
theorem envelope_ge {ι : Type} {X : ι → Prop} (A B : ι → R) {a lo hi b : R} (h1 : lo ≤ a) (h2 : a ≤ hi)
    (hl : ∀ x, X x → b ≤ A x + B x * lo) (hh : ∀ x, X x → b ≤ A x + B x * hi) : ∀ x, X x → b ≤ A x + B x * a :=
  fun x hx => affine_ge h1 h2 (hl x hx) (hh x hx)

/-- L27: a position weight between two bounds times a gain is at least the smaller of the two products. -/
theorem threshold_term {ρ lo hi g h : R} (h1 : lo ≤ ρ) (h2 : ρ ≤ hi) (k1 : h ≤ lo * g) (k2 : h ≤ hi * g) : h ≤ ρ * g := by
  have A := fun p : 0 ≤ g => mul_nonneg (show 0 ≤ ρ - lo by grind) p
  have B := fun p : 0 ≤ -g => mul_nonneg (show 0 ≤ hi - ρ by grind) p
  grind

/-- L27: where the base and the terms of the tokens together are positive, so is the sum with the true weights. -/
theorem threshold_sum {n : Nat} (base : R) (ρ g h : Nat → R) (hg : ∀ i, i < n → h i ≤ ρ i * g i) (pos : 0 < base + sum n h) :
    0 < base + sum n fun i => ρ i * g i := by
  have := sum_le hg
  grind

/-- L28: the gap of a row is at least its entry at `m` less its largest other entry, and at least minus its range. -/
theorem row_gap {v : Nat} (C : Nat → R) {m : Nat} {top range : R} (h : ∀ y, y < v → y ≠ m → C y ≤ top)
    (hr : ∀ x, x < v → ∀ y, y < v → C x - C y ≤ range) (hm : m < v) :
    ∀ x, x < v → x ≠ m → C m - top ≤ C m - C x ∧ -range ≤ C m - C x := by
  intro x hx hne
  have := h x hx hne
  have := hr x hx m hm
  grind

/-- L31: logits within `η` of the exact ones keep the order wherever the exact gap exceeds `2 η`. -/
theorem float_link {f f' : Nat → R} {η : R} {m x : Nat} (hm : f m - η ≤ f' m) (hx : f' x ≤ f x + η) (h : 2 * η < f m - f x) :
    f' x < f' m := by grind

/-- L31 for constraints: where every gap less `2 η` has a positive weighted sum, every exact gap exceeds `2 η`. -/
theorem float_margin {n : Nat} (hn : 0 < n) (w a : Nat → R) (u η : R) (hw : ∀ i, i < n → 0 < w i)
    (h : 0 < sum n fun i => w i * ((u - 2 * η) + a i)) : 2 * η < u + sum n fun i => share n w i * a i := by
  have := (clear_denominator hn w a (u - 2 * η) hw).mpr h
  grind

end Verifier
