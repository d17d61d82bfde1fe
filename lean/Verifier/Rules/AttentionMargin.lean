module
public import Verifier.Ranks
public import Verifier.Rules.Attention
public import Verifier.Rules.Cells
public section

/-! `attention_margin`, the whole rule: from what it reads off the tables to its count of a pair (q, m). -/

namespace Verifier
open Std Lean.Grind ExpField
variable {R : Type} [ExpField R]

/-- The three ways to a number `J` below every line `L x + a D x` (hint `average`): `none`, minima apart (L6); `mean`, from a
reference attention with both slopes (L9, in the form that holds on either side); `envelope`, the chord between two nodes (L26). -/
inductive JointBound (X : Nat → Prop) (L D : Nat → R) (a : R) : R → Prop
  | none {l d : R} : 0 ≤ a → (∀ x, X x → l ≤ L x) → (∀ x, X x → d ≤ D x) → JointBound X L D a (l + a * d)
  | mean {centre j lo hi J : R} : (∀ x, X x → j ≤ L x + centre * D x) → (∀ x, X x → lo ≤ D x) → (∀ x, X x → D x ≤ hi) →
      J ≤ j + (a - centre) * lo → J ≤ j + (a - centre) * hi → JointBound X L D a J
  | envelope {left right start stop J : R} : left ≤ a → a ≤ right → left < right → (∀ x, X x → start ≤ L x + left * D x) →
      (∀ x, X x → stop ≤ L x + right * D x) → J * (right - left) = start * (right - left) + (a - left) * (stop - start) →
      JointBound X L D a J

/-- A joint bound lies below each of its lines. -/
theorem JointBound.le {X : Nat → Prop} {L D : Nat → R} {a J : R} (h : JointBound X L D a J) : ∀ x, X x → J ≤ L x + a * D x := by
  intro x hx
  cases h with
  | none h0 hl hd =>
    have := mul_le_mul_left (hd x hx) h0
    have := hl x hx
    grind
  | @mean centre j lo hi J hj hlo hhi J1 J2 =>
    have A := fun p : 0 ≤ a - centre => mul_nonneg p (show 0 ≤ D x - lo by have := hlo x hx; grind)
    have B := fun p : 0 ≤ centre - a => mul_nonneg p (show 0 ≤ hi - D x by have := hhi x hx; grind)
    have := hj x hx
    grind
  | @envelope left right start stop J h1 h2 h3 hs ht e =>
    have A := mul_nonneg (show 0 ≤ right - a by grind) (show 0 ≤ L x + left * D x - start by have := hs x hx; grind)
    have B := mul_nonneg (show 0 ≤ a - left by grind) (show 0 ≤ L x + right * D x - stop by have := ht x hx; grind)
    apply le_of_mul_le_mul (show 0 < right - left by grind)
    grind

