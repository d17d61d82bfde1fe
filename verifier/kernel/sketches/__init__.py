"""What the rule about symmetry rests on: hidden layers of two tokens, sketches of them, and permutations."""
