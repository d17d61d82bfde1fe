module
public import Verifier.Checker.Products
public import Verifier.Checker.Weights
public import Verifier.Groups
public section

/-!
The checker: a program on integers, from a model's weights to the claimed fraction, and below it the theorem that a yes
is right.  It follows one family of certificates: exact tables, decoupled constraints with a hinted shift, sums counted
by one product of big integers.  Every table in the certificate is a hint; the checker compares, it never searches.
-/

namespace Verifier
open Std Lean.Grind ExpField

/-- The hints of a certificate.  Tables are integers: weights over `2 ^ e`, tables of paths over `2 ^ (4 e)`. -/
structure Certificate where
  (Ut Qt Kt Vt Ot : List (List Int))              -- columns of the weight matrices
  (X XQ EK PK EV PV EVO PVO skipRaw : List (List Int))
  (skip score pscore copy pcopy : List (List Int))
  precision : Precision
  (top ptop : List Int)                           -- per query: what scores are lowered by
  (omegaLo omegaHi rhoLo rhoHi : List (List Int)) -- weights: query, key; query, position
  shift : List (List Int)                         -- maximum, output
  G : List (List Int)                             -- maximum, query
  worst : List (List (List Int))                  -- maximum, position, key
  plan : List (List (List Int))                   -- maximum, query: bin width, threshold, one reference per free position
  baseBits : Nat

/-- The table at an index, empty beyond the end. -/
@[expose] def tableAt : List (List (List Int)) → Nat → List (List Int)
  | [], _ => []
  | a :: _, 0 => a
  | _ :: l, i + 1 => tableAt l i

/-- Every hinted table is what the path decomposition says. -/
@[expose] def tablesOK (M : Model) (C : Certificate) : Bool :=
  isTranspose M.d M.v M.U C.Ut && isTranspose M.d M.h M.Q C.Qt && isTranspose M.d M.h M.K C.Kt
  && isTranspose M.d M.h M.V C.Vt && isTranspose M.h M.d M.O C.Ot
  && (allBelow M.v fun q => allBelow M.d fun a => decide (at2 C.X q a = at2 M.E q a + at2 M.P (M.n - 1) a))
  && isProduct M.d C.X C.Qt C.XQ && isProduct M.d M.E C.Kt C.EK && isProduct M.d M.P C.Kt C.PK
  && isProduct M.d M.E C.Vt C.EV && isProduct M.d M.P C.Vt C.PV
  && isProduct M.h C.EV C.Ot C.EVO && isProduct M.h C.PV C.Ot C.PVO
  && isProduct M.d C.X C.Ut C.skipRaw
  && (allBelow M.v fun q => allBelow M.v fun x => decide (at2 C.skip q x = at2 C.skipRaw q x * ((2 ^ (M.e + M.e) : Nat) : Int)))
  && isProduct M.h C.XQ C.EK C.score && isProduct M.h C.XQ C.PK C.pscore
  && isProduct M.d C.EVO C.Ut C.copy && isProduct M.d C.PVO C.Ut C.pcopy

/-- Every hinted weight encloses the exponential of its score. -/
@[expose] def weightsOK (M : Model) (C : Certificate) : Bool :=
  rootOK C.precision M.h
  && (allBelow M.v fun q => allBelow M.v fun k =>
      weightOK C.precision (M.e + M.e + (M.e + M.e)) (at2 C.score q k - at1 C.top q) (at2 C.omegaLo q k) (at2 C.omegaHi q k))
  && (allBelow M.v fun q => allBelow M.n fun i =>
      weightOK C.precision (M.e + M.e + (M.e + M.e)) (at2 C.pscore q i - at1 C.ptop q) (at2 C.rhoLo q i) (at2 C.rhoHi q i))

/-- `bound ≤ - a x - b x` for the outputs `x ≠ m`, from `x` on. -/
@[expose] def leastTwo (v m : Nat) (bound : Int) : Nat → List Int → List Int → Bool
  | x, a :: as, b :: bs => (Nat.beq x m || decide (bound ≤ -a - b)) && leastTwo v m bound (x + 1) as bs
  | x, _, _ => Nat.ble v x

