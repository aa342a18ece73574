"""Reference-only control (lllyasviel 2023): a picture goes through the U-Net beside the one that is made, and
attention looks at both (`reference_only`), or the spread of features is taken over (`reference_adain`).
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from extensions.controlnet.networks.ip_adapter import grid_of
from extensions.controlnet.rows import Rows, attention_blocks, inner_network

MODULES = ("reference_only", "reference_adain", "reference_adain+attn")
EPSILON = 1e-6
# Weights go to 2, so half of the modules would already take part at 1.
ADAIN_STRETCH = 2.0


@dataclass(slots=True)
class AttentionState:
    """One attention at work: whether it computes negative rows without the reference, and what that gave."""

    is_alone: bool = False
    alone: Tensor | None = None


@dataclass(slots=True)
class Reference:
    """A reference at work in one pass.

    `fidelity` 0…1 is how much the negative prompt's rows stay without it. `weight` decides how many modules
    take part, the widest first; 0: none. `mask` (1, 1, H, W) is where it acts.
    """

    rows: Rows
    uses_attention: bool
    uses_adain: bool
    fidelity: float = 0.5
    weight: float = 0.0
    is_recording: bool = False
    mask: Tensor | None = None
    _banks: dict[str, dict[int, Tensor]] = field(default_factory=dict[str, dict[int, Tensor]])

    @contextmanager
    def recording(self) -> Iterator[None]:
        """The U-Net reads the reference while the context is open."""
        self._banks.clear()
        self.is_recording = True
        try:
            yield
        finally:
            self.is_recording = False

    def listen(self, network: nn.Module, stack: ExitStack) -> None:
        """Add hooks to attention, and to the ends of layers."""
        if self.uses_attention:
            blocks = attention_blocks(network)
            widest = sorted(blocks, key=lambda item: -item[1].get_parameter("norm1.weight").shape[0])
            for place, (name, block) in enumerate(widest):
                self._listen_at_attention(name, block.get_submodule("attn1"), place / len(blocks), stack)
        if self.uses_adain:
            for name, module, share in ends_of_layers(inner_network(network)):
                hook = self._adain_hook(name, share * ADAIN_STRETCH)
                stack.callback(module.register_forward_hook(hook).remove)

    def _acts(self, name: str, share: float) -> bool:
        is_chosen = self.weight > share if share > 0 else self.weight > 0
        has_rows = bool(self.rows.places) and all(
            place in self._banks.get(name, {}) for place in self.rows.places
        )
        return not self.is_recording and is_chosen and has_rows

    def _record(self, name: str, values: Tensor) -> None:
        bank = self._banks.setdefault(name, {})
        for place, value in zip(self.rows.places, values, strict=True):
            bank[place] = value.detach().clone()

    def _recorded(self, name: str) -> Tensor:
        return torch.stack([self._banks[name][place] for place in self.rows.places])

    def _negatives(self) -> list[int]:
        """Places in the call of negative prompts' rows."""
        return [place for place, is_prompt in enumerate(self.rows.are_prompts) if not is_prompt]

    def _listen_at_attention(self, name: str, attention: nn.Module, share: float, stack: ExitStack) -> None:
        at_work = AttentionState()

        def look_at_both(
            module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
        ) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
            if at_work.is_alone:
                return None
            at_work.alone = None
            hidden: Tensor = args[0] if args else kwargs["hidden_states"]
            if self.is_recording and self.rows.places:
                self._record(name, hidden)
            if not self._acts(name, share):
                return None
            at_work.alone = self._attend_alone(attention, hidden, at_work)
            both = torch.cat([hidden, self._recorded(name)], dim=1)
            return args, kwargs | {"encoder_hidden_states": both}

        def mix(module: nn.Module, args: object, output: Tensor) -> Tensor | None:
            if at_work.is_alone or at_work.alone is None:
                return None
            alone, at_work.alone = at_work.alone, None
            return self._mix(output, alone)

        stack.callback(attention.register_forward_pre_hook(look_at_both, with_kwargs=True).remove)
        stack.callback(attention.register_forward_hook(mix).remove)

    def _attend_alone(self, attention: nn.Module, hidden: Tensor, at_work: AttentionState) -> Tensor:
        """What attention gives without the reference, of the rows that are mixed with it."""
        mixed = self._mixed_rows()
        if not mixed:
            return hidden[:0]
        at_work.is_alone = True
        try:
            with self.rows.narrow(mixed):
                return attention(hidden[mixed])
        finally:
            at_work.is_alone = False

    def _mix(self, output: Tensor, alone: Tensor) -> Tensor:
        """The output, moved towards what it is without the reference: negative rows, and outside the mask."""
        rows = self._mixed_rows()
        if not rows:
            return output
        share = self._share_of(rows, grid_of(output.shape[1], self.rows.size)).flatten(1)[..., None]
        mixed = output.clone()
        mixed[rows] = alone + (output[rows] - alone) * share.to(output)
        return mixed

    def _mixed_rows(self) -> list[int]:
        """Places in the call of rows that the reference does not wholly change."""
        if self.mask is not None:
            return list(range(len(self.rows.places)))
        return self._negatives() if self.fidelity > 0 else []

    def _share_of(self, rows: list[int], size: tuple[int, int]) -> Tensor:
        """How much the reference changes each place of rows, (N, h, w), or (N, 1, 1) without a mask."""
        are_prompts = [self.rows.are_prompts[row] for row in rows]
        each = torch.tensor([1.0 if is_prompt else 1 - self.fidelity for is_prompt in are_prompts])
        if self.mask is None:
            return each.view(-1, 1, 1)
        return each.view(-1, 1, 1) * functional.interpolate(self.mask.cpu(), size, mode="area")[0]

    def _adain_hook(self, name: str, share: float) -> Callable[[nn.Module, Any, Any], Any]:
        key = f"adain {name}"

        def change(module: nn.Module, args: object, output: Any) -> Any:  # noqa: ANN401 - a tensor or a tuple
            hidden: Tensor = output if isinstance(output, Tensor) else output[0]
            if self.is_recording and self.rows.places:
                self._record(key, statistics(hidden))
                return None
            if not self._acts(key, share):
                return None
            changed = renormalize(hidden, self._recorded(key))
            rows = self._mixed_rows()
            if rows:
                parts = self._share_of(rows, (hidden.shape[-2], hidden.shape[-1]))[:, None].to(hidden)
                changed[rows] = hidden[rows] + (changed[rows] - hidden[rows]) * parts
            return changed if isinstance(output, Tensor) else (changed, *output[1:])

        return change


