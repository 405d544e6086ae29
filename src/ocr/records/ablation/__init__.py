"""Ablations: a declared grid of training runs, run as processes of their own, and what each factor was worth."""
