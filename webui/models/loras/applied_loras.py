"""What LoRAs change in one loaded checkpoint."""

from collections import OrderedDict
from collections.abc import Hashable, Sequence

import torch

from webui.core.model_file import ModelFile
from webui.diffusion.text_encoder import TextEncoder
from webui.models.loras.lora import TEXT, Layer, Lora, WeightedLora, layer_names, load_lora, recipes
from webui.models.loras.lora_keys import LayerNames
from webui.models.loras.patched_weights import PatchedWeights
from webui.models.unet import UNet

# LoRAs that stay matched after their use; their tensors are mapped, not copied.
KEPT_LORAS = 8


class NetworksInUse:
    """The LoRAs on a checkpoint's network and text encoders, as they are until others are asked for."""

    def __init__(
        self,
        network: UNet,
        text_encoder: TextEncoder,
        text_dtype: torch.dtype,
        device: torch.device | None = None,
    ) -> None:
        """None yet. Changes are computed on `device`, by default where the weights are."""
        self.patches = PatchedWeights(device)
        self._network, self._text_encoder, self._text_dtype = network, text_encoder, text_dtype
        self._in_use: tuple[WeightedLora, ...] = ()
        self._kept: OrderedDict[Hashable, Lora] = OrderedDict()
        self._names: LayerNames[Layer] | None = None

    @property
    def network(self) -> UNet:
        """What they change, beside the text encoders."""
        return self._network

    @property
    def in_use(self) -> tuple[WeightedLora, ...]:
        """What is applied now."""
        return self._in_use

    @property
    def text_key(self) -> Hashable:
        """What decides the changes to the text encoders."""
        return tuple(
            (file_key(each.lora.file), each.text_weight, each.rank, dict(each.layers).get(TEXT))
            for each in self._in_use
            if each.text_weight and each.lora.has_text
        )

    def lora(self, file: ModelFile) -> Lora:
        """A LoRA matched to the checkpoint. Raises UnusableFile."""
        if self._names is None:
            self._names = layer_names(self._network, self._text_encoder, self._text_dtype)
        key = file_key(file)
        if key not in self._kept:
            self._kept[key] = load_lora(file, self._names)
        self._kept.move_to_end(key)
        return self._kept[key]

    def use(self, loras: Sequence[WeightedLora]) -> int:
        """Apply just these; returns how many tensors had to be computed."""
        if self._network.fell_back:
            self.patches.widen()
        # Equal LoRAs with equal weights leave nothing to do, and nothing is looked at.
        if (wanted := tuple(loras)) == self._in_use:
            return 0
        computed = self.patches.use(recipes(wanted))
        self._in_use = wanted
        used = {file_key(each.lora.file) for each in wanted}
        for key in [key for key in self._kept if key not in used][: max(len(self._kept) - KEPT_LORAS, 0)]:
            del self._kept[key]
        return computed


def file_key(file: ModelFile) -> tuple[Hashable, ...]:
    """A file as it is now."""
    return (file.path, file.size, file.mtime_ns)
