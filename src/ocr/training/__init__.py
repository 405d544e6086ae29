"""Fit a model and keep what is needed to resume, judge and export it."""
