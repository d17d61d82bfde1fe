module
public import Verifier.Sum
public section

/-! Weighted means and the argument that clears the softmax denominator (L2-L6, L33 of docs/mathematics.md). -/

namespace Verifier
open Std Lean.Grind ExpField
variable {R : Type} [ExpField R]

/-- Weights divided by their sum: softmax once the weights are exponentials. -/
@[expose] noncomputable def share (n : Nat) (w : Nat → R) (i : Nat) : R := w i / sum n w

/-- The shares of positive weights are positive. -/
theorem share_pos {n : Nat} (w : Nat → R) (hw : ∀ i, i < n → 0 < w i) {i : Nat} (hi : i < n) : 0 < share n w i := by
  have Z := sum_pos (show 0 < n by omega) hw
  have := mul_pos (hw i hi) (inv_pos Z)
  simp only [share, Field.div_eq_mul_inv]
  exact this

/-- The shares of positive weights add up to one. -/
theorem sum_share {n : Nat} (hn : 0 < n) (w : Nat → R) (hw : ∀ i, i < n → 0 < w i) : sum n (share n w) = 1 := by
  have Z := sum_pos hn hw
  have e : sum n (share n w) = sum n w * (sum n w)⁻¹ := by
    rw [← sum_mul_right]; apply sum_congr; intro i _; simp only [share, Field.div_eq_mul_inv]
  rw [e]
  generalize sum n w = z at *
  grind

/-- L2: a common positive factor of the weights does not change the shares. -/
theorem share_scale {n : Nat} (c : R) (hc : 0 < c) (hn : 0 < n) (w : Nat → R) (hw : ∀ i, i < n → 0 < w i) (i : Nat) :
    share n (fun j => c * w j) i = share n w i := by
  have Z := sum_pos hn hw
  simp only [share, sum_mul]
  generalize sum n w = z at *
  have := mul_pos hc Z
  have a : c * z * (c * z)⁻¹ = 1 := by grind
  have b : z * z⁻¹ = 1 := by grind
  rw [Field.div_eq_mul_inv, Field.div_eq_mul_inv]
  have e : c * w i * (c * z)⁻¹ = w i * (c * (c * z)⁻¹) := by grind
  have f : c * (c * z)⁻¹ = z⁻¹ := by
    have : c * (c * z)⁻¹ * (z * z⁻¹) = c * z * (c * z)⁻¹ * z⁻¹ := by grind
    grind
  rw [e, f]

/-- L2: adding a constant to every score does not change softmax. -/
theorem softmax_shift {n : Nat} (hn : 0 < n) (c : R) (σ : Nat → R) (i : Nat) :
    share n (fun j => exp (σ j + c)) i = share n (fun j => exp (σ j)) i := by
  rw [← share_scale (exp c) (exp_pos c) hn (fun j => exp (σ j)) (fun j _ => exp_pos _)]
  congr 1
  funext j
  rw [exp_add]; grind

/-- The mean of `a` times the sum of the weights is the weighted sum. -/
theorem mean_mul_total {n : Nat} (hn : 0 < n) (w a : Nat → R) (u : R) (hw : ∀ i, i < n → 0 < w i) :
    (u + sum n fun i => share n w i * a i) * sum n w = sum n fun i => w i * (u + a i) := by
  have Z := sum_pos hn hw
  have e1 : sum n (fun i => w i * (u + a i)) = sum n (fun i => w i * a i) + u * sum n w := by
    rw [← sum_mul, ← sum_add]; apply sum_congr; intro i _; grind
  have e2 : sum n (fun i => share n w i * a i) = (sum n w)⁻¹ * sum n (fun i => w i * a i) := by
    rw [← sum_mul]; apply sum_congr; intro i _; simp only [share, Field.div_eq_mul_inv]; grind
  rw [e1, e2]
  generalize sum n w = z at *
  generalize sum n (fun i => w i * a i) = s at *
  grind

