"""A1111's own script of Extras; here the tab itself does it."""
# pyright: basic
