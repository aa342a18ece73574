"""Between the fields of the page and requests."""
