module
public import Verifier.Checker
public section

/-!
Hints computed by Lean itself, so that an evaluation needs the model, the shifts and the labels only.  Nothing here is
proved and nothing needs to be: whatever `fill` returns, `check` compares it.  Hints are computed for the queries
`a ≤ q < a + n`; the rows of other queries stay empty.
-/

namespace Verifier

/-- `f` of each row. -/
@[expose] def mapRows (f : List Int → List Int) : List (List Int) → List (List Int)
  | [] => []
  | a :: l => f a :: mapRows f l

/-- The columns of a table with `m` columns and `n` rows. -/
@[expose] def columnsOf (T : List (List Int)) (n m : Nat) : List (List Int) := rowsOf (fun j i => at2 T i j) n 0 m

/-- Whether `a ≤ q < a + n`. -/
@[expose] def among (a n q : Nat) : Bool := Nat.ble a q && Nat.blt q (a + n)

/-- Both ends of the weights of a table of scores, each row lowered by its top; `q` is the first row's query. -/
@[expose] def weightsOf (upper : Bool) (P : Precision) (f a n : Nat) : Nat → List (List Int) → List Int → List (List Int)
  | q, row :: rows, top :: rest =>
    (if among a n q then
      mapRow (fun y => if upper then (expHi P.p P.k P.w (argHi P f (y - top)) : Int) else (expLo P.p P.k P.w (argLo P f (y - top)) : Int)) row
    else []) :: weightsOf upper P f a n (q + 1) rows rest
  | _, _, _ => []

/-- The least of `s x - a x` over the `x ≠ m`, `x ≠ k` with label `j`; `none` before the first. -/
@[expose] def leastOther (m k : Nat) (j : Int) : Nat → Option Int → List Int → List Int → List Int → Option Int
  | x, best, l :: ls, a :: as, s :: ss =>
    if Nat.beq x m || Nat.beq x k || !decide (l = j) then leastOther m k j (x + 1) best ls as ss
    else leastOther m k j (x + 1) (some (match best with | none => s - a | some b => if s - a ≤ b then s - a else b)) ls as ss
  | _, best, _, _, _ => best

/-- A value or 0. -/
@[expose] def orZero : Option Int → Int
  | none => 0
  | some a => a

/-- The plans of the queries from `q` on. -/
@[expose] def plansOf (M : Model) (C : Certificate) (p : Part) (bins : Int) (a n m : Nat) : Nat → Nat → List (List Int)
  | _, 0 => []
  | q, r + 1 =>
    (if among a n q then
      planOf (termAt C p q (M.n - 1) q) (rowsOf (fun i k => termAt C p q i k) (m + 1) 0 (M.n - 1)) bins
    else []) :: plansOf M C p bins a n m (q + 1) r

/-- Part `j` of a split: least gaps, then plans. -/
@[expose] def fillPart (M : Model) (C : Certificate) (s : Split) (spared : Bool) (bins : Int) (a n m j : Nat) : Part :=
  let negShift := mapRow (fun b => 0 - b) s.shift
  let p : Part := {
    G := tabulate (fun q => if among a n q then at2 C.skip q m + orZero (leastOther m m j 0 none s.label (rowOf C.skip q) negShift) else 0) 0 (m + 1),
    worst := rowsOf (fun i k => at2 C.copy k m + at2 C.pcopy i m
      + orZero (leastOther m (if spared then k else m) j 0 none s.label (addRow (rowOf C.copy k) (rowOf C.pcopy i)) s.shift)) (m + 1) 0 M.n,
    plan := [] }
  { p with plan := plansOf M C p bins a n m 0 (m + 1) }

/-- The parts of a split from `j` on. -/
@[expose] def fillParts (M : Model) (C : Certificate) (s : Split) (bins : Int) (a n m : Nat) : Nat → Nat → List Part
  | _, 0 => []
  | j, r + 1 => fillPart M C s false bins a n m j :: fillParts M C s bins a n m (j + 1) r

/-- The splits of one maximum with their parts. -/
@[expose] def fillSplit (M : Model) (C : Certificate) (bins : Int) (a n m : Nat) : List Split → List Split
  | [] => []
  | s :: l => { s with parts := fillParts M C s bins a n m 0 (rowMax (-1) s.label + 1).toNat } :: fillSplit M C bins a n m l

/-- The splits of the maxima from `m` on; a maximum below all the queries needs none. -/
@[expose] def fillSplits (M : Model) (C : Certificate) (bins : Int) (a n : Nat) : Nat → List (List Split) → List (List Split)
  | _, [] => []
  | m, l :: ls => (if Nat.blt m a then [] else fillSplit M C bins a n m l) :: fillSplits M C bins a n (m + 1) ls

/-- The absent/present splits of one maximum with their part. -/
@[expose] def fillAbsent (M : Model) (C : Certificate) (bins : Int) (a n m : Nat) : List Split → List Split
  | [] => []
  | s :: l => { s with parts := [fillPart M C s true bins a n m 0] } :: fillAbsent M C bins a n m l

/-- The absent/present splits of the maxima from `m` on. -/
@[expose] def fillAbsents (M : Model) (C : Certificate) (bins : Int) (a n : Nat) : Nat → List (List Split) → List (List Split)
  | _, [] => []
  | m, l :: ls => (if Nat.blt m a then [] else fillAbsent M C bins a n m l) :: fillAbsents M C bins a n (m + 1) ls

/-- All hints of a certificate for the queries `a ≤ q < a + n`, from splits without parts. -/
@[expose] def fill (M : Model) (P : Precision) (splits absent : List (List Split)) (bins : Int) (baseBits a n : Nat) : Certificate :=
  let f := M.e + M.e + (M.e + M.e)
  let Ut := columnsOf M.U M.d M.v
  let Qt := columnsOf M.Q M.d M.h
  let Kt := columnsOf M.K M.d M.h
  let Vt := columnsOf M.V M.d M.h
  let Ot := columnsOf M.O M.h M.d
  let X := mapRows (fun r => addRow r (rowOf M.P (M.n - 1))) M.E
  let XQ := mulT X Qt
  let EK := mulT M.E Kt
  let PK := mulT M.P Kt
  let EV := mulT M.E Vt
  let PV := mulT M.P Vt
  let EVO := mulT EV Ot
  let PVO := mulT PV Ot
  let skipRaw := mulT X Ut
  let unit : Int := ((2 ^ (M.e + M.e) : Nat) : Int)
  let skip := mapRows (mapRow fun a => a * unit) skipRaw
  let score := mulT XQ EK
  let pscore := mulT XQ PK
  let copy := mulT EVO Ut
  let pcopy := mulT PVO Ut
  let top := tops score
  let ptop := tops pscore
  let C : Certificate := {
    Ut, Qt, Kt, Vt, Ot, X, XQ, EK, PK, EV, PV, EVO, PVO, skipRaw, skip, score, pscore, copy, pcopy, precision := P, top, ptop,
    omegaLo := weightsOf false P f a n 0 score top, omegaHi := weightsOf true P f a n 0 score top,
    rhoLo := weightsOf false P f a n 0 pscore ptop, rhoHi := weightsOf true P f a n 0 pscore ptop,
    splits := [], absent := [], bins, baseBits }
  { C with splits := fillSplits M C bins a n 0 splits, absent := fillAbsents M C bins a n 0 absent }

end Verifier
