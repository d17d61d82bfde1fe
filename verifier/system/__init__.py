"""The machine: files written atomically, progress bars, budgets of time and memory, choosing an arithmetic."""
