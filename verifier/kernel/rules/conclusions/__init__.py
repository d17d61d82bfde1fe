"""Rules that end a certificate: facts about sets of inputs become one number."""
