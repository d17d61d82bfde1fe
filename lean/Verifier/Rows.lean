module
public import Verifier.Sum
public section

/-!
Row bounds: how far apart two entries of one row of a product can be (L14-L19, L23).  `Spread f ε` says that any two
values of `f` over the columns differ by at most `ε`.
-/

namespace Verifier
open Std Lean.Grind
variable {R : Type} [ExpField R]

/-- Any two of the first `c` values of `f` differ by at most `ε`. -/
@[expose] def Spread (c : Nat) (f : Nat → R) (ε : R) : Prop := ∀ i, i < c → ∀ j, j < c → f i - f j ≤ ε

/-- The absolute value. -/
@[expose] noncomputable def abs (a : R) : R := open Classical in if 0 ≤ a then a else -a

theorem abs_nonneg (a : R) : 0 ≤ abs a := by
  simp only [abs]; split <;> grind

theorem le_abs (a : R) : a ≤ abs a := by
  simp only [abs]; split <;> grind

theorem neg_le_abs (a : R) : -a ≤ abs a := by
  simp only [abs]; split <;> grind

theorem abs_le {a b : R} (h1 : a ≤ b) (h2 : -a ≤ b) : abs a ≤ b := by
  simp only [abs]; split <;> grind

/-- A spread bounds differences in both directions. -/
theorem Spread.abs_le {c : Nat} {f : Nat → R} {ε : R} (h : Spread c f ε) {i j : Nat} (hi : i < c) (hj : j < c) :
    abs (f i - f j) ≤ ε := by
  have := h i hi j hj
  have := h j hj i hi
  exact Verifier.abs_le (by grind) (by grind)

/-- L14: spreads add. -/
theorem Spread.add {c : Nat} {f g : Nat → R} {ε δ : R} (h : Spread c f ε) (k : Spread c g δ) :
    Spread c (fun i => f i + g i) (ε + δ) := by
  intro i hi j hj
  have := h i hi j hj
  have := k i hi j hj
  grind

/-- L14: a multiple has the spread times the absolute value of the factor. -/
theorem Spread.scale {c : Nat} {f : Nat → R} {ε : R} (h : Spread c f ε) (a : R) : Spread c (fun i => a * f i) (abs a * ε) := by
  intro i hi j hj
  have h1 := h i hi j hj
  have h2 := h j hj i hi
  simp only [abs]
  split
  · rename_i p
    have := mul_le_mul_left h1 p
    grind
  · rename_i p
    have := mul_le_mul_left h2 (show 0 ≤ -a by grind)
    grind

/-- L14: a constant added to every entry leaves the spread alone. -/
theorem Spread.add_const {c : Nat} {f : Nat → R} {ε : R} (h : Spread c f ε) (a : R) : Spread c (fun i => f i + a) ε := by
  intro i hi j hj
  have := h i hi j hj
  grind

theorem Spread.mono {c : Nat} {f : Nat → R} {ε δ : R} (h : Spread c f ε) (k : ε ≤ δ) : Spread c f δ := by
  intro i hi j hj
  have := h i hi j hj
  grind

/-- L14 for scores: a row bound of the error moves any difference of scores by at most that bound. -/
theorem score_difference {c : Nat} {S S' M : Nat → R} {ε : R} (hS : ∀ k, k < c → S k = S' k + M k) (h : Spread c M ε)
    {m k : Nat} (hm : m < c) (hk : k < c) : S' m - S' k - ε ≤ S m - S k ∧ S m - S k ≤ S' m - S' k + ε := by
  have := h m hm k hk
  have := h k hk m hm
  rw [hS m hm, hS k hk]
  grind

/-- L15: the row bound of a product from the ranges of the rows of its right factor. -/
theorem product_spread {n c : Nat} (a : Nat → R) (B : Nat → Nat → R) (ρ : Nat → R) (h : ∀ j, j < n → Spread c (B j) (ρ j)) :
    Spread c (fun x => sum n fun j => a j * B j x) (sum n fun j => abs (a j) * ρ j) := by
  induction n with
  | zero => intro i _ j _; simp only [sum]; grind
  | succ n ih => exact (ih fun j hj => h j (by omega)).add ((h n (by omega)).scale (a n))

/-- L16, and L19 at any level: subtract a reference row `r` from the left factor first. -/
theorem product_spread_reference {n c : Nat} (a r : Nat → R) (B : Nat → Nat → R) (ρ : Nat → R) (σ : R)
    (h : ∀ j, j < n → Spread c (B j) (ρ j)) (hr : Spread c (fun x => sum n fun j => r j * B j x) σ) :
    Spread c (fun x => sum n fun j => a j * B j x) (σ + sum n fun j => abs (a j - r j) * ρ j) := by
  have e : (fun x => sum n fun j => a j * B j x) = fun x => (sum n fun j => r j * B j x) + sum n fun j => (a j - r j) * B j x := by
    funext x; rw [← sum_add]; apply sum_congr; intro j _; grind
  rw [e]
  exact hr.add (product_spread _ B ρ h)