/-- A set's share of the attention, from its weights in any scale: below. -/
theorem share_of_set_ge {n : Nat} (hn : 0 < n) (S : Nat → Bool) (w w' : Nat → R) (e lo paid lost : R) (he : 0 < e)
    (hw : ∀ i, i < n → 0 < w i) (hs : ∀ i, i < n → w' i = e * w i) (hp : sumOn n S w' = paid) (hl : sumOn n (fun i => !S i) w' ≤ lost)
    (h0 : 0 ≤ lo) (h : lo * (paid + lost) ≤ paid) : lo ≤ sumOn n S (share n w) := by
  have Z := sum_pos hn hw
  have scaled : ∀ P : Nat → Bool, sumOn n P w' = e * sumOn n P w := by
    intro P; simp only [sumOn]; rw [← sum_mul]; apply sum_congr; intro i hi
    by_cases p : P i = true
    · simp only [p, if_true, hs i hi]
    · simp only [p]; grind
  have parts := sumOn_split n S w
  rw [scaled] at hp hl
  rw [sumOn_share]
  apply le_of_mul_le_mul Z
  rw [show sum n w * (sumOn n S w * (sum n w)⁻¹) = sumOn n S w by
    generalize sumOn n S w = y at *
    generalize sum n w = z at *
    have : z * z⁻¹ = 1 := by grind
    grind]
  apply le_of_mul_le_mul he
  have := mul_le_mul_left hl h0
  rw [← parts]
  subst hp
  generalize sumOn n S w = y at *
  generalize sumOn n (fun i => !S i) w = y' at *
  grind

/-- A set's share of the attention, from its weights in any scale: above. -/
theorem share_of_set_le {n : Nat} (hn : 0 < n) (S : Nat → Bool) (w w' : Nat → R) (e hi paid lost : R) (he : 0 < e)
    (hw : ∀ i, i < n → 0 < w i) (hs : ∀ i, i < n → w' i = e * w i) (hp : sumOn n S w' = paid) (hl : lost ≤ sumOn n (fun i => !S i) w')
    (h0 : 0 ≤ hi) (h : paid ≤ hi * (paid + lost)) : sumOn n S (share n w) ≤ hi := by
  have Z := sum_pos hn hw
  have scaled : ∀ P : Nat → Bool, sumOn n P w' = e * sumOn n P w := by
    intro P; simp only [sumOn]; rw [← sum_mul]; apply sum_congr; intro i hi
    by_cases p : P i = true
    · simp only [p, if_true, hs i hi]
    · simp only [p]; grind
  have parts := sumOn_split n S w
  rw [scaled] at hp hl
  rw [sumOn_share]
  apply le_of_mul_le_mul Z
  rw [show sum n w * (sumOn n S w * (sum n w)⁻¹) = sumOn n S w by
    generalize sumOn n S w = y at *
    generalize sum n w = z at *
    have : z * z⁻¹ = 1 := by grind
    grind]
  apply le_of_mul_le_mul he
  have := mul_le_mul_left hl h0
  rw [← parts]
  subst hp
  generalize sumOn n S w = y at *
  generalize sumOn n (fun i => !S i) w = y' at *
  grind

/-- The test of `attention_margin` for `c` free slots below `m`.  In units of the weight of `m`: `rank` the free slots' weights in
ascending order, `own` the query slot's weight, `rlo` to `rhi` the weight of an allowed token.  `zlo` to `zhi` is what all
other slots weigh over what the slots holding `m` weigh, `lo` to `hi` the attention `1/(1+z)` to `m`, `J` and `J'` the
joint bounds at its ends, `W` the worst copy gap of an allowed token (and of the query), `h` the slack of the skip row. -/
structure AttentionTest (T : Tables R) (q m c : Nat) (good : Nat → Bool) (rank ω L : Nat → R) (own h : R) where
  (rlo rhi zlo zhi lo hi J J' W : R)
  rlo_nonneg : 0 ≤ rlo
  rhi_nonneg : 0 ≤ rhi
  ratio : ∀ k, 0 < c → good k = true → rlo * ω m ≤ ω k ∧ ω k ≤ rhi * ω m
  worst : ∀ k, (0 < c ∧ good k = true) ∨ (k = q ∧ q ≠ m) → ∀ x, x < T.v → x ≠ m → W ≤ T.copy k m - T.copy k x
  zhi_nonneg : 0 ≤ zhi
  zhi_ge : (sum c fun j => rank (T.n - 1 - c + j)) * rhi + (if q = m then 0 else own)
    ≤ zhi * (sum (T.n - 1 - c) rank + if q = m then own else 0)
  zlo_nonneg : 0 ≤ zlo
  zlo_le : zlo * ((sum (T.n - 1 - c) fun j => rank (c + j)) + if q = m then own else 0)
    ≤ sum c rank * rlo + if q = m then 0 else own
  lo_nonneg : 0 ≤ lo
  lo_le : lo * (1 + zhi) ≤ 1
  hi_nonneg : 0 ≤ hi
  hi_ge : 1 ≤ hi * (1 + zlo)
  joint : JointBound (fun x => x < T.v ∧ x ≠ m) L (fun x => T.copy m m - T.copy m x) lo J
  joint' : JointBound (fun x => x < T.v ∧ x ≠ m) L (fun x => T.copy m m - T.copy m x) hi J'
  atLo : 0 < J + (1 - lo) * W - h
  atHi : 0 < J' + (1 - hi) * W - h

theorem sumOn_last {n : Nat} (hn : 0 < n) (S : Nat → Bool) (f : Nat → R) :
    sumOn n S f = sumOn (n - 1) S f + if S (n - 1) then f (n - 1) else 0 := by
  simp only [sumOn]; rw [sum_last hn]

/-- A sequence with `c` free slots below `m`, all of them allowed, is right if the test for `c` passes. -/
theorem AttentionTest.phi_pos {T : Tables R} {q m c : Nat} {good : Nat → Bool} {rank ω L : Nat → R} {own h : R}
    (A : AttentionTest T q m c good rank ω L own h) (u e : R) (hn : 0 < T.n) (he : 0 < e) (ρ π : Nat → R)
    (hρ : ∀ i, i < T.n → 0 < ρ i) (hw : ∀ i, i < T.n → ∀ k, k ≤ m → ρ i * ω k = e * T.weight u q i k)
    (hown : own * ω m = ρ (T.n - 1) * ω q) (hrank : Ranked (T.n - 1) rank ρ)
    (hL : ∀ x, x < T.v → x ≠ m → L x - h ≤ (T.skip q m - T.skip q x) + π x)
    (hπ : ∀ i, i < T.n → ∀ x, x < T.v → x ≠ m → π x ≤ T.pcopy i m - T.pcopy i x)
    {t : Nat → Nat} (ht : InGroup T.n t q m) (ct : card (T.n - 1) (fun i => !Nat.beq (t i) m) = c)
    (gt : ∀ i, i < T.n - 1 → t i ≠ m → good (t i) = true) : ∀ x, x < T.v → x ≠ m → 0 < T.phi u t m x := by
  have wpos : ∀ i, i < T.n → 0 < T.weight u q i (t i) := fun i _ => exp_pos _
  have ωm : 0 < ω m := by
    have a := hw (T.n - 1) (by omega) m (Nat.le_refl _)
    have b : 0 < ρ (T.n - 1) * ω m := by rw [a]; exact mul_pos he (exp_pos _)
    exact pos_of_mul_pos (hρ _ (by omega)) b
  have scale : ∀ i, i < T.n → ρ i * ω (t i) = e * T.weight u q i (t i) := fun i hi => hw i hi _ (ht.2.1 i hi)
  have b := hrank.bounds (fun i => Nat.beq (t i) m) ct
  have cpos : ∀ i, i < T.n - 1 → t i ≠ m → 0 < c := by
    intro i hi hne
    apply Classical.byContradiction
    intro z
    have := card_pos (S := fun i => !Nat.beq (t i) m) hi (not_beq.mpr hne)
    omega
  -- what the slots holding `m` weigh, and what the others do
  have inside : sumOn T.n (fun i => Nat.beq (t i) m) (fun i => ρ i * ω (t i))
      = ω m * (sumOn (T.n - 1) (fun i => Nat.beq (t i) m) ρ + if q = m then own else 0) := by
    rw [sumOn_last hn, sumOn_mul_const (T.n - 1) _ ρ (fun i => ω (t i)) (ω m) (fun i _ h => by
      have : t i = m := by simpa using h
      show ω (t i) = ω m
      rw [this])]
    simp only [ht.1, Nat.beq_eq]
    by_cases l : q = m
    · simp only [l, if_true] at hown ⊢; grind
    · simp only [l, if_false]; grind
  have outside : sumOn T.n (fun i => !Nat.beq (t i) m) (fun i => ρ i * ω (t i))
      = sumOn (T.n - 1) (fun i => !Nat.beq (t i) m) (fun i => ρ i * ω (t i)) + ω m * if q = m then 0 else own := by
    rw [sumOn_last hn]
    simp only [ht.1]
    congr 1
    by_cases l : q = m
    · have : Nat.beq q m = true := by simpa using l
      simp only [l, if_true]; grind
    · have : Nat.beq q m = false := by rw [Bool.eq_false_iff]; simpa using l
      simp only [this, l, if_false, Bool.not_false, if_true]; grind
  have others : A.rlo * ω m * sumOn (T.n - 1) (fun i => !Nat.beq (t i) m) ρ
        ≤ sumOn (T.n - 1) (fun i => !Nat.beq (t i) m) (fun i => ρ i * ω (t i))
      ∧ sumOn (T.n - 1) (fun i => !Nat.beq (t i) m) (fun i => ρ i * ω (t i))
        ≤ A.rhi * ω m * sumOn (T.n - 1) (fun i => !Nat.beq (t i) m) ρ := by
    simp only [sumOn]
    rw [← sum_mul, ← sum_mul]
    constructor <;> apply sum_le <;> intro i hi <;> by_cases l : Nat.beq (t i) m = true
    · simp only [l, Bool.not_true, Bool.false_eq_true, if_false]; grind
    · have ne : t i ≠ m := by simpa using l
      have := mul_le_mul_left (A.ratio (t i) (cpos i hi ne) (gt i hi ne)).1 (show 0 ≤ ρ i by have := hρ i (by omega); grind)
      simp only [l, Bool.not_false, if_true]; grind
    · simp only [l, Bool.not_true, Bool.false_eq_true, if_false]; grind
    · have ne : t i ≠ m := by simpa using l
      have := mul_le_mul_left (A.ratio (t i) (cpos i hi ne) (gt i hi ne)).2 (show 0 ≤ ρ i by have := hρ i (by omega); grind)
      simp only [l, Bool.not_false, if_true]; grind
  have ω0 : 0 ≤ ω m := by grind
  have paid : 0 ≤ sumOn (T.n - 1) (fun i => Nat.beq (t i) m) ρ + if q = m then own else 0 := by
    have a : 0 ≤ sumOn (T.n - 1) (fun i => Nat.beq (t i) m) ρ := by
      apply sum_nonneg; intro i hi
      have := hρ i (by omega)
      split <;> grind
    have b : 0 ≤ own := by
      apply nonneg_of_mul_nonneg ωm
      have := scale (T.n - 1) (by omega)
      rw [ht.1] at this
      have := mul_pos he (wpos (T.n - 1) (by omega))
      rw [ht.1] at this
      grind
    split <;> grind
  have up : sumOn T.n (fun i => !Nat.beq (t i) m) (fun i => ρ i * ω (t i))
      ≤ ω m * (A.rhi * sumOn (T.n - 1) (fun i => !Nat.beq (t i) m) ρ + if q = m then 0 else own) := by
    rw [outside]
    have := others.2
    generalize (if q = m then 0 else own) = p'
    grind
  have down : ω m * (A.rlo * sumOn (T.n - 1) (fun i => !Nat.beq (t i) m) ρ + if q = m then 0 else own)
      ≤ sumOn T.n (fun i => !Nat.beq (t i) m) (fun i => ρ i * ω (t i)) := by
    rw [outside]
    have := others.1
    generalize (if q = m then 0 else own) = p'
    grind
  refine attention_margin_tables T u q m hn t ht π (fun x => L x - h) (fun x => T.copy m m - T.copy m x) (fun _ => A.W) A.lo A.hi
    hL (fun x hx hne i hi => hπ i hi x hx hne) (fun x _ _ => by show T.copy m m - T.copy m x ≤ _; grind)
    (fun x hx hne i hi tm => A.worst (t i) (by
      by_cases l : i = T.n - 1
      · right; rw [l, ht.1] at tm ⊢; exact ⟨rfl, tm⟩
      · left; exact ⟨cpos i (by omega) tm, gt i (by omega) tm⟩) x hx hne)
    (share_of_set_ge hn _ _ (fun i => ρ i * ω (t i)) e A.lo _ _ he wpos scale inside up A.lo_nonneg ?_)
    (share_of_set_le hn _ _ (fun i => ρ i * ω (t i)) e A.hi _ _ he wpos scale inside down A.hi_nonneg ?_)
    (fun x hx hne => by
      have := A.joint.le x ⟨hx, hne⟩
      have := A.atLo
      show 0 < L x - h + A.W + (T.copy m m - T.copy m x - A.W) * A.lo
      grind)
    (fun x hx hne => by
      have := A.joint'.le x ⟨hx, hne⟩
      have := A.atHi
      show 0 < L x - h + A.W + (T.copy m m - T.copy m x - A.W) * A.hi
      grind)
  · have a1 := A.zhi_ge
    have a2 := mul_le_mul_left b.2.2.2 A.rhi_nonneg
    generalize sumOn (T.n - 1) (fun i => Nat.beq (t i) m) ρ = y at *
    generalize sumOn (T.n - 1) (fun i => !Nat.beq (t i) m) ρ = y' at *
    generalize (if q = m then own else 0) = p at *
    generalize (if q = m then 0 else own) = p' at *
    have a3 := mul_le_mul_left b.1 A.zhi_nonneg
    have lost : A.rhi * y' + p' ≤ A.zhi * (y + p) := by grind
    have a4 := mul_le_mul_left (mul_le_mul_left lost A.lo_nonneg) ω0
    have a5 := mul_le_mul_left (mul_le_mul_left A.lo_le paid) ω0
    grind
  · have a1 := A.zlo_le
    have a2 := mul_le_mul_left b.2.2.1 A.rlo_nonneg
    generalize sumOn (T.n - 1) (fun i => Nat.beq (t i) m) ρ = y at *
    generalize sumOn (T.n - 1) (fun i => !Nat.beq (t i) m) ρ = y' at *
    generalize (if q = m then own else 0) = p at *
    generalize (if q = m then 0 else own) = p' at *
    have a3 := mul_le_mul_left b.2.1 A.zlo_nonneg
    have lost : A.zlo * (y + p) ≤ A.rlo * y' + p' := by grind
    have a4 := mul_le_mul_left (mul_le_mul_left lost A.hi_nonneg) ω0
    have a5 := mul_le_mul_left (mul_le_mul_left A.hi_ge paid) ω0
    grind

/-- `attention_margin` (the paper's sub-cubic argument; L5, L8, L11-L13, L23, L24, L26, L28): `ref` is the reference row's gap,
`h` its slack, `π` the least position gap, `gap c` the hint; tokens `k` with `k + gap c ≤ m` are allowed.  If each certified
`c` passes its test (or, where all tokens are `m`, the joint one with the exact skip row), then what the rule counts for
(q, m) is at most the number of right answers in that pair. -/
theorem attention_margin_sound (W : Weights R) (s : R) (free : List (Nat × Nat)) (r : Nat × Nat) (hl : free.length + 1 = W.n)
    (q m : Nat) (h1 : r.1 ≤ q) (h2 : q < r.2) (hq : q ≤ m) (e : R) (he : 0 < e) (ρ ω rank π ref : Nat → R) (own h : R)
    (hρ : ∀ i, i < W.n → 0 < ρ i) (hw : ∀ i, i < W.n → ∀ k, k ≤ m → ρ i * ω k = e * W.tables.weight s⁻¹ q i k)
    (hown : own * ω m = ρ (W.n - 1) * ω q) (hrank : Ranked (W.n - 1) rank ρ)
    (hskip : ∀ x, x < W.v → x ≠ m → ref x - h ≤ W.tables.skip q m - W.tables.skip q x)
    (hπ : ∀ i, i < W.n → ∀ x, x < W.v → x ≠ m → π x ≤ W.tables.pcopy i m - W.tables.pcopy i x)
    (gap : Nat → Nat) (hgap : ∀ c, 1 ≤ gap c) (certified : Nat → Bool)
    (joint : certified 0 = true → q = m → ∀ x, x < W.v → x ≠ m →
      0 < (W.tables.skip q m - W.tables.skip q x) + (W.tables.copy m m - W.tables.copy m x) + π x)
    (test : ∀ c, certified c = true → ¬ (c = 0 ∧ q = m) →
      Nonempty (AttentionTest W.tables q m c (fun k => Nat.ble (k + gap c) m) rank ω (fun x => ref x + π x) own h)) :
    nsum (if q = m then W.n else W.n - 1)
        (fun c => if certified c then countPattern m (fun k => Nat.ble (k + gap c) m) free c else 0)
      ≤ (sequences (free ++ [r])).countP (rightIn W s q m) := by
  apply count_patterns W s free r hl q m h1 h2 hq certified (fun c k => Nat.ble (k + gap c) m)
    (fun c k hk => by have := hgap c; simp only [Nat.ble_eq] at hk; omega)
  intro c cert top below t ht ct gt
  by_cases zero : c = 0 ∧ q = m
  · obtain ⟨rfl, e⟩ := zero
    subst e
    intro x hx hne
    have all : ∀ i, i < W.n → t i = q := by
      intro i hi
      by_cases l : i = W.n - 1
      · rw [l]; exact ht.1
      · exact Classical.byContradiction fun ne => absurd ct (by
          have := card_pos (n := W.n - 1) (S := fun i => !Nat.beq (t i) q) (i := i) (by omega) (not_beq.mpr ne)
          omega)
    apply sum_pos (show 0 < W.n by omega)
    intro i hi
    rw [all i hi, show t (W.tables.n - 1) = q from ht.1]
    apply mul_pos (exp_pos _)
    have := joint cert rfl x hx hne
    have := hπ i hi x hx hne
    simp only [Tables.gap]; grind
  · obtain ⟨A⟩ := test c cert zero
    exact A.phi_pos s⁻¹ e (by show 0 < W.n; omega) he ρ π hρ hw hown hrank
      (fun x hx hne => by have := hskip x hx hne; grind) hπ ht ct gt

end Verifier
