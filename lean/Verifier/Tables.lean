module
public import Verifier.Spec
public import Verifier.Softmax
public section

/-!
The five tables of the model, and the exact identities that rest on them: the path decomposition (L1), the mean-position
trick, and the gap of two logits as a sum of one term per position.
-/

namespace Verifier
open Std Lean.Grind ExpField
variable {R : Type} [ExpField R]

/-- skip: query, output.  score: query, key.  pscore: query, position.  copy: key, output.  pcopy: position, output. -/
structure Tables (R : Type) where
  (v n : Nat)
  (skip score pscore copy pcopy : Nat → Nat → R)

/-- The embedding of a query token at the last position. -/
@[expose] noncomputable def Weights.query (W : Weights R) (q a : Nat) : R := W.E q a + W.P (W.n - 1) a

/-- The five tables of a model, each a chain of exact matrices. -/
@[expose] noncomputable def Weights.tables (W : Weights R) : Tables R :=
  ⟨W.v, W.n, mm W.d W.query W.U,
   mm W.h (mm W.d W.query W.Q) (tr (mm W.d W.E W.K)), mm W.h (mm W.d W.query W.Q) (tr (mm W.d W.P W.K)),
   mm W.d (mm W.h (mm W.d W.E W.V) W.O) W.U, mm W.d (mm W.h (mm W.d W.P W.V) W.O) W.U⟩

/-- The weight of token `k` at position `i` for query `q`; `u` is one over the attention scale. -/
@[expose] noncomputable def Tables.weight (T : Tables R) (u : R) (q i k : Nat) : R := exp (u * (T.score q k + T.pscore q i))

/-- The logit of `x`, from the tables. -/
@[expose] noncomputable def Tables.logit (T : Tables R) (u : R) (t : Nat → Nat) (x : Nat) : R :=
  T.skip (t (T.n - 1)) x + sum T.n fun i =>
    share T.n (fun j => T.weight u (t (T.n - 1)) j (t j)) i * (T.copy (t i) x + T.pcopy i x)

/-- The residual stream is linear in token and position, so is its product with any matrix. -/
theorem residual_mm (W : Weights R) (t : Nat → Nat) (A : Nat → Nat → R) (i c : Nat) :
    mm W.d (residual W t) A i c = mm W.d W.E A (t i) c + mm W.d W.P A i c := by
  simp only [mm]
  rw [← sum_add]; apply sum_congr; intro a _; simp only [residual]; grind

/-- L1 for the scores: a token part and a position part. -/
theorem score_eq (W : Weights R) (s : R) (t : Nat → Nat) (i : Nat) :
    score W s t i = s⁻¹ * (W.tables.score (t (W.n - 1)) (t i) + W.tables.pscore (t (W.n - 1)) i) := by
  have q : ∀ c, mm W.d (residual W t) W.Q (W.n - 1) c = mm W.d W.query W.Q (t (W.n - 1)) c := by
    intro c; rfl
  have e : (sum W.h fun c => mm W.d (residual W t) W.Q (W.n - 1) c * mm W.d (residual W t) W.K i c)
      = W.tables.score (t (W.n - 1)) (t i) + W.tables.pscore (t (W.n - 1)) i := by
    simp only [q, residual_mm, Weights.tables]
    simp only [mm, tr]
    rw [← sum_add]; apply sum_congr; intro c _; grind
  simp only [score, Field.div_eq_mul_inv]
  rw [e]; grind

/-- L1 for the values: what the head adds, seen through the unembedding, is a mean of copy-path rows. -/
theorem headOut_eq (W : Weights R) (s : R) (t : Nat → Nat) (x : Nat) :
    (sum W.d fun a => headOut W s t a * W.U a x)
      = sum W.n fun i => attention W s t i * (W.tables.copy (t i) x + W.tables.pcopy i x) := by
  have a1 : (sum W.d fun a => headOut W s t a * W.U a x)
      = mm W.d (mm W.h (mm W.n (fun _ i => attention W s t i) (mm W.d (residual W t) W.V)) W.O) W.U 0 x := rfl
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

/-- L1 (path decomposition): the logits of the model are those of its five tables. -/
theorem logit_eq (W : Weights R) (s : R) (t : Nat → Nat) (x : Nat) : logit W s t x = W.tables.logit s⁻¹ t x := by
  have a : logit W s t x = W.tables.skip (t (W.n - 1)) x + sum W.d fun a => headOut W s t a * W.U a x := by
    simp only [logit, Weights.tables, mm]
    rw [← sum_add]; apply sum_congr; intro a _
    have : residual W t (W.n - 1) a = W.query (t (W.n - 1)) a := rfl
    rw [this]; grind
  rw [a, headOut_eq]
  simp only [Tables.logit]
  congr 1
  apply sum_congr; intro i _
  simp only [attention, share, Tables.weight, score_eq]
  rfl

