"""Recipes: a request goes in, events come out. Runs on the device thread."""
