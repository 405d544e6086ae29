"""Validates and creates the Markdown documents a team lives by, from one registry of document types."""
