module
public import Verifier.Checker
public section

/-!
Hints computed by Lean itself, so that an evaluation needs the model, the shifts and the labels only.  Nothing here is
proved and nothing needs to be: whatever `fill` returns, `check` compares it.  Hints are computed for the queries
`a ≤ q < a + n`; the rows of other queries stay empty.
-/

namespace Verifier

/-- The largest entry of a row. -/
@[expose] def rowMax : Int → List Int → Int
  | best, [] => best
  | best, a :: l => rowMax (if best ≤ a then a else best) l

/-- The least entry of a row. -/
@[expose] def rowMin : Int → List Int → Int
  | best, [] => best
  | best, a :: l => rowMin (if a ≤ best then a else best) l

/-- `f 0, …` for the entries of a row. -/
@[expose] def mapRow (f : Int → Int) : List Int → List Int
  | [] => []
  | a :: l => f a :: mapRow f l

/-- `f` of each row. -/
@[expose] def mapRows (f : List Int → List Int) : List (List Int) → List (List Int)
  | [] => []
  | a :: l => f a :: mapRows f l

/-- The largest entry of each row. -/
@[expose] def tops : List (List Int) → List Int
  | [] => []
  | [] :: l => 0 :: tops l
  | (a :: r) :: l => rowMax a r :: tops l

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

/-- The least of `s x - a x` over the `x ≠ m` with label `j`; `none` before the first. -/
@[expose] def leastOther (m : Nat) (j : Int) : Nat → Option Int → List Int → List Int → List Int → Option Int
  | x, best, l :: ls, a :: as, s :: ss =>
    if Nat.beq x m || !decide (l = j) then leastOther m j (x + 1) best ls as ss
    else leastOther m j (x + 1) (some (match best with | none => s - a | some b => if s - a ≤ b then s - a else b)) ls as ss
  | _, best, _, _, _ => best

/-- A value or 0. -/
@[expose] def orZero : Option Int → Int
  | none => 0
  | some a => a

/-- The entrywise sum and difference of rows. -/
@[expose] def addRow : List Int → List Int → List Int
  | a :: as, b :: bs => (a + b) :: addRow as bs
  | _, _ => []

/-- The least term that is close to zero or above it. -/
@[expose] def centreOf (largest : Int) : Option Int → List Int → Option Int
  | best, [] => best
  | best, a :: l => centreOf largest (if -largest ≤ 100 * a then (match best with | none => some a | some b => some (if a ≤ b then a else b)) else best) l

/-- The least entry that reaches a floor. -/
@[expose] def leastFrom (floor : Int) : Option Int → List Int → Option Int
  | best, [] => best
  | best, a :: l => leastFrom floor (if floor ≤ a then (match best with | none => some a | some b => some (if a ≤ b then a else b)) else best) l

/-- The sum of a row. -/
@[expose] def rowSum : List Int → Int
  | [] => 0
  | a :: l => a + rowSum l

/-- Rows of bin numbers. -/
@[expose] def binRows (h : Int) : List (List Int) → List Int → List (List Int)
  | r :: rs, c :: cs => mapRow (fun a => (a - c) / h) r :: binRows h rs cs
  | _, _ => []

/-- For each row of bin numbers, the least that the other rows can make good. -/
@[expose] def floorsOf (need : Int) : List (List Int) → List Int → List Int
  | r :: rs, top :: rest =>
    (match leastFrom (need + top) none r with | none => top | some a => a) :: floorsOf need rs rest
  | _, _ => []

