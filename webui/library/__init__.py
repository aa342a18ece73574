"""Model files on disk: what they are, where they lie, how they come in. Knows no torch."""
