"""The two sides of every number: exact matrices, and tensors of enclosures over an arithmetic."""
