"""Finished pictures: how they are named, written, found again and given out."""
