"""Training: what the artist shows a network it learns, and a file for the model folders comes of it."""
