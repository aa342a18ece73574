"""Extensions' part in sampling: their callbacks, samplers, schedules and axes."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

from webui.plugins import hookimpl

if TYPE_CHECKING:
    from webui.diffusion.denoising import Denoising
    from webui.plugins.axes import AddedAxis
    from webui.plugins.batch import Batch
    from webui.plugins.context import Context

logger = logging.getLogger(__name__)


@hookimpl(tryfirst=True)
def prepare_denoising(denoising: Denoising, batch: Batch, context: Context) -> None:
    """A pass is ready: its sampler and denoiser are made, before scripts are asked."""
    # Torch is loaded when it is used.
    from webui.compat.a1111.denoising.samplers import attach_pass

    attach_pass(denoising, batch, context)


@hookimpl
def plot_axes(tab: str) -> list[AddedAxis]:
    """Axes that extensions put into A1111's X/Y/Z plot."""
    if "scripts.xyz_grid" not in sys.modules:
        return []
    from webui.compat.a1111.denoising.axes import list_added_axes

    return list_added_axes(tab)


@hookimpl(tryfirst=True)
def prepare_page() -> None:
    """What extensions added to the lists while they were loaded is offered on the page."""
    from webui.compat.a1111.denoising.offers import sync_lists

    sync_lists()


@hookimpl
def shutdown() -> None:
    """Take what they added away again."""
    if "webui.compat.a1111.denoising.offers" in sys.modules:
        from webui.compat.a1111.denoising.offers import clear_lists

        clear_lists()
