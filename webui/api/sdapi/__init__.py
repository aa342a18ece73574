"""A1111's API: its fields, defaults and answers."""
