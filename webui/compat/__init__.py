"""Hosts of what was written for other programs. Only `main` imports this floor, and only when needed."""
