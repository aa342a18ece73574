"""FreeU (Si et al. 2023): hooks at the residual blocks on the way up, which get backbone and skip joined."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from extensions.guidance.parts import FreeU
from webui.plugins import NetworkInput

UP_BLOCK = re.compile(r"(?:^|\.)up_blocks\.\d+$")
# Half the side, in cells, of the square of low frequencies.
LOW_FREQUENCIES = 1
# Where the backbone is the same everywhere, nothing is divided by zero.
LEAST_RANGE = 1e-12


class FreeUAdapter:
    """Weighs backbone and skip connections of the two deepest widths anew, in the steps of its range."""

    fits_all_families: ClassVar[bool] = True

    def __init__(self, part: FreeU) -> None:
        self.part = part
        self._is_on = False
        # Channels of the backbone in what a residual block is given; the rest is the skip connection's.
        self._channels = 0

    def __call__(self, batch: NetworkInput) -> None:
        """Before the network: on or off."""
        self._is_on = self.part.holds(batch.share_done)

    @contextmanager
    def attach(self, network: nn.Module) -> Iterator[None]:
        """Listen at the way up while the context is open."""
        modules = dict(network.named_modules())
        with ExitStack() as stack:
            self._listen(modules, widths_of(network), stack)
            yield

    def _listen(self, modules: dict[str, nn.Module], widths: list[int], stack: ExitStack) -> None:
        # As published, where these are four and two times the network's own width.
        pairs = ((self.part.b1, self.part.s1), (self.part.b2, self.part.s2))
        factors = dict(zip(widths, pairs, strict=False))

        def begin(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            hidden = args[0] if args else kwargs["hidden_states"]
            self._channels = hidden.shape[1]

        def before(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:  # noqa: ANN401 - torch's
            if not self._is_on or self._channels not in factors:
                return None
            joined = args[0] if args else kwargs["input_tensor"]
            backbone, skip = joined[:, : self._channels], joined[:, self._channels :]
            strength, weakening = factors[self._channels]
            changed = torch.cat([self._strengthen(backbone, strength), weaken(skip, weakening)], dim=1)
            return ((changed, *args[1:]), kwargs) if args else (args, kwargs | {"input_tensor": changed})

        def after(module: nn.Module, args: tuple[Any, ...], output: Tensor) -> None:
            self._channels = output.shape[1]

        for name, block in modules.items():
            if UP_BLOCK.search(name):
                stack.callback(block.register_forward_pre_hook(begin, with_kwargs=True).remove)
                for residual in block.get_submodule("resnets").children():
                    stack.callback(residual.register_forward_pre_hook(before, with_kwargs=True).remove)
                    stack.callback(residual.register_forward_hook(after).remove)

    def _strengthen(self, hidden: Tensor, factor: float) -> Tensor:
        """Half the channels of (N, C, h, w) times the factor; in version 2 by how strong each place is."""
        if factor == 1:
            return hidden
        half = hidden.shape[1] // 2
        by: float | Tensor = factor
        if self.part.version == "2":
            mean = hidden.mean(dim=1, keepdim=True)
            low, high = (
                edge(mean.flatten(1), dim=1)[:, None, None, None] for edge in (torch.amin, torch.amax)
            )
            by = (factor - 1) * (mean - low) / (high - low).clamp_min(LEAST_RANGE) + 1
        return torch.cat([hidden[:, :half] * by, hidden[:, half:]], dim=1)


def widths_of(network: nn.Module) -> list[int]:
    """The channels of a U-Net's levels, each once, the widest first."""
    unet: Any = getattr(network, "unet", network)
    return sorted(set(unet.config["block_out_channels"]), reverse=True)


def weaken(skip: Tensor, factor: float) -> Tensor:
    """(N, C, h, w) with its lowest frequencies times the factor."""
    if factor == 1:
        return skip
    frequencies = torch.fft.fftshift(torch.fft.fftn(skip.float(), dim=(-2, -1)), dim=(-2, -1))
    middles = [side // 2 for side in skip.shape[-2:]]
    rows, columns = (slice(max(middle - LOW_FREQUENCIES, 0), middle + LOW_FREQUENCIES) for middle in middles)
    frequencies[..., rows, columns] *= factor
    changed = torch.fft.ifftn(torch.fft.ifftshift(frequencies, dim=(-2, -1)), dim=(-2, -1)).real
    return changed.to(skip.dtype)