/-- The mean-position trick: any row `r` may be moved from the position side of a bilinear table to its token side. -/
theorem reference_row (d : Nat) (A B C : Nat → Nat → R) (r : Nat → R) (k i x : Nat) :
    mm d A C k x + mm d B C i x = mm d (fun k a => A k a + r a) C k x + mm d (fun i a => B i a - r a) C i x := by
  simp only [mm]
  rw [← sum_add, ← sum_add]; apply sum_congr; intro a _; grind

/-! ## The gap of two logits -/

/-- The gap terms of slot `i` holding token `k`: skip, copy and position. -/
@[expose] noncomputable def Tables.gap (T : Tables R) (q m x i k : Nat) : R :=
  (T.skip q m - T.skip q x) + ((T.copy k m - T.copy k x) + (T.pcopy i m - T.pcopy i x))

/-- One term of Phi: weight times gap. -/
@[expose] noncomputable def Tables.psi (T : Tables R) (u : R) (q m x i k : Nat) : R := T.weight u q i k * T.gap q m x i k

/-- The gap of output `x` times the softmax denominator: a sum of one term per position. -/
@[expose] noncomputable def Tables.phi (T : Tables R) (u : R) (t : Nat → Nat) (m x : Nat) : R :=
  sum T.n fun i => T.psi u (t (T.n - 1)) m x i (t i)

/-- The gap of two logits times the softmax denominator is Phi. -/
theorem gap_mul_total (T : Tables R) (u : R) (t : Nat → Nat) (hn : 0 < T.n) (m x : Nat) :
    (T.logit u t m - T.logit u t x) * (sum T.n fun j => T.weight u (t (T.n - 1)) j (t j)) = T.phi u t m x := by
  have e : T.logit u t m - T.logit u t x = (T.skip (t (T.n - 1)) m - T.skip (t (T.n - 1)) x)
      + sum T.n fun i => share T.n (fun j => T.weight u (t (T.n - 1)) j (t j)) i
        * ((T.copy (t i) m - T.copy (t i) x) + (T.pcopy i m - T.pcopy i x)) := by
    simp only [Tables.logit]
    have : (sum T.n fun i => share T.n (fun j => T.weight u (t (T.n - 1)) j (t j)) i
        * ((T.copy (t i) m - T.copy (t i) x) + (T.pcopy i m - T.pcopy i x)))
        = (sum T.n fun i => share T.n (fun j => T.weight u (t (T.n - 1)) j (t j)) i * (T.copy (t i) m + T.pcopy i m))
        - (sum T.n fun i => share T.n (fun j => T.weight u (t (T.n - 1)) j (t j)) i * (T.copy (t i) x + T.pcopy i x)) := by
      rw [← sum_sub]; apply sum_congr; intro i _; grind
    rw [this]; grind
  rw [e, mean_mul_total hn (fun j => T.weight u (t (T.n - 1)) j (t j)) _ _ fun i _ => exp_pos _]
  rfl

/-- L3 with L4: the logit of `m` beats that of `x` exactly when Phi is positive. -/
theorem lt_iff_phi_pos (T : Tables R) (u : R) (t : Nat → Nat) (hn : 0 < T.n) (m x : Nat) :
    T.logit u t x < T.logit u t m ↔ 0 < T.phi u t m x := by
  have Z := sum_pos (R := R) hn (f := fun j => T.weight u (t (T.n - 1)) j (t j)) fun i _ => exp_pos _
  have e := gap_mul_total T u t hn m x
  constructor
  · intro h
    rw [← e]; exact mul_pos (by grind) Z
  · intro h
    rw [← e] at h
    have := pos_of_mul_pos Z (b := T.logit u t m - T.logit u t x) (by grind)
    grind

/-- An input is right if Phi is positive for every wrong output. -/
theorem correct_of_phi (W : Weights R) (s : R) (t : Nat → Nat) (hn : 0 < W.n)
    (h : ∀ m, IsMax W.n t m → ∀ x, x < W.v → x ≠ m → 0 < W.tables.phi s⁻¹ t m x) : Correct W s t := by
  intro m hm x hx hne
  rw [logit_eq, logit_eq]
  exact (lt_iff_phi_pos W.tables s⁻¹ t hn m x).mpr (h m hm x hx hne)

/-- An input is wrong if Phi is not positive for some wrong output. -/
theorem wrong_of_phi (W : Weights R) (s : R) (t : Nat → Nat) (hn : 0 < W.n) (m x : Nat) (hm : IsMax W.n t m)
    (hx : x < W.v) (hne : x ≠ m) (h : W.tables.phi s⁻¹ t m x ≤ 0) : ¬ Correct W s t := by
  intro c
  have := c m hm x hx hne
  rw [logit_eq, logit_eq, lt_iff_phi_pos W.tables s⁻¹ t hn m x] at this
  grind

end Verifier
