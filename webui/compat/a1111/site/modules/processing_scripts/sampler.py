"""A1111's built-in sampler: the program has its own; the name is here for those that look for it."""
# pyright: basic
