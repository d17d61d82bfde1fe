"""Are reported numbers true?  Reading them, and proving or refuting each."""