def statistics(hidden: Tensor) -> Tensor:
    """Mean and spread of each channel over the picture, (N, 2, C)."""
    flat = hidden.flatten(2).float()
    spread = flat.var(dim=2, correction=0).clamp(min=EPSILON).sqrt()
    return torch.stack([flat.mean(2), spread], dim=1)


def renormalize(hidden: Tensor, wanted: Tensor) -> Tensor:
    """Features (N, C, h, w) with the mean and spread (N, 2, C) of others (Huang and Belongie 2017)."""
    own = statistics(hidden)
    mean, spread = (own[:, part, :, None, None] for part in (0, 1))
    new_mean, new_spread = (wanted[:, part, :, None, None].to(hidden.device) for part in (0, 1))
    return ((hidden.float() - mean) / spread * new_spread + new_mean).to(hidden.dtype)


def ends_of_layers(unet: nn.Module) -> Iterator[tuple[str, nn.Module, float]]:
    """The last module of each layer with its share: the weight from which on it takes part, over two.

    The middle first, then what lies ever further from it.
    """
    yield "mid_block", unet.get_submodule("mid_block"), 0.0
    for part in ("down_blocks", "up_blocks"):
        blocks = list(unet.get_submodule(part).children())
        for place, block in enumerate(blocks):
            share = 1 - place / len(blocks) if part == "down_blocks" else place / len(blocks)
            attentions = getattr(block, "attentions", None)
            layers = attentions if isinstance(attentions, nn.ModuleList) else block.get_submodule("resnets")
            for number, layer in enumerate(layers.children()):
                yield f"{part}.{place}.{number}", layer, share


def add_noise(latent: Tensor, noise: Tensor, alphas_cumprod: Tensor, timestep: Tensor) -> Tensor:
    """A clean latent (N, C, h, w) as the U-Net would see it at fractional timesteps (N,)."""
    place = timestep.float().cpu().clamp(0, len(alphas_cumprod) - 1)
    low = place.floor().long()
    high = (low + 1).clamp(max=len(alphas_cumprod) - 1)
    alphas = torch.lerp(alphas_cumprod.float()[low], alphas_cumprod.float()[high], place - low)
    alpha = alphas.view(-1, 1, 1, 1).to(latent)
    return latent * alpha.sqrt() + noise * (1 - alpha).sqrt()
