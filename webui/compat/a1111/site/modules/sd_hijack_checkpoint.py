"""Gradient checkpoints of A1111's networks: this program's training has its own."""
# pyright: basic


def add():
    """Nothing."""


def remove():
    """Nothing."""
