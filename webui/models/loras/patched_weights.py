"""The weights of a model that LoRAs change, with the originals kept as they came from the file.

An original is not copied: the changed weight takes its place in the layer, and later the original goes back,
the same tensor. Where the device is not the processor, originals wait in the processor's memory. Packed
layers (packed_layers.py) keep their weight and are told what to do to it when they pack it for their next
call.
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import torch
from torch import nn

from webui.diffusion.adapters.weight_changes import WeightChange, changed_weight
from webui.models.cpu.packed_layers import PackedConv2d, PackedLinear
from webui.models.cpu.precision import one_thread

KERNEL_AXES = 4


@dataclass(frozen=True, slots=True)
class Slot:
    """The weight or bias of a layer, and the format its network computes in."""

    layer: nn.Module
    name: str
    dtype: torch.dtype


# Changes with their strengths, in order.
Recipe = tuple[tuple[WeightChange, float], ...]


@dataclass(frozen=True, slots=True, eq=False)
class PackedChange:
    """A recipe as a packed layer takes it."""

    recipe: Recipe

    def __call__(self, weight: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        """The changed weight in `dtype`; a convolution's is channels last."""
        order = torch.channels_last if weight.ndim == KERNEL_AXES else torch.contiguous_format
        into = torch.empty(weight.shape, dtype=dtype, memory_format=order)
        return changed_weight(weight, self.recipe, dtype, into)


class PatchedWeights:
    """Puts changed weights in place and takes them away; only what is asked for anew is computed."""

    def __init__(self, device: torch.device | None = None) -> None:
        """Nothing is changed yet. Changes are computed on `device`, by default where the weights are."""
        self._device = device
        self._originals: dict[Slot, nn.Parameter | None] = {}
        self._recipes: dict[Slot, Recipe] = {}
        self._is_widened = False

    @property
    def slots(self) -> frozenset[Slot]:
        """What is changed now."""
        return frozenset(self._recipes)

    def use(self, wanted: Mapping[Slot, Recipe]) -> int:
        """Change just these, by these recipes; returns for how many tensors that was something new."""
        for slot in [slot for slot in self._recipes if slot not in wanted]:
            self._restore(slot)
        changed = {slot: recipe for slot, recipe in wanted.items() if self._recipes.get(slot) != recipe}
        computed: dict[Slot, Recipe] = {}
        for slot, recipe in changed.items():
            layer = packed_layer(slot)
            if layer is None:
                self._keep(slot)
                computed[slot] = recipe
            else:
                layer.change = PackedChange(recipe)
                self._recipes[slot] = recipe
        self._compute(computed)
        return len(changed)

    def _compute(self, recipes: Mapping[Slot, Recipe]) -> None:
        """Put changed weights into layers that are not packed."""
        workers = min(torch.get_num_threads(), len(recipes))
        if workers > 1 and all(slot.layer.get_parameter("weight").is_cpu for slot in recipes):
            # Whole tensors at once, a thread each: many small steps that all threads share would have them
            # wait for each other, for ever if something else has a core.
            with one_thread(), ThreadPoolExecutor(workers) as pool:
                list(pool.map(self._change, recipes, recipes.values()))
        else:
            for slot, recipe in recipes.items():
                self._change(slot, recipe)

    def widen(self) -> None:
        """The network went to 32 bits: the originals have to follow."""
        if not self._is_widened:
            self._is_widened = True
            self._originals = {
                slot: None if original is None else freeze(original.float())
                for slot, original in self._originals.items()
            }

    def _keep(self, slot: Slot) -> None:
        if slot not in self._originals:
            current = getattr(slot.layer, slot.name)
            # On the processor this is the parameter itself.
            self._originals[slot] = None if current is None else freeze(current.cpu())

    @torch.no_grad()
    def _change(self, slot: Slot, recipe: Recipe) -> None:
        weight = slot.layer.get_parameter("weight")
        original = self._originals[slot]
        # A layer without bias gets one, of as many numbers as it has outputs.
        base = torch.zeros(weight.shape[0]) if original is None else original.detach()
        # A weight that waits in the processor's memory is computed on the device all the same: it is faster,
        # and the numbers are those that they are there.
        device = self._device or weight.device
        dtype = torch.float32 if self._is_widened else slot.dtype
        into = getattr(slot.layer, slot.name).detach() if slot in self._recipes else None
        if into is not None and (into.dtype, into.device.type) == (dtype, device.type):
            # What is there was changed before: its memory is used again.
            changed_weight(base.to(device), recipe, dtype, into)
        else:
            changed = changed_weight(base.to(device), recipe, dtype).to(weight.device)
            setattr(slot.layer, slot.name, freeze(changed))
        self._recipes[slot] = recipe

    def _restore(self, slot: Slot) -> None:
        del self._recipes[slot]
        if (layer := packed_layer(slot)) is not None:
            layer.change = None
            return
        original = self._originals.pop(slot)
        device = slot.layer.get_parameter("weight").device
        setattr(slot.layer, slot.name, None if original is None else freeze(original.to(device)))


def packed_layer(slot: Slot) -> PackedLinear | PackedConv2d | None:
    """The layer of a weight that is changed where it is packed."""
    layer = slot.layer
    return layer if slot.name == "weight" and isinstance(layer, PackedLinear | PackedConv2d) else None


def freeze(tensor: torch.Tensor) -> nn.Parameter:
    """A weight that is not trained; a parameter on its device stays the same."""
    return tensor if isinstance(tensor, nn.Parameter) else nn.Parameter(tensor, requires_grad=False)
