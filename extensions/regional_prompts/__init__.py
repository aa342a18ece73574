"""Regional prompts: other words for other parts of the picture."""
