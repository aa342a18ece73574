"""Hooks of ours that A1111's extensions are called from: a module for each subject."""
