"""Rules that evaluate any network: input by input, box by box, or as a bag of tables."""
