"""Where files come into the page and go out of it."""
