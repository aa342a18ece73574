"""A1111's built-in comments: the program has its own; the name is here for those that look for it."""
# pyright: basic

from webui.prompts.syntax import strip_comments

__all__ = ["strip_comments"]
