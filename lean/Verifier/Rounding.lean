module
public import Verifier.Rounding.Machine
public section

/-!
What a machine that rounds every operation computes of an `attention-only-1` model: the logits of the formula for weights near
the exact ones, up to an explicit error.  Sums in any order, products fused or not, results that underflow.
-/

namespace Verifier
open Std Lean.Grind ExpField
variable {R : Type} [ExpField R]

variable {W : Weights R} {s u τ ρ τ' g τ₁ : R} {t : Nat → Nat}

/-- Residuals as computed. -/
theorem FloatRun.residual_error (run : FloatRun W s t u τ ρ τ' g τ₁) (S : Sizes W t) (hu : 0 ≤ u) :
    ∀ i, i < W.n → ∀ b, b < W.d → abs (run.x i b - residual W t i b) ≤ S.embedError u τ b := by
  intro i hi b hb
  have a := run.embeds i hi b hb
  have c := mul_le_mul_left (S.residuals i hi b hb) hu
  simp only [Rounded] at a
  simp only [residual] at c ⊢
  simp only [Sizes.embedError]
  grind

/-- Queries, keys and values as computed: one product with a matrix, in any order. -/
theorem FloatRun.column_error (run : FloatRun W s t u τ ρ τ' g τ₁) (S : Sizes W t) (hu : 0 ≤ u) (hτ : 0 ≤ τ) (M : Nat → Nat → R) {i c : Nat}
    (hi : i < W.n) {tree : SumTree} {z : R} (h : tree.Orders W.d ∧ tree.Computes u τ (fun b => run.x i b * M b c) z) :
    abs (z - mm W.d (residual W t) M i c) ≤ S.columnError u τ M c :=
  through_error hu hτ h.1 h.2 (x := residual W t i) (S.residuals i hi) (run.residual_error S hu i hi)

/-- The scores as computed, before they are scaled. -/
theorem FloatRun.score_error (run : FloatRun W s t u τ ρ τ' g τ₁) (S : Sizes W t) (hu : 0 ≤ u) (hτ : 0 ≤ τ) (hs : 0 < s) (hn : 0 < W.n) :
    ∀ i, i < W.n → abs (run.raw i / s - score W s t i) ≤ S.scoreError u τ / s ∧ abs (run.raw i / s) ≤ S.scaledSize u τ s := by
  intro i hi
  have d := dot_error hu hτ (run.scores i hi).1 (run.scores i hi).2 (x := fun c => mm W.d (residual W t) W.Q (W.n - 1) c)
    (y := fun c => mm W.d (residual W t) W.K i c) S.queries
    (fun c hc => run.column_error S hu hτ W.Q (by omega) (run.queries c hc)) (fun c hc => S.keys i hi c hc)
    (fun c hc => run.column_error S hu hτ W.K hi (run.keys i hi c hc))
  have p := inv_pos hs
  have d' : abs (run.raw i - sum W.h fun c => mm W.d (residual W t) W.Q (W.n - 1) c * mm W.d (residual W t) W.K i c) ≤ S.scoreError u τ := d
  have size : abs (sum W.h fun c => mm W.d (residual W t) W.Q (W.n - 1) c * mm W.d (residual W t) W.K i c) ≤ sum W.h fun c => S.Q c * S.K c := by
    have a := abs_sum_le W.h fun c => mm W.d (residual W t) W.Q (W.n - 1) c * mm W.d (residual W t) W.K i c
    have b := sum_le (n := W.h) (f := fun c => abs (mm W.d (residual W t) W.Q (W.n - 1) c * mm W.d (residual W t) W.K i c))
      (g := fun c => S.Q c * S.K c) fun c hc => by
        show abs (mm W.d (residual W t) W.Q (W.n - 1) c * mm W.d (residual W t) W.K i c) ≤ S.Q c * S.K c
        rw [abs_mul]
        exact mul_le_mul (S.queries c hc) (S.keys i hi c hc) (abs_nonneg _) (by
          have := S.queries c hc; have := abs_nonneg (mm W.d (residual W t) W.Q (W.n - 1) c)
          have := S.keys i hi c hc; have := abs_nonneg (mm W.d (residual W t) W.K i c); grind)
    grind
  simp only [score, Sizes.scaledSize, Field.div_eq_mul_inv]
  generalize (sum W.h fun c => mm W.d (residual W t) W.Q (W.n - 1) c * mm W.d (residual W t) W.K i c) = X at d' size ⊢
  have near := abs_near d' size
  constructor
  · rw [show run.raw i * s⁻¹ - X * s⁻¹ = s⁻¹ * (run.raw i - X) by grind, abs_mul, abs_of_nonneg (show 0 ≤ s⁻¹ by grind)]
    have := mul_le_mul_left d' (show 0 ≤ s⁻¹ by grind)
    grind
  · rw [abs_mul, abs_of_nonneg (show 0 ≤ s⁻¹ by grind)]
    have := mul_le_mul_left near (show 0 ≤ s⁻¹ by grind)
    grind

/-- The exponents as computed: the exact scores less a common shift, up to the errors of products, scale and subtraction. -/
theorem FloatRun.exponent_error (run : FloatRun W s t u τ ρ τ' g τ₁) (S : Sizes W t) (hu : 0 ≤ u) (hτ : 0 ≤ τ) (hg : 0 ≤ g) (hs : 0 < s)
    (hn : 0 < W.n) : ∀ i, i < W.n → abs (run.y i - (score W s t i - run.shift)) ≤ S.exponentError u τ s g τ₁ := by
  intro i hi
  obtain ⟨close, size⟩ := run.score_error S hu hτ hs hn i hi
  obtain ⟨j, hj, top⟩ := run.largest
  have shift : abs run.shift ≤ (1 + g) * S.scaledSize u τ s + τ₁ := by
    have b := (run.score_error S hu hτ hs hn j hj).2
    have := abs_near (run.scales j hj) b
    have := mul_le_mul_left b hg
    rw [top]; grind
  have a := scale_error hu hg size (run.scales i hi) shift (run.exponents i hi)
  have both := abs_add_le (run.y i - (run.raw i / s - run.shift)) (run.raw i / s - score W s t i)
  rw [show run.y i - (run.raw i / s - run.shift) + (run.raw i / s - score W s t i) = run.y i - (score W s t i - run.shift) by grind] at both
  simp only [Sizes.exponentError]
  grind

/-- The logits as computed, from the attention as computed: off by at most `logitError`. -/
theorem FloatRun.logit_error (run : FloatRun W s t u τ ρ τ' g τ₁) (S : Sizes W t) (hu : 0 ≤ u) (hτ : 0 ≤ τ) (hn : 0 < W.n) {α : Nat → R} {κ : R}
    (h0 : ∀ i, i < W.n → 0 ≤ α i) (one : sum W.n α = 1) (ha : (sum W.n fun i => abs (run.a i - α i)) ≤ κ) :
    ∀ o, o < W.v → abs (run.f o - W.tables.mixed t α o) ≤ S.logitError u τ κ o := by
  intro o ho
  have mix : ∀ c, c < W.h → abs (run.mix c - sum W.n fun i => α i * mm W.d (residual W t) W.V i c) ≤ S.mixError u τ κ c := fun c hc =>
    mean_error hu hτ hn (run.mixes c hc).1 h0 one ha (fun i hi => S.values i hi c hc)
      (fun i hi => run.column_error S hu hτ W.V hi (run.values i hi c hc)) (run.mixes c hc).2
  have size : ∀ c, c < W.h → abs (sum W.n fun i => α i * mm W.d (residual W t) W.V i c) ≤ S.V c := by
    intro c hc
    have a := abs_sum_le W.n fun i => α i * mm W.d (residual W t) W.V i c
    have b := sum_le (n := W.n) (f := fun i => abs (α i * mm W.d (residual W t) W.V i c)) (g := fun i => α i * S.V c) fun i hi => by
      show abs (α i * mm W.d (residual W t) W.V i c) ≤ α i * S.V c
      rw [abs_mul, abs_of_nonneg (h0 i hi)]
      exact mul_le_mul_left (S.values i hi c hc) (h0 i hi)
    rw [sum_mul_right, one] at b
    grind
  have out : ∀ b, b < W.d → abs (run.out b - mixedOut W t α b) ≤ through u τ W.h S.V (S.mixError u τ κ) fun c => W.O c b := fun b hb =>
    through_error hu hτ (run.outs b hb).1 (run.outs b hb).2 (x := fun c => sum W.n fun i => α i * mm W.d (residual W t) W.V i c) size mix
  have outSize : ∀ b, b < W.d → abs (residual W t (W.n - 1) b + mixedOut W t α b) ≤ S.lastSize b := by
    intro b hb
    have a := abs_add_le (residual W t (W.n - 1) b) (mixedOut W t α b)
    have r := S.residuals (W.n - 1) (by omega) b hb
    have m := abs_sum_le W.h fun c => (sum W.n fun i => α i * mm W.d (residual W t) W.V i c) * W.O c b
    have k := sum_le (n := W.h) (f := fun c => abs ((sum W.n fun i => α i * mm W.d (residual W t) W.V i c) * W.O c b))
      (g := fun c => S.V c * abs (W.O c b)) fun c hc => by
        show abs ((sum W.n fun i => α i * mm W.d (residual W t) W.V i c) * W.O c b) ≤ S.V c * abs (W.O c b)
        rw [abs_mul]
        have := mul_le_mul_left (size c hc) (abs_nonneg (W.O c b))
        grind
    simp only [Sizes.lastSize]
    simp only [mixedOut] at a ⊢
    grind
  have last : ∀ b, b < W.d → abs (run.last b - (residual W t (W.n - 1) b + mixedOut W t α b))
      ≤ S.lastError u τ κ b + (u * (S.lastSize b + S.lastError u τ κ b) + τ) := by
    intro b hb
    have r := run.lasts b hb
    have before : abs (run.x (W.n - 1) b + run.out b - (residual W t (W.n - 1) b + mixedOut W t α b)) ≤ S.lastError u τ κ b := by
      have a := abs_add_le (run.x (W.n - 1) b - residual W t (W.n - 1) b) (run.out b - mixedOut W t α b)
      rw [show ∀ A B C D : R, A - B + (C - D) = A + C - (B + D) by intros; grind] at a
      have := run.residual_error S hu (W.n - 1) (by omega) b hb
      have := out b hb
      simp only [Sizes.lastError]
      grind
    have near := mul_le_mul_left (abs_near before (outSize b hb)) hu
    have a := abs_add_le (run.last b - (run.x (W.n - 1) b + run.out b))
      (run.x (W.n - 1) b + run.out b - (residual W t (W.n - 1) b + mixedOut W t α b))
    rw [show ∀ A B C : R, A - B + (B - C) = A - C by intros; grind] at a
    simp only [Rounded] at r
    grind
  have f := through_error hu hτ (run.logits o ho).1 (run.logits o ho).2
    (x := fun b => residual W t (W.n - 1) b + mixedOut W t α b) outSize last
  rw [← mixed_eq]
  exact f

/-- What a float32 machine computes (docs/float32.md): there are weights `w`, each within a factor `exp (±(δ + ρ'))` of the exact one up
to a common factor, `δ` the error of an exponent, such that every logit is that of the formula with the attention `share w`, up to
`logitError`.  `κ` bounds what exponentials that underflow, their sum and the quotients change of the attention. -/
theorem float_logits_close (run : FloatRun W s t u τ ρ τ' g τ₁) (S : Sizes W t) (hu : 0 ≤ u) (hτ : 0 ≤ τ) (hτ' : 0 ≤ τ') (hg : 0 ≤ g) (hs : 0 < s) (hn : 0 < W.n)
    {ρ' κ α β : R} (h0 : 0 ≤ ρ) (h1 : ρ < 1) (hρ : ρ ≤ ρ' * (1 - ρ)) (big : 1 ≤ 2 * ((1 - ρ) * (1 - τ) - 2 * τ')) (hκ : 0 ≤ κ)
    (hα : α = 2 * sum W.n fun _ => τ') (hβ : β = gamma u W.n * (1 + α) + 2 * underflow u τ W.n) (small : α + β < 1)
    (h : u * (1 + α) + 2 * α + β ≤ κ * (1 - (α + β))) :
    ∃ w : Nat → R, (∀ i, i < W.n → exp (score W s t i - run.shift - (S.exponentError u τ s g τ₁ + ρ')) ≤ w i
        ∧ w i ≤ exp (score W s t i - run.shift + (S.exponentError u τ s g τ₁ + ρ')))
      ∧ ∀ o, o < W.v → abs (run.f o - W.tables.mixed t (share W.n w) o) ≤ S.logitError u τ (κ + sum W.n fun _ => τ) o := by
  have exists_w : ∀ i, ∃ w : R, i < W.n → exp (score W s t i - run.shift - (S.exponentError u τ s g τ₁ + ρ')) ≤ w
      ∧ w ≤ exp (score W s t i - run.shift + (S.exponentError u τ s g τ₁ + ρ')) ∧ abs (run.e i - w) ≤ τ' := by
    intro i
    by_cases hi : i < W.n
    · obtain ⟨w, hw⟩ := exp_error (run.exponent_error S hu hτ hg hs hn i hi) (run.exponentials i hi) h0 h1 hρ hτ'
      exact ⟨w, fun _ => hw⟩
    · exact ⟨0, fun c => absurd c hi⟩
  obtain ⟨w, hw⟩ := Classical.skolem.mp exists_w
  have wpos : ∀ i, i < W.n → 0 < w i := fun i hi => by
    have := (hw i hi).1
    have := exp_pos (score W s t i - run.shift - (S.exponentError u τ s g τ₁ + ρ'))
    grind
  have n0 : (0 : R) ≤ sum W.n fun _ => τ' := sum_nonneg fun _ _ => hτ'
  have Z : 1 ≤ 2 * sum W.n w := by
    obtain ⟨j, hj, top⟩ := run.largest
    have e := neg_le_abs (run.e j - exp (run.y j))
    have x := run.exponentials j hj
    have y := run.exponents j hj
    simp only [Rounded] at y
    rw [top, show run.scaled j - run.scaled j = 0 by grind, abs_of_nonneg (show (0 : R) ≤ 0 by grind)] at y
    have y' := neg_le_abs (run.y j - 0)
    have grow := one_add_le_exp (run.y j)
    have least := mul_le_mul_left (show 1 - τ ≤ exp (run.y j) by grind) (show 0 ≤ 1 - ρ by grind)
    have d := le_abs (run.e j - w j)
    have c := (hw j hj).2.2
    have l := le_sum (n := W.n) (f := w) (fun i hi => by have := wpos i hi; grind) hj
    grind
  have off : (sum W.n fun i => abs (run.e i - w i)) ≤ α * sum W.n w := by
    have b := sum_le (n := W.n) (f := fun i => abs (run.e i - w i)) (g := fun _ => τ') fun i hi => (hw i hi).2.2
    have := mul_le_mul_left Z n0
    rw [hα]
    grind
  have total : abs (run.z - sum W.n run.e) ≤ β * sum W.n w := by
    have a := sum_error hu hτ run.totals.1 run.totals.2
    have size : (sum W.n fun i => abs (run.e i)) ≤ (1 + α) * sum W.n w := by
      have b := sum_le (n := W.n) (f := fun i => abs (run.e i)) (g := fun i => w i + abs (run.e i - w i)) fun i hi =>
        abs_near (x := w i) (A := w i) (show abs (run.e i - w i) ≤ abs (run.e i - w i) by grind)
          (by have := wpos i hi; rw [abs_of_nonneg (by grind)]; grind)
      rw [sum_add] at b
      grind
    have g := mul_le_mul_left size (gamma_nonneg hu W.n)
    have f : 0 ≤ underflow u τ W.n := by
      have c : (0 : R) ≤ ofInt ((2 * W.n - 1 : Nat) : Int) := ofInt_nonneg (by omega)
      have k := (growth_mono hu (Nat.le_refl W.n)).2
      have := zero_lt_one (R := R)
      exact mul_nonneg (mul_nonneg c (by grind)) hτ
    have m := mul_le_mul_left Z f
    rw [hβ]
    grind
  have attention := softmax_error (a := run.a) (τ := τ) (ε := u) hn wpos off total (fun zpos i hi => quotient_error zpos (run.quotients i hi)) hu hκ small h
  refine ⟨w, fun i hi => ⟨(hw i hi).1, (hw i hi).2.1⟩, run.logit_error S hu hτ hn ?_ (sum_share hn w wpos) attention⟩
  intro i hi
  have := share_pos w wpos hi
  grind

/-- L31: where the gap of the real logits exceeds `2 η`, the computed ones are in the right order; where it is at most `-2 η`
they are not, a tie being wrong. -/
theorem float_gap {f f' : Nat → R} {η : R} {m x : Nat} (hm : abs (f' m - f m) ≤ η) (hx : abs (f' x - f x) ≤ η) :
    (2 * η < f m - f x → f' x < f' m) ∧ (f m - f x ≤ -(2 * η) → ¬ f' x < f' m) := by
  have := le_abs (f' m - f m); have := neg_le_abs (f' m - f m)
  have := le_abs (f' x - f x); have := neg_le_abs (f' x - f x)
  constructor <;> intro h <;> grind

end Verifier
