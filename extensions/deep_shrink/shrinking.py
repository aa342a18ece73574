"""Hooks that make the picture smaller behind a block of the way down, and larger on the way up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, ClassVar

from torch import Tensor, nn
from torch.nn import functional

from extensions.deep_shrink.part import DeepShrink
from webui.plugins import DenoisingNetwork, NetworkInput

CONTROLS = "down_block_additional_residuals"
MIDDLE_CONTROL = "mid_block_additional_residual"


def way_down(network: nn.Module) -> list[list[nn.Module]]:
    """The input blocks of a U-Net by their numbers in the original code, each as its modules in order."""
    unet = unet_of(network)
    blocks: list[list[nn.Module]] = [[unet.conv_in]]
    for block in unet.down_blocks:
        attentions = list(getattr(block, "attentions", None) or [])
        for number, residual in enumerate(block.resnets):
            blocks.append([residual, *attentions[number : number + 1]])
        blocks.extend([downsampler] for downsampler in block.downsamplers or [])
    return blocks


def unet_of(network: nn.Module) -> Any:  # noqa: ANN401 - diffusers' U-Net, whose blocks have lists of layers
    """The U-Net within what samplers call."""
    return getattr(network, "unet", network)


class Shrinking:
    """Deep shrink for one pass."""

    fits_all_families: ClassVar[bool] = True

    def __init__(self, part: DeepShrink) -> None:
        self.part = part
        self._is_on = False
        self._halves: list[bool] = []

    @property
    def begin(self) -> Callable[[NetworkInput], None]:
        """Before the network: on or off."""

        def begin(batch: NetworkInput) -> None:
            self._is_on = self.part.holds(batch.share_done)

        return fit(begin)

    @property
    def wrap(self) -> Callable[[DenoisingNetwork], DenoisingNetwork]:
        """Around the network: what controls it gets the sizes that its layers have."""

        def wrap(network: DenoisingNetwork) -> DenoisingNetwork:
            def run(latent: Tensor, *others: Any, **residuals: Any) -> Tensor:  # noqa: ANN401 - the network's
                if self._is_on and CONTROLS in residuals:
                    residuals = self._resize_controls(residuals, (latent.shape[-2], latent.shape[-1]))
                return network(latent, *others, **residuals)

            return run

        return fit(wrap)

    @contextmanager
    def attach(self, network: nn.Module) -> Iterator[None]:
        """Listen at the blocks while the context is open."""
        unet, blocks = unet_of(network), way_down(network)
        downsamplers = {id(each) for block in unet.down_blocks for each in block.downsamplers or []}
        self._halves = [id(block[0]) in downsamplers for block in blocks]
        with ExitStack() as stack:
            # A refiner may have fewer blocks.
            if self.part.block < len(blocks):
                self._shrink_at(blocks, unet, stack)
                for block in unet.up_blocks:
                    self._enlarge_in(block, stack)
            yield

    def _shrink_at(self, blocks: list[list[nn.Module]], unet: Any, stack: ExitStack) -> None:  # noqa: ANN401 - diffusers'
        number = self.part.block
        if not self.part.after_skip:
            stack.callback(blocks[number][-1].register_forward_hook(self._shrink_output).remove)
            return
        # What comes next sees it smaller, while the skip connection keeps its size.
        after = blocks[number + 1][0] if number + 1 < len(blocks) else unet.mid_block.resnets[0]
        stack.callback(after.register_forward_pre_hook(self._shrink_input).remove)

    def _enlarge_in(self, block: Any, stack: ExitStack) -> None:  # noqa: ANN401 - an up block of diffusers
        sizes: list[tuple[int, int]] = []

        def begin(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:  # noqa: ANN401 - torch's
            skips = kwargs["res_hidden_states_tuple"]
            sizes[:] = [(skip.shape[-2], skip.shape[-1]) for skip in reversed(skips)]
            return args, kwargs | {"hidden_states": self._enlarge(kwargs["hidden_states"], sizes[0])}

        stack.callback(block.register_forward_pre_hook(begin, with_kwargs=True).remove)
        attentions = list(getattr(block, "attentions", None) or [])
        for number in range(1, len(block.resnets)):
            last = attentions[number - 1] if attentions else block.resnets[number - 1]

            def after(module: nn.Module, args: Any, output: Any, number: int = number) -> Any:  # noqa: ANN401 - torch's
                return map_first(output, lambda hidden: self._enlarge(hidden, sizes[number]))

            stack.callback(last.register_forward_hook(after).remove)

    def _enlarge(self, hidden: Tensor, size: tuple[int, int]) -> Tensor:
        if tuple(hidden.shape[-2:]) == size:
            return hidden
        return resize(hidden, size, self.part.upscale_method)

    def _shrink(self, hidden: Tensor) -> Tensor:
        return resize(hidden, self._smaller((hidden.shape[-2], hidden.shape[-1])), self.part.downscale_method)

    def _smaller(self, size: tuple[int, int]) -> tuple[int, int]:
        height, width = (max(1, round(side / self.part.factor)) for side in size)
        return height, width

    def _shrink_output(self, module: nn.Module, args: Any, output: Any) -> Any:  # noqa: ANN401 - torch's
        return map_first(output, self._shrink) if self._is_on else None

    def _shrink_input(self, module: nn.Module, args: tuple[Any, ...]) -> Any:  # noqa: ANN401 - torch's
        return (self._shrink(args[0]), *args[1:]) if self._is_on else None

    def _resize_controls(self, residuals: dict[str, Any], size: tuple[int, int]) -> dict[str, Any]:
        """The residuals of a ControlNet, which are of the full size, at those of the blocks they go to."""
        resized: list[Tensor] = []
        for number, control in enumerate(residuals[CONTROLS]):
            if self._halves[number]:
                size = ((size[0] + 1) // 2, (size[1] + 1) // 2)
            if number == self.part.block and not self.part.after_skip:
                size = self._smaller(size)
            same = tuple(control.shape[-2:]) == size
            resized.append(control if same else resize(control, size, self.part.downscale_method))
            if number == self.part.block and self.part.after_skip:
                size = self._smaller(size)
        changed = residuals | {CONTROLS: tuple(resized)}
        middle = residuals.get(MIDDLE_CONTROL)
        if middle is not None and tuple(middle.shape[-2:]) != size:
            changed[MIDDLE_CONTROL] = resize(middle, size, self.part.downscale_method)
        return changed


def fit(function: Any) -> Any:  # noqa: ANN401 - any of a pass's functions
    """Marked as made for networks of all families."""
    function.fits_all_families = True
    return function


def map_first(output: Any, change: Callable[[Tensor], Tensor]) -> Any:  # noqa: ANN401 - a tensor or a tuple of it
    """What a layer returns, changed."""
    return (change(output[0]), *output[1:]) if isinstance(output, tuple) else change(output)


def resize(hidden: Tensor, size: tuple[int, int], method: str) -> Tensor:
    """(N, C, h, w) at another size."""
    aligned = {"align_corners": False} if method in ("bicubic", "bilinear") else {}
    return functional.interpolate(hidden.float(), size=size, mode=method, **aligned).to(hidden.dtype)
