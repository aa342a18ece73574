"""Upscaling and restoring finished pictures."""
