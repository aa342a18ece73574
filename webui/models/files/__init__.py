"""Tensors out of model files."""
