"""Showing jobs while they run."""
