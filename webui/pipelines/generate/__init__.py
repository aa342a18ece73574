"""Text to pictures: one and two passes."""
