module
public import Verifier.Cast
public import Verifier.Lists
public section

/-!
What is certified, on one screen: `attention-only-1` and its accuracy on max-of-n.  One layer, one head, causal
attention read at the last position (so only the last row of attention matters), no layer norm, no MLP, all biases zero.
-/

namespace Verifier
open Std Lean.Grind ExpField

/-- The seven weight matrices: vocabulary `v`, positions `n`, width `d`, head width `h`. -/
structure Weights (R : Type) where
  (v n d h : Nat)
  (E P Q K V O U : Nat → Nat → R)

section logits
variable {R : Type} [ExpField R] (W : Weights R) (s : R) (t : Nat → Nat)

/-- The residual stream: token embedding plus position embedding. -/
@[expose] noncomputable def residual (i a : Nat) : R := W.E (t i) a + W.P i a
/-- The score of position `i` for the query at the last position; `s` is the attention scale. -/
@[expose] noncomputable def score (i : Nat) : R :=
  (sum W.h fun c => mm W.d (residual W t) W.Q (W.n - 1) c * mm W.d (residual W t) W.K i c) / s
/-- Softmax of the scores. -/
@[expose] noncomputable def attention (i : Nat) : R := exp (score W s t i) / sum W.n fun j => exp (score W s t j)
/-- What the head adds to the residual stream at the last position. -/
@[expose] noncomputable def headOut (a : Nat) : R :=
  sum W.h fun c => (sum W.n fun i => attention W s t i * mm W.d (residual W t) W.V i c) * W.O c a
/-- The logit of output `x` at the last position. -/
@[expose] noncomputable def logit (x : Nat) : R :=
  sum W.d fun a => (residual W t (W.n - 1) a + headOut W s t a) * W.U a x
end logits

/-- `m` is the largest of the first `n` tokens. -/
@[expose] def IsMax (n : Nat) (t : Nat → Nat) (m : Nat) : Prop := (∀ i, i < n → t i ≤ m) ∧ ∃ i, i < n ∧ t i = m

/-- The input is answered correctly: the maximum has the strictly largest logit (a tie is wrong). -/
@[expose] def Correct {R : Type} [ExpField R] (W : Weights R) (s : R) (t : Nat → Nat) : Prop :=
  ∀ m, IsMax W.n t m → ∀ x, x < W.v → x ≠ m → logit W s t x < logit W s t m

/-- A model as data: every weight is an integer over `2 ^ e`. -/
structure Model where
  (v n d h e : Nat)
  (E P Q K V O U : List (List Int))

/-- A table of `rows` rows with `columns` entries each. -/
@[expose] def HasShape (T : List (List Int)) (rows columns : Nat) : Prop := T.length = rows ∧ ∀ r ∈ T, r.length = columns

/-- There is a head, and every matrix has its full size: no weight is one that a list does not hold. -/
@[expose] def Model.WellFormed (M : Model) : Prop :=
  0 < M.h ∧ HasShape M.E M.v M.d ∧ HasShape M.P M.n M.d ∧ HasShape M.Q M.d M.h ∧ HasShape M.K M.d M.h ∧ HasShape M.V M.d M.h ∧
  HasShape M.O M.h M.d ∧ HasShape M.U M.d M.v

/-- The weights that a model's integers stand for. -/
@[expose] noncomputable def Model.weights (M : Model) (R : Type) [ExpField R] : Weights R :=
  let real (T : List (List Int)) (i j : Nat) : R := ofInt (at2 T i j) / ofInt (2 ^ M.e)
  ⟨M.v, M.n, M.d, M.h, real M.E, real M.P, real M.Q, real M.K, real M.V, real M.O, real M.U⟩

/-- All sequences of a scope, which has one token range `lo ≤ token < hi` per position. -/
@[expose] noncomputable def sequences : List (Nat × Nat) → List (List Nat)
  | [] => [[]]
  | r :: rs => (List.range' r.1 (r.2 - r.1)).flatMap fun k => (sequences rs).map (k :: ·)

open Classical in
/-- How many sequences of the scope are answered correctly. -/
@[expose] noncomputable def numCorrect {R : Type} [ExpField R] (W : Weights R) (s : R) (scope : List (Nat × Nat)) : Nat :=
  (sequences scope).countP fun t => decide (Correct W s (nth 0 t))

/-- The claim: the accuracy of the model over the scope, which is not empty, is at least `p / q`, in every field with an
exponential and a square root of the head width. -/
@[expose] def BoundHolds (M : Model) (scope : List (Nat × Nat)) (p q : Nat) : Prop :=
  M.WellFormed ∧ 0 < M.n ∧ scope.length = M.n ∧ (∀ r ∈ scope, r.1 < r.2 ∧ r.2 ≤ M.v) ∧
  ∀ (R : Type) [ExpField R] (s : R), 0 < s → s * s = ofInt M.h →
    p * (sequences scope).length ≤ q * numCorrect (M.weights R) s scope

end Verifier
