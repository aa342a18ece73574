"""Kohya deep shrink: in its first steps, the network's inner layers see a smaller picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from extensions.deep_shrink.part import DeepShrink
from webui.plugins import InvalidRequest, RequestPart, hookimpl

if TYPE_CHECKING:
    from webui.plugins import Batch, Denoising


@hookimpl
def register_request_part() -> type[RequestPart]:
    """Where and how long it shrinks."""
    return DeepShrink


@hookimpl
def prepare_denoising(denoising: Denoising, batch: Batch) -> None:
    """Attach it to a pass. Raises InvalidRequest for a block that the network has not."""
    part = DeepShrink.of(batch.request)
    if part is None:
        return
    # Torch is imported only where something is asked for.
    from extensions.deep_shrink.shrinking import Shrinking, way_down

    last = len(way_down(denoising.network)) - 1
    if part.block > last:
        raise InvalidRequest(f"{part.title}: the network has no block {part.block}. Its last one is {last}.")
    shrinking = Shrinking(part)
    denoising.adapters.append(shrinking)
    denoising.before_network.append(shrinking.begin)
    # Innermost, next to the network.
    denoising.around_network.insert(0, shrinking.wrap)
