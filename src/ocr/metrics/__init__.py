"""Scores: arrays in, frozen dataclasses out."""