/-- L4: a base plus a softmax mean is positive exactly when the weighted sum without the denominator is. -/
theorem clear_denominator {n : Nat} (hn : 0 < n) (w a : Nat → R) (u : R) (hw : ∀ i, i < n → 0 < w i) :
    0 < u + sum n (fun i => share n w i * a i) ↔ 0 < sum n (fun i => w i * (u + a i)) := by
  have Z := sum_pos hn hw
  have e := mean_mul_total hn w a u hw
  constructor
  · intro h
    rw [← e]; exact mul_pos h Z
  · intro h
    rw [← e] at h
    exact pos_of_mul_pos Z (by grind)

/-- L5: a weighted mean is at least a common lower bound of the values that are averaged. -/
theorem le_mean {n : Nat} (α p : Nat → R) (b : R) (h0 : ∀ i, i < n → 0 ≤ α i) (h1 : sum n α = 1)
    (hp : ∀ i, i < n → b ≤ p i) : b ≤ sum n fun i => α i * p i := by
  have := sum_le (n := n) (f := fun i => b * α i) (g := fun i => α i * p i) fun i hi => by
    have := mul_le_mul_left (hp i hi) (h0 i hi)
    grind
  rw [sum_mul, h1] at this
  grind

/-- L5: a weighted mean is at most a common upper bound of the values that are averaged. -/
theorem mean_le {n : Nat} (α p : Nat → R) (b : R) (h0 : ∀ i, i < n → 0 ≤ α i) (h1 : sum n α = 1)
    (hp : ∀ i, i < n → p i ≤ b) : (sum n fun i => α i * p i) ≤ b := by
  have := sum_le (n := n) (f := fun i => α i * p i) (g := fun i => b * α i) fun i hi => by
    have := mul_le_mul_left (hp i hi) (h0 i hi)
    grind
  rw [sum_mul, h1] at this
  grind

/-- L6: lower bounds of two families add up to a lower bound of their sum. -/
theorem min_add {ι : Type} {X : ι → Prop} (f g : ι → R) (a b : R) (hf : ∀ x, X x → a ≤ f x) (hg : ∀ x, X x → b ≤ g x) :
    ∀ x, X x → a + b ≤ f x + g x := by
  intro x hx
  have := hf x hx
  have := hg x hx
  grind

/-- L7: any reference function may be moved from one family to the other before the two are bounded apart. -/
theorem min_add_reference {ι : Type} {X : ι → Prop} (f g r : ι → R) (a b : R) (hf : ∀ x, X x → a ≤ f x + r x)
    (hg : ∀ x, X x → b ≤ g x - r x) : ∀ x, X x → a + b ≤ f x + g x := by
  intro x hx
  have := hf x hx
  have := hg x hx
  grind

/-- L33: since attention adds up to one, a shift may be moved from the skip path to the copy path. -/
theorem shift_invariance {n : Nat} (α D : Nat → R) (g s : R) (h1 : sum n α = 1) :
    (g + sum n fun i => α i * D i) = (g - s) + sum n fun i => α i * (D i + s) := by
  have e : (sum n fun i => α i * (D i + s)) = (sum n fun i => α i * D i) + s * sum n α := by
    rw [← sum_mul, ← sum_add]; apply sum_congr; intro i _; grind
  rw [e, h1]; grind

/-- `y` attains the maximum of `f` over `x < v`. -/
@[expose] def IsArgmax (v : Nat) (f : Nat → R) (y : Nat) : Prop := y < v ∧ ∀ x, x < v → f x ≤ f y

/-- L3: where every gap is positive the argmax is unique and equals the label. -/
theorem argmax_unique {v : Nat} {f : Nat → R} {m : Nat} (hm : m < v)
    (h : ∀ x, x < v → x ≠ m → 0 < f m - f x) : ∀ y, IsArgmax v f y ↔ y = m := by
  intro y
  constructor
  · intro ⟨hy, k⟩
    apply Classical.byContradiction
    intro ne
    have := h y hy ne
    have := k m hm
    grind
  · intro e
    subst e
    refine ⟨hm, fun x hx => ?_⟩
    by_cases e : x = y
    · subst e; grind
    · have := h x hx e; grind

end Verifier
