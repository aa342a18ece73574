"""Whole set-ups by name, and what of them is here."""
