"""Hooks of this program that call those of A1111's extensions. `start` registers the modules in here."""
