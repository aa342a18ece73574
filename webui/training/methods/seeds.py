"""Generators of a run's random numbers, apart from everybody else's."""

import hashlib

import torch

from webui.core.training_run import TrainingRun


def generator_for(run: TrainingRun, what: str) -> torch.Generator:
    """A generator on the processor that the run's seed and a word decide."""
    digest = hashlib.sha256(f"{run.seed} {what}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))
