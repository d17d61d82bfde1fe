"""Sampled numbers, always labelled as such: estimates, and whether a residual is like noise."""
