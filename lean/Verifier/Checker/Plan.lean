module
public import Verifier.Lists
public section

/-! Bins for a count: any bin width, threshold and references are sound, these lose little.  Nothing here needs a proof. -/

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

/-- The largest entry of each row. -/
@[expose] def tops : List (List Int) → List Int
  | [] => []
  | [] :: l => 0 :: tops l
  | (a :: r) :: l => rowMax a r :: tops l

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

end Verifier
