"""Edits that cure findings, and the commands that make, check and take back such edits."""
