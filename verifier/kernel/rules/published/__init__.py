"""The margins of the paper that began this, repaired: kept so that its bounds can be compared."""
