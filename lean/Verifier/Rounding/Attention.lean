module
public import Verifier.Rounding.Softmax
public section

/-! What rounding can change of the attention that is paid, and of what is mixed by it. -/

namespace Verifier
open Std Lean.Grind ExpField
variable {R : Type} [ExpField R]

/-- Softmax as computed, against the shares of weights `w`: exponentials off by at most the fraction `α` of the total in all, their
sum by the fraction `β`, each quotient by the fraction `ε` and `τ`.  The attention is off by at most `κ + n τ` in all. -/
theorem softmax_error {n : Nat} (hn : 0 < n) {w e a : Nat → R} {z α β ε τ κ : R} (hw : ∀ i, i < n → 0 < w i)
    (he : (sum n fun i => abs (e i - w i)) ≤ α * sum n w) (hz : abs (z - sum n e) ≤ β * sum n w)
    (ha : 0 < z → ∀ i, i < n → abs (a i * z - e i) ≤ ε * abs (e i) + τ * z) (hε : 0 ≤ ε) (hκ : 0 ≤ κ) (small : α + β < 1)
    (h : ε * (1 + α) + 2 * α + β ≤ κ * (1 - (α + β))) :
    (sum n fun i => abs (a i - share n w i)) ≤ κ + (sum n fun _ => τ) := by
  have Z := sum_pos hn hw
  have dist : abs (sum n e - sum n w) ≤ α * sum n w := by
    have b := abs_sum_le n fun i => e i - w i
    rw [sum_sub] at b
    grind
  have zw : abs (z - sum n w) ≤ (α + β) * sum n w := by
    have b := abs_add_le (z - sum n e) (sum n e - sum n w)
    rw [show z - sum n e + (sum n e - sum n w) = z - sum n w by grind] at b
    grind
  have zlow : (1 - (α + β)) * sum n w ≤ z := by have := neg_le_abs (z - sum n w); grind
  have zpos : 0 < z := by have := mul_pos (show 0 < 1 - (α + β) by grind) Z; grind
  have size : (sum n fun i => abs (e i)) ≤ (1 + α) * sum n w := by
    have b := sum_le (n := n) (f := fun i => abs (e i)) (g := fun i => w i + abs (e i - w i)) fun i hi => by
      have := abs_near (x := w i) (y := e i) (A := w i) (show abs (e i - w i) ≤ abs (e i - w i) by grind)
        (by have := hw i hi; rw [abs_of_nonneg (by grind)]; grind)
      exact this
    rw [sum_add] at b
    grind
  have each := sum_le (n := n) (f := fun i => abs (a i - share n w i) * z)
    (g := fun i => ((ε * abs (e i) + τ * z) + abs (e i - w i)) + abs (z - sum n w) * share n w i) fun i hi => by
      have s := share_pos w hw hi
      have whole : w i = share n w i * sum n w := by
        simp only [share, Field.div_eq_mul_inv]
        generalize sum n w = y at *
        have : y * y⁻¹ = 1 := by grind
        rw [show w i * y⁻¹ * y = w i * (y * y⁻¹) by grind, this]; grind
      have p : abs (a i - share n w i) * z = abs (a i * z - share n w i * z) := by
        rw [show a i * z - share n w i * z = (a i - share n w i) * z by grind, abs_mul, abs_of_nonneg (show 0 ≤ z by grind)]
      have t1 := abs_add_le (a i * z - e i) (e i - w i)
      have t2 := abs_add_le (a i * z - e i + (e i - w i)) (w i - share n w i * z)
      have t3 : abs (w i - share n w i * z) = abs (z - sum n w) * share n w i := by
        rw [show w i - share n w i * z = -(z - sum n w) * share n w i by grind, abs_mul, abs_of_nonneg (show 0 ≤ share n w i by grind)]
        have : abs (-(z - sum n w)) = abs (z - sum n w) := by
          generalize z - sum n w = d
          have := le_abs d; have := neg_le_abs d; have := le_abs (-d); have := neg_le_abs (-d)
          have l1 : abs (-d) ≤ abs d := abs_le (by grind) (by grind)
          have l2 : abs d ≤ abs (-d) := abs_le (by grind) (by grind)
          grind
        rw [this]
      rw [show a i * z - e i + (e i - w i) + (w i - share n w i * z) = a i * z - share n w i * z by grind] at t2
      have := ha zpos i hi
      grind
  rw [sum_mul_right, sum_add, sum_add, sum_add, sum_mul, sum_mul_right n z, sum_mul, sum_share hn w hw] at each
  apply le_of_mul_le_mul zpos
  have m1 := mul_le_mul_left size hε
  have m2 := mul_le_mul_left zlow hκ
  have m3 := mul_le_mul_left h (show 0 ≤ sum n w by grind)
  grind

