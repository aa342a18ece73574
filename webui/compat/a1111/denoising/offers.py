"""What extensions put into A1111's lists of samplers and schedules, offered by this program."""

from __future__ import annotations

import logging
from importlib import import_module

from webui.compat.a1111.denoising.cfg_denoiser import CFGDenoiser, DenoiserNetwork
from webui.compat.a1111.denoising.samplers import LISTS

logger = logging.getLogger(__name__)


def sync_lists() -> None:
    """Offer what is new in them."""
    import_module("modules.sd_samplers").set_samplers()
    schedulers = import_module("modules.sd_schedulers").schedulers
    for sentence in LISTS.sync_schedules(schedulers, lambda: DenoiserNetwork(CFGDenoiser(None))):
        logger.warning("%s", sentence)


def clear_lists() -> None:
    """Offer none of it any more."""
    LISTS.clear()
