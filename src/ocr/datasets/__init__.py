"""Annotated data in and out: readers, crops, splits, checks and synthesis."""
