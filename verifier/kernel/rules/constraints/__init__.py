"""Rules that conclude separable lower bounds of the margin."""
