"""Networks of A1111's own: names."""
