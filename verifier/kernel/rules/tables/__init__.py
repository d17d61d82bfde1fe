"""Rules that conclude tables of the network attention-only-1."""
