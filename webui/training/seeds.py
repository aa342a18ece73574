"""Randomness that belongs to a place in a run: the same after a resume, whatever else draws numbers."""

import hashlib

import torch


def seed_for(*place: object) -> int:
    """A seed, 0 to 2^63 - 1, from the run's seed, what it is for, and where in the run that is."""
    text = "/".join(str(part) for part in place)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator_for(*place: object) -> torch.Generator:
    """A generator on the processor, so that all devices draw the same."""
    return torch.Generator().manual_seed(seed_for(*place))
