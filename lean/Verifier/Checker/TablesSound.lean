module
public import Verifier.Checker
public import Verifier.Tables
public section

/-! What the checked tables of a certificate mean. -/

namespace Verifier
open Std Lean.Grind ExpField
variable {R : Type} [ExpField R]

/-- Integer tables that are a common multiple of the real ones. -/
structure Exact (T : Tables R) (C : Certificate) (S : R) : Prop where
  skip : ∀ q, q < T.v → ∀ x, x < T.v → ofInt (at2 C.skip q x) = S * T.skip q x
  score : ∀ q, q < T.v → ∀ k, k < T.v → ofInt (at2 C.score q k) = S * T.score q k
  pscore : ∀ q, q < T.v → ∀ i, i < T.n → ofInt (at2 C.pscore q i) = S * T.pscore q i
  copy : ∀ k, k < T.v → ∀ x, x < T.v → ofInt (at2 C.copy k x) = S * T.copy k x
  pcopy : ∀ i, i < T.n → ∀ x, x < T.v → ofInt (at2 C.pcopy i x) = S * T.pcopy i x

theorem two_eq (e : Nat) : (ofInt (2 ^ e) : R) = two R e := by
  simp only [two, Int.natCast_pow]; rfl

/-- `exact_table` for the whole model: checked tables are the exact tables times `2 ^ (4 e)` (L1). -/
theorem tablesOK_sound {M : Model} {C : Certificate} (h : tablesOK M C = true) :
    Exact (M.weights R).tables C (two R (M.e + M.e + (M.e + M.e))) := by
  simp only [tablesOK, Bool.and_eq_true, allBelow_iff, decide_eq_true_eq] at h
  obtain ⟨⟨⟨⟨⟨⟨⟨⟨⟨⟨⟨⟨⟨⟨⟨⟨⟨⟨tU, tQ⟩, tK⟩, tV⟩, tO⟩, hX⟩, pXQ⟩, pEK⟩, pPK⟩, pEV⟩, pPV⟩, pEVO⟩, pPVO⟩, pskip⟩, hskip⟩,
    pscore⟩, ppscore⟩, pcopy⟩, ppcopy⟩ := h
  have D := two_pos (R := R) M.e
  have real : ∀ (T : List (List Int)) i j, (ofInt (at2 T i j) : R) = two R M.e * (ofInt (at2 T i j) / ofInt (2 ^ M.e)) := by
    intro T i j
    rw [two_eq, Field.div_eq_mul_inv]
    generalize two R M.e = δ at *
    grind
  have E : ∀ i j, (ofInt (at2 M.E i j) : R) = two R M.e * (M.weights R).E i j := fun i j => real M.E i j
  have P : ∀ i j, (ofInt (at2 M.P i j) : R) = two R M.e * (M.weights R).P i j := fun i j => real M.P i j
  have U : ∀ x, x < M.v → ∀ a, a < M.d → (ofInt (at2 C.Ut x a) : R) = two R M.e * (M.weights R).U a x := fun x hx a ha => by
    rw [isTranspose_eq tU ha hx]; exact real M.U a x
  have Q : ∀ c, c < M.h → ∀ a, a < M.d → (ofInt (at2 C.Qt c a) : R) = two R M.e * (M.weights R).Q a c := fun c hc a ha => by
    rw [isTranspose_eq tQ ha hc]; exact real M.Q a c
  have K : ∀ c, c < M.h → ∀ a, a < M.d → (ofInt (at2 C.Kt c a) : R) = two R M.e * (M.weights R).K a c := fun c hc a ha => by
    rw [isTranspose_eq tK ha hc]; exact real M.K a c
  have V : ∀ c, c < M.h → ∀ a, a < M.d → (ofInt (at2 C.Vt c a) : R) = two R M.e * (M.weights R).V a c := fun c hc a ha => by
    rw [isTranspose_eq tV ha hc]; exact real M.V a c
  have O : ∀ a, a < M.d → ∀ c, c < M.h → (ofInt (at2 C.Ot a c) : R) = two R M.e * (M.weights R).O c a := fun a ha c hc => by
    rw [isTranspose_eq tO hc ha]; exact real M.O c a
  have X : ∀ q, q < M.v → ∀ a, a < M.d → (ofInt (at2 C.X q a) : R) = two R M.e * (M.weights R).query q a := fun q hq a ha => by
    rw [hX q hq a ha, ofInt_add, E, P]; simp only [Weights.query]
    show _ = two R M.e * ((M.weights R).E q a + (M.weights R).P (M.n - 1) a)
    grind
  have XQ : ∀ q, q < M.v → ∀ c, c < M.h → (ofInt (at2 C.XQ q c) : R)
      = two R M.e * two R M.e * mm M.d (M.weights R).query (M.weights R).Q q c := fun q hq c hc => by
    rw [isProduct_eq pXQ]; exact product_scaled (X q hq) (Q c hc)
  have EK : ∀ k c, c < M.h → (ofInt (at2 C.EK k c) : R)
      = two R M.e * two R M.e * mm M.d (M.weights R).E (M.weights R).K k c := fun k c hc => by
    rw [isProduct_eq pEK]; exact product_scaled (fun a _ => E k a) (K c hc)
  have PK : ∀ k c, c < M.h → (ofInt (at2 C.PK k c) : R)
      = two R M.e * two R M.e * mm M.d (M.weights R).P (M.weights R).K k c := fun k c hc => by
    rw [isProduct_eq pPK]; exact product_scaled (fun a _ => P k a) (K c hc)
  have EV : ∀ k c, c < M.h → (ofInt (at2 C.EV k c) : R)
      = two R M.e * two R M.e * mm M.d (M.weights R).E (M.weights R).V k c := fun k c hc => by
    rw [isProduct_eq pEV]; exact product_scaled (fun a _ => E k a) (V c hc)
  have PV : ∀ k c, c < M.h → (ofInt (at2 C.PV k c) : R)
      = two R M.e * two R M.e * mm M.d (M.weights R).P (M.weights R).V k c := fun k c hc => by
    rw [isProduct_eq pPV]; exact product_scaled (fun a _ => P k a) (V c hc)
  have EVO : ∀ k a, a < M.d → (ofInt (at2 C.EVO k a) : R)
      = two R M.e * two R M.e * two R M.e * mm M.h (mm M.d (M.weights R).E (M.weights R).V) (M.weights R).O k a := fun k a ha => by
    rw [isProduct_eq pEVO]; exact product_scaled (EV k) (O a ha)
  have PVO : ∀ k a, a < M.d → (ofInt (at2 C.PVO k a) : R)
      = two R M.e * two R M.e * two R M.e * mm M.h (mm M.d (M.weights R).P (M.weights R).V) (M.weights R).O k a := fun k a ha => by
    rw [isProduct_eq pPVO]; exact product_scaled (PV k) (O a ha)
  have S : two R (M.e + M.e + (M.e + M.e)) = two R M.e * two R M.e * (two R M.e * two R M.e) := by rw [two_add, two_add]
  refine ⟨fun q hq x hx => ?_, fun q hq k hk => ?_, fun q hq i hi => ?_, fun k hk x hx => ?_, fun i hi x hx => ?_⟩
  · have a : (ofInt (at2 C.skipRaw q x) : R) = two R M.e * two R M.e * (M.weights R).tables.skip q x := by
      rw [isProduct_eq pskip]; exact product_scaled (X q hq) (U x hx)
    have b : (ofInt ((2 ^ (M.e + M.e) : Nat) : Int) : R) = two R M.e * two R M.e := two_add M.e M.e
    rw [hskip q hq x hx, ofInt_mul, a, b, S]; grind
  · rw [isProduct_eq pscore, S]
    exact product_scaled (B' := tr (mm M.d (M.weights R).E (M.weights R).K)) (XQ q hq) fun c hc => EK k c hc
  · rw [isProduct_eq ppscore, S]
    exact product_scaled (B' := tr (mm M.d (M.weights R).P (M.weights R).K)) (XQ q hq) fun c hc => PK i c hc
  · have := product_scaled (B' := (M.weights R).U) (EVO k) (U x hx)
    rw [isProduct_eq pcopy, S, this]
    show _ = _ * mm M.d (mm M.h (mm M.d (M.weights R).E (M.weights R).V) (M.weights R).O) (M.weights R).U k x
    grind
  · have := product_scaled (B' := (M.weights R).U) (PVO i) (U x hx)
    rw [isProduct_eq ppcopy, S, this]
    show _ = _ * mm M.d (mm M.h (mm M.d (M.weights R).P (M.weights R).V) (M.weights R).O) (M.weights R).U i x
    grind

end Verifier
