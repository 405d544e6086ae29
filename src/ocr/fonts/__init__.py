"""Fonts with open licences: Latin mono, sans and serif, and Hangul. `licences/SOURCES.md` says where they come from."""
