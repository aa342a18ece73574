"""A1111's package, as extensions import it."""
