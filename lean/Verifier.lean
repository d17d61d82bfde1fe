module
public import Verifier.CheckerSound
public import Verifier.Extremal
public import Verifier.Rules.Tables
public import Verifier.Rules.Paper
public import Verifier.Spectral
public import Verifier.Rules.Blocks
public import Verifier.Rules.Several
public import Verifier.Rules.Attention
public import Verifier.Rules.Binomial
public import Verifier.Rules.PureMargin
public import Verifier.Rules.AttentionMargin
public import Verifier.Rules.Exceptions
public import Verifier.Rules.Sums
public import Verifier.Rules.Enclosed
public import Verifier.Rounding.Margins
public import Verifier.Fill
