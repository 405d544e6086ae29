"""Files that survive kill -9, a full disk and two writers at once: atomic replace, lock, append-only journal."""
