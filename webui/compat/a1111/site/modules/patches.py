"""Replacing attributes of objects in turn, each replacement under the key of who made it."""

from webui.compat.a1111.loading.patches import original, originals, patch, undo

__all__ = ["original", "originals", "patch", "undo"]
