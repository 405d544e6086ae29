"""Runs, checkpoint cards and what is found in them."""
