"""Variants and wildcards in prompts."""
