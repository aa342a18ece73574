"""Regions by cross attention: every place of the picture reads the prompts of its regions.

The prompts stand behind each other in what the network gets. Hooks take them apart before cross attention,
as rows of a larger batch, and sum the results by the masks; whatever computes attention stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from webui.plugins import DenoisingNetwork, EmbeddingBatch, EncodedPart, NetworkInput, Row

CROSS_ATTENTION = re.compile(r"\.transformer_blocks\.\d+\.attn2$")
MASKS = "regional_masks"


class RegionalAttention:
    """For one pass and one family of networks; a refiner of another drops it."""

    def __init__(
        self,
        shares: Tensor,
        prompts: list[list[EncodedPart]],
        negatives: list[list[EncodedPart]],
        padding: Tensor | None = None,
    ) -> None:
        """`shares` (1 + R, h, w) are the base prompt's and the regions'; texts are those of each image.

        `padding` (77, D) fills up the shorter ones; without it, their last vector does.
        """
        self._padding = padding
        self._shares, self._prompts, self._negatives = shares, prompts, negatives
        # Of the call that runs: (N, 1 + R, h, w).
        self._masks: Tensor | None = None

    def add_regions(self, batch: NetworkInput) -> None:
        """Before the network: the regions' texts behind the base's, and the masks beside the latent."""
        count, step = len(batch.cond), batch.evaluation
        batch.cond = self._with_regions(batch.cond, batch.rows[:count], self._prompts, step)
        if len(batch.uncond):
            batch.uncond = self._with_regions(batch.uncond, batch.rows[count:], self._negatives, step)
        batch.residuals[MASKS] = self._shares.to(batch.latent.device).expand(len(batch.rows), -1, -1, -1)

    def _with_regions(
        self, base: EmbeddingBatch, rows: Sequence[Row], texts: list[list[EncodedPart]], step: int
    ) -> EmbeddingBatch:
        regions = [[part.at(step).crossattn for part in texts[row.image]] for row in rows]
        tokens = max(base.tokens, *(len(each) for row in regions for each in row))
        joined = [
            torch.cat([lengthen(each.to(own), tokens, self._padding) for each in (own, *others)])
            for own, others in zip(base.crossattn, regions, strict=True)
        ]
        return replace(base, crossattn=torch.stack(joined))

    @property
    def take_masks(self) -> Callable[[DenoisingNetwork], DenoisingNetwork]:
        """Around the network: the masks go to the hooks, as the network knows nothing of them."""

        def wrap(network: DenoisingNetwork) -> DenoisingNetwork:
            def run(*inputs: Tensor | None, **residuals: Any) -> Tensor:  # noqa: ANN401 - the network's own
                self._masks = residuals.pop(MASKS, None)
                try:
                    return network(*inputs, **residuals)  # type: ignore[arg-type]  # handed through
                finally:
                    self._masks = None

            return run

        return wrap

    @contextmanager
    def attach(self, network: nn.Module) -> Iterator[None]:
        """Listen at the cross attention while the context is open."""
        with ExitStack() as stack:
            for transformer in list(network.modules()):
                layers = [
                    each for own, each in transformer.named_modules() if CROSS_ATTENTION.search(f".{own}")
                ]
                if layers and hasattr(transformer, "transformer_blocks"):
                    self._listen(transformer, layers, stack)
            yield

    def _listen(self, transformer: nn.Module, layers: list[nn.Module], stack: ExitStack) -> None:
        size = [0, 0]

        def keep_size(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            size[:] = (args[0] if args else kwargs["hidden_states"]).shape[-2:]

        def before(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:  # noqa: ANN401 - torch's
            if self._masks is None:
                return None
            count, text = self._masks.shape[1], kwargs["encoder_hidden_states"]
            parts = text.unflatten(1, (count, -1)).flatten(0, 1)
            hidden = args[0].repeat_interleave(count, dim=0)
            return (hidden, *args[1:]), kwargs | {"encoder_hidden_states": parts}

        def after(module: nn.Module, args: tuple[Any, ...], output: Tensor) -> Tensor | None:
            if self._masks is None:
                return None
            count = self._masks.shape[1]
            each = output.unflatten(0, (-1, count))
            # Where memory is short the rows come one by one; they have the same masks.
            masks = self._masks if len(self._masks) == len(each) else self._masks[: len(each)]
            weights = functional.interpolate(masks, (size[0], size[1]), mode="area").flatten(2)[..., None]
            return (each * weights.to(output)).sum(dim=1)

        stack.callback(transformer.register_forward_pre_hook(keep_size, with_kwargs=True).remove)
        for layer in layers:
            stack.callback(layer.register_forward_pre_hook(before, with_kwargs=True).remove)
            stack.callback(layer.register_forward_hook(after).remove)


def lengthen(text: Tensor, tokens: int, padding: Tensor | None = None) -> Tensor:
    """(T, D) with the padding, or else the last vector, repeated up to `tokens`."""
    missing = tokens - len(text)
    if padding is not None and missing > 0:
        text = torch.cat([text, padding.to(text).repeat(missing // len(padding), 1)])
        missing = tokens - len(text)
    return text if missing <= 0 else torch.cat([text, text[-1:].expand(missing, -1)])