/-- `bound ≤ c x - a x - b x` for the outputs `x ≠ m`, from `x` on. -/
@[expose] def leastThree (v m : Nat) (bound : Int) : Nat → List Int → List Int → List Int → Bool
  | x, a :: as, b :: bs, c :: cs => (Nat.beq x m || decide (bound ≤ c - a - b)) && leastThree v m bound (x + 1) as bs cs
  | x, _, _, _ => Nat.ble v x

/-- The hinted worst gaps of the skip path and of the copy path hold for every wrong output. -/
@[expose] def gapsOK (M : Model) (C : Certificate) : Bool :=
  allBelow M.v fun m =>
    (allBelow (m + 1) fun q => leastTwo M.v m (at2 C.G m q - at2 C.skip q m) 0 (rowOf C.skip q) (rowOf C.shift m))
    && (allBelow M.n fun i => allBelow (m + 1) fun k =>
      leastThree M.v m (at2 (tableAt C.worst m) i k - at2 C.copy k m - at2 C.pcopy i m) 0
        (rowOf C.copy k) (rowOf C.pcopy i) (rowOf C.shift m))

/-- The lower bound of one term: weight times worst gap. -/
@[expose] def termAt (C : Certificate) (q m i k : Nat) : Int :=
  scaleLo (at2 C.rhoLo q i * at2 C.omegaLo q k) (at2 C.rhoHi q i * at2 C.omegaHi q k) (at2 C.G m q + at2 (tableAt C.worst m) i k)

/-- The rows `f s, …, f (s + n - 1)`, each with `w` entries. -/
@[expose] def rowsOf (f : Nat → Nat → Int) (w : Nat) : Nat → Nat → List (List Int)
  | _, 0 => []
  | s, n + 1 => tabulate (f s) 0 w :: rowsOf f w (s + 1) n

/-- The integer value of token `k` at position `i`: bins of width `h` above the reference, cut off at the threshold. -/
@[expose] def valueOf (terms : List (List Int)) (n q τ : Nat) (h : Int) (plan : List Int) (i k : Nat) : Option Nat :=
  if Nat.beq i (n - 1) then (if Nat.beq k q then some 0 else none)
  else
    let d := at2 terms i k - at1 plan (i + 2)
    if 0 ≤ d then (let r := (d / h).toNat; some (if Nat.ble r τ then r else τ)) else none

/-- The certified count of one pair of query and maximum. -/
@[expose] def groupCount (M : Model) (C : Certificate) (scope : List (Nat × Nat)) (q m : Nat) : Nat :=
  let plan := rowOf (tableAt C.plan m) q
  let h := at1 plan 0
  let τ := (at1 plan 1).toNat
  if decide (0 < h) && decide (0 < termAt C q m (M.n - 1) q + zsum (M.n - 1) (fun i => at1 plan (i + 2)) + h * (τ : Int)) then
    let terms := rowsOf (termAt C q m) (m + 1) 0 (M.n - 1)
    countGroup (2 ^ C.baseBits) (valueOf terms M.n q τ h plan) τ m scope
  else 0

/-- The certified count of the scope. -/
@[expose] def certified (M : Model) (C : Certificate) (scope : List (Nat × Nat)) : Nat :=
  nsum M.v fun q => nsum M.v fun m => if Nat.ble q m then groupCount M C scope q m else 0

/-- The scope has one range per position, within the vocabulary. -/
@[expose] def scopeOK (M : Model) : Nat → List (Nat × Nat) → Bool
  | i, [] => Nat.beq i M.n
  | i, r :: rs => Nat.ble r.2 M.v && scopeOK M (i + 1) rs

/-- The checker. -/
@[expose] def check (M : Model) (C : Certificate) (scope : List (Nat × Nat)) (p q : Nat) : Bool :=
  Nat.ble 1 M.n && scopeOK M 0 scope && tablesOK M C && weightsOK M C && gapsOK M C
  && Nat.blt (total scope + 1) (2 ^ C.baseBits) && Nat.ble (p * total scope) (q * certified M C scope)

end Verifier
