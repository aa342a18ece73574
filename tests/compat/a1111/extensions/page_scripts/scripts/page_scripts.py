"""Its source is never given to a page."""