/-- L17: of several row bounds of one row the least is a row bound. -/
theorem Spread.min {c : Nat} {f : Nat → R} {ε δ μ : R} (h : Spread c f ε) (k : Spread c f δ) (hμ : μ = ε ∨ μ = δ) : Spread c f μ := by
  rcases hμ with e | e <;> subst e <;> assumption

/-- L17: a product of factors may be cut anywhere before its row bound is taken. -/
theorem cut_spread {n c : Nat} (A B : Nat → Nat → R) (ρ : Nat → R) (i : Nat) (h : ∀ j, j < n → Spread c (B j) (ρ j)) :
    Spread c (mm n A B i) (sum n fun j => abs (A i j) * ρ j) := product_spread (A i) B ρ h

/-- A chain of factors with the inner dimension to the left of each, and its product from the right. -/
@[expose] noncomputable def chainProduct : List (Nat × (Nat → Nat → R)) → (Nat → Nat → R) → (Nat → Nat → R)
  | [], last => last
  | (n, A) :: rest, last => mm n A (chainProduct rest last)

/-- The recursive row bound `D`: the range of the last factor, multiplied by absolute values from the right. -/
@[expose] noncomputable def chainBound : List (Nat × (Nat → Nat → R)) → (Nat → R) → (Nat → R)
  | [], last => last
  | (n, A) :: rest, last => fun i => sum n fun j => abs (A i j) * chainBound rest last j

/-- L18: the recursive row bound of a chain. -/
theorem chain_spread {c : Nat} (chain : List (Nat × (Nat → Nat → R))) (last : Nat → Nat → R) (ρ : Nat → R)
    (h : ∀ j, Spread c (last j) (ρ j)) (i : Nat) : Spread c (chainProduct chain last i) (chainBound chain ρ i) := by
  induction chain generalizing i with
  | nil => exact h i
  | cons a rest ih => exact product_spread _ _ _ fun j _ => ih j

/-- L19: the recursive row bound with a reference row at any level: a row bound below, and the range of the reference
row through the rest of the chain, give a row bound above. -/
theorem chain_spread_reference {n c : Nat} (A rest : Nat → Nat → R) (r : Nat → R) (ρ : Nat → R) (σ : R)
    (h : ∀ j, j < n → Spread c (rest j) (ρ j)) (hr : Spread c (fun x => sum n fun j => r j * rest j x) σ) (i : Nat) :
    Spread c (mm n A rest i) (σ + sum n fun j => abs (A i j - r j) * ρ j) := product_spread_reference (A i) r rest ρ σ h hr

/-- L23: the skip gap, from any reference row `e` and the ranges of the rows of the unembedding. -/
theorem skip_gap {n c : Nat} (q e : Nat → R) (U : Nat → Nat → R) (ρ : Nat → R) (h : ∀ j, j < n → Spread c (U j) (ρ j))
    {m x : Nat} (hm : m < c) (hx : x < c) :
    (sum n fun j => e j * U j m) - (sum n fun j => e j * U j x) - (sum n fun j => abs (q j - e j) * ρ j)
      ≤ (sum n fun j => q j * U j m) - sum n fun j => q j * U j x := by
  have s := product_spread (fun j => q j - e j) U ρ h x hx m hm
  have d : ∀ x, (sum n fun j => (q j - e j) * U j x) = (sum n fun j => q j * U j x) - sum n fun j => e j * U j x := by
    intro x; rw [← sum_sub]; apply sum_congr; intro j _; grind
  simp only [d] at s
  grind

/-- A row bound becomes half of it on every entry, up to a constant per row: some constant lies within half the bound of
every entry.  Stated through a midpoint, which any pair of extreme entries gives. -/
theorem Spread.half {c : Nat} {f : Nat → R} {ε : R} (h : Spread c f ε) {lo hi : Nat} (hlo : lo < c) (hhi : hi < c)
    (least : ∀ i, i < c → f lo ≤ f i) (largest : ∀ i, i < c → f i ≤ f hi) :
    ∀ i, i < c → abs (f i - (f lo + f hi) / 2) ≤ ε / 2 := by
  intro i hi'
  have := h hi hhi lo hlo
  have := least i hi'
  have := largest i hi'
  exact Verifier.abs_le (by grind) (by grind)

end Verifier
