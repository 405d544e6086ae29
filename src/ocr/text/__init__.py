"""Charsets, tokenizers and text normalisation."""