/-- The plan of one pair: bin width, threshold, references (see `make_plan` in the exporter). -/
@[expose] def planOf (base : Int) (terms : List (List Int)) (bins : Int) : List Int :=
  let least := mapRow (fun i => rowMin (at1 (rowOf terms i.toNat) 0) (rowOf terms i.toNat)) (tabulate (fun i => (i : Int)) 0 (lenRows terms))
  let top := tops terms
  if 0 < base + rowSum least then
    (rowMax 1 (addRow (addRow top (mapRow (fun a => 0 - a) least)) (mapRow (fun _ => 1) top))) :: 0 :: least
  else
    let centre := mapRow (fun i =>
      let r := rowOf terms i.toNat
      let largest := rowMax 0 (mapRow (fun a => if 0 ≤ a then a else -a) r)
      (match centreOf largest none (dropLast r) with | none => rowMax (at1 r 0) r | some a => a)) (tabulate (fun i => (i : Int)) 0 (lenRows terms))
    let spread := rowMax 0 (addRow top (mapRow (fun a => 0 - a) centre))
    let fixed := base + rowSum centre
    let h := rowMax 1 [spread / bins, (if 0 ≤ fixed then fixed else -fixed) / (16 * bins)]
    let numbers := binRows h terms centre
    let threshold := -fixed / h + 1
    let best := tops numbers
    let floors := floorsOf (threshold - rowSum best) numbers best
    h :: rowMax 0 [threshold - rowSum floors] :: addRow centre (mapRow (fun a => h * a) floors)
where
  /-- The number of rows. -/
  lenRows : List (List Int) → Nat
    | [] => 0
    | _ :: l => lenRows l + 1
  /-- A row without its last entry. -/
  dropLast : List Int → List Int
    | [] => []
    | [_] => []
    | a :: l => a :: dropLast l

/-- The plans of the queries from `q` on. -/
@[expose] def plansOf (M : Model) (C : Certificate) (p : Part) (bins : Int) (a n m : Nat) : Nat → Nat → List (List Int)
  | _, 0 => []
  | q, r + 1 =>
    (if among a n q then
      planOf (termAt C p q (M.n - 1) q) (rowsOf (fun i k => termAt C p q i k) (m + 1) 0 (M.n - 1)) bins
    else []) :: plansOf M C p bins a n m (q + 1) r

/-- Part `j` of a split: least gaps, then plans. -/
@[expose] def fillPart (M : Model) (C : Certificate) (s : Split) (bins : Int) (a n m j : Nat) : Part :=
  let negShift := mapRow (fun b => 0 - b) s.shift
  let p : Part := {
    G := tabulate (fun q => if among a n q then at2 C.skip q m + orZero (leastOther m j 0 none s.label (rowOf C.skip q) negShift) else 0) 0 (m + 1),
    worst := rowsOf (fun i k => at2 C.copy k m + at2 C.pcopy i m
      + orZero (leastOther m j 0 none s.label (addRow (rowOf C.copy k) (rowOf C.pcopy i)) s.shift)) (m + 1) 0 M.n,
    plan := [] }
  { p with plan := plansOf M C p bins a n m 0 (m + 1) }

/-- The parts of a split from `j` on. -/
@[expose] def fillParts (M : Model) (C : Certificate) (s : Split) (bins : Int) (a n m : Nat) : Nat → Nat → List Part
  | _, 0 => []
  | j, r + 1 => fillPart M C s bins a n m j :: fillParts M C s bins a n m (j + 1) r

/-- The splits of one maximum with their parts. -/
@[expose] def fillSplit (M : Model) (C : Certificate) (bins : Int) (a n m : Nat) : List Split → List Split
  | [] => []
  | s :: l => { s with parts := fillParts M C s bins a n m 0 (rowMax (-1) s.label + 1).toNat } :: fillSplit M C bins a n m l

/-- The splits of the maxima from `m` on; a maximum below all the queries needs none. -/
@[expose] def fillSplits (M : Model) (C : Certificate) (bins : Int) (a n : Nat) : Nat → List (List Split) → List (List Split)
  | _, [] => []
  | m, l :: ls => (if Nat.blt m a then [] else fillSplit M C bins a n m l) :: fillSplits M C bins a n (m + 1) ls

/-- All hints of a certificate for the queries `a ≤ q < a + n`, from splits without parts. -/
@[expose] def fill (M : Model) (P : Precision) (splits : List (List Split)) (bins : Int) (baseBits a n : Nat) : Certificate :=
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
    splits := [], baseBits }
  { C with splits := fillSplits M C bins a n 0 splits }

end Verifier