/-- Scaling a score with relative error `g` (and `τ₁` where it underflows) and subtracting the largest one: the exponent is off from
the exact difference to that largest one by so much, if scores are at most `B` in absolute value. -/
theorem scale_error {u τ g τ₁ x x' M y B : R} (hu : 0 ≤ u) (hg : 0 ≤ g) (hx : abs x ≤ B) (hx' : abs (x' - x) ≤ g * abs x + τ₁)
    (hM : abs M ≤ (1 + g) * B + τ₁) (hy : Rounded u τ (x' - M) y) :
    abs (y - (x - M)) ≤ g * B + τ₁ + u * (2 * ((1 + g) * B + τ₁)) + τ := by
  have a := mul_le_mul_left hx hg
  have near : abs x' ≤ (1 + g) * B + τ₁ := by
    have := abs_near (e := g * B + τ₁) (show abs (x' - x) ≤ g * B + τ₁ by grind) hx
    grind
  have d : abs (x' - M) ≤ 2 * ((1 + g) * B + τ₁) := by
    have := le_abs x'; have := neg_le_abs x'; have := le_abs M; have := neg_le_abs M
    exact abs_le (by grind) (by grind)
  have m := mul_le_mul_left d hu
  have t := abs_add_le (y - (x' - M)) (x' - x)
  rw [show y - (x' - M) + (x' - x) = y - (x - M) by grind] at t
  simp only [Rounded] at hy
  grind

/-- A rounded quotient, times its denominator. -/
theorem quotient_error {a e z u τ : R} (hz : 0 < z) (h : Rounded u τ (e / z) a) : abs (a * z - e) ≤ u * abs e + τ * z := by
  simp only [Rounded, Field.div_eq_mul_inv] at h
  have one : z * z⁻¹ = 1 := by grind
  have p := mul_le_mul_left h (show 0 ≤ z by grind)
  have q1 : z * abs (a - e * z⁻¹) = abs (a * z - e) := by
    have m := abs_mul z (a - e * z⁻¹)
    rw [abs_of_nonneg (show 0 ≤ z by grind), show z * (a - e * z⁻¹) = a * z - e * (z * z⁻¹) by grind, one] at m
    rw [← m]; congr 1; grind
  have q2 : z * abs (e * z⁻¹) = abs e := by
    have m := abs_mul z (e * z⁻¹)
    rw [abs_of_nonneg (show 0 ≤ z by grind), show z * (e * z⁻¹) = e * (z * z⁻¹) by grind, one] at m
    rw [← m]; congr 1; grind
  rw [q1] at p
  rw [← q2, show u * (z * abs (e * z⁻¹)) + τ * z = z * (u * abs (e * z⁻¹) + τ) by grind]
  exact p

/-- The shares of weights within `exp (±δ)` of exact ones: all together they differ by at most `κ`, where `2 δ ≤ κ (1 - 2 δ)`. -/
theorem attention_error {n : Nat} (hn : 0 < n) {w y : Nat → R} {δ κ : R}
    (hw : ∀ i, i < n → exp (y i - δ) ≤ w i ∧ w i ≤ exp (y i + δ)) (hδ : 0 ≤ δ) (h : 2 * δ ≤ κ * (1 - 2 * δ)) (small : 2 * δ < 1) :
    (∀ i, i < n → (1 - 2 * δ) * share n w i ≤ share n (fun j => exp (y j)) i ∧ (1 - 2 * δ) * share n (fun j => exp (y j)) i ≤ share n w i) ∧
    (sum n fun i => abs (share n w i - share n (fun j => exp (y j)) i)) ≤ κ := by
  have pb : ∀ i, i < n → 0 < (fun j => exp (y j)) i := fun i _ => exp_pos _
  have pw : ∀ i, i < n → 0 < w i := fun i hi => by have := (hw i hi).1; have := exp_pos (y i - δ); grind
  have two : exp (-δ) = (1 : R) * exp (-δ) := by grind
  have between := share_between hn pb pw (exp_pos (-δ)) (hi := exp δ) fun i hi => by
    obtain ⟨h1, h2⟩ := hw i hi
    rw [show y i - δ = -δ + y i by grind, exp_add] at h1
    rw [show y i + δ = δ + y i by grind, exp_add] at h2
    exact ⟨h1, h2⟩
  have e := exp_mul_neg δ
  have d := exp_mul_one_sub_le (2 * δ)
  rw [exp_double] at d
  have p := exp_pos δ
  have factor : ∀ {b c : R}, 0 ≤ c → exp (-δ) * b ≤ exp δ * c → (1 - 2 * δ) * b ≤ c := by
    intro b c hc k
    have m1 := mul_le_mul_left k (show 0 ≤ exp δ by grind)
    rw [show exp δ * (exp (-δ) * b) = exp δ * exp (-δ) * b by grind, e] at m1
    have m2 := mul_le_mul_left m1 (show 0 ≤ 1 - 2 * δ by grind)
    have m3 := mul_le_mul_left d hc
    grind
  have both : ∀ i, i < n → (1 - 2 * δ) * share n w i ≤ share n (fun j => exp (y j)) i ∧
      (1 - 2 * δ) * share n (fun j => exp (y j)) i ≤ share n w i := by
    intro i hi
    have sb := share_pos _ pb hi
    have sw := share_pos _ pw hi
    exact ⟨factor (by grind) (between i hi).1, factor (by grind) (between i hi).2⟩
  refine ⟨both, ?_⟩
  have κ0 : 0 ≤ κ := by
    apply nonneg_of_mul_nonneg (show 0 < 1 - 2 * δ by grind)
    grind
  have each := sum_le (n := n) (f := fun i => abs (share n w i - share n (fun j => exp (y j)) i))
    (g := fun i => κ * share n (fun j => exp (y j)) i) fun i hi => by
      have sb := share_pos _ pb hi
      obtain ⟨b1, b2⟩ := both i hi
      apply abs_le
      · apply le_of_mul_le_mul (show 0 < 1 - 2 * δ by grind)
        have := mul_le_mul_left h (show 0 ≤ share n (fun j => exp (y j)) i by grind)
        grind
      · have m := mul_le_mul_left (show 2 * δ ≤ κ by
          have := mul_nonneg κ0 hδ; grind) (show 0 ≤ share n (fun j => exp (y j)) i by grind)
        grind
  rw [sum_mul, sum_share hn _ pb] at each
  grind

/-- Mixing as computed: attention off by `κ` in all, values of size `A` with errors `e`, one sum in any order. -/
theorem mean_error {u τ : R} (hu : 0 ≤ u) (hτ : 0 ≤ τ) {n : Nat} (hn : 0 < n) {tree : SumTree} (order : tree.Orders n)
    {a a' v v' : Nat → R} {z A e κ : R} (ha : ∀ i, i < n → 0 ≤ a i) (one : sum n a = 1) (ha' : (sum n fun i => abs (a' i - a i)) ≤ κ)
    (hv : ∀ i, i < n → abs (v i) ≤ A) (hv' : ∀ i, i < n → abs (v' i - v i) ≤ e) (h : tree.Computes u τ (fun i => a' i * v' i) z) :
    abs (z - sum n fun i => a i * v i) ≤ gamma u n * ((1 + κ) * (A + e)) + underflow u τ n + (κ * (A + e) + e) := by
  have rounding := sum_error hu hτ order h
  have near : ∀ i, i < n → abs (v' i) ≤ A + e := fun i hi => abs_near (hv' i hi) (hv i hi)
  have A0 : 0 ≤ A + e := by have := near 0 hn; have := abs_nonneg (v' 0); grind
  have total : (sum n fun i => abs (a' i * v' i)) ≤ (1 + κ) * (A + e) := by
    have b := sum_le (n := n) (f := fun i => abs (a' i * v' i)) (g := fun i => (a i + abs (a' i - a i)) * (A + e)) fun i hi => by
      show abs (a' i * v' i) ≤ (a i + abs (a' i - a i)) * (A + e)
      rw [abs_mul]
      have c := abs_near (x := a i) (y := a' i) (A := a i) (show abs (a' i - a i) ≤ abs (a' i - a i) by grind)
        (by rw [abs_of_nonneg (ha i hi)]; grind)
      exact mul_le_mul c (near i hi) (abs_nonneg _) A0
    rw [sum_mul_right, sum_add, one] at b
    have := mul_le_mul_left ha' A0
    grind
  have diff := abs_sum_le n fun i => a' i * v' i - a i * v i
  rw [sum_sub] at diff
  have each := sum_le (n := n) (f := fun i => abs (a' i * v' i - a i * v i)) (g := fun i => abs (a' i - a i) * (A + e) + a i * e) fun i hi => by
    show abs (a' i * v' i - a i * v i) ≤ abs (a' i - a i) * (A + e) + a i * e
    have b := abs_add_le ((a' i - a i) * v' i) (a i * (v' i - v i))
    rw [abs_mul, abs_mul, abs_of_nonneg (ha i hi),
      show (a' i - a i) * v' i + a i * (v' i - v i) = a' i * v' i - a i * v i by grind] at b
    have c := mul_le_mul_left (near i hi) (abs_nonneg (a' i - a i))
    have d := mul_le_mul_left (hv' i hi) (ha i hi)
    grind
  rw [sum_add, sum_mul_right, sum_mul_right, one] at each
  have m := mul_le_mul_left ha' A0
  have g := mul_le_mul_left total (gamma_nonneg hu n)
  have all := abs_add_le (z - sum n fun i => a' i * v' i) ((sum n fun i => a' i * v' i) - sum n fun i => a i * v i)
  rw [show z - sum n (fun i => a' i * v' i) + ((sum n fun i => a' i * v' i) - sum n fun i => a i * v i) = z - sum n fun i => a i * v i by grind] at all
  grind

end Verifier
