module
public import Verifier.Rounding.Attention
public import Verifier.Extremal
public import Verifier.Tables
public section

/-!
A machine that evaluates an `attention-only-1` model and rounds every operation, as a relation between the numbers that it computes;
and the error bounds that follow from the sizes of the exact numbers.
-/

namespace Verifier
open Std Lean.Grind ExpField
variable {R : Type} [ExpField R]

/-- The logit of `x` if the last position pays attention `α` instead of softmax of the scores. -/
@[expose] noncomputable def Tables.mixed (T : Tables R) (t : Nat → Nat) (α : Nat → R) (x : Nat) : R :=
  T.skip (t (T.n - 1)) x + sum T.n fun i => α i * (T.copy (t i) x + T.pcopy i x)

/-- What the head writes to the residual stream for attention `α`. -/
@[expose] noncomputable def mixedOut (W : Weights R) (t : Nat → Nat) (α : Nat → R) (a : Nat) : R :=
  sum W.h fun c => (sum W.n fun i => α i * mm W.d (residual W t) W.V i c) * W.O c a

/-- L1 for any attention: residual stream, head and unembedding give the skip row plus the mean of the copy rows. -/
theorem mixed_eq (W : Weights R) (t : Nat → Nat) (α : Nat → R) (x : Nat) :
    (sum W.d fun a => (residual W t (W.n - 1) a + mixedOut W t α a) * W.U a x) = W.tables.mixed t α x := by
  have out : (sum W.d fun a => mixedOut W t α a * W.U a x) = sum W.n fun i => α i * (W.tables.copy (t i) x + W.tables.pcopy i x) := by
    have a1 : (sum W.d fun a => mixedOut W t α a * W.U a x)
        = mm W.d (mm W.h (mm W.n (fun _ i => α i) (mm W.d (residual W t) W.V)) W.O) W.U 0 x := rfl
    rw [a1, mm_assoc, mm_assoc, ← mm_assoc W.h]
    simp only [mm, Weights.tables]
    apply sum_congr; intro i _
    congr 1
    rw [← sum_add]; apply sum_congr; intro a _
    have : (sum W.h fun k => (sum W.d fun k_1 => residual W t i k_1 * W.V k_1 k) * W.O k a)
        = (sum W.h fun k => (sum W.d fun k_1 => W.E (t i) k_1 * W.V k_1 k) * W.O k a)
          + (sum W.h fun k => (sum W.d fun k_1 => W.P i k_1 * W.V k_1 k) * W.O k a) := by
      rw [← sum_add]; apply sum_congr; intro c _
      have := residual_mm W t W.V i c
      simp only [mm] at this
      rw [this]; grind
    rw [this]; grind
  simp only [Tables.mixed]
  have skip : W.tables.skip (t (W.tables.n - 1)) x = sum W.d fun a => residual W t (W.n - 1) a * W.U a x := rfl
  rw [skip, show W.tables.n = W.n from rfl, ← out, ← sum_add]
  apply sum_congr; intro a _; grind

