"""Polygons, quads, offsets and crops, in pixels with y pointing down; the only polygon validation."""
