"""The Python side of a repository: one summary per file, read from its text alone, and who imports what from where."""