/-- What one machine computed for the input `t`: every sum in an order of its own, every operation rounded (or fused), the scores
divided by `s` with a relative error of at most `g` (and `τ₁`), the largest subtracted, `exp` with a relative error of at most `ρ` (and `τ'`
where it underflows). -/
structure FloatRun (W : Weights R) (s : R) (t : Nat → Nat) (u τ ρ τ' g τ₁ : R) where
  (x k v : Nat → Nat → R)                        -- residuals, keys, values: position, column
  (q raw scaled y e a mix out last f : Nat → R)  -- query, scores, exponents, exponentials, attention, mix, head, residual, logits
  (z shift : R)                                  -- the sum of the exponentials, the largest scaled score
  order : Nat → Nat → Nat → SumTree              -- step, and the two indices
  embeds : ∀ i, i < W.n → ∀ b, b < W.d → Rounded u τ (W.E (t i) b + W.P i b) (x i b)
  queries : ∀ c, c < W.h → (order 0 0 c).Orders W.d ∧ (order 0 0 c).Computes u τ (fun b => x (W.n - 1) b * W.Q b c) (q c)
  keys : ∀ i, i < W.n → ∀ c, c < W.h → (order 1 i c).Orders W.d ∧ (order 1 i c).Computes u τ (fun b => x i b * W.K b c) (k i c)
  values : ∀ i, i < W.n → ∀ c, c < W.h → (order 2 i c).Orders W.d ∧ (order 2 i c).Computes u τ (fun b => x i b * W.V b c) (v i c)
  scores : ∀ i, i < W.n → (order 3 0 i).Orders W.h ∧ (order 3 0 i).Computes u τ (fun c => q c * k i c) (raw i)
  scales : ∀ i, i < W.n → abs (scaled i - raw i / s) ≤ g * abs (raw i / s) + τ₁
  largest : ∃ i, i < W.n ∧ shift = scaled i
  exponents : ∀ i, i < W.n → Rounded u τ (scaled i - shift) (y i)
  exponentials : ∀ i, i < W.n → abs (e i - exp (y i)) ≤ ρ * exp (y i) + τ'
  totals : (order 4 0 0).Orders W.n ∧ (order 4 0 0).Computes u τ e z
  quotients : ∀ i, i < W.n → Rounded u τ (e i / z) (a i)
  mixes : ∀ c, c < W.h → (order 5 0 c).Orders W.n ∧ (order 5 0 c).Computes u τ (fun i => a i * v i c) (mix c)
  outs : ∀ b, b < W.d → (order 6 0 b).Orders W.h ∧ (order 6 0 b).Computes u τ (fun c => mix c * W.O c b) (out b)
  lasts : ∀ b, b < W.d → Rounded u τ (x (W.n - 1) b + out b) (last b)
  logits : ∀ o, o < W.v → (order 7 0 o).Orders W.d ∧ (order 7 0 o).Computes u τ (fun b => last b * W.U b o) (f o)

/-- Bounds of the exact numbers of the layer: residuals, queries, keys and values, by column. -/
structure Sizes (W : Weights R) (t : Nat → Nat) where
  (X Q K V : Nat → R)
  residuals : ∀ i, i < W.n → ∀ b, b < W.d → abs (residual W t i b) ≤ X b
  queries : ∀ c, c < W.h → abs (mm W.d (residual W t) W.Q (W.n - 1) c) ≤ Q c
  keys : ∀ i, i < W.n → ∀ c, c < W.h → abs (mm W.d (residual W t) W.K i c) ≤ K c
  values : ∀ i, i < W.n → ∀ c, c < W.h → abs (mm W.d (residual W t) W.V i c) ≤ V c

namespace Sizes
variable {W : Weights R} {t : Nat → Nat} (S : Sizes W t) (u τ : R)

/-- The error of a residual. -/
@[expose] noncomputable def embedError (b : Nat) : R := u * S.X b + τ
/-- The error of a residual times a matrix, by column. -/
@[expose] noncomputable def columnError (M : Nat → Nat → R) (c : Nat) : R := through u τ W.d S.X (S.embedError u τ) fun b => M b c
/-- The error of a score before it is divided. -/
@[expose] noncomputable def scoreError : R :=
  (sum W.h fun c => gamma u W.h * ((S.Q c + S.columnError u τ W.Q c) * (S.K c + S.columnError u τ W.K c))
    + (S.columnError u τ W.Q c * (S.K c + S.columnError u τ W.K c) + S.Q c * S.columnError u τ W.K c)) + underflow u τ W.h
/-- The largest that a scaled score may be in absolute value. -/
@[expose] noncomputable def scaledSize (s : R) : R := ((sum W.h fun c => S.Q c * S.K c) + S.scoreError u τ) / s
/-- The error of an exponent: of the score, of its scale, of the subtraction. -/
@[expose] noncomputable def exponentError (s g τ₁ : R) : R :=
  S.scoreError u τ / s + (g * S.scaledSize u τ s + τ₁ + u * (2 * ((1 + g) * S.scaledSize u τ s + τ₁)) + τ)
/-- The error of the mix, for attention off by `κ` in all. -/
@[expose] noncomputable def mixError (κ : R) (c : Nat) : R :=
  gamma u W.n * ((1 + κ) * (S.V c + S.columnError u τ W.V c)) + underflow u τ W.n
    + (κ * (S.V c + S.columnError u τ W.V c) + S.columnError u τ W.V c)
/-- The size of the final residual. -/
@[expose] noncomputable def lastSize (b : Nat) : R := S.X b + sum W.h fun c => S.V c * abs (W.O c b)
/-- The error of the final residual before it is rounded itself. -/
@[expose] noncomputable def lastError (κ : R) (b : Nat) : R := S.embedError u τ b + through u τ W.h S.V (S.mixError u τ κ) fun c => W.O c b
/-- The error of a logit, given the weights that the attention stands for. -/
@[expose] noncomputable def logitError (κ : R) (o : Nat) : R :=
  through u τ W.d S.lastSize (fun b => S.lastError u τ κ b + (u * (S.lastSize b + S.lastError u τ κ b) + τ)) fun b => W.U b o
end Sizes

end Verifier
