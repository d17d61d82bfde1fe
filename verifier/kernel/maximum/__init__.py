"""What the rules about the largest token share: the five tables of attention-only-1, and the margin's terms."""
