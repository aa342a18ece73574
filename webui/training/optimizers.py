"""The optimizers, by their names in a run; those of other packages are asked for with a sentence."""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

import torch
from torch.optim import Optimizer

from webui.core.errors import InvalidRequest
from webui.core.work.training_run import Optimizer as OptimizerName

Groups = list[dict[str, Any]]
EXTRA = 'Install it with `.venv/bin/python -m pip install "atelier-webui[training]"`, or choose adamw.'


def make_optimizer(name: OptimizerName, groups: Iterable[dict[str, Any]], weight_decay: float) -> Optimizer:
    """The optimizer for groups of `params` and `lr`. Raises InvalidRequest where its package is missing."""
    return MAKERS[name](list(groups), weight_decay)


def make_adamw(groups: Groups, weight_decay: float) -> Optimizer:
    """Loshchilov and Hutter 2019, of torch."""
    return torch.optim.AdamW(groups, weight_decay=weight_decay)


def make_adamw8bit(groups: Groups, weight_decay: float) -> Optimizer:
    """The same with its state in 8 bits (Dettmers et al. 2022), of bitsandbytes."""
    try:
        # An extra: it is for NVIDIA cards and some 100 MB.
        from bitsandbytes.optim import AdamW8bit  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise InvalidRequest(f"The optimizer adamw8bit needs the package bitsandbytes. {EXTRA}") from error
    return AdamW8bit(groups, weight_decay=weight_decay)


def make_prodigy(groups: Groups, weight_decay: float) -> Optimizer:
    """Mishchenko and Defazio 2023: it finds the rate itself, and takes 1 for it."""
    try:
        # An extra.
        from prodigyopt import Prodigy  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise InvalidRequest(f"The optimizer prodigy needs the package prodigyopt. {EXTRA}") from error
    # It says int, and takes any number.
    decay: Any = weight_decay
    return Prodigy(groups, weight_decay=decay, decouple=True, use_bias_correction=True, safeguard_warmup=True)


def make_adafactor(groups: Groups, weight_decay: float) -> Optimizer:
    """Shazeer and Stern 2018, of transformers, at the run's own rate."""
    # Loads transformers, which those who train otherwise may not have loaded yet.
    from transformers.optimization import Adafactor

    return Adafactor(
        groups, weight_decay=weight_decay, relative_step=False, scale_parameter=False, warmup_init=False
    )


def make_lion(groups: Groups, weight_decay: float) -> Optimizer:
    """Chen et al. 2023: it takes a tenth to a third of AdamW's rate."""
    try:
        # An extra.
        from lion_pytorch import Lion  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise InvalidRequest(f"The optimizer lion needs the package lion-pytorch. {EXTRA}") from error
    return Lion(groups, weight_decay=weight_decay)


MAKERS: Mapping[OptimizerName, Callable[[Groups, float], Optimizer]] = MappingProxyType(
    {
        "adamw": make_adamw,
        "adamw8bit": make_adamw8bit,
        "prodigy": make_prodigy,
        "adafactor": make_adafactor,
        "lion": make_lion,
    }
)
