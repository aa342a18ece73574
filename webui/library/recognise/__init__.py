"""Telling by keys and shapes what a model file is."""
